/* Names of recordings: whatever stands in a call, they stay below the root, and each is one of its own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "storage/media_name.h"
#include "tests/unit/storage/record_help.h"

static char dir[HELP_DIR_SIZE];

static void setup(void)
{
    help_dir_make(dir);
}

static void teardown(void)
{
    help_dir_remove(dir);
}

TestSuite(media_name, .init = setup, .fini = teardown, .timeout = 60);

#define UID "0198f12a-1111-8222-8333-444455556666"
#define OTHER "0198f12a-1111-8222-8333-444455557777"

static struct media_name name_of(const char *caller)
{
    return (struct media_name){.started_us = INT64_C(1700000000123456),
                               .uid = UID,
                               .caller = slice_str(caller),
                               .callee = slice_str("200"),
                               .dir = slice_str("in"),
                               .trunk = slice_str("carrier"),
                               .rule = slice_str("sales"),
                               .call_id = slice_str("abc@host")};
}

Test(media_name, variables_are_filled_in)
{
    char path[MEDIA_PATH_MAX];
    const struct media_name n = name_of("+43 1/5.0");
    cr_assert_eq(media_name_expand("{yyyy}/{mm}{dd}/{HH}-{MM}-{SS}_{caller}_{callee}_{dir}_{trunk}_{rule}", &n, "ogg", false, path), 0);
    cr_assert_str_eq(path, "audio/2023/1114/22-13-20_+4315.0_200_in_carrier_sales.ogg");
    cr_assert_eq(media_name_expand("{uuid}", &n, "wav", false, path), 0);
    cr_assert_str_eq(path, "audio/" UID ".wav");
    cr_assert_eq(media_name_expand("{cid_hash}", &n, "wav", true, path), 0);
    cr_assert_eq(strlen(path), strlen("audio/") + 16 + 1 + strlen(UID ".wav"), "%s", path);
}

Test(media_name, template_is_checked)
{
    static const char *const GOOD[] = {"", "{yyyy}/{caller}", "calls/{uuid}", "a.b-c_d+{SS}"};
    static const char *const BAD[] = {"{number}", "{caller", "../{uuid}", "/{uuid}", "a//b", "a/", ".{uuid}", "a/-b", "a b", "a\\b", "{YYYY}", "a/../b"};
    struct why why;
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++)
        cr_assert(media_template_valid(GOOD[i], &why), "%s", GOOD[i]);
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        cr_assert_not(media_template_valid(BAD[i], &why), "%s", BAD[i]);
}

/* Bytes that have hurt others, in any order. */
static void hostile(unsigned seed, char out[200])
{
    static const char *const PIECES[] = {"..", "/", "../", "\\", "%2e%2e/", "%00", "-", "--", ".", "~", "$(x)", "`id`", ";", "|", "\n", "\r", "\t", "CON",
                                         "\xc0\xae", "\xe2\x80\xae", "a", "1", " ", "'", "\"", "*", "?", ":", "<", ">", "/etc/passwd", ".ssh", "-rf", "-p2", "{uuid}"};
    size_t n = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < 1 + seed % 40 && n < 180; i++) {
        seed = seed * 1103515245u + 12345u;
        n += (size_t)snprintf(out + n, 200 - n, "%s", PIECES[(seed >> 16) % (sizeof PIECES / sizeof *PIECES)]);
    }
}

static bool stays(const char *path)
{
    for (const char *c = path; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-/", *c))
            return false;
    return strncmp(path, "audio/", 6) == 0 && !strstr(path, "/.") && !strstr(path, "/-") && !strstr(path, "//") && strlen(strrchr(path, '/')) < 250;
}

Test(media_name, five_hundred_hostile_values_stay_below_the_root_and_are_unique)
{
    static char taken[500][MEDIA_PATH_MAX];
    struct why why;
    for (unsigned i = 0; i < 500; i++) {
        char value[200], uid[40];
        hostile(i, value);
        snprintf(uid, sizeof uid, "0198f12a-1111-8222-8333-%012u", i);
        struct media_name n = name_of(value);
        n.uid = uid;
        n.callee = slice_str(value);
        cr_assert_eq(media_name_take(dir, i % 2 ? "{caller}/{callee}" : "{dir}/x{caller}", &n, "wav", taken[i], &why), 0, "%s", why.text);
        cr_assert(stays(taken[i]), "%s", taken[i]);
        for (unsigned k = 0; k < i; k++)
            cr_assert_str_neq(taken[i], taken[k]);
    }
}

Test(media_name, taken_name_gets_the_uid_and_a_released_one_does_not)
{
    char a[MEDIA_PATH_MAX], b[MEDIA_PATH_MAX], c[MEDIA_PATH_MAX];
    struct why why;
    const struct media_name n = name_of("100");
    struct media_name other = n;
    other.uid = OTHER;
    cr_assert_eq(media_name_take(dir, "{caller}", &n, "wav", a, &why), 0);
    cr_assert_str_eq(a, "audio/100.wav");
    cr_assert_eq(media_name_take(dir, "{caller}", &other, "flac", b, &why), 0);
    cr_assert_str_eq(b, "audio/100-" OTHER ".flac");
    cr_assert_eq(media_name_take(dir, "{caller}", &n, "wav", b, &why), 0);
    cr_assert_str_eq(b, a, "who took it and was cut by a crash gets it again");
    media_name_release(dir, a);
    cr_assert_eq(media_name_take(dir, "{caller}", &n, "wav", c, &why), 0);
    cr_assert_str_eq(c, a);
    static const char *const TAKEN[] = {"100-p2", "100-t1", "100-v1", "100-mix", "100-caller", "100-callee-p2"};
    for (size_t i = 0; i < sizeof TAKEN / sizeof *TAKEN; i++) {
        const struct media_name part = name_of(TAKEN[i]);
        char wanted[MEDIA_PATH_MAX];
        snprintf(wanted, sizeof wanted, "audio/%s-" UID ".wav", TAKEN[i]);
        cr_assert_eq(media_name_take(dir, "{caller}", &part, "wav", b, &why), 0);
        cr_assert_str_eq(b, wanted, "it would be a file of the other");
    }
    const struct media_name plain = name_of("100-v");
    cr_assert_eq(media_name_take(dir, "{caller}", &plain, "wav", b, &why), 0);
    cr_assert_str_eq(b, "audio/100-v.wav");
}

Test(media_name, link_in_the_way_is_not_followed)
{
    char audio[300], out[300], path[MEDIA_PATH_MAX];
    struct why why;
    struct stat st;
    const struct media_name n = name_of("100");
    snprintf(audio, sizeof audio, "%s/audio", dir);
    snprintf(out, sizeof out, "%s/elsewhere", dir);
    cr_assert_eq(mkdir(out, 0700), 0);
    cr_assert_eq(symlink(out, audio), 0);
    cr_assert_eq(media_name_take(dir, "{caller}", &n, "wav", path, &why), ERR_DENIED);
    unlink(audio);
    cr_assert_eq(mkdir(audio, 0700), 0);
    snprintf(audio, sizeof audio, "%s/audio/100.json", dir);
    snprintf(out, sizeof out, "%s/elsewhere/target", dir);
    cr_assert_eq(symlink(out, audio), 0);
    cr_assert_eq(media_name_take(dir, "{caller}", &n, "wav", path, &why), 0);
    cr_assert_str_eq(path, "audio/100-" UID ".wav");
    cr_assert_neq(stat(out, &st), 0, "nothing was made through the link");
}
