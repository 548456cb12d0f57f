/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mib.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_IDS_MAX = 12,
    NAME_BYTES_MAX = 24, /* encoded, with its header: the last sub-identifier may take three */
    TEXT_SIZE = 64,      /* with names it fits a small element */
    PORT_BPS = 1000000000,
    UPTIME_MS = 86400000, /* at the start: one to two days */
};

/* What is counted: the number is the column of ifXTable (or of ifTable, plus 100) that gives the
 * counter its start and its pace; a 32-bit counter is the lower half of it. */
enum counted {
    IN_DISCARDS = 113,
    IN_ERRORS = 114,
    IN_UNKNOWN = 115,
    OUT_DISCARDS = 119,
    OUT_ERRORS = 120,
    IN_OCTETS = 6,
    IN_UCAST,
    IN_MULTICAST,
    IN_BROADCAST,
    OUT_OCTETS,
    OUT_UCAST,
    OUT_MULTICAST,
    OUT_BROADCAST,
};

/* One value that is to be written. */
struct cell {
    const struct mib *mib;
    const struct mib_moment *moment;
    uint32_t port;
    uint32_t n; /* the constant, or enum counted */
};
typedef void put_value(const struct cell *cell, struct ber_out *out);

struct kind {
    put_value *put;
    uint32_t n;
};

struct object {
    uint32_t ids[NAME_IDS_MAX];
    uint8_t n_ids;
    uint8_t n_bytes;
    uint8_t bytes[NAME_BYTES_MAX];
    struct kind kind;
    uint32_t port;
};

struct mib {
    uint64_t seed;
    uint32_t n_ports;
    size_t n;
    struct object *objects;
};

/* --- values --- */

/* splitmix64's output function. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static uint64_t random_of(const struct cell *cell)
{
    uint64_t key = (uint64_t)cell->moment->device << 32 | (uint64_t)cell->port << 8 | cell->n;
    return mix(key + cell->mib->seed * 0x9e3779b97f4a7c15);
}

/* In a second at most: 40 % of the port's octets, packets to match, a few errors. */
static uint64_t most_per_second(uint32_t counted)
{
    if (counted == IN_OCTETS || counted == OUT_OCTETS) {
        return 50000000;
    }
    return counted >= IN_DISCARDS ? 5 : 50000;
}

static uint64_t counter(const struct cell *cell)
{
    uint64_t random = random_of(cell);
    uint64_t per_second = random % most_per_second(cell->n);
    return (random >> 20) + per_second * (uint64_t)cell->moment->counting_ms / 1000;
}

static void put_counter64(const struct cell *cell, struct ber_out *out)
{
    ber_put_unsigned(out, BER_COUNTER64, counter(cell));
}

static void put_counter32(const struct cell *cell, struct ber_out *out)
{
    ber_put_unsigned(out, BER_COUNTER32, (uint32_t)counter(cell));
}

static void put_integer(const struct cell *cell, struct ber_out *out)
{
    ber_put_integer(out, cell->n);
}

static void put_gauge(const struct cell *cell, struct ber_out *out)
{
    ber_put_unsigned(out, BER_GAUGE32, cell->n);
}

static void put_ticks(const struct cell *cell, struct ber_out *out)
{
    ber_put_unsigned(out, BER_TIMETICKS, cell->n);
}

__attribute__((format(printf, 2, 3))) static void put_text(struct ber_out *out, const char *format,
                                                           ...)
{
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert(n >= 0 && n < TEXT_SIZE);
    ber_put_bytes(out, BER_OCTETS, text, (size_t)n);
}

static void put_sys_descr(const struct cell *cell, struct ber_out *out)
{
    put_text(out, "simulated switch %" PRIu32 " with %" PRIu32 " ports", cell->moment->device,
             cell->mib->n_ports);
}

static void put_sys_object_id(const struct cell *cell, struct ber_out *out)
{
    /* 32473 is the enterprise of examples (RFC 5612). */
    static const uint32_t ids[] = {1, 3, 6, 1, 4, 1, 32473, 1, 1};
    (void)cell; /* all the same */
    ber_put_oid(out, ids, sizeof ids / sizeof ids[0]);
}

static void put_sys_uptime(const struct cell *cell, struct ber_out *out)
{
    uint64_t at_start_ms = UPTIME_MS + random_of(cell) % UPTIME_MS;
    uint64_t ticks = (at_start_ms + (uint64_t)cell->moment->running_ms) / 10;
    ber_put_unsigned(out, BER_TIMETICKS, (uint32_t)ticks);
}

static void put_sys_contact(const struct cell *cell, struct ber_out *out)
{
    (void)cell; /* all the same */
    put_text(out, "nobody");
}

static void put_sys_name(const struct cell *cell, struct ber_out *out)
{
    put_text(out, "sim-%" PRIu32, cell->moment->device);
}

static void put_sys_location(const struct cell *cell, struct ber_out *out)
{
    put_text(out, "rack %" PRIu32, cell->moment->device / 40);
}

static void put_ports(const struct cell *cell, struct ber_out *out)
{
    ber_put_integer(out, cell->mib->n_ports);
}

static void put_port_index(const struct cell *cell, struct ber_out *out)
{
    ber_put_integer(out, cell->port);
}

static void put_port_descr(const struct cell *cell, struct ber_out *out)
{
    put_text(out, "GigabitEthernet1/0/%" PRIu32, cell->port);
}

static void put_port_name(const struct cell *cell, struct ber_out *out)
{
    put_text(out, "Gi1/0/%" PRIu32, cell->port);
}

static void put_port_alias(const struct cell *cell, struct ber_out *out)
{
    put_text(out, "outlet %" PRIu32 " of sim-%" PRIu32, cell->port, cell->moment->device);
}

static void put_port_phys_address(const struct cell *cell, struct ber_out *out)
{
    uint32_t device = cell->moment->device;
    /* Locally administered: bit 1 of the first octet (IEEE 802). */
    const uint8_t address[6] = {0x02,
                                (uint8_t)(device >> 16),
                                (uint8_t)(device >> 8),
                                (uint8_t)device,
                                (uint8_t)(cell->port >> 8),
                                (uint8_t)cell->port};
    ber_put_bytes(out, BER_OCTETS, address, sizeof address);
}

static void put_port_oper_status(const struct cell *cell, struct ber_out *out)
{
    ber_put_integer(out, cell->port % 8 == 0 ? 2 : 1); /* down, up */
}

static void put_port_specific(const struct cell *cell, struct ber_out *out)
{
    static const uint32_t zero_dot_zero[] = {0, 0};
    (void)cell; /* all the same */
    ber_put_oid(out, zero_dot_zero, 2);
}

/* --- what there is --- */

static const struct kind system_group[] = {
    {put_sys_descr, 0}, {put_sys_object_id, 0}, {put_sys_uptime, 0}, {put_sys_contact, 0},
    {put_sys_name, 0},  {put_sys_location, 0},  {put_integer, 2}, /* sysServices: bridge */
};
static const struct kind if_table[] = {
    {put_port_index, 0},
    {put_port_descr, 0},
    {put_integer, 6},    /* ifType: ethernetCsmacd */
    {put_integer, 1500}, /* ifMtu */
    {put_gauge, PORT_BPS},
    {put_port_phys_address, 0},
    {put_integer, 1}, /* ifAdminStatus: up */
    {put_port_oper_status, 0},
    {put_ticks, 0}, /* ifLastChange */
    {put_counter32, IN_OCTETS},
    {put_counter32, IN_UCAST},
    {put_counter32, IN_MULTICAST}, /* ifInNUcastPkts */
    {put_counter32, IN_DISCARDS},
    {put_counter32, IN_ERRORS},
    {put_counter32, IN_UNKNOWN},
    {put_counter32, OUT_OCTETS},
    {put_counter32, OUT_UCAST},
    {put_counter32, OUT_MULTICAST}, /* ifOutNUcastPkts */
    {put_counter32, OUT_DISCARDS},
    {put_counter32, OUT_ERRORS},
    {put_gauge, 0}, /* ifOutQLen */
    {put_port_specific, 0},
};
static const struct kind ifx_table[] = {
    {put_port_name, 0},
    {put_counter32, IN_MULTICAST},
    {put_counter32, IN_BROADCAST},
    {put_counter32, OUT_MULTICAST},
    {put_counter32, OUT_BROADCAST},
    {put_counter64, IN_OCTETS},
    {put_counter64, IN_UCAST},
    {put_counter64, IN_MULTICAST},
    {put_counter64, IN_BROADCAST},
    {put_counter64, OUT_OCTETS},
    {put_counter64, OUT_UCAST},
    {put_counter64, OUT_MULTICAST},
    {put_counter64, OUT_BROADCAST},
    {put_integer, 1},                /* ifLinkUpDownTrapEnable: enabled */
    {put_gauge, PORT_BPS / 1000000}, /* ifHighSpeed */
    {put_integer, 2},                /* ifPromiscuousMode: false */
    {put_integer, 1},                /* ifConnectorPresent: true */
    {put_port_alias, 0},
    {put_ticks, 0}, /* ifCounterDiscontinuityTime: none */
};
enum {
    N_SYSTEM = sizeof system_group / sizeof system_group[0],
    N_IF = sizeof if_table / sizeof if_table[0],
    N_IFX = sizeof ifx_table / sizeof ifx_table[0],
};

/* --- names --- */

static void add(struct mib *mib, const uint32_t *prefix, size_t n_prefix, uint32_t column,
                uint32_t instance, struct kind kind)
{
    struct object *object = &mib->objects[mib->n++];
    assert(n_prefix + 2 <= NAME_IDS_MAX);
    memcpy(object->ids, prefix, n_prefix * sizeof *prefix);
    object->ids[n_prefix] = column;
    object->ids[n_prefix + 1] = instance;
    object->n_ids = (uint8_t)(n_prefix + 2);
    object->kind = kind;
    object->port = instance;
    struct ber_out out = {object->bytes, object->bytes, object->bytes + NAME_BYTES_MAX, false};
    ber_put_oid(&out, object->ids, object->n_ids);
    assert(!out.full);
    object->n_bytes = (uint8_t)(out.at - out.start);
}

static void add_table(struct mib *mib, const uint32_t *entry, size_t n_entry,
                      const struct kind *columns, size_t n_columns)
{
    for (uint32_t column = 0; column < n_columns; column++) {
        for (uint32_t port = 1; port <= mib->n_ports; port++) {
            add(mib, entry, n_entry, column + 1, port, columns[column]);
        }
    }
}

struct mib *mib_new(uint32_t n_ports, uint64_t seed)
{
    static const uint32_t system[] = {1, 3, 6, 1, 2, 1, 1};
    static const uint32_t interfaces[] = {1, 3, 6, 1, 2, 1, 2};
    static const uint32_t if_entry[] = {1, 3, 6, 1, 2, 1, 2, 2, 1};
    static const uint32_t ifx_entry[] = {1, 3, 6, 1, 2, 1, 31, 1, 1, 1};
    static const uint32_t if_mib_objects[] = {1, 3, 6, 1, 2, 1, 31, 1};
    size_t n = N_SYSTEM + 1 + (size_t)n_ports * (N_IF + N_IFX) + 1;
    struct mib *mib = calloc(1, sizeof *mib);
    if (mib == NULL || (mib->objects = calloc(n, sizeof *mib->objects)) == NULL) {
        free(mib);
        return NULL;
    }
    mib->n_ports = n_ports;
    mib->seed = seed;
    for (uint32_t i = 0; i < N_SYSTEM; i++) {
        add(mib, system, 7, i + 1, 0, system_group[i]);
    }
    add(mib, interfaces, 7, 1, 0, (struct kind){put_ports, 0});
    add_table(mib, if_entry, 9, if_table, N_IF);
    add_table(mib, ifx_entry, 10, ifx_table, N_IFX);
    /* ifTableLastChange */
    add(mib, if_mib_objects, 8, 5, 0, (struct kind){put_ticks, 0});
    assert(mib->n == n);
    return mib;
}

void mib_free(struct mib *mib)
{
    if (mib != NULL) {
        free(mib->objects);
        free(mib);
    }
}

size_t mib_end(const struct mib *mib)
{
    return mib->n;
}

/* The first object whose name is not before this one. */
static size_t lower_bound(const struct mib *mib, const struct oid *name)
{
    size_t low = 0;
    size_t high = mib->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct object *object = &mib->objects[middle];
        if (oid_compare(object->ids, object->n_ids, name->ids, name->n) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_named(const struct mib *mib, size_t number, const struct oid *name)
{
    return number < mib->n && oid_compare(mib->objects[number].ids, mib->objects[number].n_ids,
                                          name->ids, name->n) == 0;
}

size_t mib_find(const struct mib *mib, const struct oid *name)
{
    size_t number = lower_bound(mib, name);
    return is_named(mib, number, name) ? number : mib->n;
}

size_t mib_after(const struct mib *mib, const struct oid *name)
{
    size_t number = lower_bound(mib, name);
    return is_named(mib, number, name) ? number + 1 : number;
}

bool mib_is_counter64(const struct mib *mib, size_t number)
{
    return mib->objects[number].kind.put == put_counter64;
}

void mib_put(const struct mib *mib, size_t number, const struct mib_moment *moment,
             struct ber_out *out)
{
    const struct object *object = &mib->objects[number];
    const struct cell cell = {mib, moment, object->port, object->kind.n};
    size_t begun = ber_begin_small(out, BER_SEQUENCE);
    ber_put_raw(out, object->bytes, object->n_bytes);
    object->kind.put(&cell, out);
    ber_end_small(out, begun);
}

void mib_put_end(const struct mib *mib, size_t number, struct ber_out *out)
{
    const struct object *object = &mib->objects[number];
    size_t begun = ber_begin_small(out, BER_SEQUENCE);
    ber_put_raw(out, object->bytes, object->n_bytes);
    ber_put_bytes(out, BER_END_OF_MIB, NULL, 0);
    ber_end_small(out, begun);
}
