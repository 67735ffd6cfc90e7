/* Named sections as texts: read, put together, written, asked. What the table of places makes of them: tests/unit/call/test_place.c. */
#include <criterion/criterion.h>

#include "app/places.h"
#include "app/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct places *one, *two;

static void begin(void)
{
    one = two = NULL;
}

static void end(void)
{
    places_free(one);
    places_free(two);
}

static int put(struct places **p, const char *section, const char *name, const char *value)
{
    struct why why = {0};
    return places_set(p, section, name, value, &why);
}

static const char *alias_of(const char *text)
{
    struct addr a;
    cr_assert(addr_parse(slice_str(text), &a), "%s", text);
    return places_alias(one, a);
}

TestSuite(places, .init = begin, .fini = end);

Test(places, an_alias_is_of_a_network_however_it_is_written)
{
    cr_assert_eq(put(&one, "alias 10.1.0.7/16", "name", "House"), 0);
    cr_assert_eq(put(&one, "alias 10.1.1.5/32", "name", "\"SBC Vienna\""), 0);
    cr_assert_eq(put(&one, "alias 2001:DB8::/32", "name", "Elsewhere"), 0);
    cr_expect_str_eq(places_name(places_find(one, "alias", "10.1.0.0/16")), "10.1.0.0/16");
    cr_expect_not_null(places_find(one, "alias", "10.1.1.5"));
    cr_expect_str_eq(alias_of("10.1.1.5"), "SBC Vienna");
    cr_expect_str_eq(alias_of("10.1.1.6"), "House");
    cr_expect_str_eq(alias_of("2001:db8::9"), "Elsewhere");
    cr_expect_null(alias_of("10.2.0.1"));
    cr_assert_eq(put(&one, "alias 10.1.0.0/16", "name", "Another"), 0);
    cr_expect_str_eq(alias_of("10.1.1.6"), "Another", "the same one again");
}

Test(places, a_name_is_one_line_that_ends_nothing)
{
    static const char *const BAD[] = {"", "a\nb", "a ; b", "a\tb", "0123456789012345678901234567890123456789012345678901234567890123x"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        cr_expect_eq(put(&one, "alias 10.1.1.5", "name", BAD[i]), ERR_INVALID, "%s", BAD[i]);
    cr_expect_eq(put(&one, "alias somewhere", "name", "x"), ERR_INVALID);
    cr_expect_eq(put(&one, "alias 10.1.1.5", "nane", "x"), ERR_INVALID);
    cr_expect_eq(put(&one, "alias 10.1.1.5", "name", "Süd, #1 \"inner\""), 0);
    cr_expect_str_eq(alias_of("10.1.1.5"), "Süd, #1 \"inner\"");
}

Test(places, what_is_written_is_read_again_and_sections_are_put_together)
{
    char path[] = "/tmp/earshot-places-XXXXXX";
    struct why why = {0};
    struct buf text;
    cr_assert_eq(put(&one, "trunk a", "peers", "192.0.2.1, 198.51.100.0/28"), 0);
    cr_assert_eq(put(&one, "trunk a", "capacity", "4"), 0);
    cr_assert_eq(put(&one, "alias 10.1.1.5", "name", "SBC Vienna"), 0);
    buf_init(&text, 1 << 16);
    places_write(one, &text);
    cr_expect_str_eq(buf_text(&text), "\n[trunk a]\npeers = 192.0.2.1\npeers = 198.51.100.0/28\ncapacity = 4\n\n[alias 10.1.1.5]\nname = SBC Vienna\n");
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, text.data, text.size) == (ssize_t)text.size);
    close(fd);
    cr_assert_eq(settings_read_places(path, &two, &why), 0, "%s", why.text);
    cr_expect_str_eq(places_value(places_find(two, "trunk", "a"), "peers"), "192.0.2.1, 198.51.100.0/28");
    cr_assert_eq(put(&two, "trunk b", "domains", "example.com"), 0);
    places_free(one);
    one = NULL;
    cr_assert_eq(put(&one, "trunk a", "peers", "203.0.113.1"), 0);
    cr_assert_eq(places_add(&one, two, "alias 10.1.1.5"), 0);
    cr_expect_str_eq(places_value(places_find(one, "trunk", "a"), "peers"), "203.0.113.1", "what is there stays");
    cr_expect_not_null(places_find(one, "trunk", "b"));
    cr_expect_null(places_find(one, "alias", "10.1.1.5"), "but for that one");
    FILE *f = fopen(path, "w");
    fputs("[api]\nport = 1\n", f);
    fclose(f);
    places_free(two);
    cr_expect_eq(settings_read_places(path, &two, &why), ERR_INVALID, "places and nothing else");
    cr_expect(strstr(why.text, "does not belong") != NULL, "%s", why.text);
    unlink(path);
    buf_fini(&text);
}
