/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "privilege_leaks.h"

void privilege_leaks_forgo(void)
{
}
