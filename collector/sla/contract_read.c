/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contract_config.h"

#include "sla/figures.h"

#include <errno.h>
#include <string.h>

int contract_read_weekday(const char *text, int *weekday)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int i = 0; i < 7; i++) {
        if (strcmp(text, names[i]) == 0) {
            *weekday = i;
            return 0;
        }
    }
    return -EINVAL;
}

int contract_read_clock(const char *text, int *minute)
{
    static const char form[] = "dd:dd";
    for (size_t i = 0; i < sizeof form; i++) {
        bool fits = form[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i];
        if (!fits) {
            return -EINVAL;
        }
    }
    int hours = (text[0] - '0') * 10 + text[1] - '0';
    int minutes = (text[3] - '0') * 10 + text[4] - '0';
    *minute = hours * 60 + minutes;
    return minutes < 60 && *minute <= 24 * 60 ? 0 : -EINVAL;
}

int contract_read_weight(const char *text, int64_t *millionths)
{
    int64_t value = 0;
    int64_t unit = SLA_MILLION;
    if (strcmp(text, "inherit") == 0) {
        *millionths = INHERIT;
        return 0;
    }
    if ((text[0] != '0' && text[0] != '1') || (text[1] != '\0' && text[1] != '.')) {
        return -EINVAL;
    }
    value = (text[0] - '0') * unit;
    if (text[1] == '.') {
        if (text[2] == '\0') {
            return -EINVAL;
        }
        for (const char *digit = text + 2; *digit != '\0'; digit++) {
            unit /= 10;
            if (*digit < '0' || *digit > '9' || unit == 0) {
                return -EINVAL;
            }
            value += (*digit - '0') * unit;
        }
    }
    *millionths = value;
    return value <= SLA_MILLION ? 0 : -EINVAL;
}

int contract_read_holiday(const char *text, size_t *name)
{
    for (size_t i = 0; i < SLA_HOLIDAY_NAMES; i++) {
        if (strcmp(text, sla_holiday_name(i)) == 0) {
            *name = i;
            return 0;
        }
    }
    return -EINVAL;
}

int contract_read_check(const char *text, size_t *device_size, const char **check)
{
    const char *slash = strchr(text, '/');
    if (slash == NULL || slash == text || slash[1] == '\0') {
        return -EINVAL;
    }
    *device_size = (size_t)(slash - text);
    *check = slash + 1;
    return 0;
}
