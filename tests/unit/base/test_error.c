#include <criterion/criterion.h>
#include <errno.h>

#include "base/error.h"

Test(error, every_code_has_words_of_its_own)
{
    for (int a = 0; a >= ERR_EXISTS; a--) {
        cr_assert_str_neq(err_text(a), "unknown error");
        for (int b = 0; b > a; b--)
            cr_assert_str_neq(err_text(a), err_text(b));
    }
    cr_assert_str_eq(err_text(-999), "unknown error");
}

Test(error, errno_values_find_their_code)
{
    cr_assert_eq(err_of_errno(0), 0);
    cr_assert_eq(err_of_errno(ENOMEM), ERR_NOMEM);
    cr_assert_eq(err_of_errno(ENOSPC), ERR_FULL);
    cr_assert_eq(err_of_errno(ENOENT), ERR_NOT_FOUND);
    cr_assert_eq(err_of_errno(EACCES), ERR_DENIED);
    cr_assert_eq(err_of_errno(EADDRINUSE), ERR_BUSY);
    cr_assert_eq(err_of_errno(EEXIST), ERR_EXISTS);
    cr_assert_eq(err_of_errno(EIO), ERR_IO);
    cr_assert_eq(err_of_errno(12345), ERR_IO);
}

Test(error, a_long_sentence_is_cut_not_overrun)
{
    struct why why;
    char long_name[2000];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    why_set(&why, "cannot open %s: %d", long_name, 1);
    cr_assert_eq(strlen(why.text), sizeof why.text - 1);
    why_set(NULL, "nobody asks");
}
