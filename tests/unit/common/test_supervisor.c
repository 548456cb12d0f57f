/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The supervisor with real children: this program itself, started again with a role. */
#include "common/log.h"
#include "common/supervisor.h"
#include "common/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHANNEL_FD = 3, DEADLINE_MS = 20000 };

/* --- the children's side --- */

static void say(char what)
{
    if (write(CHANNEL_FD, &what, 1) != 1) {
        _exit(90);
    }
}

static void on_term(int signum)
{
    (void)signum;
    say('t');
    _exit(0);
}

static void wait_for_ever(void)
{
    for (;;) {
        pause();
    }
}

/* Says what it does not like about the process it was born as, or '.'. */
static char inspect(void)
{
    sigset_t blocked;
    struct sigaction action;
    struct stat null;
    struct stat input;
    int death = 0;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int signum = 1; signum < 32; signum++) {
        if (sigismember(&blocked, signum)) {
            return 'b';
        }
        sigaction(signum, NULL, &action);
        if (action.sa_handler == SIG_IGN) {
            return 'i';
        }
    }
    if (stat("/dev/null", &null) != 0 || fstat(0, &input) != 0 || null.st_rdev != input.st_rdev) {
        return 'n';
    }
    if (prctl(PR_GET_PDEATHSIG, &death) != 0 || death != SIGTERM) {
        return 'd';
    }
    if (getsid(0) != getpid()) {
        return 's';
    }
    if (getenv("BEFFROI_SUPERVISOR_PID") != NULL) {
        return 'e';
    }
    return '.';
}

static int be_good(void)
{
    if (supervisor_child_enter() != 0) {
        return 91;
    }
    signal(SIGTERM, on_term);
    say(inspect());
    wait_for_ever();
    return 0;
}

static int be_stubborn(void)
{
    signal(SIGTERM, SIG_IGN);
    say('.');
    wait_for_ever();
    return 0;
}

/* Leaves a child of its own behind, which says who its parent has become. */
static int be_a_bad_parent(void)
{
    pid_t supervisor = getppid();
    pid_t self = getpid();
    if (fork() == 0) {
        while (getppid() == self) {
            poll(NULL, 0, 1);
        }
        say(getppid() == supervisor ? '.' : 'x');
        _exit(0);
    }
    return 0;
}

static int play(const char *role)
{
    if (strcmp(role, "good") == 0) {
        return be_good();
    }
    if (strcmp(role, "stubborn") == 0) {
        return be_stubborn();
    }
    if (strcmp(role, "bad-parent") == 0) {
        return be_a_bad_parent();
    }
    return 3; /* "crash" */
}

/* --- the supervisor's side --- */

enum { MARKS_MAX = 64 };

/* One child under test. */
struct subject {
    struct supervisor_child *child;
    int channel; /* our end, -1: none */
    int make_error;
    unsigned made;
    unsigned exits;
    int64_t status;
    int term_signal;
    uint64_t made_ns[MARKS_MAX];
    uint64_t exit_ns[MARKS_MAX];
    char heard[MARKS_MAX];
    size_t n_heard;
    struct subject *stopped_next; /* must not have been told to end when this one ends */
    bool next_was_early;
};

static uv_loop_t loop;
static struct supervisor *supervisor;
static char *self;
static bool all_done;

static int make_channel(void *context)
{
    struct subject *subject = context;
    int ends[2];
    subject->made_ns[subject->made++ % MARKS_MAX] = uv_hrtime();
    if (subject->make_error != 0) {
        return subject->make_error;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return -errno;
    }
    if (subject->channel >= 0) {
        close(subject->channel);
    }
    subject->channel = ends[0];
    return ends[1];
}

/* Takes what the child says, without waiting. */
static void listen_to(struct subject *subject)
{
    while (subject->channel >= 0 && subject->n_heard < MARKS_MAX) {
        ssize_t n = recv(subject->channel, subject->heard + subject->n_heard, 1, MSG_DONTWAIT);
        if (n != 1) {
            return;
        }
        subject->n_heard++;
    }
}

static void on_exit_of(void *context, int64_t status, int term_signal)
{
    struct subject *subject = context;
    subject->exit_ns[subject->exits++ % MARKS_MAX] = uv_hrtime();
    subject->status = status;
    subject->term_signal = term_signal;
    if (subject->stopped_next != NULL) {
        listen_to(subject->stopped_next);
        subject->next_was_early =
            memchr(subject->stopped_next->heard, 't', subject->stopped_next->n_heard) != NULL;
    }
}

static void start(struct subject *subject, const char *program, const char *role)
{
    const char *const argv[] = {program, role, NULL};
    const struct supervisor_command command = {.name = role,
                                               .argv = argv,
                                               .make_channel = make_channel,
                                               .on_exit = on_exit_of,
                                               .context = subject};
    *subject = (struct subject){.channel = -1, .make_error = subject->make_error};
    subject->child = supervisor_start(supervisor, &command);
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer; /* it only makes the loop turn */
}

/* Turns the loop until the condition holds. */
#define turn_until(condition)                                                                      \
    do {                                                                                           \
        uv_timer_t tick;                                                                           \
        uint64_t deadline = uv_hrtime() + DEADLINE_MS * UINT64_C(1000000);                         \
        uv_timer_init(&loop, &tick);                                                               \
        uv_timer_start(&tick, on_tick, 0, 2);                                                      \
        while (!(condition)) {                                                                     \
            uv_run(&loop, UV_RUN_ONCE);                                                            \
            assert_true(uv_hrtime() < deadline);                                                   \
        }                                                                                          \
        uv_close((uv_handle_t *)&tick, NULL);                                                      \
        uv_run(&loop, UV_RUN_NOWAIT);                                                              \
    } while (0)

static bool has_said(struct subject *subject, char what)
{
    listen_to(subject);
    return memchr(subject->heard, what, subject->n_heard) != NULL;
}

static void on_done(void *context)
{
    assert_ptr_equal(context, &all_done);
    assert_false(all_done);
    all_done = true;
}

static void stop(int64_t grace_ms)
{
    supervisor_stop(supervisor, grace_ms, on_done, &all_done);
    supervisor_stop(supervisor, grace_ms, on_done, &all_done); /* said twice, done once */
    assert_false(all_done);
    turn_until(all_done);
}

static int open_loop(void **state)
{
    (void)state;
    all_done = false;
    log_set_level(LOG_LEVEL_ERROR);
    self = supervisor_self_path();
    return self == NULL || uv_loop_init(&loop) != 0 || (supervisor = supervisor_new(&loop)) == NULL;
}

static int close_loop(void **state)
{
    (void)state;
    supervisor_free(supervisor);
    free(self);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop); /* no handle is left */
}

static void nothing_started_is_nothing_to_stop(void **state)
{
    (void)state;
    supervisor_free(NULL);
}

static void it_stops_without_children(void **state)
{
    (void)state;
    stop(1000);
}

static void a_child_is_born_clean(void **state)
{
    (void)state;
    struct subject subject = {0};
    sigset_t set;
    sigset_t before;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &before);
    void (*action)(int) = signal(SIGPIPE, SIG_IGN);
    setenv("BEFFROI_SUPERVISOR_PID", "1", 1); /* a supervisor of the supervisor */
    start(&subject, self, "good");
    unsetenv("BEFFROI_SUPERVISOR_PID");
    sigprocmask(SIG_SETMASK, &before, NULL);
    signal(SIGPIPE, action);
    turn_until((listen_to(&subject), subject.n_heard > 0));
    assert_int_equal(subject.heard[0], '.');
    assert_true(supervisor_child_pid(subject.child) > 0);
    assert_int_equal(supervisor_child_restarts(subject.child), 0);
    stop(10000);
    assert_true(has_said(&subject, 't'));
    assert_int_equal(subject.exits, 1);
    assert_int_equal(subject.term_signal, 0);
    assert_int_equal(supervisor_child_pid(subject.child), 0);
    close(subject.channel);
}

static uint64_t pause_ms(const struct subject *subject, unsigned exit)
{
    return (subject->made_ns[exit + 1] - subject->exit_ns[exit]) / 1000000;
}

static void the_pause_grows(void **state)
{
    (void)state;
    struct subject subject = {0};
    start(&subject, self, "crash");
    turn_until(subject.exits == 3);
    assert_int_equal(subject.status, 3);
    assert_int_equal(supervisor_child_restarts(subject.child), 2);
    /* libuv counts from the begin of the loop's turn, which is a little earlier. */
    assert_true(pause_ms(&subject, 0) >= 190);
    assert_true(pause_ms(&subject, 1) >= 380);
    stop(10000); /* in its third pause: at once */
    assert_int_equal(subject.exits, 3);
    close(subject.channel);
}

static struct mono fast_mono(void *context)
{
    int64_t *now_ns = context;
    *now_ns += 61 * INT64_C(1000000000); /* a minute and a bit passes between two looks */
    return (struct mono){*now_ns};
}

static struct wall no_wall(void *context)
{
    (void)context;
    return (struct wall){0};
}

static void a_steady_child_is_started_again_soon(void **state)
{
    (void)state;
    struct subject subject = {0};
    int64_t now_ns = 0;
    const struct clock_source source = {.mono = fast_mono, .wall = no_wall, .context = &now_ns};
    clock_replace(&source);
    start(&subject, self, "crash");
    turn_until(subject.exits == 4);
    clock_replace(NULL);
    /* Growing, the third would be 800 ms. */
    assert_true(pause_ms(&subject, 2) >= 190);
    assert_true(pause_ms(&subject, 2) < 700);
    stop(10000);
    close(subject.channel);
}

static void who_cannot_start_is_tried_again(void **state)
{
    (void)state;
    struct subject no_program = {0};
    struct subject no_channel = {.make_error = -EMFILE};
    /* Both say so in the log, at the level of errors; here it would only be noise. */
    int saved = dup(STDERR_FILENO);
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    start(&no_program, "/no/such/program", "x");
    start(&no_channel, self, "crash");
    turn_until(no_program.made >= 2 && no_channel.made >= 2);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(null);
    assert_true(no_program.exits >= 1); /* forget the channel */
    assert_int_equal(no_program.status, UV_ENOENT);
    assert_int_equal(no_channel.exits, 0);
    assert_int_equal(supervisor_child_pid(no_program.child), 0);
    assert_int_equal(supervisor_child_restarts(no_program.child), 0);
    stop(10000);
    close(no_program.channel);
}

static void stopping_mirrors_starting(void **state)
{
    (void)state;
    struct subject subjects[3] = {0};
    for (int i = 0; i < 3; i++) {
        start(&subjects[i], self, "good");
    }
    turn_until(has_said(&subjects[0], '.') && has_said(&subjects[1], '.') &&
               has_said(&subjects[2], '.'));
    for (int i = 1; i < 3; i++) {
        subjects[i].stopped_next = &subjects[i - 1];
    }
    supervisor_stop(supervisor, 10000, on_done, &all_done);
    turn_until(all_done);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(subjects[i].exits, 1);
        assert_false(subjects[i].next_was_early); /* each once the one after it has ended */
        assert_true(i == 0 || subjects[i].exit_ns[0] < subjects[i - 1].exit_ns[0]);
        assert_true(has_said(&subjects[i], 't'));
        close(subjects[i].channel);
    }
}

static void who_does_not_end_is_killed(void **state)
{
    (void)state;
    struct subject subject = {0};
    start(&subject, self, "stubborn");
    turn_until(has_said(&subject, '.'));
    stop(50);
    assert_int_equal(subject.term_signal, SIGKILL);
    close(subject.channel);
}

static void a_killed_child_comes_back(void **state)
{
    (void)state;
    struct subject subject = {0};
    start(&subject, self, "good");
    turn_until(has_said(&subject, '.'));
    int pid = supervisor_child_pid(subject.child);
    int old = dup(subject.channel);
    char byte;
    assert_int_equal(kill(pid, SIGKILL), 0);
    subject.n_heard = 0;
    turn_until(subject.exits == 1 && has_said(&subject, '.'));
    assert_int_equal(recv(old, &byte, 1, MSG_DONTWAIT), 0); /* nobody kept the other end */
    close(old);
    assert_int_equal(subject.term_signal, SIGKILL);
    assert_int_not_equal(supervisor_child_pid(subject.child), pid);
    assert_int_equal(supervisor_child_restarts(subject.child), 1);
    stop(10000);
    close(subject.channel);
}

static void one_child_ends_and_the_others_go_on(void **state)
{
    (void)state;
    struct subject subjects[3] = {0};
    struct subject unborn = {.make_error = -EMFILE};
    for (int i = 0; i < 3; i++) {
        start(&subjects[i], self, i == 1 ? "stubborn" : "good");
    }
    start(&unborn, self, "good");
    turn_until(has_said(&subjects[0], '.') && has_said(&subjects[1], '.') &&
               has_said(&subjects[2], '.'));
    supervisor_end_child(subjects[0].child, 10000);
    supervisor_end_child(subjects[0].child, 0); /* said twice, done once */
    supervisor_end_child(subjects[1].child, 50);
    supervisor_end_child(unborn.child, 0); /* between two attempts */
    turn_until(subjects[0].exits == 1 && subjects[1].exits == 1);
    assert_true(has_said(&subjects[0], 't')); /* in order */
    assert_int_equal(subjects[1].term_signal, SIGKILL);
    /* Longer than the pause before a new start. */
    uint64_t late = uv_hrtime() + 400 * UINT64_C(1000000);
    turn_until(uv_hrtime() > late);
    assert_int_equal(subjects[0].made, 1);
    assert_int_equal(subjects[1].made, 1);
    assert_int_equal(unborn.made, 1);
    assert_int_equal(supervisor_child_pid(subjects[0].child), 0);
    assert_int_equal(subjects[2].exits, 0);
    assert_true(supervisor_child_pid(subjects[2].child) > 0);
    stop(10000);
    assert_int_equal(subjects[2].exits, 1);
    for (int i = 0; i < 3; i++) {
        close(subjects[i].channel);
    }
}

/* It is ended while libuv still holds on to the process that has just died. */
static void a_dead_child_can_be_ended(void **state)
{
    (void)state;
    struct subject subject = {0};
    start(&subject, self, "crash");
    turn_until(subject.exits >= 1);
    supervisor_end_child(subject.child, 0);
    unsigned made = subject.made;
    uint64_t late = uv_hrtime() + 300 * UINT64_C(1000000);
    turn_until(uv_hrtime() > late);
    assert_int_equal(subject.made, made);
    stop(0);
    close(subject.channel);
}

static void orphans_come_to_the_supervisor(void **state)
{
    (void)state;
    struct subject subject = {0};
    start(&subject, self, "bad-parent");
    int channel = -1;
    turn_until(subject.exits >= 1);
    channel = dup(subject.channel); /* the first one's: it will be made anew */
    turn_until((listen_to(&subject), subject.n_heard > 0));
    assert_int_equal(subject.heard[0], '.');
    stop(10000);
    close(channel);
    close(subject.channel);
    /* All that is left are orphans that ended: nobody else is our child any more. */
    while (waitpid(-1, NULL, 0) > 0) {
    }
}

static void orphans_do_not_stay_zombies(void **state)
{
    (void)state;
    struct subject steady = {0};
    start(&steady, self, "good");
    turn_until(has_said(&steady, '.'));
    pid_t orphan = fork(); /* as good as one: libuv does not know it */
    assert_true(orphan >= 0);
    if (orphan == 0) {
        _exit(0);
    }
    turn_until(kill(orphan, 0) != 0 && errno == ESRCH);
    assert_int_equal(steady.exits, 0);
    stop(10000);
    close(steady.channel);
}

/* A supervisor that is killed takes its children along. */
static void children_die_with_the_supervisor(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        pid_t child = fork();
        if (child == 0) {
            dup2(ends[1], CHANNEL_FD);
            for (int fd = CHANNEL_FD + 1; fd < 64; fd++) {
                close(fd);
            }
            char pid[32];
            snprintf(pid, sizeof pid, "%d", (int)getppid());
            setenv("BEFFROI_SUPERVISOR_PID", pid, 1);
            execl(self, self, "good", (char *)NULL);
            _exit(92);
        }
        wait_for_ever();
    }
    close(ends[1]);
    char said[2] = {0};
    assert_int_equal(recv(ends[0], said, 1, 0), 1);
    assert_int_equal(said[0], 's'); /* not a session of its own, but all else is as it should be */
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(recv(ends[0], said, 1, 0), 1);
    assert_int_equal(said[0], 't');
    assert_int_equal(recv(ends[0], said, 1, 0), 0); /* gone */
    close(ends[0]);
    while (waitpid(-1, NULL, 0) > 0) {
    }
}

static void who_comes_too_late_is_told(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char other[32];
        snprintf(other, sizeof other, "%d", (int)getppid() + 1);
        setenv("BEFFROI_SUPERVISOR_PID", other, 1);
        bool late = supervisor_child_enter() == -ESRCH;
        bool by_hand = supervisor_child_enter() == 0; /* no supervisor: nobody to miss */
        _exit(late && by_hand ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define loop_test(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(int argc, char **argv)
{
    if (argc == 2) {
        return play(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        loop_test(nothing_started_is_nothing_to_stop),
        loop_test(it_stops_without_children),
        loop_test(a_child_is_born_clean),
        loop_test(the_pause_grows),
        loop_test(a_steady_child_is_started_again_soon),
        loop_test(who_cannot_start_is_tried_again),
        loop_test(stopping_mirrors_starting),
        loop_test(who_does_not_end_is_killed),
        loop_test(a_killed_child_comes_back),
        loop_test(one_child_ends_and_the_others_go_on),
        loop_test(a_dead_child_can_be_ended),
        loop_test(orphans_come_to_the_supervisor),
        loop_test(orphans_do_not_stay_zombies),
        loop_test(children_die_with_the_supervisor),
        cmocka_unit_test(who_comes_too_late_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
