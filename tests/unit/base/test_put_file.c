#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/put_file.h"

Test(put_file, what_is_put_is_got_and_the_next_takes_its_place)
{
    char dir[] = "/tmp/earshot-put-XXXXXX";
    size_t size = 0;
    int err = -1;
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_null(get_file(dir, "a", &size, &err));
    cr_assert_eq(err, 0, "there is none: no error");
    for (unsigned i = 0; i < 2; i++) {
        const char *text = i ? "second" : "the first one";
        cr_assert_eq(put_file(dir, "a", slice_str(text)), 0);
        char *got = get_file(dir, "a", &size, &err);
        cr_assert_str_eq(got, text);
        cr_assert_eq(size, strlen(text));
        free(got);
    }
    char path[64];
    snprintf(path, sizeof path, "%s/a", dir);
    unlink(path);
    cr_assert_eq(rmdir(dir), 0, "nothing else is left there");
}

Test(put_file, a_folder_that_is_not_there_is_an_error_and_nothing_is_left)
{
    int err = 0;
    size_t size;
    cr_assert_neq(put_file("/tmp/earshot-no-such-folder", "a", slice_str("x")), 0);
    cr_assert_null(get_file("/tmp", ".", &size, &err));
    cr_assert_neq(err, 0, "a folder is no file");
}
