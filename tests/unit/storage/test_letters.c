/* Letters on the disk: what was not crossed off is there again, whatever happened to the end of the file. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/letters.h"

static char dir[64], path[100];
static char seen[4096]; /* "1=one 3=three " */

static void begin(void)
{
    strcpy(dir, "/tmp/earshot-letters-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/below/queue", dir);
}

static void end(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    cr_expect_eq(system(command), 0);
}

TestSuite(letters, .init = begin, .fini = end, .timeout = 60);

static void take(void *context, uint64_t number, struct slice body)
{
    size_t at = strlen(seen);
    (void)context;
    snprintf(seen + at, sizeof seen - at, "%llu=%.*s ", (unsigned long long)number, SLICE_ARGS(body));
}

static struct letters *opened(void)
{
    struct letters *l = NULL;
    struct why why = {0};
    seen[0] = '\0';
    cr_assert_eq(letters_open(path, take, NULL, &l, &why), 0, "%s", why.text);
    return l;
}

/* What a new reader finds. */
static const char *there(void)
{
    letters_close(opened());
    return seen;
}

static void write_numbers(struct letters *l, int add, int cross_off)
{
    struct buf batch;
    char text[20];
    buf_init(&batch, 4096);
    snprintf(text, sizeof text, "letter %d", add);
    if (add)
        letters_add(&batch, (uint64_t)add, slice_str(text));
    if (cross_off)
        letters_cross_off(&batch, (uint64_t)cross_off);
    cr_assert_eq(letters_write(l, buf_view(&batch)), 0);
    buf_fini(&batch);
}

Test(letters, what_was_not_crossed_off_is_there_again_in_order)
{
    struct letters *l = opened();
    cr_assert_eq(letters_next(l), 1);
    for (int i = 1; i <= 4; i++)
        write_numbers(l, i, 0);
    write_numbers(l, 0, 2);
    write_numbers(l, 5, 5);
    letters_close(l);
    cr_expect_str_eq(there(), "1=letter 1 3=letter 3 4=letter 4 ");
    l = opened();
    cr_expect_eq(letters_next(l), 6, "a number that was crossed off is not used again");
    write_numbers(l, 6, 1);
    letters_close(l);
    cr_expect_str_eq(there(), "3=letter 3 4=letter 4 6=letter 6 ");
    struct stat st;
    cr_expect(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
}

Test(letters, a_new_file_replaces_the_old_one_and_an_empty_one_empties_it)
{
    struct letters *l = opened();
    struct buf all;
    for (int i = 1; i <= 9; i++)
        write_numbers(l, i, i == 9 ? 0 : i);
    uint64_t before = letters_bytes(l);
    buf_init(&all, 4096);
    letters_add(&all, 9, slice_str("nine"));
    cr_assert_eq(letters_replace(l, buf_view(&all)), 0);
    cr_expect(letters_bytes(l) < before);
    write_numbers(l, 10, 0);
    cr_expect_str_eq(there(), "9=nine 10=letter 10 ");
    cr_assert_eq(letters_replace(l, slice_none()), 0);
    cr_expect_eq(letters_bytes(l), LETTERS_EMPTY);
    cr_expect_str_eq(there(), "");
    write_numbers(l, 11, 0);
    letters_close(l);
    cr_expect_str_eq(there(), "11=letter 11 ");
    buf_fini(&all);
}

static size_t content(uint8_t out[4096])
{
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, out, 4096);
    close(fd);
    cr_assert_gt(n, 0);
    return (size_t)n;
}

static void put(const uint8_t *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

Test(letters, a_torn_file_gives_what_is_whole_and_can_be_written_to)
{
    uint8_t whole[4096];
    struct letters *l = opened();
    for (int i = 1; i <= 3; i++)
        write_numbers(l, i, 0);
    letters_close(l);
    size_t size = content(whole), each = (size - LETTERS_EMPTY) / 3;
    for (size_t cut = 0; cut < size; cut++) {
        char want[200] = "";
        int whole_ones = cut < LETTERS_EMPTY ? 0 : (int)((cut - LETTERS_EMPTY) / each);
        for (int i = 1; i <= whole_ones; i++)
            snprintf(want + strlen(want), sizeof want - strlen(want), "%d=letter %d ", i, i);
        put(whole, cut);
        l = opened();
        cr_assert_str_eq(seen, want, "cut at %zu", cut);
        write_numbers(l, 7, 0);
        letters_close(l);
        strcat(want, "7=letter 7 ");
        cr_assert_str_eq(there(), want, "written to after a cut at %zu", cut);
    }
}

Test(letters, a_bit_that_flips_ends_the_file_there)
{
    uint8_t whole[4096], bent[4096];
    struct letters *l = opened();
    for (int i = 1; i <= 3; i++)
        write_numbers(l, i, 0);
    letters_close(l);
    size_t size = content(whole), each = (size - LETTERS_EMPTY) / 3;
    for (size_t bit = 8 * (LETTERS_EMPTY + each); bit < 8 * (LETTERS_EMPTY + 2 * each); bit++) {
        memcpy(bent, whole, size);
        bent[bit / 8] ^= (uint8_t)(1u << bit % 8);
        put(bent, size);
        cr_assert_str_eq(there(), "1=letter 1 ", "bit %zu", bit);
    }
}

Test(letters, many_that_were_crossed_off_are_found_quickly)
{
    struct letters *l = opened();
    struct buf batch;
    buf_init(&batch, 64u << 20);
    for (uint64_t i = 1; i <= 100000; i++)
        letters_add(&batch, i, slice_str("x"));
    for (uint64_t i = 100000; i > 1; i--)
        letters_cross_off(&batch, i);
    cr_assert_eq(letters_write(l, buf_view(&batch)), 0);
    buf_fini(&batch);
    letters_close(l);
    cr_expect_str_eq(there(), "1=x ");
}

Test(letters, a_place_that_cannot_be_written_is_said)
{
    struct letters *l = NULL;
    struct why why = {0};
    cr_expect_lt(letters_open("/proc/none/queue", take, NULL, &l, &why), 0);
    cr_expect(strstr(why.text, "/proc/none/queue"), "%s", why.text);
}
