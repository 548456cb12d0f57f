/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trust.h"

#include "common/xalloc.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where systems keep them: Debian and Alpine, Fedora, openSUSE, OpenWrt and the BSDs. */
static const char *const system_files[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

struct authority {
    uint64_t subject;   /* hash of its name; two of the same cost a needless unpacking */
    gnutls_datum_t der; /* NULL: unpacked, it is in the list */
};

struct trusted {
    struct trusted *next;
    char *path;
    struct stat state; /* when it was read */
    gnutls_x509_trust_list_t list;
    struct authority *authorities;
    size_t n_authorities;
};

struct trust {
    struct trusted *files;
};

static const char *system_file(void)
{
    size_t last = sizeof system_files / sizeof system_files[0] - 1;
    for (size_t i = 0; i < last; i++) {
        if (access(system_files[i], R_OK) == 0) {
            return system_files[i];
        }
    }
    return system_files[last];
}

/* FNV-1a */
static uint64_t hash(const gnutls_datum_t *bytes)
{
    uint64_t value = 14695981039346656037U;
    for (unsigned i = 0; i < bytes->size; i++) {
        value = (value ^ bytes->data[i]) * 1099511628211U;
    }
    return value;
}

/* Of a name as it is written in a certificate, which is how GnuTLS compares them. 0: it has none.
 */
static uint64_t name_of(gnutls_x509_crt_t certificate,
                        int (*get)(gnutls_x509_crt_t certificate, gnutls_datum_t *name))
{
    gnutls_datum_t name = {0};
    uint64_t value = get(certificate, &name) == 0 ? hash(&name) : 0;
    gnutls_free(name.data);
    return value;
}

/* --- reading --- */

static void add(struct trusted *trusted, const gnutls_datum_t *der)
{
    gnutls_x509_crt_t certificate;
    if (gnutls_x509_crt_init(&certificate) < 0) {
        return;
    }
    if (gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) == 0) {
        trusted->authorities = xreallocarray(trusted->authorities, trusted->n_authorities + 1,
                                             sizeof trusted->authorities[0]);
        struct authority *authority = &trusted->authorities[trusted->n_authorities++];
        authority->subject = name_of(certificate, gnutls_x509_crt_get_raw_dn);
        authority->der.size = der->size;
        authority->der.data = xcalloc(1, der->size);
        memcpy(authority->der.data, der->data, der->size);
    }
    gnutls_x509_crt_deinit(certificate);
}

/* Every "CERTIFICATE" of a PEM file; others, and what cannot be read, are left out. */
static void add_all(struct trusted *trusted, const char *text)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    static const char end[] = "-----END CERTIFICATE-----";
    const char *at = text;
    while ((at = strstr(at, begin)) != NULL) {
        const char *stop = strstr(at, end);
        if (stop == NULL) {
            return;
        }
        const gnutls_datum_t block = {(unsigned char *)at,
                                      (unsigned)(stop - at) + (unsigned)sizeof end - 1};
        gnutls_datum_t der;
        if (gnutls_pem_base64_decode2("CERTIFICATE", &block, &der) == 0) {
            add(trusted, &der);
            gnutls_free(der.data);
        }
        at = stop;
    }
}

static void forget(struct trusted *trusted)
{
    if (trusted->list != NULL) {
        gnutls_x509_trust_list_deinit(trusted->list, 1);
    }
    for (size_t i = 0; i < trusted->n_authorities; i++) {
        free(trusted->authorities[i].der.data);
    }
    free(trusted->authorities);
    trusted->list = NULL;
    trusted->authorities = NULL;
    trusted->n_authorities = 0;
}

/* Leaves what was before when the file holds none. */
static void read_file(struct trusted *trusted)
{
    gnutls_datum_t text;
    struct trusted fresh = {0};
    if (gnutls_load_file(trusted->path, &text) < 0) {
        return;
    }
    add_all(&fresh, (const char *)text.data); /* it ends with a NUL */
    gnutls_free(text.data);
    if (fresh.n_authorities == 0 || gnutls_x509_trust_list_init(&fresh.list, 0) < 0) {
        forget(&fresh);
        return;
    }
    forget(trusted);
    trusted->list = fresh.list;
    trusted->authorities = fresh.authorities;
    trusted->n_authorities = fresh.n_authorities;
}

static struct trusted *find(struct trust *trust, const char *path)
{
    struct trusted *trusted = trust->files;
    while (trusted != NULL && strcmp(trusted->path, path) != 0) {
        trusted = trusted->next;
    }
    if (trusted == NULL) {
        trusted = xcalloc(1, sizeof *trusted);
        trusted->path = xstrdup(path);
        trusted->next = trust->files;
        trust->files = trusted;
    }
    return trusted;
}

static bool has_changed(const struct stat *before, const struct stat *now)
{
    return before->st_dev != now->st_dev || before->st_ino != now->st_ino ||
           before->st_size != now->st_size || before->st_mtim.tv_sec != now->st_mtim.tv_sec ||
           before->st_mtim.tv_nsec != now->st_mtim.tv_nsec;
}

struct trust *trust_new(void)
{
    return xcalloc(1, sizeof(struct trust));
}

void trust_free(struct trust *trust)
{
    while (trust != NULL && trust->files != NULL) {
        struct trusted *trusted = trust->files;
        trust->files = trusted->next;
        forget(trusted);
        free(trusted->path);
        free(trusted);
    }
    free(trust);
}

struct trusted *trust_of(struct trust *trust, const char *path)
{
    struct stat state;
    struct trusted *trusted = find(trust, path != NULL ? path : system_file());
    if (stat(trusted->path, &state) == 0 &&
        (trusted->list == NULL || has_changed(&trusted->state, &state))) {
        trusted->state = state;
        read_file(trusted);
    }
    return trusted->list != NULL ? trusted : NULL;
}

/* --- unpacking --- */

static void unpack(struct trusted *trusted, struct authority *authority)
{
    gnutls_x509_crt_t certificate;
    if (gnutls_x509_crt_init(&certificate) < 0) {
        return; /* it stays packed for the next time */
    }
    if (gnutls_x509_crt_import(certificate, &authority->der, GNUTLS_X509_FMT_DER) < 0 ||
        gnutls_x509_trust_list_add_cas(trusted->list, &certificate, 1, 0) != 1) {
        gnutls_x509_crt_deinit(certificate);
        return;
    }
    free(authority->der.data); /* the list holds the certificate now */
    authority->der.data = NULL;
}

static void unpack_named(struct trusted *trusted, uint64_t name)
{
    for (size_t i = 0; i < trusted->n_authorities; i++) {
        struct authority *authority = &trusted->authorities[i];
        if (authority->subject == name && authority->der.data != NULL) {
            unpack(trusted, authority);
        }
    }
}

gnutls_x509_trust_list_t trusted_for(struct trusted *trusted, const gnutls_x509_crt_t *certificates,
                                     unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unpack_named(trusted, name_of(certificates[i], gnutls_x509_crt_get_raw_issuer_dn));
        unpack_named(trusted, name_of(certificates[i], gnutls_x509_crt_get_raw_dn));
    }
    return trusted->list;
}
