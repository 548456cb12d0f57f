/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char default_collector[] = "http://127.0.0.1:8460";

void cli_complain(const char *format, ...)
{
    va_list arguments;
    char text[2048]; /* longer is cut */
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli_clean(text);
    (void)fprintf(stderr, "beffroi: %s\n", text);
}

void cli_clean(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        bool is_c1 = c[0] == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0; /* U+0080 to U+009F */
        if (*c < 0x20 || *c == 0x7F || is_c1) {
            *c = '?';
            if (is_c1) {
                c[1] = '?';
            }
        }
    }
}

static bool wants_colour(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) != 0 && (no_color == NULL || no_color[0] == '\0') &&
           term != NULL && strcmp(term, "dumb") != 0;
}

/* "auto", "always" or "never". */
static int set_colour(struct cli *cli, const char *text)
{
    if (strcmp(text, "auto") == 0) {
        cli->colour = wants_colour();
    } else if (strcmp(text, "always") == 0) {
        cli->colour = true;
    } else if (strcmp(text, "never") == 0) {
        cli->colour = false;
    } else {
        cli_complain("--colour: %s: must be auto, always or never", text);
        return CLI_USAGE;
    }
    return 0;
}

static int set_format(struct cli *cli, const char *text)
{
    if (strcmp(text, "text") == 0) {
        cli->format = CLI_TEXT;
    } else if (strcmp(text, "json") == 0) {
        cli->format = CLI_JSON;
    } else {
        cli_complain("--format: %s: must be text or json", text);
        return CLI_USAGE;
    }
    return 0;
}

static bool is_option(const struct cli_option *option, const char *word, size_t size)
{
    return (strlen(option->name) == size && strncmp(option->name, word, size) == 0) ||
           (option->short_name != NULL && strlen(option->short_name) == size &&
            strncmp(option->short_name, word, size) == 0);
}

/* "--name=value" or "--name value". Returns how many words it took, 0 after a complaint. */
static int take_option(const struct cli_option *options, int left, char **words)
{
    const char *equals = strncmp(words[0], "--", 2) == 0 ? strchr(words[0], '=') : NULL;
    size_t size = equals != NULL ? (size_t)(equals - words[0]) : strlen(words[0]);
    for (const struct cli_option *option = options; option->name != NULL; option++) {
        if (!is_option(option, words[0], size)) {
            continue;
        }
        if (equals == NULL && left < 2) {
            cli_complain("%s needs a value", words[0]);
            return 0;
        }
        *option->value = equals != NULL ? equals + 1 : words[1];
        return equals != NULL ? 1 : 2;
    }
    cli_complain("unknown option: %s", words[0]);
    return 0;
}

int cli_parse(struct cli *cli, int argc, char **argv, const struct cli_option *options,
              size_t arguments_max)
{
    enum { OWN_MAX = 8, COMMON = 3 };
    const char *format = "text";
    const char *colour = "auto";
    struct cli_option all[OWN_MAX + COMMON + 1] = {
        {"--collector", NULL, &cli->collector},
        {"--format", NULL, &format},
        {"--colour", NULL, &colour},
    };
    size_t n = COMMON;
    assert(arguments_max <= sizeof cli->argument / sizeof *cli->argument);
    for (; options != NULL && options->name != NULL; options++) {
        assert(n < OWN_MAX + COMMON);
        all[n++] = *options;
    }
    *cli = (struct cli){0};
    bool only_arguments = false;
    for (int i = 1; i < argc;) {
        if (!only_arguments && strcmp(argv[i], "--") == 0) {
            only_arguments = true;
            i++;
        } else if (!only_arguments && argv[i][0] == '-' && argv[i][1] != '\0') {
            int words = take_option(all, argc - i, argv + i);
            if (words == 0) {
                return CLI_USAGE;
            }
            i += words;
        } else if (cli->n_arguments == arguments_max) {
            cli_complain("one argument too many: %s", argv[i]);
            return CLI_USAGE;
        } else {
            cli->argument[cli->n_arguments++] = argv[i++];
        }
    }
    if (cli->collector == NULL) {
        cli->collector = getenv("BEFFROI_COLLECTOR");
    }
    if (cli->collector == NULL || cli->collector[0] == '\0') {
        cli->collector = default_collector;
    }
    int rc = set_format(cli, format);
    return rc == 0 ? set_colour(cli, colour) : rc;
}
