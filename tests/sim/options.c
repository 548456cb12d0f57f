/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include "answer.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES_MAX = 60000, PORTS_MAX = 4096 };

static const char usage[] =
    "usage: beffroi-simulate-devices --devices N [OPTION …]\n"
    "Many SNMP devices in one process, for tests and benchmarks.\n"
    "\n"
    "  --devices N            how many, 1 to 60000\n"
    "  --ports N              ports (rows of ifTable) of each, 1 to 4096 (48)\n"
    "  --first-port N         device i listens on UDP port N + i of 127.0.0.1 (10161)\n"
    "  --first-address A      or: device i has the address A + i of 127.0.0.0/8, all one port\n"
    "  --port N               that port (1161)\n"
    "  --community TEXT       of v1 and v2c (public); \"\": none\n"
    "  --user NAME            of v3 (none)\n"
    "  --auth PROTOCOL        SHA, SHA-224, SHA-256, SHA-384 or SHA-512\n"
    "  --auth-passphrase TEXT\n"
    "  --priv PROTOCOL        AES\n"
    "  --priv-passphrase TEXT\n"
    "  --seed N               other counters, other losses (1)\n"
    "  --frozen               counters stand still\n"
    "  --dead PERCENT         so many of the devices never answer, evenly spread (0)\n"
    "  --loss PERCENT         so many requests are lost, by dice (0)\n"
    "  --delay-ms N           every reply comes so late (0)\n"
    "  --max-size BYTES       largest reply, 484 to 65507 (65507)\n"
    "  --log FILE             a line for each request: µs since 1970, device, kind, varbinds in\n"
    "                         the reply (\"-\": no reply)\n"
    "\n"
    "Says \"ready\" when all listen. Prints its counts as a line of JSON on SIGUSR1 and at its\n"
    "end (SIGTERM).\n";

enum {
    OPTION_DEVICES = 1,
    OPTION_PORTS,
    OPTION_FIRST_PORT,
    OPTION_FIRST_ADDRESS,
    OPTION_PORT,
    OPTION_COMMUNITY,
    OPTION_USER,
    OPTION_AUTH,
    OPTION_AUTH_PASSPHRASE,
    OPTION_PRIV,
    OPTION_PRIV_PASSPHRASE,
    OPTION_SEED,
    OPTION_FROZEN,
    OPTION_DEAD,
    OPTION_LOSS,
    OPTION_DELAY,
    OPTION_MAX_SIZE,
    OPTION_LOG,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"devices", required_argument, NULL, OPTION_DEVICES},
    {"ports", required_argument, NULL, OPTION_PORTS},
    {"first-port", required_argument, NULL, OPTION_FIRST_PORT},
    {"first-address", required_argument, NULL, OPTION_FIRST_ADDRESS},
    {"port", required_argument, NULL, OPTION_PORT},
    {"community", required_argument, NULL, OPTION_COMMUNITY},
    {"user", required_argument, NULL, OPTION_USER},
    {"auth", required_argument, NULL, OPTION_AUTH},
    {"auth-passphrase", required_argument, NULL, OPTION_AUTH_PASSPHRASE},
    {"priv", required_argument, NULL, OPTION_PRIV},
    {"priv-passphrase", required_argument, NULL, OPTION_PRIV_PASSPHRASE},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"frozen", no_argument, NULL, OPTION_FROZEN},
    {"dead", required_argument, NULL, OPTION_DEAD},
    {"loss", required_argument, NULL, OPTION_LOSS},
    {"delay-ms", required_argument, NULL, OPTION_DELAY},
    {"max-size", required_argument, NULL, OPTION_MAX_SIZE},
    {"log", required_argument, NULL, OPTION_LOG},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static _Noreturn void refuse(const char *what, const char *value)
{
    (void)fprintf(stderr, "beffroi-simulate-devices: %s%s\n", what, value);
    exit(2);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value < least || value > most) {
        refuse("not a number in its range: ", text);
    }
    return value;
}

static void take_address(const char *text, struct options *options)
{
    if (inet_pton(AF_INET, text, &options->first.sin_addr) != 1 ||
        ntohl(options->first.sin_addr.s_addr) >> 24 != 127) {
        refuse("not an address of 127.0.0.0/8: ", text);
    }
    options->by_address = true;
}

/* What is only a text. */
static const char **text_of(int option, struct options *options)
{
    switch (option) {
    case OPTION_COMMUNITY:
        return &options->community;
    case OPTION_USER:
        return &options->user;
    case OPTION_AUTH:
        return &options->auth;
    case OPTION_AUTH_PASSPHRASE:
        return &options->auth_passphrase;
    case OPTION_PRIV:
        return &options->priv;
    case OPTION_PRIV_PASSPHRASE:
        return &options->priv_passphrase;
    case OPTION_LOG:
        return &options->log;
    default:
        return NULL;
    }
}

struct numbers {
    uint16_t first_port;
    uint16_t port;
};

static void take(int option, struct options *options, struct numbers *numbers)
{
    const char **text = text_of(option, options);
    if (text != NULL) {
        *text = optarg;
        return;
    }
    switch (option) {
    case OPTION_DEVICES:
        options->n_devices = (uint32_t)number(optarg, 1, DEVICES_MAX);
        return;
    case OPTION_PORTS:
        options->n_ports = (uint32_t)number(optarg, 1, PORTS_MAX);
        return;
    case OPTION_FIRST_PORT:
        numbers->first_port = (uint16_t)number(optarg, 1, UINT16_MAX);
        return;
    case OPTION_PORT:
        numbers->port = (uint16_t)number(optarg, 1, UINT16_MAX);
        return;
    case OPTION_FIRST_ADDRESS:
        take_address(optarg, options);
        return;
    case OPTION_SEED:
        options->seed = number(optarg, 0, UINT64_MAX);
        return;
    case OPTION_FROZEN:
        options->frozen = true;
        return;
    case OPTION_DEAD:
        options->dead_percent = (uint32_t)number(optarg, 0, 100);
        return;
    case OPTION_LOSS:
        options->loss_percent = (uint32_t)number(optarg, 0, 100);
        return;
    case OPTION_DELAY:
        options->delay_ms = (uint32_t)number(optarg, 0, 600000);
        return;
    case OPTION_MAX_SIZE:
        options->max_size = number(optarg, MESSAGE_MIN, MESSAGE_MAX);
        return;
    case OPTION_HELP:
        (void)fputs(usage, stdout);
        exit(0);
    default:
        (void)fputs(usage, stderr);
        exit(2);
    }
}

void options_read(int argc, char *argv[], struct options *options)
{
    struct numbers numbers = {.first_port = 10161, .port = 1161};
    *options = (struct options){.n_ports = 48,
                                .first.sin_family = AF_INET,
                                .first.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .community = "public",
                                .seed = 1,
                                .max_size = MESSAGE_MAX};
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        take(option, options, &numbers);
    }
    if (optind < argc) {
        refuse("not understood: ", argv[optind]);
    }
    if (options->n_devices == 0) {
        refuse("how many? give --devices N", "");
    }
    uint16_t port = options->by_address ? numbers.port : numbers.first_port;
    options->first.sin_port = htons(port);
    uint32_t last_address = ntohl(options->first.sin_addr.s_addr) + options->n_devices - 1;
    if (options->by_address ? last_address >= 0x7fffffff
                            : port + options->n_devices - 1 > UINT16_MAX) {
        refuse("so many devices do not fit behind the first one", "");
    }
    if (options->user == NULL && options->auth != NULL) {
        refuse("--auth goes with --user", "");
    }
}
