/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a check's keys must say beyond their type and range: for the table in config.c, each as
 * struct config_field's check, rule_object as struct config_schema's.
 *
 * Threads: no state. */
#ifndef CHECKS_CONFIG_RULES_H
#define CHECKS_CONFIG_RULES_H

#include "common/config.h"

int rule_confirm(const char *value, char *reason, size_t reason_size);
int rule_url(const char *value, char *reason, size_t reason_size);
int rule_send(const char *value, char *reason, size_t reason_size);
int rule_query(const char *value, char *reason, size_t reason_size);
int rule_header(const char *value, char *reason, size_t reason_size);
int rule_absolute(const char *value, char *reason, size_t reason_size);
int rule_unit(const char *value, char *reason, size_t reason_size);
int rule_rcode(const char *value, char *reason, size_t reason_size);
void rule_object(const void *object, struct config_error_sink *errors);

#endif
