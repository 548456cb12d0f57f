/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Loaded into a program before its libraries (LD_PRELOAD), this moves the program's clocks by what
 * stands in the file that the environment names: two 64-bit numbers of nanoseconds, for
 * CLOCK_REALTIME and CLOCK_BOOTTIME. So a test steps the one, or lets the machine sleep (both move,
 * CLOCK_MONOTONIC does not), without touching the real clocks. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *moved;

__attribute__((constructor)) static void map_file(void)
{
    const char *path = getenv("BEFFROI_TEST_CLOCK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return;
    }
    void *at = mmap(NULL, 2 * sizeof *moved, PROT_READ, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) {
        moved = at;
    }
    (void)close(fd); /* nothing was written */
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    const int64_t second = 1000000000;
    int rc = (int)syscall(SYS_clock_gettime, id, now);
    if (rc != 0 || moved == NULL || (id != CLOCK_REALTIME && id != CLOCK_BOOTTIME)) {
        return rc;
    }
    int64_t ns = now->tv_sec * second + now->tv_nsec + moved[id == CLOCK_REALTIME ? 0 : 1];
    now->tv_sec = ns / second;
    now->tv_nsec = ns % second;
    return 0;
}
