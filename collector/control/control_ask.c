/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/control.h"

#include "common/clock.h"
#include "common/xalloc.h"
#include "unix_path.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int left_ms(struct mono deadline)
{
    int64_t left = mono_elapsed_ms(clock_mono(), deadline);
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* 0 or -ETIMEDOUT or another -errno. */
static int wait_for(int fd, short events, struct mono deadline)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    for (;;) {
        int left = left_ms(deadline);
        int n = poll(&poll_fd, 1, left);
        if (n > 0) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n == 0 && left == 0) {
            return -ETIMEDOUT;
        }
    }
}

static int connect_to(int fd, const char *path, struct mono deadline)
{
    struct sockaddr_un address;
    int folder;
    int rc = unix_path_address(path, &address, &folder);
    if (rc != 0) {
        return rc;
    }
    for (;;) {
        rc = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : -errno;
        if (rc == -EINTR) {
            continue;
        }
        if (rc != -EAGAIN) {
            break;
        }
        /* The server's backlog is full, and a Unix socket has nothing to poll for that. */
        if (left_ms(deadline) == 0) {
            rc = -ETIMEDOUT;
            break;
        }
        const struct timespec moment = {.tv_nsec = 5000000};
        (void)nanosleep(&moment, NULL); /* woken early it only asks again */
    }
    if (folder >= 0) {
        (void)close(folder);
    }
    return rc;
}

static int send_line(int fd, const char *line, size_t size, struct mono deadline)
{
    while (size > 0) {
        ssize_t n = send(fd, line, size, MSG_NOSIGNAL);
        if (n >= 0) {
            line += n;
            size -= (size_t)n;
            continue;
        }
        if (errno == EPIPE || errno == ECONNRESET) {
            return 0; /* turned away: the answer may say why */
        }
        int rc = errno == EAGAIN ? wait_for(fd, POLLOUT, deadline) : errno == EINTR ? 0 : -errno;
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

/* Until the peer ends the connection. 0 with `*size` bytes, or -errno. */
static int receive_line(int fd, char *line, size_t *size, struct mono deadline)
{
    *size = 0;
    for (;;) {
        ssize_t n = recv(fd, line + *size, CONTROL_LINE_MAX + 1 - *size, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET)) {
            return 0;
        }
        if (n > 0) {
            *size += (size_t)n;
            if (*size > CONTROL_LINE_MAX) {
                return -EBADMSG;
            }
            continue;
        }
        int rc = errno == EAGAIN ? wait_for(fd, POLLIN, deadline) : errno == EINTR ? 0 : -errno;
        if (rc != 0) {
            return rc;
        }
    }
}

static int converse(int fd, const char *path, const char *line, size_t line_size,
                    struct mono deadline, json_t **response)
{
    int rc = connect_to(fd, path, deadline);
    if (rc == 0) {
        rc = send_line(fd, line, line_size, deadline);
    }
    if (rc != 0) {
        return rc;
    }
    size_t size;
    char *answer = xmalloc(CONTROL_LINE_MAX + 1);
    rc = receive_line(fd, answer, &size, deadline);
    if (rc == 0) {
        json_t *json = json_loadb(answer, size, JSON_REJECT_DUPLICATES, NULL);
        if (json_is_object(json)) {
            *response = json;
        } else {
            json_decref(json);
            rc = -EBADMSG;
        }
    }
    free(answer);
    return rc;
}

int control_ask(const char *path, const json_t *request, int64_t timeout_ms, json_t **response)
{
    struct mono deadline = mono_add_ms(clock_mono(), timeout_ms);
    char *text = json_dumps(request, JSON_COMPACT);
    if (text == NULL) {
        return -EINVAL;
    }
    size_t size = strlen(text);
    text[size] = '\n'; /* in place of its NUL: it travels with its size */
    int rc = -EMSGSIZE;
    if (size < CONTROL_LINE_MAX) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) {
            rc = -errno;
        } else {
            rc = converse(fd, path, text, size + 1, deadline, response);
            (void)close(fd);
        }
    }
    free(text);
    return rc;
}
