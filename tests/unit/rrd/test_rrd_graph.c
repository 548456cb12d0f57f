/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/graph.h"

#include "common/xalloc.h"
#include "rrd/draw.h"
#include "support.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t START_MS = INT64_C(1767225600000); /* 2026-01-01 */
enum { ROWS = 480 };

/* librrd 1.7.2 and fontconfig keep some memory of every picture; ours must not. The slow unwinder
 * tells whose an allocation is. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\nleak:librrd\nleak:libpango\nleak:libcairo\nleak:libglib";
}

struct bed {
    char *folder;
    char *path;
};

static int open_bed(void **state)
{
    char reason[256] = "";
    struct bed *bed = xcalloc(1, sizeof *bed);
    struct object object = sample_object(60000);
    struct rrd_row *rows = xcalloc(ROWS, sizeof *rows);
    bed->folder = make_folder();
    char *data = xasprintf("%s/a:b %%", bed->folder); /* a folder that librrd must not parse */
    bed->path = rrd_path(data, "d", "interface", "o");
    free(data);
    double in = 0;
    double out = 0;
    for (int i = 0; i < ROWS; i++) {
        in += (2.0 + sin(i / 40.0) + 0.3 * sin(i * 1.7)) * 60e6;
        out += (1.0 + cos(i / 60.0)) * 30e6;
        rows[i].time.ms = START_MS + i * 60000;
        rows[i].values[0].counter = (uint64_t)in;
        rows[i].values[1].counter = (uint64_t)out;
        rows[i].values[2].gauge = i < 200 || i > 230;
        rows[i].unknown_mask = i > 300 && i < 330 ? 3 : 0;
    }
    assert_int_equal(rrd_file_create(bed->path, &object, rows[0].time, reason, sizeof reason), 0);
    must_update(bed->path, &object, rows, ROWS);
    free(rows);
    *state = bed;
    return 0;
}

static int close_bed(void **state)
{
    struct bed *bed = *state;
    free(bed->path);
    remove_folder(bed->folder);
    free(bed);
    return 0;
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void expect_png(const unsigned char *png, size_t size, uint32_t width, uint32_t height)
{
    static const unsigned char magic[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    assert_true(size > 1000);
    assert_memory_equal(png, magic, sizeof magic);
    /* The canvas, and room around it for axes and the table. */
    assert_in_range(big_endian(png + 16), width + 40, width + 200);
    assert_in_range(big_endian(png + 20), height + 40, height + 200);
}

static struct rrd_draw draw_of(const struct bed *bed)
{
    return (struct rrd_draw){.path = bed->path,
                             .definition = graph_definition_of("interface", 0),
                             .from = {START_MS},
                             .to = {START_MS + ROWS * 60000},
                             .width_px = 600,
                             .height_px = 180};
}

static int draw_it(const struct rrd_draw *draw, unsigned char **png, size_t *size)
{
    char reason[256] = "";
    *png = NULL;
    int error = rrd_draw_object(draw, png, size, reason, sizeof reason);
    assert_int_equal(error != 0, reason[0] != '\0');
    return error;
}

static void draws_a_definition(void **state)
{
    struct rrd_draw draw = draw_of(*state);
    unsigned char *png;
    size_t size;
    draw.title = "sw-1 Gi0/1: uplink \xe2\x80\x93 \xc3\xa9t\xc3\xa9 <b>100 %</b> \\ \"x\"";
    assert_int_equal(draw_it(&draw, &png, &size), 0);
    expect_png(png, size, 600, 180);
    const char *keep = getenv("TEST_KEEP_PNG"); /* to look at it */
    if (keep != NULL) {
        write_file(keep, png, size);
    }
    free(png);
}

static void draws_one_metric(void **state)
{
    struct rrd_draw draw = draw_of(*state);
    unsigned char *png;
    size_t size;
    draw.definition = NULL;
    draw.metric = "oper_status";
    assert_int_equal(draw_it(&draw, &png, &size), 0);
    expect_png(png, size, 600, 180);
    free(png);
    draw.metric = "in_packets";
    assert_int_equal(draw_it(&draw, &png, &size), -ENODATA);
    draw.metric = NULL;
    assert_int_equal(draw_it(&draw, &png, &size), -ENODATA);
    draw.definition = graph_definition_of("memory", 0);
    assert_int_equal(draw_it(&draw, &png, &size), -ENODATA);
}

static void hostile_texts_are_only_texts(void **state)
{
    static const char *const titles[] = {
        "",
        "-",
        "--help",
        "%s%n%999999d",
        "\xff\xfe\xc0\x80\xed\xa0\x80",
        "a\nb\x1b[31m",
        "\\",
        "\xf0\x9f\x94\x94 \xd7\xa9",
    };
    struct rrd_draw draw = draw_of(*state);
    struct bed *bed = *state;
    unsigned char *png;
    size_t size;
    char reason[256];
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        const struct rrd_graph_line line = {
            .source = "in_octets", .legend = titles[i], .colour = 0xffffffff, .factor = 8};
        const struct rrd_graph graph = {.path = bed->path,
                                        .title = titles[i],
                                        .axis = titles[i],
                                        .from = draw.from,
                                        .to = draw.to,
                                        .width_px = 300,
                                        .height_px = 100,
                                        .lower = NAN,
                                        .upper = NAN,
                                        .base = 1000,
                                        .lines = &line,
                                        .n_lines = 1};
        if (rrd_graph_png(&graph, &png, &size, reason, sizeof reason) != 0) {
            fail_msg("%zu: %s", i, reason);
        }
        free(png);
    }
    char *longer = xmalloc(100001);
    memset(longer, 'W', 100000);
    longer[100000] = '\0';
    draw.title = longer;
    assert_int_equal(draw_it(&draw, &png, &size), 0);
    free(png);
    free(longer);
}

static void bounds_are_kept(void **state)
{
    struct bed *bed = *state;
    struct rrd_draw good = draw_of(bed);
    unsigned char *png;
    size_t size;
    struct rrd_draw bad[8];
    for (size_t i = 0; i < 8; i++) {
        bad[i] = good;
    }
    bad[0].width_px = 99;
    bad[1].width_px = 1000000;
    bad[2].height_px = 49;
    bad[3].height_px = INT32_MAX;
    bad[4].to = bad[4].from;
    bad[5].from.ms = good.to.ms - INT64_C(3661) * 86400000;
    bad[6].from.ms = 0;
    bad[7].to.ms = INT64_MAX;
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(draw_it(&bad[i], &png, &size), -EINVAL);
    }
    good.from.ms = good.to.ms - INT64_C(3650) * 86400000; /* ten years, of maxima too */
    assert_int_equal(draw_it(&good, &png, &size), 0);
    free(png);
    const struct rrd_graph_line line = {.source = "in_octets:d0=/etc/passwd", .legend = "x"};
    const struct rrd_graph graph = {.path = bed->path,
                                    .title = "",
                                    .axis = "",
                                    .from = good.from,
                                    .to = good.to,
                                    .width_px = 300,
                                    .height_px = 100,
                                    .base = 1000,
                                    .lines = &line,
                                    .n_lines = 1};
    char reason[128];
    assert_int_equal(rrd_graph_png(&graph, &png, &size, reason, sizeof reason), -EINVAL);
    write_file(bed->path, "garbage", 7);
    good = draw_of(bed);
    assert_int_equal(draw_it(&good, &png, &size), -EBADMSG);
}

static void definitions_are_consistent(void **state)
{
    (void)state;
    static const char *const kinds[] = {"interface", "traffic", "cpu",        "cpu_time",
                                        "processor", "memory",  "load",       "filesystem",
                                        "storage",   "disk",    "disk_space", "system",
                                        "check",     "device",  "agent"};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        assert_non_null(graph_definition_of(kinds[k], 0));
        const struct graph_definition *one;
        for (size_t n = 0; (one = graph_definition_of(kinds[k], n)) != NULL; n++) {
            for (size_t m = 0; m < n; m++) {
                assert_string_not_equal(graph_definition_of(kinds[k], m)->id, one->id);
            }
            assert_true(one->base == 1000 || one->base == 1024);
            assert_true(one->n_lines >= 1 && one->title[0] != '\0');
            for (size_t i = 0; i < one->n_lines; i++) {
                const struct graph_line *line = &one->lines[i];
                assert_true(strlen(line->metric) <= PROTO_METRIC_NAME_MAX && line->factor > 0);
                assert_true(graph_shows(kinds[k], line->metric));
                assert_true(!line->stack || (i > 0 && one->lines[i - 1].area));
                assert_true(!(line->negative && one->lower >= 0));
            }
        }
    }
    assert_null(graph_definition_of("sensor", 0));
    assert_false(graph_shows("sensor", "value"));
    assert_false(graph_shows("interface", "rtt"));
    assert_int_not_equal(graph_colour(0), graph_colour(1));
    assert_int_equal(graph_colour(0), graph_colour(9));
}

static void states_have_words(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        const char *metric;
        double value;
        const char *said;
    } cases[] = {
        {"interface", "oper_status", 1, "up"},
        {"interface", "oper_status", 2, "down"},
        {"interface", "oper_status", 3, "testing"},
        {"interface", "oper_status", 4, "unknown"},
        {"interface", "oper_status", 5, "dormant"},
        {"interface", "oper_status", 6, "not present"},
        {"interface", "oper_status", 7, "lower layer down"},
        {"interface", "oper_status", 1.0000000001, "up"}, /* librrd's sums are not exact */
        {"interface", "oper_status", 1.4, "changing"},
        {"interface", "oper_status", 0, NULL},
        {"interface", "oper_status", 8, NULL},
        {"interface", "oper_status", -1e300, NULL},
        {"interface", "oper_status", NAN, NULL},
        {"interface", "oper_status", INFINITY, NULL},
        {"interface", "admin_status", 3, "testing"},
        {"interface", "admin_status", 4, NULL},
        {"interface", "in_octets", 1, NULL},
        {"sensor", "oper_status", 3, "not operational"},
        {"radio", "oper_status", 1, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *said = graph_value_word(cases[i].kind, cases[i].metric, cases[i].value);
        if (cases[i].said == NULL) {
            assert_null(said);
        } else {
            assert_non_null(said);
            assert_string_equal(said, cases[i].said);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(draws_a_definition, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(draws_one_metric, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(hostile_texts_are_only_texts, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(bounds_are_kept, open_bed, close_bed),
        cmocka_unit_test(definitions_are_consistent),
        cmocka_unit_test(states_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
