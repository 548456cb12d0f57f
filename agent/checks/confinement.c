/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "confinement.h"

#include "common/log.h"
#include "common/privilege.h"
#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What the C library and c-ares resolve names with (nsswitch.conf(5), resolver(3), gai.conf(5)),
 * and the modules that the name service may load meanwhile. */
static const char *const for_names[] = {
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/run/systemd/resolve",
    "/run/nscd",
    "/var/run/nscd",
    "/etc/ld.so.cache",
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/usr/local/lib",
    "/dev/urandom",
    "/dev/null",
};
/* Whom to trust, and how; what stands in /etc/ssl/certs often points to the others. */
static const char *const for_certificates[] = {
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls",
    "/etc/pki/ca-trust",
    "/etc/ca-certificates",
    "/etc/gnutls",
    "/etc/crypto-policies",
    "/usr/share/ca-certificates",
    "/usr/share/pki",
    "/usr/local/share/ca-certificates",
};
enum {
    NAMES = sizeof for_names / sizeof for_names[0],
    CERTIFICATES = sizeof for_certificates / sizeof for_certificates[0],
};

struct readable {
    char *path;
    bool is_folder; /* what is in it may be replaced */
    bool is_there;
    dev_t device;
    ino_t inode;
};

struct confinement {
    bool holds; /* the kernel could deny the other files */
    size_t n;
    struct readable *files;
};

static void look(const char *path, struct readable *file)
{
    struct stat info;
    file->is_there = stat(path, &info) == 0;
    if (file->is_there) {
        file->is_folder = S_ISDIR(info.st_mode);
        file->device = info.st_dev;
        file->inode = info.st_ino;
    }
}

static void add(struct confinement *confinement, const char *path)
{
    struct readable *file = &confinement->files[confinement->n++];
    file->path = xstrdup(path);
    look(path, file);
}

static struct confinement *collect(enum check_part part, const struct checks_share *share)
{
    const struct check_config *checks = share->checks.items;
    struct confinement *confinement = xcalloc(1, sizeof *confinement);
    confinement->files =
        xcalloc(NAMES + CERTIFICATES + share->checks.count, sizeof confinement->files[0]);
    for (size_t i = 0; i < NAMES; i++) {
        add(confinement, for_names[i]);
    }
    for (size_t i = 0; part == CHECK_PART_WEB && i < CERTIFICATES; i++) {
        add(confinement, for_certificates[i]);
    }
    for (size_t i = 0; i < share->checks.count; i++) {
        if (checks[i].ca_file != NULL) {
            add(confinement, checks[i].ca_file);
        }
    }
    return confinement;
}

static int confine(struct confinement *confinement, const char *user,
                   struct privilege_report *report)
{
    const char **paths = xcalloc(confinement->n + 1, sizeof paths[0]);
    for (size_t i = 0; i < confinement->n; i++) {
        paths[i] = confinement->files[i].path;
    }
    int rc = privilege_confine_reading(user, paths, report);
    free(paths);
    confinement->holds = report->files_denied;
    if (rc != 0) {
        log_error("checks", "cannot give up privilege: %s", strerror(-rc));
        return rc;
    }
    int filtered = privilege_filter_client(report);
    if (filtered != 0) {
        log_warn("checks", "the kernel does not filter system calls, it goes on without: %s",
                 strerror(-filtered));
    }
    log_info("checks",
             "confined: user=%s files_denied=%d capabilities_cleared=%d syscalls_filtered=%d",
             report->user, report->files_denied, report->capabilities_cleared,
             report->syscalls_filtered);
    return 0;
}

struct confinement *confinement_enter(enum check_part part, const struct checks_share *share)
{
    struct privilege_report report;
    struct confinement *confinement = collect(part, share);
    if (confine(confinement, share->user, &report) != 0) {
        confinement_free(confinement);
        return NULL;
    }
    return confinement;
}

static bool is_same(const struct readable *file)
{
    struct readable now = {0};
    look(file->path, &now); /* Landlock forbids no question about a file */
    return now.is_there == file->is_there &&
           (file->is_folder || (now.device == file->device && now.inode == file->inode));
}

static bool is_known(const struct confinement *confinement, const char *path)
{
    for (size_t i = 0; i < confinement->n; i++) {
        if (strcmp(confinement->files[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

const char *confinement_outdated(const struct confinement *confinement,
                                 const struct checks_share *share)
{
    const struct check_config *checks = share->checks.items;
    for (size_t i = 0; confinement->holds && i < share->checks.count; i++) {
        if (checks[i].ca_file != NULL && !is_known(confinement, checks[i].ca_file)) {
            return checks[i].ca_file;
        }
    }
    for (size_t i = 0; confinement->holds && i < confinement->n; i++) {
        if (!is_same(&confinement->files[i])) {
            return confinement->files[i].path;
        }
    }
    return NULL;
}

void confinement_free(struct confinement *confinement)
{
    if (confinement == NULL) {
        return;
    }
    for (size_t i = 0; i < confinement->n; i++) {
        free(confinement->files[i].path);
    }
    free(confinement->files);
    free(confinement);
}
