/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector.h"

#include "common/xalloc.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_MAX = 256 * 1024 * 1024, /* a year of runs of a large city is far below */
    CONNECT_TIMEOUT_S = 5,
    TIMEOUT_S = 120,
};

struct answer {
    char *bytes;
    size_t size;
};

static size_t on_bytes(char *from, size_t one, size_t count, void *context)
{
    struct answer *answer = context;
    size_t size = one * count;
    if (size > ANSWER_MAX - answer->size) {
        return 0; /* libcurl then gives up */
    }
    answer->bytes = xrealloc(answer->bytes, answer->size + size + 1);
    memcpy(answer->bytes + answer->size, from, size);
    answer->size += size;
    answer->bytes[answer->size] = '\0';
    return size;
}

/* Base URL, path and escaped parameters. NULL after a complaint. */
static char *make_url(CURL *curl, const struct cli *cli, const char *path,
                      const char *const *parameters)
{
    size_t base = strlen(cli->collector);
    while (base > 0 && cli->collector[base - 1] == '/') {
        base--;
    }
    char *url = xasprintf("%.*s%s", (int)base, cli->collector, path);
    char separator = '?';
    for (; parameters != NULL && parameters[0] != NULL; parameters += 2) {
        if (parameters[1] == NULL) {
            continue;
        }
        char *value = curl_easy_escape(curl, parameters[1], (int)strlen(parameters[1]));
        if (value == NULL) {
            cli_complain("%s: cannot be sent", parameters[0]);
            free(url);
            return NULL;
        }
        char *longer = xasprintf("%s%c%s=%s", url, separator, parameters[0], value);
        curl_free(value);
        free(url);
        url = longer;
        separator = '&';
    }
    return url;
}

/* What the collector says of a refused request, in its own words. */
static void complain_of_status(long status, const struct answer *answer)
{
    json_t *error = json_loadb(answer->bytes != NULL ? answer->bytes : "", answer->size, 0, NULL);
    const char *text = json_string_value(json_object_get(error, "error"));
    if (text != NULL) {
        cli_complain("%s", text);
    } else {
        cli_complain("the collector answered with HTTP status %ld", status);
    }
    json_decref(error);
}

static int perform(CURL *curl, const struct cli *cli, const char *url, struct answer *answer)
{
    char reason[CURL_ERROR_SIZE] = "";
    long status = 0;
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* it is on this machine or its intranet */
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    CURLcode rc = curl_easy_perform(curl);
    if (rc != CURLE_OK) {
        cli_complain("the collector at %s does not answer: %s (is it running? --collector URL "
                     "names another one)",
                     cli->collector, reason[0] != '\0' ? reason : curl_easy_strerror(rc));
        return CLI_UNREACHABLE;
    }
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        complain_of_status(status, answer);
        return status == 400 || status == 404 ? CLI_USAGE : CLI_UNREACHABLE;
    }
    return CLI_OK;
}

static bool has_type(CURL *curl, const char *content_type)
{
    const char *type = NULL;
    return curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != NULL &&
           strncmp(type, content_type, strlen(content_type)) == 0;
}

int collector_get_bytes(const struct cli *cli, const char *path, const char *const *parameters,
                        const char *content_type, void **bytes, size_t *size)
{
    struct answer answer = {0};
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        cli_complain("libcurl cannot be used");
        return CLI_UNREACHABLE;
    }
    char *url = make_url(curl, cli, path, parameters);
    int rc = url == NULL ? CLI_USAGE : perform(curl, cli, url, &answer);
    if (rc == CLI_OK && !has_type(curl, content_type)) {
        cli_complain("%s is not a collector's page: %s was not answered with %s", cli->collector,
                     path, content_type);
        rc = CLI_UNREACHABLE;
    }
    free(url);
    curl_easy_cleanup(curl);
    if (rc != CLI_OK) {
        free(answer.bytes);
        return rc;
    }
    *bytes = answer.bytes != NULL ? answer.bytes : xcalloc(1, 1);
    *size = answer.size;
    return CLI_OK;
}

int collector_get_json(const struct cli *cli, const char *path, const char *const *parameters,
                       json_t **answer)
{
    void *bytes = NULL;
    size_t size = 0;
    int rc = collector_get_bytes(cli, path, parameters, "application/json", &bytes, &size);
    if (rc != CLI_OK) {
        return rc;
    }
    json_error_t error;
    *answer = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    free(bytes);
    if (!json_is_object(*answer)) {
        cli_complain("the collector's answer to %s cannot be read: %s", path, error.text);
        json_decref(*answer);
        return CLI_UNREACHABLE;
    }
    return CLI_OK;
}
