/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The heaviest talkers of a span, from the reports of all agents that metered it. */
#include "common/xalloc.h"
#include "internal.h"
#include "talkers/view.h"
#include "top_merge.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEYS_MAX = 200000, /* some 30 MB */
    /* An interface's list of a month at one a minute is a quarter of it. */
    REPORTS_MAX = 200000,
};

struct span {
    int64_t from_ms;
    int64_t to_ms;
};

struct topping {
    struct top_merge *merge;
    struct span *spans; /* of the reports */
    size_t n_reports;
    size_t room;
};

static int take_report(void *context, const struct talker_row *row)
{
    struct topping *topping = context;
    if (topping->n_reports == REPORTS_MAX) {
        return -E2BIG;
    }
    if (topping->n_reports == topping->room) {
        topping->room = topping->room == 0 ? 64 : 2 * topping->room;
        topping->spans = xreallocarray(topping->spans, topping->room, sizeof *topping->spans);
    }
    topping->spans[topping->n_reports++] = (struct span){row->report.from.ms, row->report.to.ms};
    top_merge_add(topping->merge, &row->report);
    return 0;
}

static int by_begin(const void *left, const void *right)
{
    const struct span *a = left;
    const struct span *b = right;
    return (a->from_ms > b->from_ms) - (a->from_ms < b->from_ms);
}

/* So long some interface was metered; sorts the spans. */
static int64_t measured_ms(struct topping *topping)
{
    int64_t sum = 0;
    int64_t until = 0;
    if (topping->n_reports > 0) {
        qsort(topping->spans, topping->n_reports, sizeof *topping->spans, by_begin);
    }
    for (size_t i = 0; i < topping->n_reports; i++) {
        const struct span *span = &topping->spans[i];
        int64_t begin = span->from_ms > until ? span->from_ms : until;
        if (span->to_ms > begin) {
            sum += span->to_ms - begin;
            until = span->to_ms;
        }
    }
    return sum;
}

static int64_t last_end(const struct topping *topping)
{
    int64_t last = 0;
    for (size_t i = 0; i < topping->n_reports; i++) {
        last = topping->spans[i].to_ms > last ? topping->spans[i].to_ms : last;
    }
    return last;
}

static int list_of(const char *name, enum talker_list *list)
{
    for (enum talker_list i = TALKERS_HOSTS; i <= TALKERS_SERVICES; i++) {
        if (strcmp(name, talker_list_name(i)) == 0) {
            *list = i;
            return 0;
        }
    }
    return -1;
}

/* --- what is metered at all --- */

struct metering {
    const char *interface;
    json_t *list;
};

static int list_interface(void *context, const struct ledger_object *object)
{
    const struct metering *metering = context;
    if (metering->interface != NULL && strcmp(metering->interface, object->object.name) != 0) {
        return 0;
    }
    return json_array_append_new(
        metering->list,
        json_pack("{s:s, s:s}", "device", object->object.device, "interface", object->object.name));
}

/* The objects that reports may come from; NULL: failure filled. */
static json_t *list_interfaces(const struct query_sources *sources, const struct query_top *wanted,
                               struct query_failure *failure)
{
    struct metering metering = {.interface = wanted->interface};
    struct ledger_view *view = NULL;
    if (query_view_open(sources, &view, failure) != 0) {
        return NULL;
    }
    metering.list = json_array();
    int rc = view == NULL
                 ? 0
                 : ledger_view_objects(view, wanted->device, "traffic", list_interface, &metering);
    query_view_close(view);
    if (rc != 0) {
        json_decref(metering.list);
        return query_fail(failure, QUERY_UNAVAILABLE, "the ledger cannot be read now");
    }
    return metering.list;
}

/* --- the answer --- */

static json_t *entries_json(const struct top_merge *merge, size_t most, double measured_s)
{
    struct top_entry *entries = xcalloc(most + 1, sizeof *entries);
    json_t *top = json_array();
    uint64_t total = top_merge_total(merge);
    size_t n = top_merge_heaviest(merge, entries, most);
    for (size_t i = 0; i < n; i++) {
        double bytes = (double)entries[i].bytes;
        (void)json_array_append_new(
            top,
            json_pack("{s:s, s:I, s:I, s:I, s:o, s:o}", "key", entries[i].key, "bytes",
                      (json_int_t)entries[i].bytes, "packets", (json_int_t)entries[i].packets,
                      "error_bytes", (json_int_t)entries[i].error_bytes, "share",
                      total > 0 ? json_real(bytes / (double)total) : json_null(), "bits_per_second",
                      measured_s > 0 ? json_real(bytes * 8 / measured_s) : json_null()));
    }
    free(entries);
    return top;
}

/* Why there is nothing to show: a word for programs, a sentence for people. */
static void explain_nothing(const struct query_sources *sources, const struct query_top *wanted,
                            struct wall now, json_t *answer)
{
    const char *nothing;
    const char *reason;
    if (json_array_size(json_object_get(answer, "interfaces")) == 0) {
        nothing = "no-traffic-object";
        reason = wanted->interface != NULL ? "no interface of that name is metered there"
                 : wanted->device != NULL  ? "no interface of that device is metered"
                                           : "no agent meters an interface (capture: in its "
                                             "configuration)";
    } else if (sources->talkers_retention_ms == 0) {
        nothing = "not-kept";
        reason = "the collector is configured to keep no talkers (talkers.retention: 0s)";
    } else if (wanted->to.ms <= now.ms - sources->talkers_retention_ms) {
        nothing = "older-than-retention";
        reason = "that is longer ago than talkers are kept (talkers.retention)";
    } else {
        nothing = "no-data";
        reason = "no report ended in that span";
    }
    (void)json_object_set_new(answer, "nothing", json_string(nothing));
    (void)json_object_set_new(answer, "reason", json_string(reason));
}

static json_t *answer_json(const struct query_sources *sources, const struct query_top *wanted,
                           struct topping *topping, json_t *interfaces, struct wall newest)
{
    double measured_s = (double)measured_ms(topping) / 1000;
    struct wall first = {topping->n_reports > 0 ? topping->spans[0].from_ms : 0};
    return json_pack(
        "{s:s, s:s?, s:s?, s:o, s:o, s:I, s:o, s:I, s:o, s:o, s:o, s:f, s:I, s:o, s:n, s:n}",
        "list", wanted->list, "device", wanted->device, "interface", wanted->interface, "from",
        query_time(wanted->from), "to", query_time(wanted->to), "retention_s",
        (json_int_t)(sources->talkers_retention_ms / 1000), "interfaces", interfaces, "reports",
        (json_int_t)topping->n_reports, "first", query_time(first), "last",
        query_time((struct wall){last_end(topping)}), "newest", query_time(newest), "measured_s",
        measured_s, "total_bytes", (json_int_t)top_merge_total(topping->merge), "top",
        entries_json(topping->merge, wanted->most, measured_s), "nothing", "reason");
}

/* 0, also when there is no file yet; or -1 with the failure filled. */
static int read_reports(const struct query_sources *sources, const struct query_top *wanted,
                        enum talker_list list, struct topping *topping, struct wall *newest,
                        struct query_failure *failure)
{
    const struct talker_filter filter = {wanted->device, wanted->interface, list, wanted->from,
                                         wanted->to};
    struct talker_view *view = NULL;
    char reason[160] = "";
    int rc = talker_view_open(&view, sources->talkers_path, reason, sizeof reason);
    if (rc == -ENOENT) {
        return 0; /* store will make it */
    }
    if (rc == 0) {
        rc = talker_view_reports(view, &filter, take_report, topping);
    }
    if (rc == 0) {
        rc = talker_view_last(view, wanted->device, wanted->interface, newest);
        rc = rc == -ENOENT ? 0 : rc;
    }
    talker_view_close(view);
    if (rc == -E2BIG) {
        (void)query_fail(failure, QUERY_BAD_PARAMETER,
                         "over %d reports are in that span: choose a shorter one, or one interface",
                         REPORTS_MAX);
    } else if (rc != 0) {
        (void)query_fail(failure, QUERY_UNAVAILABLE, "the talkers cannot be read: %s",
                         reason[0] != '\0' ? reason : strerror(-rc));
    }
    return rc == 0 ? 0 : -1;
}

static json_t *add_up(const struct query_sources *sources, const struct query_top *wanted,
                      enum talker_list list, struct wall now, struct query_failure *failure)
{
    uint8_t seed[16];
    struct topping topping = {0};
    struct wall newest = {0};
    json_t *answer = NULL;
    json_t *interfaces = list_interfaces(sources, wanted, failure);
    if (interfaces == NULL) {
        return NULL;
    }
    randombytes_buf(seed, sizeof seed);
    topping.merge = top_merge_new(KEYS_MAX, seed);
    if (read_reports(sources, wanted, list, &topping, &newest, failure) == 0) {
        answer = answer_json(sources, wanted, &topping, interfaces, newest);
    } else {
        json_decref(interfaces);
    }
    if (answer != NULL && topping.n_reports == 0) {
        explain_nothing(sources, wanted, now, answer);
    }
    top_merge_free(topping.merge);
    free(topping.spans);
    return answer;
}

/* No name holds a line's end. Caller frees. */
static char *name_of(const struct query_top *wanted)
{
    return xasprintf("top\n%s\n%s\n%s\n%" PRId64 "\n%" PRId64 "\n%zu",
                     wanted->device != NULL ? wanted->device : "",
                     wanted->interface != NULL ? wanted->interface : "", wanted->list,
                     wanted->from.ms, wanted->to.ms, wanted->most);
}

json_t *query_top(const struct query_sources *sources, const struct query_top *wanted,
                  struct wall now, struct query_failure *failure)
{
    enum talker_list list;
    if (list_of(wanted->list, &list) != 0) {
        return query_fail(failure, QUERY_BAD_PARAMETER, "list must be hosts, prefixes or services");
    }
    if (wanted->from.ms >= wanted->to.ms) {
        return query_fail(failure, QUERY_BAD_PARAMETER, "from must be before to");
    }
    if (!wanted->may_be_remembered) {
        return add_up(sources, wanted, list, now, failure);
    }
    char *name = name_of(wanted);
    json_t *answer = query_recall(sources->shared, name);
    if (answer == NULL) {
        answer = add_up(sources, wanted, list, now, failure);
        /* What was not there may still come. */
        if (json_is_null(json_object_get(answer, "nothing"))) {
            query_remember(sources->shared, name, answer);
        }
    }
    free(name);
    return answer;
}
