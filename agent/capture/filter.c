/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture/capture.h"
#include "source.h"

int capture_check_filter(const char *filter, char *reason, size_t reason_size)
{
    return source_check_filter(filter, reason, reason_size);
}
