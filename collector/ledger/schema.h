/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the ledger's tables are. */
#ifndef LEDGER_SCHEMA_H
#define LEDGER_SCHEMA_H

#include "database/schema.h"

extern const struct database_schema ledger_schema;

#endif
