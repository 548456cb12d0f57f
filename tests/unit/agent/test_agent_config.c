/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The agent's configuration: what the whole file is checked for, and that its normal form says the
 * same. Values of single keys are the business of the parts and of common/config. */
#include "checks/checks.h"
#include "config.h"
#include "options.h"
#include "snmp/snmp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 65536);
    size_t size = fread(text, 1, 65535, file);
    assert_true(size > 0);
    fclose(file);
    return text;
}

/* What -n says, without the folder. */
static char *errors_of(const char *name)
{
    char path[512];
    struct agent_config config;
    struct config_errors errors = {0};
    char *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", TEST_DATA_DIR, name);
    assert_int_equal(agent_config_load(path, &config, &errors), -EINVAL);
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; i < errors.count; i++) {
        errors.errors[i].file[0] = '\0';
    }
    config_errors_print(out, &errors);
    fclose(out);
    config_errors_clear(&errors);
    return text;
}

static void assert_golden(const char *config, const char *golden)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", TEST_DATA_DIR, golden);
    char *got = errors_of(config);
    if (getenv("GOLDEN_WRITE") != NULL) { /* look at the difference before you commit it */
        FILE *file = fopen(path, "w");
        fputs(got, file);
        fclose(file);
    }
    char *wanted = read_text(path);
    assert_string_equal(got, wanted);
    free(wanted);
    free(got);
}

static void every_error_is_told_with_its_line(void **state)
{
    (void)state;
    assert_golden("faulty.yaml", "faulty.errors");
}

static void clashes_of_names_are_told(void **state)
{
    (void)state;
    assert_golden("clashing.yaml", "clashing.errors");
}

static void load(const char *path, struct agent_config *config)
{
    struct config_errors errors = {0};
    if (agent_config_load(path, config, &errors) != 0) {
        config_errors_print(stderr, &errors);
        fail();
    }
}

static char *print(const struct agent_config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    config_print(out, &agent_config_schema, config);
    fclose(out);
    return text;
}

static void normal_form_says_the_same(void **state)
{
    struct agent_config config;
    char path[] = "/tmp/beffroi-config-XXXXXX";
    (void)state;
    load(TEST_DATA_DIR "/good.yaml", &config);
    assert_string_equal(config.data, TEST_DATA_DIR "/data/agent");
    assert_string_equal(config.keys, "/etc/beffroi/web-1.keys");
    assert_int_equal(config.checks.count, 3);
    assert_int_equal(config.statements.repeat_ms, 30000);
    assert_false(config.host.enabled);
    assert_true(config.capture.present);
    assert_int_equal(config.log.level, LOG_LEVEL_DEBUG);
    assert_true(agent_config_needs_net_raw(&config));
    char *first = print(&config);
    agent_config_free(&config);
    int fd = mkstemp(path);
    assert_int_equal(write(fd, first, strlen(first)), (ssize_t)strlen(first));
    close(fd);
    load(path, &config);
    char *second = print(&config);
    assert_string_equal(first, second);
    agent_config_free(&config);
    unlink(path);
    free(first);
    free(second);
}

static void least_that_works_has_all_defaults(void **state)
{
    static const char text[] = "collector:\n  endpoint: tcp://c.example:8461\n"
                               "  key: \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\"\n";
    char path[] = "/tmp/beffroi-config-XXXXXX";
    char name[256] = "";
    struct agent_config config;
    (void)state;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    load(path, &config);
    gethostname(name, sizeof name);
    assert_string_equal(config.device, name);
    assert_true(config.host.enabled);
    assert_int_equal(config.spool.max_bytes, INT64_C(1) << 30);
    assert_int_equal(config.spool.segment_bytes, 16 << 20);
    assert_int_equal(config.statements.repeat_ms, 60000);
    assert_false(config.capture.present);
    assert_null(config.user);
    assert_int_equal(config.log.level, LOG_LEVEL_INFO);
    assert_false(agent_config_needs_net_raw(&config));
    agent_config_free(&config);
    unlink(path);
}

static void endpoints_are_checked(void **state)
{
    static const struct {
        const char *endpoint;
        bool good;
    } cases[] = {
        {"tcp://collector.example:8461", true},
        {"tcp://[2001:db8::1]:1", true},
        {"ipc:///run/beffroi/link", true},
        {"tcp://collector.example", false},
        {"tcp://:8461", false},
        {"tcp://a:0", false},
        {"tcp://a:65536", false},
        {"tcp://a:1x", false},
        {"tcp://2001:db8::1:8461", false},
        {"tcp://a b:1", false},
        {"tcp://a;b:1", false},
        {"ipc://", false},
        {"inproc://x", false},
        {"tcp://a:+1", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        struct agent_config config;
        struct config_errors errors = {0};
        int size = snprintf(text, sizeof text,
                            "collector:\n  endpoint: \"%s\"\n"
                            "  key: \"rq:rM>}U?@Lns47E1%%kR.o@n%%FcmmsL/@{H8]yf7\"\n",
                            cases[i].endpoint);
        int rc = config_parse("text", text, (size_t)size, &agent_config_schema, &config, &errors);
        if ((rc == 0) != cases[i].good) {
            fail_msg("%s", cases[i].endpoint);
        }
        if (rc == 0) {
            agent_config_free(&config);
        }
        config_errors_clear(&errors);
    }
}

/* --- the command line --- */

static int parse(struct options *options, char *reason, const char *const *words)
{
    char *argv[8] = {(char *)(uintptr_t) "beffroi-agent"};
    int argc = 1;
    while (*words != NULL) {
        argv[argc++] = (char *)(uintptr_t)*words++;
    }
    return options_parse(argc, argv, options, reason, 256);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void command_lines_are_understood(void **state)
{
    struct options options;
    char reason[256];
    (void)state;
    assert_int_equal(parse(&options, reason, WORDS("-c", "f")), 0);
    assert_int_equal(options.mode, OPTIONS_RUN);
    assert_string_equal(options.config, "f");
    assert_int_equal(parse(&options, reason, WORDS("-n", "--config", "g")), 0);
    assert_int_equal(options.mode, OPTIONS_CHECK);
    assert_string_equal(options.config, "g");
    assert_int_equal(parse(&options, reason, WORDS("-nv", "-c", "f")), 0);
    assert_int_equal(options.mode, OPTIONS_PRINT_CONFIG);
    assert_int_equal(parse(&options, reason, WORDS("--worker", "snmp")), 0);
    assert_int_equal(options.mode, OPTIONS_WORKER);
    assert_string_equal(options.worker, "snmp");
    assert_int_equal(parse(&options, reason, WORDS("--help")), 0);
    assert_int_equal(options.mode, OPTIONS_HELP);
    assert_int_equal(parse(&options, reason, WORDS("--version")), 0);
    assert_int_equal(options.mode, OPTIONS_VERSION);
    assert_int_equal(parse(&options, reason, WORDS("--print-example")), 0);
    assert_int_equal(options.mode, OPTIONS_PRINT_EXAMPLE);
}

static void wrong_usage_is_named(void **state)
{
    struct options options;
    char reason[256];
    (void)state;
    assert_int_equal(parse(&options, reason, (const char *const[]){NULL}), -EINVAL);
    assert_non_null(strstr(reason, "-c FILE"));
    assert_int_equal(parse(&options, reason, WORDS("-c")), -EINVAL);
    assert_non_null(strstr(reason, "needs a value: -c"));
    assert_int_equal(parse(&options, reason, WORDS("-v", "-c", "f")), -EINVAL);
    assert_non_null(strstr(reason, "-v goes with -n"));
    assert_int_equal(parse(&options, reason, WORDS("-c", "f", "extra")), -EINVAL);
    assert_non_null(strstr(reason, "extra"));
    assert_int_equal(parse(&options, reason, WORDS("--bogus")), -EINVAL);
    assert_non_null(strstr(reason, "--bogus"));
    assert_int_equal(parse(&options, reason, WORDS("-x", "-c", "f")), -EINVAL);
    assert_non_null(strstr(reason, "-x"));
    assert_int_equal(parse(&options, reason, WORDS("-nx", "-c", "f")), -EINVAL);
    assert_string_equal(reason, "no such option: -x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_is_told_with_its_line),
        cmocka_unit_test(clashes_of_names_are_told),
        cmocka_unit_test(normal_form_says_the_same),
        cmocka_unit_test(least_that_works_has_all_defaults),
        cmocka_unit_test(endpoints_are_checked),
        cmocka_unit_test(command_lines_are_understood),
        cmocka_unit_test(wrong_usage_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
