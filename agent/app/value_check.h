/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Checks of type value: conditions on what other samplers measure. They stand between those and the
 * sink, and see every row that passes.
 *
 * A row is judged when it comes, and dated by when it was sampled: one for each interval of the
 * check, or each one where the object is polled less often. Unknown are: "no-object" (nothing of
 * that name was sampled for two of the check's intervals and a minute), "no-metric",
 * "unit-mismatch" (a condition's unit is not of the metric's kind), "no-value" (not measured this
 * time), "discontinuity" (a counter began anew), "stale" (no row for over two of the object's
 * intervals).
 *
 * Threads: the loop's thread. */
#ifndef AGENT_VALUE_CHECK_H
#define AGENT_VALUE_CHECK_H

#include "common/config.h"
#include "sample/sink.h"
#include <uv.h>

struct value_checks;

struct value_checks_options {
    const char *device; /* the default one */
    const struct sample_sink *next;
    /* The object as it was last defined at `next`; NULL: there is none. For checks that come with a
     * reload, after the definitions went by. */
    const struct object *(*find)(void *context, const char *device, const char *kind,
                                 const char *name);
    void *context;
};

/* `list` has struct check_config items; those of other types are passed over. Copies what it needs.
 */
struct value_checks *value_checks_open(uv_loop_t *loop, const struct config_list *list,
                                       const struct value_checks_options *options);
/* Where the samplers deliver to; valid as long as the handle. */
const struct sample_sink *value_checks_sink(struct value_checks *checks);
/* Goes over to another list. A check that stands in both and says the same goes on undisturbed. */
void value_checks_reload(struct value_checks *checks, const struct config_list *list,
                         const char *device);
/* Not from within a call of the sink. NULL is allowed. */
void value_checks_close(struct value_checks *checks);

#endif
