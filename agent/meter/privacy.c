/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/privacy.h"

#include "common/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DAY_S = 86400,
    KEY_SIZE = crypto_generichash_KEYBYTES,
    V4_BITS = 96,   /* of the prefix that makes an IPv4 address 16 bytes long */
    V4_PREFIX = 24, /* what is told of an IPv4 address: some 250 neighbours share it */
    V6_PREFIX = 48, /* one customer's site, as a rule */
};

struct privacy {
    enum privacy_mode mode;
    size_t n_own;
    struct privacy_range *own;
    uint8_t *key; /* of KEY_SIZE, in memory that is locked and wiped; NULL: the mode needs none */
    int64_t day;  /* since 1970, of the key */
    bool has_key;
    pthread_mutex_t mutex; /* of the key and its day */
};

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_v4(const uint8_t address[16])
{
    return memcmp(address, v4_mapped, sizeof v4_mapped) == 0;
}

/* --- ranges --- */

static void clear_host(uint8_t address[16], unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = bits <= i * 8 ? 0 : bits - i * 8;
        if (kept < 8) {
            address[i] &= (uint8_t)(0xff00 >> kept);
        }
    }
}

static int parse_address(const char *text, size_t size, struct privacy_range *range)
{
    char address[INET6_ADDRSTRLEN];
    if (size == 0 || size >= sizeof address) {
        return -EINVAL;
    }
    memcpy(address, text, size);
    address[size] = '\0';
    memcpy(range->address, v4_mapped, sizeof v4_mapped);
    if (inet_pton(AF_INET, address, range->address + sizeof v4_mapped) == 1) {
        range->bits = V4_BITS;
        return 0;
    }
    range->bits = 0;
    return inet_pton(AF_INET6, address, range->address) == 1 ? 0 : -EINVAL;
}

int privacy_range_parse(const char *text, struct privacy_range *range, char *reason,
                        size_t reason_size)
{
    const char *slash = strchr(text, '/');
    size_t size = slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (parse_address(text, size, range) != 0) {
        (void)snprintf(reason, reason_size,
                       "is no IPv4 or IPv6 range, such as 192.0.2.0/24 or 2001:db8::/32");
        return -EINVAL;
    }
    unsigned long most = 128UL - range->bits;
    unsigned long bits = most;
    if (slash != NULL) {
        char *end;
        bits = strtoul(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > most) {
            (void)snprintf(reason, reason_size, "has a prefix length that is not 0 to %lu", most);
            return -EINVAL;
        }
    }
    range->bits = (uint8_t)(range->bits + bits);
    uint8_t network[16];
    memcpy(network, range->address, sizeof network);
    clear_host(network, range->bits);
    if (memcmp(network, range->address, sizeof network) != 0) {
        (void)snprintf(reason, reason_size, "has bits set behind its prefix of /%lu", bits);
        return -EINVAL;
    }
    return 0;
}

static bool is_in(const struct privacy_range *range, const uint8_t address[16])
{
    uint8_t network[16];
    memcpy(network, address, sizeof network);
    clear_host(network, range->bits);
    return memcmp(network, range->address, sizeof network) == 0;
}

bool privacy_is_own(const struct privacy *privacy, const uint8_t address[16])
{
    for (size_t i = 0; i < privacy->n_own; i++) {
        if (is_in(&privacy->own[i], address)) {
            return true;
        }
    }
    return false;
}

/* --- keys --- */

struct privacy *privacy_new(enum privacy_mode mode, const struct privacy_range *own, size_t n_own)
{
    struct privacy *privacy = xcalloc(1, sizeof *privacy);
    privacy->mode = mode;
    if (n_own > 0) {
        privacy->own = xmemdup(own, n_own * sizeof *own);
        privacy->n_own = n_own;
    }
    (void)pthread_mutex_init(&privacy->mutex, NULL); /* always 0 */
    if (mode == PRIVACY_HASH) {
        privacy->key = sodium_init() < 0 ? NULL : sodium_malloc(KEY_SIZE);
        if (privacy->key == NULL) {
            (void)fputs("no locked memory for a key\n", stderr);
            abort(); /* as xmalloc does: it is one page */
        }
    }
    return privacy;
}

void privacy_free(struct privacy *privacy)
{
    if (privacy == NULL) {
        return;
    }
    sodium_free(privacy->key);                    /* wipes it; allows NULL */
    (void)pthread_mutex_destroy(&privacy->mutex); /* nobody holds it */
    free(privacy->own);
    free(privacy);
}

/* Nobody's address, but a meaning: multicast, broadcast, loopback, unspecified. */
static bool is_nobodys(const uint8_t address[16])
{
    static const uint8_t none[16];
    static const uint8_t loopback[16] = {[15] = 1};
    static const uint8_t broadcast[4] = {255, 255, 255, 255};
    const uint8_t *v4 = address + sizeof v4_mapped;
    if (is_v4(address)) {
        return v4[0] >> 4 == 14 || v4[0] == 127 || memcmp(v4, none, 4) == 0 ||
               memcmp(v4, broadcast, sizeof broadcast) == 0;
    }
    return address[0] == 0xff || memcmp(address, none, sizeof none) == 0 ||
           memcmp(address, loopback, sizeof loopback) == 0;
}

static void hash_address(struct privacy *privacy, int64_t time_s, const uint8_t address[16],
                         struct talker_key *key)
{
    int64_t day = time_s / DAY_S;
    (void)pthread_mutex_lock(&privacy->mutex);     /* a plain mutex: cannot fail */
    if (!privacy->has_key || day > privacy->day) { /* a clock that steps back changes nothing */
        randombytes_buf(privacy->key, KEY_SIZE);   /* over the old one */
        privacy->day = day;
        privacy->has_key = true;
    }
    key->kind = TALKER_HASH;
    (void)crypto_generichash(key->bytes, sizeof key->bytes, address, 16, privacy->key,
                             KEY_SIZE); /* the sizes are right */
    (void)pthread_mutex_unlock(&privacy->mutex);
}

void privacy_prefix(const uint8_t address[16], struct talker_key *key)
{
    key->kind = TALKER_PREFIX;
    memcpy(key->bytes, address, sizeof key->bytes);
    if (is_v4(address)) {
        key->bytes[15] = 0;
    } else {
        memset(key->bytes + V6_PREFIX / 8, 0, sizeof key->bytes - V6_PREFIX / 8);
    }
}

void privacy_key(struct privacy *privacy, int64_t time_s, const uint8_t address[16],
                 struct talker_key *key)
{
    if (privacy->mode == PRIVACY_FULL || is_nobodys(address) || privacy_is_own(privacy, address)) {
        key->kind = TALKER_ADDRESS;
        memcpy(key->bytes, address, sizeof key->bytes);
    } else if (privacy->mode == PRIVACY_HASH) {
        hash_address(privacy, time_s, address, key);
    } else {
        privacy_prefix(address, key);
    }
}

/* --- text --- */

static void print_service(const uint8_t bytes[16], char text[PRIVACY_TEXT_MAX])
{
    static const struct {
        uint8_t protocol;
        bool has_ports;
        const char *name;
    } protocols[] = {
        {IPPROTO_TCP, true, "tcp"},       {IPPROTO_UDP, true, "udp"},
        {IPPROTO_SCTP, true, "sctp"},     {IPPROTO_ICMP, false, "icmp"},
        {IPPROTO_ICMPV6, false, "icmp6"}, {IPPROTO_IGMP, false, "igmp"},
        {IPPROTO_GRE, false, "gre"},      {IPPROTO_ESP, false, "esp"},
        {IPPROTO_AH, false, "ah"},
    };
    unsigned port = (unsigned)bytes[2] << 8 | bytes[3];
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        if (protocols[i].protocol == bytes[0]) {
            if (protocols[i].has_ports) {
                (void)snprintf(text, PRIVACY_TEXT_MAX, "%s/%u", protocols[i].name, port);
            } else {
                (void)snprintf(text, PRIVACY_TEXT_MAX, "%s", protocols[i].name);
            }
            return;
        }
    }
    (void)snprintf(text, PRIVACY_TEXT_MAX, "protocol/%u", bytes[0]);
}

static void print_address(const struct talker_key *key, char text[PRIVACY_TEXT_MAX])
{
    bool v4 = is_v4(key->bytes);
    const uint8_t *at = v4 ? key->bytes + sizeof v4_mapped : key->bytes;
    (void)inet_ntop(v4 ? AF_INET : AF_INET6, at, text, PRIVACY_TEXT_MAX); /* it has room */
    if (key->kind == TALKER_PREFIX) {
        size_t used = strlen(text);
        (void)snprintf(text + used, PRIVACY_TEXT_MAX - used, "/%d", v4 ? V4_PREFIX : V6_PREFIX);
    }
}

void privacy_print(const struct talker_key *key, char text[PRIVACY_TEXT_MAX])
{
    static const char hash_mark[] = "hash:";
    switch ((enum talker_kind)key->kind) {
    case TALKER_SERVICE:
        print_service(key->bytes, text);
        return;
    case TALKER_HASH:
        memcpy(text, hash_mark, sizeof hash_mark);
        (void)sodium_bin2hex(text + sizeof hash_mark - 1, PRIVACY_TEXT_MAX - sizeof hash_mark + 1,
                             key->bytes, sizeof key->bytes);
        return;
    case TALKER_ADDRESS:
    case TALKER_PREFIX:
        print_address(key, text);
        return;
    }
}
