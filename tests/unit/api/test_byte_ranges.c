/* Several byte ranges of a file: what is asked, and the body that answers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/byte_ranges.h"

Test(byte_ranges, what_a_header_asks)
{
    static const struct {
        const char *header;
        enum http_range range;
        unsigned count;
        uint64_t first, bytes; /* of the last one */
    } CASES[] = {
        {NULL, HTTP_RANGE_WHOLE, 0, 0, 0},
        {"bytes=0-0", HTTP_RANGE_PART, 1, 0, 1},
        {"bytes=0-0,-1", HTTP_RANGE_PART, 2, 99, 1},
        {"bytes= 10-19 , 5-9\t", HTTP_RANGE_PART, 2, 5, 5},
        {"bytes=0-9,100-,20-29", HTTP_RANGE_PART, 2, 20, 10},
        {"bytes=100-,200-300", HTTP_RANGE_UNSATISFIABLE, 0, 0, 0},
        {"bytes=-0", HTTP_RANGE_UNSATISFIABLE, 0, 0, 0},
        {"bytes=0-59,40-79", HTTP_RANGE_PART, 2, 40, 40},
        {"bytes=0-59,10-59", HTTP_RANGE_WHOLE, 0, 0, 0},
        {"bytes=0-99,0-0", HTTP_RANGE_WHOLE, 0, 0, 0},
        {"bytes=0-1,", HTTP_RANGE_WHOLE, 0, 0, 0},
        {"bytes=,0-1", HTTP_RANGE_WHOLE, 0, 0, 0},
        {"bytes=0-1,,2-3", HTTP_RANGE_WHOLE, 0, 0, 0},
        {"bytes=0-1;2-3", HTTP_RANGE_WHOLE, 0, 0, 0},
        {"bytes=", HTTP_RANGE_WHOLE, 0, 0, 0},
        {"bytes=-1-", HTTP_RANGE_WHOLE, 0, 0, 0},
        {"bytes=0-1,9223372036854775808-", HTTP_RANGE_PART, 1, 0, 2},
        {"bytes=0-18446744073709551616", HTTP_RANGE_PART, 1, 0, 100},
        {"octets=0-1", HTTP_RANGE_WHOLE, 0, 0, 0},
        {"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15", HTTP_RANGE_PART, 16, 15, 1},
        {"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16", HTTP_RANGE_WHOLE, 0, 0, 0},
        {"bytes=200-,200-,200-,200-,200-,200-,200-,200-,200-,200-,200-,200-,200-,200-,200-,200-,200-", HTTP_RANGE_WHOLE, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct byte_ranges r;
        enum http_range range = byte_ranges_parse(CASES[i].header, 100, &r);
        cr_expect_eq(range, CASES[i].range, "%s", CASES[i].header);
        if (range != HTTP_RANGE_PART)
            continue;
        cr_assert_eq(r.count, CASES[i].count, "%s", CASES[i].header);
        cr_expect(r.range[r.count - 1].first == CASES[i].first && r.range[r.count - 1].count == CASES[i].bytes, "%s", CASES[i].header);
    }
}

Test(byte_ranges, a_body_of_several_is_the_same_however_it_is_read)
{
    static const char WANTED[] = "--b\r\nContent-Type: audio/wav\r\nContent-Range: bytes 2-4/10\r\n\r\ncde"
                                 "\r\n--b\r\nContent-Type: audio/wav\r\nContent-Range: bytes 9-9/10\r\n\r\nj\r\n--b--\r\n";
    const struct byte_ranges ranges = {2, {{2, 3}, {9, 1}}};
    struct multipart *m = multipart_new(&ranges, 10, "audio/wav", "b");
    FILE *f = tmpfile();
    cr_assert(m && f && fputs("abcdefghij", f) >= 0 && fflush(f) == 0);
    cr_assert_eq(multipart_size(m), strlen(WANTED));
    for (size_t max = 1; max < 200; max += 7)
        for (size_t at = 0; at < strlen(WANTED);) {
            char out[200];
            ssize_t n = multipart_read(m, fileno(f), at, out, max);
            cr_assert(n > 0 && (size_t)n <= max && memcmp(out, WANTED + at, (size_t)n) == 0);
            at += (size_t)n;
        }
    char out[8];
    cr_expect_eq(multipart_read(m, fileno(f), strlen(WANTED), out, sizeof out), 0);
    cr_assert_eq(ftruncate(fileno(f), 9), 0);
    cr_expect_eq(multipart_read(m, fileno(f), strlen(WANTED) - 10, out, sizeof out), -1, "the file has less than it had");
    multipart_free(m);
    fclose(f);
}
