/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contract_config.h"

#include <errno.h>
#include <stdio.h>

enum {
    CHILDREN_MAX = 1000,
    WEIGHT_MAX = 1000000,
    WEIGHTS_MAX = 1000000000, /* CHILDREN_MAX times WEIGHT_MAX */
};

#define AT(type, member) .offset = offsetof(struct type, member)

static int refuse(char *reason, size_t reason_size)
{
    (void)snprintf(reason, reason_size, "a check is DEVICE/CHECK, \"web-1/http\"");
    return -EINVAL;
}

int contract_check_name(const char *value, char *reason, size_t reason_size)
{
    size_t device_size;
    const char *check;
    return contract_read_check(value, &device_size, &check) == 0 ? 0 : refuse(reason, reason_size);
}

/* A node holds nodes: the tables refer to each other. */

static const struct config_field quorum_fields[] = {
    {"at_least", CONFIG_INTEGER, AT(quorum_config, at_least), .required = true, .min = 1,
     .max = CHILDREN_MAX, .help = "how many must be up"},
    {"of", CONFIG_LIST, AT(quorum_config, of), .required = true, .min = 1, .max = CHILDREN_MAX,
     .schema = &contract_node_schema, .help = "nodes"},
    {0},
};
static void check_quorum(const void *object, struct config_error_sink *errors)
{
    const struct quorum_config *quorum = object;
    if (quorum->at_least > (int64_t)quorum->of.count) {
        config_error_at(errors, 0, "at_least", NULL, "is more than the %zu nodes there are",
                        quorum->of.count);
    }
}
static const struct config_schema quorum_schema = {
    .name = "quorum",
    .size = sizeof(struct quorum_config),
    .fields = quorum_fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct quorum_config, present),
    .check = check_quorum,
};

static const struct config_field part_fields[] = {
    {"weight", CONFIG_INTEGER, AT(part_config, weight), .required = true, .min = 1,
     .max = WEIGHT_MAX, .help = "what the node counts for when it is up"},
    {"requires", CONFIG_MAP, AT(part_config, requires), .required = true,
     .schema = &contract_node_schema, .help = "a node"},
    {0},
};
static const struct config_schema part_schema = {
    .name = "weighted node",
    .size = sizeof(struct part_config),
    .fields = part_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};
static const struct config_field weighted_fields[] = {
    {"at_least", CONFIG_INTEGER, AT(weighted_config, at_least), .required = true, .min = 1,
     .max = WEIGHTS_MAX, .help = "what those that are up must weigh together"},
    {"of", CONFIG_LIST, AT(weighted_config, of), .required = true, .min = 1, .max = CHILDREN_MAX,
     .schema = &part_schema, .help = "nodes with their weights"},
    {0},
};
static void check_weighted(const void *object, struct config_error_sink *errors)
{
    const struct weighted_config *weighted = object;
    const struct part_config *parts = weighted->of.items;
    int64_t sum = 0;
    for (size_t i = 0; i < weighted->of.count; i++) {
        sum += parts[i].weight;
    }
    if (weighted->at_least > sum) {
        config_error_at(errors, 0, "at_least", NULL, "is more than all weigh together, %lld",
                        (long long)sum);
    }
}
static const struct config_schema weighted_schema = {
    .name = "weighted",
    .size = sizeof(struct weighted_config),
    .fields = weighted_fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct weighted_config, present),
    .check = check_weighted,
};

static const struct config_field node_fields[] = {
    {"check", CONFIG_STRING, AT(node_config, check), .check = contract_check_name,
     .help = "DEVICE/CHECK; the device is what stands before the first slash"},
    {"all", CONFIG_LIST, AT(node_config, all), .min = 1, .max = CHILDREN_MAX,
     .schema = &contract_node_schema, .help = "nodes that must all be up"},
    {"any", CONFIG_LIST, AT(node_config, any), .min = 1, .max = CHILDREN_MAX,
     .schema = &contract_node_schema, .help = "nodes of which one must be up"},
    {"quorum", CONFIG_MAP, AT(node_config, quorum), .schema = &quorum_schema,
     .help = "nodes of which some must be up"},
    {"weighted", CONFIG_MAP, AT(node_config, weighted), .schema = &weighted_schema,
     .help = "nodes of different weight"},
    {0},
};
static void check_node(const void *object, struct config_error_sink *errors)
{
    const struct node_config *node = object;
    int kinds = (node->check != NULL) + (node->all.count > 0) + (node->any.count > 0) +
                node->quorum.present + node->weighted.present;
    if (kinds != 1) {
        config_error_at(errors, 0, "", NULL,
                        "must have exactly one of check, all, any, quorum and weighted; has %d",
                        kinds);
    }
}
const struct config_schema contract_node_schema = {
    .name = "node",
    .size = sizeof(struct node_config),
    .fields = node_fields,
    .place_offset = offsetof(struct node_config, place),
    .present_offset = SIZE_MAX,
    .check = check_node,
};
