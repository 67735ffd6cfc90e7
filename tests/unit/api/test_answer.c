/* What is packed, and how much memory that may take beside the answer. */
#include <criterion/criterion.h>

#include <string.h>

#include "requests.h"

#define MIB ((size_t)1 << 20)

/* How large an answer of so many bytes is when it goes out, which of every four are noise; 0: it is
 * not packed. */
static size_t packed_size(size_t size, unsigned noise)
{
    const struct route route = {.method = "GET", .scope = SCOPE_META};
    struct http_request rq = request_for("GET", "/api/v1/calls", NULL);
    struct http_response rs;
    struct exchange x = {.rq = &rq, .rs = &rs};
    uint32_t state = 1;
    size_t result = 0;

    rq.route = &route;
    rq.accept_encoding = "gzip";
    http_response_init(&rs);
    rs.content_type = "application/json";
    uint8_t *body = buf_reserve(&rs.body, size);
    cr_assert_not_null(body);
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        body[i] = i % 4 < noise ? (uint8_t)(state >> 24) : 'a';
    }
    rs.body.size = size;
    answer_finish(&x);
    for (unsigned i = 0; i < rs.header_count; i++)
        if (strcmp(rs.header[i].name, "Content-Encoding") == 0)
            result = rs.body.size;
    cr_expect(result || rs.body.size == size, "as it is");
    http_response_fini(&rs);
    return result;
}

Test(answer, is_packed_where_that_saves_a_quarter)
{
    cr_expect_eq(packed_size(1000, 0), 0, "one packet anyway");
    cr_expect(packed_size(2000, 0) > 0);
    cr_expect_eq(packed_size(2000, 4), 0);
}

Test(answer, a_large_one_is_packed_into_little_memory_or_not)
{
    size_t size = packed_size(15 * MIB, 0);
    cr_expect(size > 0 && size <= 4 * MIB, "%zu", size);
    cr_expect_eq(packed_size(15 * MIB, 2), 0, "it would be half of it");
    cr_expect(packed_size(4 * MIB, 2) > MIB, "as this one is");
    cr_expect_eq(packed_size(17 * MIB, 0), 0);
}
