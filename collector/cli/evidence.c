/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `beffroi evidence`: what the agents signed, as they signed it, for a verifier that trusts neither
 * this program nor the collector (docs/evidence.md). */
#include "cli.h"
#include "collector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wanted {
    const char *device;
    const char *check;
    const char *from;
    const char *to;
};

static int get_page(const struct cli *cli, const struct wanted *wanted, const char *after,
                    json_t **answer)
{
    int rc = collector_get_json(cli, "/api/v1/statements",
                                (const char *[]){"device", wanted->device, "check", wanted->check,
                                                 "from", wanted->from, "to", wanted->to, "after",
                                                 after, NULL},
                                answer);
    if (rc == CLI_OK && !json_is_array(json_object_get(*answer, "statements"))) {
        cli_complain("the collector's answer holds no statements");
        json_decref(*answer);
        rc = CLI_UNREACHABLE;
    }
    return rc;
}

/* A statement a line; of one document, the lines of its list. */
static void print_page(const struct cli *cli, const json_t *statements, bool *any)
{
    size_t i;
    const json_t *statement;
    json_array_foreach(statements, i, statement)
    {
        if (cli->format == CLI_JSON) {
            (void)fputs(*any ? ",\n" : "\n", stdout);
        }
        (void)json_dumpf(statement, stdout, JSON_COMPACT);
        if (cli->format == CLI_TEXT) {
            (void)putchar('\n');
        }
        *any = true;
    }
}

/* Page after page, so that a year fits. */
static int export_all(const struct cli *cli, const struct wanted *wanted)
{
    char after[24] = "0";
    bool any = false;
    bool more = true;
    if (cli->format == CLI_JSON) {
        (void)fputs("{\"statements\": [", stdout);
    }
    while (more) {
        json_t *answer = NULL;
        int rc = get_page(cli, wanted, after, &answer);
        if (rc != CLI_OK) {
            return rc;
        }
        const json_t *next = json_object_get(answer, "next");
        json_int_t last = json_integer_value(next);
        print_page(cli, json_object_get(answer, "statements"), &any);
        more = json_is_integer(next) && last > strtoll(after, NULL, 10);
        (void)snprintf(after, sizeof after, "%" JSON_INTEGER_FORMAT, last);
        json_decref(answer);
    }
    if (cli->format == CLI_JSON) {
        (void)fputs("\n]}\n", stdout);
    }
    return CLI_OK;
}

int cli_evidence(int argc, char **argv)
{
    struct cli cli;
    struct wanted wanted = {0};
    const struct cli_option options[] = {
        {"--device", NULL, &wanted.device},
        {"--check", NULL, &wanted.check},
        {"--from", NULL, &wanted.from},
        {"--to", NULL, &wanted.to},
        {0},
    };
    int rc = cli_parse(&cli, argc, argv, options, 1);
    if (rc != CLI_OK) {
        return rc;
    }
    if (cli.n_arguments != 1 || strcmp(cli.argument[0], "export") != 0) {
        cli_complain("what to do with the evidence: export");
        return CLI_USAGE;
    }
    return export_all(&cli, &wanted);
}
