/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What main tells a worker: messages that each carry a memory file with a configuration's text.
 *
 * Threads: no state. */
#ifndef CHANNEL_CONFIG_H
#define CHANNEL_CONFIG_H

#include "sample/channel.h"

/* As channel_read_config, of a message that is there. NULL with errno: EAGAIN: there is none;
 * ECONNRESET: main is gone; EPROTO: it is no configuration. */
char *channel_receive_config(size_t *size);

#endif
