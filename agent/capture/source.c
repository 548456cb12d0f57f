/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "source.h"

#include "common/xalloc.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Ethernet, four tags, eight labels, IPv6 and a few extension headers. */
    SNAPLEN = 192,
    TIMEOUT_MS = 100, /* a block of the ring is handed over at the latest then */
};

struct source {
    pcap_t *pcap;
    enum decode_link link;
    bool is_file;
    uint32_t dropped_before; /* the kernel's counter at the last look */
    uint64_t dropped;
};

static const struct {
    int dlt;
    enum decode_link link;
} links[] = {
    {DLT_EN10MB, DECODE_ETHERNET},
    {DLT_LINUX_SLL, DECODE_LINUX_SLL},
    {DLT_LINUX_SLL2, DECODE_LINUX_SLL2},
    {DLT_RAW, DECODE_RAW_IP},
    {DLT_NULL, DECODE_NULL},
    {DLT_LOOP, DECODE_NULL},
};

static int find_link(struct source *source, char *reason, size_t reason_size)
{
    int dlt = pcap_datalink(source->pcap);
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        if (links[i].dlt == dlt) {
            source->link = links[i].link;
            return 0;
        }
    }
    const char *name = pcap_datalink_val_to_name(dlt);
    (void)snprintf(reason, reason_size, "frames of link type %s cannot be metered",
                   name != NULL ? name : "unknown");
    return -ENOTSUP;
}

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
        return 0; /* warnings: promiscuous mode or time stamps that are not there; we count */
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
    } else {
        (void)snprintf(reason, reason_size, "%s: %s", interface,
                       pcap_geterr(source->pcap)[0] != '\0' ? pcap_geterr(source->pcap)
                                                            : pcap_statustostr(status));
    }
    return rc;
}

int source_open_interface(struct source **out, const char *interface, bool promiscuous,
                          int buffer_bytes, char *reason, size_t reason_size)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    struct source *source = xcalloc(1, sizeof *source);
    int rc = -EIO;
    source->pcap = pcap_create(interface, error);
    if (source->pcap == NULL) {
        (void)snprintf(reason, reason_size, "%s: %s", interface, error);
        goto failed;
    }
    /* None of these fails on a handle that is not active yet. */
    (void)pcap_set_snaplen(source->pcap, SNAPLEN);
    (void)pcap_set_promisc(source->pcap, promiscuous ? 1 : 0);
    (void)pcap_set_timeout(source->pcap, TIMEOUT_MS);
    (void)pcap_set_buffer_size(source->pcap, buffer_bytes);
    rc = activate(source, interface, reason, reason_size);
    if (rc == 0) {
        rc = find_link(source, reason, reason_size);
    }
    if (rc == 0 && pcap_setnonblock(source->pcap, 1, error) != 0) {
        (void)snprintf(reason, reason_size, "%s: %s", interface, error);
        rc = -EIO;
    }
    if (rc != 0) {
        goto failed;
    }
    *out = source;
    return 0;
failed:
    source_close(source);
    return rc;
}

int source_open_file(struct source **out, const char *path, char *reason, size_t reason_size)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    struct source *source = xcalloc(1, sizeof *source);
    source->is_file = true;
    FILE *file = fopen(path, "rb");
    int rc = file == NULL ? -errno : 0;
    if (rc == 0) {
        source->pcap = pcap_fopen_offline(file, error);
        if (source->pcap == NULL) {
            (void)fclose(file); /* only read */
            rc = -EBADMSG;
        }
    }
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "%s: %s", path, rc == -EBADMSG ? error : strerror(-rc));
    } else {
        rc = find_link(source, reason, reason_size);
    }
    if (rc != 0) {
        source_close(source);
        return rc;
    }
    *out = source;
    return 0;
}

int source_fd(const struct source *source)
{
    return pcap_get_selectable_fd(source->pcap);
}

struct delivery {
    struct source *source;
    source_frame *on_frame;
    void *context;
};

static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    const struct delivery *delivery = (const struct delivery *)(void *)user;
    size_t captured = header->caplen;
    size_t length = header->len < header->caplen ? header->caplen : header->len;
    delivery->on_frame(delivery->context, delivery->source->link, bytes, captured, length);
}

int source_read(struct source *source, int most, source_frame *on_frame, void *context,
                char *reason, size_t reason_size)
{
    struct delivery delivery = {source, on_frame, context};
    int n = pcap_dispatch(source->pcap, most, on_packet, (u_char *)&delivery);
    if (n < 0) {
        (void)snprintf(reason, reason_size, "%s", pcap_geterr(source->pcap));
        return -EIO;
    }
    return n == 0 && source->is_file ? -ENODATA : n;
}

uint64_t source_dropped(struct source *source)
{
    struct pcap_stat stat;
    if (!source->is_file && pcap_stats(source->pcap, &stat) == 0) {
        source->dropped += (uint32_t)(stat.ps_drop - source->dropped_before);
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
        pcap_close(source->pcap);
    }
    free(source);
}
