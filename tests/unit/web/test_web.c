/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The server as a browser, a script and somebody hostile see it. */
#include "client.h"
#include "prometheus.h"
#include "server.h"

#include "common/xalloc.h"

#include <curl/curl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HTML "text/html; charset=utf-8"
#define JSON "application/json; charset=utf-8"
#define ETH0 "device=sw-1&kind=interface&name=eth0"

static const struct {
    const char *path;
    const char *type;
} good[] = {
    {"/", HTML},
    {"/?lang=fr", HTML},
    {"/device?device=sw-1", HTML},
    {"/device?device=%3Cb%3E%22%26%27&lang=fr", HTML},
    {"/object?" ETH0, HTML},
    {"/object?" ETH0 "&range=7d&lang=fr", HTML},
    {"/object?device=%3Cb%3E%22%26%27&kind=radio&name=x%2Fy%3Fz%3D1%26%22%3E%3Cscript%3Ealert%281%"
     "29"
     "%3C%2Fscript%3E",
     HTML},
    {"/sla", HTML},
    {"/sla?period=2026-Q1&lang=fr", HTML},
    {"/sla?period=2026-01-14T00:00/2026-01-15T00:00", HTML},
    {"/style.css", "text/css; charset=utf-8"},
    {"/live.js", "text/javascript; charset=utf-8"},
    {"/icon.svg", "image/svg+xml"},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8"},
    {"/api/v1/status", JSON},
    {"/api/v1/objects", JSON},
    {"/api/v1/objects?device=sw-1&kind=interface&latest=1", JSON},
    {"/api/v1/object?" ETH0, JSON},
    {"/api/v1/series?" ETH0 "&from=-10m&to=now&rows=100", JSON},
    {"/api/v1/runs?from=-1d", JSON},
    {"/api/v1/sla?period=today&service=network", JSON},
    {"/api/v1/top", JSON},
    {"/api/v1/top?device=sw-1&interface=eth0&list=services&from=-2d&to=now&n=1000", JSON},
};

static void check_answer(const char *path, const struct answer *answer, const char *type)
{
    assert_string_equal(answer->type, type);
    assert_non_null(strstr(answer->policy, "default-src 'none'"));
    assert_string_equal(answer->sniff, "nosniff");
    assert_int_equal((size_t)answer->length, answer->size);
    if (strcmp(type, HTML) == 0) {
        html_must_be_well_formed(answer->body);
        assert_null(strstr(answer->body, "<script>"));
    }
    if (strcmp(type, JSON) == 0) {
        json_t *json = json_loads(answer->body, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(json)) {
            fail_msg("%s: no JSON object: %.200s", path, answer->body);
        }
        json_decref(json);
    }
}

static void every_route_answers(void **state)
{
    const struct served *served = *state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct answer answer = client_get(served->port, good[i].path, 200);
        check_answer(good[i].path, &answer, good[i].type);
        answer_clear(&answer);
    }
}

static void head_is_get_without_the_body(void **state)
{
    const struct served *served = *state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct request request = {.port = served->port, .path = good[i].path, .method = "HEAD"};
        struct answer answer = client_ask(&request);
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.type, good[i].type);
        assert_int_equal(answer.size, 0);
        assert_true(answer.length > 0);
        answer_clear(&answer);
    }
}

static void wrong_requests_are_told_why(void **state)
{
    static const struct {
        const char *path;
        long status;
        const char *type;
        const char *says;
    } bad[] = {
        {"/nowhere", 404, HTML, "/nowhere"},
        {"/%3Cscript%3E", 404, HTML, "&lt;script&gt;"},
        {"/%FF%FE", 404, HTML, "\xEF\xBF\xBD"},
        {"/../../etc/passwd", 404, HTML, "passwd"},
        {"/api/v1/nowhere", 404, JSON, "/api/v1/nowhere"},
        {"/api/v1/%FF", 404, JSON, "\xEF\xBF\xBD"},
        {"/device", 400, HTML, "device is missing"},
        {"/device?device=", 400, HTML, "device is missing"},
        {"/device?device=nobody", 404, HTML, "no device nobody"},
        {"/device?device=%22%3E%3Cscript%3E", 404, HTML, "&quot;&gt;&lt;script&gt;"},
        {"/device?device=sw-1%00", 400, HTML, "device is not text"},
        {"/device?device=%FF", 400, HTML, "device is not text"},
        {"/device?device=%ED%A0%80", 400, HTML, "device is not text"},
        {"/device?device=a%1B%5B31m", 400, HTML, "device is not text"},
        {"/device?%FF=1&device=sw-1", 400, HTML, "name is not text"},
        {"/object?device=sw-1&kind=interface", 400, HTML, "name is missing"},
        {"/object?device=sw-1&kind=interface&name=../../x", 404, HTML, "no object"},
        {"/sla?period=someday", 400, HTML, "period"},
        {"/api/v1/objects?latest=2", 400, JSON, "latest must be a number from 0 to 1"},
        {"/api/v1/objects?device=%FF&latest=1", 400, JSON, "device is not text"},
        {"/api/v1/object?device=sw-1", 400, JSON, "kind is missing"},
        {"/api/v1/object?device=sw-1&kind=interface&name=eth9", 404, JSON, "eth9"},
        {"/api/v1/series?device=..&kind=..&name=..%2Fledger", 404, JSON, "no values"},
        {"/api/v1/runs?from=now&to=-1h", 400, JSON, "from must be before to"},
        {"/api/v1/sla?period=2026-13", 400, JSON, "period"},
        {"/api/v1/sla?service=mail", 404, JSON, "mail"},
        {"/api/v1/top?list=ports", 400, JSON, "list must be hosts, prefixes or services"},
        {"/api/v1/top?n=0", 400, JSON, "n must be a number from 1 to 1000"},
        {"/api/v1/top?from=now&to=-1h", 400, JSON, "from must be before to"},
        {"/api/v1/top?from=1h", 400, JSON, "from must be a time"},
        {"/graph.png", 400, JSON, "device is missing"},
        {"/graph.png?" ETH0 "&width=99", 400, JSON, "width must be a number from 100 to 4000"},
        {"/graph.png?" ETH0 "&height=2001", 400, JSON, "height"},
        {"/graph.png?" ETH0 "&from=now&to=-1h", 400, JSON, "from must be before to"},
    };
    const struct served *served = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct answer answer = client_get(served->port, bad[i].path, bad[i].status);
        check_answer(bad[i].path, &answer, bad[i].type);
        if (strstr(answer.body, bad[i].says) == NULL) {
            fail_msg("%s: \"%s\" is not in %s", bad[i].path, bad[i].says, answer.body);
        }
        answer_clear(&answer);
    }
}

static void times_and_numbers_are_read(void **state)
{
    static const struct {
        const char *parameters;
        long status;
    } cases[] = {
        {"from=-90s", 200},
        {"from=-30m", 200},
        {"from=-6h", 200},
        {"from=-2d&to=now", 200},
        {"from=2026-01-15T11:00:00Z&to=2026-01-15T12:00:00%2B00:00", 200},
        {"from=", 200},
        {"from=-0s&to=-0s", 400},
        {"from=tomorrow", 400},
        {"from=-1w", 400},
        {"from=-1hx", 400},
        {"from=-", 400},
        {"from=--1s", 400},
        {"from=-1.5h", 400},
        {"from=- 1h", 400},
        {"from=-99999999999999999999s", 400},
        {"from=-9999999999s", 400},
        {"from=2026-01-15", 400},
        {"from=2026-02-30T00:00:00Z", 400},
        {"rows=1", 200},
        {"rows=5000", 200},
        {"rows=0", 400},
        {"rows=5001", 400},
        {"rows=-1", 400},
        {"rows=1e3", 400},
        {"rows=10x", 400},
        {"rows=99999999999999999999", 400},
        {"from=-1h&from=tomorrow", 200}, /* the first counts */
    };
    const struct served *served = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = xasprintf("/api/v1/series?" ETH0 "&%s", cases[i].parameters);
        for (char *c = strchr(path, ' '); c != NULL; c = strchr(path, ' ')) {
            *c = '+';
        }
        struct answer answer = client_get(served->port, path, cases[i].status);
        answer_clear(&answer);
        free(path);
    }
}

static void other_methods_are_refused(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"};
    const struct served *served = *state;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct request request = {.port = served->port,
                                  .path = "/",
                                  .method = methods[i],
                                  .post = i < 2 ? "device=sw-1" : NULL,
                                  .post_size = 11};
        struct answer answer = client_ask(&request);
        assert_int_equal(answer.status, 405);
        assert_string_equal(answer.allow, "GET, HEAD");
        check_answer("/", &answer, JSON);
        answer_clear(&answer);
    }
    /* A body that nobody wants is not read to its end. */
    enum { BIG = 8 * 1024 * 1024 };
    char *body = xcalloc(1, BIG);
    struct request request = {
        .port = served->port, .path = "/", .method = "POST", .post = body, .post_size = BIG};
    struct answer answer = client_ask(&request);
    assert_true(answer.status == 0 || answer.status == 405);
    answer_clear(&answer);
    free(body);
    answer = client_get(served->port, "/", 200);
    answer_clear(&answer);
}

static void long_addresses_are_refused(void **state)
{
    const struct served *served = *state;
    enum { LONG = 60000 };
    char *path = xmalloc(LONG + 1);
    memset(path, 'a', LONG);
    memcpy(path, "/device?device=", 15);
    path[LONG] = '\0';
    struct answer answer = client_ask(&(struct request){.port = served->port, .path = path});
    assert_true(answer.status == 414 || answer.status == 431 || answer.status == 0);
    answer_clear(&answer);
    path[15 + 1025] = '\0'; /* one byte more than a parameter may have */
    answer = client_get(served->port, path, 400);
    answer_clear(&answer);
    path[15 + 1024] = '\0';
    answer = client_get(served->port, path, 404);
    answer_clear(&answer);
    free(path);
}

/* --- words --- */

static void pages_speak_the_language_asked_for(void **state)
{
    static const struct {
        const char *path;
        const char *accept;
        const char *code;
    } cases[] = {
        {"/", NULL, "en"},         {"/", "fr-FR,en;q=0.5", "fr"}, {"/?lang=en", "fr", "en"},
        {"/?lang=fr", NULL, "fr"}, {"/?lang=tlh", "fr", "fr"},    {"/?lang=tlh", NULL, "en"},
        {"/?lang=", "fr", "fr"},
    };
    const struct served *served = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct request request = {
            .port = served->port, .path = cases[i].path, .language = cases[i].accept};
        struct answer answer = client_ask(&request);
        char want[32];
        (void)snprintf(want, sizeof want, "<html lang=\"%s\">", cases[i].code);
        assert_non_null(strstr(answer.body, want));
        answer_clear(&answer);
    }
}

static void must_have(const char *body, const char *text)
{
    if (strstr(body, text) == NULL) {
        fail_msg("\"%s\" is not in\n%s", text, body);
    }
}

static void pages_say_what_is_wrong_first(void **state)
{
    const struct served *served = *state;
    struct answer answer = client_get(served->port, "/", 200);
    must_have(answer.body, "<title>2 problems · Beffroi</title>");
    must_have(answer.body, "<h1 class=\"state-down\">2 problems</h1>");
    must_have(answer.body, "Agent <strong>agent-c</strong>: <span class=\"state state-never\">");
    must_have(answer.body, "Agent <strong>agent-b</strong>: <span class=\"state state-silent\">");
    must_have(answer.body, "Ville &amp; Co");
    must_have(answer.body, "<td class=\"detail\">no &lt;answer&gt; in 2 s</td>");
    /* In the contract's zone, with its offset; the machine's is in the attribute. */
    must_have(answer.body, "datetime=\"2026-01-15T11:50:00Z\">2026-01-15 12:50:00 +01:00<");
    must_have(answer.body, "<span class=\"when\">10 min</span>");
    answer_clear(&answer);
    answer = client_get(served->port, "/device?device=sw-1&lang=fr", 200);
    must_have(answer.body, "8"
                           "\xE2\x80\xAF"
                           "kbit/s");
    must_have(answer.body, "400"
                           "\xE2\x80\xAF"
                           "bit/s");
    must_have(answer.body, ">Trafic</th>");
    must_have(answer.body, "<td class=\"n\">active</td>");
    must_have(answer.body,
              ">Multidiffusion entrante</th>"); /* the lines that are there, and no more */
    assert_null(strstr(answer.body, "Monodiffusion"));
    must_have(answer.body, "href=\"/device?device=sw-1&amp;lang=en\"");
    answer_clear(&answer);
    answer = client_get(served->port, "/object?" ETH0, 200);
    must_have(answer.body, "<tr><th scope=\"row\">in_octets</th><td class=\"n\"><span "
                           "class=\"when\">8"
                           "\xE2\x80\xAF"
                           "kbit/s</span></td></tr>");
    must_have(answer.body, "<tr><th scope=\"row\">oper_status</th><td class=\"n\">up</td></tr>");
    must_have(answer.body, "graph=unit%3Apackets%2Fs&amp;");
    must_have(answer.body, "<dd>up &amp; &lt;down&gt;</dd>");
    answer_clear(&answer);
    answer = client_get(served->port, "/sla?period=today", 200);
    must_have(answer.body, "<strong>92.3077"
                           "\xE2\x80\xAF"
                           "%</strong>");
    must_have(answer.body, "<span class=\"when\">1 h</span>");
    must_have(answer.body, "web-1/http: timeout");
    must_have(answer.body, "<option value=\"today\" selected>today</option>");
    must_have(answer.body, "<option value=\"2025-Q4\">quarter 2025-Q4</option>");
    answer_clear(&answer);
}

/* Sensors differ in unit from object to object; neighbours have labels and nothing else. */
static void plain_kinds_have_tables(void **state)
{
    const struct served *served = *state;
    static const struct label lldp[] = {{"protocol", "lldp"}, {"sys_name", "sw-<2>"}};
    static const struct label cdp[] = {{"protocol", "cdp"}, {"platform", "phone"}};
    const struct object neighbours[] = {{.device = "sw-1",
                                         .kind = "neighbour",
                                         .name = "a",
                                         .interval_ms = 600000,
                                         .labels = lldp,
                                         .n_labels = 2},
                                        {.device = "sw-1",
                                         .kind = "neighbour",
                                         .name = "b",
                                         .interval_ms = 600000,
                                         .labels = cdp,
                                         .n_labels = 2}};
    put_object(served->bed, "agent-a", &neighbours[0], 0);
    put_object(served->bed, "agent-a", &neighbours[1], 0);
    struct answer answer = client_get(served->port, "/device?device=sw-1", 200);
    must_have(answer.body, "<h2>Neighbours</h2>");
    must_have(answer.body, "<th scope=\"col\">protocol</th><th scope=\"col\">sys_name</th>"
                           "<th scope=\"col\">platform</th></tr>");
    must_have(answer.body, "<td>lldp</td><td>sw-&lt;2&gt;</td><td></td></tr>");
    must_have(answer.body, "<td>cdp</td><td></td><td>phone</td></tr>");
    html_must_be_well_formed(answer.body);
    answer_clear(&answer);
    answer = client_get(served->port, "/object?device=sw-1&kind=neighbour&name=a", 200);
    must_have(answer.body, "<dd>sw-&lt;2&gt;</dd>");
    assert_null(strstr(answer.body, "<figure>"));
    assert_null(strstr(answer.body, "Newest values"));
    html_must_be_well_formed(answer.body);
    answer_clear(&answer);
}

static void pages_of_a_new_collector_are_empty(void **state)
{
    const struct served *served = *state;
    struct answer answer = client_get(served->port, "/", 200);
    must_have(answer.body, "No check has reported yet");
    must_have(answer.body, "Nothing yet.");
    html_must_be_well_formed(answer.body);
    answer_clear(&answer);
    answer = client_get(served->port, "/sla", 200);
    must_have(answer.body, "no contract");
    answer_clear(&answer);
    answer = client_get(served->port, "/api/v1/status", 200);
    answer_clear(&answer);
    answer = client_get(served->port, "/api/v1/sla", 404);
    answer_clear(&answer);
    answer = client_get(served->port, "/device?device=x", 404);
    answer_clear(&answer);
    answer = client_get(served->port, "/graph.png?" ETH0, 404);
    answer_clear(&answer);
}

static void metrics_are_good_prometheus(void **state)
{
    const struct served *served = *state;
    struct answer answer = client_get(served->port, "/metrics", 200);
    assert_true(prometheus_check(answer.body) >= 4);
    must_have(answer.body, "beffroi_part_answers{part=\"store\"} 0\n");
    must_have(answer.body, "beffroi_build_info{version=\"" BEFFROI_VERSION "\"} 1\n");
    answer_clear(&answer);
}

/* --- many at once --- */

static size_t ignore(char *from, size_t one, size_t count, void *context)
{
    (void)from; /* only that it came is of interest */
    (void)context;
    return one * count;
}

static void two_hundred_connections_at_once(void **state)
{
    enum { MANY = 200 };
    const struct served *served = *state;
    CURLM *multi = curl_multi_init();
    CURL *easy[MANY];
    int running = MANY;
    for (size_t i = 0; i < MANY; i++) {
        char *url = xasprintf("http://127.0.0.1:%u%s", (unsigned)served->port,
                              i % 20 == 0  ? "/"
                              : i % 2 == 0 ? "/api/v1/objects"
                                           : "/style.css");
        easy[i] = curl_easy_init();
        (void)curl_easy_setopt(easy[i], CURLOPT_URL, url);
        (void)curl_easy_setopt(easy[i], CURLOPT_PROXY, "");
        (void)curl_easy_setopt(easy[i], CURLOPT_FORBID_REUSE, 1L);
        (void)curl_easy_setopt(easy[i], CURLOPT_FRESH_CONNECT, 1L);
        (void)curl_easy_setopt(easy[i], CURLOPT_TIMEOUT, 30L);
        (void)curl_easy_setopt(easy[i], CURLOPT_WRITEFUNCTION, ignore);
        assert_int_equal(curl_multi_add_handle(multi, easy[i]), CURLM_OK);
        free(url);
    }
    while (running > 0) {
        assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
        assert_int_equal(curl_multi_poll(multi, NULL, 0, 100, NULL), CURLM_OK);
    }
    for (size_t i = 0; i < MANY; i++) {
        long status = 0;
        (void)curl_easy_getinfo(easy[i], CURLINFO_RESPONSE_CODE, &status);
        assert_int_equal(status, 200);
        assert_int_equal(curl_multi_remove_handle(multi, easy[i]), CURLM_OK);
        curl_easy_cleanup(easy[i]);
    }
    assert_int_equal(curl_multi_cleanup(multi), CURLM_OK);
}

/* --- starting --- */

static void a_taken_port_is_an_error(void **state)
{
    struct served *served = *state;
    struct web *other = NULL;
    char reason[256] = "";
    struct web_options options = served->options;
    options.port = served->port;
    assert_true(web_open(&other, &options, reason, sizeof reason) < 0);
    must_have(reason, "cannot listen");
    options.address = "localhost";
    assert_true(web_open(&other, &options, reason, sizeof reason) < 0);
    must_have(reason, "numeric");
    options.address = "127.0.0.1";
    options.contract_path = "/nowhere/contract.yaml";
    assert_true(web_open(&other, &options, reason, sizeof reason) < 0);
    must_have(reason, "contract.yaml");
    web_close(NULL);
}

static void a_metered_interface_names_its_talkers(void **state)
{
    const struct served *served = *state;
    static const struct talker_item hosts[] = {{"<b>192.0.2.7", 5000000, 60, 1500000}};
    static const struct talker_item services[] = {{"tcp/443 https", 2500, 10, 0}};
    struct object traffic = make_traffic("sw-1", "eth0");
    put_object(served->bed, "agent-a", &traffic, NOW_MS);
    put_talkers(served->bed, "sw-1", "eth0", TALKERS_HOSTS, NOW_MS, 0, hosts, 1);
    put_talkers(served->bed, "sw-1", "eth0", TALKERS_SERVICES, NOW_MS - 2 * HOUR_MS, 0, services,
                1);
    struct answer answer =
        client_get(served->port, "/object?device=sw-1&kind=traffic&name=eth0&lang=en", 200);
    check_answer("page", &answer, HTML);
    assert_non_null(strstr(answer.body, "<h2>Heaviest talkers</h2>"));
    assert_non_null(strstr(answer.body, "<th scope=\"row\">&lt;b&gt;192.0.2.7</th>"));
    assert_non_null(strstr(answer.body, "4.77\u202FMiB"));
    assert_non_null(strstr(answer.body, "1.43\u202FMiB"));
    assert_non_null(strstr(answer.body, "667\u202Fkbit/s"));
    assert_null(strstr(answer.body, "tcp/443")); /* two hours ago */
    assert_non_null(strstr(answer.body, "No report in this range."));
    answer_clear(&answer);
    answer = client_get(served->port, "/object?device=sw-1&kind=traffic&name=eth0&range=6h&lang=fr",
                        200);
    check_answer("page", &answer, HTML);
    assert_non_null(strstr(answer.body, "<h2>Plus gros volumes</h2>"));
    assert_non_null(strstr(answer.body, "tcp/443 https"));
    assert_non_null(strstr(answer.body, "25,0\u202F%"));
    assert_non_null(strstr(answer.body, "Aucun relevé sur cette période."));
    answer_clear(&answer);
    answer = client_get(served->port, "/object?" ETH0 "&lang=en", 200);
    assert_null(strstr(answer.body, "Heaviest talkers")); /* of an interface that SNMP counts */
    answer_clear(&answer);
    answer = client_get(served->port, "/api/v1/top?device=sw-1&interface=eth0", 200);
    json_t *json = json_loads(answer.body, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_integer_value(json_object_get(json, "reports")), 1);
    json_decref(json);
    answer_clear(&answer);
}

int main(int argc, char **argv)
{
    draw_if_asked(argc, argv);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_metered_interface_names_its_talkers, open_served,
                                        close_served),
        cmocka_unit_test_setup_teardown(every_route_answers, open_served, close_served),
        cmocka_unit_test_setup_teardown(head_is_get_without_the_body, open_served, close_served),
        cmocka_unit_test_setup_teardown(wrong_requests_are_told_why, open_served, close_served),
        cmocka_unit_test_setup_teardown(times_and_numbers_are_read, open_served, close_served),
        cmocka_unit_test_setup_teardown(other_methods_are_refused, open_served, close_served),
        cmocka_unit_test_setup_teardown(long_addresses_are_refused, open_served, close_served),
        cmocka_unit_test_setup_teardown(pages_speak_the_language_asked_for, open_served,
                                        close_served),
        cmocka_unit_test_setup_teardown(pages_say_what_is_wrong_first, open_served, close_served),
        cmocka_unit_test_setup_teardown(plain_kinds_have_tables, open_served, close_served),
        cmocka_unit_test_setup_teardown(pages_of_a_new_collector_are_empty, open_bare,
                                        close_served),
        cmocka_unit_test_setup_teardown(metrics_are_good_prometheus, open_served, close_served),
        cmocka_unit_test_setup_teardown(two_hundred_connections_at_once, open_served, close_served),
        cmocka_unit_test_setup_teardown(a_taken_port_is_an_error, open_served, close_served),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
