/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the reading files of this folder share. */
#ifndef LEDGER_VIEW_HANDLE_H
#define LEDGER_VIEW_HANDLE_H

#include "database/database.h"
#include "ledger/view.h"

struct ledger_view {
    struct database database;
};

#endif
