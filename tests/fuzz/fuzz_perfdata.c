/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as what a plugin, or systemctl, prints: what is taken of it lies within the bytes, and
 * is an object that may travel. */
#include "perfdata_set.h"
#include "unit_state.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint32_t check_object(void *context, const struct object *object)
{
    *(size_t *)context = object->n_metrics;
    assert(object->n_metrics > 0 && object->n_metrics <= PROTO_METRICS_MAX);
    for (size_t i = 0; i < object->n_metrics; i++) {
        const struct metric *metric = &object->metrics[i];
        size_t length = strlen(metric->name);
        assert(length > 0 && length <= PROTO_METRIC_NAME_MAX);
        assert(metric->name[0] >= 'a' && metric->name[0] <= 'z');
        assert(strspn(metric->name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length);
        assert(name_is_valid(metric->unit, strlen(metric->unit)));
        for (size_t j = 0; j < i; j++) {
            assert(strcmp(metric->name, object->metrics[j].name) != 0);
        }
    }
    assert(object->n_labels <= PROTO_LABELS_MAX);
    for (size_t i = 0; i < object->n_labels; i++) {
        assert(strlen(object->labels[i].value) <= PROTO_LABEL_MAX);
    }
    return 1;
}

static void check_row(void *context, const struct row *row)
{
    (void)context;
    assert(row->object == 1);
    assert((row->unknown_mask & row->discontinuity_mask) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes;
    size_t n_metrics = 0;
    const struct sample_sink sink = {
        .context = &n_metrics, .define = check_object, .row = check_row};
    struct perfdata_set *set = perfdata_set_new();
    struct plugin_output output;
    struct verdict verdict = {0};
    /* The second half is what the plugin prints the next time. */
    size_t half = size / 2;
    for (size_t i = 0; i < 2; i++) {
        const char *begin = i == 0 ? text : text + half;
        size_t n = i == 0 ? half : size - half;
        plugin_output_split(begin, n, &output);
        assert(output.text.at >= begin && output.text.at + output.text.size <= begin + n);
        (void)perfdata_set_take(set, &output);
        perfdata_set_deliver(set, &sink, "d", "n", 60000, (struct wall){1});
    }
    perfdata_set_free(set);
    (void)unit_state_read(text, size, &verdict);
    return 0;
}
