/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "items.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static size_t put_number(uint8_t *at, uint64_t value)
{
    size_t n = 0;
    while (value >= 0x80) {
        at[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    at[n++] = (uint8_t)value;
    return n;
}

size_t talker_items_encode(const struct talker_item *items, size_t n_items,
                           uint8_t bytes[TALKER_ITEMS_MAX_BYTES])
{
    size_t used = 0;
    assert(n_items <= PROTO_TALKERS_MAX);
    for (size_t i = 0; i < n_items; i++) {
        size_t key_size = strlen(items[i].key) + 1;
        assert(key_size <= PROTO_NAME_MAX + 1);
        memcpy(bytes + used, items[i].key, key_size);
        used += key_size;
        used += put_number(bytes + used, items[i].ip_bytes);
        used += put_number(bytes + used, items[i].packets);
        used += put_number(bytes + used, items[i].error_bytes);
    }
    return used;
}

/* What is left of a blob. */
struct rest {
    const uint8_t *at;
    size_t size;
};

static int take_number(struct rest *rest, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 63 && rest->size > 0; shift += 7) {
        uint8_t byte = *rest->at++;
        rest->size--;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return 0;
        }
    }
    return -EBADMSG; /* cut, or over 63 bits */
}

static int take_item(struct rest *rest, struct talker_item *item)
{
    const uint8_t *end = memchr(rest->at, '\0', rest->size);
    const char *key = (const char *)rest->at;
    size_t key_size = end == NULL ? 0 : (size_t)(end - rest->at);
    if (!name_is_valid(key, key_size)) {
        return -EBADMSG;
    }
    item->key = key;
    rest->at += key_size + 1;
    rest->size -= key_size + 1;
    int error = take_number(rest, &item->ip_bytes);
    error = error != 0 ? error : take_number(rest, &item->packets);
    return error != 0 ? error : take_number(rest, &item->error_bytes);
}

int talker_items_decode(const uint8_t *bytes, size_t size,
                        struct talker_item items[PROTO_TALKERS_MAX], size_t *n_items)
{
    struct rest rest = {bytes, size};
    *n_items = 0;
    while (rest.size > 0) {
        if (*n_items == PROTO_TALKERS_MAX || take_item(&rest, &items[*n_items]) != 0) {
            return -EBADMSG;
        }
        (*n_items)++;
    }
    return 0;
}
