/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `beffroi sla`: availability figures, computed here from the observations that the collector
 * gives, by a contract that the caller holds. */
#include "cli.h"
#include "collector.h"
#include "sla/report.h"
#include "table.h"

#include "common/clock.h"
#include "proto/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int load_contract(const char *path, struct sla_contract **contract)
{
    struct config_errors errors = {0};
    int rc = sla_contract_load(path, contract, &errors);
    if (rc != 0) {
        config_errors_print(stderr, &errors);
        config_errors_clear(&errors);
        return CLI_INPUT;
    }
    return CLI_OK;
}

static bool get_time(const json_t *object, const char *key, struct wall *time)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL && wall_parse(text, time) == 0;
}

static int outcome_value(const char *name)
{
    static const enum outcome outcomes[] = {OUTCOME_UP, OUTCOME_DEGRADED, OUTCOME_DOWN,
                                            OUTCOME_UNKNOWN};
    for (size_t i = 0; name != NULL && i < sizeof outcomes / sizeof *outcomes; i++) {
        if (strcmp(name, outcome_name(outcomes[i])) == 0) {
            return (int)outcomes[i];
        }
    }
    return 0;
}

static int add_run(struct sla_input *input, const json_t *item)
{
    struct sla_run run = {
        .interval_ms = json_integer_value(json_object_get(item, "interval_ms")),
        .outcome = outcome_value(json_string_value(json_object_get(item, "outcome"))),
    };
    const char *device = json_string_value(json_object_get(item, "device"));
    const char *check = json_string_value(json_object_get(item, "check"));
    const char *reason = json_string_value(json_object_get(item, "reason"));
    if (device == NULL || check == NULL || run.outcome == 0 ||
        !get_time(item, "first", &run.first) || !get_time(item, "last", &run.last)) {
        return -1;
    }
    (void)snprintf(run.reason, sizeof run.reason, "%s", reason != NULL ? reason : "");
    return sla_input_add_run(input, device, check, &run);
}

/* The collector's runs and gaps as the engine's input. NULL after a complaint. */
static struct sla_input *read_input(const json_t *answer)
{
    struct sla_input *input = sla_input_new();
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(answer, "runs"), i, item)
    {
        if (add_run(input, item) != 0) {
            cli_complain("run %zu of the collector's answer makes no sense", i);
            sla_input_free(input);
            return NULL;
        }
    }
    json_array_foreach(json_object_get(answer, "gaps"), i, item)
    {
        struct sla_interval gap;
        if (!get_time(item, "from", &gap.from) || !get_time(item, "to", &gap.to) ||
            sla_input_add_gap(input, gap) != 0) {
            cli_complain("gap %zu of the collector's answer makes no sense", i);
            sla_input_free(input);
            return NULL;
        }
    }
    return input;
}

static void print_outages(const json_t *service)
{
    size_t i;
    const json_t *outage;
    json_array_foreach(json_object_get(service, "outages"), i, outage)
    {
        char from[TIME_TEXT_SIZE];
        char to[TIME_TEXT_SIZE];
        (void)printf("  outage %zu: %s to %s, %.1f s (between %.1f and %.1f s)\n", i + 1,
                     time_text(json_object_get(outage, "from"), from),
                     json_is_true(json_object_get(outage, "open"))
                         ? "now"
                         : time_text(json_object_get(outage, "to"), to),
                     json_number_value(json_object_get(outage, "duration_ms")) / 1000,
                     json_number_value(json_object_get(outage, "min_ms")) / 1000,
                     json_number_value(json_object_get(outage, "max_ms")) / 1000);
    }
}

static void print_policy(const json_t *service)
{
    char *policy = json_dumps(json_object_get(service, "policy"), JSON_COMPACT | JSON_SORT_KEYS);
    (void)printf("  policy: %s\n", policy != NULL ? policy : "-");
    free(policy);
}

static void print_service(const json_t *service, bool colour)
{
    const json_t *availability = json_object_get(service, "availability");
    const char *pct = json_string_value(json_object_get(availability, "pct"));
    const char *low = json_string_value(json_object_get(availability, "min_pct"));
    const char *high = json_string_value(json_object_get(availability, "max_pct"));
    const char *target = json_string_value(json_object_get(service, "target_pct"));
    const json_t *meets = json_object_get(service, "meets");
    const char *word;
    const json_t *ms;
    (void)printf("%s: %s", json_string_value(json_object_get(service, "service")),
                 pct != NULL ? pct : "no figure");
    if (pct != NULL) {
        (void)printf(" %% (%s to %s)", low != NULL ? low : "-", high != NULL ? high : "-");
    }
    (void)printf(", target %s %%, meets: ", target != NULL ? target : "-");
    print_state(json_is_true(meets) ? "yes" : json_is_false(meets) ? "no" : "-", colour);
    (void)fputs("\n ", stdout);
    json_object_foreach(json_object_get(service, "classes_ms"), word, ms)
    {
        if (json_integer_value(ms) != 0) {
            (void)printf(" %s %.1f s", word, json_number_value(ms) / 1000);
        }
    }
    const char *coverage = json_string_value(json_object_get(service, "coverage_pct"));
    (void)printf("; coverage %s %%\n", coverage != NULL ? coverage : "-");
    print_outages(service);
    print_policy(service);
}

static void print_report(const json_t *report, bool colour)
{
    const json_t *period = json_object_get(report, "period");
    size_t i;
    const json_t *service;
    (void)printf("%s\n%s to %s (%s)%s\n\n", json_string_value(json_object_get(report, "title")),
                 json_string_value(json_object_get(period, "from_local")),
                 json_string_value(json_object_get(period, "to_local")),
                 json_string_value(json_object_get(report, "timezone")),
                 json_is_true(json_object_get(report, "provisional")) ? ", provisional" : "");
    json_array_foreach(json_object_get(report, "services"), i, service)
    {
        print_service(service, colour);
    }
}

static int show(const struct cli *cli, const struct sla_contract *contract, const char *text,
                const char *service)
{
    char reason[256] = "";
    char from[WALL_TEXT_SIZE];
    char to[WALL_TEXT_SIZE];
    struct sla_interval period;
    struct wall now;
    json_t *answer = NULL;
    json_t *report = NULL;
    if (sla_period_parse(text, sla_contract_timezone(contract), clock_wall(), &period, reason,
                         sizeof reason) != 0) {
        cli_complain("--period: %s: %s", text, reason);
        return CLI_USAGE;
    }
    (void)wall_format_utc(sla_report_from(contract, period), from);
    (void)wall_format_utc(period.to, to);
    int rc = collector_get_json(cli, "/api/v1/runs", (const char *[]){"from", from, "to", to, NULL},
                                &answer);
    if (rc != CLI_OK) {
        return rc;
    }
    struct sla_input *input = read_input(answer);
    rc = CLI_UNREACHABLE;
    if (input == NULL) {
        goto out;
    }
    if (!get_time(answer, "time", &now)) {
        cli_complain("the collector's answer has no time");
        goto out;
    }
    report = sla_report(contract, input, period, now, service, reason, sizeof reason);
    if (report == NULL) {
        cli_complain("%s", reason);
        rc = CLI_USAGE;
        goto out;
    }
    if (cli->format == CLI_JSON) {
        (void)json_dumpf(report, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    } else {
        print_report(report, cli->colour);
    }
    rc = CLI_OK;
out:
    json_decref(report);
    sla_input_free(input);
    json_decref(answer);
    return rc;
}

int cli_sla(int argc, char **argv)
{
    struct cli cli;
    const char *path = NULL;
    const char *period = "this-month";
    const char *service = NULL;
    const struct cli_option options[] = {
        {"--contract", NULL, &path},
        {"--period", NULL, &period},
        {"--service", NULL, &service},
        {0},
    };
    struct sla_contract *contract = NULL;
    int rc = cli_parse(&cli, argc, argv, options, 1);
    if (rc != CLI_OK) {
        return rc;
    }
    const char *action = cli.n_arguments == 1 ? cli.argument[0] : "";
    bool is_check = strcmp(action, "check") == 0;
    if ((!is_check && strcmp(action, "show") != 0) || path == NULL) {
        cli_complain("say show or check, and --contract FILE");
        return CLI_USAGE;
    }
    rc = load_contract(path, &contract);
    if (rc != CLI_OK) {
        return rc;
    }
    if (is_check) {
        sla_contract_print(stdout, contract);
    } else {
        rc = show(&cli, contract, period, service);
    }
    sla_contract_free(contract);
    return rc;
}
