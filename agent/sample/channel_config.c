/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "channel_config.h"

#include "common/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONFIG_WAIT_MS = 10000 };

static int wait_readable(int fd, int timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int rc;
    do {
        rc = poll(&wait, 1, timeout_ms);
    } while (rc < 0 && errno == EINTR);
    if (rc == 0) {
        return -ETIMEDOUT;
    }
    return rc < 0 ? -errno : 0;
}

/* The descriptor that came with a message, or -errno: -ECONNRESET when main is gone, -EPROTO when
 * the message is no configuration. */
static int receive_descriptor(void)
{
    char byte;
    struct iovec part = {.iov_base = &byte, .iov_len = sizeof byte};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got = recvmsg(CHANNEL_FD, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0) {
        return -errno;
    }
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (got == 0 || header == NULL || header->cmsg_level != SOL_SOCKET ||
        header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) {
        return got == 0 ? -ECONNRESET : -EPROTO;
    }
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static char *read_text(int fd, size_t *size)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return NULL;
    }
    if (info.st_size < 0 || info.st_size > CHANNEL_CONFIG_MAX) {
        errno = EMSGSIZE;
        return NULL;
    }
    size_t length = (size_t)info.st_size;
    char *text = xmalloc(length + 1);
    size_t done = 0;
    while (done < length) {
        ssize_t got = pread(fd, text + done, length - done, (off_t)done);
        if (got <= 0) {
            int error = got < 0 ? errno : EPROTO;
            free(text);
            errno = error;
            return NULL;
        }
        done += (size_t)got;
    }
    text[length] = '\0';
    *size = length;
    return text;
}

char *channel_receive_config(size_t *size)
{
    int fd = receive_descriptor();
    if (fd < 0) {
        errno = -fd;
        return NULL;
    }
    char *text = read_text(fd, size);
    int error = errno;
    close(fd);
    errno = error;
    return text;
}

char *channel_read_config(size_t *size)
{
    int rc = wait_readable(CHANNEL_FD, CONFIG_WAIT_MS);
    if (rc < 0) {
        errno = -rc;
        return NULL;
    }
    return channel_receive_config(size);
}
