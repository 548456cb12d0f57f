/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which devices a configuration may hold, and what is said of those that it may not. */
#include "address.h"
#include "snmp/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct holder {
    struct config_list devices;
};
static void check_holder(const void *object, struct config_error_sink *errors)
{
    const struct holder *holder = object;
    snmp_check_unique(&holder->devices, errors);
}
static const struct config_field holder_fields[] = {
    {.key = "devices",
     .type = CONFIG_LIST,
     .offset = offsetof(struct holder, devices),
     .schema = &snmp_device_config_schema},
    {0},
};
static const struct config_schema holder_schema = {
    .name = "holder",
    .size = sizeof(struct holder),
    .fields = holder_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
    .check = check_holder,
};

/* The file's text; the caller frees. */
static char *read_data(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", TEST_DATA_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 65536);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

static void good_devices_are_taken(void **state)
{
    static const char text[] =
        "devices:\n"
        "  - name: sw-1\n"
        "    address: 192.0.2.10\n"
        "    snmp: {community: public}\n"
        "  - name: sw-2\n"
        "    address: \"[2001:db8::1]:1161\"\n"
        "    snmp: {version: 2c, community: c, interval: 10s, timeout: 500ms,"
        " retries: 0}\n";
    struct holder holder;
    struct config_errors errors = {0};
    (void)state;
    assert_int_equal(config_parse("test", text, sizeof text - 1, &holder_schema, &holder, &errors),
                     0);
    const struct snmp_device_config *devices = holder.devices.items;
    assert_int_equal(holder.devices.count, 2);
    assert_true(devices[0].snmp.present);
    assert_int_equal(devices[0].snmp.version, SNMP_CONFIG_V2C);
    assert_int_equal(devices[0].snmp.interval_ms, 30000);
    assert_int_equal(devices[0].snmp.timeout_ms, 1000);
    assert_int_equal(devices[0].snmp.retries, 2);
    assert_int_equal(devices[1].snmp.retries, 0);
    assert_int_equal(devices[1].snmp.timeout_ms, 500);
    config_free(&holder_schema, &holder);
}

static void parse_one(const char *text, struct snmp_device_config *device)
{
    struct config_errors errors = {0};
    if (config_parse("test", text, strlen(text), &snmp_device_config_schema, device, &errors) !=
        0) {
        config_errors_print(stderr, &errors);
        fail();
    }
}

static void every_version_is_taken(void **state)
{
    struct snmp_device_config device;
    (void)state;
    parse_one("{name: a, address: 192.0.2.1, snmp: {version: 1, community: c, repetitions: 100,\n"
              " any_source: true, timeout: 1 s, profile: if-mib}}",
              &device);
    assert_int_equal(device.snmp.version, SNMP_CONFIG_V1);
    assert_int_equal(device.snmp.repetitions, 100);
    assert_int_equal(device.snmp.timeout_ms, 1000);
    assert_true(device.snmp.any_source);
    assert_string_equal(device.snmp.profile, "if-mib");
    assert_false(device.snmp.auth.present);
    config_free(&snmp_device_config_schema, &device);

    parse_one("{name: a, address: 192.0.2.1, snmp: {version: 3, user: u, context: vlan-7,\n"
              " auth: {protocol: sha512, passphrase: 12345678},\n"
              " priv: {protocol: aes256-cisco, passphrase_file: /run/key}}}",
              &device);
    assert_int_equal(device.snmp.version, SNMP_CONFIG_V3);
    assert_string_equal(device.snmp.user, "u");
    assert_string_equal(device.snmp.context, "vlan-7");
    assert_true(device.snmp.auth.present && device.snmp.priv.present);
    assert_int_equal(device.snmp.auth.protocol, SNMP_AUTH_SHA512);
    assert_string_equal(device.snmp.auth.passphrase, "12345678");
    assert_int_equal(device.snmp.priv.protocol, SNMP_PRIV_AES256_CISCO);
    assert_null(device.snmp.priv.passphrase);
    assert_string_equal(device.snmp.priv.passphrase_file, "/run/key");
    assert_int_equal(device.snmp.repetitions, 10);
    config_free(&snmp_device_config_schema, &device);

    parse_one("{name: a, address: 192.0.2.1, snmp: {version: v3, user: u, allow_weak: true,\n"
              " auth: {protocol: MD5, passphrase: 12345678},\n"
              " priv: {protocol: DES, passphrase: 12345678}}}",
              &device);
    assert_int_equal(device.snmp.auth.protocol, SNMP_AUTH_MD5);
    assert_int_equal(device.snmp.priv.protocol, SNMP_PRIV_DES);
    config_free(&snmp_device_config_schema, &device);
}

static void errors_are_told(void **state)
{
    struct holder holder;
    struct config_errors errors = {0};
    char *text = read_data("errors.yaml");
    char *expected = read_data("errors.txt");
    char *told = NULL;
    size_t size = 0;
    (void)state;
    assert_int_not_equal(
        config_parse("errors.yaml", text, strlen(text), &holder_schema, &holder, &errors), 0);
    FILE *out = open_memstream(&told, &size);
    assert_non_null(out);
    config_errors_print(out, &errors);
    fclose(out);
    if (getenv("GOLDEN_WRITE") != NULL) { /* look at the difference before you commit it */
        FILE *golden = fopen(TEST_DATA_DIR "/errors.txt", "w");
        fputs(told, golden);
        fclose(golden);
    }
    assert_string_equal(told, expected);
    assert_null(strstr(told, "s3cr3t"));
    config_errors_clear(&errors);
    free(told);
    free(text);
    free(expected);
}

static void doubled_names_are_told(void **state)
{
    static const char text[] = "devices:\n"
                               "  - {name: a, address: 192.0.2.1, snmp: {community: c}}\n"
                               "  - {name: b, address: 192.0.2.1, snmp: {community: c}}\n"
                               "  - {name: a, address: 192.0.2.2, snmp: {community: c}}\n";
    struct holder holder;
    struct config_errors errors = {0};
    (void)state;
    assert_int_not_equal(
        config_parse("test", text, sizeof text - 1, &holder_schema, &holder, &errors), 0);
    assert_int_equal(errors.count, 1);
    assert_int_equal(errors.errors[0].line, 4);
    assert_string_equal(errors.errors[0].value, "a");
    config_errors_clear(&errors);
}

static void printed_it_parses_again(void **state)
{
    static const char text[] = "name: sw-1\naddress: 192.0.2.10:1161\nsnmp: {community: public}\n";
    struct snmp_device_config config;
    struct snmp_device_config again;
    struct config_errors errors = {0};
    char *printed = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(
        config_parse("test", text, sizeof text - 1, &snmp_device_config_schema, &config, &errors),
        0);
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    config_print(out, &snmp_device_config_schema, &config);
    fclose(out);
    assert_int_equal(
        config_parse("printed", printed, size, &snmp_device_config_schema, &again, &errors), 0);
    assert_string_equal(again.address, "192.0.2.10:1161");
    assert_string_equal(again.snmp.community, "public");
    assert_int_equal(again.snmp.interval_ms, config.snmp.interval_ms);
    config_free(&snmp_device_config_schema, &config);
    config_free(&snmp_device_config_schema, &again);
    free(printed);
}

static void addresses_are_parsed(void **state)
{
    static const struct {
        const char *text;
        int family; /* 0: refused */
        unsigned port;
    } cases[] = {
        {"192.0.2.10", AF_INET, 161},
        {"192.0.2.10:1", AF_INET, 1},
        {"192.0.2.10:65535", AF_INET, 65535},
        {"[2001:db8::1]", AF_INET6, 161},
        {"[::1]:1161", AF_INET6, 1161},
        {"192.0.2.10:0", 0, 0},
        {"192.0.2.10:65536", 0, 0},
        {"192.0.2.10:999999999999", 0, 0},
        {"192.0.2.10:16x", 0, 0},
        {"192.0.2.10:", 0, 0},
        {"192.0.2.256", 0, 0},
        {"192.0.2", 0, 0},
        {"2001:db8::1", 0, 0},
        {"[2001:db8::1", 0, 0},
        {"[2001:db8::1]1161", 0, 0},
        {"[192.0.2.10]", 0, 0},
        {"[fe80::1%eth0]", 0, 0},
        {"switch.example", 0, 0},
        {"switch.example:161", 0, 0},
        {"", 0, 0},
        {"[]", 0, 0},
        {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sockaddr_storage address;
        char reason[128] = "";
        int rc = address_parse(cases[i].text, &address, reason, sizeof reason);
        print_message("%s: %s\n", cases[i].text, reason);
        assert_int_equal(rc == 0, cases[i].family != 0);
        assert_int_equal(rc != 0, reason[0] != '\0');
        if (rc == 0) {
            in_port_t port = cases[i].family == AF_INET6
                                 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                 : ((struct sockaddr_in *)&address)->sin_port;
            assert_int_equal(address.ss_family, cases[i].family);
            assert_int_equal(ntohs(port), cases[i].port);
        }
    }
}

static void addresses_are_compared(void **state)
{
    static const char *const texts[] = {"192.0.2.1", "192.0.2.1:162", "192.0.2.2",
                                        "[::1]",     "[::1]:162",     "[::2]"};
    enum { N = 6 };
    struct sockaddr_storage addresses[N];
    char reason[128];
    (void)state;
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(address_parse(texts[i], &addresses[i], reason, sizeof reason), 0);
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            assert_int_equal(
                address_same((struct sockaddr *)&addresses[i], (struct sockaddr *)&addresses[j]),
                i == j);
        }
    }
}

/* --- files of passphrases --- */

static void write_secret(const char *folder, const char *name, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* One device with this file for both of its keys. */
static int read_passphrases(const char *folder, const char *file, struct snmp_device_config *device,
                            struct config_errors *errors)
{
    char text[512];
    char config_path[128];
    snprintf(config_path, sizeof config_path, "%s/agent.yaml", folder);
    snprintf(text, sizeof text,
             "{name: sw-1, address: 192.0.2.1, snmp: {version: 3, user: u,\n"
             " auth: {protocol: sha1, passphrase_file: \"%s\"},\n"
             " priv: {protocol: aes128, passphrase: \"in the file\"}}}",
             file);
    parse_one(text, device);
    struct config_list devices = {.count = 1, .items = device};
    return snmp_read_passphrases(&devices, config_path, errors);
}

static void passphrases_are_read(void **state)
{
    static const char *const texts[] = {"s3cr3t word", "s3cr3t word\n", "s3cr3t word\r\n"};
    char folder[] = "/tmp/beffroi-passphrase-XXXXXX";
    char path[128];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/key", folder);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct snmp_device_config device;
        struct config_errors errors = {0};
        write_secret(folder, "key", texts[i], 0640);
        /* Relative to the configuration's folder, and absolute. */
        assert_int_equal(chmod(path, i == 0 ? 0600 : 0644), 0); /* which only brings a warning */
        assert_int_equal(read_passphrases(folder, i == 0 ? path : "key", &device, &errors), 0);
        assert_string_equal(device.snmp.auth.passphrase, "s3cr3t word");
        assert_string_equal(device.snmp.priv.passphrase, "in the file");
        config_free(&snmp_device_config_schema, &device);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void unfit_files_are_named_and_not_quoted(void **state)
{
    static const struct {
        const char *name;
        const char *text; /* NULL: it is not made */
        mode_t mode;
        const char *reason;
    } cases[] = {
        {"missing", NULL, 0, "No such file or directory"},
        {"short", "s3cr3t\n", 0600, "8 to 255 bytes"},
        {"empty", "", 0600, "8 to 255 bytes"},
        {"lines", "s3cr3t word\nanother\n", 0600, "one line"},
        {"two-ends", "s3cr3t word\n\n", 0600, "one line"},
        {"control", "s3cr3t\tword\n", 0600, "control characters"},
        {"latin-1", "s3cr3t w\xf6rd\n", 0600, "UTF-8"},
        {"stars", "********\n", 0600, "asterisks"},
    };
    char folder[] = "/tmp/beffroi-passphrase-XXXXXX";
    char long_text[300];
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snmp_device_config device;
        struct config_errors errors = {0};
        if (cases[i].text != NULL) {
            write_secret(folder, cases[i].name, cases[i].text, cases[i].mode);
        }
        assert_int_equal(read_passphrases(folder, cases[i].name, &device, &errors), -EINVAL);
        assert_int_equal(errors.count, 1);
        const struct config_error *error = &errors.errors[0];
        assert_int_equal(error->line, 1);
        assert_string_equal(error->key, "devices[0].snmp.auth.passphrase_file");
        assert_non_null(strstr(error->value, cases[i].name));
        assert_non_null(strstr(error->reason, "device sw-1: "));
        if (strstr(error->reason, cases[i].reason) == NULL) {
            fail_msg("%s: %s", cases[i].name, error->reason);
        }
        assert_null(strstr(error->reason, "s3cr3t"));
        config_errors_clear(&errors);
        config_free(&snmp_device_config_schema, &device);
    }
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    for (size_t size = 255; size <= 299; size += 1) { /* the longest, and those that are longer */
        struct snmp_device_config device;
        struct config_errors errors = {0};
        write_secret(folder, "long", long_text + 299 - size, 0600);
        assert_int_equal(read_passphrases(folder, "long", &device, &errors),
                         size == 255 ? 0 : -EINVAL);
        config_errors_clear(&errors);
        config_free(&snmp_device_config_schema, &device);
    }
    /* What is no file: a folder, and a FIFO that nobody writes to. */
    char fifo[128];
    struct snmp_device_config device;
    struct config_errors errors = {0};
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(read_passphrases(folder, fifo, &device, &errors), -EINVAL);
    config_free(&snmp_device_config_schema, &device);
    assert_int_equal(read_passphrases(folder, folder, &device, &errors), -EINVAL);
    config_free(&snmp_device_config_schema, &device);
    assert_int_equal(errors.count, 2);
    assert_non_null(strstr(errors.errors[0].reason, "is no file"));
    assert_non_null(strstr(errors.errors[1].reason, "is no file"));
    config_errors_clear(&errors);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

/* --- what a worker is told --- */

static void a_share_says_the_same_on_the_other_side(void **state)
{
    struct snmp_device_config device;
    struct snmp_share again;
    struct config_errors errors = {0};
    char *text = NULL;
    size_t size = 0;
    (void)state;
    parse_one("{name: a, address: 192.0.2.1, snmp: {version: 3, user: u,\n"
              " auth: {protocol: sha1, passphrase: \"it's: \\\"s3cr3t\\\" #1\"}}}",
              &device);
    struct snmp_share share = {
        .user = device.name, .requests_per_second = 7, .devices = {.count = 1, .items = &device}};
    FILE *out = open_memstream(&text, &size);
    config_print(out, &snmp_share_schema, &share);
    fclose(out);
    assert_int_equal(config_parse("share", text, size, &snmp_share_schema, &again, &errors), 0);
    const struct snmp_device_config *devices = again.devices.items;
    assert_int_equal(again.devices.count, 1);
    assert_int_equal(again.requests_per_second, 7);
    assert_string_equal(again.user, "a");
    assert_string_equal(devices[0].snmp.auth.passphrase, "it's: \"s3cr3t\" #1");
    config_free(&snmp_share_schema, &again);
    config_free(&snmp_device_config_schema, &device);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_devices_are_taken),
        cmocka_unit_test(every_version_is_taken),
        cmocka_unit_test(errors_are_told),
        cmocka_unit_test(doubled_names_are_told),
        cmocka_unit_test(printed_it_parses_again),
        cmocka_unit_test(addresses_are_parsed),
        cmocka_unit_test(addresses_are_compared),
        cmocka_unit_test(passphrases_are_read),
        cmocka_unit_test(unfit_files_are_named_and_not_quoted),
        cmocka_unit_test(a_share_says_the_same_on_the_other_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
