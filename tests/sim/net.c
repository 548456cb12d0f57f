/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net.h"

#include "answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS = 256,
    /* All devices of a batch may be asked at the same moment. */
    BUFFER_BYTES = 16 * 1024 * 1024,
};

/* Room for one in_pktinfo, aligned as a cmsghdr wants it. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

struct batch {
    struct mmsghdr messages[NET_BATCH];
    struct iovec vectors[NET_BATCH];
    struct sockaddr_in addresses[NET_BATCH];
    union control controls[NET_BATCH];
    uint32_t devices[NET_BATCH];
};

struct net {
    uint32_t n_devices;
    uint32_t first_address; /* 0: each device has its socket */
    net_request *on_request;
    void *context;
    int epoll;
    size_t n_sockets;
    int *sockets;
    struct batch in;
    uint8_t requests[NET_BATCH][NET_REQUEST_MAX];
    struct batch out;
    size_t n_out;
    uint64_t unsent;
    uint8_t replies[NET_BATCH][MESSAGE_MAX];
};

static int open_socket(struct net *net, const struct sockaddr_in *address, size_t number)
{
    static const int on = 1;
    static const int buffer = BUFFER_BYTES;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    net->sockets[number] = fd;
    net->n_sockets = number + 1;
    if (net->first_address != 0) {
        /* As much as the system allows; beyond it only with privilege. */
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0) {
            (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        }
        if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) {
            return -errno;
        }
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = number};
    if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0 ||
        epoll_ctl(net->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        return -errno;
    }
    return 0;
}

static int open_all(struct net *net, const struct options *options)
{
    struct sockaddr_in address = options->first;
    if (options->by_address) {
        address.sin_addr.s_addr = htonl(INADDR_ANY);
        return open_socket(net, &address, 0);
    }
    for (uint32_t i = 0; i < options->n_devices; i++) {
        address.sin_port = htons((uint16_t)(ntohs(options->first.sin_port) + i));
        int rc = open_socket(net, &address, i);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

struct net *net_open(const struct options *options, net_request *on_request, void *context)
{
    struct net *net = calloc(1, sizeof *net);
    if (net == NULL) {
        return NULL;
    }
    net->n_devices = options->n_devices;
    net->first_address = options->by_address ? ntohl(options->first.sin_addr.s_addr) : 0;
    net->on_request = on_request;
    net->context = context;
    net->epoll = epoll_create1(EPOLL_CLOEXEC);
    net->sockets = calloc(options->n_devices, sizeof *net->sockets);
    int rc = net->epoll < 0 || net->sockets == NULL ? -errno : open_all(net, options);
    if (rc != 0) {
        net_close(net);
        errno = -rc;
        return NULL;
    }
    return net;
}

int net_fd(const struct net *net)
{
    return net->epoll;
}

/* --- in --- */

/* Which address a datagram was sent to; false: to none of the devices. */
static bool find_device(const struct net *net, struct msghdr *message, uint32_t *device)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            *device = ntohl(info.ipi_addr.s_addr) - net->first_address;
            return *device < net->n_devices;
        }
    }
    return false;
}

static void prepare(struct net *net)
{
    for (size_t i = 0; i < NET_BATCH; i++) {
        net->in.vectors[i] = (struct iovec){net->requests[i], NET_REQUEST_MAX};
        net->in.messages[i].msg_hdr = (struct msghdr){
            .msg_name = &net->in.addresses[i],
            .msg_namelen = sizeof net->in.addresses[i],
            .msg_iov = &net->in.vectors[i],
            .msg_iovlen = 1,
            .msg_control = &net->in.controls[i],
            .msg_controllen = net->first_address != 0 ? sizeof net->in.controls[i] : 0,
        };
    }
}

static size_t receive(struct net *net, size_t socket)
{
    prepare(net);
    int n = recvmmsg(net->sockets[socket], net->in.messages, NET_BATCH, 0, NULL);
    for (int i = 0; i < n; i++) {
        struct net_peer peer = {.device = (uint32_t)socket, .address = net->in.addresses[i]};
        struct msghdr *message = &net->in.messages[i].msg_hdr;
        if ((message->msg_flags & MSG_TRUNC) == 0 &&
            (net->first_address == 0 || find_device(net, message, &peer.device))) {
            net->on_request(net->context, &peer, net->requests[i], net->in.messages[i].msg_len);
        }
    }
    return n > 0 ? (size_t)n : 0; /* an ICMP error of some peer is not ours */
}

void net_receive(struct net *net)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(net->epoll, events, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        while (receive(net, events[i].data.u64) == NET_BATCH) {
        }
    }
    net_flush(net);
}

/* --- out --- */

uint8_t *net_room(struct net *net)
{
    if (net->n_out == NET_BATCH) {
        net_flush(net);
    }
    return net->replies[net->n_out];
}

static void set_source(struct net *net, size_t number, uint32_t device)
{
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(net->first_address + device)};
    struct msghdr *message = &net->out.messages[number].msg_hdr;
    message->msg_control = &net->out.controls[number];
    message->msg_controllen = sizeof net->out.controls[number];
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(header), &info, sizeof info);
}

void net_reply(struct net *net, const struct net_peer *peer, size_t n)
{
    size_t number = net->n_out++;
    net->out.devices[number] = peer->device;
    net->out.addresses[number] = peer->address;
    net->out.vectors[number] = (struct iovec){net->replies[number], n};
    net->out.messages[number].msg_hdr = (struct msghdr){
        .msg_name = &net->out.addresses[number],
        .msg_namelen = sizeof net->out.addresses[number],
        .msg_iov = &net->out.vectors[number],
        .msg_iovlen = 1,
    };
    if (net->first_address != 0) {
        set_source(net, number, peer->device);
    }
}

/* Those from `first` on that leave through the same socket. */
static size_t run_length(const struct net *net, size_t first)
{
    if (net->first_address != 0) {
        return net->n_out - first;
    }
    size_t n = 1;
    while (first + n < net->n_out && net->out.devices[first + n] == net->out.devices[first]) {
        n++;
    }
    return n;
}

void net_flush(struct net *net)
{
    for (size_t first = 0; first < net->n_out;) {
        size_t n = run_length(net, first);
        size_t socket = net->first_address != 0 ? 0 : net->out.devices[first];
        int sent = sendmmsg(net->sockets[socket], &net->out.messages[first], (unsigned)n, 0);
        if (sent <=
            0) { /* the first of them has no way: a real device's reply would be lost, too */
            net->unsent++;
            sent = 1;
        }
        first += (size_t)sent;
    }
    net->n_out = 0;
}

uint64_t net_unsent(const struct net *net)
{
    return net->unsent;
}

void net_close(struct net *net)
{
    if (net == NULL) {
        return;
    }
    for (size_t i = 0; i < net->n_sockets; i++) {
        (void)close(net->sockets[i]); /* nothing is left to be said */
    }
    if (net->epoll >= 0) {
        (void)close(net->epoll);
    }
    free(net->sockets);
    free(net);
}
