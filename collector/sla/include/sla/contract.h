/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The contract: which services are promised, when, to what target, and by which rules time is
 * counted. One YAML file; docs/contract.md explains every key.
 *
 *   contract: {name: ville-demo, title: "Outsourcing of Ville-Demo", timezone: Europe/Paris}
 *   policy: {planned: remove, unknown: exclude, degraded_weight: 0}   # defaults of every service
 *   calendars: […]            # service hours and holidays, by name
 *   maintenance: […]          # planned windows: once, or recurring in local time
 *   exclusions: […]
 *   services:
 *     - {name: citizen web, target: 99.9, requires: {check: web-1/http}}
 *     - name: city network
 *       target: 99.5
 *       requires: {all: [{check: sw-1/snmp}, {any: [{check: fw-1/icmp}, {check: fw-2/icmp}]}]}
 *
 * Threads: constant once loaded. */
#ifndef SLA_CONTRACT_H
#define SLA_CONTRACT_H

#include "common/config.h"

struct sla_contract;

/* Loads and checks: every error of the file at once. 0 or -errno with entries in `errors`. */
int sla_contract_load(const char *path, struct sla_contract **contract,
                      struct config_errors *errors);
int sla_contract_parse(const char *name, const char *text, size_t size,
                       struct sla_contract **contract, struct config_errors *errors);
void sla_contract_free(struct sla_contract *contract);
/* The normal form, which parses again to the same contract. */
void sla_contract_print(FILE *out, const struct sla_contract *contract);

const char *sla_contract_name(const struct sla_contract *contract);
const char *sla_contract_title(const struct sla_contract *contract);
const char *sla_contract_timezone(const struct sla_contract *contract);
size_t sla_contract_services(const struct sla_contract *contract);
const char *sla_contract_service_name(const struct sla_contract *contract, size_t service);
/* The checks that a service's tree names, each once: "device", "check"; false after the last. */
bool sla_contract_service_check(const struct sla_contract *contract, size_t service, size_t n,
                                const char **device, const char **check);

#endif
