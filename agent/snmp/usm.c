/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usm.h"

#include "common/xalloc.h"
#include "snmp/config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/library/lcd_time.h>
#include <net-snmp/net-snmp-includes.h>

enum {
    TIMEOUTS_OF_DOUBT = 2,
    RESET_EVERY_MS = 600000, /* a reset gives up the protection from replay once */
    TIME_WINDOW_S = 150,     /* RFC 3414 section 2.2.3 */
};

struct usm {
    char *name;
    int level;
    int auth_protocol;
    int priv_protocol;
    const struct usm_key *auth; /* NULL: noAuth */
    const struct usm_key *priv; /* NULL: noPriv */
    struct usmUser *user;       /* NULL: no engine is known */
    uint8_t engine_id[USM_ENGINE_ID_MAX];
    size_t engine_id_size;
    int bucket; /* of the library's list of engines */
    u_int boots;
    u_int time_s; /* as last received */
    bool is_authentic;
    struct mono received;
    bool is_doubtful;
    unsigned timeouts; /* in a row */
    bool has_reset;
    struct mono reset;
    bool is_entered;
    time_t entered_at; /* by the library's clock, as written into the record */
};

/* --- the library's list of engine times --- */

/* The library's list is the process's, so this is too: one record in each of its buckets that is
 * lent to whoever enters. Looking a record up hashes the ID with MD5 (0.4 us, eight times for a
 * request), and only a record whose time of receipt is set by hand keeps its age. */
static Enginetime lent[ETIMELIST_SIZE];

static void hide(Enginetime record)
{
    record->engineID = NULL;
    record->engineID_len = 0; /* no ID is that short */
}

static Enginetime borrow(struct usm *usm)
{
    Enginetime *record = &lent[usm->bucket];
    if (*record == NULL) {
        if (set_enginetime(usm->engine_id, (u_int)usm->engine_id_size, 0, 0, FALSE) !=
            SNMPERR_SUCCESS) {
            abort(); /* as xalloc does */
        }
        *record = search_enginetime_list(usm->engine_id, (u_int)usm->engine_id_size);
        assert(*record != NULL);
        free((*record)->engineID);
        hide(*record);
    }
    return *record;
}

/* What the library noted of an engine that had not entered, and forgets by this. */
static void take_noted(const uint8_t *engine_id, size_t size, int bucket, u_int *boots,
                       u_int *time_s)
{
    Enginetime record = search_enginetime_list(engine_id, (u_int)size);
    *boots = record != NULL ? record->engineBoot : 0;
    *time_s = record != NULL ? record->engineTime : 0;
    /* It empties the bucket, not only this engine's record. */
    free_enginetime((u_char *)(uintptr_t)engine_id, size);
    lent[bucket] = NULL;
}

void usm_enter(struct usm *usm)
{
    if (usm->user == NULL) {
        return;
    }
    assert(!usm->is_entered);
    Enginetime record = borrow(usm);
    int64_t age_s = mono_elapsed_ms(usm->received, clock_mono()) / 1000;
    record->engineID = usm->engine_id;
    record->engineID_len = (u_int)usm->engine_id_size;
    record->engineBoot = usm->boots;
    record->engineTime = usm->time_s;
    record->authenticatedFlag = usm->is_authentic;
    record->lastReceivedEngineTime = (time_t)snmpv3_local_snmpEngineTime() - age_s;
    usm->entered_at = record->lastReceivedEngineTime;
    usm->is_entered = true;
    usm_add_user(usm->user);
}

void usm_leave(struct usm *usm)
{
    if (!usm->is_entered) {
        return;
    }
    Enginetime record = lent[usm->bucket];
    if (record->lastReceivedEngineTime != usm->entered_at || record->engineBoot != usm->boots ||
        record->engineTime != usm->time_s || (bool)record->authenticatedFlag != usm->is_authentic) {
        usm->boots = record->engineBoot;
        usm->time_s = record->engineTime;
        usm->is_authentic = record->authenticatedFlag != 0;
        usm->received = clock_mono();
    }
    hide(record);
    usm_remove_user(usm->user);
    usm->user->next = NULL;
    usm->user->prev = NULL;
    usm->is_entered = false;
}

/* --- the user --- */

static void free_user(struct usm *usm)
{
    if (usm->user == NULL) {
        return;
    }
    if (usm->user->authKey != NULL) {
        explicit_bzero(usm->user->authKey, usm->user->authKeyLen);
    }
    if (usm->user->privKey != NULL) {
        explicit_bzero(usm->user->privKey, usm->user->privKeyLen);
    }
    usm_free_user(usm->user);
    usm->user = NULL;
}

static int set_protocol(const oid *name, size_t n, oid **to, size_t *to_n)
{
    if (name == NULL) {
        return -ENOTSUP;
    }
    free(*to);
    *to = xmemdup(name, n * sizeof *name);
    *to_n = n;
    return 0;
}

/* A key localized to the user's engine, in a buffer that has room to be lengthened. */
static int localize(const struct usmUser *user, const struct usm_key *key, u_char **to,
                    size_t *to_size)
{
    *to = xcalloc(1, USM_PRIV_KU_LEN);
    *to_size = USM_PRIV_KU_LEN;
    return generate_kul(user->authProtocol, (u_int)user->authProtocolLen, user->engineID,
                        user->engineIDLen, key->bytes, key->size, *to, to_size) == SNMPERR_SUCCESS
               ? 0
               : -ENOTSUP;
}

static int give_keys(const struct usm *usm, struct usmUser *user)
{
    size_t n;
    if (usm->auth == NULL) {
        return 0;
    }
    const oid *name = usm_auth_oid(usm->auth_protocol, &n);
    int rc = set_protocol(name, n, &user->authProtocol, &user->authProtocolLen);
    if (rc == 0) {
        rc = localize(user, usm->auth, &user->authKey, &user->authKeyLen);
    }
    if (rc != 0 || usm->priv == NULL) {
        return rc;
    }
    name = usm_priv_oid(usm->priv_protocol, &n);
    rc = set_protocol(name, n, &user->privProtocol, &user->privProtocolLen);
    if (rc == 0) {
        rc = localize(user, usm->priv, &user->privKey, &user->privKeyLen);
    }
    if (rc == 0 && usm_extend_user_kul(user, USM_PRIV_KU_LEN) != SNMPERR_SUCCESS) {
        rc = -ENOTSUP;
    }
    return rc;
}

static int make_user(struct usm *usm)
{
    free_user(usm);
    usm->user = usm_create_user();
    if (usm->user == NULL) {
        abort(); /* as xalloc does */
    }
    usm->user->engineID = xmemdup(usm->engine_id, usm->engine_id_size);
    usm->user->engineIDLen = usm->engine_id_size;
    usm->user->name = xstrdup(usm->name);
    usm->user->secName = xstrdup(usm->name);
    int rc = give_keys(usm, usm->user);
    if (rc != 0) {
        free_user(usm);
    }
    return rc;
}

/* --- discovery --- */

static void set_engine_id(u_char **to, size_t *to_size, const uint8_t *engine_id, size_t size)
{
    free(*to); /* the library may have put one there already */
    *to = xmemdup(engine_id, size);
    *to_size = size;
}

bool usm_is_engine(const struct usm *usm, const uint8_t *engine_id, size_t size)
{
    return usm->user != NULL && size == usm->engine_id_size && engine_id != NULL &&
           memcmp(engine_id, usm->engine_id, size) == 0;
}

static void believe(struct usm *usm, u_int boots, u_int time_s)
{
    usm->boots = boots;
    usm->time_s = time_s;
    usm->is_authentic = false;
    usm->received = clock_mono();
}

/* Does the engine count from a lower boots or an earlier time than it told before? */
static bool went_back(const struct usm *usm, u_int boots, u_int time_s)
{
    int64_t now_s = usm->time_s + mono_elapsed_ms(usm->received, clock_mono()) / 1000;
    return boots < usm->boots || (boots == usm->boots && time_s + TIME_WINDOW_S < now_s);
}

static bool may_reset(const struct usm *usm)
{
    return !usm->has_reset || mono_elapsed_ms(usm->reset, clock_mono()) >= RESET_EVERY_MS;
}

int usm_discovered(struct usm *usm, netsnmp_session *library, const uint8_t *engine_id, size_t size,
                   bool *is_reset)
{
    u_int boots;
    u_int time_s;
    *is_reset = false;
    int bucket = size == 0 || size > USM_ENGINE_ID_MAX ? -1 : hash_engineID(engine_id, (u_int)size);
    if (bucket < 0) {
        return -EBADMSG;
    }
    take_noted(engine_id, size, bucket, &boots, &time_s);
    usm->is_doubtful = false;
    usm->timeouts = 0;
    if (usm_is_engine(usm, engine_id, size)) {
        if (went_back(usm, boots, time_s) && may_reset(usm)) {
            believe(usm, boots, time_s);
            usm->has_reset = true;
            usm->reset = usm->received;
            *is_reset = true;
        }
    } else {
        memcpy(usm->engine_id, engine_id, size);
        usm->engine_id_size = size;
        usm->bucket = bucket;
        believe(usm, boots, time_s);
        int rc = make_user(usm);
        if (rc != 0) {
            return rc;
        }
    }
    set_engine_id(&library->securityEngineID, &library->securityEngineIDLen, engine_id, size);
    return 0;
}

void usm_forget_noted(const uint8_t *engine_id, size_t size)
{
    u_int boots;
    u_int time_s;
    int bucket = size == 0 ? -1 : hash_engineID(engine_id, (u_int)size);
    if (bucket >= 0) {
        take_noted(engine_id, size, bucket, &boots, &time_s);
    }
}

bool usm_wants_discovery(const struct usm *usm)
{
    return usm->user == NULL || usm->is_doubtful;
}

void usm_doubt(struct usm *usm)
{
    usm->is_doubtful = true;
}

void usm_answered(struct usm *usm)
{
    usm->timeouts = 0;
}

void usm_timed_out(struct usm *usm)
{
    usm->timeouts++;
    usm->is_doubtful = usm->is_doubtful || usm->timeouts >= TIMEOUTS_OF_DOUBT;
}

const uint8_t *usm_engine_id(const struct usm *usm, size_t *size)
{
    *size = usm->engine_id_size;
    return usm->user != NULL ? usm->engine_id : NULL;
}

uint32_t usm_boots(const struct usm *usm)
{
    return usm->is_authentic ? usm->boots : 0;
}

const char *usm_name(const struct usm *usm)
{
    return usm->name;
}

int usm_level(const struct usm *usm)
{
    return usm->level;
}

/* --- reports --- */

static const char time_report[] = "not-in-time-window";

const char *usm_refusal(struct oid_view name)
{
    enum { PREFIX_MAX = 9 };
    static const struct {
        size_t n; /* of the prefix; one that tells, and the instance, follow */
        unsigned long prefix[PREFIX_MAX];
        unsigned long last;
        const char *word;
    } words[] = {
        {9, {1, 3, 6, 1, 6, 3, 11, 2, 1}, 1, "unsupported-model"},
        {8, {1, 3, 6, 1, 6, 3, 12, 1}, 4, "unknown-context"}, /* snmpUnavailableContexts */
        {8, {1, 3, 6, 1, 6, 3, 12, 1}, 5, "unknown-context"},
        {9, {1, 3, 6, 1, 6, 3, 15, 1, 1}, 1, "unsupported-level"},
        {9, {1, 3, 6, 1, 6, 3, 15, 1, 1}, 2, time_report},
        {9, {1, 3, 6, 1, 6, 3, 15, 1, 1}, 3, "unknown-user"},
        {9, {1, 3, 6, 1, 6, 3, 15, 1, 1}, 4, "unknown-engine"},
        {9, {1, 3, 6, 1, 6, 3, 15, 1, 1}, 5, "wrong-key"},
        {9, {1, 3, 6, 1, 6, 3, 15, 1, 1}, 6, "wrong-privacy-key"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (name.n == words[i].n + 2 && name.ids[words[i].n] == words[i].last &&
            memcmp(name.ids, words[i].prefix, words[i].n * sizeof name.ids[0]) == 0) {
            return words[i].word;
        }
    }
    return "unknown-report";
}

bool usm_is_time_report(struct oid_view name)
{
    return usm_refusal(name) == time_report;
}

/* --- life --- */

void usm_describe(struct usm *usm, netsnmp_session *library)
{
    library->securityModel = SNMP_SEC_MODEL_USM;
    library->securityLevel = usm->level;
    library->securityName = usm->name;
    library->securityNameLen = strlen(usm->name);
}

struct usm *usm_open(struct usm_keys *keys, const struct snmp_access_config *access)
{
    size_t n;
    if (access->user == NULL || (access->priv.present && !access->auth.present)) {
        errno = EINVAL;
        return NULL;
    }
    struct usm *usm = xcalloc(1, sizeof *usm);
    usm->level = access->priv.present   ? SNMP_SEC_LEVEL_AUTHPRIV
                 : access->auth.present ? SNMP_SEC_LEVEL_AUTHNOPRIV
                                        : SNMP_SEC_LEVEL_NOAUTH;
    usm->auth_protocol = access->auth.protocol;
    usm->priv_protocol = access->priv.protocol;
    usm->name = xstrdup(access->user);
    int error = 0;
    if (access->auth.present) {
        usm->auth = usm_keys_get(keys, access->auth.protocol, access->auth.passphrase);
        error = usm->auth == NULL ? errno : 0;
    }
    if (error == 0 && access->priv.present) {
        usm->priv = usm_keys_get(keys, access->auth.protocol, access->priv.passphrase);
        error = usm->priv == NULL                                 ? errno
                : usm_priv_oid(access->priv.protocol, &n) == NULL ? ENOTSUP
                                                                  : 0;
    }
    if (error != 0) {
        usm_close(usm);
        errno = error;
        return NULL;
    }
    return usm;
}

void usm_close(struct usm *usm)
{
    if (usm == NULL) {
        return;
    }
    usm_leave(usm);
    free_user(usm);
    free(usm->name);
    explicit_bzero(usm, sizeof *usm);
    free(usm);
}
