/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `beffroi top`: who fills a link. */
#include "cli.h"
#include "collector.h"
#include "table.h"

#include "common/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void print_head(const json_t *answer)
{
    char from[TIME_TEXT_SIZE];
    char to[TIME_TEXT_SIZE];
    char total[QUANTITY_TEXT_SIZE];
    char measured[DURATION_TEXT_SIZE];
    const char *device = text_of(answer, "device");
    const char *interface = text_of(answer, "interface");
    print_text("Heaviest ", text_of(answer, "list"));
    print_text(" of ", device != NULL ? device : "all devices");
    print_text(" ", interface != NULL ? interface : "(all interfaces)");
    (void)printf(", %s to %s\n", time_text(json_object_get(answer, "from"), from),
                 time_text(json_object_get(answer, "to"), to));
    (void)printf(
        "Total %s, metered for %s, reports: %lld\n\n",
        quantity_text(json_number_value(json_object_get(answer, "total_bytes")), "B", total),
        duration_text((int64_t)json_number_value(json_object_get(answer, "measured_s")), measured),
        (long long)json_integer_value(json_object_get(answer, "reports")));
}

static void add_quantity(struct table *table, const json_t *value, const char *before,
                         const char *unit)
{
    char text[QUANTITY_TEXT_SIZE];
    char cell[QUANTITY_TEXT_SIZE + 8];
    if (!json_is_number(value)) {
        table_cell(table, NULL);
        return;
    }
    (void)snprintf(cell, sizeof cell, "%s%s", before,
                   quantity_text(json_number_value(value), unit, text));
    table_cell(table, cell);
}

static void print_entries(const json_t *answer, bool colour)
{
    static const struct {
        const char *list;
        const char *title;
    } titles[] = {{"hosts", "HOST"}, {"prefixes", "PREFIX"}, {"services", "SERVICE"}};
    const char *list = text_of(answer, "list") != NULL ? text_of(answer, "list") : "";
    const char *title = "KEY";
    size_t i;
    const json_t *entry;
    for (i = 0; i < sizeof titles / sizeof *titles; i++) {
        title = strcmp(titles[i].list, list) == 0 ? titles[i].title : title;
    }
    struct table *table = table_new(
        (const char *[]){title, ">BYTES", ">SHARE", ">PACKETS", ">RATE", ">± ERROR", NULL});
    json_array_foreach(json_object_get(answer, "top"), i, entry)
    {
        char share[32];
        const json_t *part = json_object_get(entry, "share");
        (void)snprintf(share, sizeof share, "%.1f %%", 100 * json_number_value(part));
        table_cell(table, text_of(entry, "key"));
        add_quantity(table, json_object_get(entry, "bytes"), "", "B");
        table_cell(table, json_is_number(part) ? share : NULL);
        add_quantity(table, json_object_get(entry, "packets"), "", "");
        add_quantity(table, json_object_get(entry, "bits_per_second"), "", "bit/s");
        add_quantity(table, json_object_get(entry, "error_bytes"), "± ", "B");
    }
    table_print(table, colour);
    table_free(table);
}

static void print_nothing(const json_t *answer)
{
    char newest[TIME_TEXT_SIZE];
    const json_t *time = json_object_get(answer, "newest");
    print_text("Nothing was recorded: ", text_of(answer, "reason"));
    if (json_is_string(time)) {
        (void)printf("; the newest report ended at %s", time_text(time, newest));
    }
    (void)fputs(".\n", stdout);
}

/* `--last 1h` as the API has it, "-1h"; caller frees. */
static char *before_now(const char *last)
{
    return xasprintf("%s%s", last[0] == '-' ? "" : "-", last);
}

static int ask(const struct cli *cli, const char *list, const char *from, const char *to,
               const char *most, json_t **answer)
{
    return collector_get_json(
        cli, "/api/v1/top",
        (const char *[]){"device", cli->n_arguments > 0 ? cli->argument[0] : NULL, "interface",
                         cli->n_arguments > 1 ? cli->argument[1] : NULL, "list", list, "from", from,
                         "to", to, "n", most, NULL},
        answer);
}

int cli_top(int argc, char **argv)
{
    struct cli cli;
    const char *list = NULL;
    const char *last = NULL;
    const char *from = NULL;
    const char *to = NULL;
    const char *most = NULL;
    json_t *answer = NULL;
    const struct cli_option options[] = {
        {"--list", NULL, &list}, {"--last", NULL, &last},   {"--from", NULL, &from},
        {"--to", NULL, &to},     {"--number", "-n", &most}, {0},
    };
    int rc = cli_parse(&cli, argc, argv, options, 2);
    if (rc != CLI_OK) {
        return rc;
    }
    if (last != NULL && (from != NULL || to != NULL)) {
        cli_complain("--last does not go with --from and --to");
        return CLI_USAGE;
    }
    char *begin = last != NULL ? before_now(last) : NULL;
    rc = ask(&cli, list, begin != NULL ? begin : from, to, most, &answer);
    free(begin);
    if (rc != CLI_OK) {
        return rc;
    }
    bool nothing = json_is_string(json_object_get(answer, "nothing"));
    if (cli.format == CLI_JSON) {
        (void)json_dumpf(answer, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    } else if (nothing) {
        print_nothing(answer);
    } else {
        print_head(answer);
        print_entries(answer, cli.colour);
    }
    json_decref(answer);
    return nothing ? CLI_PROBLEM : CLI_OK;
}
