/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sla/contract.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char FULL[] =
    "contract: {name: ville-demo, title: \"Outsourcing of Ville-Demo\", timezone: Europe/Paris}\n"
    "policy:\n"
    "  planned: credit\n"
    "  unknown: down\n"
    "  initial_state: up\n"
    "  degraded_weight: 0.25\n"
    "  sample_valid: 150s\n"
    "  ignore_outages_shorter: 2m\n"
    "  minimum_notice: 5d\n"
    "  planned_quota: 4h\n"
    "  planned_quota_per: quarter\n"
    "calendars:\n"
    "  - name: office\n"
    "    hours:\n"
    "      - {days: [mon, tue, wed, thu, fri], from: 08:00, to: 18:00, valid_to: 2026-06-16}\n"
    "      - {days: [sat], from: 22:00, to: 00:00, valid_from: 2026-06-16}\n"
    "    holidays: france-alsace-moselle\n"
    "    worked: [whit-monday, 2026-05-08]\n"
    "    closed: [2026-12-24]\n"
    "maintenance:\n"
    "  - name: core switch\n"
    "    from: 2026-06-10T20:00\n"
    "    to: 2026-06-11T00:00:00+02:00\n"
    "    announced: 2026-06-01T09:00\n"
    "    cancelled: 2026-06-10T21:00\n"
    "    devices: [sw-1]\n"
    "    checks: [fw-1/icmp]\n"
    "  - name: patch day\n"
    "    repeat: {rule: FREQ=MONTHLY;BYDAY=2TU, first: 2026-01-13, start: 22:00, end: 02:00}\n"
    "    services: [citizen web]\n"
    "exclusions:\n"
    "  - from: 2026-06-10T14:00\n"
    "    to: 2026-06-10T15:00\n"
    "    reason: power utility failure\n"
    "    services: [citizen web]\n"
    "    requested_by: provider\n"
    "    accepted_by: city\n"
    "    reference: T-4711\n"
    "    recorded: 2026-06-20T09:00\n"
    "    withdrawn: 2026-07-20T09:00\n"
    "services:\n"
    "  - name: citizen web\n"
    "    target: 99.9\n"
    "    hours: office\n"
    "    policy: {planned: count, degraded_weight: 1}\n"
    "    requires: {check: web-1/http/front}\n"
    "  - name: city network\n"
    "    target: 99.5\n"
    "    requires:\n"
    "      all:\n"
    "        - check: sw-1/snmp\n"
    "        - any: [{check: fw-1/icmp}, {check: fw-2/icmp}, {check: sw-1/snmp}]\n"
    "        - quorum: {at_least: 2, of: [{check: a/x}, {check: b/x}, {check: c/x}]}\n"
    "        - weighted:\n"
    "            at_least: 60\n"
    "            of:\n"
    "              - {weight: 50, requires: {check: a/x}}\n"
    "              - {weight: 30, requires: {all: [{check: b/x}]}}\n";

static struct sla_contract *parse(const char *text)
{
    struct sla_contract *contract = NULL;
    struct config_errors errors = {0};
    if (sla_contract_parse("c.yaml", text, strlen(text), &contract, &errors) != 0) {
        config_errors_print(stderr, &errors);
        fail();
    }
    return contract;
}

static char *print(const struct sla_contract *contract)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    sla_contract_print(out, contract);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void a_contract_says_what_it_is(void **state)
{
    (void)state;
    struct sla_contract *contract = parse(FULL);
    static const char *const checks[][2] = {{"sw-1", "snmp"}, {"fw-1", "icmp"}, {"fw-2", "icmp"},
                                            {"a", "x"},       {"b", "x"},       {"c", "x"}};
    const char *device;
    const char *check;
    assert_string_equal(sla_contract_name(contract), "ville-demo");
    assert_string_equal(sla_contract_title(contract), "Outsourcing of Ville-Demo");
    assert_string_equal(sla_contract_timezone(contract), "Europe/Paris");
    assert_int_equal(sla_contract_services(contract), 2);
    assert_string_equal(sla_contract_service_name(contract, 1), "city network");
    assert_true(sla_contract_service_check(contract, 0, 0, &device, &check));
    assert_string_equal(device, "web-1");
    assert_string_equal(check, "http/front"); /* the first slash divides */
    assert_false(sla_contract_service_check(contract, 0, 1, &device, &check));
    for (size_t i = 0; i < 6; i++) { /* each once */
        assert_true(sla_contract_service_check(contract, 1, i, &device, &check));
        assert_string_equal(device, checks[i][0]);
        assert_string_equal(check, checks[i][1]);
    }
    assert_false(sla_contract_service_check(contract, 1, 6, &device, &check));
    sla_contract_free(contract);
    sla_contract_free(NULL);
}

static void what_is_printed_reads_again(void **state)
{
    (void)state;
    static const char small[] =
        "contract: {name: c}\nservices: [{name: s, target: 99, requires: {check: d/c}}]\n";
    static const char *const texts[] = {FULL, small};
    for (size_t i = 0; i < 2; i++) {
        struct sla_contract *contract = parse(texts[i]);
        char *once = print(contract);
        struct sla_contract *again = parse(once);
        char *twice = print(again);
        assert_string_equal(once, twice);
        assert_int_equal(sla_contract_services(again), sla_contract_services(contract));
        /* Nothing is lost on the way. */
        assert_true(i == 1 || strstr(once, "whit-monday") != NULL);
        assert_true(i == 1 || strstr(once, "T-4711") != NULL);
        assert_true(i == 0 || strstr(once, "Europe/Paris") != NULL);
        free(once);
        free(twice);
        sla_contract_free(contract);
        sla_contract_free(again);
    }
}

static void assert_refused(const char *text, const char *key, const char *reason)
{
    struct sla_contract *contract = NULL;
    struct config_errors errors = {0};
    bool found = false;
    assert_int_equal(sla_contract_parse("c.yaml", text, strlen(text), &contract, &errors), -EINVAL);
    assert_null(contract);
    for (size_t i = 0; i < errors.count && !found; i++) {
        found = strcmp(errors.errors[i].key, key) == 0 &&
                strstr(errors.errors[i].reason, reason) != NULL;
    }
    if (!found) {
        config_errors_print(stderr, &errors);
        fail_msg("no error at %s that says \"%s\"", key, reason);
    }
    config_errors_clear(&errors);
}

#define HEAD    "contract: {name: c}\n"
#define SERVICE "services: [{name: s, target: 99, requires: {check: d/c}}]\n"

static void every_mistake_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *key;
        const char *reason;
    } bad[] = {
        {SERVICE, "contract", "required"},
        {HEAD, "services", "required"},
        {HEAD "services: []\n", "services", "must have"},
        {"contract: {name: \"a/b\"}\n" SERVICE, "contract.name", "letters"},
        {"contract: {name: c, timezone: Europe/Lutetia}\n" SERVICE, "contract.timezone", "zone"},
        {HEAD "policy: {planned: ignore}\n" SERVICE, "policy.planned", "must be one of"},
        {HEAD "policy: {degraded_weight: 1.1}\n" SERVICE, "policy.degraded_weight", "0 to 1"},
        {HEAD "services: [{name: s, target: 100.1, requires: {check: d/c}}]\n",
         "services[0].target", "0 to 100"},
        {HEAD "services: [{name: s, target: 99, requires: {check: dc}}]\n",
         "services[0].requires.check", "DEVICE/CHECK"},
        {HEAD "services: [{name: s, target: 99, requires: {check: d/c, any: [{check: d/c}]}}]\n",
         "services[0].requires", "exactly one"},
        {HEAD "services: [{name: s, target: 99, requires: {}}]\n", "services[0].requires",
         "exactly one"},
        {HEAD "services: [{name: s, target: 99, requires: {all: []}}]\n",
         "services[0].requires.all", "must have"},
        {HEAD "services: [{name: s, target: 99, requires: {quorum: {at_least: 3, of: [{check: "
              "d/c}, {check: d/e}]}}}]\n",
         "services[0].requires.quorum.at_least", "more than the 2"},
        {HEAD "services: [{name: s, target: 99, requires: {weighted: {at_least: 9, of: [{weight: "
              "8, requires: {check: d/c}}]}}}]\n",
         "services[0].requires.weighted.at_least", "weigh together, 8"},
        {HEAD "services: [{name: s, target: 99, hours: o, requires: {check: d/c}}]\n",
         "services[0].hours", "no calendar"},
        {HEAD "services: [{name: s, target: 99, policy: {degraded_weight: half}, requires: "
              "{check: d/c}}]\n",
         "services[0].policy.degraded_weight", "inherit"},
        {HEAD "services: [{name: s, target: 99, requires: {check: d/c}}, {name: s, target: 99, "
              "requires: {check: d/c}}]\n",
         "services[1].name", "another service"},
        {HEAD "calendars: [{name: o}, {name: o}]\n" SERVICE, "calendars[1].name",
         "another calendar"},
        {HEAD "calendars: [{name: o, hours: [{days: [lundi], from: 08:00, to: 18:00}]}]\n" SERVICE,
         "calendars[0].hours[0].days[0]", "mon"},
        {HEAD "calendars: [{name: o, hours: [{days: [mon], from: 24:00, to: 18:00}]}]\n" SERVICE,
         "calendars[0].hours[0].from", "23:59"},
        {HEAD "calendars: [{name: o, hours: [{days: [mon], from: 08:00, to: 8h}]}]\n" SERVICE,
         "calendars[0].hours[0].to", "hh:mm"},
        {HEAD "calendars: [{name: o, hours: [{days: [mon], from: 08:00, to: 18:00, valid_from: "
              "2026-06-01, valid_to: 2026-06-01}]}]\n" SERVICE,
         "calendars[0].hours[0].valid_to", "after valid_from"},
        {HEAD "calendars: [{name: o, holidays: france, worked: [easter]}]\n" SERVICE,
         "calendars[0].worked[0]", "holiday's name"},
        {HEAD "calendars: [{name: o, worked: [whit-monday]}]\n" SERVICE, "calendars[0].worked",
         "without holidays"},
        {HEAD "calendars: [{name: o, holidays: france, worked: [2026-05-08], closed: "
              "[2026-05-08]}]\n" SERVICE,
         "calendars[0].worked[0]", "closed"},
        {HEAD "calendars: [{name: o, closed: [2026-02-29]}]\n" SERVICE, "calendars[0].closed[0]",
         "must exist"},
        {HEAD "maintenance: [{name: m}]\n" SERVICE, "maintenance[0]", "either"},
        {HEAD "maintenance: [{from: 2026-06-01, to: 2026-06-02, repeat: {rule: FREQ=DAILY, first: "
              "2026-01-01, start: 01:00, end: 02:00}}]\n" SERVICE,
         "maintenance[0]", "either"},
        {HEAD "maintenance: [{from: 2026-06-02, to: 2026-06-02}]\n" SERVICE, "maintenance[0].to",
         "after from"},
        {HEAD "maintenance: [{from: soon, to: 2026-06-02}]\n" SERVICE, "maintenance[0].from",
         "1970 to 2037"},
        {HEAD "maintenance: [{repeat: {rule: FREQ=HOURLY, first: 2026-01-01, start: 01:00, end: "
              "02:00}}]\n" SERVICE,
         "maintenance[0].repeat.rule", "RFC 5545"},
        {HEAD "maintenance: [{from: 2026-06-01, to: 2026-06-02, services: [t]}]\n" SERVICE,
         "maintenance[0].services[0]", "no service"},
        {HEAD "maintenance: [{from: 2026-06-01, to: 2026-06-02, devices: [e]}]\n" SERVICE,
         "maintenance[0].devices[0]", "this device"},
        {HEAD "maintenance: [{from: 2026-06-01, to: 2026-06-02, checks: [d/e]}]\n" SERVICE,
         "maintenance[0].checks[0]", "this check"},
        {HEAD "policy: {minimum_notice: 5d}\nmaintenance: [{from: 2026-06-01, to: "
              "2026-06-02}]\n" SERVICE,
         "maintenance[0].announced", "minimum_notice"},
        {HEAD "exclusions: [{from: 2026-06-01, to: 2026-06-02}]\n" SERVICE, "exclusions[0].reason",
         "required"},
        {HEAD "exclusions: [{from: 2026-06-01, to: 2026-05-02, reason: r}]\n" SERVICE,
         "exclusions[0].to", "after from"},
        {HEAD
         "exclusions: [{from: 2026-06-01, to: 2026-06-02, reason: r, services: [t]}]\n" SERVICE,
         "exclusions[0].services[0]", "no service"},
        {HEAD
         "exclusions: [{from: 2026-06-01, to: 2026-06-02, reason: r, recorded: now}]\n" SERVICE,
         "exclusions[0].recorded", "1970 to 2037"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_refused(bad[i].text, bad[i].key, bad[i].reason);
    }
}

static void all_mistakes_are_named_at_once_with_their_lines(void **state)
{
    (void)state;
    static const char text[] = HEAD "maintenance:\n"
                                    "  - {from: 2026-06-02, to: 2026-06-01}\n"
                                    "  - {from: 2026-06-01, to: 2026-06-02, devices: [e]}\n"
                                    "services:\n"
                                    "  - {name: s, target: 99, hours: o, requires: {check: d/c}}\n";
    static const int lines[] = {3, 4, 6};
    struct sla_contract *contract = NULL;
    struct config_errors errors = {0};
    assert_int_equal(sla_contract_parse("c.yaml", text, strlen(text), &contract, &errors), -EINVAL);
    assert_int_equal(errors.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(errors.errors[i].line, lines[i]);
        assert_string_equal(errors.errors[i].file, "c.yaml");
    }
    config_errors_clear(&errors);
}

static void a_tree_may_be_deep_but_not_bottomless(void **state)
{
    (void)state;
    for (int depth = 5; depth <= 40; depth += 35) {
        char text[2000] = HEAD "services: [{name: s, target: 99, requires: ";
        struct sla_contract *contract = NULL;
        struct config_errors errors = {0};
        size_t size = strlen(text);
        for (int i = 0; i < depth; i++) {
            size += (size_t)snprintf(text + size, sizeof text - size, "{all: [");
        }
        size += (size_t)snprintf(text + size, sizeof text - size, "{check: d/c}");
        for (int i = 0; i < depth; i++) {
            size += (size_t)snprintf(text + size, sizeof text - size, "]}");
        }
        size += (size_t)snprintf(text + size, sizeof text - size, "}]\n");
        int error = sla_contract_parse("c.yaml", text, size, &contract, &errors);
        assert_int_equal(error, depth == 5 ? 0 : -EINVAL);
        config_errors_clear(&errors);
        sla_contract_free(contract);
    }
}

static void a_file_is_loaded(void **state)
{
    (void)state;
    char path[] = "/tmp/beffroi-contract-XXXXXX";
    struct sla_contract *contract = NULL;
    struct config_errors errors = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, FULL, strlen(FULL)), (ssize_t)strlen(FULL));
    assert_int_equal(close(fd), 0);
    assert_int_equal(sla_contract_load(path, &contract, &errors), 0);
    assert_string_equal(sla_contract_name(contract), "ville-demo");
    sla_contract_free(contract);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sla_contract_load(path, &contract, &errors), -ENOENT);
    assert_null(contract);
    assert_int_equal(errors.count, 1);
    config_errors_clear(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contract_says_what_it_is),
        cmocka_unit_test(what_is_printed_reads_again),
        cmocka_unit_test(every_mistake_is_named),
        cmocka_unit_test(all_mistakes_are_named_at_once_with_their_lines),
        cmocka_unit_test(a_tree_may_be_deep_but_not_bottomless),
        cmocka_unit_test(a_file_is_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
