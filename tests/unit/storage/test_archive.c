#include <criterion/criterion.h>

#include "base/buf.h"
#include "storage/archive.h"

static int into_buf(void *context, const void *bytes, size_t size)
{
    struct buf *b = context;
    buf_add(b, bytes, size);
    return b->failed ? ERR_FULL : 0;
}

static int write_two(enum archive_format format, struct buf *out)
{
    struct archive_writer *w = NULL;
    int err = archive_writer_open(format, 1700000000000000, into_buf, out, &w);
    if (err)
        return err;
    err = archive_entry(w, "one.txt", 6, true);
    err = err ? err : archive_bytes(w, slice_str("one"));
    err = err ? err : archive_bytes(w, slice_str("two"));
    err = err ? err : archive_entry(w, "none.bin", 0, false);
    err = err ? err : archive_writer_finish(w);
    archive_writer_free(w);
    return err;
}

/* What programs of others read in them is asked by the feature tests. */
Test(archive, archives_are_what_their_first_bytes_say_and_the_same_each_time)
{
    for (int f = ARCHIVE_ZIP; f <= ARCHIVE_TAR; f++) {
        struct buf a, b;
        buf_init(&a, 1 << 20);
        buf_init(&b, 1 << 20);
        cr_assert_eq(write_two((enum archive_format)f, &a), 0);
        cr_assert_eq(write_two((enum archive_format)f, &b), 0);
        cr_expect(slice_equal(buf_view(&a), buf_view(&b)));
        cr_expect(f == ARCHIVE_ZIP ? memcmp(a.data, "PK\3\4", 4) == 0 : memcmp(a.data + 257, "ustar", 5) == 0);
        cr_expect(f == ARCHIVE_ZIP || memcmp(a.data + 512, "onetwo", 6) == 0);
        buf_fini(&a);
        buf_fini(&b);
    }
}

Test(archive, the_first_error_of_who_takes_the_bytes_is_the_one_that_comes_back)
{
    for (size_t room = 0; room < 2000; room += 100)
        for (int f = ARCHIVE_ZIP; f <= ARCHIVE_TAR; f++) {
            struct buf out;
            buf_init(&out, room + 1);
            int err = write_two((enum archive_format)f, &out);
            cr_expect(err == ERR_FULL || (err == 0 && !out.failed), "%zu: %d", room, err);
            buf_fini(&out);
        }
}

Test(archive, an_entry_has_the_bytes_that_it_said)
{
    struct archive_writer *w = NULL;
    struct buf out;
    buf_init(&out, 1 << 20);
    cr_assert_eq(archive_writer_open(ARCHIVE_TAR, 0, into_buf, &out, &w), 0);
    cr_assert_eq(archive_entry(w, "a", 3, false), 0);
    cr_expect_eq(archive_bytes(w, slice_str("abcd")), ERR_INVALID);
    cr_expect_eq(archive_bytes(w, slice_str("ab")), 0);
    cr_expect_eq(archive_writer_finish(w), ERR_TRUNCATED);
    archive_writer_free(w);
    buf_fini(&out);
}
