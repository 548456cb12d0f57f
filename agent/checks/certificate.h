/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who answered a TLS handshake, and may we believe it? What the types http and tls say of a
 * server's certificate (RFC 5280, RFC 6125) and protocol.
 *
 * Threads: no state. */
#ifndef CHECKS_CERTIFICATE_H
#define CHECKS_CERTIFICATE_H

#include "common/clock.h"
#include "proto/model.h"
#include "trust.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>

enum { CERTIFICATE_CHAIN_MAX = 16 }; /* longer ones are not looked at: "tls-chain" */

struct certificate_verdict {
    double version;         /* of the protocol: 1.2, 1.3 */
    bool is_read;           /* there was a certificate that can be read: what follows is known */
    double days_left;       /* of the server's own; negative: ended */
    double chain_days_left; /* of the one that ends first from it up to the authority */
    /* NULL: good. A constant, the first of: "tls-chain" (nobody who is trusted vouches for it, or
     * not for a server, or not with a signature that is good today), "tls-expired" (one of the
     * chain has ended, or has not begun), "tls-name" (it is another's), "tls-protocol" (older than
     * `tls_min`). */
    const char *reason;
    char detail[PROTO_DETAIL_MAX + 1];
};

/* Of a session whose handshake is done. `name`: a host name, or an address in text. `tls_min`: enum
 * check_tls_version. */
void certificate_judge(gnutls_session_t session, struct trusted *trusted, const char *name,
                       int tls_min, struct wall now, struct certificate_verdict *verdict);

#endif
