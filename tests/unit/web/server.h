/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pages of a bed, served on a free port of loopback. The test program itself is what draws. */
#ifndef TEST_WEB_SERVER_H
#define TEST_WEB_SERVER_H

#include "support.h"
#include "web/web.h"

struct served {
    struct bed *bed;
    struct web *web;
    uint16_t port;
    struct web_options options;
};

/* cmocka's set-up and tear-down: the city, served; *state is the struct. */
int open_served(void **state);
/* The same without ledger, files and contract. */
int open_bare(void **state);
int close_served(void **state);
/* To be called first in main(): does not return in the process that draws. */
void draw_if_asked(int argc, char **argv);

#endif
