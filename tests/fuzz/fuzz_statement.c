/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a statement: what is decoded can be signed, and says the same again; no signature of
 * nothing verifies. */
#include "proto/statement.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool good)
{
    if (!good) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct keys *keys; /* reachable until the end: no leak */
    if (keys == NULL) {
        require(keys_init() == 0);
        keys = keys_generate();
        require(keys != NULL);
    }
    struct statement statement, second;
    uint8_t signature[KEYS_SIGNATURE_SIZE] = {0};
    require(statement_verify(bytes, size, signature, keys_sign_public_bytes(keys)) != 0);
    if (statement_decode(bytes, size, &statement) != 0) {
        return 0;
    }
    uint8_t again[STATEMENT_SIZE_MAX];
    size_t again_size = 0;
    require(statement_sign(&statement, keys, again, &again_size, signature) == 0);
    require(statement_decode(again, again_size, &second) == 0);
    require(memcmp(&second, &statement, sizeof second) == 0);
    require(statement_verify(again, again_size, signature, keys_sign_public_bytes(keys)) == 0);
    return 0;
}
