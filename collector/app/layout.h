/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The data folder: what stands where, who may be in it, and the small files in run/ by which the
 * parts tell where they listen.
 *
 * Threads: none of its own. */
#ifndef COLLECTOR_APP_LAYOUT_H
#define COLLECTOR_APP_LAYOUT_H

#include <jansson.h>
#include <stddef.h>

struct layout {
    char *data;
    char *journal;
    char *rrd;
    char *quarantine;
    char *dead_letter;
    char *run;
    char *ledger;  /* a file … */
    char *talkers; /* … and another; the others above are folders */
    char *intake_socket;
    char *store_socket;
    char *supervisor_socket;
};

struct layout layout_of(const char *data);
void layout_free(struct layout *layout);

/* As root, for `user` (NULL: nobody else): make the data folder and give it away, if it is not
 * there yet. Otherwise nothing. 0 or -errno with a reason. */
int layout_give(const struct layout *layout, const char *user, char *reason, size_t reason_size);
/* Make the folders and lock them for this collector and its parts; the lock is `*fd`, which
 * children inherit: it lasts until the last of them has ended. Waits for the parts of a collector
 * that was killed. 0; -EBUSY: another collector runs; or another -errno; with a reason. */
int layout_claim(const struct layout *layout, int *fd, char *reason, size_t reason_size);

/* Write run/NAME.json; takes the reference. 0 or -errno. */
int layout_write(const struct layout *layout, const char *name, json_t *object);
/* Read it: a new reference, or NULL when it is not there or no object. */
json_t *layout_read(const struct layout *layout, const char *name);
void layout_remove(const struct layout *layout, const char *name);

#endif
