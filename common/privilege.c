/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/privilege.h"

#include "common/xalloc.h"
#include "privilege_landlock.h"
#include "privilege_leaks.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* "nobody" by number, for a system whose list of users lacks it. */
enum { NOBODY_ID = 65534 };

struct identity {
    char name[64];
    bool named; /* `name` is a user of this system whose groups count */
    uid_t uid;
    gid_t gid;
};

static void take_identity(struct identity *identity, const struct passwd *entry)
{
    (void)snprintf(identity->name, sizeof identity->name, "%s", entry->pw_name);
    identity->named = true;
    identity->uid = entry->pw_uid;
    identity->gid = entry->pw_gid;
}

/* -ENOENT: no such user. One thread, so the plain call will do. */
static int find_user(const char *name, struct identity *identity)
{
    errno = 0;
    const struct passwd *entry = getpwnam(name);
    if (entry == NULL) {
        /* "Not found" comes as 0 or as one of several errors, see getpwnam(3). */
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EINTR ? -errno
                                                                                       : -ENOENT;
    }
    take_identity(identity, entry);
    return 0;
}

static void find_self(struct identity *identity)
{
    *identity = (struct identity){.uid = geteuid(), .gid = getegid()};
    const struct passwd *entry = getpwuid(identity->uid);
    if (entry != NULL) {
        take_identity(identity, entry);
    } else {
        (void)snprintf(identity->name, sizeof identity->name, "%u", (unsigned)identity->uid);
    }
}

/* A worker's user is only a place without power: any will do. */
static void find_worker_user(const char *name, struct identity *identity)
{
    if (name != NULL && find_user(name, identity) == 0 && identity->uid != 0) {
        return;
    }
    if (find_user("nobody", identity) == 0 && identity->uid != 0) {
        /* In no group but its own. To look that up would load the name service's modules. */
        identity->named = false;
        return;
    }
    *identity = (struct identity){.name = "65534", .uid = NOBODY_ID, .gid = NOBODY_ID};
}

/* --- capabilities --- */

/* The bounding set can only be cut by who may set capabilities. For another it does not matter:
 * without privileged programs (no_new_privs) nothing is gained from it. */
static int cut_bounding_set(bool keep_net_raw)
{
    for (unsigned long capability = 0;; capability++) {
        int there = prctl(PR_CAPBSET_READ, capability, 0UL, 0UL, 0UL);
        if (there < 0) {
            return errno == EINVAL ? 0 : -errno; /* the kernel has no more of them */
        }
        if (there == 0 || (keep_net_raw && capability == CAP_NET_RAW)) {
            continue;
        }
        if (prctl(PR_CAPBSET_DROP, capability, 0UL, 0UL, 0UL) != 0) {
            return errno == EPERM ? 0 : -errno;
        }
    }
}

/* Ambient ones are lowered first: the kernel has had them since 4.3 (-EINVAL before). */
static int cut_capabilities(bool keep_net_raw)
{
    if (prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL) != 0 &&
        errno != EINVAL) {
        return -errno;
    }
    capng_clear(CAPNG_SELECT_CAPS);
    if (keep_net_raw &&
        capng_update(CAPNG_ADD,
                     (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE),
                     CAP_NET_RAW) != 0) {
        return -EINVAL;
    }
    errno = 0;
    if (capng_apply(CAPNG_SELECT_CAPS) != 0) {
        return errno != 0 ? -errno : -EPERM;
    }
    if (keep_net_raw && prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_RAISE,
                              (unsigned long)CAP_NET_RAW, 0UL, 0UL) != 0) {
        return -errno;
    }
    return 0;
}

static bool holds(capng_type_t set, unsigned capability)
{
    return capng_get_caps_process() == 0 && capng_have_capability(set, capability) != 0;
}

/* What we were told to have lost, looked at with the kernel's eyes. */
static bool has_no_capability(void)
{
    return capng_get_caps_process() == 0 &&
           capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE;
}

/* --- the user --- */

static int change_user(const struct identity *identity)
{
    int rc =
        identity->named ? initgroups(identity->name, identity->gid) : setgroups(1, &identity->gid);
    if (rc != 0 || setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) != 0) {
        return -errno;
    }
    return 0;
}

static bool can_return_to_root(void)
{
    return setresuid((uid_t)-1, 0, (uid_t)-1) == 0 || setresgid((gid_t)-1, 0, (gid_t)-1) == 0;
}

/* The kernel forgets the signal of the parent's death when a process changes its user. */
struct mourning {
    int signal; /* 0: none was asked for */
    pid_t parent;
};

static void remember_parent(struct mourning *mourning)
{
    mourning->parent = getppid();
    if (prctl(PR_GET_PDEATHSIG, &mourning->signal) != 0) {
        mourning->signal = 0;
    }
}

static void remind_of_parent(const struct mourning *mourning)
{
    if (mourning->signal == 0) {
        return;
    }
    (void)prctl(PR_SET_PDEATHSIG, (unsigned long)mourning->signal); /* a valid signal: it was set */
    if (getppid() != mourning->parent) {
        (void)raise(mourning->signal); /* it died meanwhile */
    }
}

/* --- the public functions --- */

static int drop_power(const struct identity *identity, bool change, bool keep_net_raw)
{
    int error = cut_bounding_set(keep_net_raw);
    if (error == 0 && change) {
        if (keep_net_raw && prctl(PR_SET_KEEPCAPS, 1UL, 0UL, 0UL, 0UL) != 0) {
            return -errno;
        }
        error = change_user(identity);
    }
    if (error == 0) {
        error = cut_capabilities(keep_net_raw);
    }
    (void)prctl(PR_SET_KEEPCAPS, 0UL, 0UL, 0UL, 0UL); /* cannot fail with 0 */
    return error;
}

/* A core dump would hold keys and what peers sent. */
static int forbid_core_dump(void)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) != 0) {
        return -errno;
    }
    return 0;
}

int privilege_confine_reading(const char *user, const char *const readable[],
                              struct privilege_report *report)
{
    struct identity identity;
    struct mourning mourning;
    bool change = geteuid() == 0;
    *report = (struct privilege_report){0};
    if (change) {
        find_worker_user(user, &identity);
    } else {
        find_self(&identity);
    }
    (void)snprintf(report->user, sizeof report->user, "%s", identity.name);
    remember_parent(&mourning);
    privilege_leaks_forgo();
    int error = drop_power(&identity, change, false);
    remind_of_parent(&mourning);
    if (error != 0) {
        return error;
    }
    report->user_changed = change;
    if (change && can_return_to_root()) {
        return -EPERM;
    }
    if (!has_no_capability()) {
        return -EPERM;
    }
    report->capabilities_cleared = true;
    report->no_new_privileges = prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0;
    error = forbid_core_dump();
    if (error != 0) {
        return error;
    }
    report->files_denied = privilege_landlock_deny_files(readable) == 0;
    return 0;
}

int privilege_confine(const char *user, struct privilege_report *report)
{
    return privilege_confine_reading(user, NULL, report);
}

int privilege_become(const char *user, bool keep_net_raw)
{
    if (geteuid() != 0) {
        return 0;
    }
    struct identity identity;
    int error = find_user(user, &identity);
    if (error != 0) {
        return error;
    }
    if (identity.uid == 0) {
        return 0; /* the administrator asked for root */
    }
    /* A container's root may not have it: then there is nothing to keep. */
    bool keep = keep_net_raw && holds(CAPNG_PERMITTED, CAP_NET_RAW);
    struct mourning mourning;
    remember_parent(&mourning);
    privilege_leaks_forgo();
    error = drop_power(&identity, true, keep);
    remind_of_parent(&mourning);
    if (error == 0 && can_return_to_root()) {
        error = -EPERM;
    }
    return error;
}

bool privilege_has_net_raw(void)
{
    return holds(CAPNG_EFFECTIVE, CAP_NET_RAW);
}
