/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The heaviest talkers, read: for the pages, the API and the command line. A view never writes and
 * never makes a writer wait.
 *
 * Threads: a view belongs to one thread; open one each. What call-backs are given lives until they
 * return. A call-back returns 0 to go on; anything else ends the listing and is returned. */
#ifndef TALKERS_VIEW_H
#define TALKERS_VIEW_H

#include "proto/model.h"

struct talker_view;

/* 0; -ENOENT: there is no file yet (or of an older version, which store will bring up to date);
 * -EBADMSG: not such a file, or of a newer version; with a reason. */
int talker_view_open(struct talker_view **view, const char *path, char *reason, size_t reason_size);
void talker_view_close(struct talker_view *view); /* NULL is allowed */

struct talker_filter {
    const char *device; /* NULL: all */
    const char *object; /* NULL: all */
    enum talker_list list;
    struct wall from;
    struct wall to;
};

struct talker_row {
    const char *device;
    const char *object;
    struct talker_report report; /* its object's number is 0 */
};

/* The reports that ended in (from, to], so that each belongs to exactly one of two spans that
 * follow each other; by source, in order of their end. */
int talker_view_reports(struct talker_view *view, const struct talker_filter *filter,
                        int (*each)(void *context, const struct talker_row *row), void *context);
/* When the newest report that is kept of any such device and object ended. 0; -ENOENT: there is
 * none; or another -errno. */
int talker_view_last(struct talker_view *view, const char *device, const char *object,
                     struct wall *last);

#endif
