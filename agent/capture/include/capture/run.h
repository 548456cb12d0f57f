/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Metering by hand, for `beffroi-agent meter`: a capture file, or an interface for a while, without
 * configuration, keys or collector. What was metered comes as documents, which the caller prints.
 *
 * Threads: the caller's; its call-backs come from inside the call. */
#ifndef CAPTURE_RUN_H
#define CAPTURE_RUN_H

#include "meter/privacy.h"
#include "meter/services.h"
#include "meter/summary.h"
#include <signal.h>
#include <stdbool.h>

struct capture_document {
    const char *name; /* the file as it was named ("-": standard input), or the interface */
    bool is_file;
    const char *link_type; /* as libpcap names it: "EN10MB", "LINUX_SLL2" …; never NULL */
    bool is_decoded;       /* false: frames of this link type are only counted by their bytes */
    const struct summary *summary; /* valid during the call-back */
    bool has_interval;
    int64_t from_ns; /* the interval [from, to), when there is one */
    int64_t to_ns;
    uint64_t kernel_dropped; /* of an interface: before they could be metered */
    uint64_t interface_dropped;
    const char *error; /* why a file could not be read to its end; else NULL */
};

struct capture_run {
    const char *name;
    int64_t
        interval_ns; /* 0: one document for all. Of a file: by its own time stamps, from multiples
                        of the interval since 1970 on; intervals without a frame are left out */
    int64_t duration_ns; /* of an interface; 0: until *stop */
    bool promiscuous;
    const char *filter; /* libpcap's language; NULL: everything */
    size_t flows;       /* entries of the flow table; 0: the meter's own default */
    const char *user;   /* whom to become when called as root; NULL: nobody */
    const char *ipfix;  /* "ADDRESS:PORT" of a flow collector that gets the flows; NULL: none */
    struct privacy *privacy;
    const struct services *service_names;
    const volatile sig_atomic_t *stop; /* looked at often; NULL: never */
    /* 0, or -errno to end: the caller cannot print any more. */
    int (*on_document)(void *context, const struct capture_document *document);
    /* Some times a second: so many bytes of the file were read, of `total` (0: not known). May be
     * NULL. */
    void (*on_progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

/* Meters the file. As soon as it is open, the process gives up privileges and file system for good
 * (privilege_confine, privilege_filter_syscalls). 0; or -errno with a reason that names the file:
 * what was read until then came as a document with `error`, so that nothing is lost. */
int capture_run_file(const struct capture_run *run, char *reason, size_t reason_size);
/* Meters the interface, as above. */
int capture_run_interface(const struct capture_run *run, char *reason, size_t reason_size);

#endif
