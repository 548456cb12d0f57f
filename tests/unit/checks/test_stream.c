/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tcp, smtp and imap checks against servers that are polite, silent, endless or slow. */
#include "greeting.h"
#include "net_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct scene {
    uv_loop_t loop;
    struct tcp_server server;
    struct check_config config;
};

static struct verdict play(struct scene *scene, const struct check_type *type, int64_t timeout_ms)
{
    uv_loop_init(&scene->loop);
    if (scene->server.says != NULL && scene->server.says_size == 0) {
        scene->server.says_size = strlen(scene->server.says);
    }
    tcp_server_open(&scene->loop, &scene->server);
    struct target target = loopback_target(scene->server.port);
    struct verdict verdict = ask(&scene->loop, type, &scene->config, &target, timeout_ms);
    return verdict;
}

static bool peer_is_gone(void *context)
{
    return ((const struct scene *)context)->server.n_ended > 0;
}

/* Ends the scene once the server saw the other side go. */
static void end(struct scene *scene)
{
    bool ends_itself = scene->server.is_hanging_up || scene->server.is_resetting;
    assert_true(ends_itself || run_until(&scene->loop, peer_is_gone, scene, 2000));
    tcp_server_close(&scene->server);
    finish_loop(&scene->loop);
}

static void connection_alone_is_up(void **state)
{
    struct scene scene = {.server = {.says = "never read\n"}};
    (void)state;
    struct verdict verdict = play(&scene, &check_type_tcp, 2000);
    assert_verdict(verdict, OUTCOME_UP, "");
    assert_int_equal(verdict.known, 1);
    assert_true(verdict.values[0] > 0 && verdict.values[0] < 1);
    end(&scene);
}

static void banner_without_newline_matches(void **state)
{
    struct scene scene = {.server = {.says = "login: "}, .config = {.expect = "ogin: $"}};
    (void)state;
    struct verdict verdict = play(&scene, &check_type_tcp, 2000);
    assert_verdict(verdict, OUTCOME_UP, "");
    assert_int_equal(verdict.known, 3);
    assert_true(verdict.values[1] > 0 && verdict.values[1] < 1);
    end(&scene);
}

static void request_is_sent_first(void **state)
{
    struct scene scene = {.server = {.says = "+PONG\r\n", .is_answering = true},
                          .config = {.send = "PING\\r\\n\\x41", .expect = "^\\+PONG"}};
    (void)state;
    struct verdict verdict = play(&scene, &check_type_tcp, 2000);
    assert_verdict(verdict, OUTCOME_UP, "");
    assert_int_equal(scene.server.heard_size, 7);
    assert_memory_equal(scene.server.heard, "PING\r\nA", 7);
    end(&scene);
    /* Without a pattern an answer will do. */
    struct scene any = {.server = {.says = "x", .is_answering = true}, .config = {.send = "y"}};
    verdict = play(&any, &check_type_tcp, 2000);
    assert_verdict(verdict, OUTCOME_UP, "");
    end(&any);
}

static void wrong_banner_does_not_match(void **state)
{
    struct scene scene = {.server = {.says = "SSH-2.0-x\r\n"}, .config = {.expect = "^220"}};
    (void)state;
    struct verdict verdict = play(&scene, &check_type_tcp, 150);
    assert_verdict(verdict, OUTCOME_DOWN, "no-match");
    assert_non_null(strstr(verdict.detail, "SSH-2.0-x"));
    assert_int_equal(verdict.known, 1); /* the connection was good */
    end(&scene);
}

static void silent_server_times_out(void **state)
{
    const struct check_type *const types[] = {&check_type_smtp, &check_type_imap};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene = {0};
        struct wall start = clock_wall();
        struct verdict verdict = play(&scene, types[i], 120);
        assert_verdict(verdict, OUTCOME_DOWN, "timeout");
        assert_in_range(verdict.time.ms, start.ms, start.ms + 100);
        assert_in_range(clock_wall().ms - start.ms, 115, 1500);
        end(&scene);
    }
}

static void slow_loris_times_out(void **state)
{
    char endless[4096];
    (void)state;
    memset(endless, 'a', sizeof endless);
    memcpy(endless, "220 ", 4);
    struct scene scene = {
        .server = {.says = endless, .says_size = sizeof endless, .is_dripping = true}};
    struct verdict verdict = play(&scene, &check_type_smtp, 100);
    assert_verdict(verdict, OUTCOME_DOWN, "timeout");
    assert_non_null(strstr(verdict.detail, "only a part"));
    end(&scene);
    struct scene tcp = {
        .server = {.says = endless, .says_size = sizeof endless, .is_dripping = true},
        .config = {.expect = "b"}};
    verdict = play(&tcp, &check_type_tcp, 100);
    assert_verdict(verdict, OUTCOME_DOWN, "timeout");
    end(&tcp);
}

/* So many single bytes that not each of them is looked at: the whole is, in the end. */
static void tarpit_that_ends_is_up(void **state)
{
    char slow[301];
    (void)state;
    memset(slow, 'a', sizeof slow);
    memcpy(slow, "220 ", 4);
    memcpy(slow + 298, "\r\n", 3);
    struct scene scene = {
        .server = {.says = slow, .says_size = 300, .is_dripping = true, .is_hanging_up = true}};
    struct verdict verdict = play(&scene, &check_type_smtp, 5000);
    assert_verdict(verdict, OUTCOME_UP, "");
    end(&scene);
}

static void endless_greeting_is_cut(void **state)
{
    static char endless[3 * GREETING_SIZE_MAX];
    (void)state;
    memset(endless, 'a', sizeof endless);
    memcpy(endless, "220 ", 4);
    struct scene scene = {.server = {.says = endless, .says_size = sizeof endless}};
    struct verdict verdict = play(&scene, &check_type_smtp, 3000);
    assert_verdict(verdict, OUTCOME_DOWN, "protocol");
    assert_non_null(strstr(verdict.detail, "8 KiB"));
    end(&scene);
    struct scene tcp = {.server = {.says = endless, .says_size = sizeof endless},
                        .config = {.expect = "b"}};
    verdict = play(&tcp, &check_type_tcp, 3000);
    assert_verdict(verdict, OUTCOME_DOWN, "no-match");
    end(&tcp);
}

static void early_end_is_told(void **state)
{
    (void)state;
    struct scene scene = {.server = {.says = "", .is_hanging_up = true}};
    struct verdict verdict = play(&scene, &check_type_imap, 2000);
    assert_verdict(verdict, OUTCOME_DOWN, "connection-closed");
    end(&scene);
    struct scene part = {.server = {.says = "* OK", .is_hanging_up = true}};
    verdict = play(&part, &check_type_imap, 2000);
    assert_verdict(verdict, OUTCOME_DOWN, "protocol");
    end(&part);
    struct scene reset = {.server = {.says = "", .is_resetting = true}};
    verdict = play(&reset, &check_type_imap, 2000);
    assert_verdict(verdict, OUTCOME_DOWN, "connection-reset");
    end(&reset);
}

static void good_bye_is_said(void **state)
{
    static const struct {
        const struct check_type *type;
        const char *says;
        const char *heard;
        const char *reason;
    } cases[] = {
        {&check_type_smtp, "220-a\r\n220 b\r\n", "QUIT\r\n", ""},
        {&check_type_smtp, "554 no\r\n", "QUIT\r\n", "service-unavailable"},
        {&check_type_smtp, "HTTP/1.1 400\r\n", "", "protocol"},
        {&check_type_imap, "* OK b\r\n", "a LOGOUT\r\n", ""},
        {&check_type_imap, "* BYE b\r\n", "", "service-unavailable"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene scene = {.server = {.says = cases[i].says}};
        struct verdict verdict = play(&scene, cases[i].type, 60);
        assert_string_equal(verdict.reason, cases[i].reason);
        end(&scene);
        assert_int_equal(scene.server.heard_size, strlen(cases[i].heard));
        assert_memory_equal(scene.server.heard, cases[i].heard, strlen(cases[i].heard));
    }
}

/* Of several addresses one that serves is enough. */
static void next_address_is_asked(void **state)
{
    struct tcp_server hung = {0};
    struct tcp_server good = {.says = "220 b\r\n", .says_size = 7};
    const struct check_config config = {0};
    uv_loop_t loop;
    (void)state;
    uv_loop_init(&loop);
    tcp_server_open(&loop, &hung);
    tcp_server_open(&loop, &good);
    struct target target = loopback_target(hung.port);
    target.addresses[target.n_addresses++] = loopback_target(good.port).addresses[0];
    struct wall start = clock_wall();
    struct verdict verdict = ask(&loop, &check_type_smtp, &config, &target, 300);
    assert_verdict(verdict, OUTCOME_UP, "");
    assert_true(verdict.time.ms >= start.ms + 140); /* of the one that served */
    assert_int_equal(hung.n_connections, 1);
    tcp_server_close(&hung);
    tcp_server_close(&good);
    finish_loop(&loop);
}

static void cancel_calls_nobody(void **state)
{
    struct scene scene = {0};
    (void)state;
    uv_loop_init(&scene.loop);
    tcp_server_open(&scene.loop, &scene.server);
    struct target target = loopback_target(scene.server.port);
    ask_and_cancel(&scene.loop, &check_type_smtp, &scene.config, &target);
    scene.server.says = "220 a\r\n"; /* in the middle of its good-bye */
    scene.server.says_size = 7;
    ask_and_cancel(&scene.loop, &check_type_smtp, &scene.config, &target);
    assert_int_equal(scene.server.n_connections, 2);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_alone_is_up),  cmocka_unit_test(banner_without_newline_matches),
        cmocka_unit_test(request_is_sent_first),   cmocka_unit_test(wrong_banner_does_not_match),
        cmocka_unit_test(silent_server_times_out), cmocka_unit_test(slow_loris_times_out),
        cmocka_unit_test(tarpit_that_ends_is_up),  cmocka_unit_test(endless_greeting_is_cut),
        cmocka_unit_test(early_end_is_told),       cmocka_unit_test(good_bye_is_said),
        cmocka_unit_test(next_address_is_asked),   cmocka_unit_test(cancel_calls_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
