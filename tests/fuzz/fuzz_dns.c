/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as the answer to a DNS question (the first byte says which): what is told of it is text
 * with an end, and so much of it as there may be. */
#include "checks/config.h"
#include "dns_message.h"
#include "dns_text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void on_record(void *context, const char *text)
{
    size_t *n = context;
    (*n)++;
    assert(strlen(text) < DNS_TEXT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const int records[] = {CHECK_RECORD_A,   CHECK_RECORD_NS,   CHECK_RECORD_CNAME,
                                  CHECK_RECORD_SOA, CHECK_RECORD_PTR,  CHECK_RECORD_MX,
                                  CHECK_RECORD_TXT, CHECK_RECORD_AAAA, CHECK_RECORD_SRV};
    struct dns_query query;
    struct dns_answer answer;
    const char *fault;
    size_t n = 0;
    if (size == 0 || size > DNS_TCP_MAX) {
        return 0;
    }
    int record = records[bytes[0] % (sizeof records / sizeof records[0])];
    int made = dns_query_make("a.example", record, &query);
    uint8_t *message = malloc(size); /* exactly, so that a read behind the end is seen */
    assert(made == 0 && message != NULL);
    memcpy(message, bytes + 1, size - 1);
    bool is_ours = dns_is_answer(message, size - 1, &query, 0);
    int rc = dns_read_answer(message, size - 1, &query, on_record, &n, &answer, &fault);
    assert((rc == 0) == (fault[0] == '\0'));
    assert(n <= 17 * 512 && answer.n_records <= n && answer.rcode < 16);
    assert(!is_ours || size - 1 >= 12);
    free(message);
    return 0;
}
