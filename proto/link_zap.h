/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ZAP (ZeroMQ RFC 27), the collector's doorman: libzmq asks it about every CURVE handshake over
 * inproc. The user id that it answers is the proven public key in hex, which libzmq then attaches
 * to every message of that connection.
 *
 * Pure, but for link_zap_answer. */
#ifndef PROTO_LINK_ZAP_H
#define PROTO_LINK_ZAP_H

#include "link_socket.h"
#include "proto/keys.h"

#define LINK_ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define LINK_ZAP_DOMAIN   "beffroi"

enum {
    LINK_USER_ID_SIZE = 2 * KEYS_CURVE_SIZE + 1, /* hex and NUL */
    LINK_ADDRESS_SIZE = 64,                      /* an IPv6 address with its zone, and NUL */
};

struct link_part {
    const void *bytes;
    size_t size;
};

enum link_zap_form { LINK_ZAP_CURVE, LINK_ZAP_OTHER_MECHANISM, LINK_ZAP_MALFORMED };

struct link_zap_request {
    struct link_part id; /* points into the parts */
    char address[LINK_ADDRESS_SIZE];
    uint8_t key[KEYS_CURVE_SIZE]; /* of LINK_ZAP_CURVE */
};

/* Reads the parts of a request, version first, without the delimiter. Every form fills the id and
 * the address as far as they are there. */
enum link_zap_form link_zap_read(const struct link_part *parts, size_t n_parts,
                                 struct link_zap_request *request);
/* Cleans an address for the log: no "::ffff:" before an IPv4 one, and only what addresses hold. */
void link_zap_copy_address(const void *bytes, size_t size, char address[LINK_ADDRESS_SIZE]);

void link_zap_write_user_id(const uint8_t key[KEYS_CURVE_SIZE], char user_id[LINK_USER_ID_SIZE]);
int link_zap_read_user_id(const char *user_id, uint8_t key[KEYS_CURVE_SIZE]); /* 0 or -EINVAL */

/* The reply: 200 with the key as user id, 400 (refused for good) or 500. 0 or -errno. */
int link_zap_answer(struct link_socket *sock, const struct link_zap_request *request, int status);

#endif
