/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "intake/intake.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "intake_state.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Enough to see a pattern in what a broken sender does, little enough to forget about. */
    DEAD_LETTERS_MAX = 1000,
    DEAD_LETTER_BYTES_MAX = 64 * 1024 * 1024,
};

/* --- who may come in --- */

static int by_key(const void *left, const void *right)
{
    const struct intake_agent *const *a = left;
    const struct intake_agent *const *b = right;
    return memcmp((*a)->curve_public, (*b)->curve_public, KEYS_CURVE_SIZE);
}

static const char *authorize(void *context, const uint8_t curve_public[KEYS_CURVE_SIZE])
{
    const struct intake *intake = context;
    struct intake_agent wanted = {0};
    const struct intake_agent *key = &wanted;
    memcpy(wanted.curve_public, curve_public, KEYS_CURVE_SIZE);
    const struct intake_agent *const *found =
        intake->options.n_agents == 0
            ? NULL
            : bsearch(&key, intake->by_key, intake->options.n_agents, sizeof(void *), by_key);
    return found == NULL ? NULL : (*found)->name;
}

/* --- opening --- */

static void on_turn_end(uv_check_t *check)
{
    struct intake *intake = check->data;
    if (intake->n_waiting > 0) {
        intake_commit(intake);
    }
}

static int open_journal(struct intake *intake, char *reason, size_t reason_size)
{
    int rc =
        journal_open(&intake->journal, intake->options.journal_directory,
                     intake->options.segment_bytes, &intake->damaged_bytes, reason, reason_size);
    if (rc == 0 && intake->damaged_bytes > 0) {
        log_error("intake",
                  "the end of the journal was damaged and is in its quarantine; what was "
                  "acknowledged and not yet applied may be lost: path=%s bytes=%" PRIu64,
                  intake->options.journal_directory, intake->damaged_bytes);
    }
    return rc;
}

static int open_letters(struct intake *intake, char *reason, size_t reason_size)
{
    int rc = dead_letter_open(&intake->letters, intake->options.dead_letter_directory,
                              DEAD_LETTERS_MAX, DEAD_LETTER_BYTES_MAX);
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "cannot use the folder %s: %s",
                       intake->options.dead_letter_directory, strerror(-rc));
    }
    return rc;
}

static int open_control(struct intake *intake, uv_loop_t *loop, char *reason, size_t reason_size)
{
    int rc = control_server_open(&intake->control, loop, intake->options.control_path,
                                 intake_answer, intake);
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "cannot listen on %s: %s", intake->options.control_path,
                       strerror(-rc));
    }
    return rc;
}

static int open_link(struct intake *intake, uv_loop_t *loop, char *reason, size_t reason_size)
{
    const struct link_server_options options = {.endpoint = intake->options.endpoint,
                                                .keys = intake->options.keys,
                                                .authorize = authorize,
                                                .on_message = intake_take_message,
                                                .on_refused = intake_note_refused,
                                                .context = intake};
    int rc = link_server_open(&intake->link, loop, &options);
    if (rc != 0) {
        (void)snprintf(reason, reason_size, "cannot listen on %s: %s", intake->options.endpoint,
                       strerror(-rc));
    }
    return rc;
}

int intake_open(struct intake **out, uv_loop_t *loop, const struct intake_options *options,
                char *reason, size_t reason_size)
{
    struct intake *intake = xcalloc(1, sizeof *intake);
    intake->options = *options;
    intake->twins = twin_watch_new();
    intake->by_key = xcalloc(options->n_agents + 1, sizeof(void *));
    for (size_t i = 0; i < options->n_agents; i++) {
        intake->by_key[i] = &options->agents[i];
    }
    qsort(intake->by_key, options->n_agents, sizeof(void *), by_key);
    intake->handles = 2;
    intake->turn_end.data = intake;
    intake->group_timer.data = intake;
    (void)uv_check_init(loop, &intake->turn_end); /* these two always succeed, */
    (void)uv_timer_init(loop, &intake->group_timer);
    (void)uv_check_start(&intake->turn_end, on_turn_end); /* this with a call-back */
    int rc = open_journal(intake, reason, reason_size);
    if (rc == 0) {
        rc = open_letters(intake, reason, reason_size);
    }
    if (rc == 0) {
        rc = open_control(intake, loop, reason, reason_size);
    }
    if (rc == 0) {
        rc = open_link(intake, loop, reason, reason_size);
    }
    if (rc != 0) {
        intake_close(intake);
        return rc;
    }
    *out = intake;
    return 0;
}

const char *intake_endpoint(const struct intake *intake)
{
    return link_server_endpoint(intake->link);
}

/* --- closing --- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct intake *intake = handle->data;
    if (--intake->handles > 0) {
        return;
    }
    twin_watch_free(intake->twins);
    free(intake->by_key);
    free(intake);
}

void intake_close(struct intake *intake)
{
    if (intake == NULL) {
        return;
    }
    if (intake->link != NULL) {
        intake_commit(intake);
    }
    link_server_close(intake->link);
    control_server_close(intake->control);
    dead_letter_close(intake->letters);
    journal_close(intake->journal);
    uv_close((uv_handle_t *)&intake->turn_end, on_handle_closed);
    uv_close((uv_handle_t *)&intake->group_timer, on_handle_closed);
}
