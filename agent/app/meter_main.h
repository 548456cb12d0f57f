/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `beffroi-agent meter`: meters a capture file or an interface and prints what it saw, without
 * configuration, keys or collector. beffroi-agent hands the command to beffroi-agent-capture, where
 * it is. */
#ifndef AGENT_METER_MAIN_H
#define AGENT_METER_MAIN_H

/* argv[0] is "meter". Returns the exit status. */
int meter_main(int argc, char *argv[]);

#endif
