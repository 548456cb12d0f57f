/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `beffroi keys`: key files of agents and collectors. The secret parts never leave the file. */
#include "cli.h"

#include "proto/keys.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static int make_keys(const char *path)
{
    struct keys *keys = keys_generate();
    int rc = keys_save(keys, path);
    keys_free(keys);
    if (rc == -EEXIST) {
        cli_complain("%s: is there already; a key file is never overwritten", path);
        return CLI_INPUT;
    }
    if (rc != 0) {
        cli_complain("%s: cannot be written: %s", path, strerror(-rc));
        return CLI_INPUT;
    }
    return CLI_OK;
}

static int show_keys(const struct cli *cli, const char *path)
{
    char reason[160] = "";
    struct keys *keys = NULL;
    int rc = keys_load(path, &keys, reason, sizeof reason);
    if (rc != 0) {
        cli_complain("%s: %s", path, reason[0] != '\0' ? reason : strerror(-rc));
        return CLI_INPUT;
    }
    if (cli->format == CLI_JSON) {
        json_t *shown = json_pack("{s:s, s:s}", "curve_key", keys_curve_public(keys), "sign_key",
                                  keys_sign_public(keys));
        (void)json_dumpf(shown, stdout, JSON_INDENT(2));
        (void)putchar('\n');
        json_decref(shown);
    } else {
        /* Z85 has characters that YAML reads otherwise, but neither quote nor backslash. */
        (void)printf("curve_key: \"%s\"\nsign_key: \"%s\"\n", keys_curve_public(keys),
                     keys_sign_public(keys));
    }
    keys_free(keys);
    return CLI_OK;
}

int cli_keys(int argc, char **argv)
{
    struct cli cli;
    int rc = cli_parse(&cli, argc, argv, NULL, 2);
    if (rc != CLI_OK) {
        return rc;
    }
    bool is_new = cli.n_arguments > 0 && strcmp(cli.argument[0], "new") == 0;
    bool is_show = cli.n_arguments > 0 && strcmp(cli.argument[0], "show") == 0;
    if ((!is_new && !is_show) || cli.n_arguments != 2) {
        cli_complain("say new or show, and a file");
        return CLI_USAGE;
    }
    if (keys_init() != 0) {
        cli_complain("libsodium cannot be used");
        return CLI_INPUT;
    }
    rc = is_new ? make_keys(cli.argument[1]) : CLI_OK;
    return rc == CLI_OK ? show_keys(&cli, cli.argument[1]) : rc;
}
