/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as what a server says first, judged in each way and state (the first byte says which):
 * a decision is made by its end, and it has a reason. */
#include "greeting.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static stream_judge *const judges[] = {greeting_judge_any, greeting_judge_smtp,
                                           greeting_judge_imap};
    struct verdict verdict = {.known = 1};
    if (size == 0 || size > GREETING_SIZE_MAX) {
        return 0;
    }
    struct check_config config = {.expect = (bytes[0] & 0x10) != 0 ? "^[^ ]+ OK|220.*test" : NULL};
    struct greeting *greeting = greeting_new(&config);
    uint8_t *text = malloc(size); /* exactly, but for the empty one */
    assert(greeting != NULL && text != NULL);
    memcpy(text + 1, bytes + 1, size - 1);
    const struct stream_view view = {
        .bytes = text + 1, .size = size - 1, .state = (enum stream_state)(bytes[0] >> 2 & 3)};
    enum stream_step step = judges[bytes[0] % 3](greeting, &view, &verdict);
    assert((step == STREAM_WAIT) == (verdict.outcome == 0));
    assert(step != STREAM_WAIT || view.state == STREAM_OPEN);
    assert(verdict.outcome != OUTCOME_DOWN || verdict.reason[0] != '\0');
    free(text);
    greeting_free(greeting);
    return 0;
}
