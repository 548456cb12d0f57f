/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snmp/config.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "proto/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PASSPHRASE_MIN_BYTES = 8,
    PASSPHRASE_MAX_BYTES = 255,
    FILE_MAX_BYTES = PASSPHRASE_MAX_BYTES + 3, /* a line's end, and one byte that is too much */
};

/* A path of the configuration is that of its folder. */
static char *resolve(const char *path, const char *config_path)
{
    const char *slash = strrchr(config_path, '/');
    if (path[0] == '/' || slash == NULL) {
        return xstrdup(path);
    }
    return xasprintf("%.*s/%s", (int)(slash - config_path), config_path, path);
}

/* NULL, or what is wrong with the file. That others may read it is said and no more: secrets that
 * are mounted into a container, say, have that mode. */
static const char *check_file(int fd, const char *path)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return strerrordesc_np(errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return "is no file";
    }
    if ((info.st_mode & S_IRWXO) != 0) {
        log_warn("snmp", "others have a right on a passphrase: take it away with: chmod o= %s",
                 path);
    }
    return NULL;
}

/* NULL, or what is wrong with the text, which never says the text itself. */
static const char *check_line(char *text, size_t *size)
{
    if (*size > 0 && text[*size - 1] == '\n') {
        (*size)--;
        *size -= *size > 0 && text[*size - 1] == '\r' ? 1 : 0;
    }
    if (memchr(text, '\n', *size) != NULL) {
        return "must hold one line, the passphrase";
    }
    if (*size < PASSPHRASE_MIN_BYTES || *size > PASSPHRASE_MAX_BYTES) {
        return "the passphrase must be 8 to 255 bytes long";
    }
    if (!name_is_valid(text, *size)) {
        return "the passphrase must be UTF-8 without control characters";
    }
    if (strspn(text, "*") == *size) {
        return "asterisks are no passphrase";
    }
    return NULL;
}

/* The file's only line; NULL with a reason. */
static char *read_line(const char *path, const char **reason)
{
    char text[FILE_MAX_BYTES + 1] = "";
    char *line = NULL;
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* it may be a FIFO */
    if (fd < 0) {
        *reason = strerrordesc_np(errno);
        return NULL;
    }
    *reason = check_file(fd, path);
    while (*reason == NULL && size < FILE_MAX_BYTES) {
        ssize_t got = read(fd, text + size, FILE_MAX_BYTES - size);
        if (got == 0) {
            break;
        }
        *reason = got < 0 && errno != EINTR ? strerrordesc_np(errno) : NULL;
        size += got > 0 ? (size_t)got : 0;
    }
    (void)close(fd); /* only read */
    *reason = *reason == NULL ? check_line(text, &size) : *reason;
    line = *reason == NULL ? xstrndup(text, size) : NULL;
    explicit_bzero(text, sizeof text);
    return line;
}

struct reading {
    const char *config_path;
    struct config_errors *errors;
    bool failed;
};

static void read_key(struct reading *reading, const struct snmp_device_config *device, size_t index,
                     const char *kind, struct snmp_key_config *key)
{
    const char *reason = NULL;
    if (!key->present || key->passphrase_file == NULL || key->passphrase != NULL) {
        return;
    }
    char *path = resolve(key->passphrase_file, reading->config_path);
    key->passphrase = read_line(path, &reason);
    if (key->passphrase == NULL) {
        char name[64];
        snprintf(name, sizeof name, "devices[%zu].snmp.%s.passphrase_file", index, kind);
        config_errors_add(reading->errors, reading->config_path, device->place.line, name, path,
                          "device %s: %s", device->name, reason);
        reading->failed = true;
    }
    free(path);
}

int snmp_read_passphrases(struct config_list *devices, const char *config_path,
                          struct config_errors *errors)
{
    struct snmp_device_config *items = devices->items;
    struct reading reading = {.config_path = config_path, .errors = errors};
    for (size_t i = 0; i < devices->count; i++) {
        read_key(&reading, &items[i], i, "auth", &items[i].snmp.auth);
        read_key(&reading, &items[i], i, "priv", &items[i].snmp.priv);
    }
    return reading.failed ? -EINVAL : 0;
}
