/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pattern.h"

#include "common/xalloc.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pattern {
    regex_t compiled;
};

/* Behind a bracket expression that begins at `at`, as far as it can be told: regcomp reports one
 * that has no end. */
static const char *skip_bracket(const char *at)
{
    at++;
    at += *at == '^' ? 1 : 0;
    at += *at == ']' ? 1 : 0; /* the first one is an ordinary character */
    while (*at != '\0' && *at != ']') {
        if (*at == '[' && at[1] != '\0' && strchr(":.=", at[1]) != NULL) {
            const char end[] = {at[1], ']', '\0'};
            const char *found = strstr(at + 2, end);
            at = found != NULL ? found + 2 : at + 1;
        } else {
            at++;
        }
    }
    return *at == ']' ? at + 1 : at;
}

/* What regcomp takes and we do not; NULL: nothing. */
static const char *find_fault(const char *text)
{
    size_t depth = 0;
    for (const char *at = text; *at != '\0';) {
        if (*at == '[') {
            at = skip_bracket(at);
            continue;
        }
        if (*at == '\\' && at[1] >= '1' && at[1] <= '9') {
            return "must not refer to a group (\\1 to \\9)";
        }
        if (*at == ')' && depth == 0) {
            return "has a ) without a ( before it; the character itself is \\)";
        }
        depth += *at == '(' ? 1 : 0;
        depth -= *at == ')' ? 1 : 0;
        at += *at == '\\' && at[1] != '\0' ? 2 : 1;
    }
    return NULL;
}

/* The C library takes a "^" that is not the first character for the beginning of a line too. We ask
 * for none of that, so it sees no newlines: they become another kind of space, on both sides. */
static char *without_newlines(const char *text)
{
    char *copy = xstrdup(text);
    for (char *at = copy; (at = strchr(at, '\n')) != NULL;) {
        *at = '\v';
    }
    return copy;
}

/* Asked whether it stands anywhere, regexec tries from every byte: quadratic. Asked whether
 * anything and then it stand at the beginning, it reads the text once. */
static int compile(const char *text, regex_t *compiled)
{
    char *plain = without_newlines(text);
    char *anchored = xasprintf("^.*(%s)", plain);
    int rc = regcomp(compiled, anchored, REG_EXTENDED | REG_NOSUB);
    free(anchored);
    free(plain);
    return rc;
}

int pattern_check(const char *text, char *reason, size_t reason_size)
{
    regex_t compiled;
    const char *fault = find_fault(text);
    int rc = compile(text, &compiled);
    if (rc != 0) {
        (void)regerror(rc, &compiled, reason, reason_size);
        return -EINVAL;
    }
    regfree(&compiled);
    if (fault != NULL) {
        (void)snprintf(reason, reason_size, "%s", fault);
        return -EINVAL;
    }
    return 0;
}

struct pattern *pattern_new(const char *text)
{
    char reason[128];
    if (pattern_check(text, reason, sizeof reason) != 0) {
        return NULL;
    }
    struct pattern *pattern = xcalloc(1, sizeof *pattern);
    (void)compile(text, &pattern->compiled); /* just done */
    return pattern;
}

void pattern_free(struct pattern *pattern)
{
    if (pattern != NULL) {
        regfree(&pattern->compiled);
        free(pattern);
    }
}

bool pattern_matches(const struct pattern *pattern, const char *text)
{
    char *plain = strchr(text, '\n') != NULL ? without_newlines(text) : NULL;
    int rc = regexec(&pattern->compiled, plain != NULL ? plain : text, 0, NULL, 0);
    free(plain);
    return rc == 0;
}
