/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `beffroi-agent poll`: polls the devices of a configuration and prints what they say, without
 * keys, collector or data folder. One process, which gives up its privileges before it reads the
 * first answer. */
#ifndef AGENT_POLL_H
#define AGENT_POLL_H

/* argv[0] is "poll". Returns the exit status. */
int poll_main(int argc, char *argv[]);

#endif
