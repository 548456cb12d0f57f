/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any messages of an agent at intake's desk: each gets exactly one answer, which decodes, and
 * what the journal then holds is a batch that decodes. The input is cut into messages, each behind
 * its length in two bytes (little-endian). */
#include "intake_state.h"

#include "common/xalloc.h"
#include "proto/batch.h"
#include "proto/message.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGES_MAX = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t answers;

/* In place of the link's: there is no socket here. */
int link_server_send(struct link_server *server, const struct link_peer *peer, const uint8_t *bytes,
                     size_t size)
{
    struct collector_message message;
    (void)server; /* none */
    (void)peer;
    answers++;
    if (collector_message_decode(bytes, size, &message) != 0) {
        abort();
    }
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status; /* the walk's interface */
    (void)type;
    (void)walk;
    return remove(path);
}

static void check_journal(const char *directory)
{
    struct journal_reader *reader;
    struct journal_record record;
    struct seglog_position position;
    struct seglog_position next = {0, 0};
    char reason[256];
    if (journal_reader_open(&reader, directory, next) != 0) {
        abort();
    }
    int rc;
    while ((rc = journal_reader_next(reader, &record, &position, &next)) == 1) {
        struct batch *batch =
            batch_decode(BATCH_WIRE, record.batch, record.batch_size, reason, sizeof reason);
        if (batch == NULL) {
            abort();
        }
        batch_free(batch);
    }
    if (rc != 0) {
        abort();
    }
    journal_reader_close(reader);
}

static void take_all(struct intake *intake, const uint8_t *bytes, size_t size)
{
    size_t messages = 0;
    answers = 0;
    while (size >= 2 && messages < MESSAGES_MAX) {
        size_t length = bytes[0] | (size_t)bytes[1] << 8;
        bytes += 2;
        size -= 2;
        length = length < size ? length : size;
        if (length == 0) {
            continue; /* the link lets none through */
        }
        /* From a connection of its own each: nothing is answered together. A copy of exactly this
         * size, so that one byte too far is seen. */
        struct link_peer peer = {.bytes = {(uint8_t)messages, 1}, .size = 2};
        uint8_t *copy = xmemdup(bytes, length);
        intake_take_message(intake, &peer, messages % 2 == 0 ? "a" : "b", copy, length);
        free(copy);
        bytes += length;
        size -= length;
        messages++;
    }
    intake_commit(intake);
    if (answers != messages) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char folder[] = "/dev/shm/fuzz-intake-XXXXXX";
    char reason[256];
    if (mkdtemp(folder) == NULL || keys_init() != 0) {
        abort();
    }
    log_set_level(LOG_LEVEL_ERROR);
    char *journal = xasprintf("%s/journal", folder);
    char *letters = xasprintf("%s/letters", folder);
    struct intake *intake = xcalloc(1, sizeof *intake);
    uv_loop_t loop;
    intake->options.journal_directory = journal;
    intake->options.dead_letter_directory = letters;
    intake->twins = twin_watch_new();
    intake->group_timer.data = intake;
    if (uv_loop_init(&loop) != 0 || uv_timer_init(&loop, &intake->group_timer) != 0 ||
        dead_letter_open(&intake->letters, letters, 3, 100000) != 0 ||
        journal_open(&intake->journal, journal, 4096, &intake->damaged_bytes, reason,
                     sizeof reason) != 0) {
        abort();
    }
    take_all(intake, bytes, size);
    check_journal(journal);
    uv_close((uv_handle_t *)&intake->group_timer, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    journal_close(intake->journal);
    dead_letter_close(intake->letters);
    twin_watch_free(intake->twins);
    free(intake);
    free(letters);
    free(journal);
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}
