/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The rules of a profile that its schema's bounds do not say: checks of one value, of one mapping,
 * and of the whole, as struct config_field and struct config_schema want them. */
#ifndef SNMP_PROFILE_CHECK_H
#define SNMP_PROFILE_CHECK_H

#include "common/config.h"

/* One value. */
int profile_check_oid(const char *value, char *reason, size_t reason_size);
int profile_check_number(const char *value, char *reason, size_t reason_size);
int profile_check_name(const char *value, char *reason, size_t reason_size);
/* A name that may hold dots and dashes: of profiles and tables. */
int profile_check_word(const char *value, char *reason, size_t reason_size);
int profile_check_template(const char *value, char *reason, size_t reason_size);
int profile_check_expression(const char *value, char *reason, size_t reason_size);

/* One mapping. A table is checked by making it (plans_table.h). */
void profile_check_match(const void *object, struct config_error_sink *errors);
void profile_check_where(const void *object, struct config_error_sink *errors);
void profile_check_label(const void *object, struct config_error_sink *errors);
void profile_check_metric(const void *object, struct config_error_sink *errors);
void profile_check_table(const void *object, struct config_error_sink *errors);
void profile_check_scalar(const void *object, struct config_error_sink *errors);
void profile_check_all(const void *object, struct config_error_sink *errors);

#endif
