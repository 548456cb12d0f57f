/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metric_lists.h"

#include "common/xalloc.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* In one block with its metrics and their texts. */
struct kept_list {
    struct metric_list list;
    size_t users;
    struct metric metrics[];
};

struct metric_lists {
    void *tree; /* of tsearch: struct kept_list */
};

static int compare_metrics(const struct metric *a, const struct metric *b)
{
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : strcmp(a->unit, b->unit);
}

static int compare_lists(const void *a, const void *b)
{
    const struct metric_list *left = a;
    const struct metric_list *right = b;
    if (left->n_metrics != right->n_metrics) {
        return left->n_metrics < right->n_metrics ? -1 : 1;
    }
    int order = 0;
    for (size_t i = 0; i < left->n_metrics && order == 0; i++) {
        order = compare_metrics(&left->metrics[i], &right->metrics[i]);
    }
    return order;
}

static const char *put_text(char **at, const char *text)
{
    char *put = *at;
    size_t size = strlen(text) + 1;
    memcpy(put, text, size);
    *at += size;
    return put;
}

static struct kept_list *copy_list(const struct metric_list *from)
{
    size_t texts = 0;
    for (size_t i = 0; i < from->n_metrics; i++) {
        texts += strlen(from->metrics[i].name) + strlen(from->metrics[i].unit) + 2;
    }
    struct kept_list *kept =
        xmalloc(sizeof *kept + from->n_metrics * sizeof kept->metrics[0] + texts);
    char *at = (char *)(kept->metrics + from->n_metrics);
    for (size_t i = 0; i < from->n_metrics; i++) {
        kept->metrics[i] = (struct metric){.name = put_text(&at, from->metrics[i].name),
                                           .unit = put_text(&at, from->metrics[i].unit),
                                           .type = from->metrics[i].type};
    }
    kept->list = (struct metric_list){.n_metrics = from->n_metrics, .metrics = kept->metrics};
    kept->users = 0;
    return kept;
}

struct metric_lists *metric_lists_new(void)
{
    return xcalloc(1, sizeof(struct metric_lists));
}

void metric_lists_free(struct metric_lists *lists)
{
    if (lists != NULL) {
        tdestroy(lists->tree, free);
        free(lists);
    }
}

const struct metric_list *metric_lists_find(const struct metric_lists *lists,
                                            const struct metric *metrics, size_t n_metrics)
{
    const struct metric_list wanted = {.n_metrics = n_metrics, .metrics = metrics};
    struct kept_list *const *found = tfind(&wanted, &lists->tree, compare_lists);
    return found == NULL ? NULL : &(*found)->list;
}

const struct metric_list *metric_lists_take(struct metric_lists *lists,
                                            const struct metric *metrics, size_t n_metrics)
{
    const struct metric_list wanted = {.n_metrics = n_metrics, .metrics = metrics};
    struct kept_list **found = tfind(&wanted, &lists->tree, compare_lists);
    if (found == NULL) {
        struct kept_list *kept = copy_list(&wanted);
        found = tsearch(kept, &lists->tree, compare_lists);
        if (found == NULL) {
            abort(); /* out of memory, as xalloc has it */
        }
    }
    (*found)->users++;
    return &(*found)->list;
}

void metric_lists_give_back(struct metric_lists *lists, const struct metric_list *list)
{
    struct kept_list **found = tfind(list, &lists->tree, compare_lists);
    if (found != NULL && --(*found)->users == 0) {
        struct kept_list *kept = *found;
        (void)tdelete(kept, &lists->tree, compare_lists); /* it was found */
        free(kept);
    }
}
