/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/keys.h"

#include "common/durable.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum { FILE_SIZE_MAX = 1024 }; /* our own files have 231 bytes */

/* Only bytes: sodium_malloc does not align. */
struct keys {
    char curve_public[KEYS_CURVE_TEXT_SIZE];
    char curve_secret[KEYS_CURVE_TEXT_SIZE];
    char sign_seed[KEYS_SIGN_TEXT_SIZE]; /* base64: what the file holds */
    char sign_public_text[KEYS_SIGN_TEXT_SIZE];
    uint8_t sign_public[crypto_sign_PUBLICKEYBYTES];
    uint8_t sign_secret[crypto_sign_SECRETKEYBYTES];
};

/* The lines of a key file. */
static const struct {
    const char *name;
    size_t offset;
    size_t size; /* of the text, with its NUL */
} lines[] = {
    {"curve-public", offsetof(struct keys, curve_public), KEYS_CURVE_TEXT_SIZE},
    {"curve-secret", offsetof(struct keys, curve_secret), KEYS_CURVE_TEXT_SIZE},
    {"sign-public", offsetof(struct keys, sign_public_text), KEYS_SIGN_TEXT_SIZE},
    {"sign-secret", offsetof(struct keys, sign_seed), KEYS_SIGN_TEXT_SIZE},
};
enum { N_LINES = sizeof lines / sizeof lines[0] };

int keys_init(void)
{
    return sodium_init() < 0 || zmq_has("curve") == 0 ? -EIO : 0;
}

void keys_free(struct keys *keys)
{
    sodium_free(keys); /* wipes it; allows NULL */
}

/* --- making --- */

static void write_base64(char text[KEYS_SIGN_TEXT_SIZE], const uint8_t bytes[32])
{
    (void)sodium_bin2base64(text, KEYS_SIGN_TEXT_SIZE, bytes, 32, sodium_base64_VARIANT_ORIGINAL);
}

/* Sets both signature keys and the public text from a seed. */
static void derive_sign_keys(struct keys *keys, const uint8_t seed[crypto_sign_SEEDBYTES])
{
    (void)crypto_sign_seed_keypair(keys->sign_public, keys->sign_secret, seed); /* always 0 */
    write_base64(keys->sign_public_text, keys->sign_public);
}

struct keys *keys_generate(void)
{
    struct keys *keys = sodium_malloc(sizeof *keys);
    if (keys == NULL) {
        return NULL;
    }
    if (zmq_curve_keypair(keys->curve_public, keys->curve_secret) != 0) {
        keys_free(keys);
        return NULL;
    }
    uint8_t seed[crypto_sign_SEEDBYTES];
    randombytes_buf(seed, sizeof seed);
    write_base64(keys->sign_seed, seed);
    derive_sign_keys(keys, seed);
    sodium_memzero(seed, sizeof seed);
    (void)sodium_mprotect_readonly(keys); /* a help only */
    return keys;
}

/* --- loading --- */

__attribute__((format(printf, 3, 4))) static int refuse(char *reason, size_t reason_size,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, reason_size, format, arguments); /* cut is fine */
    va_end(arguments);
    return -EBADMSG;
}

/* Reads up to `size_max` bytes; the number, or -errno. */
static ssize_t read_whole(int fd, char *bytes, size_t size_max)
{
    size_t used = 0;
    while (used < size_max) {
        ssize_t n = read(fd, bytes + used, size_max - used);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            break;
        }
        used += (size_t)n;
    }
    return (ssize_t)used;
}

/* Takes the file's text apart into the keys' texts. No part of it goes into a reason. */
static int parse_lines(struct keys *keys, const char *text, size_t size, char *reason,
                       size_t reason_size)
{
    for (size_t i = 0; i < N_LINES; i++) {
        size_t head = strlen(lines[i].name);
        size_t length = head + 2 + lines[i].size - 1;
        if (size < length + 1 || memcmp(text, lines[i].name, head) != 0 ||
            memcmp(text + head, ": ", 2) != 0 || text[length] != '\n' ||
            memchr(text, '\n', length) != NULL || memchr(text, '\0', length) != NULL) {
            return refuse(reason, reason_size, "line %zu is not \"%s: \" and %zu characters", i + 1,
                          lines[i].name, lines[i].size - 1);
        }
        char *field = (char *)keys + lines[i].offset;
        memcpy(field, text + head + 2, lines[i].size - 1);
        field[lines[i].size - 1] = '\0';
        text += length + 1;
        size -= length + 1;
    }
    return size != 0 ? refuse(reason, reason_size, "there is more after line %d", (int)N_LINES) : 0;
}

/* Are the texts keys, and do public and secret ones belong together? */
static int check_pairs(struct keys *keys, char *reason, size_t reason_size)
{
    uint8_t curve[KEYS_CURVE_SIZE];
    if (keys_parse_curve_public(keys->curve_public, curve) != 0 ||
        keys_parse_curve_public(keys->curve_secret, curve) != 0) {
        sodium_memzero(curve, sizeof curve);
        return refuse(reason, reason_size, "a curve key is not Z85");
    }
    sodium_memzero(curve, sizeof curve);
    char derived[KEYS_CURVE_TEXT_SIZE];
    if (zmq_curve_public(derived, keys->curve_secret) != 0 ||
        strcmp(derived, keys->curve_public) != 0) {
        return refuse(reason, reason_size, "the curve keys are not a pair");
    }
    uint8_t sign_public[KEYS_SIGN_PUBLIC_SIZE];
    uint8_t seed[crypto_sign_SEEDBYTES];
    if (keys_parse_sign_public(keys->sign_public_text, sign_public) != 0 ||
        keys_parse_sign_public(keys->sign_seed, seed) != 0) {
        return refuse(reason, reason_size, "a sign key is not base64 of 32 bytes");
    }
    derive_sign_keys(keys, seed);
    sodium_memzero(seed, sizeof seed);
    return memcmp(sign_public, keys->sign_public, sizeof sign_public) != 0
               ? refuse(reason, reason_size, "the sign keys are not a pair")
               : 0;
}

static int check_file(int fd, char *reason, size_t reason_size)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return refuse(reason, reason_size, "it is not a regular file");
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        (void)refuse(reason, reason_size, "group or others may use it: its mode is %04o, not 0400",
                     (unsigned)status.st_mode & 07777U);
        return -EPERM;
    }
    return 0;
}

static int parse_file(int fd, struct keys *keys, char *reason, size_t reason_size)
{
    char text[FILE_SIZE_MAX + 1];
    ssize_t size = read_whole(fd, text, sizeof text);
    int rc = size < 0 ? (int)size : 0;
    if (size > FILE_SIZE_MAX) {
        rc = refuse(reason, reason_size, "it has over %d bytes", (int)FILE_SIZE_MAX);
    }
    if (rc == 0) {
        rc = parse_lines(keys, text, (size_t)size, reason, reason_size);
    }
    if (rc == 0) {
        rc = check_pairs(keys, reason, reason_size);
    }
    sodium_memzero(text, sizeof text);
    return rc;
}

int keys_load(const char *path, struct keys **out, char *reason, size_t reason_size)
{
    (void)snprintf(reason, reason_size, "%s", "");
    struct keys *keys = NULL;
    /* A fifo must not hold us up, a link must not lead to another's file. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    int rc = fd < 0 ? -errno : check_file(fd, reason, reason_size);
    if (rc == 0) {
        keys = sodium_malloc(sizeof *keys);
        rc = keys == NULL ? -ENOMEM : parse_file(fd, keys, reason, reason_size);
    }
    if (fd >= 0) {
        (void)close(fd); /* read-only */
    }
    if (rc != 0) {
        if (reason_size > 0 && reason[0] == '\0') {
            (void)snprintf(reason, reason_size, "%s", strerror(-rc));
        }
        keys_free(keys);
        return rc;
    }
    (void)sodium_mprotect_readonly(keys); /* a help only */
    *out = keys;
    return 0;
}

/* --- saving --- */

static int write_whole(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

static size_t print_lines(const struct keys *keys, char *text, size_t room)
{
    size_t used = 0;
    for (size_t i = 0; i < N_LINES; i++) {
        int n = snprintf(text + used, room - used, "%s: %s\n", lines[i].name,
                         (const char *)keys + lines[i].offset);
        used += (size_t)n; /* four lines of known length: they fit */
    }
    return used;
}

int keys_save(const struct keys *keys, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
    if (fd < 0) {
        return -errno;
    }
    char text[FILE_SIZE_MAX];
    int rc = fchmod(fd, 0400) != 0 ? -errno : 0; /* whatever the umask took */
    if (rc == 0) {
        rc = write_whole(fd, text, print_lines(keys, text, sizeof text));
    }
    sodium_memzero(text, sizeof text);
    if (rc == 0 && fsync(fd) != 0) {
        rc = -errno;
    }
    if (close(fd) != 0 && rc == 0) {
        rc = -errno;
    }
    if (rc == 0) {
        rc = durable_sync_folder(path);
    }
    if (rc != 0) {
        (void)unlink(path); /* ours, and of no use: half of it, or not there after a crash */
    }
    return rc;
}

/* --- using --- */

const char *keys_curve_public(const struct keys *keys)
{
    return keys->curve_public;
}

const char *keys_curve_secret(const struct keys *keys)
{
    return keys->curve_secret;
}

const char *keys_sign_public(const struct keys *keys)
{
    return keys->sign_public_text;
}

const uint8_t *keys_sign_public_bytes(const struct keys *keys)
{
    return keys->sign_public;
}

void keys_sign(const struct keys *keys, const void *bytes, size_t size,
               uint8_t signature[KEYS_SIGNATURE_SIZE])
{
    (void)crypto_sign_detached(signature, NULL, bytes, size, keys->sign_secret); /* always 0 */
}

int keys_verify(const uint8_t sign_public[KEYS_SIGN_PUBLIC_SIZE], const void *bytes, size_t size,
                const uint8_t signature[KEYS_SIGNATURE_SIZE])
{
    return crypto_sign_verify_detached(signature, bytes, size, sign_public) != 0 ? -EBADMSG : 0;
}
