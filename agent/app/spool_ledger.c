/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spool_ledger.h"

#include "common/crc32c.h"
#include "common/durable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text lines, so that a person can read it: version, fields, and a CRC32C over what is before it.
 */
#define LEDGER_FORMAT                                                                              \
    "beffroi-spool: 1\nstream: %s\nacknowledged: %llu %llu %lld\nfirst: %llu\n"                    \
    "resume: %llu %llu\nwritten: %llu %llu\nstatement: %llu %s\n"
#define LEDGER_PATTERN                                                                             \
    "beffroi-spool: 1\nstream: %32s\nacknowledged: %llu %llu %lld\nfirst: %llu\n"                  \
    "resume: %llu %llu\nwritten: %llu %llu\nstatement: %llu %64s\n"
enum { LEDGER_SIZE_MAX = 1024 };

static bool hex_parse(const char *text, uint8_t *bytes, size_t size)
{
    if (strlen(text) != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned value = 0;
        if (sscanf(text + 2 * i, "%2x", &value) != 1) {
            return false;
        }
        bytes[i] = (uint8_t)value;
    }
    return true;
}

static void hex_format(const uint8_t *bytes, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
}

static int ledger_parse(const char *text, struct spool_ledger *ledger)
{
    const char *end = strstr(text, "crc32c: ");
    unsigned version = 0;
    unsigned crc = 0;
    /* Every version ends with this line, so that a newer one is told from a damaged one. */
    if (end == NULL || sscanf(end, "crc32c: %8x", &crc) != 1 ||
        crc32c(0, text, (size_t)(end - text)) != crc) {
        return -EBADMSG;
    }
    if (sscanf(text, "beffroi-spool: %9u\n", &version) == 1 && version > 1) {
        return -ENOTSUP;
    }
    char stream[33];
    char hash[65];
    unsigned long long n[8];
    long long at_ms;
    if (sscanf(text, LEDGER_PATTERN, stream, &n[0], &n[1], &at_ms, &n[2], &n[3], &n[4], &n[5],
               &n[6], &n[7], hash) != 11 ||
        !hex_parse(stream, ledger->acknowledged.stream, PROTO_STREAM_SIZE) ||
        !hex_parse(hash, ledger->chain.hash, KEYS_HASH_SIZE)) {
        return -EBADMSG;
    }
    memcpy(ledger->written.stream, ledger->acknowledged.stream, PROTO_STREAM_SIZE);
    ledger->acknowledged.epoch = n[0];
    ledger->acknowledged.sequence = n[1];
    ledger->acknowledged_at.ms = at_ms;
    ledger->first = n[2];
    ledger->resume = (struct seglog_position){n[3], n[4]};
    ledger->written.epoch = n[5];
    ledger->written.sequence = n[6];
    ledger->chain.number = n[7];
    return 0;
}

int spool_ledger_load(const char *path, struct spool_ledger *ledger)
{
    *ledger = (struct spool_ledger){0};
    char *text = NULL;
    int error = durable_read(path, LEDGER_SIZE_MAX, &text, NULL);
    if (error != 0) {
        return error == -EFBIG ? -EBADMSG : error;
    }
    error = ledger_parse(text, ledger);
    free(text);
    return error;
}

int spool_ledger_save(const char *path, const struct spool_ledger *ledger)
{
    char stream[2 * PROTO_STREAM_SIZE + 1];
    char hash[2 * KEYS_HASH_SIZE + 1];
    stream_format(ledger->acknowledged.stream, stream);
    hex_format(ledger->chain.hash, KEYS_HASH_SIZE, hash);
    char text[LEDGER_SIZE_MAX];
    int size = snprintf(
        text, sizeof text - 32, LEDGER_FORMAT, stream,
        (unsigned long long)ledger->acknowledged.epoch,
        (unsigned long long)ledger->acknowledged.sequence, (long long)ledger->acknowledged_at.ms,
        (unsigned long long)ledger->first, (unsigned long long)ledger->resume.segment,
        (unsigned long long)ledger->resume.offset, (unsigned long long)ledger->written.epoch,
        (unsigned long long)ledger->written.sequence, (unsigned long long)ledger->chain.number,
        hash);
    size += snprintf(text + size, sizeof text - (size_t)size, "crc32c: %08x\n",
                     crc32c(0, text, (size_t)size));
    return durable_replace(path, text, (size_t)size, 0600);
}
