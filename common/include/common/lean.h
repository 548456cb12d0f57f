/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A process that runs for months on a small machine: what only its start needed is given back.
 *
 * Threads: lean_begin while there is one; lean_forget at any time. */
#ifndef COMMON_LEAN_H
#define COMMON_LEAN_H

/* First thing in main: all threads share one heap. Each heap of its own holds pages of its own, and
 * ours ask for memory far too seldom to stand in each other's way. */
void lean_begin(void);
/* After the start, and whenever much was read and forgotten: gives free memory back to the system,
 * and lets go of the code and tables of the program and its libraries. What of them is still in use
 * is mapped again as it is touched, from the system's cache or the file. */
void lean_forget(void);

#endif
