/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dns checks against name servers that are right, wrong, forged, cut short or gone. */
#include "checks/config.h"
#include "dns_build.h"
#include "net_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct scene {
    uv_loop_t loop;
    struct udp_server server;
    struct check_config config;
    void (*fill)(struct dns_build *build); /* NULL: one address */
    unsigned flags;
    unsigned ignored; /* so many first questions are not answered */
    struct dns_build build;
    uint16_t ids[4];
    uint16_t ports[4];
};

static void fill_address(struct dns_build *build)
{
    dns_build_record(build, "", CHECK_RECORD_A, 60, "\300\0\2\7", 4);
}

static void answer(struct udp_server *server, const uint8_t *bytes, size_t size,
                   const struct sockaddr *from)
{
    struct scene *scene = server->context;
    unsigned n = server->n_requests - 1;
    scene->ids[n] = (uint16_t)(bytes[0] << 8 | bytes[1]);
    scene->ports[n] = ((const struct sockaddr_in *)from)->sin_port;
    if (n < scene->ignored) {
        return;
    }
    dns_build_reply(&scene->build, bytes, size, scene->flags);
    (scene->fill != NULL ? scene->fill : fill_address)(&scene->build);
    udp_server_say(server, scene->build.bytes, scene->build.size, from);
}

static void open_scene(struct scene *scene)
{
    uv_loop_init(&scene->loop);
    scene->config.query = "www.example.org";
    scene->config.record = scene->config.record == 0 ? CHECK_RECORD_A : scene->config.record;
    scene->server.context = scene;
    if (scene->server.on_request == NULL) {
        scene->server.on_request = answer;
    }
    udp_server_open(&scene->loop, &scene->server);
}

static struct verdict play(struct scene *scene, int64_t timeout_ms)
{
    open_scene(scene);
    struct target target = loopback_target(scene->server.port);
    struct verdict verdict =
        ask(&scene->loop, &check_type_dns, &scene->config, &target, timeout_ms);
    udp_server_close(&scene->server);
    finish_loop(&scene->loop);
    return verdict;
}

static void right_answer_is_up(void **state)
{
    char *answers[] = {"192.0.2.7"};
    struct scene scene = {.config = {.answers = {.items = answers, .count = 1}}};
    (void)state;
    struct verdict verdict = play(&scene, 2000);
    assert_verdict(verdict, OUTCOME_UP, "");
    assert_int_equal(verdict.known, 0xf);
    assert_true(verdict.values[0] > 0 && verdict.values[0] < 1);
    assert_true(verdict.values[1] == 1 && verdict.values[2] == 0 && verdict.values[3] == 60);
    assert_int_equal(scene.server.n_requests, 1);
}

static void lacking_answer_is_wrong(void **state)
{
    char *answers[] = {"192.0.2.7", "192.0.2.8"};
    struct scene scene = {.config = {.answers = {.items = answers, .count = 2}}};
    (void)state;
    struct verdict verdict = play(&scene, 2000);
    assert_verdict(verdict, OUTCOME_DOWN, "wrong-answer");
    assert_string_equal(verdict.detail, "192.0.2.8 is not among: 192.0.2.7");
    assert_int_equal(verdict.known, 0xf);
}

static void fill_names(struct dns_build *build)
{
    static const uint8_t v6[] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    dns_build_named(build, "", CHECK_RECORD_CNAME, 9, NULL, 0, "web.Example.org");
    dns_build_record(build, "web.example.org", CHECK_RECORD_AAAA, 60, v6, sizeof v6);
}

static void answers_may_be_written_otherwise(void **state)
{
    char *answers[] = {"2001:DB8:0::1", "WEB.example.org"};
    struct scene scene = {
        .config = {.answers = {.items = answers, .count = 2}, .record = CHECK_RECORD_AAAA},
        .fill = fill_names};
    (void)state;
    struct verdict verdict = play(&scene, 2000);
    assert_verdict(verdict, OUTCOME_UP, "");
    assert_true(verdict.values[3] == 9);
}

static void fill_text(struct dns_build *build)
{
    dns_build_record(build, "", CHECK_RECORD_TXT, 60, "\6v=spf1", 7);
}

static void text_has_its_case(void **state)
{
    char *right[] = {"\"v=spf1\""};
    char *wrong[] = {"\"V=SPF1\""};
    (void)state;
    struct scene good = {
        .config = {.answers = {.items = right, .count = 1}, .record = CHECK_RECORD_TXT},
        .fill = fill_text};
    assert_verdict(play(&good, 2000), OUTCOME_UP, "");
    struct scene bad = {
        .config = {.answers = {.items = wrong, .count = 1}, .record = CHECK_RECORD_TXT},
        .fill = fill_text};
    assert_verdict(play(&bad, 2000), OUTCOME_DOWN, "wrong-answer");
}

static void fill_nothing(struct dns_build *build)
{
    (void)build;
}

static void response_codes_are_told(void **state)
{
    (void)state;
    struct scene missing = {.fill = fill_nothing, .flags = 3};
    struct verdict verdict = play(&missing, 2000);
    assert_verdict(verdict, OUTCOME_DOWN, "rcode");
    assert_string_equal(verdict.detail, "NXDOMAIN, not NOERROR");
    assert_int_equal(verdict.known, 7);
    assert_true(verdict.values[2] == 3);
    struct scene wanted = {.fill = fill_nothing, .flags = 3, .config = {.rcode = "NXDOMAIN"}};
    assert_verdict(play(&wanted, 2000), OUTCOME_UP, "");
    struct scene found = {.config = {.rcode = "NXDOMAIN"}};
    assert_verdict(play(&found, 2000), OUTCOME_DOWN, "rcode");
    struct scene empty = {.fill = fill_nothing};
    assert_verdict(play(&empty, 2000), OUTCOME_DOWN, "no-answer");
}

static void fill_loop(struct dns_build *build)
{
    dns_build_named(build, "", CHECK_RECORD_CNAME, 9, NULL, 0, "a.example");
    dns_build_named(build, "a.example", CHECK_RECORD_CNAME, 9, NULL, 0, "www.example.org");
}

static void fill_broken(struct dns_build *build)
{
    dns_build_record(build, "", CHECK_RECORD_A, 60, "\300\0\2", 3);
}

static void broken_answers_are_named(void **state)
{
    (void)state;
    struct scene loop = {.fill = fill_loop};
    assert_verdict(play(&loop, 2000), OUTCOME_DOWN, "alias-loop");
    struct scene broken = {.fill = fill_broken};
    assert_verdict(play(&broken, 2000), OUTCOME_DOWN, "protocol");
}

/* Wrong id, wrong question, garbage, then the truth; and before it the same from another port. */
static void answer_after_forgeries(struct udp_server *server, const uint8_t *bytes, size_t size,
                                   const struct sockaddr *from)
{
    struct scene *scene = server->context;
    struct udp_server forger = {0};
    struct dns_build *build = &scene->build;
    udp_server_open(&scene->loop, &forger);
    dns_build_reply(build, bytes, size, 3);
    udp_server_say(&forger, build->bytes, build->size, from);
    udp_server_close(&forger);
    build->bytes[1] ^= 1;
    udp_server_say(server, build->bytes, build->size, from);
    build->bytes[1] ^= 1;
    build->bytes[13] ^= 1;
    udp_server_say(server, build->bytes, build->size, from);
    udp_server_say(server, "x", 1, from);
    answer(server, bytes, size, from);
}

static void forged_answers_are_ignored(void **state)
{
    struct scene scene = {.server = {.on_request = answer_after_forgeries}};
    (void)state;
    struct verdict verdict = play(&scene, 2000);
    assert_verdict(verdict, OUTCOME_UP, "");
}

static void answer_garbage(struct udp_server *server, const uint8_t *bytes, size_t size,
                           const struct sockaddr *from)
{
    udp_server_say(server, bytes, size, from); /* the question itself */
}

static void garbage_alone_times_out(void **state)
{
    struct scene scene = {.server = {.on_request = answer_garbage}};
    (void)state;
    struct verdict verdict = play(&scene, 200);
    assert_verdict(verdict, OUTCOME_DOWN, "timeout");
    assert_string_equal(verdict.detail,
                        "no answer to 3 questions in 200 ms, but 3 datagrams that are none");
    assert_int_equal(verdict.known, 0);
}

static void lost_question_is_asked_again(void **state)
{
    struct scene scene = {.ignored = 2};
    struct wall start = clock_wall();
    (void)state;
    struct verdict verdict = play(&scene, 300);
    assert_verdict(verdict, OUTCOME_UP, "");
    assert_true(verdict.values[0] < 0.09); /* from the one that was answered */
    assert_true(verdict.time.ms >= start.ms + 190);
    /* Neither number nor port is used again; that two of three are the same has 1:10^9 odds. */
    assert_false(scene.ids[0] == scene.ids[1] && scene.ids[1] == scene.ids[2]);
    assert_false(scene.ports[0] == scene.ports[1] && scene.ports[1] == scene.ports[2]);
}

static void silence_times_out(void **state)
{
    struct scene scene = {.ignored = 4};
    struct wall start = clock_wall();
    (void)state;
    struct verdict verdict = play(&scene, 200);
    assert_verdict(verdict, OUTCOME_DOWN, "timeout");
    assert_int_equal(scene.server.n_requests, 3);
    assert_in_range(verdict.time.ms, start.ms, start.ms + 60);
}

static void closed_port_is_refused(void **state)
{
    struct udp_server server = {0};
    struct scene scene = {.config = {.query = "a", .record = CHECK_RECORD_A}};
    (void)state;
    uv_loop_init(&scene.loop);
    udp_server_open(&scene.loop, &server);
    struct target target = loopback_target(server.port);
    udp_server_close(&server);
    uv_run(&scene.loop, UV_RUN_NOWAIT);
    struct mono start = clock_mono();
    struct verdict verdict = ask(&scene.loop, &check_type_dns, &scene.config, &target, 2000);
    finish_loop(&scene.loop);
    assert_verdict(verdict, OUTCOME_DOWN, "connection-refused");
    assert_true(mono_elapsed_ms(start, clock_mono()) < 1000); /* no need to wait for it */
}

/* --- over TCP --- */

/* Truncated by datagram; what the TCP side says is made from the question. */
struct tcp_scene {
    struct scene scene;
    struct tcp_server tcp;
    uint8_t says[2 + sizeof(struct dns_build)];
};

static bool heard_question(void *context)
{
    return ((const struct tcp_scene *)context)->tcp.heard_size > 2;
}

static void on_done(void *context, const struct verdict *verdict)
{
    struct answer *told = context;
    told->n++;
    told->verdict = *verdict;
}

static bool is_told(void *context)
{
    return ((const struct answer *)context)->n > 0;
}

/* A server of both kinds on one port, which takes a port that is free of both. */
static void open_both(struct tcp_scene *both)
{
    struct scene *scene = &both->scene;
    uv_loop_init(&scene->loop);
    scene->config.query = "www.example.org";
    scene->config.record = CHECK_RECORD_A;
    scene->server.context = scene;
    scene->server.on_request = answer;
    scene->fill = fill_nothing;
    scene->flags = 0x0200;
    both->tcp.is_answering = true;
    tcp_server_open(&scene->loop, &both->tcp);
    udp_server_open_at(&scene->loop, &scene->server, both->tcp.port);
}

static struct verdict play_tcp(struct tcp_scene *both, void (*make)(struct tcp_scene *both),
                               int64_t timeout_ms)
{
    struct scene *scene = &both->scene;
    struct answer told = {0};
    open_both(both);
    struct target target = loopback_target(scene->server.port);
    void *prepared = check_type_dns.prepare(&scene->config);
    const struct probe_order order = {.loop = &scene->loop,
                                      .config = &scene->config,
                                      .prepared = prepared,
                                      .target = &target,
                                      .timeout_ms = timeout_ms,
                                      .done = on_done,
                                      .context = &told};
    assert_non_null(check_type_dns.start(NULL, &order));
    assert_true(run_until(&scene->loop, heard_question, both, 2000));
    if (make != NULL) {
        make(both);
    }
    assert_true(run_until(&scene->loop, is_told, &told, timeout_ms + 2000));
    check_type_dns.release(prepared);
    udp_server_close(&scene->server);
    tcp_server_close(&both->tcp);
    finish_loop(&scene->loop);
    assert_int_equal(both->tcp.n_connections, 1);
    return told.verdict;
}

static void say_over_tcp(struct tcp_scene *both, const struct dns_build *build, size_t size)
{
    uint8_t length[2] = {(uint8_t)(build->size >> 8), (uint8_t)build->size};
    memcpy(both->says, length, 2);
    memcpy(both->says + 2, build->bytes, build->size);
    tcp_server_say(&both->tcp, both->says, size);
}

static void make_many(struct tcp_scene *both)
{
    struct dns_build *build = &both->scene.build;
    dns_build_reply(build, (const uint8_t *)both->tcp.heard + 2, both->tcp.heard_size - 2, 0);
    for (int i = 0; i < 200; i++) {
        fill_address(build);
    }
    say_over_tcp(both, build, 2 + build->size);
}

static void make_part(struct tcp_scene *both)
{
    struct dns_build *build = &both->scene.build;
    dns_build_reply(build, (const uint8_t *)both->tcp.heard + 2, both->tcp.heard_size - 2, 0);
    fill_address(build);
    say_over_tcp(both, build, build->size);
}

static void make_forgery(struct tcp_scene *both)
{
    struct dns_build *build = &both->scene.build;
    both->tcp.heard[2] ^= 1;
    dns_build_reply(build, (const uint8_t *)both->tcp.heard + 2, both->tcp.heard_size - 2, 0);
    fill_address(build);
    say_over_tcp(both, build, 2 + build->size);
}

static void make_truncated(struct tcp_scene *both)
{
    struct dns_build *build = &both->scene.build;
    dns_build_reply(build, (const uint8_t *)both->tcp.heard + 2, both->tcp.heard_size - 2, 0x200);
    say_over_tcp(both, build, 2 + build->size);
}

static void truncated_answer_is_asked_for_over_tcp(void **state)
{
    struct tcp_scene many = {0};
    struct tcp_scene part = {0};
    struct tcp_scene forgery = {0};
    struct tcp_scene truncated = {0};
    struct tcp_scene hung = {0};
    (void)state;
    struct verdict verdict = play_tcp(&many, make_many, 2000);
    assert_verdict(verdict, OUTCOME_UP, "");
    assert_true(verdict.values[1] == 200);
    assert_int_equal(verdict.known, 0xf);
    assert_int_equal(many.scene.server.n_requests, 1);
    verdict = play_tcp(&part, make_part, 150);
    assert_verdict(verdict, OUTCOME_DOWN, "timeout");
    assert_verdict(play_tcp(&forgery, make_forgery, 2000), OUTCOME_DOWN, "protocol");
    assert_verdict(play_tcp(&truncated, make_truncated, 2000), OUTCOME_DOWN, "protocol");
    assert_verdict(play_tcp(&hung, NULL, 150), OUTCOME_DOWN, "timeout");
}

static void truncated_without_tcp_is_down(void **state)
{
    struct scene scene = {.fill = fill_nothing, .flags = 0x0200};
    (void)state;
    assert_verdict(play(&scene, 2000), OUTCOME_DOWN, "connection-refused");
}

static void cancel_calls_nobody(void **state)
{
    struct scene silent = {.ignored = 4};
    (void)state;
    open_scene(&silent);
    struct target target = loopback_target(silent.server.port);
    ask_and_cancel(&silent.loop, &check_type_dns, &silent.config, &target);
    udp_server_close(&silent.server);
    finish_loop(&silent.loop);
    /* In the middle of the way over TCP. */
    struct tcp_scene both = {0};
    open_both(&both);
    target = loopback_target(both.tcp.port);
    ask_and_cancel(&both.scene.loop, &check_type_dns, &both.scene.config, &target);
    assert_int_equal(both.tcp.n_connections, 1);
    udp_server_close(&both.scene.server);
    tcp_server_close(&both.tcp);
    finish_loop(&both.scene.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_answer_is_up),
        cmocka_unit_test(lacking_answer_is_wrong),
        cmocka_unit_test(answers_may_be_written_otherwise),
        cmocka_unit_test(text_has_its_case),
        cmocka_unit_test(response_codes_are_told),
        cmocka_unit_test(broken_answers_are_named),
        cmocka_unit_test(forged_answers_are_ignored),
        cmocka_unit_test(garbage_alone_times_out),
        cmocka_unit_test(lost_question_is_asked_again),
        cmocka_unit_test(silence_times_out),
        cmocka_unit_test(closed_port_is_refused),
        cmocka_unit_test(truncated_answer_is_asked_for_over_tcp),
        cmocka_unit_test(truncated_without_tcp_is_down),
        cmocka_unit_test(cancel_calls_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
