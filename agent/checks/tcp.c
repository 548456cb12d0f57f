/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The checks of what greets, or only takes a connection: tcp, smtp and imap. */
#include "check_type.h"

#include "greeting.h"

static void *prepare(const struct check_config *config)
{
    return greeting_new(config);
}

static void release(void *prepared)
{
    greeting_free(prepared);
}

static void *start(const struct probe_order *order, stream_judge *judge, const char *farewell)
{
    /* The stream only reads it; a judge takes what is not const for those that keep score. */
    struct greeting *greeting = (struct greeting *)order->prepared;
    const struct stream_order stream = {
        .loop = order->loop,
        .target = order->target,
        .timeout_ms = order->timeout_ms,
        .judge = judge,
        .judge_context = greeting,
        .send = greeting->send,
        .send_size = greeting->send_size,
        .farewell = farewell,
        .size_max = GREETING_SIZE_MAX,
        .done = order->done,
        .context = order->context,
    };
    return stream_start(&stream);
}

static void cancel(void *probe)
{
    stream_cancel(probe);
}

static void *start_tcp(void *shared, const struct probe_order *order)
{
    const struct greeting *greeting = order->prepared;
    (void)shared;
    bool is_quiet = greeting->pattern == NULL && greeting->send == NULL;
    return start(order, is_quiet ? NULL : greeting_judge_any, NULL);
}

static void *start_smtp(void *shared, const struct probe_order *order)
{
    (void)shared;
    return start(order, greeting_judge_smtp, "QUIT\r\n");
}

static void *start_imap(void *shared, const struct probe_order *order)
{
    (void)shared;
    return start(order, greeting_judge_imap, "a LOGOUT\r\n");
}

const struct check_type check_type_tcp = {
    .id = CHECK_TCP, .prepare = prepare, .release = release, .start = start_tcp, .cancel = cancel};
const struct check_type check_type_smtp = {.id = CHECK_SMTP,
                                           .prepare = prepare,
                                           .release = release,
                                           .start = start_smtp,
                                           .cancel = cancel};
const struct check_type check_type_imap = {.id = CHECK_IMAP,
                                           .prepare = prepare,
                                           .release = release,
                                           .start = start_imap,
                                           .cancel = cancel};
