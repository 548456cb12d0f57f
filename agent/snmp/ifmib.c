/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ifmib.h"

/* ifEntry and ifXEntry. */
#define IF_ENTRY(column)                                                                           \
    {                                                                                              \
        (const unsigned long[]){1, 3, 6, 1, 2, 1, 2, 2, 1, column}, 10                             \
    }
#define IF_X_ENTRY(column)                                                                         \
    {                                                                                              \
        (const unsigned long[]){1, 3, 6, 1, 2, 1, 31, 1, 1, 1, column}, 11                         \
    }

const struct if_column_info if_columns[IF_COLUMNS] = {
    [IF_NAME] = {"ifName", VALUE_OCTETS, IF_X_ENTRY(1)},
    [IF_DESCR] = {"ifDescr", VALUE_OCTETS, IF_ENTRY(2)},
    [IF_TYPE] = {"ifType", VALUE_INTEGER, IF_ENTRY(3)},
    [IF_ALIAS] = {"ifAlias", VALUE_OCTETS, IF_X_ENTRY(18)},
    [IF_PHYS_ADDRESS] = {"ifPhysAddress", VALUE_OCTETS, IF_ENTRY(6)},
    [IF_ADMIN_STATUS] = {"ifAdminStatus", VALUE_INTEGER, IF_ENTRY(7)},
    [IF_OPER_STATUS] = {"ifOperStatus", VALUE_INTEGER, IF_ENTRY(8)},
    [IF_SPEED] = {"ifSpeed", VALUE_GAUGE32, IF_ENTRY(5)},
    [IF_HIGH_SPEED] = {"ifHighSpeed", VALUE_GAUGE32, IF_X_ENTRY(15)},
    [IF_HC_IN_OCTETS] = {"ifHCInOctets", VALUE_COUNTER64, IF_X_ENTRY(6)},
    [IF_HC_OUT_OCTETS] = {"ifHCOutOctets", VALUE_COUNTER64, IF_X_ENTRY(10)},
    [IF_IN_OCTETS] = {"ifInOctets", VALUE_COUNTER32, IF_ENTRY(10)},
    [IF_OUT_OCTETS] = {"ifOutOctets", VALUE_COUNTER32, IF_ENTRY(16)},
    [IF_HC_IN_UCAST] = {"ifHCInUcastPkts", VALUE_COUNTER64, IF_X_ENTRY(7)},
    [IF_HC_IN_MCAST] = {"ifHCInMulticastPkts", VALUE_COUNTER64, IF_X_ENTRY(8)},
    [IF_HC_IN_BCAST] = {"ifHCInBroadcastPkts", VALUE_COUNTER64, IF_X_ENTRY(9)},
    [IF_HC_OUT_UCAST] = {"ifHCOutUcastPkts", VALUE_COUNTER64, IF_X_ENTRY(11)},
    [IF_HC_OUT_MCAST] = {"ifHCOutMulticastPkts", VALUE_COUNTER64, IF_X_ENTRY(12)},
    [IF_HC_OUT_BCAST] = {"ifHCOutBroadcastPkts", VALUE_COUNTER64, IF_X_ENTRY(13)},
    [IF_IN_UCAST] = {"ifInUcastPkts", VALUE_COUNTER32, IF_ENTRY(11)},
    [IF_IN_NUCAST] = {"ifInNUcastPkts", VALUE_COUNTER32, IF_ENTRY(12)},
    [IF_OUT_UCAST] = {"ifOutUcastPkts", VALUE_COUNTER32, IF_ENTRY(17)},
    [IF_OUT_NUCAST] = {"ifOutNUcastPkts", VALUE_COUNTER32, IF_ENTRY(18)},
    [IF_IN_DISCARDS] = {"ifInDiscards", VALUE_COUNTER32, IF_ENTRY(13)},
    [IF_IN_ERRORS] = {"ifInErrors", VALUE_COUNTER32, IF_ENTRY(14)},
    [IF_OUT_DISCARDS] = {"ifOutDiscards", VALUE_COUNTER32, IF_ENTRY(19)},
    [IF_OUT_ERRORS] = {"ifOutErrors", VALUE_COUNTER32, IF_ENTRY(20)},
};

const struct if_group if_groups[IF_GROUPS] = {
    {3, {IF_NAME, IF_DESCR, IF_TYPE}, 0, {0}},
    {2, {IF_ALIAS, IF_PHYS_ADDRESS}, 0, {0}},
    {4, {IF_ADMIN_STATUS, IF_OPER_STATUS, IF_SPEED, IF_HIGH_SPEED}, 0, {0}},
    {2, {IF_HC_IN_OCTETS, IF_HC_OUT_OCTETS}, 0, {0}},
    {2, {IF_IN_OCTETS, IF_OUT_OCTETS}, 2, {IF_HC_IN_OCTETS, IF_HC_OUT_OCTETS}},
    {6,
     {IF_HC_IN_UCAST, IF_HC_IN_MCAST, IF_HC_IN_BCAST, IF_HC_OUT_UCAST, IF_HC_OUT_MCAST,
      IF_HC_OUT_BCAST},
     0,
     {0}},
    {4,
     {IF_IN_UCAST, IF_IN_NUCAST, IF_OUT_UCAST, IF_OUT_NUCAST},
     6,
     {IF_HC_IN_UCAST, IF_HC_IN_MCAST, IF_HC_IN_BCAST, IF_HC_OUT_UCAST, IF_HC_OUT_MCAST,
      IF_HC_OUT_BCAST}},
    {4, {IF_IN_ERRORS, IF_OUT_ERRORS, IF_IN_DISCARDS, IF_OUT_DISCARDS}, 0, {0}},
};
