/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tables are. */
#ifndef TALKERS_SCHEMA_H
#define TALKERS_SCHEMA_H

#include "database/schema.h"

extern const struct database_schema talker_schema;

#endif
