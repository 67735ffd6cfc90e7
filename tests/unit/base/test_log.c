/* The logger writes to stderr: each test catches it in a file. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/slice.h"

static char caught[65536];

static int catch_begin(FILE **ret_file)
{
    *ret_file = tmpfile();
    int saved = dup(STDERR_FILENO);
    dup2(fileno(*ret_file), STDERR_FILENO);
    return saved;
}

static const char *catch_end(FILE *file, int saved)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    size_t n = fread(caught, 1, sizeof caught - 1, file);
    caught[n] = '\0';
    fclose(file);
    return caught;
}

static unsigned lines(const char *text)
{
    unsigned n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

Test(log, only_the_chosen_levels_are_written)
{
    FILE *file;
    int saved = catch_begin(&file);
    log_set(LOG_WARN, false);
    log_error("test", "one %d", 1);
    log_warn("test", "two");
    log_info("test", "three");
    const char *text = catch_end(file, saved);
    cr_assert_eq(lines(text), 2);
    cr_assert_not_null(strstr(text, "Z error test: one 1\n"));
    cr_assert_not_null(strstr(text, "Z warn  test: two\n"));
}

Test(log, control_characters_are_escaped)
{
    FILE *file;
    int saved = catch_begin(&file);
    log_info("test", "a\nb\x1b[31m\x7f%s", "\xc2\x9b \xff \xc3\xa9");
    const char *text = catch_end(file, saved);
    cr_assert_eq(lines(text), 1);
    cr_assert_not_null(strstr(text, "a\\x0ab\\x1b[31m\\x7f\\xc2\\x9b \\xff \xc3\xa9\n"));
}

Test(log, json_lines_are_objects)
{
    FILE *file;
    int saved = catch_begin(&file);
    log_set(LOG_INFO, true);
    log_info("test", "say \"hi\"\n");
    const char *text = catch_end(file, saved);
    cr_assert(slice_starts(slice_str(text), "{\"time\":\"20"));
    cr_assert_not_null(
        strstr(text, "\"level\":\"info\",\"module\":\"test\",\"text\":\"say \\\"hi\\\"\\n\"}\n"));
}

Test(log, a_long_text_is_cut)
{
    static char text[5000];
    memset(text, 'x', sizeof text - 1);
    FILE *file;
    int saved = catch_begin(&file);
    log_info("test", "%s", text);
    const char *line = catch_end(file, saved);
    cr_assert_eq(lines(line), 1);
    cr_assert_lt(strlen(line), 1200);
}

static void flood(int count)
{
    for (int i = 0; i < count; i++)
        log_info("test", "flood %d", i);
}

Test(log, a_site_that_floods_is_summed_up)
{
    FILE *file;
    int saved = catch_begin(&file);
    flood(1000);
    usleep(1050000);
    flood(1);
    const char *text = catch_end(file, saved);
    cr_assert_leq(lines(text), 24); /* two seconds may be touched */
    cr_assert_not_null(strstr(text, " more lines of the kind that follows were left out\n"));
}
