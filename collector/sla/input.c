/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input.h"

#include "common/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* No sum of two times or of a time and three intervals overflows. */
static const int64_t TIME_MAX_MS = INT64_C(1) << 60;
static const int64_t INTERVAL_MAX_MS = INT64_C(1) << 50;

struct sla_input *sla_input_new(void)
{
    return xcalloc(1, sizeof(struct sla_input));
}

static bool is_check(const struct input_check *entry, const char *device, const char *check)
{
    return strcmp(entry->check, check) == 0 && strcmp(entry->device, device) == 0;
}

const struct input_check *input_find(const struct sla_input *input, const char *device,
                                     const char *check)
{
    for (size_t i = 0; i < input->n_checks; i++) {
        if (is_check(&input->checks[i], device, check)) {
            return &input->checks[i];
        }
    }
    return NULL;
}

static struct input_check *find_or_add(struct sla_input *input, const char *device,
                                       const char *check)
{
    if (input->n_checks > 0 && is_check(&input->checks[input->latest], device, check)) {
        return &input->checks[input->latest];
    }
    for (size_t i = 0; i < input->n_checks; i++) {
        if (is_check(&input->checks[i], device, check)) {
            input->latest = i;
            return &input->checks[i];
        }
    }
    input->checks = xreallocarray(input->checks, input->n_checks + 1, sizeof *input->checks);
    input->checks[input->n_checks] =
        (struct input_check){.device = xstrdup(device), .check = xstrdup(check)};
    input->latest = input->n_checks;
    return &input->checks[input->n_checks++];
}

static bool is_time(struct wall time)
{
    return time.ms >= -TIME_MAX_MS && time.ms <= TIME_MAX_MS;
}

int sla_input_add_run(struct sla_input *input, const char *device, const char *check,
                      const struct sla_run *run)
{
    if (!is_time(run->first) || !is_time(run->last) || run->last.ms < run->first.ms ||
        run->interval_ms <= 0 || run->interval_ms > INTERVAL_MAX_MS) {
        return -EINVAL;
    }
    struct input_check *entry = find_or_add(input, device, check);
    if (entry->n_runs == entry->room) {
        entry->room = entry->room * 2 + 8;
        entry->runs = xreallocarray(entry->runs, entry->room, sizeof *entry->runs);
    }
    entry->runs[entry->n_runs++] = *run;
    return 0;
}

int sla_input_add_gap(struct sla_input *input, struct sla_interval gap)
{
    if (!is_time(gap.from) || !is_time(gap.to) || gap.from.ms > gap.to.ms) {
        return -EINVAL;
    }
    if (input->n_gaps == input->gaps_room) {
        input->gaps_room = input->gaps_room * 2 + 8;
        input->gaps = xreallocarray(input->gaps, input->gaps_room, sizeof *input->gaps);
    }
    input->gaps[input->n_gaps++] = gap;
    return 0;
}

void sla_input_free(struct sla_input *input)
{
    if (input == NULL) {
        return;
    }
    for (size_t i = 0; i < input->n_checks; i++) {
        free(input->checks[i].device);
        free(input->checks[i].check);
        free(input->checks[i].runs);
    }
    free(input->checks);
    free(input->gaps);
    free(input);
}
