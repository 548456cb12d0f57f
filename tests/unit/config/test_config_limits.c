/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hostile and broken input: size, depth, anchors, floods of errors, files that are none. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct text {
    char *bytes;
    size_t size;
    FILE *out;
};

static FILE *begin(struct text *text)
{
    text->out = open_memstream(&text->bytes, &text->size);
    assert_non_null(text->out);
    return text->out;
}

/* Parses and frees the text; what is expected of a good one is freed, too. */
static int end(struct text *text, struct config_errors *errors)
{
    struct everything object;
    assert_int_equal(fclose(text->out), 0);
    int rc = config_parse("f", text->bytes, text->size, &everything_schema, &object, errors);
    config_free(&everything_schema, &object);
    free(text->bytes);
    return rc;
}

static int64_t cpu_ms(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* trees within trees: the innermost mapping of `levels` trees stands 1 + 2 * levels deep. */
static int parse_nested(int levels, const char *inner, struct config_errors *errors)
{
    struct text text;
    FILE *out = begin(&text);
    fputs("trees: ", out);
    for (int i = 0; i < levels; i++) {
        fprintf(out, "[{name: n%s", i + 1 < levels ? ", children: " : inner);
    }
    for (int i = 0; i < levels; i++) {
        fputs("}]", out);
    }
    return end(&text, errors);
}

static void nesting_ends_at_32(void **state)
{
    struct config_errors errors = {0};
    (void)state;
    assert_int_equal(parse_nested(15, "", &errors), 0);
    assert_int_equal(parse_nested(15, ", tags: [a]", &errors), 0); /* 32 */
    assert_int_equal(parse_nested(15, ", children: []", &errors), 0);
    assert_int_equal(parse_nested(16, "", &errors), -EINVAL); /* 33 */
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.errors[0].reason, "nested deeper than 32");
    assert_int_equal(errors.errors[0].line, 1);
    config_errors_clear(&errors);
}

/* Defaults count as if they stood in the file: else the normal form could be too deep to read. */
struct inner {
    int64_t value;
};
struct outer {
    struct inner inner;
};
struct node {
    struct outer outer;
    struct config_list children;
};
static const struct config_field inner_fields[] = {
    {.key = "value",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct inner, value),
     .fallback = "1"},
    {0},
};
static const struct config_schema inner_schema = {
    "inner", sizeof(struct inner), inner_fields, SIZE_MAX, SIZE_MAX, NULL};
static const struct config_field outer_fields[] = {
    {.key = "inner",
     .type = CONFIG_MAP,
     .offset = offsetof(struct outer, inner),
     .schema = &inner_schema},
    {0},
};
static const struct config_schema outer_schema = {
    "outer", sizeof(struct outer), outer_fields, SIZE_MAX, SIZE_MAX, NULL};
static const struct config_schema node_schema;
static const struct config_field node_fields[] = {
    {.key = "outer",
     .type = CONFIG_MAP,
     .offset = offsetof(struct node, outer),
     .schema = &outer_schema},
    {.key = "children",
     .type = CONFIG_LIST,
     .offset = offsetof(struct node, children),
     .schema = &node_schema},
    {0},
};
static const struct config_schema node_schema = {
    "node", sizeof(struct node), node_fields, SIZE_MAX, SIZE_MAX, NULL};

/* `levels` nodes below the root. */
static int parse_nodes(int levels, struct node *node, struct config_errors *errors)
{
    char text[1024] = "";
    size_t used = 0;
    for (int i = 0; i < levels; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "{children: [");
    }
    used += (size_t)snprintf(text + used, sizeof text - used, "{}");
    for (int i = 0; i < levels; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "]}");
    }
    return config_parse("f", text, used, &node_schema, node, errors);
}

static void defaults_count_as_depth(void **state)
{
    struct config_errors errors = {0};
    struct node node;
    struct node again;
    size_t size = 0;
    (void)state;
    assert_int_equal(parse_nodes(14, &node, &errors), 0); /* 29 + outer + inner */
    char *printed = support_print(&node_schema, &node, &size);
    assert_int_equal(config_parse("f", printed, size, &node_schema, &again, &errors), 0);
    assert_true(support_equal(&node_schema, &node, &again));
    free(printed);
    config_free(&node_schema, &node);
    config_free(&node_schema, &again);
    assert_int_equal(parse_nodes(15, &node, &errors), -EINVAL); /* 31 + outer + inner */
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.errors[0].reason, "nested deeper than 32");
    config_errors_clear(&errors);
}

static void endless_nesting_is_refused_early(void **state)
{
    static const char *const openings[] = {"[", "{a: ", "- ", "? "};
    (void)state;
    for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
        struct config_errors errors = {0};
        struct text text;
        FILE *out = begin(&text);
        int64_t start_ms = cpu_ms();
        for (size_t n = 0; n < 20000; n++) {
            fputs(openings[i], out);
        }
        assert_int_equal(end(&text, &errors), -EINVAL);
        assert_int_equal(errors.count, 1);
        assert_string_equal(errors.errors[0].reason, "nested deeper than 32");
        assert_in_range(cpu_ms() - start_ms, 0, 5000);
        config_errors_clear(&errors);
    }
}

static void an_anchor_bomb_does_not_go_off(void **state)
{
    struct config_errors errors = {0};
    struct text text;
    FILE *out = begin(&text);
    (void)state;
    int64_t start_ms = cpu_ms();
    fputs("names: &a0 [lol]\n", out);
    for (int i = 1; i < 30; i++) {
        fprintf(out, "a%d: &a%d [", i, i);
        for (int n = 0; n < 9; n++) {
            fprintf(out, "*a%d, ", i - 1);
        }
        fputs("]\n", out);
    }
    assert_int_equal(end(&text, &errors), -EINVAL);
    /* 30 anchors, 29 * 9 aliases, 29 unknown keys. */
    assert_int_equal(errors.count, 30 + 29 * 9 + 29);
    assert_string_equal(errors.errors[0].reason, "YAML anchors (&name) are not taken");
    assert_in_range(cpu_ms() - start_ms, 0, 5000);
    config_errors_clear(&errors);
}

static void a_flood_of_errors_is_counted(void **state)
{
    struct config_errors errors = {0};
    struct text text;
    FILE *out = begin(&text);
    (void)state;
    for (int i = 0; i < 5000; i++) {
        fputs("no-such-key: 1\n", out);
    }
    assert_int_equal(end(&text, &errors), -EINVAL);
    assert_int_equal(errors.count, 1001);
    assert_int_equal(errors.errors[999].line, 1000);
    assert_string_equal(errors.errors[1000].reason, "and 4000 more");
    config_errors_clear(&errors);
}

static void lists_are_bounded(void **state)
{
    struct config_errors errors = {0};
    struct text text;
    FILE *out = begin(&text);
    (void)state;
    fputs("names: [", out);
    for (int i = 0; i < 41; i++) {
        fputs("a,", out);
    }
    fputs("]\ntrees:\n", out);
    for (int i = 0; i < 65537; i++) {
        fputs("- {}\n", out);
    }
    assert_int_equal(end(&text, &errors), -EINVAL);
    assert_int_equal(errors.count, 2);
    assert_string_equal(errors.errors[0].reason, "must have 0 to 40 items, has 41");
    assert_string_equal(errors.errors[1].reason, "must have 0 to 65536 items, has 65537");
    config_errors_clear(&errors);
}

static void a_text_over_16_mib_is_refused(void **state)
{
    struct config_errors errors = {0};
    struct everything object;
    size_t size = CONFIG_TEXT_MAX_BYTES + 1;
    char *text = calloc(size, 1);
    (void)state;
    assert_non_null(text);
    memset(text, '\n', size);
    assert_int_equal(config_parse("f", text, size, &everything_schema, &object, &errors), -EINVAL);
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.errors[0].reason, "is larger than 16 MiB");
    free(text);
    config_errors_clear(&errors);
}

/* Files */

struct folder {
    char path[64];
    char file[80];
};

static void make_folder(struct folder *folder)
{
    (void)snprintf(folder->path, sizeof folder->path, "/tmp/beffroi-config-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    (void)snprintf(folder->file, sizeof folder->file, "%s/c.yaml", folder->path);
}

static void make_file(const struct folder *folder, const char *text, off_t size)
{
    int fd = open(folder->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(close(fd), 0);
}

static void remove_folder(const struct folder *folder)
{
    (void)unlink(folder->file);
    assert_int_equal(rmdir(folder->path), 0);
}

static void expect_file_error(const char *path, int wanted, const char *line)
{
    struct config_errors errors = {0};
    struct everything object;
    char *printed = NULL;
    size_t size = 0;
    assert_int_equal(config_load(path, &everything_schema, &object, &errors), wanted);
    assert_int_equal(errors.count, 1);
    assert_int_equal(errors.errors[0].line, 0);
    FILE *out = open_memstream(&printed, &size);
    config_errors_print(out, &errors);
    assert_int_equal(fclose(out), 0);
    assert_memory_equal(printed, path, strlen(path));
    assert_string_equal(printed + strlen(path), line);
    free(printed);
    config_errors_clear(&errors);
}

static void a_file_is_loaded(void **state)
{
    struct folder folder;
    struct config_errors errors = {0};
    struct everything object;
    (void)state;
    make_folder(&folder);
    make_file(&folder, "count: 9\nx: 1\n", 9);
    assert_int_equal(config_load(folder.file, &everything_schema, &object, &errors), 0);
    assert_int_equal(object.count, 9);
    config_free(&everything_schema, &object);
    make_file(&folder, "count: 9\nx: 1\n", 14);
    assert_int_equal(config_load(folder.file, &everything_schema, &object, &errors), -EINVAL);
    assert_string_equal(errors.errors[0].file, folder.file);
    assert_int_equal(errors.errors[0].line, 2);
    config_errors_clear(&errors);
    remove_folder(&folder);
}

static void a_huge_file_is_refused_at_once(void **state)
{
    struct folder folder;
    (void)state;
    make_folder(&folder);
    make_file(&folder, "count: 1\n", 100 << 20);
    int64_t start_ms = cpu_ms();
    expect_file_error(folder.file, -EINVAL, ": is larger than 1 MiB\n");
    assert_in_range(cpu_ms() - start_ms, 0, 500);
    expect_file_error("/dev/zero", -EINVAL, ": is larger than 1 MiB\n");
    /* The limit itself is good: a comment to the end. */
    make_file(&folder, "", 0);
    FILE *out = fopen(folder.file, "w");
    assert_non_null(out);
    fprintf(out, "#%*s", CONFIG_FILE_MAX_BYTES - 1, "");
    assert_int_equal(fclose(out), 0);
    struct config_errors errors = {0};
    struct everything object;
    assert_int_equal(config_load(folder.file, &everything_schema, &object, &errors), 0);
    config_free(&everything_schema, &object);
    remove_folder(&folder);
}

static void what_is_no_file_is_reported(void **state)
{
    struct folder folder;
    (void)state;
    make_folder(&folder);
    expect_file_error(folder.file, -ENOENT, ": cannot be read: No such file or directory\n");
    expect_file_error(folder.path, -EISDIR, ": cannot be read: Is a directory\n");
    remove_folder(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting_ends_at_32),
        cmocka_unit_test(defaults_count_as_depth),
        cmocka_unit_test(endless_nesting_is_refused_early),
        cmocka_unit_test(an_anchor_bomb_does_not_go_off),
        cmocka_unit_test(a_flood_of_errors_is_counted),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(a_text_over_16_mib_is_refused),
        cmocka_unit_test(a_file_is_loaded),
        cmocka_unit_test(a_huge_file_is_refused_at_once),
        cmocka_unit_test(what_is_no_file_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
