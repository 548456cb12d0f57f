/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A small and strict reader of the Prometheus text format 0.0.4: of what it must be, not of what a
 * server may tolerate. */
#ifndef TEST_WEB_PROMETHEUS_H
#define TEST_WEB_PROMETHEUS_H

/* The number of samples, or -1: a line is wrong, a family comes twice or without HELP and TYPE, a
 * sample comes twice. */
int prometheus_check(const char *text);

#endif
