/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `beffroi status`: what is broken, since when, before anything else. */
#include "cli.h"
#include "collector.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static void print_alarms(const json_t *answer)
{
    size_t i;
    const json_t *alarm;
    json_array_foreach(json_object_get(json_object_get(answer, "collector"), "alarms"), i, alarm)
    {
        print_text("ALARM: ", json_string_value(alarm));
        (void)putchar('\n');
    }
}

static void print_problems(const json_t *answer, bool colour)
{
    const json_t *problems = json_object_get(answer, "problems");
    size_t i;
    const json_t *problem;
    if (json_array_size(problems) == 0) {
        (void)puts("Problems: none");
        return;
    }
    (void)printf("Problems: %zu\n", json_array_size(problems));
    struct table *table = table_new(
        (const char *[]){"STATE", "DEVICE", "CHECK", "REASON", "SINCE", ">FOR", "DETAIL", NULL});
    json_array_foreach(problems, i, problem)
    {
        char since[TIME_TEXT_SIZE];
        char duration[DURATION_TEXT_SIZE];
        table_state(table, text_of(problem, "outcome"));
        table_cell(table, text_of(problem, "device"));
        table_cell(table, text_of(problem, "check"));
        table_cell(table, text_of(problem, "reason"));
        table_cell(table, time_text(json_object_get(problem, "since"), since));
        table_cell(table, duration_text(json_integer_value(json_object_get(problem, "duration_s")),
                                        duration));
        table_cell(table, text_of(problem, "detail"));
    }
    table_print(table, colour);
    table_free(table);
}

static void print_services(const json_t *answer, bool colour)
{
    const json_t *services = json_object_get(answer, "services");
    size_t i;
    const json_t *service;
    if (json_array_size(services) == 0) {
        return;
    }
    (void)putchar('\n');
    struct table *table = table_new(
        (const char *[]){"SERVICE", "STATE", "SINCE", ">AVAILABILITY", ">TARGET", "MEETS", NULL});
    json_array_foreach(services, i, service)
    {
        char since[TIME_TEXT_SIZE];
        char percent[2][48];
        const char *keys[] = {"availability_pct", "target_pct"};
        for (size_t k = 0; k < 2; k++) {
            const char *pct = text_of(service, keys[k]);
            (void)snprintf(percent[k], sizeof percent[k], "%s%s", pct != NULL ? pct : "-",
                           pct != NULL ? " %" : "");
        }
        const json_t *meets = json_object_get(service, "meets");
        table_cell(table, text_of(service, "service"));
        table_state(table, text_of(service, "state"));
        table_cell(table, time_text(json_object_get(service, "since"), since));
        table_cell(table, percent[0]);
        table_cell(table, percent[1]);
        table_state(table, json_is_true(meets) ? "yes" : json_is_false(meets) ? "no" : "-");
    }
    table_print(table, colour);
    table_free(table);
}

static void print_devices(const json_t *answer, bool colour)
{
    size_t i;
    const json_t *device;
    (void)putchar('\n');
    struct table *table =
        table_new((const char *[]){"DEVICE", "STATE", "SINCE", ">OBJECTS", ">CHECKS", NULL});
    json_array_foreach(json_object_get(answer, "devices"), i, device)
    {
        char since[TIME_TEXT_SIZE];
        char objects[24];
        char checks[24];
        (void)snprintf(objects, sizeof objects, "%lld",
                       (long long)json_integer_value(json_object_get(device, "objects")));
        (void)snprintf(checks, sizeof checks, "%zu",
                       json_array_size(json_object_get(device, "checks")));
        table_cell(table, text_of(device, "device"));
        table_state(table, text_of(device, "state"));
        table_cell(table, time_text(json_object_get(device, "since"), since));
        table_cell(table, objects);
        table_cell(table, checks);
    }
    table_print(table, colour);
    table_free(table);
}

static void print_agents(const json_t *answer, bool colour)
{
    size_t i;
    const json_t *agent;
    (void)putchar('\n');
    struct table *table = table_new((const char *[]){"AGENT", "STATE", "LAST HEARD", NULL});
    json_array_foreach(json_object_get(answer, "agents"), i, agent)
    {
        char heard[TIME_TEXT_SIZE];
        table_cell(table, text_of(agent, "agent"));
        table_state(table, text_of(agent, "state"));
        table_cell(table, time_text(json_object_get(agent, "received"), heard));
    }
    table_print(table, colour);
    table_free(table);
}

/* Is anything not as it should be? */
static bool has_problem(const json_t *answer)
{
    size_t i;
    const json_t *item;
    if (json_array_size(json_object_get(answer, "problems")) > 0 ||
        json_array_size(json_object_get(json_object_get(answer, "collector"), "alarms")) > 0) {
        return true;
    }
    json_array_foreach(json_object_get(answer, "services"), i, item)
    {
        const char *state = text_of(item, "state");
        if (state == NULL || strcmp(state, "up") != 0) {
            return true;
        }
    }
    json_array_foreach(json_object_get(answer, "agents"), i, item)
    {
        const char *state = text_of(item, "state");
        if (state == NULL || strcmp(state, "ok") != 0) {
            return true;
        }
    }
    return false;
}

int cli_status(int argc, char **argv)
{
    struct cli cli;
    json_t *answer = NULL;
    int rc = cli_parse(&cli, argc, argv, NULL, 0);
    if (rc == CLI_OK) {
        rc = collector_get_json(&cli, "/api/v1/status", NULL, &answer);
    }
    if (rc != CLI_OK) {
        return rc;
    }
    if (cli.format == CLI_JSON) {
        (void)json_dumpf(answer, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    } else {
        print_alarms(answer);
        print_problems(answer, cli.colour);
        print_services(answer, cli.colour);
        print_devices(answer, cli.colour);
        print_agents(answer, cli.colour);
    }
    rc = has_problem(answer) ? CLI_PROBLEM : CLI_OK;
    json_decref(answer);
    return rc;
}
