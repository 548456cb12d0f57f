/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sla/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LEAVES = 4, STATES = 4 };

static enum sla_state eval(const struct sla_node *node, const enum sla_state *states)
{
    struct sla_band bands[LEAVES];
    for (size_t i = 0; i < LEAVES; i++) {
        bands[i] = sla_band_of(states[i]);
    }
    return sla_band_state(sla_tree_band(node, bands));
}

static void two_children_are_as_the_tables_say(void **state)
{
    (void)state;
    static const char all[] =
        "XXXOXUDOXDDOOOOO"; /* rows: first child unknown, up, degraded, down */
    static const char any[] = "XUXXUUUUXUDDXUDO";
    struct sla_node leaves[2] = {{.check = 0}, {.check = 1}};
    struct sla_node node = {.count = 2, .children = leaves};
    for (int a = 0; a < STATES; a++) {
        for (int b = 0; b < STATES; b++) {
            enum sla_state states[LEAVES] = {(enum sla_state)a, (enum sla_state)b};
            node.kind = SLA_ALL;
            assert_int_equal("XUDO"[eval(&node, states)], all[a * STATES + b]);
            node.kind = SLA_ANY;
            assert_int_equal("XUDO"[eval(&node, states)], any[a * STATES + b]);
        }
    }
}

/* The rule in its plainest form: known leaves only. */
static enum sla_state plain(const struct sla_node *node, const enum sla_state *states)
{
    int64_t weight[STATES] = {0};
    int64_t total = 0;
    if (node->kind == SLA_CHECK) {
        return states[node->check];
    }
    for (size_t i = 0; i < node->count; i++) {
        int64_t own = node->kind == SLA_WEIGHTED ? node->children[i].weight : 1;
        weight[plain(&node->children[i], states)] += own;
        total += own;
    }
    int64_t least = node->kind == SLA_ALL ? total : node->kind == SLA_ANY ? 1 : node->at_least;
    return weight[SLA_UP] >= least                          ? SLA_UP
           : weight[SLA_UP] + weight[SLA_DEGRADED] >= least ? SLA_DEGRADED
                                                            : SLA_DOWN;
}

/* Every state that the unknown leaves could be. */
static unsigned possible(const struct sla_node *node, enum sla_state *states)
{
    unsigned found = 0;
    for (size_t i = 0; i < LEAVES; i++) {
        if (states[i] == SLA_UNKNOWN) {
            for (int as = SLA_UP; as <= SLA_DOWN; as++) {
                states[i] = (enum sla_state)as;
                found |= possible(node, states);
            }
            states[i] = SLA_UNKNOWN;
            return found;
        }
    }
    return 1U << plain(node, states);
}

static void assert_tree(const struct sla_node *node)
{
    for (int i = 0; i < STATES * STATES * STATES * STATES; i++) {
        enum sla_state states[LEAVES] = {(enum sla_state)(i % 4), (enum sla_state)(i / 4 % 4),
                                         (enum sla_state)(i / 16 % 4), (enum sla_state)(i / 64)};
        unsigned found = possible(node, states);
        bool one = (found & (found - 1)) == 0;
        enum sla_state got = eval(node, states);
        assert_int_equal(got != SLA_UNKNOWN, one);
        assert_true(!one || found == 1U << got);
    }
}

/* Known exactly when whatever the unknown leaves are leads to the same. Each leaf stands once, else
 * a band may be wider than need be. */
static void unknown_means_that_it_depends(void **state)
{
    (void)state;
    struct sla_node leaves[LEAVES] = {{.check = 0, .weight = 5},
                                      {.check = 1, .weight = 3},
                                      {.check = 2, .weight = 2},
                                      {.check = 3, .weight = 1}};
    struct sla_node node = {.count = LEAVES, .children = leaves};
    for (node.at_least = 1; node.at_least <= 11; node.at_least++) {
        node.kind = SLA_WEIGHTED;
        assert_tree(&node);
        node.kind = SLA_QUORUM;
        if (node.at_least <= LEAVES) {
            assert_tree(&node);
        }
    }
    struct sla_node pairs[2] = {{.kind = SLA_ANY, .count = 2, .children = leaves},
                                {.kind = SLA_ALL, .count = 2, .children = leaves + 2}};
    node = (struct sla_node){.kind = SLA_ALL, .count = 2, .children = pairs};
    assert_tree(&node);
    node.kind = SLA_ANY;
    assert_tree(&node);
}

static void blame_falls_on_what_keeps_it_down(void **state)
{
    (void)state;
    struct sla_node leaves[LEAVES] = {{.check = 0}, {.check = 1}, {.check = 2}, {.check = 3}};
    struct sla_node pairs[2] = {{.kind = SLA_ANY, .count = 2, .children = leaves},
                                {.kind = SLA_ALL, .count = 2, .children = leaves + 2}};
    struct sla_node node = {.kind = SLA_ALL, .count = 2, .children = pairs};
    struct sla_band bands[LEAVES] = {sla_band_of(SLA_DOWN), sla_band_of(SLA_UP),
                                     sla_band_of(SLA_UP), sla_band_of(SLA_DOWN)};
    bool blamed[LEAVES] = {false};
    sla_tree_blame(&node, bands, blamed);
    assert_false(blamed[0]); /* its group holds */
    assert_false(blamed[1]);
    assert_false(blamed[2]);
    assert_true(blamed[3]);
}

static struct sla_segment segment(int64_t from, int64_t to, enum sla_state state)
{
    return (struct sla_segment){.from = {from},
                                .to = {to},
                                .state = state,
                                .worst = state,
                                .best = state,
                                .at_start = state,
                                .cause = state == SLA_UNKNOWN ? SLA_AGENT_GAP : SLA_KNOWN};
}

static void transitions_are_merged(void **state)
{
    (void)state;
    struct sla_segment a[] = {segment(0, 100, SLA_UP), segment(100, 300, SLA_DOWN),
                              segment(300, 400, SLA_UP)};
    struct sla_segment b[] = {segment(0, 200, SLA_UP), segment(200, 350, SLA_UNKNOWN),
                              segment(350, 400, SLA_UP)};
    struct sla_timeline timelines[2] = {{3, a}, {3, b}};
    struct sla_node leaves[2] = {{.check = 0}, {.check = 1}};
    struct sla_node node = {.kind = SLA_ALL, .count = 2, .children = leaves};
    struct sla_leaf inputs[2] = {{&timelines[0], NULL}, {&timelines[1], NULL}};
    struct sla_steps steps;
    static const int64_t from[] = {0, 100, 300, 350};
    static const enum sla_state expected[] = {SLA_UP, SLA_DOWN, SLA_UNKNOWN, SLA_UP};
    sla_tree_steps(&node, inputs, 2, &steps);
    assert_int_equal(steps.count, 4);
    assert_int_equal(steps.to.ms, 400);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(steps.items[i].from.ms, from[i]);
        assert_int_equal(steps.items[i].state[SLA_COUNTED], expected[i]);
        assert_int_equal(steps.items[i].cause,
                         expected[i] == SLA_UNKNOWN ? SLA_AGENT_GAP : SLA_KNOWN);
    }
    sla_steps_clear(&steps);
}

/* Two leaves in doubt: each step knows which of them had a result where it begins. */
static void a_step_knows_what_its_begin_can_have_been(void **state)
{
    (void)state;
    struct sla_segment a[] = {segment(0, 100, SLA_UP), segment(100, 200, SLA_UP),
                              segment(200, 400, SLA_DOWN)};
    struct sla_segment b[] = {segment(0, 400, SLA_UP), segment(400, 500, SLA_UP)};
    struct sla_timeline timelines[2] = {{3, a}, {1, b}};
    struct sla_node leaves[2] = {{.check = 0}, {.check = 1}};
    struct sla_node node = {.kind = SLA_ALL, .count = 2, .children = leaves};
    struct sla_interval window = {{150}, {160}};
    struct sla_spans planned = {.count = 1, .items = &window};
    struct sla_leaf inputs[2] = {{&timelines[0], &planned}, {&timelines[1], NULL}};
    struct sla_steps steps;
    a[1].worst = SLA_DOWN;
    sla_tree_steps(&node, inputs, 2, &steps);
    assert_int_equal(steps.items[1].from.ms, 100);
    assert_int_equal(steps.items[1].state[SLA_WORST], SLA_DOWN);
    assert_int_equal(steps.items[1].at_start, SLA_UP);
    assert_int_equal(steps.items[2].from.ms, 150); /* no result here */
    assert_int_equal(steps.items[2].at_start, SLA_DOWN);
    sla_steps_clear(&steps);
}

/* Work on a leaf explains the service's state only where the service would be up without it. */
static void planned_work_on_a_leaf(void **state)
{
    (void)state;
    struct sla_segment a[] = {segment(0, 400, SLA_DOWN)};
    struct sla_segment b[] = {segment(0, 100, SLA_UP), segment(100, 400, SLA_DOWN)};
    struct sla_timeline timelines[2] = {{1, a}, {2, b}};
    struct sla_node leaves[2] = {{.check = 0}, {.check = 1}};
    struct sla_node node = {.kind = SLA_ANY, .count = 2, .children = leaves};
    struct sla_interval window = {{50}, {200}};
    struct sla_spans planned = {.count = 1, .items = &window};
    struct sla_leaf inputs[2] = {{&timelines[0], &planned}, {&timelines[1], NULL}};
    struct sla_steps steps;
    sla_tree_steps(&node, inputs, 2, &steps);
    assert_int_equal(steps.count, 3);
    assert_false(steps.items[0].planned[SLA_COUNTED]); /* up all the same */
    assert_true(steps.items[1].planned[SLA_COUNTED]);
    assert_int_equal(steps.items[1].from.ms, 100);
    assert_int_equal(steps.items[2].from.ms, 200);
    assert_false(steps.items[2].planned[SLA_COUNTED]);
    sla_steps_clear(&steps);
    node.kind = SLA_ALL; /* b is down whatever happens to a */
    sla_tree_steps(&node, inputs, 2, &steps);
    assert_int_equal(steps.items[steps.count - 1].state[SLA_COUNTED], SLA_DOWN);
    assert_int_equal(steps.items[1].from.ms, 50);
    assert_true(steps.items[1].planned[SLA_COUNTED]);
    assert_int_equal(steps.items[2].from.ms, 100);
    assert_false(steps.items[2].planned[SLA_COUNTED]);
    sla_steps_clear(&steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_children_are_as_the_tables_say),
        cmocka_unit_test(unknown_means_that_it_depends),
        cmocka_unit_test(blame_falls_on_what_keeps_it_down),
        cmocka_unit_test(transitions_are_merged),
        cmocka_unit_test(a_step_knows_what_its_begin_can_have_been),
        cmocka_unit_test(planned_work_on_a_leaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
