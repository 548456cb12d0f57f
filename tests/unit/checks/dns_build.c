/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void put(struct dns_build *build, const void *bytes, size_t size)
{
    assert_true(size <= sizeof build->bytes - build->size);
    if (size > 0) {
        memcpy(build->bytes + build->size, bytes, size);
    }
    build->size += size;
}

static void put16(struct dns_build *build, unsigned value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(build, bytes, 2);
}

size_t dns_build_name(uint8_t *at, const char *name)
{
    size_t size = 0;
    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        at[size++] = (uint8_t)label;
        memcpy(at + size, name, label);
        size += label;
        name += label + (name[label] == '.' ? 1 : 0);
    }
    at[size++] = 0;
    return size;
}

void dns_build_reply(struct dns_build *build, const uint8_t *query, size_t query_size,
                     unsigned flags)
{
    size_t end = 12;
    while (query[end] != 0) {
        end += (size_t)query[end] + 1;
    }
    end += 5;
    assert_true(end <= query_size);
    build->size = 0;
    put(build, query, end);
    flags |= 0x8000;
    build->bytes[2] = (uint8_t)(flags >> 8);
    build->bytes[3] = (uint8_t)flags;
    memset(build->bytes + 6, 0, 6);
}

void dns_build_record(struct dns_build *build, const char *owner, unsigned type, uint32_t ttl_s,
                      const void *data, size_t size)
{
    uint8_t name[256] = {0xc0, 12};
    put(build, name, owner[0] == '\0' ? 2 : dns_build_name(name, owner));
    put16(build, type);
    put16(build, 1);
    put16(build, ttl_s >> 16);
    put16(build, ttl_s & 0xffff);
    put16(build, (unsigned)size);
    put(build, data, size);
    unsigned n = (unsigned)build->bytes[6] << 8 | build->bytes[7];
    build->bytes[6] = (uint8_t)((n + 1) >> 8);
    build->bytes[7] = (uint8_t)(n + 1);
}

void dns_build_named(struct dns_build *build, const char *owner, unsigned type, uint32_t ttl_s,
                     const void *before, size_t before_size, const char *name)
{
    uint8_t data[512];
    if (before_size > 0) {
        memcpy(data, before, before_size);
    }
    dns_build_record(build, owner, type, ttl_s, data,
                     before_size + dns_build_name(data + before_size, name));
}
