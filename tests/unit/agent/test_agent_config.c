/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The agent's configuration: what the whole file is checked for, and that its normal form says the
 * same. Values of single keys are the business of the parts and of common/config. */
#include "checks/checks.h"
#include "config.h"
#include "options.h"
#include "poll_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* What could not be read is not looked at by the checks of what is around it. */
static void aliases_are_refused_and_nothing_more(void **state)
{
    (void)state;
    assert_golden("aliases.yaml", "aliases.errors");
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

/* --- what the file refers to --- */

struct place {
    char folder[64];
    char config[96];
};

static void write_file(const struct place *place, const char *name, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void open_place(struct place *place)
{
    snprintf(place->folder, sizeof place->folder, "/tmp/beffroi-config-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->config, sizeof place->config, "%s/agent.yaml", place->folder);
}

static void close_place(const struct place *place)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", place->folder);
    assert_int_equal(system(command), 0);
}

static const char collector_text[] = "collector:\n  endpoint: tcp://c.example:8461\n"
                                     "  key: \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\"\n";
static const char devices_text[] =
    "devices:\n"
    "  - name: sw-1\n"
    "    address: 192.0.2.1\n"
    "    snmp:\n"
    "      version: 3\n"
    "      user: reader\n"
    "      auth: {protocol: sha256, passphrase_file: auth.key}\n"
    "      priv: {protocol: aes128, passphrase: s3cr3t-inline}\n"
    "  - {name: sw-2, address: 192.0.2.2, snmp: {community: s3cr3t-community}}\n";

static void write_config(const struct place *place, const char *first, const char *second)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "%s%s", first, second);
    fclose(out);
    write_file(place, "agent.yaml", text, 0600);
    free(text);
}

static char *print_public(struct agent_config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    agent_config_print(out, config);
    fclose(out);
    return text;
}

static void normal_form_for_people_has_no_secret(void **state)
{
    struct place place;
    struct agent_config config;
    struct config_errors errors = {0};
    (void)state;
    open_place(&place);
    write_file(&place, "auth.key", "s3cr3t-of-the-file\n", 0640);
    write_config(&place, collector_text, devices_text);
    load(place.config, &config);
    const struct snmp_device_config *devices = config.devices.items;
    assert_string_equal(devices[0].snmp.auth.passphrase, "s3cr3t-of-the-file");
    assert_true(config.profiles.count > 0);
    char *text = print_public(&config);
    assert_null(strstr(text, "s3cr3t"));
    assert_non_null(strstr(text, "passphrase_file: auth.key\n"));
    assert_non_null(strstr(text, "community: \"********\"\n"));
    agent_config_free(&config);
    /* It is refused as a configuration, at the lines of the secrets. */
    write_file(&place, "agent.yaml", text, 0600);
    assert_int_equal(agent_config_load(place.config, &config, &errors), -EINVAL);
    assert_int_equal(errors.count, 2);
    assert_string_equal(errors.errors[0].key, "devices[0].snmp.priv.passphrase");
    assert_string_equal(errors.errors[1].key, "devices[1].snmp.community");
    config_errors_clear(&errors);
    free(text);
    close_place(&place);
}

static void what_it_refers_to_is_checked(void **state)
{
    struct place place;
    struct agent_config config;
    struct config_errors errors = {0};
    (void)state;
    open_place(&place);
    write_config(&place, collector_text,
                 "devices:\n"
                 "  - {name: a, address: 192.0.2.1, snmp: {community: c, profile: no-such}}\n"
                 "  - {name: b, address: 192.0.2.2, snmp: {version: 3, user: u,\n"
                 "     auth: {protocol: sha1, passphrase_file: missing}}}\n"
                 "snmp: {profiles: [missing.yaml]}\n");
    assert_int_equal(agent_config_load(place.config, &config, &errors), -EINVAL);
    bool saw_file = false;
    bool saw_profiles = false;
    for (size_t i = 0; i < errors.count; i++) {
        saw_file |= errors.errors[i].line == 6 &&
                    strcmp(errors.errors[i].key, "devices[1].snmp.auth.passphrase_file") == 0;
        saw_profiles |= strstr(errors.errors[i].file, "missing.yaml") != NULL;
    }
    assert_true(saw_file && saw_profiles);
    config_errors_clear(&errors);
    write_config(&place, collector_text,
                 "devices:\n"
                 "  - {name: a, address: 192.0.2.1, snmp: {community: c, profile: no-such}}\n");
    assert_int_equal(agent_config_load(place.config, &config, &errors), -EINVAL);
    assert_int_equal(errors.count, 1);
    assert_int_equal(errors.errors[0].line, 5);
    assert_string_equal(errors.errors[0].key, "devices[0].snmp.profile");
    assert_string_equal(errors.errors[0].value, "no-such");
    config_errors_clear(&errors);
    close_place(&place);
}

static void polling_needs_only_devices(void **state)
{
    struct place place;
    struct agent_config config;
    struct config_errors errors = {0};
    char name[256] = "";
    char text[512];
    (void)state;
    open_place(&place);
    gethostname(name, sizeof name);
    /* The machine's own name is as good as any: nothing is delivered under it. */
    snprintf(text, sizeof text,
             "devices: [{name: \"%s\", address: \"192.0.2.10:161\", snmp: {version: 2c, "
             "community: public, timeout: 1 s, retries: 2}}]\n",
             name);
    write_config(&place, text, "");
    assert_int_equal(agent_config_load_for_poll(place.config, &config, &errors), 0);
    assert_int_equal(config.devices.count, 1);
    assert_false(config.collector.present);
    agent_config_free(&config);
    assert_int_equal(agent_config_load(place.config, &config, &errors), -EINVAL);
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.errors[0].key, "collector");
    config_errors_clear(&errors);
    write_config(&place, collector_text, "");
    assert_int_equal(agent_config_load_for_poll(place.config, &config, &errors), -EINVAL);
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.errors[0].key, "devices");
    config_errors_clear(&errors);
    write_config(&place, text, "collector: {endpoint: nonsense}\ncolour: blue\n");
    assert_int_equal(agent_config_load_for_poll(place.config, &config, &errors), -EINVAL);
    assert_int_equal(errors.count, 3); /* endpoint, no key, colour */
    config_errors_clear(&errors);
    close_place(&place);
}

static void only_devices_are_taken_over(void **state)
{
    struct place place;
    struct agent_config running;
    struct agent_config next;
    (void)state;
    open_place(&place);
    write_file(&place, "auth.key", "s3cr3t-of-the-file\n", 0640);
    write_config(&place, collector_text, devices_text);
    load(place.config, &running);
    load(place.config, &next);
    assert_null(agent_config_compare(&running, &next));
    agent_config_free(&next);
    write_config(&place, collector_text,
                 "devices: [{name: new, address: 192.0.2.3, snmp: {community: c}}]\n"
                 "snmp: {requests_per_second: 9}\nspool: {max: 2GiB}\nlog: {level: debug}\n");
    load(place.config, &next);
    char *later = agent_config_compare(&running, &next);
    assert_string_equal(later, "spool, log");
    free(later);
    agent_config_take(&running, &next);
    assert_int_equal(running.devices.count, 1);
    assert_string_equal(((struct snmp_device_config *)running.devices.items)->name, "new");
    assert_int_equal(running.snmp.requests_per_second, 9);
    assert_int_equal(running.spool.max_bytes, INT64_C(1) << 30);
    assert_int_equal(next.devices.count, 2); /* to be freed with it */
    agent_config_free(&next);
    agent_config_free(&running);
    close_place(&place);
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
    assert_int_equal(parse(&options, reason, WORDS("--print-profiles")), 0);
    assert_int_equal(options.mode, OPTIONS_PRINT_PROFILES);
    assert_int_equal(parse(&options, reason, WORDS("--print-profile", "if-mib")), 0);
    assert_int_equal(options.mode, OPTIONS_PRINT_PROFILE);
    assert_string_equal(options.profile, "if-mib");
    assert_int_equal(parse(&options, reason, WORDS("--help")), 0);
    assert_int_equal(options.mode, OPTIONS_HELP);
    assert_int_equal(parse(&options, reason, WORDS("--version")), 0);
    assert_int_equal(options.mode, OPTIONS_VERSION);
    assert_int_equal(parse(&options, reason, WORDS("--print-example")), 0);
    assert_int_equal(options.mode, OPTIONS_PRINT_EXAMPLE);
}

static int parse_poll(struct poll_options *options, char *reason, const char *const *words)
{
    char *argv[12] = {(char *)(uintptr_t) "poll"};
    int argc = 1;
    while (*words != NULL) {
        argv[argc++] = (char *)(uintptr_t)*words++;
    }
    return poll_options_parse(argc, argv, options, reason, 256);
}

static void poll_has_a_command_line_of_its_own(void **state)
{
    static const struct {
        const char *words[8];
        const char *reason;
    } wrong[] = {
        {{NULL}, "-c FILE"},
        {{"-c", NULL}, "needs a value: -c"},
        {{"-c", "f", "--format", "xml", NULL}, "text or json, not xml"},
        {{"-c", "f", "--often", NULL}, "no such option: --often"},
        {{"-c", "f", "-n", NULL}, "no such option: -n"},
        {{"-c", "f", "sw-1", NULL}, "not understood: sw-1"},
        {{"-c", "f", "--device", NULL}, "needs a value: --device"},
    };
    struct poll_options options;
    char reason[256];
    (void)state;
    assert_int_equal(parse_poll(&options, reason, WORDS("-c", "f")), 0);
    assert_string_equal(options.config, "f");
    assert_false(options.once);
    assert_int_equal(options.format, POLL_TEXT);
    assert_int_equal(options.n_devices, 0);
    poll_options_free(&options);
    assert_int_equal(parse_poll(&options, reason,
                                WORDS("--once", "--device", "a", "--format", "json", "--device=b",
                                      "--config", "g")),
                     0);
    assert_true(options.once);
    assert_int_equal(options.format, POLL_JSON);
    assert_int_equal(options.n_devices, 2);
    assert_string_equal(options.devices[0], "a");
    assert_string_equal(options.devices[1], "b");
    assert_string_equal(options.config, "g");
    poll_options_free(&options);
    assert_int_equal(parse_poll(&options, reason, WORDS("--help")), 0);
    assert_true(options.help);
    poll_options_free(&options);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(parse_poll(&options, reason, wrong[i].words), -EINVAL);
        if (strstr(reason, wrong[i].reason) == NULL) {
            fail_msg("%s: %s", wrong[i].reason, reason);
        }
        poll_options_free(&options);
    }
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
        cmocka_unit_test(aliases_are_refused_and_nothing_more),
        cmocka_unit_test(normal_form_says_the_same),
        cmocka_unit_test(normal_form_for_people_has_no_secret),
        cmocka_unit_test(what_it_refers_to_is_checked),
        cmocka_unit_test(polling_needs_only_devices),
        cmocka_unit_test(only_devices_are_taken_over),
        cmocka_unit_test(least_that_works_has_all_defaults),
        cmocka_unit_test(endpoints_are_checked),
        cmocka_unit_test(command_lines_are_understood),
        cmocka_unit_test(poll_has_a_command_line_of_its_own),
        cmocka_unit_test(wrong_usage_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
