/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "part.h"

#include "common/log.h"
#include "common/supervisor.h"
#include "common/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    REASON_SIZE = 1024,
    SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

/* --- the configuration's way --- */

int part_make_config(const char *text, size_t size)
{
    int fd = memfd_create("configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return -errno;
    }
    int rc = 0;
    while (size > 0 && rc == 0) {
        ssize_t n = write(fd, text, size);
        if (n > 0) {
            text += n;
            size -= (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            rc = n == 0 ? -EIO : -errno;
        }
    }
    if (rc == 0 && fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
        rc = -errno;
    }
    if (rc != 0) {
        (void)close(fd); /* thrown away */
        return rc;
    }
    return fd;
}

/* 0, or -errno after having said why on standard error. */
static int read_config(struct collector_config *config)
{
    struct stat status;
    /* Sealed: it can neither change nor shrink while it is mapped. */
    if (fstat(PART_CONFIG_FD, &status) != 0 || fcntl(PART_CONFIG_FD, F_GET_SEALS) != SEALS ||
        status.st_size <= 0) {
        (void)fprintf(stderr, "beffroi-collector: parts are started by the collector itself\n");
        return -EINVAL;
    }
    size_t size = (size_t)status.st_size;
    char *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, PART_CONFIG_FD, 0);
    if (text == MAP_FAILED) {
        return -errno;
    }
    struct config_errors errors = {0};
    int rc = config_parse("configuration", text, size, &collector_config_schema, config, &errors);
    config_errors_print(stderr, &errors);
    config_errors_clear(&errors);
    (void)munmap(text, size); /* read-only */
    (void)close(PART_CONFIG_FD);
    return rc;
}

/* --- the loop --- */

struct stop {
    uv_signal_t signals[2];
    struct part_context *context;
    const struct part *part;
    bool stopping;
};

static void close_signals(struct stop *stop)
{
    for (size_t i = 0; i < 2; i++) {
        if (!uv_is_closing((uv_handle_t *)&stop->signals[i])) {
            uv_close((uv_handle_t *)&stop->signals[i], NULL);
        }
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct stop *stop = handle->data;
    if (stop->stopping) {
        return;
    }
    stop->stopping = true;
    log_debug(stop->part->name, "ending on signal=%d", number);
    close_signals(stop);
    stop->part->close(stop->context); /* the loop ends with its last handle */
}

static int run(const struct part *part, struct part_context *context)
{
    static const int numbers[2] = {SIGTERM, SIGINT};
    struct stop stop = {.context = context, .part = part};
    char reason[REASON_SIZE] = "";
    for (size_t i = 0; i < 2; i++) {
        int rc = uv_signal_init(context->loop, &stop.signals[i]);
        if (rc != 0) {
            log_error(part->name, "cannot watch for signals: %s", uv_strerror(rc));
            return 1;
        }
        stop.signals[i].data = &stop;
        (void)uv_signal_start(&stop.signals[i], on_signal, numbers[i]); /* known signals */
    }
    int rc = part->open(context, reason, sizeof reason);
    if (rc != 0) {
        log_error(part->name, "cannot start: %s", reason);
        close_signals(&stop);
        part->close(context);
    }
    (void)uv_run(context->loop, UV_RUN_DEFAULT); /* until nothing is left in it */
    return rc == 0 ? 0 : 1;
}

int part_main(const struct part *part)
{
    struct collector_config config;
    uv_loop_t loop;
    int rc = supervisor_child_enter();
    if (rc == 0) {
        rc = read_config(&config);
    }
    if (rc != 0) {
        return 1;
    }
    char *name = xasprintf("collector/%s", part->name);
    log_open(name, (enum log_level)config.log.level);
    free(name);
    /* A peer that is gone shows as an error of the call that wrote to it. */
    (void)signal(SIGPIPE, SIG_IGN);
    int status = 1;
    struct layout layout = layout_of(config.data);
    rc = uv_loop_init(&loop);
    if (rc != 0) {
        log_error(part->name, "cannot make an event loop: %s", uv_strerror(rc));
    } else {
        struct part_context context = {.config = &config, .layout = &layout, .loop = &loop};
        status = run(part, &context);
        rc = uv_loop_close(&loop);
        if (rc != 0) {
            log_error(part->name, "the event loop is not empty: %s", uv_strerror(rc));
            status = 1;
        }
    }
    layout_free(&layout);
    collector_config_free(&config);
    return status;
}
