/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `beffroi graph`: a picture of one object. */
#include "cli.h"
#include "collector.h"

#include "common/xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_file(const char *path, const void *bytes, size_t size)
{
    FILE *out = stdout;
    if (strcmp(path, "-") != 0) {
        out = fopen(path, "wb");
    } else if (isatty(STDOUT_FILENO) != 0) {
        cli_complain("a picture is not for a terminal: -o FILE.png");
        return CLI_USAGE;
    }
    if (out == NULL) {
        cli_complain("%s: cannot be written: %s", path, strerror(errno));
        return CLI_INPUT;
    }
    bool good = fwrite(bytes, 1, size, out) == size;
    good = (out == stdout ? fflush(out) : fclose(out)) == 0 && good;
    if (!good) {
        cli_complain("%s: could not be written whole: %s", path, strerror(errno));
        return CLI_INPUT;
    }
    return CLI_OK;
}

/* DEVICE/KIND/NAME in place; a name may hold slashes itself ("eth0/1"). */
static bool split_object(char *object, const char **kind, const char **name)
{
    char *first = strchr(object, '/');
    char *second = first != NULL ? strchr(first + 1, '/') : NULL;
    if (second == NULL || first == object || second == first + 1 || second[1] == '\0') {
        return false;
    }
    *first = '\0';
    *second = '\0';
    *kind = first + 1;
    *name = second + 1;
    return true;
}

int cli_graph(int argc, char **argv)
{
    struct cli cli;
    const char *output = NULL;
    const char *graph = NULL;
    const char *from = NULL;
    const char *to = NULL;
    const char *width = NULL;
    const char *height = NULL;
    const char *kind = NULL;
    const char *name = NULL;
    const struct cli_option options[] = {
        {"--output", "-o", &output},
        {"--graph", NULL, &graph},
        {"--from", NULL, &from},
        {"--to", NULL, &to},
        {"--width", NULL, &width},
        {"--height", NULL, &height},
        {0},
    };
    int rc = cli_parse(&cli, argc, argv, options, 1);
    if (rc != CLI_OK) {
        return rc;
    }
    if (cli.n_arguments != 1 || output == NULL) {
        cli_complain("an object and -o FILE.png are needed");
        return CLI_USAGE;
    }
    char *device = xstrdup(cli.argument[0]);
    if (!split_object(device, &kind, &name)) {
        cli_complain("%s: must be DEVICE/KIND/NAME, like sw-1/interface/eth0", cli.argument[0]);
        free(device);
        return CLI_USAGE;
    }
    void *png = NULL;
    size_t size = 0;
    rc = collector_get_bytes(&cli, "/graph.png",
                             (const char *[]){"device", device, "kind", kind, "name", name, "graph",
                                              graph, "from", from, "to", to, "width", width,
                                              "height", height, NULL},
                             "image/png", &png, &size);
    free(device);
    if (rc != CLI_OK) {
        return rc;
    }
    rc = write_file(output, png, size);
    free(png);
    if (rc == CLI_OK && cli.format == CLI_JSON && strcmp(output, "-") != 0) {
        json_t *done = json_pack("{s:s, s:I}", "file", output, "size_bytes", (json_int_t)size);
        (void)json_dumpf(done, stdout, JSON_INDENT(2));
        (void)putchar('\n');
        json_decref(done);
    }
    return rc;
}
