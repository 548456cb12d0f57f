/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "poll_options.h"

#include "common/xalloc.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_ONCE = 256, OPTION_DEVICE, OPTION_FORMAT, OPTION_HELP };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"device", required_argument, NULL, OPTION_DEVICE},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static int refuse(char *reason, size_t reason_size, const char *what, const char *value)
{
    snprintf(reason, reason_size, "%s%s", what, value);
    return -EINVAL;
}

static int take_format(const char *name, struct poll_options *options)
{
    if (strcmp(name, "text") == 0) {
        options->format = POLL_TEXT;
    } else if (strcmp(name, "json") == 0) {
        options->format = POLL_JSON;
    } else {
        return -EINVAL;
    }
    return 0;
}

static int take(int option, char *const argv[], struct poll_options *options, char *reason,
                size_t reason_size)
{
    const char letter[] = {'-', (char)optopt, '\0'}; /* argv may hold several letters */
    switch (option) {
    case 'c':
        options->config = optarg;
        return 0;
    case 'h':
    case OPTION_HELP:
        options->help = true;
        return 0;
    case OPTION_ONCE:
        options->once = true;
        return 0;
    case OPTION_DEVICE:
        options->devices =
            xreallocarray(options->devices, options->n_devices + 1, sizeof(options->devices[0]));
        options->devices[options->n_devices++] = optarg;
        return 0;
    case OPTION_FORMAT:
        return take_format(optarg, options) == 0
                   ? 0
                   : refuse(reason, reason_size, "--format is text or json, not ", optarg);
    case ':':
        return refuse(reason, reason_size, "needs a value: ", argv[optind - 1]);
    default:
        return refuse(reason, reason_size,
                      "no such option: ", optopt != 0 ? letter : argv[optind - 1]);
    }
}

int poll_options_parse(int argc, char *argv[], struct poll_options *options, char *reason,
                       size_t reason_size)
{
    *options = (struct poll_options){.format = POLL_TEXT};
    opterr = 0; /* what is wrong is said in our own words */
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, ":c:h", long_options, NULL)) != -1;) {
        int rc = take(option, argv, options, reason, reason_size);
        if (rc != 0) {
            return rc;
        }
    }
    if (options->help) {
        return 0;
    }
    if (optind < argc) {
        return refuse(reason, reason_size, "not understood: ", argv[optind]);
    }
    if (options->config == NULL) {
        return refuse(reason, reason_size, "which configuration? give -c FILE", "");
    }
    return 0;
}

void poll_options_free(struct poll_options *options)
{
    free(options->devices);
    *options = (struct poll_options){0};
}

void poll_options_print_usage(FILE *out)
{
    fputs(
        "usage: beffroi-agent poll -c FILE [--once] [--device NAME]... [--format text|json]\n"
        "\n"
        "Polls the devices of an agent's configuration by SNMP and prints what they say. The file\n"
        "needs nothing but devices; nothing is sent to a collector.\n"
        "\n"
        "  -c, --config FILE     the configuration\n"
        "      --once            one cycle of each device, then the end; else each at its\n"
        "                        interval, until a signal comes\n"
        "      --device NAME     only this device; may be given more than once\n"
        "      --format FORMAT   text (for people, the default) or json\n"
        "  -h, --help            print this\n"
        "\n"
        "Exit status: 0 printed, whatever the states of the devices are; 1 a faulty\n"
        "configuration or a failed start, 2 wrong usage.\n",
        out);
}
