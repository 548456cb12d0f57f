/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A part of the collector is a process of the same program: `beffroi-collector --part NAME`, with
 * the configuration's normal form, paths made absolute, in a sealed memory file as descriptor 3.
 *
 * Threads: a part's functions are called from its loop's thread. */
#ifndef COLLECTOR_APP_PART_H
#define COLLECTOR_APP_PART_H

#include "config.h"
#include "layout.h"
#include <uv.h>

enum { PART_CONFIG_FD = 3 };

struct part_context {
    const struct collector_config *config;
    const struct layout *layout;
    uv_loop_t *loop;
    void *state; /* the part's own */
};

struct part {
    const char *name;
    /* Begin to work in the loop. 0, or -errno with a reason that says what to do about it; then
     * `close` is called all the same. */
    int (*open)(struct part_context *context, char *reason, size_t reason_size);
    void (*close)(struct part_context *context);
};

/* The three parts, in their order of starting. */
extern const struct part part_store;
extern const struct part part_intake;
extern const struct part part_web;

/* The process of a part, to its end; returns its exit status. */
int part_main(const struct part *part);

/* The configuration as parts get it: a descriptor that the caller closes, or -errno. `text` is
 * copied. */
int part_make_config(const char *text, size_t size);

#endif
