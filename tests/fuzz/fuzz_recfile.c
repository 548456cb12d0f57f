/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a record file: what the reader gives lies within the file, the repair keeps exactly
 * these records and the bytes it cut off, and afterwards the file can be appended to and read. */
#include "common/recfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A folder for the process, in memory where there is one. */
static char file_path[64];
static char quarantine_path[64];
static char folder[32];

static void remove_folder(void)
{
    (void)unlink(file_path);
    (void)unlink(quarantine_path);
    (void)rmdir(folder);
}

static void make_folder(void)
{
    if (folder[0] != '\0') {
        return;
    }
    (void)snprintf(folder, sizeof folder, "%s/fuzz-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert(mkdtemp(folder) != NULL);
    (void)snprintf(file_path, sizeof file_path, "%s/file", folder);
    (void)snprintf(quarantine_path, sizeof quarantine_path, "%s/quarantine", folder);
    (void)atexit(remove_folder);
}

static uint64_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

struct found {
    bool opened; /* the header is good */
    size_t records;
    uint64_t end;
    int rc;
};

static struct found read_all(uint64_t from, size_t size_max)
{
    struct found found = {0};
    struct recfile_reader *reader;
    found.rc = recfile_reader_open(&reader, file_path, from);
    if (found.rc != 0) {
        return found;
    }
    found.opened = true;
    found.end = recfile_reader_offset(reader);
    const uint8_t *payload;
    size_t size;
    unsigned sum = 0;
    while ((found.rc = recfile_next(reader, &payload, &size)) == 1) {
        assert(size > 0 && size <= size_max);
        sum += payload[0] + payload[size - 1];
        found.records++;
        assert(recfile_reader_offset(reader) > found.end);
        found.end = recfile_reader_offset(reader);
    }
    assert(sum <= found.records * 510);
    assert(found.rc == 0 || found.rc == -EBADMSG);
    assert(recfile_next(reader, &payload, &size) == found.rc); /* it stays so */
    recfile_reader_close(reader);
    return found;
}

static void repair(struct found before, size_t file_size)
{
    struct recfile_writer *writer;
    uint64_t damaged;
    int rc = recfile_append_open(&writer, file_path, quarantine_path, &damaged);
    if (!before.opened) {
        assert(rc == -EBADMSG && size_of(file_path) == file_size);
        return;
    }
    assert(rc == 0 && recfile_size(writer) == before.end);
    assert(size_of(quarantine_path) == damaged && before.end + damaged <= file_size);
    assert(damaged > 0 || before.rc == 0);
    struct found after = read_all(0, file_size);
    assert(after.rc == 0 && after.records == before.records);
    assert(recfile_append(writer, "bell", 4, NULL) == 0);
    recfile_writer_close(writer);
    after = read_all(0, file_size + 4);
    assert(after.rc == 0 && after.records == before.records + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    make_folder();
    (void)unlink(quarantine_path);
    int fd = open(file_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert(fd >= 0);
    assert(write(fd, bytes, size) == (ssize_t)size);
    assert(close(fd) == 0);
    if (size >= 2) { /* a saved position may point anywhere */
        (void)read_all((uint64_t)bytes[size - 1] << 8 | bytes[size - 2], size);
    }
    repair(read_all(0, size), size);
    return 0;
}
