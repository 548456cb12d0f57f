/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a configuration, against a schema that has every type: either at least one error,
 * each of one line, in the order of the lines; or an object whose normal form parses again to the
 * same object. */
#include "support.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool is_one_line(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

static void expect_errors(const struct config_errors *errors)
{
    assert(errors->count > 0);
    for (size_t i = 0; i < errors->count; i++) {
        const struct config_error *error = &errors->errors[i];
        assert(error->reason[0] != '\0' && is_one_line(error->reason));
        assert(is_one_line(error->key) && is_one_line(error->value));
        assert(strlen(error->value) <= 80);
        assert(i == 0 || error->line == 0 || error->line >= errors->errors[i - 1].line);
    }
}

static void expect_round_trip(const struct everything *object)
{
    struct everything again;
    struct config_errors errors = {0};
    size_t size = 0;
    size_t again_size = 0;
    char *printed = support_print(&everything_schema, object, &size);
    int rc = config_parse("again", printed, size, &everything_schema, &again, &errors);
    if (rc != 0) {
        config_errors_print(stderr, &errors);
        abort();
    }
    char *printed_again = support_print(&everything_schema, &again, &again_size);
    assert(strcmp(printed, printed_again) == 0);
    assert(support_equal(&everything_schema, object, &again));
    free(printed);
    free(printed_again);
    config_free(&everything_schema, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct everything object;
    struct config_errors errors = {0};
    /* A copy of exactly this size, so that one byte too far is seen. */
    char *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    int rc = config_parse("fuzz", copy, size, &everything_schema, &object, &errors);
    free(copy);
    if (rc == 0) {
        assert(errors.count == 0);
        expect_round_trip(&object);
    } else {
        expect_errors(&errors);
    }
    config_errors_clear(&errors);
    config_free(&everything_schema, &object);
    return 0;
}
