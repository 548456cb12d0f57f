/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts the machine's processes, and looks at those of given names. Only a new process, one of a
 * wanted name, and now and then any other one (it may have taken another name) is read; for all
 * others the list of /proc is enough.
 *
 * Threads: one. */
#ifndef HOST_PROCESSES_H
#define HOST_PROCESSES_H

#include "book.h"
#include "common/config.h"

struct processes;

/* `root` and `names` must outlive the handle. */
struct processes *processes_new(const char *root, const struct config_strings *names);
/* NULL is allowed. */
void processes_free(struct processes *processes);

/* A row of kind "process" for each name. How many processes there are, or -errno: then the rows
 * are without values. -EACCES: others' processes are hidden from us (hidepid). */
int64_t processes_sample(struct processes *processes, struct book *book, struct wall time);

#endif
