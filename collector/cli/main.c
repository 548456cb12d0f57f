/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `beffroi`: what people and scripts ask. Each verb is a row of the table below. */
#include "cli.h"

#include "common/log.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

static const struct cli_verb verbs[] = {
    {"status", "", "what is broken, since when; services, devices, agents",
     "Exit code 0 when every service and check is up, 1 when something is not.\n", cli_status},
    {"device", "[DEVICE]", "the devices, or one device's objects with their newest values", "",
     cli_device},
    {"graph",
     "DEVICE/KIND/NAME -o FILE.png [--graph ID] [--from T] [--to T] [--width N] [--height N]",
     "a graph of one object as PNG",
     "T is an ISO 8601 time, \"now\", or a time before now: -90s, -30m, -6h, -2d (default: -1h).\n"
     "-o - writes to standard output. Without --graph the object's first graph is drawn.\n",
     cli_graph},
    {"top",
     "[DEVICE [INTERFACE]] [--list hosts|prefixes|services] [--last T | --from T --to T] [-n N]",
     "who fills a link: the heaviest hosts, prefixes or services of metered interfaces",
     "--last takes 90s, 30m, 6h or 2d (default: 1h); --from and --to take times as graph does.\n"
     "--list hosts is the default; -n, --number says how many are shown (default: 20).\n"
     "True bytes are within the error of those that are shown. Exit code 1 when nothing was\n"
     "recorded in that span; the answer says why.\n",
     cli_top},
    {"sla", "show --contract FILE [--period P] [--service NAME]",
     "availability of each service by the contract's rules",
     "P: 2026-11, 2026-Q4, 2026, 2026-W48, 2026-11-24, today, yesterday, this-month (default),\n"
     "last-month, last-90m, last-24h, last-7d, or FROM/TO in ISO 8601.\n"
     "sla check --contract FILE checks a contract and prints its normal form.\n",
     cli_sla},
    {"evidence", "export [--device D --check C [--from T] [--to T]]",
     "what the agents signed, byte for byte, for a verifier",
     "One JSON object a line: agent, stream, number, statement and signature (base64), received,\n"
     "chain. All statements, or with --device and --check those of that check's runs that touch\n"
     "the span; T is a time as graph takes it. docs/evidence.md says how to verify them.\n",
     cli_evidence},
    {"keys", "new FILE | show FILE", "make a key file; print its public keys",
     "The public keys are printed as the lines that a configuration takes.\n", cli_keys},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void print_usage(FILE *out)
{
    (void)fputs("usage: beffroi VERB [options]\n\n", out);
    for (size_t i = 0; i < VERBS; i++) {
        (void)fprintf(out, "  beffroi %s %s\n      %s\n", verbs[i].name, verbs[i].usage,
                      verbs[i].summary);
    }
    (void)fputs(
        "\nEvery verb takes:\n"
        "  --collector URL   the collector's page (default http://127.0.0.1:8460, or\n"
        "                    the environment's BEFFROI_COLLECTOR)\n"
        "  --format json     one JSON document instead of text\n"
        "  --colour WHEN     auto (default: on a terminal), always or never\n"
        "  --help            more about a verb\n\n"
        "Exit codes: 0 good, 1 something is not up (status) or nothing was recorded (top),\n"
        "2 wrong usage, 3 the collector does not answer, 4 a file is missing or wrong.\n",
        out);
}

static void print_verb_help(const struct cli_verb *verb)
{
    (void)printf(
        "usage: beffroi %s %s [--collector URL] [--format text|json] [--colour WHEN]\n\n%s.\n%s",
        verb->name, verb->usage, verb->summary, verb->help);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            return false;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

static int run_verb(const struct cli_verb *verb, int argc, char **argv)
{
    if (asks_for_help(argc, argv)) {
        print_verb_help(verb);
        return CLI_OK;
    }
    int rc = verb->run(argc, argv);
    if (rc == CLI_USAGE) {
        (void)fprintf(stderr, "usage: beffroi %s %s\n", verb->name, verb->usage);
    }
    if (fflush(stdout) != 0 && rc == CLI_OK) {
        cli_complain("standard output could not be written");
        rc = CLI_INPUT;
    }
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)puts("beffroi " BEFFROI_VERSION);
        return CLI_OK;
    }
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            log_open("beffroi", LOG_LEVEL_WARN);
            (void)curl_global_init(CURL_GLOBAL_DEFAULT); /* a failure shows at the first request */
            int rc = run_verb(&verbs[i], argc - 1, argv + 1);
            curl_global_cleanup();
            return rc;
        }
    }
    cli_complain("unknown verb: %s", argv[1]);
    print_usage(stderr);
    return CLI_USAGE;
}
