/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures, each drawn by a process of its own: what goes wrong there stays there. */
#include "client.h"
#include "server.h"

#include "rrd/file.h"

#include <curl/curl.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ETH0 "/graph.png?device=sw-1&kind=interface&name=eth0"

static unsigned width_of(const struct answer *png)
{
    const unsigned char *bytes = (const unsigned char *)png->body;
    assert_true(png->size > 24);
    assert_memory_equal(bytes, "\x89PNG\r\n\x1A\n", 8);
    return (unsigned)bytes[18] << 8 | bytes[19];
}

static void no_process_is_left(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void graphs_are_drawn(void **state)
{
    static const char *const paths[] = {ETH0 "&graph=traffic",
                                        ETH0 "&graph=out_octets",
                                        ETH0 "&from=-10m&to=now&height=50",
                                        ETH0 "&graph=packets",
                                        ETH0 "&graph=in_multicast_packets",
                                        ETH0 "&graph=unit%3Apackets%2Fs"};
    const struct served *served = *state;
    struct answer answer = client_get(served->port, ETH0, 200);
    assert_string_equal(answer.type, "image/png");
    assert_non_null(strstr(answer.policy, "default-src 'none'"));
    assert_in_range(width_of(&answer), 720, 900);
    answer_clear(&answer);
    answer = client_get(served->port, ETH0 "&width=100&graph=state", 200);
    assert_in_range(width_of(&answer), 100, 400);
    answer_clear(&answer);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        answer = client_get(served->port, paths[i], 200);
        (void)width_of(&answer);
        answer_clear(&answer);
    }
    no_process_is_left();
}

/* An object of a kind without definitions is drawn by its first metric. */
static void unknown_kinds_have_a_default(void **state)
{
    const struct served *served = *state;
    struct object radio = make_interface("sw-1", "w0");
    radio.kind = "radio";
    put_rows(served->bed, &radio, 10);
    struct answer answer =
        client_get(served->port, "/graph.png?device=sw-1&kind=radio&name=w0", 200);
    (void)width_of(&answer);
    answer_clear(&answer);
}

static void failures_are_told_apart(void **state)
{
    static const struct {
        const char *path;
        long status;
        const char *says;
    } cases[] = {
        {ETH0 "&graph=nonsense", 404, "no such graph"},
        {ETH0 "&graph=errors", 404, "nothing to draw"}, /* defined, but not measured */
        {ETH0 "&graph=unit%3Abits%2Fs", 404, "no such graph"},
        {ETH0 "&graph=--imginfo", 404, "no such graph"},
        {"/graph.png?device=sw-1&kind=interface&name=eth9", 404, "nothing to draw"},
        {ETH0 "&from=1980-01-01T00:00:00Z&to=1981-01-01T00:00:00Z", 400, "ten years"},
        {ETH0 "&from=2010-01-01T00:00:00Z&to=2025-01-01T00:00:00Z", 400, "ten years"},
    };
    const struct served *served = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer = client_get(served->port, cases[i].path, cases[i].status);
        assert_string_equal(answer.type, "application/json; charset=utf-8");
        assert_non_null(strstr(answer.body, cases[i].says));
        answer_clear(&answer);
    }
    no_process_is_left();
}

static void a_damaged_file_harms_nobody(void **state)
{
    const struct served *served = *state;
    char *path = rrd_path(served->bed->rrd_directory, "sw-1", "interface", "eth0");
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 16, SEEK_SET), 0);
    for (int i = 0; i < 400; i++) {
        assert_int_equal(fputc(0xFF, file), 0xFF);
    }
    assert_int_equal(fclose(file), 0);
    struct answer answer = client_get(served->port, ETH0, 503);
    assert_string_equal(answer.type, "application/json; charset=utf-8");
    assert_non_null(strstr(answer.body, "could not be drawn"));
    answer_clear(&answer);
    answer = client_get(served->port, "/object?device=sw-1&kind=interface&name=eth0", 200);
    answer_clear(&answer);
    answer = client_get(served->port, "/device?device=sw-1", 200);
    answer_clear(&answer);
    answer = client_get(served->port, "/api/v1/series?device=sw-1&kind=interface&name=eth0", 503);
    answer_clear(&answer);
    no_process_is_left();
    free(path);
}

static void a_program_that_does_not_draw(void **state)
{
    static const char *const programs[] = {"/nowhere/beffroi-collector", "/bin/false", "/bin/true"};
    struct served *served = *state;
    char reason[256] = "";
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        struct web *web = NULL;
        struct web_options options = served->options;
        options.program = programs[i];
        assert_int_equal(web_open(&web, &options, reason, sizeof reason), 0);
        struct answer answer = client_get(web_port(web), ETH0, 503);
        answer_clear(&answer);
        web_close(web);
    }
    no_process_is_left();
}

int main(int argc, char **argv)
{
    draw_if_asked(argc, argv);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(graphs_are_drawn, open_served, close_served),
        cmocka_unit_test_setup_teardown(unknown_kinds_have_a_default, open_served, close_served),
        cmocka_unit_test_setup_teardown(failures_are_told_apart, open_served, close_served),
        cmocka_unit_test_setup_teardown(a_damaged_file_harms_nobody, open_served, close_served),
        cmocka_unit_test_setup_teardown(a_program_that_does_not_draw, open_served, close_served),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
