/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certificate.h"

#include "checks/config.h"

#include <stdio.h>
#include <string.h>

/* As the server sent it: its own first. */
struct chain {
    gnutls_x509_crt_t certificates[CERTIFICATE_CHAIN_MAX];
    unsigned count;
};

static void free_chain(struct chain *chain)
{
    for (unsigned i = 0; i < chain->count; i++) {
        gnutls_x509_crt_deinit(chain->certificates[i]);
    }
}

/* Why not; NULL: it was read. */
static const char *read_chain(gnutls_session_t session, struct chain *chain)
{
    unsigned count = 0;
    const gnutls_datum_t *sent = gnutls_certificate_type_get(session) == GNUTLS_CRT_X509
                                     ? gnutls_certificate_get_peers(session, &count)
                                     : NULL;
    chain->count = 0;
    if (sent == NULL || count == 0) {
        return "the server showed no certificate";
    }
    if (count > CERTIFICATE_CHAIN_MAX) {
        return "the server showed more than 16 certificates";
    }
    while (chain->count < count) {
        gnutls_x509_crt_t *at = &chain->certificates[chain->count];
        if (gnutls_x509_crt_init(at) < 0) {
            return "no memory for a certificate";
        }
        chain->count++;
        if (gnutls_x509_crt_import(*at, &sent[chain->count - 1], GNUTLS_X509_FMT_DER) < 0) {
            return "the server showed a certificate that cannot be read";
        }
    }
    return NULL;
}

static double days_left(gnutls_x509_crt_t certificate, struct wall now)
{
    time_t end = gnutls_x509_crt_get_expiration_time(certificate);
    return ((double)end - (double)now.ms / 1e3) / 86400;
}

static double earlier(double a, double b)
{
    return a < b ? a : b;
}

/* Of those from the server's own up to the first that a trusted one signed, and that one; what else
 * was sent along does not count. */
static double chain_days_left(const struct chain *chain, gnutls_x509_trust_list_t trusted,
                              struct wall now)
{
    unsigned used = 0; /* bit: certificate */
    unsigned at = 0;
    double days = days_left(chain->certificates[0], now);
    while (at < chain->count) {
        gnutls_x509_crt_t authority;
        used |= 1U << at;
        if (gnutls_x509_trust_list_get_issuer(trusted, chain->certificates[at], &authority, 0) ==
            0) {
            return earlier(days, days_left(authority, now));
        }
        unsigned next = 0;
        while (next < chain->count &&
               ((used >> next & 1) != 0 ||
                gnutls_x509_crt_check_issuer(chain->certificates[at], chain->certificates[next]) ==
                    0)) {
            next++;
        }
        at = next;
        if (at < chain->count) {
            days = earlier(days, days_left(chain->certificates[at], now));
        }
    }
    return days;
}

static void set_reason(struct certificate_verdict *verdict, const char *reason, const char *detail)
{
    verdict->reason = reason;
    (void)snprintf(verdict->detail, sizeof verdict->detail, "%s", detail);
}

static void explain_dates(const struct chain *chain, struct wall now,
                          struct certificate_verdict *verdict)
{
    bool is_own = verdict->days_left < 0;
    verdict->reason = "tls-expired";
    if (gnutls_x509_crt_get_activation_time(chain->certificates[0]) > now.ms / 1000) {
        set_reason(verdict, verdict->reason, "the certificate is not valid yet");
    } else if (verdict->chain_days_left < 0) {
        (void)snprintf(verdict->detail, sizeof verdict->detail, "the %s ended %.1f days ago",
                       is_own ? "certificate" : "certificate of an issuer",
                       -(is_own ? verdict->days_left : verdict->chain_days_left));
    } else {
        set_reason(verdict, verdict->reason, "a certificate of the chain has ended or not begun");
    }
}

/* The gravest of what the verification found. */
static void explain(unsigned status, const struct chain *chain, const char *name, struct wall now,
                    struct certificate_verdict *verdict)
{
    static const struct {
        unsigned bit;
        const char *detail;
    } faults[] = {
        {GNUTLS_CERT_SIGNER_NOT_FOUND, "nobody who is trusted signed the certificate"},
        {GNUTLS_CERT_REVOKED, "the certificate was revoked"},
        {GNUTLS_CERT_SIGNATURE_FAILURE, "a signature of the chain is wrong"},
        {GNUTLS_CERT_SIGNER_NOT_CA, "a certificate of the chain may not sign others"},
        {GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, "an issuer may not sign for this name"},
        {GNUTLS_CERT_PURPOSE_MISMATCH, "the certificate is not one for servers"},
        {GNUTLS_CERT_INSECURE_ALGORITHM,
         "the chain is signed with an algorithm that is not secure"},
    };
    const unsigned dates = GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if ((status & faults[i].bit) != 0) {
            set_reason(verdict, "tls-chain", faults[i].detail);
            return;
        }
    }
    if ((status & dates) != 0) {
        explain_dates(chain, now, verdict);
    } else if ((status & GNUTLS_CERT_UNEXPECTED_OWNER) != 0) {
        verdict->reason = "tls-name";
        (void)snprintf(verdict->detail, sizeof verdict->detail, "the certificate is not for %s",
                       name);
    } else {
        set_reason(verdict, "tls-chain", "the certificate is not valid");
    }
}

static void verify(const struct chain *chain, gnutls_x509_trust_list_t trusted, const char *name,
                   struct wall now, struct certificate_verdict *verdict)
{
    unsigned status = 0;
    gnutls_typed_vdata_st wanted[] = {
        {.type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)name, .size = 0},
        {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER},
    };
    int rc = gnutls_x509_trust_list_verify_crt2(
        trusted, (gnutls_x509_crt_t *)chain->certificates, chain->count, wanted, 2,
        GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_LOW), &status, NULL);
    if (rc < 0) {
        set_reason(verdict, "tls-chain", "the chain cannot be verified");
    } else if (status != 0) {
        explain(status, chain, name, now, verdict);
    }
}

/* In the order of age, as GnuTLS numbers them. */
static const struct {
    gnutls_protocol_t protocol;
    double version;
} protocols[] = {
    {GNUTLS_TLS1_0, 1.0},
    {GNUTLS_TLS1_1, 1.1},
    {GNUTLS_TLS1_2, 1.2},
    {GNUTLS_TLS1_3, 1.3},
};

static void judge_protocol(gnutls_session_t session, int tls_min,
                           struct certificate_verdict *verdict)
{
    static const double wanted[] = {
        [CHECK_TLS_ANY] = 0, [CHECK_TLS_1_2] = 1.2, [CHECK_TLS_1_3] = 1.3};
    gnutls_protocol_t spoken = gnutls_protocol_get_version(session);
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        if (protocols[i].protocol == spoken) {
            verdict->version = protocols[i].version;
        }
    }
    if (verdict->version < wanted[tls_min]) {
        verdict->reason = "tls-protocol";
        (void)snprintf(verdict->detail, sizeof verdict->detail, "got TLS %.1f, expected %.1f",
                       verdict->version, wanted[tls_min]);
    }
}

void certificate_judge(gnutls_session_t session, struct trusted *trusted, const char *name,
                       int tls_min, struct wall now, struct certificate_verdict *verdict)
{
    struct chain chain;
    memset(verdict, 0, sizeof *verdict);
    judge_protocol(session, tls_min, verdict); /* what follows outweighs it */
    const char *fault = read_chain(session, &chain);
    if (fault != NULL) {
        set_reason(verdict, "tls-chain", fault);
    } else {
        gnutls_x509_trust_list_t authorities =
            trusted_for(trusted, chain.certificates, chain.count);
        verdict->is_read = true;
        verdict->days_left = days_left(chain.certificates[0], now);
        verdict->chain_days_left = chain_days_left(&chain, authorities, now);
        verify(&chain, authorities, name, now, verdict);
    }
    free_chain(&chain);
}
