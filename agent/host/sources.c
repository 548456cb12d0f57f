/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sources.h"

const struct source sources[SOURCES] = {
    {"system", source_system},  {"pressure", source_pressure},
    {"memory", source_memory},  {"filesystem", source_filesystems},
    {"disk", source_disks},     {"network", source_network},
    {"clock", source_clock},    {"interface", source_interfaces},
    {"sensor", source_sensors},
};

void values_of_numbers(const struct book_kind *kind, const uint64_t *numbers, union value *values)
{
    for (size_t i = 0; i < kind->n_metrics; i++) {
        if (kind->metrics[i].type == METRIC_COUNTER) {
            values[i].counter = numbers[i];
        } else {
            values[i].gauge = (double)numbers[i];
        }
    }
}
