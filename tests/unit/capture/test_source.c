/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Capture files: whole, cut, corrupt, of every link type, from a pipe, with filters and limits. */
#include "source.h"
#include "support.h"

#include "common/xalloc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FRAMES = 10, PAYLOAD = 100, FRAME = 14 + 28 + PAYLOAD };
static const int64_t S_NS = 1000000000;
static const int64_t BEGIN_S = 1700000000;

static char path[] = "/tmp/beffroi-source-XXXXXX";
static struct privacy *privacy;
static struct services *service_names;

static int make_room(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    privacy = privacy_new(PRIVACY_FULL, NULL, 0);
    service_names = services_new("/nonexistent", NULL, 0);
    return 0;
}

static int clear_room(void **state)
{
    (void)state;
    (void)unlink(path);
    privacy_free(privacy);
    services_free(service_names);
    return 0;
}

/* FRAMES frames, a second and `fraction` apart, to port 1000 + i. */
static void write_file(int link, unsigned precision, long fraction)
{
    pcap_t *dead = pcap_open_dead_with_tstamp_precision(link, 65535, precision);
    pcap_dumper_t *dumper = pcap_dump_open(dead, path);
    assert_non_null(dumper);
    for (unsigned i = 0; i < FRAMES; i++) {
        uint8_t frame[256];
        size_t length =
            make_udp(frame, 0, "192.0.2.1", "192.0.2.2", 9, (uint16_t)(1000 + i), PAYLOAD);
        struct pcap_pkthdr header = {.ts = {BEGIN_S + i, fraction},
                                     .caplen = (bpf_u_int32)length,
                                     .len = (bpf_u_int32)length};
        pcap_dump((u_char *)dumper, &header, frame);
    }
    pcap_dump_close(dumper);
    pcap_close(dead);
}

static struct meter *make_meter(void)
{
    const struct meter_options options = {
        .flows = 1024, .privacy = privacy, .service_names = service_names};
    struct meter *meter = meter_new(&options);
    assert_non_null(meter);
    return meter;
}

static struct source *open_file(const char *name, const char *filter)
{
    struct source *source = NULL;
    char reason[256] = "";
    const struct source_options options = {.filter = filter};
    if (source_open_file(&source, name, &options, reason, sizeof reason) != 0) {
        fail_msg("%s", reason);
    }
    return source;
}

/* Reads to the end and returns what ended it. */
static int read_all(struct source *source, struct meter *meter, char *reason, size_t reason_size)
{
    int n;
    do {
        n = source_read(source, meter, 3, reason, reason_size);
        assert_true(n <= 3);
    } while (n > 0);
    return n;
}

static void a_file_is_read_to_its_end(void **state)
{
    static const struct {
        unsigned precision;
        long fraction;
        int64_t ns;
    } kinds[] = {{PCAP_TSTAMP_PRECISION_MICRO, 123456, 123456000},
                 {PCAP_TSTAMP_PRECISION_NANO, 123456789, 123456789}};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char reason[256] = "";
        write_file(DLT_EN10MB, kinds[i].precision, kinds[i].fraction);
        struct source *source = open_file(path, NULL);
        struct meter *meter = make_meter();
        assert_string_equal(source_link_name(source), "EN10MB");
        assert_true(source_is_decoded(source));
        assert_int_equal(source_file_bytes(source), 24 + FRAMES * (16 + FRAME));
        assert_int_equal(read_all(source, meter, reason, sizeof reason), -ENODATA);
        assert_int_equal(source_bytes_read(source), FRAMES * (16 + FRAME));
        assert_int_equal(source_dropped(source), 0);
        const struct summary *summary = meter_take(meter, true);
        assert_int_equal(summary->totals.all.packets, FRAMES);
        assert_int_equal(summary->totals.all.wire_bytes, FRAMES * FRAME);
        assert_int_equal(summary->totals.l4[L4_UDP].ip_bytes, FRAMES * (FRAME - 14));
        assert_true(summary->first_ns == BEGIN_S * S_NS + kinds[i].ns);
        assert_true(summary->last_ns == (BEGIN_S + FRAMES - 1) * S_NS + kinds[i].ns);
        meter_free(meter);
        source_close(source);
    }
}

static void link_types_that_are_not_read_are_counted(void **state)
{
    static const struct {
        int link;
        const char *name;
        bool decoded;
    } kinds[] = {{DLT_LINUX_SLL, "LINUX_SLL", true},
                 {DLT_LINUX_SLL2, "LINUX_SLL2", true},
                 {DLT_RAW, "RAW", true},
                 {DLT_IPV4, "IPV4", true},
                 {DLT_NULL, "NULL", true},
                 {DLT_PPP, "PPP", true},
                 {DLT_IEEE802_11_RADIO, "IEEE802_11_RADIO", false},
                 {DLT_USER0, "DLT_147", false}};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char reason[256] = "";
        write_file(kinds[i].link, PCAP_TSTAMP_PRECISION_MICRO, 0);
        struct source *source = open_file(path, NULL);
        struct meter *meter = make_meter();
        assert_string_equal(source_link_name(source), kinds[i].name);
        assert_int_equal(source_is_decoded(source), kinds[i].decoded);
        assert_int_equal(read_all(source, meter, reason, sizeof reason), -ENODATA);
        const struct summary *summary = meter_take(meter, true);
        assert_int_equal(summary->totals.all.wire_bytes, FRAMES * FRAME);
        assert_int_equal(summary->totals.exits[EXIT_LINK_UNKNOWN], kinds[i].decoded ? 0 : FRAMES);
        meter_free(meter);
        source_close(source);
    }
}

static void a_cut_file_gives_what_was_read(void **state)
{
    (void)state;
    write_file(DLT_EN10MB, PCAP_TSTAMP_PRECISION_MICRO, 0);
    assert_int_equal(truncate(path, 24 + 7 * (16 + FRAME) + 16 + 20), 0);
    char reason[256] = "";
    struct source *source = open_file(path, NULL);
    struct meter *meter = make_meter();
    assert_int_equal(read_all(source, meter, reason, sizeof reason), -EBADMSG);
    assert_int_equal(meter_take(meter, true)->totals.all.packets, 7);
    assert_non_null(strstr(reason, path));
    assert_non_null(strstr(reason, "packet 8:"));
    assert_non_null(strstr(reason, "truncated"));
    meter_free(meter);
    source_close(source);
}

static void patch(off_t at, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, at), size);
    close(fd);
}

static void a_corrupt_file_gives_what_was_read(void **state)
{
    static const uint8_t huge[4] = {0xff, 0xff, 0xff, 0x7f};
    (void)state;
    write_file(DLT_EN10MB, PCAP_TSTAMP_PRECISION_MICRO, 0);
    patch(24 + 3 * (16 + FRAME) + 8, huge, sizeof huge); /* the fourth's captured length */
    char reason[256] = "";
    struct source *source = open_file(path, NULL);
    struct meter *meter = make_meter();
    assert_int_equal(read_all(source, meter, reason, sizeof reason), -EBADMSG);
    assert_int_equal(meter_take(meter, true)->totals.all.packets, 3);
    assert_non_null(strstr(reason, "packet 4:"));
    meter_free(meter);
    source_close(source);
}

static void no_capture_file(void **state)
{
    static const uint8_t zeros[24] = {0};
    const struct source_options options = {0};
    struct source *source = NULL;
    char reason[256] = "";
    (void)state;
    assert_int_equal(source_open_file(&source, "/nonexistent/x", &options, reason, sizeof reason),
                     -ENOENT);
    assert_non_null(strstr(reason, "/nonexistent/x: No such file"));
    write_file(DLT_EN10MB, PCAP_TSTAMP_PRECISION_MICRO, 0);
    patch(0, zeros, sizeof zeros);
    assert_int_equal(source_open_file(&source, path, &options, reason, sizeof reason), -EBADMSG);
    assert_non_null(strstr(reason, path));
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(source_open_file(&source, path, &options, reason, sizeof reason), -EBADMSG);
    assert_null(source);
    source_close(NULL);
}

/* Times that no capture has: nothing overflows (a sanitizer looks on). */
static void times_are_clamped(void **state)
{
    /* pcapng: a section, an interface with a resolution of a second, a packet in the year 2^63. */
    static const uint32_t blocks[] = {
        0x0a0d0d0a, 28, 0x1a2b3c4d, 1,          0xffffffff, 0xffffffff, 28,     /* section */
        1,          32, 1,          65535,      0x00010009, 0,          0,  32, /* if_tsresol 0 */
        6,          36, 0,          0x7fffffff, 0xffffffff, 4,          4,  0x01020304,
        36, /* packet */
        6,          36, 0,          0xffffffff, 0xffffffff, 4,          4,  0x01020304,
        36, /* packet */
    };
    char reason[256] = "";
    (void)state;
    assert_int_equal(truncate(path, 0), 0);
    patch(0, blocks, sizeof blocks);
    struct source *source = open_file(path, NULL);
    struct meter *meter = make_meter();
    assert_int_equal(read_all(source, meter, reason, sizeof reason), -ENODATA);
    const struct summary *summary = meter_take(meter, true);
    assert_int_equal(summary->totals.all.packets, 2);
    assert_true(summary->first_ns > INT64_C(9000000000000000000));
    assert_true(summary->last_ns >= 0);
    meter_free(meter);
    source_close(source);
}

static void from_standard_input(void **state)
{
    char reason[256] = "";
    (void)state;
    write_file(DLT_EN10MB, PCAP_TSTAMP_PRECISION_MICRO, 0);
    int before = dup(STDIN_FILENO);
    int fds[2];
    uint8_t bytes[8192];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(file, bytes, sizeof bytes);
    assert_int_equal(size, 24 + FRAMES * (16 + FRAME));
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], bytes, (size_t)size - 1), size - 1); /* cut by a byte */
    close(fds[1]);
    close(file);
    assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
    close(fds[0]);
    struct source *source = open_file("-", NULL);
    struct meter *meter = make_meter();
    assert_int_equal(source_file_bytes(source), 0);
    assert_int_equal(read_all(source, meter, reason, sizeof reason), -EBADMSG);
    assert_int_equal(meter_take(meter, true)->totals.all.packets, FRAMES - 1);
    assert_non_null(strstr(reason, "standard input: packet 10"));
    meter_free(meter);
    source_close(source);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* still ours */
    if (before >= 0) {
        assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
        close(before);
    }
}

static void filters(void **state)
{
    char reason[256] = "";
    const struct source_options bad = {.filter = "port and"};
    struct source *source = NULL;
    (void)state;
    assert_int_equal(source_check_filter("tcp port 80 or vlan 7", reason, sizeof reason), 0);
    assert_int_equal(source_check_filter("port and", reason, sizeof reason), -EINVAL);
    assert_non_null(strstr(reason, "syntax"));
    write_file(DLT_EN10MB, PCAP_TSTAMP_PRECISION_MICRO, 0);
    assert_int_equal(source_open_file(&source, path, &bad, reason, sizeof reason), -EINVAL);
    assert_non_null(strstr(reason, "filter"));
    source = open_file(path, "dst portrange 1002-1004");
    struct meter *meter = make_meter();
    assert_int_equal(read_all(source, meter, reason, sizeof reason), -ENODATA);
    assert_int_equal(meter_take(meter, true)->totals.all.packets, 3);
    meter_free(meter);
    source_close(source);
}

struct limits {
    struct meter *meter;
    size_t count;
    uint64_t packets[FRAMES];
};

/* Every four seconds. */
static int64_t on_limit(void *context, int64_t time_ns)
{
    struct limits *limits = context;
    assert_true(limits->count < FRAMES);
    limits->packets[limits->count++] = meter_take(limits->meter, false)->totals.all.packets;
    return time_ns / S_NS / 4 * 4 * S_NS + 4 * S_NS;
}

static void limits_cut_intervals(void **state)
{
    char reason[256] = "";
    (void)state;
    write_file(DLT_EN10MB, PCAP_TSTAMP_PRECISION_MICRO, 0);
    struct source *source = open_file(path, NULL);
    struct limits limits = {.meter = make_meter()};
    source_set_limit(source, (BEGIN_S + 4) * S_NS, on_limit, &limits);
    assert_int_equal(read_all(source, limits.meter, reason, sizeof reason), -ENODATA);
    assert_int_equal(limits.count, 2);
    assert_int_equal(limits.packets[0], 4);
    assert_int_equal(limits.packets[1], 4);
    assert_int_equal(meter_take(limits.meter, true)->totals.all.packets, 2);
    meter_free(limits.meter);
    source_close(source);
}

static void frames_before_a_time_are_skipped(void **state)
{
    char reason[256] = "";
    (void)state;
    write_file(DLT_EN10MB, PCAP_TSTAMP_PRECISION_MICRO, 0);
    struct source *source = open_file(path, NULL);
    struct meter *meter = make_meter();
    source_skip_until(source, (BEGIN_S + 3) * S_NS);
    assert_int_equal(read_all(source, meter, reason, sizeof reason), -ENODATA);
    assert_int_equal(meter_take(meter, true)->totals.all.packets, FRAMES - 3);
    meter_free(meter);
    source_close(source);
}

static void counters_of_32_bits_go_on(void **state)
{
    (void)state;
    assert_true(source_continue_count(0, 0, 7) == 7);
    assert_true(source_continue_count(100, 7, 7) == 100);
    assert_true(source_continue_count(100, UINT32_MAX - 1, 3) == 105); /* wrapped */
    assert_true(source_continue_count(UINT64_C(1) << 40, UINT32_MAX, 0) == (UINT64_C(1) << 40) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_to_its_end),
        cmocka_unit_test(link_types_that_are_not_read_are_counted),
        cmocka_unit_test(a_cut_file_gives_what_was_read),
        cmocka_unit_test(a_corrupt_file_gives_what_was_read),
        cmocka_unit_test(no_capture_file),
        cmocka_unit_test(times_are_clamped),
        cmocka_unit_test(from_standard_input),
        cmocka_unit_test(filters),
        cmocka_unit_test(limits_cut_intervals),
        cmocka_unit_test(frames_before_a_time_are_skipped),
        cmocka_unit_test(counters_of_32_bits_go_on),
    };
    return cmocka_run_group_tests(tests, make_room, clear_room);
}
