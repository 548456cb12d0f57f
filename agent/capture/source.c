/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "source.h"

#include "common/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    /* Ethernet, four tags, eight labels, IPv6 and a few extension headers, a tunnel. */
    SNAPLEN = 192,
    TIMEOUT_MS = 100,              /* a block of the ring is handed over at the latest then */
    FILE_BUFFER_SIZE = 256 * 1024, /* a fifth faster than the default */
    RECORD_HEADER_SIZE = 16,       /* of a frame in a pcap file */
};
static const int64_t S_NS = 1000000000;
/* No time of a file can overflow: the rest below a second is 32 bits wide. */
static const int64_t S_MOST = INT64_MAX / 1000000000 - 8;

struct source {
    pcap_t *pcap;
    struct meter *meter; /* of the read that is under way */
    enum link_type link;
    int64_t fraction_ns; /* what one of a time stamp's fractions is: 1, or 1,000 */
    int64_t from_ns;     /* frames before it are skipped */
    int64_t limit_ns;    /* frames from here on are looked at first */
    source_limit *on_limit;
    void *context;
    uint64_t n_frames;
    uint64_t n_bytes; /* of the file */
    char *path;       /* of a file; NULL: an interface */
    char *file_buffer;
    uint64_t file_bytes;
    uint32_t dropped_before; /* the kernel's counter at the last look */
    uint64_t dropped;
    char link_name[48];
};

/* --- link types --- */

static const struct {
    int dlt;
    enum link_type link;
} links[] = {
    {DLT_EN10MB, LINK_ETHERNET}, {DLT_LINUX_SLL, LINK_LINUX_SLL}, {DLT_LINUX_SLL2, LINK_LINUX_SLL2},
    {DLT_RAW, LINK_RAW_IP},      {DLT_IPV4, LINK_RAW_IP},         {DLT_IPV6, LINK_RAW_IP},
    {DLT_NULL, LINK_NULL},       {DLT_LOOP, LINK_NULL},           {DLT_PPP, LINK_PPP},
    {DLT_PPP_SERIAL, LINK_PPP},
};

static void find_link(struct source *source)
{
    int dlt = pcap_datalink(source->pcap);
    source->link = LINK_UNKNOWN;
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        if (links[i].dlt == dlt) {
            source->link = links[i].link;
        }
    }
    const char *name = pcap_datalink_val_to_name(dlt);
    if (name != NULL) {
        (void)snprintf(source->link_name, sizeof source->link_name, "%s", name);
    } else {
        (void)snprintf(source->link_name, sizeof source->link_name, "DLT_%d", dlt);
    }
}

const char *source_link_name(const struct source *source)
{
    return source->link_name;
}

bool source_is_decoded(const struct source *source)
{
    return source->link != LINK_UNKNOWN;
}

/* --- filters --- */

int source_check_filter(const char *filter, char *reason, size_t reason_size)
{
    struct bpf_program program;
    pcap_t *pcap = pcap_open_dead(DLT_EN10MB, SNAPLEN);
    if (pcap == NULL) {
        (void)snprintf(reason, reason_size, "cannot be checked: %s", strerror(ENOMEM));
        return -EINVAL;
    }
    int rc = pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0 ? 0 : -EINVAL;
    if (rc == 0) {
        pcap_freecode(&program);
    } else {
        (void)snprintf(reason, reason_size, "is no filter: %s", pcap_geterr(pcap));
    }
    pcap_close(pcap);
    return rc;
}

static int set_filter(struct source *source, const char *filter, char *reason, size_t reason_size)
{
    struct bpf_program program;
    if (filter == NULL) {
        return 0;
    }
    int rc = pcap_compile(source->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN);
    if (rc == 0) {
        rc = pcap_setfilter(source->pcap, &program);
        pcap_freecode(&program);
    }
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "filter: %s", pcap_geterr(source->pcap));
    }
    return rc == 0 ? 0 : -EINVAL;
}

/* --- interfaces --- */

static int error_of(int status)
{
    switch (status) {
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        return -EPERM;
    case PCAP_ERROR_NO_SUCH_DEVICE:
        return -ENODEV;
    case PCAP_ERROR_IFACE_NOT_UP:
        return -ENETDOWN;
    default:
        return -EIO;
    }
}

static int activate(struct source *source, const char *interface, char *reason, size_t reason_size)
{
    int status = pcap_activate(source->pcap);
    if (status >= 0) {
        return 0; /* a warning: a mode or time stamps that are not there; we count all the same */
    }
    int rc = error_of(status);
    if (rc == -EPERM) {
        (void)snprintf(
            reason, reason_size,
            "no permission to capture on %s: the agent needs CAP_NET_RAW (run it as root "
            "with user:, or give its unit AmbientCapabilities=CAP_NET_RAW)",
            interface);
    } else if (rc == -ENODEV) {
        (void)snprintf(reason, reason_size, "there is no interface %s", interface);
    } else if (rc == -ENETDOWN) {
        (void)snprintf(reason, reason_size, "the interface %s is down", interface);
    } else {
        (void)snprintf(reason, reason_size, "%s: %s", interface,
                       pcap_geterr(source->pcap)[0] != '\0' ? pcap_geterr(source->pcap)
                                                            : pcap_statustostr(status));
    }
    return rc;
}

/* Not by pcap_set_promisc: with it pcap_stats opens files in /sys, which a confined process may
 * not. The membership ends with the socket. */
static int set_promiscuous(struct source *source, const char *interface)
{
    struct packet_mreq request = {.mr_ifindex = (int)if_nametoindex(interface),
                                  .mr_type = PACKET_MR_PROMISC};
    if (request.mr_ifindex == 0) {
        return 0; /* "any": has no such mode */
    }
    return setsockopt(pcap_fileno(source->pcap), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request,
                      sizeof request) == 0
               ? 0
               : -errno;
}

static int join_fanout(struct source *source, uint16_t *id)
{
    int fd = pcap_fileno(source->pcap);
    unsigned flags = PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_DEFRAG;
    unsigned value = *id | flags << 16;
    if (*id == 0) {
        value |= (unsigned)PACKET_FANOUT_FLAG_UNIQUEID << 16; /* the kernel chooses */
    }
    if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, sizeof value) != 0) {
        return -errno;
    }
    socklen_t size = sizeof value;
    if (getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, &size) != 0) {
        return -errno;
    }
    *id = (uint16_t)value;
    return 0;
}

static int configure(struct source *source, const char *interface,
                     const struct source_options *options, char *reason, size_t reason_size)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    int rc = set_filter(source, options->filter, reason, reason_size);
    if (rc != 0) {
        return rc;
    }
    if (pcap_setnonblock(source->pcap, 1, error) != 0) {
        (void)snprintf(reason, reason_size, "%s: %s", interface, error);
        return -EIO;
    }
    rc = options->promiscuous ? set_promiscuous(source, interface) : 0;
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "%s: promiscuous mode: %s", interface, strerror(-rc));
        return rc;
    }
    rc = options->fanout_id != NULL ? join_fanout(source, options->fanout_id) : 0;
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "%s: the kernel does not share frames out: %s",
                       interface, strerror(-rc));
    }
    return rc;
}

static struct source *source_new(void)
{
    struct source *source = xcalloc(1, sizeof *source);
    source->limit_ns = INT64_MAX;
    return source;
}

int source_open_interface(struct source **out, const char *interface,
                          const struct source_options *options, char *reason, size_t reason_size)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    struct source *source = source_new();
    int rc = -EIO;
    source->pcap = pcap_create(interface, error);
    if (source->pcap == NULL) {
        (void)snprintf(reason, reason_size, "%s: %s", interface, error);
        goto failed;
    }
    /* None of these fails on a handle that is not active yet, but that a device may not have
     * nanoseconds. */
    (void)pcap_set_snaplen(source->pcap, SNAPLEN);
    (void)pcap_set_timeout(source->pcap, TIMEOUT_MS);
    (void)pcap_set_buffer_size(source->pcap, (int)options->ring_bytes);
    (void)pcap_set_tstamp_precision(source->pcap, PCAP_TSTAMP_PRECISION_NANO);
    rc = activate(source, interface, reason, reason_size);
    if (rc == 0) {
        rc = configure(source, interface, options, reason, reason_size);
    }
    if (rc != 0) {
        goto failed;
    }
    find_link(source);
    source->fraction_ns =
        pcap_get_tstamp_precision(source->pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
    *out = source;
    return 0;
failed:
    source_close(source);
    return rc;
}

int source_fd(const struct source *source)
{
    return pcap_get_selectable_fd(source->pcap);
}

/* --- files --- */

/* Standard input as a descriptor of our own, so that a source closes what it opened. */
static FILE *open_path(const char *path)
{
    if (strcmp(path, "-") != 0) {
        return fopen(path, "rbe");
    }
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return NULL;
    }
    FILE *file = fdopen(fd, "rb");
    if (file == NULL) {
        (void)close(fd); /* nothing was written */
    }
    return file;
}

static void look_at_file(struct source *source, FILE *file)
{
    struct stat status;
    if (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode)) {
        source->file_bytes = (uint64_t)status.st_size;
        (void)posix_fadvise(fileno(file), 0, 0, POSIX_FADV_SEQUENTIAL); /* a hint */
    }
    source->file_buffer = xmalloc(FILE_BUFFER_SIZE);
    (void)setvbuf(file, source->file_buffer, _IOFBF, FILE_BUFFER_SIZE); /* or slower */
    (void)__fsetlocking(file, FSETLOCKING_BYCALLER); /* no other thread knows it */
}

int source_open_file(struct source **out, const char *path, const struct source_options *options,
                     char *reason, size_t reason_size)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    struct source *source = source_new();
    source->path = xstrdup(strcmp(path, "-") == 0 ? "standard input" : path);
    FILE *file = open_path(path);
    int rc = file == NULL ? -errno : 0;
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "%s: %s", source->path, strerror(-rc));
        goto failed;
    }
    look_at_file(source, file);
    source->pcap =
        pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);
    if (source->pcap == NULL) {
        (void)snprintf(reason, reason_size, "%s: %s", source->path, error);
        (void)fclose(file); /* only read */
        rc = -EBADMSG;
        goto failed;
    }
    rc = set_filter(source, options->filter, reason, reason_size);
    if (rc != 0) {
        goto failed;
    }
    find_link(source);
    source->fraction_ns = 1;
    *out = source;
    return 0;
failed:
    source_close(source);
    return rc;
}

uint64_t source_bytes_read(const struct source *source)
{
    return source->n_bytes;
}

uint64_t source_file_bytes(const struct source *source)
{
    return source->file_bytes;
}

/* --- reading --- */

void source_skip_until(struct source *source, int64_t time_ns)
{
    source->from_ns = time_ns;
    source->limit_ns = INT64_MIN; /* every frame is looked at until then */
}

void source_set_limit(struct source *source, int64_t limit_ns, source_limit *on_limit,
                      void *context)
{
    source->limit_ns = limit_ns;
    source->on_limit = on_limit;
    source->context = context;
}

static inline int64_t time_of(const struct source *source, const struct timeval *stamp)
{
    int64_t seconds = stamp->tv_sec < 0 ? 0 : stamp->tv_sec > S_MOST ? S_MOST : stamp->tv_sec;
    return seconds * S_NS + (int64_t)(uint32_t)stamp->tv_usec * source->fraction_ns;
}

/* Is the frame to be metered? What comes seldom, apart from what comes with each frame. */
static bool pass_limit(struct source *source, int64_t time_ns)
{
    if (source->on_limit != NULL) {
        source->limit_ns = source->on_limit(source->context, time_ns);
        return true;
    }
    if (time_ns < source->from_ns) {
        return false;
    }
    source->limit_ns = INT64_MAX;
    return true;
}

static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    struct source *source = (struct source *)(void *)user;
    size_t captured = header->caplen;
    size_t length = header->len < header->caplen ? header->caplen : header->len;
    int64_t time_ns = time_of(source, &header->ts);
    source->n_frames++;
    source->n_bytes += captured + RECORD_HEADER_SIZE;
    if (time_ns >= source->limit_ns && !pass_limit(source, time_ns)) {
        return;
    }
    meter_frame(source->meter, source->link, bytes, captured, length, time_ns);
}

int source_read(struct source *source, struct meter *meter, int most, char *reason,
                size_t reason_size)
{
    source->meter = meter;
    int n = pcap_dispatch(source->pcap, most, on_packet, (u_char *)source);
    if (n >= 0) {
        return n == 0 && source->path != NULL ? -ENODATA : n;
    }
    if (source->path != NULL) {
        (void)snprintf(reason, reason_size, "%s: packet %llu: %s", source->path,
                       (unsigned long long)source->n_frames + 1, pcap_geterr(source->pcap));
        return -EBADMSG;
    }
    (void)snprintf(reason, reason_size, "%s", pcap_geterr(source->pcap));
    return -EIO;
}

uint64_t source_continue_count(uint64_t total, uint32_t before, uint32_t now)
{
    return total + (uint32_t)(now - before);
}

uint64_t source_dropped(struct source *source)
{
    struct pcap_stat stat;
    if (source->path == NULL && pcap_stats(source->pcap, &stat) == 0) {
        source->dropped =
            source_continue_count(source->dropped, source->dropped_before, stat.ps_drop);
        source->dropped_before = stat.ps_drop;
    }
    return source->dropped;
}

void source_close(struct source *source)
{
    if (source == NULL) {
        return;
    }
    if (source->pcap != NULL) {
        pcap_close(source->pcap); /* and the file; its buffer after it */
    }
    free(source->file_buffer);
    free(source->path);
    free(source);
}
