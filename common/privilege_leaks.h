/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * In a build with AddressSanitizer the search for leaks at exit attaches to the process like a
 * debugger and reads /proc. A process that gave up its power refuses both, and the search would
 * end it with an error of its own. So giving up power also ends the search for leaks in that
 * process; the leaks of its code are found by tests that run it unconfined. CMake picks
 * privilege_leaks_asan.c for such a build, else privilege_leaks_none.c. */
#ifndef COMMON_PRIVILEGE_LEAKS_H
#define COMMON_PRIVILEGE_LEAKS_H

void privilege_leaks_forgo(void);

#endif
