/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whom a certificate may come from: the system's authorities and those of configured files. Read
 * into GnuTLS, the system's 140 would take 4 MB of memory and 25 ms; so each file is read once for
 * all checks, and again only when it has changed, and only those that are asked for stay unpacked.
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_TRUST_H
#define CHECKS_TRUST_H

#include <gnutls/x509.h>

struct trust;
struct trusted; /* the authorities of one file */

struct trust *trust_new(void);
/* NULL is allowed. */
void trust_free(struct trust *trust);

/* The authorities of a file (PEM; NULL: the system's), which may be others after the next call for
 * the same file. Blocks while the file is read. A file that can be read no more leaves what it said
 * before. NULL: it never could, or holds no certificate. */
struct trusted *trust_of(struct trust *trust, const char *file);

/* At least those that may have signed one of the certificates, or are one of them: enough to verify
 * them. Good until the next trust_of for the same file. */
gnutls_x509_trust_list_t trusted_for(struct trusted *trusted, const gnutls_x509_crt_t *certificates,
                                     unsigned n);

#endif
