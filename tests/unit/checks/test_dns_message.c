/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DNS answers as they are shown, and those that are none. */
#include "dns_message.h"

#include "checks/config.h"
#include "dns_build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct shown {
    size_t n;
    char text[4096]; /* one record a line */
};

static void on_record(void *context, const char *text)
{
    struct shown *shown = context;
    size_t used = strlen(shown->text);
    shown->n++;
    snprintf(shown->text + used, sizeof shown->text - used, "%s\n", text);
}

static struct dns_query ask_for(const char *name, int record)
{
    struct dns_query query;
    assert_int_equal(dns_query_make(name, record, &query), 0);
    return query;
}

static int read_built(const struct dns_build *build, const struct dns_query *query,
                      struct shown *shown, struct dns_answer *answer)
{
    const char *fault;
    *shown = (struct shown){0};
    int rc = dns_read_answer(build->bytes, build->size, query, on_record, shown, answer, &fault);
    assert_int_equal(rc == 0, fault[0] == '\0');
    return rc;
}

static void query_is_what_goes_out(void **state)
{
    struct dns_query query = ask_for("www.Example.org.", CHECK_RECORD_MX);
    static const uint8_t question[] = "\3www\7Example\3org\0\0\17\0\1";
    (void)state;
    dns_query_set_id(&query, 0xbeef);
    assert_memory_equal(query.bytes, "\xbe\xef\1\0\0\1\0\0\0\0\0\1", 12); /* RD, one OPT */
    assert_memory_equal(query.bytes + 12, question, sizeof question - 1);
    assert_int_equal(query.question_end, 12 + sizeof question - 1);
    assert_int_equal(query.size, query.question_end + 11);
    assert_memory_equal(query.bytes + query.question_end, "\0\0\51\4\320", 5); /* 1232 bytes */
    assert_int_equal(ask_for(".", CHECK_RECORD_NS).question_end, 12 + 5);
    assert_int_equal(dns_query_make("a..b", 1, &query), -EINVAL);
    assert_int_equal(
        dns_query_make("a123456789012345678901234567890123456789012345678901234567890123.b", 1,
                       &query),
        -EINVAL);
}

static void records_look_as_dig_shows_them(void **state)
{
    static const uint8_t v4[] = {192, 0, 2, 7};
    static const uint8_t v6[] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    static const uint8_t strings[] = "\5a\"b\\c\0\3\x01\xff ";
    struct dns_build build;
    struct shown shown;
    struct dns_answer answer;
    (void)state;
    struct {
        int type;
        const void *data;
        size_t size;
        const char *name; /* behind the data */
        const char *text;
    } cases[] = {
        {CHECK_RECORD_A, v4, 4, NULL, "192.0.2.7\n"},
        {CHECK_RECORD_AAAA, v6, 16, NULL, "2001:db8::1\n"},
        {CHECK_RECORD_NS, NULL, 0, "ns.example", "ns.example.\n"},
        {CHECK_RECORD_PTR, NULL, 0, "", ".\n"},
        {CHECK_RECORD_CNAME, NULL, 0, "b.example", "b.example.\n"},
        {CHECK_RECORD_MX, "\0\12", 2, "mail.example", "10 mail.example.\n"},
        {CHECK_RECORD_SRV, "\0\1\0\2\1\273", 6, "s.example", "1 2 443 s.example.\n"},
        {CHECK_RECORD_TXT, strings, sizeof strings - 1, NULL,
         "\"a\\\"b\\\\c\" \"\" \"\\001\\255 \"\n"},
        {CHECK_RECORD_TXT, NULL, 0, NULL, "\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dns_query query = ask_for("a.example", cases[i].type);
        dns_build_reply(&build, query.bytes, query.size, 0);
        if (cases[i].name != NULL) {
            dns_build_named(&build, "", (unsigned)cases[i].type, 60, cases[i].data, cases[i].size,
                            cases[i].name);
        } else {
            dns_build_record(&build, "", (unsigned)cases[i].type, 60, cases[i].data, cases[i].size);
        }
        assert_int_equal(read_built(&build, &query, &shown, &answer), 0);
        assert_string_equal(shown.text, cases[i].text);
        assert_int_equal(answer.n_records, 1);
        assert_int_equal(answer.ttl_s, 60);
        assert_true(answer.has_ttl);
        /* Cut anywhere it is no answer, and nothing is read behind its end. */
        for (size_t size = query.question_end; size < build.size; size++) {
            struct dns_build cut = build;
            cut.size = size;
            memset(cut.bytes + size, 0xaa, sizeof cut.bytes - size);
            assert_int_equal(read_built(&cut, &query, &shown, &answer), -EBADMSG);
        }
    }
}

static void soa_is_one_line(void **state)
{
    struct dns_query query = ask_for("example", CHECK_RECORD_SOA);
    struct dns_build build;
    struct shown shown;
    struct dns_answer answer;
    uint8_t data[64];
    (void)state;
    size_t size = dns_build_name(data, "ns.example");
    size += dns_build_name(data + size, "root.example");
    memcpy(data + size, "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\377\377\377\377", 20);
    dns_build_reply(&build, query.bytes, query.size, 0);
    dns_build_record(&build, "", CHECK_RECORD_SOA, 60, data, size + 20);
    assert_int_equal(read_built(&build, &query, &shown, &answer), 0);
    assert_string_equal(shown.text, "ns.example. root.example. 1 2 3 4 4294967295\n");
    dns_build_reply(&build, query.bytes, query.size, 0);
    dns_build_record(&build, "", CHECK_RECORD_SOA, 60, data, size + 19);
    assert_int_equal(read_built(&build, &query, &shown, &answer), -EBADMSG);
}

static void aliases_are_followed(void **state)
{
    struct dns_query query = ask_for("WWW.example", CHECK_RECORD_A);
    struct dns_build build;
    struct shown shown;
    struct dns_answer answer;
    (void)state;
    dns_build_reply(&build, query.bytes, query.size, 0);
    /* In any order; what does not belong to the chain does not count. */
    dns_build_record(&build, "c.example", CHECK_RECORD_A, 30, "\1\2\3\4", 4);
    dns_build_named(&build, "b.Example", CHECK_RECORD_CNAME, 20, NULL, 0, "c.example");
    dns_build_record(&build, "other.example", CHECK_RECORD_A, 1, "\5\6\7\10", 4);
    dns_build_named(&build, "www.example", CHECK_RECORD_CNAME, 3000000000, NULL, 0, "b.example");
    dns_build_record(&build, "c.example", CHECK_RECORD_AAAA, 5, "0123456789abcdef", 16);
    assert_int_equal(read_built(&build, &query, &shown, &answer), 0);
    assert_string_equal(shown.text, "b.example.\nc.example.\n1.2.3.4\n");
    assert_int_equal(answer.n_records, 1);
    assert_int_equal(answer.ttl_s, 0); /* with its highest bit it is none */
    /* One that leads out of the message is told, and is no record. */
    dns_build_reply(&build, query.bytes, query.size, 0);
    dns_build_named(&build, "", CHECK_RECORD_CNAME, 20, NULL, 0, "elsewhere.test");
    assert_int_equal(read_built(&build, &query, &shown, &answer), 0);
    assert_int_equal(answer.n_records, 0);
    assert_string_equal(shown.text, "elsewhere.test.\n");
}

static void alias_loops_end(void **state)
{
    struct dns_query query = ask_for("a.example", CHECK_RECORD_A);
    struct dns_build build;
    struct shown shown;
    struct dns_answer answer;
    char owner[16];
    char target[16];
    (void)state;
    dns_build_reply(&build, query.bytes, query.size, 0);
    dns_build_named(&build, "", CHECK_RECORD_CNAME, 20, NULL, 0, "a.example");
    assert_int_equal(read_built(&build, &query, &shown, &answer), -ELOOP);
    dns_build_reply(&build, query.bytes, query.size, 0);
    dns_build_named(&build, "", CHECK_RECORD_CNAME, 20, NULL, 0, "b.example");
    dns_build_named(&build, "b.example", CHECK_RECORD_CNAME, 20, NULL, 0, "a.example");
    assert_int_equal(read_built(&build, &query, &shown, &answer), -ELOOP);
    assert_true(shown.n < 40);
    for (int n = 16; n <= 17; n++) { /* long, but with an end; too long */
        dns_build_reply(&build, query.bytes, query.size, 0);
        for (int i = 0; i < n; i++) {
            snprintf(owner, sizeof owner, "c%d", i);
            snprintf(target, sizeof target, "c%d", i + 1);
            dns_build_named(&build, i == 0 ? "" : owner, CHECK_RECORD_CNAME, 20, NULL, 0, target);
        }
        dns_build_record(&build, target, CHECK_RECORD_A, 20, "\1\2\3\4", 4);
        assert_int_equal(read_built(&build, &query, &shown, &answer), n == 16 ? 0 : -ELOOP);
    }
}

static void names_without_end_are_refused(void **state)
{
    struct dns_query query = ask_for("a.example", CHECK_RECORD_CNAME);
    struct dns_build build;
    struct shown shown;
    struct dns_answer answer;
    (void)state;
    uint8_t at = (uint8_t)(query.question_end + 12); /* where the first record's data begins */
    const struct {
        uint8_t data[4];
        size_t size;
    } cases[] = {
        {{0xc0, at}, 2},                          /* to itself */
        {{0xc0, (uint8_t)(at + 2), 0xc0, at}, 4}, /* to one another */
        {{1, 'a', 0xc0, at}, 4},                  /* to before itself, and so on: over 255 bytes */
        {{0xff, 0xff}, 2},                        /* out of the message */
        {{0x40, 0}, 2},                           /* a length that is none */
        {{63, 'a'}, 2},                           /* beyond the end */
        {{0, 0}, 2},                              /* shorter than its data */
        {{0xc0}, 1},                              /* half a pointer */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dns_build_reply(&build, query.bytes, query.size, 0);
        dns_build_record(&build, "", CHECK_RECORD_CNAME, 20, cases[i].data, cases[i].size);
        assert_int_equal(read_built(&build, &query, &shown, &answer), -EBADMSG);
        assert_int_equal(shown.n, 0);
    }
    dns_build_reply(&build, query.bytes, query.size, 0);
    build.bytes[6] = 2; /* 512 records, and one more, that are not there */
    assert_int_equal(read_built(&build, &query, &shown, &answer), -EBADMSG);
    build.bytes[7] = 1;
    assert_int_equal(read_built(&build, &query, &shown, &answer), -EBADMSG);
}

static void only_the_answer_is_the_answer(void **state)
{
    struct dns_query query = ask_for("a.example", CHECK_RECORD_A);
    struct dns_query other = ask_for("b.example", CHECK_RECORD_A);
    struct dns_query type = ask_for("a.example", CHECK_RECORD_MX);
    struct dns_query big = ask_for("A.EXAMPLE", CHECK_RECORD_A);
    struct dns_build build;
    (void)state;
    dns_build_reply(&build, query.bytes, query.size, 0);
    assert_true(dns_is_answer(build.bytes, build.size, &query, 0));
    assert_true(dns_is_answer(build.bytes, build.size, &big, 0));
    assert_false(dns_is_answer(build.bytes, build.size, &query, 1));
    assert_false(dns_is_answer(build.bytes, build.size, &other, 0));
    assert_false(dns_is_answer(build.bytes, build.size, &type, 0));
    assert_false(dns_is_answer(build.bytes, build.size - 1, &query, 0));
    assert_false(dns_is_answer(build.bytes, 11, &query, 0));
    assert_false(dns_is_answer(query.bytes, query.size, &query, 0)); /* our own, sent back */
    build.bytes[2] |= 0x08;                                          /* another operation */
    assert_false(dns_is_answer(build.bytes, build.size, &query, 0));
    /* A server that could not read the question does not repeat it. */
    dns_build_reply(&build, query.bytes, query.size, 1);
    build.bytes[5] = 0;
    assert_true(dns_is_answer(build.bytes, 12, &query, 0));
    build.bytes[3] = 0;
    assert_false(dns_is_answer(build.bytes, 12, &query, 0));
}

static void codes_have_names(void **state)
{
    char text[DNS_RCODE_TEXT_SIZE];
    (void)state;
    assert_string_equal(dns_rcode_name(0, text), "NOERROR");
    assert_string_equal(dns_rcode_name(3, text), "NXDOMAIN");
    assert_string_equal(dns_rcode_name(5, text), "REFUSED");
    assert_string_equal(dns_rcode_name(9, text), "RCODE9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_is_what_goes_out),
        cmocka_unit_test(records_look_as_dig_shows_them),
        cmocka_unit_test(soa_is_one_line),
        cmocka_unit_test(aliases_are_followed),
        cmocka_unit_test(alias_loops_end),
        cmocka_unit_test(names_without_end_are_refused),
        cmocka_unit_test(only_the_answer_is_the_answer),
        cmocka_unit_test(codes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
