/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * beffroi-collector: takes what agents deliver, stores it, shows it. */
#include "config.h"
#include "layout.h"
#include "part.h"
#include "supervise.h"

#include "common/log.h"
#include "common/privilege.h"
#include "proto/keys.h"
#include "web/web.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: beffroi-collector -c FILE         run the collector\n"
    "       beffroi-collector -c FILE -n      check the configuration and the contract it names\n"
    "       beffroi-collector -c FILE -nv     the same, and print the configuration's normal form\n"
    "       beffroi-collector --print-example print a configuration with every key explained\n"
    "       beffroi-collector --version | --help\n"
    "\n"
    "Runs in the foreground and logs to standard error. SIGTERM stops it.\n"
    "\n"
    "Exit status:\n"
    "  0  done; or stopped as it was told to\n"
    "  1  the configuration has errors, or the collector could not start; standard error says why\n"
    "  2  the command line is wrong\n";

struct options {
    const char *config;
    const char *part;
    bool check;
    bool verbose;
    bool example;
    bool version;
    bool help;
};

/* 0 or -EINVAL after saying why. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'n'},
        {"verbose", no_argument, NULL, 'v'},      {"print-example", no_argument, NULL, 'e'},
        {"part", required_argument, NULL, 'p'},   {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "c:nvh", names, NULL)) != -1) {
        switch (option) {
        case 'c':
            options->config = optarg;
            break;
        case 'n':
            options->check = true;
            break;
        case 'v':
            options->verbose = true;
            break;
        case 'e':
            options->example = true;
            break;
        case 'p':
            options->part = optarg;
            break;
        case 'V':
            options->version = true;
            break;
        case 'h':
            options->help = true;
            break;
        default:
            return -EINVAL; /* getopt has said what is wrong */
        }
    }
    const char *fault = NULL;
    if (optind < argc) {
        fault = "there is an argument too many";
    } else if (options->verbose && !options->check) {
        fault = "-v goes with -n";
    } else if (options->config == NULL && options->part == NULL && !options->example &&
               !options->version && !options->help) {
        fault = "-c FILE is missing";
    }
    if (fault != NULL) {
        (void)fprintf(stderr, "beffroi-collector: %s\n", fault);
        return -EINVAL;
    }
    return 0;
}

/* Whether all of it could be written. */
static int close_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fprintf(stderr, "beffroi-collector: cannot write: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

static int run_part(const char *name)
{
    static const struct part *const parts[] = {&part_store, &part_intake, &part_web};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strcmp(parts[i]->name, name) == 0) {
            return part_main(parts[i]);
        }
    }
    if (strcmp(name, "draw") == 0) {
        web_draw_main(); /* ends the process */
    }
    (void)fprintf(stderr, "beffroi-collector: there is no part %s\n", name);
    return EXIT_USAGE;
}

/* An error that every start of a part would meet again is told here, once. */
static int check_keys(const struct collector_config *config)
{
    struct keys *keys = NULL;
    char reason[256] = "";
    int rc = keys_init();
    if (rc == 0) {
        rc = keys_load(config->keys, &keys, reason, sizeof reason);
    }
    if (rc != 0) {
        log_error("collector",
                  "the key file cannot be used: %s path=%s; make one with: beffroi keys new FILE, "
                  "as the user that the collector runs as",
                  reason[0] != '\0' ? reason : strerror(-rc), config->keys);
    }
    keys_free(keys);
    return rc;
}

static int become_user(const struct collector_config *config, const struct layout *layout)
{
    char reason[512] = "";
    if (geteuid() == 0 && config->user == NULL) {
        log_warn("collector", "runs as root and needs not: set user in the configuration");
    }
    int rc = layout_give(layout, config->user, reason, sizeof reason);
    if (rc != 0) {
        log_error("collector", "%s", reason);
        return rc;
    }
    rc = config->user == NULL ? 0 : privilege_become(config->user, false);
    if (rc != 0) {
        log_error("collector", "cannot become user=%s: %s", config->user,
                  rc == -ENOENT ? "there is no such user" : strerror(-rc));
    }
    return rc;
}

static int run(const struct collector_config *config)
{
    char reason[1024] = "";
    int lock = -1;
    int status = EXIT_FAILED;
    struct layout layout = layout_of(config->data);
    log_open("collector", (enum log_level)config->log.level);
    log_info("collector", "starting version=%s pid=%ld data=%s", BEFFROI_VERSION, (long)getpid(),
             config->data);
    /* An asker of the control socket may be gone before it is answered. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (become_user(config, &layout) != 0 || check_keys(config) != 0) {
        goto out;
    }
    if (layout_claim(&layout, &lock, reason, sizeof reason) != 0) {
        log_error("collector", "cannot start: %s", reason);
        goto out;
    }
    status = supervise(config, &layout);
    (void)close(lock); /* nothing is left to be written */
out:
    layout_free(&layout);
    return status;
}

static int with_config(const struct options *options)
{
    struct collector_config config;
    struct config_errors errors = {0};
    int status = EXIT_OK;
    int rc = collector_config_load(options->config, &config, &errors);
    if (rc != 0) {
        config_errors_print(stderr, &errors);
        config_errors_clear(&errors);
        return EXIT_FAILED;
    }
    if (options->check) {
        if (options->verbose) {
            config_print(stdout, &collector_config_schema, &config);
        } else {
            (void)printf("%s: the configuration is good\n", options->config);
        }
        status = close_output();
    } else {
        collector_config_resolve(&config, options->config);
        status = run(&config);
    }
    collector_config_free(&config);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    if (read_options(argc, argv, &options) != 0) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (options.help) {
        (void)fputs(usage, stdout);
        return close_output();
    }
    if (options.version) {
        (void)printf("beffroi-collector %s\n", BEFFROI_VERSION);
        return close_output();
    }
    if (options.example) {
        config_print_commented(stdout, &collector_config_schema);
        return close_output();
    }
    return options.part != NULL ? run_part(options.part) : with_config(&options);
}
