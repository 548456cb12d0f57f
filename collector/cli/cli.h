/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the verbs of `beffroi` share: the options that all of them take, and their exit codes. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

enum cli_exit {
    CLI_OK = 0,
    CLI_PROBLEM = 1,     /* it worked, and something is not as it should be (status), or nothing was
                            recorded (top) */
    CLI_USAGE = 2,       /* the command line is wrong */
    CLI_UNREACHABLE = 3, /* the collector does not answer, or not with what was asked */
    CLI_INPUT = 4,       /* a file is missing or wrong, or could not be written */
};

enum cli_format { CLI_TEXT, CLI_JSON };

/* One option of a verb beside the common ones. */
struct cli_option {
    const char *name;       /* "--period"; NULL ends the table */
    const char *short_name; /* "-o" or NULL */
    const char **value;     /* where its argument goes */
};

struct cli {
    const char *collector; /* base URL */
    enum cli_format format;
    bool colour; /* --colour, or standard output is a terminal that wants it */
    const char *argument[2];
    size_t n_arguments;
};

struct cli_verb {
    const char *name;
    const char *usage; /* what follows "beffroi NAME" */
    const char *summary;
    const char *help; /* the rest of --help, one line a paragraph */
    int (*run)(int argc, char **argv);
};

/* The verbs. argv[0] is the verb. Each returns an enum cli_exit. */
int cli_status(int argc, char **argv);
int cli_device(int argc, char **argv);
int cli_graph(int argc, char **argv);
int cli_top(int argc, char **argv);
int cli_sla(int argc, char **argv);
int cli_evidence(int argc, char **argv);
int cli_keys(int argc, char **argv);

/* Reads a verb's command line: common options, the verb's own, and at most `arguments_max` plain
 * arguments. 0, or CLI_USAGE after a message on standard error. */
int cli_parse(struct cli *cli, int argc, char **argv, const struct cli_option *options,
              size_t arguments_max);
/* Control characters become '?', in place: what a collector says must not steer the terminal. */
void cli_clean(char *text);
/* "beffroi: …" on standard error, cleaned. */
void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
