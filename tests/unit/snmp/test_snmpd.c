/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sessions against net-snmp's own agent: every version, every combination of SNMPv3 protocols, what
 * it refuses, and its restarts. Skipped where there is no snmpd. */
#include "session_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 2000, START_MS = 20, LIMIT_S = 10, TIMEOUT_MS = 30, NAME_SIZE = 16 };

static const char snmpd_path[] = "/usr/sbin/snmpd";
static char auth_passphrase[] = "a watch at night";
static char priv_passphrase[] = "a bell by day";

/* As snmpd calls them. */
static const char *const auth_words[] = {
    [SNMP_AUTH_MD5] = "MD5",        [SNMP_AUTH_SHA1] = "SHA",       [SNMP_AUTH_SHA224] = "SHA-224",
    [SNMP_AUTH_SHA256] = "SHA-256", [SNMP_AUTH_SHA384] = "SHA-384", [SNMP_AUTH_SHA512] = "SHA-512",
};
static const char *const priv_words[] = {
    [SNMP_PRIV_DES] = "DES",
    [SNMP_PRIV_AES128] = "AES",
    [SNMP_PRIV_AES192] = "AES-192",
    [SNMP_PRIV_AES256] = "AES-256",
    [SNMP_PRIV_AES192_CISCO] = "AES-192-C",
    [SNMP_PRIV_AES256_CISCO] = "AES-256-C",
};
enum {
    AUTHS = sizeof auth_words / sizeof auth_words[0],
    PRIVS = sizeof priv_words / sizeof priv_words[0],
};

struct snmpd {
    char folder[64];
    uint16_t port;
    pid_t pid;
};

/* --- the agent --- */

static bool is_there(void)
{
    return access(snmpd_path, X_OK) == 0;
}

/* A port that was free a moment ago, for both families. */
static uint16_t free_port(void)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    rig_address(&address, AF_INET6, 0);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(struct sockaddr_in6)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
}

static void write_users(FILE *file, const char *auth, const char *priv)
{
    fprintf(file, "createUser none\nrouser none noauth\n");
    for (int i = 0; i < AUTHS; i++) {
        fprintf(file, "createUser auth%d %s \"%s\"\nrouser auth%d auth\n", i, auth_words[i], auth,
                i);
        for (int j = 0; j < PRIVS; j++) {
            fprintf(file, "createUser priv%d%d %s \"%s\" %s \"%s\"\nrouser priv%d%d priv\n", i, j,
                    auth_words[i], auth, priv_words[j], priv, i, j);
        }
    }
}

/* The agent adds one to the boots when it starts; 0: it has lost them, and begins with 1. */
static void write_config(const struct snmpd *snmpd, unsigned boots, const char *auth,
                         const char *priv)
{
    static const char engine_id[] = "0x80001f8804626566666f69";
    char path[128];
    snprintf(path, sizeof path, "%s/test.conf", snmpd->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "exactEngineID %s\nrocommunity secret\nrocommunity6 secret\nsysName tower\n",
            engine_id);
    if (boots > 0) {
        fprintf(file, "oldEngineID %s\nengineBoots %u\n", engine_id, boots);
    }
    write_users(file, auth, priv);
    assert_int_equal(fclose(file), 0);
}

static void run_snmpd(struct snmpd *snmpd)
{
    char config[128];
    char endpoint_v4[64];
    char endpoint_v6[64];
    snprintf(config, sizeof config, "%s/test.conf", snmpd->folder);
    snprintf(endpoint_v4, sizeof endpoint_v4, "udp:127.0.0.1:%u", snmpd->port);
    snprintf(endpoint_v6, sizeof endpoint_v6, "udp6:[::1]:%u", snmpd->port);
    snmpd->pid = fork();
    assert_true(snmpd->pid >= 0);
    if (snmpd->pid == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when a test ends halfway */
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        setenv("SNMP_PERSISTENT_DIR", snmpd->folder, 1);
        setenv("MIBS", "", 1);
        unsetenv("LD_PRELOAD");
        execl(snmpd_path, snmpd_path, "-f", "-C", "-c", config, "-Lo", "-I",
              "-smux,-hrSWRunTable,-hrSWInstalledTable", endpoint_v4, endpoint_v6, (char *)NULL);
        _exit(127);
    }
}

static void kill_snmpd(struct snmpd *snmpd)
{
    kill(snmpd->pid, SIGKILL);
    waitpid(snmpd->pid, NULL, 0);
    snmpd->pid = 0;
}

static void open_snmpd(struct snmpd *snmpd, unsigned boots, const char *auth, const char *priv)
{
    snprintf(snmpd->folder, sizeof snmpd->folder, "/tmp/test_snmpd.XXXXXX");
    assert_non_null(mkdtemp(snmpd->folder));
    snmpd->port = free_port();
    write_config(snmpd, boots, auth, priv);
    run_snmpd(snmpd);
}

static void remove_folder(const char *folder)
{
    DIR *open = opendir(folder);
    const struct dirent *entry;
    while (open != NULL && (entry = readdir(open)) != NULL) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlink(path) != 0) {
            (void)rmdir(path); /* an empty one */
        }
    }
    closedir(open);
    assert_int_equal(rmdir(folder), 0);
}

static void close_snmpd(struct snmpd *snmpd)
{
    kill_snmpd(snmpd);
    remove_folder(snmpd->folder);
}

/* --- the session's side --- */

struct fixture {
    uv_loop_t loop;
    struct engine *engine;
    struct snmpd snmpd;
};

static void open_asker(struct fixture *fixture, struct asker *asker,
                       const struct snmp_access_config *access)
{
    *asker = (struct asker){.access = *access};
    asker_open(asker, fixture->engine, AF_INET, fixture->snmpd.port);
}

static void await_snmpd(struct fixture *fixture, const struct snmpd *snmpd)
{
    static char secret[] = "secret";
    struct asker asker = {.access = {.version = SNMP_CONFIG_V2C, .community = secret}};
    int64_t end_ns = rig_now_ns() + LIMIT_S * (int64_t)1000000000;
    asker_open(&asker, fixture->engine, AF_INET, snmpd->port);
    while (asker_get(&fixture->loop, &asker, START_MS) != REPLY_ANSWERED) {
        assert_true(rig_now_ns() < end_ns);
    }
    session_close(asker.session);
}

static int open_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    engine_library_init();
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->engine = engine_open(&fixture->loop, 10000);
    if (is_there()) {
        open_snmpd(&fixture->snmpd, 5, auth_passphrase, priv_passphrase);
        await_snmpd(fixture, &fixture->snmpd);
    }
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;
    if (is_there()) {
        close_snmpd(&fixture->snmpd);
    }
    engine_close(fixture->engine);
    rig_finish(&fixture->loop);
    free(fixture);
    return 0;
}

/* `auth` or `priv` -1: without. */
static struct snmp_access_config v3_access(char name[NAME_SIZE], int auth, int priv)
{
    snprintf(name, NAME_SIZE, auth < 0 ? "none" : priv < 0 ? "auth%d" : "priv%d%d", auth, priv);
    return (struct snmp_access_config){
        .version = SNMP_CONFIG_V3,
        .user = name,
        .auth = {.present = auth >= 0, .protocol = auth, .passphrase = auth_passphrase},
        .priv = {.present = priv >= 0, .protocol = priv, .passphrase = priv_passphrase}};
}

static void assert_is_answered(struct fixture *fixture, const struct snmp_access_config *access,
                               int family, size_t times)
{
    static const char *const names[] = {"1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.3.0", NULL};
    struct asker asker = {.access = *access};
    asker_open(&asker, fixture->engine, family, fixture->snmpd.port);
    for (size_t n = 1; n <= times; n++) {
        asker_ask(&asker, REQUEST_GET, 0, PATIENCE_MS, names);
        asker_run(&fixture->loop, &asker, n);
        assert_int_equal(asker.reply.status, REPLY_ANSWERED);
        assert_int_equal(asker.reply.n_varbinds, 2);
        assert_string_equal(asker.text, "tower");
    }
    for (enum snmp_count which = 0; which < COUNT_N; which++) {
        assert_true(!snmp_count_is_trouble(which) || asker_count(&asker, which) == 0);
    }
    assert_int_equal(asker_count(&asker, COUNT_REQUESTS), times);
    session_close(asker.session);
}

static void every_protocol_is_spoken(void **state)
{
    static char secret[] = "secret";
    static const int families[] = {AF_INET, AF_INET6};
    struct fixture *fixture = *state;
    char name[NAME_SIZE];
    if (!is_there()) {
        skip();
    }
    for (size_t i = 0; i < 2; i++) {
        const struct snmp_access_config v1 = {.version = SNMP_CONFIG_V1, .community = secret};
        const struct snmp_access_config v2c = {.version = SNMP_CONFIG_V2C, .community = secret};
        const struct snmp_access_config v3 = v3_access(name, SNMP_AUTH_SHA256, SNMP_PRIV_AES128);
        assert_is_answered(fixture, &v1, families[i], 2);
        assert_is_answered(fixture, &v2c, families[i], 2);
        assert_is_answered(fixture, &v3, families[i], 2);
    }
    for (int auth = -1; auth < AUTHS; auth++) {
        for (int priv = -1; priv < (auth < 0 ? 0 : PRIVS); priv++) {
            const struct snmp_access_config access = v3_access(name, auth, priv);
            assert_is_answered(fixture, &access, AF_INET, 1);
        }
    }
}

static void walks_are_whole(void **state)
{
    static const char *const descr[] = {"1.3.6.1.2.1.2.2.1.2", NULL};
    struct fixture *fixture = *state;
    char name[NAME_SIZE];
    struct asker asker;
    if (!is_there()) {
        skip();
    }
    const struct snmp_access_config access = v3_access(name, SNMP_AUTH_SHA512, SNMP_PRIV_AES256);
    open_asker(fixture, &asker, &access);
    asker_ask(&asker, REQUEST_GETBULK, 40, PATIENCE_MS, descr);
    asker_run(&fixture->loop, &asker, 1);
    assert_int_equal(asker.reply.status, REPLY_ANSWERED);
    assert_int_equal(asker.reply.n_varbinds, 40);
    assert_string_equal(asker.text, "lo");
    session_close(asker.session);
}

static void what_is_wrong_is_told(void **state)
{
    static char nobody[] = "nobody";
    static char wrong[] = "not the right one";
    static const struct {
        const char *refusal; /* NULL: it keeps silent */
        const char *user;
        bool wrong_auth;
        bool wrong_priv;
        int auth;
        int priv;
    } cases[] = {
        {"unknown-user", nobody, false, false, SNMP_AUTH_SHA1, -1},
        {"wrong-key", NULL, true, false, SNMP_AUTH_SHA1, -1},
        {"wrong-key", NULL, true, false, SNMP_AUTH_SHA512, SNMP_PRIV_AES256},
        /* Wrongly deciphered, it is no message that a report could answer. */
        {NULL, NULL, false, true, SNMP_AUTH_SHA256, SNMP_PRIV_AES128},
        /* The user auth1 has no privacy. */
        {"unsupported-level", "auth1", false, false, SNMP_AUTH_SHA1, SNMP_PRIV_AES128},
    };
    struct fixture *fixture = *state;
    if (!is_there()) {
        skip();
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[NAME_SIZE];
        struct asker asker;
        struct snmp_access_config access = v3_access(name, cases[i].auth, cases[i].priv);
        if (cases[i].user != NULL) {
            snprintf(name, sizeof name, "%s", cases[i].user);
        }
        access.auth.passphrase = cases[i].wrong_auth ? wrong : auth_passphrase;
        access.priv.passphrase = cases[i].wrong_priv ? wrong : priv_passphrase;
        open_asker(fixture, &asker, &access);
        enum reply_status status =
            asker_get(&fixture->loop, &asker, cases[i].refusal == NULL ? 100 : PATIENCE_MS);
        assert_int_equal(status, cases[i].refusal != NULL ? REPLY_REFUSED : REPLY_TIMED_OUT);
        if (cases[i].refusal != NULL) {
            assert_string_equal(asker.reply.refusal, cases[i].refusal);
            assert_int_equal(asker_count(&asker, COUNT_REFUSED), 1);
            assert_int_equal(asker_count(&asker, COUNT_TIMEOUTS), 0);
        }
        assert_int_equal(session_engine_boots(asker.session), 0); /* none that is authentic */
        session_close(asker.session);
    }
}

/* snmpd has no access for a user at a lower level than its own: an error status, not a report. */
static void too_low_a_level(void **state)
{
    struct fixture *fixture = *state;
    char name[NAME_SIZE];
    struct asker asker;
    if (!is_there()) {
        skip();
    }
    struct snmp_access_config access = v3_access(name, -1, -1);
    snprintf(name, sizeof name, "auth3");
    open_asker(fixture, &asker, &access);
    assert_int_equal(asker_get(&fixture->loop, &asker, PATIENCE_MS), REPLY_ANSWERED);
    assert_int_equal(asker.reply.error_status, 16); /* authorizationError */
    session_close(asker.session);
}

/* Its boots are lost: it begins again with 1, and calls nothing of ours timely. */
static void boots_that_go_back(void **state)
{
    struct fixture *fixture = *state;
    char name[NAME_SIZE];
    struct asker asker;
    if (!is_there()) {
        skip();
    }
    const struct snmp_access_config access = v3_access(name, SNMP_AUTH_SHA256, SNMP_PRIV_AES128);
    open_asker(fixture, &asker, &access);
    assert_int_equal(asker_get(&fixture->loop, &asker, PATIENCE_MS), REPLY_ANSWERED);
    assert_int_equal(session_engine_boots(asker.session), 6);
    kill_snmpd(&fixture->snmpd);
    write_config(&fixture->snmpd, 0, auth_passphrase, priv_passphrase);
    run_snmpd(&fixture->snmpd);
    await_snmpd(fixture, &fixture->snmpd);
    assert_int_equal(asker_get(&fixture->loop, &asker, TIMEOUT_MS), REPLY_TIMED_OUT);
    assert_int_equal(asker_get(&fixture->loop, &asker, TIMEOUT_MS), REPLY_TIMED_OUT);
    assert_true(asker_count(&asker, COUNT_NOT_AUTHENTIC) >= 2);
    assert_int_equal(asker_get(&fixture->loop, &asker, PATIENCE_MS), REPLY_ANSWERED);
    assert_int_equal(session_engine_boots(asker.session), 1);
    assert_int_equal(asker_count(&asker, COUNT_ENGINE_RESETS), 1);
    /* Forward they may go at any time. */
    kill_snmpd(&fixture->snmpd);
    write_config(&fixture->snmpd, 7, auth_passphrase, priv_passphrase);
    run_snmpd(&fixture->snmpd);
    await_snmpd(fixture, &fixture->snmpd);
    assert_int_equal(asker_get(&fixture->loop, &asker, PATIENCE_MS), REPLY_ANSWERED);
    assert_int_equal(session_engine_boots(asker.session), 8);
    assert_int_equal(asker_count(&asker, COUNT_TIMEOUTS), 2);
    assert_int_equal(asker_count(&asker, COUNT_DISCOVERIES), 2);
    session_close(asker.session);
}

static size_t count_lines(const char *path, const char *part)
{
    char line[2048];
    size_t n = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        n += strstr(line, part) != NULL ? 1 : 0;
    }
    fclose(file);
    return n;
}

/* Two agents with one engine ID, other boots and other passphrases, by one engine of ours. */
static void twins_do_not_disturb_each_other(void **state)
{
    static char other_auth[] = "another watch";
    static char other_priv[] = "another bell";
    struct fixture *fixture = *state;
    struct snmpd twin;
    char name[NAME_SIZE];
    char log_path[] = "/tmp/test_snmpd_log.XXXXXX";
    struct asker one;
    struct asker other = {.access = v3_access(name, SNMP_AUTH_SHA1, SNMP_PRIV_AES256_CISCO)};
    if (!is_there()) {
        skip();
    }
    open_snmpd(&twin, 90, other_auth, other_priv);
    await_snmpd(fixture, &twin);
    open_asker(fixture, &one, &other.access);
    other.access.auth.passphrase = other_auth;
    other.access.priv.passphrase = other_priv;
    asker_open(&other, fixture->engine, AF_INET, twin.port);
    int saved = dup(2);
    int log = mkstemp(log_path);
    assert_true(saved >= 0 && log >= 0);
    dup2(log, 2);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(asker_get(&fixture->loop, &one, PATIENCE_MS), REPLY_ANSWERED);
        assert_int_equal(asker_get(&fixture->loop, &other, PATIENCE_MS), REPLY_ANSWERED);
    }
    dup2(saved, 2);
    close(saved);
    close(log);
    assert_int_equal(session_engine_boots(other.session), 91);
    assert_int_not_equal(session_engine_boots(one.session), 91);
    assert_int_equal(asker_count(&one, COUNT_NOT_AUTHENTIC), 0);
    assert_int_equal(asker_count(&other, COUNT_NOT_AUTHENTIC), 0);
    assert_int_equal(asker_count(&other, COUNT_DISCOVERIES), 1);
    assert_int_equal(count_lines(log_path, "same SNMP engine ID"), 1);
    assert_int_equal(count_lines(log_path, "watch"), 0);
    (void)unlink(log_path);
    session_close(one.session);
    session_close(other.session);
    close_snmpd(&twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_protocol_is_spoken),
        cmocka_unit_test(walks_are_whole),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(too_low_a_level),
        cmocka_unit_test(boots_that_go_back),
        cmocka_unit_test(twins_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
