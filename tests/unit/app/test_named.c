/* Trunks and aliases that come through the API: whatever is taken can be read at the next start, and no file keeps the service from it. */
#include <criterion/criterion.h>

#include "app/named.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct settings settings;
static struct named_places *named;
static char dir[64], path[128], aside[128];

static void open_again(void)
{
    struct why why = {0};
    named_close(named);
    named = NULL;
    cr_assert_eq(named_open(&(struct named_config){.data_dir = dir, .settings = &settings}, &named, &why), 0, "%s", why.text);
}

static void begin(void)
{
    snprintf(dir, sizeof dir, "/tmp/earshot-named-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/named-places.conf", dir);
    snprintf(aside, sizeof aside, "%s.unreadable", path);
    settings_defaults(&settings);
    open_again();
}

static void end(void)
{
    named_close(named);
    settings_free(&settings);
    unlink(path);
    unlink(aside);
    rmdir(dir);
}

static int put(const char *id, enum named_value v, const char *value, struct why *why)
{
    struct named item = {.kind = NAMED_TRUNK, .id = id};
    item.value[v] = value;
    return named_change(named, NAMED_NEW, &item, NULL, NULL, why);
}

static void count_one(void *context, const struct named *n)
{
    (void)n;
    ++*(unsigned *)context;
}

static unsigned count(void)
{
    unsigned n = 0;
    named_each(named, NAMED_TRUNK, count_one, &n);
    return n;
}

TestSuite(named, .init = begin, .fini = end);

Test(named, what_would_be_too_long_a_line_is_refused_and_what_is_taken_is_read_again)
{
    char domain[256];
    unsigned taken = 0;
    for (size_t size = 150; size < sizeof domain; size++) {
        struct why why = {0};
        char id[16];
        memset(domain, 'a', size);
        domain[size] = '\0';
        snprintf(id, sizeof id, "t%zu", size);
        int err = put(id, NAMED_DOMAINS, domain, &why);
        cr_assert(err == 0 || (err == ERR_INVALID && strstr(why.text, "at most 180 bytes")), "%zu: %d %s", size, err, why.text);
        taken += err == 0;
    }
    open_again();
    cr_expect_eq(taken, 31);
    cr_expect_eq(count(), taken);
    cr_expect_eq(access(aside, F_OK), -1);
}

Test(named, text_that_could_not_be_read_again_is_told)
{
    char line[300];
    struct why why = {0};
    cr_expect_eq(settings_try_places("[trunk a]\npeers = 192.0.2.1\n", &why), 0, "%s", why.text);
    snprintf(line, sizeof line, "[trunk a]\ndomains = %0220d\n", 1);
    cr_expect_eq(settings_try_places(line, &why), ERR_INVALID);
    cr_expect(strstr(why.text, "line 2") != NULL, "%s", why.text);
}

Test(named, a_file_that_cannot_be_read_is_set_aside_and_the_service_starts)
{
    char text[64] = "";
    struct why why = {0};
    FILE *f = fopen(path, "w");
    fputs("[trunk a]\npeers = nonsense\n", f);
    fclose(f);
    open_again();
    cr_expect_eq(count(), 0);
    cr_expect_eq(access(path, F_OK), -1);
    f = fopen(aside, "r");
    cr_assert_not_null(f, "it is kept");
    cr_expect(fread(text, 1, sizeof text - 1, f) > 0 && strstr(text, "nonsense"));
    fclose(f);
    cr_assert_eq(put("b", NAMED_PEERS, "192.0.2.1", &why), 0, "%s", why.text);
    open_again();
    cr_expect_eq(count(), 1);
}

static bool has_capacity(void *context, const struct named *now)
{
    return strcmp(now->value[NAMED_CAPACITY], context) == 0;
}

Test(named, who_saw_something_else_changes_nothing)
{
    char eight[] = "8";
    const struct named_seen seen = {.still = has_capacity, .context = eight};
    const struct named item = {.kind = NAMED_TRUNK, .id = "a", .value = {[NAMED_PEERS] = "192.0.2.1", [NAMED_CAPACITY] = "8"}};
    const struct named other = {.kind = NAMED_TRUNK, .id = "a", .value = {[NAMED_PEERS] = "192.0.2.1", [NAMED_CAPACITY] = "9"}};
    struct why why = {0};
    cr_assert_eq(named_change(named, NAMED_NEW, &item, NULL, NULL, &why), 0, "%s", why.text);
    cr_expect_eq(named_change(named, NAMED_OTHER, &other, &seen, NULL, &why), 0, "%s", why.text);
    cr_expect_eq(named_change(named, NAMED_OTHER, &item, &seen, NULL, &why), ERR_BUSY);
    cr_expect_eq(named_change(named, NAMED_GONE, &item, &seen, NULL, &why), ERR_BUSY);
    cr_expect_eq(count(), 1);
    cr_expect_eq(named_change(named, NAMED_GONE, &item, NULL, NULL, &why), 0);
}
