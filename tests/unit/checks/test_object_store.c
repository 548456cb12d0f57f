/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What makes the same object keep its number: whole in the main process (the store), as hashes in a
 * worker (the index). Both must say the same. */
#include "metric_lists.h"
#include "sample/object_index.h"
#include "sample/object_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct metric metrics[] = {
    {"in_octets", "octets", METRIC_COUNTER},
    {"speed_bps", "bit/s", METRIC_GAUGE},
};
static const struct label labels[] = {{"if_name", "eth0"}, {"if_alias", "uplink"}};

static struct object sample(void)
{
    return (struct object){.device = "switch",
                           .kind = "interface",
                           .name = "eth0",
                           .interval_ms = 1000,
                           .metrics = metrics,
                           .n_metrics = 2,
                           .labels = labels,
                           .n_labels = 2};
}

/* Shapes that differ from the sample's in one thing each. */
enum { SHAPES = 10 };
static const struct metric other_metrics[][2] = {
    {{"in_octets", "octets", METRIC_GAUGE}, {"speed_bps", "bit/s", METRIC_GAUGE}},
    {{"in_octet", "octets", METRIC_COUNTER}, {"speed_bps", "bit/s", METRIC_GAUGE}},
    {{"in_octets", "octets", METRIC_COUNTER}, {"speed_bps", "bits/s", METRIC_GAUGE}},
    {{"speed_bps", "bit/s", METRIC_GAUGE}, {"in_octets", "octets", METRIC_COUNTER}},
};
static const struct label other_labels[][2] = {
    {{"if_name", "eth0"}, {"if_alias", "uplinks"}},
    {{"if_name", "eth0u"}, {"if_alias", "plink"}},
    {{"if_name", "eth0if_alias"}, {"", "uplink"}},
};

static struct object other_shape(size_t i)
{
    struct object object = sample();
    if (i < 4) {
        object.metrics = other_metrics[i];
    } else if (i < 7) {
        object.labels = other_labels[i - 4];
    } else if (i == 7) {
        object.interval_ms = 1001;
    } else if (i == 8) {
        object.n_labels = 1;
    } else {
        object.n_metrics = 1;
    }
    return object;
}

static void another_shape_is_another_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHAPES; i++) {
        struct object_index *index = object_index_new();
        struct object_store *store = object_store_new();
        struct object first = sample();
        struct object second = other_shape(i);
        struct object known;
        assert_int_equal(object_index_find(index, &first), 0);
        assert_int_equal(object_index_add(index, &first), 1);
        assert_int_equal(object_index_find(index, &first), 1);
        assert_int_equal(object_store_add(store, &first)->object.number, 1);
        assert_int_equal(object_index_find(index, &second), 0);
        assert_null(object_store_find(store, &second));
        assert_non_null(object_store_named(store, &second));
        assert_int_equal(object_index_add(index, &second), 2);
        assert_int_equal(object_store_add(store, &second)->object.number, 2);
        assert_int_equal(object_index_find(index, &second), 2);
        assert_int_equal(object_store_find(store, &second)->object.number, 2);
        /* The first one is forgotten, with its number. */
        assert_int_equal(object_index_find(index, &first), 0);
        assert_false(object_index_get(index, 1, &known));
        assert_null(object_index_copy(index, 1));
        object_index_announced(index, 1); /* nothing */
        assert_null(object_store_find(store, &first));
        assert_null(object_store_get(store, 1));
        assert_true(object_index_get(index, 2, &known));
        assert_int_equal(known.number, 2);
        assert_int_equal(known.n_metrics, second.n_metrics);
        assert_int_equal(known.metrics[0].type, second.metrics[0].type);
        object_store_free(store);
        object_index_free(index);
    }
}

/* Names that run together when written one behind the other. */
static void names_are_kept_apart(void **state)
{
    (void)state;
    static const char *const names[][3] = {
        {"a", "b", "c"}, {"ab", "", "c"}, {"", "ab", "c"}, {"a", "bc", ""}, {"abc", "", ""},
    };
    struct object_index *index = object_index_new();
    struct object_store *store = object_store_new();
    for (uint32_t i = 0; i < 5; i++) {
        struct object object = sample();
        object.device = names[i][0];
        object.kind = names[i][1];
        object.name = names[i][2];
        assert_int_equal(object_index_add(index, &object), i + 1);
        assert_int_equal(object_store_add(store, &object)->object.number, i + 1);
    }
    for (uint32_t i = 1; i <= 5; i++) {
        struct object known;
        assert_true(object_index_get(index, i, &known));
        assert_non_null(object_store_get(store, i));
    }
    assert_int_equal(object_store_count(store), 5);
    object_store_free(store);
    object_index_free(index);
}

static void the_copy_lives_until_it_is_announced(void **state)
{
    (void)state;
    char device[] = "switch";
    char alias[] = "uplink";
    const struct label own[] = {{"if_alias", alias}};
    struct object_index *index = object_index_new();
    struct object object = sample();
    struct object known;
    object.device = device;
    object.labels = own;
    object.n_labels = 1;
    assert_int_equal(object_index_add(index, &object), 1);
    memset(device, 'x', sizeof device - 1); /* everything was copied */
    memset(alias, 'x', sizeof alias - 1);
    const struct object *copy = object_index_copy(index, 1);
    assert_int_equal(copy->number, 1);
    assert_string_equal(copy->device, "switch");
    assert_string_equal(copy->labels[0].value, "uplink");
    assert_int_equal(copy->n_metrics, 2);
    object_index_announced(index, 1);
    assert_null(object_index_copy(index, 1));
    object_index_announced(index, 1);
    assert_true(object_index_get(index, 1, &known));
    assert_string_equal(known.metrics[1].name, "speed_bps");
    memcpy(device, "switch", 6);
    memcpy(alias, "uplink", 6);
    assert_int_equal(object_index_find(index, &object), 1);
    /* Numbers that never were. */
    assert_false(object_index_get(index, 0, &known));
    assert_false(object_index_get(index, 2, &known));
    assert_null(object_index_copy(index, 0));
    object_index_free(index);
}

static void objects_without_metrics_are_listed(void **state)
{
    (void)state;
    struct object_index *index = object_index_new();
    struct object bare = {.device = "d", .kind = "neighbour", .interval_ms = 1000};
    struct object object = sample();
    bare.name = "a";
    assert_int_equal(object_index_add(index, &bare), 1);
    assert_int_equal(object_index_add(index, &object), 2);
    bare.name = "b";
    assert_int_equal(object_index_add(index, &bare), 3);
    assert_int_equal(object_index_next_bare(index, 0), 1);
    assert_int_equal(object_index_next_bare(index, 1), 3);
    assert_int_equal(object_index_next_bare(index, 3), 0);
    object_index_announced(index, 1);
    assert_int_equal(object_index_next_bare(index, 0), 3);
    bare.labels = labels;
    bare.n_labels = 1;
    assert_int_equal(object_index_add(index, &bare), 4); /* 3 is forgotten */
    assert_int_equal(object_index_next_bare(index, 0), 4);
    object_index_announced(index, 4);
    assert_int_equal(object_index_next_bare(index, 0), 0);
    object_index_free(index);
}

/* Labels of any size: all of each counts. */
static void long_labels_are_compared_whole(void **state)
{
    (void)state;
    char value[PROTO_LABEL_MAX + 1];
    const struct label own[] = {{"if_name", "a"}, {"if_descr", value}, {"if_alias", "b"}};
    struct object object = sample();
    object.labels = own;
    object.n_labels = 3;
    for (size_t size = 1; size <= PROTO_LABEL_MAX; size += size < 600 ? 1 : 53) {
        struct object_index *index = object_index_new();
        memset(value, 'v', size);
        value[size] = '\0';
        assert_int_equal(object_index_add(index, &object), 1);
        value[size - 1] = 'w';
        assert_int_equal(object_index_find(index, &object), 0);
        value[size - 1] = 'v';
        value[0] = 'w';
        assert_int_equal(object_index_find(index, &object), 0);
        value[0] = 'v';
        assert_int_equal(object_index_find(index, &object), 1);
        object_index_free(index);
    }
}

/* Many: the tables grow, and the metrics are kept once for all. */
static void many_objects_keep_their_numbers(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    struct object_index *index = object_index_new();
    struct object_store *store = object_store_new();
    struct object first;
    struct object last;
    char name[32];
    struct object object = sample();
    object.name = name;
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 1; i <= MANY; i++) {
            (void)snprintf(name, sizeof name, "interface %u", (unsigned)i);
            if (round == 0) {
                assert_int_equal(object_index_add(index, &object), i);
                object_index_announced(index, i);
                assert_int_equal(object_store_add(store, &object)->object.number, i);
            } else {
                assert_int_equal(object_index_find(index, &object), i);
                assert_int_equal(object_store_find(store, &object)->object.number, i);
                assert_string_equal(object_store_get(store, i)->object.name, name);
            }
        }
    }
    assert_true(object_index_get(index, 1, &first) && object_index_get(index, MANY, &last));
    assert_ptr_equal(first.metrics, last.metrics);
    assert_ptr_equal(object_store_get(store, 1)->object.metrics,
                     object_store_get(store, MANY)->object.metrics);
    object_store_free(store);
    object_index_free(index);
}

/* A list lives as long as somebody has it. */
static void lists_are_shared_and_given_back(void **state)
{
    (void)state;
    struct metric_lists *lists = metric_lists_new();
    struct metric own[2];
    memcpy(own, metrics, sizeof own);
    assert_null(metric_lists_find(lists, metrics, 2));
    const struct metric_list *one = metric_lists_take(lists, metrics, 2);
    const struct metric_list *none = metric_lists_take(lists, NULL, 0);
    assert_ptr_equal(metric_lists_take(lists, own, 2), one);
    assert_ptr_equal(metric_lists_find(lists, own, 2), one);
    assert_ptr_not_equal(one->metrics, metrics);
    assert_ptr_not_equal(none, one);
    assert_int_equal(none->n_metrics, 0);
    for (size_t i = 0; i < 4; i++) {
        assert_null(metric_lists_find(lists, other_metrics[i], 2));
    }
    metric_lists_give_back(lists, one);
    assert_ptr_equal(metric_lists_find(lists, metrics, 2), one);
    metric_lists_give_back(lists, one);
    assert_null(metric_lists_find(lists, metrics, 2));
    assert_ptr_equal(metric_lists_find(lists, NULL, 0), none);
    metric_lists_free(lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_shape_is_another_number),
        cmocka_unit_test(names_are_kept_apart),
        cmocka_unit_test(the_copy_lives_until_it_is_announced),
        cmocka_unit_test(objects_without_metrics_are_listed),
        cmocka_unit_test(long_labels_are_compared_whole),
        cmocka_unit_test(many_objects_keep_their_numbers),
        cmocka_unit_test(lists_are_shared_and_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
