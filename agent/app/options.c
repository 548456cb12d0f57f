/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>

enum { OPTION_EXAMPLE = 256, OPTION_PROFILE, OPTION_PROFILES, OPTION_HELP, OPTION_VERSION };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"print-example", no_argument, NULL, OPTION_EXAMPLE},
    {"print-profile", required_argument, NULL, OPTION_PROFILE},
    {"print-profiles", no_argument, NULL, OPTION_PROFILES},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {0},
};

struct seen {
    bool check;
    bool verbose;
};

/* One option; false when there is none like it. */
static bool take(int option, struct options *options, struct seen *seen)
{
    switch (option) {
    case 'c':
        options->config = optarg;
        return true;
    case 'n':
        seen->check = true;
        return true;
    case 'v':
        seen->verbose = true;
        return true;
    case 'h':
    case OPTION_HELP:
        options->mode = OPTIONS_HELP;
        return true;
    case OPTION_EXAMPLE:
        options->mode = OPTIONS_PRINT_EXAMPLE;
        return true;
    case OPTION_PROFILE:
        options->mode = OPTIONS_PRINT_PROFILE;
        options->profile = optarg;
        return true;
    case OPTION_PROFILES:
        options->mode = OPTIONS_PRINT_PROFILES;
        return true;
    case OPTION_VERSION:
        options->mode = OPTIONS_VERSION;
        return true;
    default:
        return false;
    }
}

static int refuse(char *reason, size_t reason_size, const char *what, const char *value)
{
    snprintf(reason, reason_size, "%s%s", what, value);
    return -EINVAL;
}

int options_parse(int argc, char *argv[], struct options *options, char *reason, size_t reason_size)
{
    struct seen seen = {0};
    *options = (struct options){.mode = OPTIONS_RUN};
    opterr = 0; /* what is wrong is said in our own words */
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, ":c:nvh", long_options, NULL)) != -1;) {
        if (option == ':') {
            return refuse(reason, reason_size, "needs a value: ", argv[optind - 1]);
        }
        if (!take(option, options, &seen)) {
            const char letter[] = {'-', (char)optopt, '\0'}; /* argv may hold several letters */
            return refuse(reason, reason_size,
                          "no such option: ", optopt != 0 ? letter : argv[optind - 1]);
        }
    }
    if (optind < argc) {
        return refuse(reason, reason_size, "not understood: ", argv[optind]);
    }
    if (options->mode != OPTIONS_RUN) {
        return 0;
    }
    if (seen.verbose && !seen.check) {
        return refuse(reason, reason_size, "-v goes with -n", "");
    }
    if (options->config == NULL) {
        return refuse(reason, reason_size, "which configuration? give -c FILE", "");
    }
    if (seen.check) {
        options->mode = seen.verbose ? OPTIONS_PRINT_CONFIG : OPTIONS_CHECK;
    }
    return 0;
}

void options_print_usage(FILE *out)
{
    fputs("usage: beffroi-agent -c FILE       run the agent\n"
          "       beffroi-agent -n -c FILE    only check the configuration\n"
          "       beffroi-agent -nv -c FILE   check it and print it in full, with all defaults\n"
          "       beffroi-agent --print-example\n"
          "                                   print a configuration that explains every key\n"
          "       beffroi-agent --print-profiles\n"
          "                                   list the shipped SNMP profiles\n"
          "       beffroi-agent --print-profile NAME\n"
          "                                   print one of them\n"
          "       beffroi-agent poll -c FILE  poll the devices and print what they say\n"
          "                                   (beffroi-agent poll --help)\n"
          "       beffroi-agent meter OPTION...\n"
          "                                   meter a capture file or an interface\n"
          "                                   (beffroi-agent meter --help)\n"
          "       beffroi-agent --version | --help\n"
          "\n"
          "Exit status: 0 in order, 1 a faulty configuration or a failed start, 2 wrong usage.\n",
          out);
}
