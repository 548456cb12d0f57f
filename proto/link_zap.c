/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "link_zap.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* The parts of a request in their order (RFC 27); the credentials follow. */
enum { VERSION, REQUEST_ID, DOMAIN, ADDRESS, ROUTING_ID, MECHANISM, CREDENTIALS };

static bool part_is(const struct link_part *part, const char *text)
{
    return part->size == strlen(text) && memcmp(part->bytes, text, part->size) == 0;
}

void link_zap_copy_address(const void *bytes, size_t size, char address[LINK_ADDRESS_SIZE])
{
    static const char mapped[] = "::ffff:";
    const char *from = bytes;
    size_t skip = sizeof mapped - 1;
    if (size > skip && memcmp(from, mapped, skip) == 0 && memchr(from, '.', size) != NULL) {
        from += skip;
        size -= skip;
    }
    size_t used = 0;
    for (size_t i = 0; i < size && used < LINK_ADDRESS_SIZE - 1; i++) {
        unsigned char c = (unsigned char)from[i];
        if (isalnum(c) || (c != '\0' && strchr(".:%-_", c) != NULL)) {
            address[used++] = (char)c;
        }
    }
    address[used] = '\0';
    if (used == 0) {
        (void)snprintf(address, LINK_ADDRESS_SIZE, "unknown"); /* ipc: has none */
    }
}

enum link_zap_form link_zap_read(const struct link_part *parts, size_t n_parts,
                                 struct link_zap_request *request)
{
    memset(request, 0, sizeof *request);
    link_zap_copy_address(NULL, 0, request->address);
    if (n_parts > REQUEST_ID) {
        request->id = parts[REQUEST_ID];
    }
    if (n_parts > ADDRESS) {
        link_zap_copy_address(parts[ADDRESS].bytes, parts[ADDRESS].size, request->address);
    }
    if (n_parts <= MECHANISM || !part_is(&parts[VERSION], "1.0") ||
        !part_is(&parts[DOMAIN], LINK_ZAP_DOMAIN)) {
        return LINK_ZAP_MALFORMED;
    }
    if (!part_is(&parts[MECHANISM], "CURVE")) {
        return LINK_ZAP_OTHER_MECHANISM;
    }
    if (n_parts != CREDENTIALS + 1 || parts[CREDENTIALS].size != sizeof request->key) {
        return LINK_ZAP_MALFORMED;
    }
    memcpy(request->key, parts[CREDENTIALS].bytes, sizeof request->key);
    return LINK_ZAP_CURVE;
}

void link_zap_write_user_id(const uint8_t key[KEYS_CURVE_SIZE], char user_id[LINK_USER_ID_SIZE])
{
    sodium_bin2hex(user_id, LINK_USER_ID_SIZE, key, KEYS_CURVE_SIZE);
}

int link_zap_read_user_id(const char *user_id, uint8_t key[KEYS_CURVE_SIZE])
{
    size_t size = 0;
    int rc = sodium_hex2bin(key, KEYS_CURVE_SIZE, user_id, strlen(user_id), NULL, &size, NULL);
    return rc == 0 && size == KEYS_CURVE_SIZE ? 0 : -EINVAL;
}

int link_zap_answer(struct link_socket *sock, const struct link_zap_request *request, int status)
{
    char code[4];
    char user_id[LINK_USER_ID_SIZE] = "";
    (void)snprintf(code, sizeof code, "%03u", (unsigned)status % 1000U);
    if (status == 200) {
        link_zap_write_user_id(request->key, user_id);
    }
    const char *text = status == 200 ? "OK" : "refused";
    const struct link_part reply[] = {
        {"1.0", 3}, request->id, {code, 3}, {text, strlen(text)}, {user_id, strlen(user_id)},
        {"", 0}, /* no metadata of ours */
    };
    size_t n = sizeof reply / sizeof reply[0];
    for (size_t i = 0; i < n; i++) {
        int more = i + 1 < n ? ZMQ_SNDMORE : 0;
        if (zmq_send(link_socket_zmq(sock), reply[i].bytes, reply[i].size, more | ZMQ_DONTWAIT) <
            0) {
            return link_socket_error();
        }
    }
    return 0;
}
