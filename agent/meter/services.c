/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/services.h"

#include "common/xalloc.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROTOCOLS = 3,
    PORTS = 65536,
    NAMES_MAX = 16384, /* IANA has some 12,000; Debian's file 300 */
    LINES_MAX = 100000,
    WELL_KNOWN = 1024,
};

struct services {
    uint16_t of_port[PROTOCOLS][PORTS]; /* index of its name + 1; 0: none */
    char (*names)[SERVICE_NAME_MAX];
    size_t n_names;
    size_t n_own;
    struct service_range own[SERVICES_OWN_MAX];
};

/* -1: it has no ports. */
static int protocol_index(unsigned protocol)
{
    return protocol == IPPROTO_TCP    ? 0
           : protocol == IPPROTO_UDP  ? 1
           : protocol == IPPROTO_SCTP ? 2
                                      : -1;
}

static int protocol_of(const char *name)
{
    static const struct {
        const char *name;
        int protocol;
    } protocols[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"sctp", IPPROTO_SCTP}};
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        if (strcmp(protocols[i].name, name) == 0) {
            return protocols[i].protocol;
        }
    }
    return -1;
}

static bool is_name(const char *name)
{
    size_t size =
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-");
    return size > 0 && size < SERVICE_NAME_MAX && name[size] == '\0';
}

/* "name port/protocol alias … # comment"; the first name of a port stays. */
static void take_line(struct services *services, char *line)
{
    char *rest = line;
    line[strcspn(line, "#\n")] = '\0';
    const char *name = strtok_r(line, " \t", &rest);
    char *place = strtok_r(NULL, " \t", &rest);
    char *slash = place != NULL ? strchr(place, '/') : NULL;
    if (slash == NULL || !is_name(name) || !isdigit((unsigned char)place[0])) {
        return;
    }
    char *end;
    unsigned long port = strtoul(place, &end, 10);
    int protocol = protocol_of(slash + 1);
    if (end != slash || port >= PORTS || protocol < 0 || services->n_names == NAMES_MAX) {
        return;
    }
    uint16_t *index = &services->of_port[protocol_index((unsigned)protocol)][port];
    if (*index == 0) {
        services->names = xreallocarray(services->names, services->n_names + 1, SERVICE_NAME_MAX);
        memcpy(services->names[services->n_names], name, strlen(name) + 1);
        *index = (uint16_t)++services->n_names;
    }
}

struct services *services_new(const char *path, const struct service_range *own, size_t n_own)
{
    struct services *services = xcalloc(1, sizeof *services);
    services->n_own = n_own < SERVICES_OWN_MAX ? n_own : SERVICES_OWN_MAX;
    if (services->n_own > 0) {
        memcpy(services->own, own, services->n_own * sizeof *own);
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return services;
    }
    char line[1024];
    for (int i = 0; i < LINES_MAX && fgets(line, sizeof line, file) != NULL; i++) {
        take_line(services, line);
    }
    (void)fclose(file); /* only read */
    return services;
}

void services_free(struct services *services)
{
    if (services != NULL) {
        free(services->names);
        free(services);
    }
}

int services_own(const struct services *services, uint8_t protocol, uint16_t port)
{
    for (size_t i = 0; i < services->n_own; i++) {
        const struct service_range *range = &services->own[i];
        if (range->protocol == protocol && range->first <= port && port <= range->last) {
            return (int)i;
        }
    }
    return -1;
}

const char *services_name(const struct services *services, uint8_t protocol, uint16_t port)
{
    int own = services_own(services, protocol, port);
    if (own >= 0) {
        return services->own[own].name;
    }
    int kind = protocol_index(protocol);
    uint16_t index = kind >= 0 ? services->of_port[kind][port] : 0;
    return index > 0 ? services->names[index - 1] : NULL;
}

/* How much a port looks like a service's. */
static int likeness(const struct services *services, uint8_t protocol, uint16_t port)
{
    if (services_own(services, protocol, port) >= 0) {
        return 3;
    }
    int kind = protocol_index(protocol);
    if (kind < 0 || services->of_port[kind][port] == 0) {
        return 0;
    }
    return port < WELL_KNOWN ? 2 : 1;
}

uint16_t services_port(const struct services *services, uint8_t protocol, uint16_t a, uint16_t b)
{
    int of_a = likeness(services, protocol, a);
    int of_b = likeness(services, protocol, b);
    if (of_a != of_b) {
        return of_a > of_b ? a : b;
    }
    return a < b ? a : b;
}
