#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/settings.h"

Test(settings, defaults_pass_their_own_check)
{
    struct settings s;
    struct why why = {0};
    settings_defaults(&s);
    cr_assert_eq(settings_check(&s, &why), 0, "%s", why.text);
    cr_assert_eq(s.api_port, 8470);
    cr_assert_eq(s.recording_default, RECORDING_METADATA_ONLY);
}

static const struct {
    const char *section, *name, *value;
    int err;
    const char *says;
} lines[] = {
    {"capture", "ring_size", "16M", 0, NULL},
    {"capture", "ring_size", "16 M", 0, NULL},
    {"capture", "ring_size", "lots", ERR_INVALID, "512k"},
    {"capture", "ring_size", "99999999999999G", ERR_INVALID, "512k"},
    {"capture", "promiscuous", "maybe", ERR_INVALID, "yes or no"},
    {"capture", "interfase", "eth0", ERR_INVALID, "\"interface\""},
    {"capure", "interface", "eth0", ERR_INVALID, "[capture]"},
    {"calls", "media_timeout", "90s", 0, NULL},
    {"calls", "media_timeout", "90", ERR_INVALID, "duration"},
    {"calls", "max_duration", "0", 0, NULL},
    {"recording", "default", "record", 0, NULL},
    {"recording", "default", "everything", ERR_INVALID, "metadata-only, record"},
    {"api", "port", "-1", ERR_INVALID, "whole number"},
};

Test(settings, each_line_is_taken_or_refused_with_what_it_should_be)
{
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct settings s;
        struct why why = {0};
        settings_defaults(&s);
        cr_assert_eq(settings_set(&s, lines[i].section, lines[i].name, lines[i].value, &why), lines[i].err, "%s = %s",
                     lines[i].name, lines[i].value);
        if (lines[i].says)
            cr_assert_neq(strstr(why.text, lines[i].says), NULL, "%s: %s", lines[i].name, why.text);
    }
}

Test(settings, what_is_printed_reads_back_equal)
{
    struct settings s, back;
    struct why why = {0};
    char path[] = "/tmp/earshot-settings-XXXXXX";
    settings_defaults(&s);
    cr_assert_eq(settings_set(&s, "spool", "hold", "750ms", &why), 0);
    cr_assert_eq(settings_set(&s, "capture", "interface", "eth7", &why), 0);
    FILE *f = fdopen(mkstemp(path), "w");
    settings_print(&s, f);
    fclose(f);
    settings_defaults(&back);
    cr_assert_eq(settings_read(&back, path, &why), 0, "%s", why.text);
    unlink(path);
    cr_assert_eq(memcmp(&s, &back, sizeof s), 0);
}

Test(settings, a_wrong_file_is_named_with_its_line)
{
    struct settings s;
    struct why why = {0};
    char path[] = "/tmp/earshot-settings-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w");
    fputs("# comment\n[capture]\nring_size = 1M\nfliter = udp\n", f);
    fclose(f);
    settings_defaults(&s);
    cr_assert_eq(settings_read(&s, path, &why), ERR_INVALID);
    unlink(path);
    cr_assert_neq(strstr(why.text, "line 4"), NULL, "%s", why.text);
    cr_assert_neq(strstr(why.text, "\"filter\""), NULL, "%s", why.text);
}

static const struct {
    const char *text, *says;
} wrong_files[] = {
    {"port = 1\n[api]\n", "line 1: \"port\" stands in no section"},
    {"[api\nport = 1\n", "line 1: neither"},
    {"[api]\nport 3\nprot = 1\n", "line 2: neither"}, /* not what is wrong with the next line */
    {"[api]\nprot = 1\nport 3\n", "line 2: unknown setting"},
    {"# LONG\n[api]\nprot = 1\n", "line 3: unknown setting"},
    {"[rule x]\naction = skip\nnumber = LONG\n[api]\n", "line 3: the line is longer than"},
};

/* LONG: longer than a line may be. */
static void write_wrong(const char *text, FILE *f)
{
    const char *place = strstr(text, "LONG");
    if (place)
        fprintf(f, "%.*s%0400d%s", (int)(place - text), text, 0, place + 4);
    else
        fputs(text, f);
    fclose(f);
}

Test(settings, the_first_wrong_line_is_told_with_what_is_wrong_with_it)
{
    for (size_t i = 0; i < sizeof wrong_files / sizeof wrong_files[0]; i++) {
        struct settings s;
        struct why why = {0};
        char path[] = "/tmp/earshot-settings-XXXXXX";
        write_wrong(wrong_files[i].text, fdopen(mkstemp(path), "w"));
        settings_defaults(&s);
        cr_assert_eq(settings_read(&s, path, &why), ERR_INVALID);
        unlink(path);
        cr_assert_neq(strstr(why.text, wrong_files[i].says), NULL, "%s: %s", wrong_files[i].text, why.text);
        settings_free(&s);
    }
}

Test(settings, a_directory_is_no_file_and_no_folder_is_no_place_for_data)
{
    struct settings s;
    struct why why = {0};
    settings_defaults(&s);
    cr_assert_neq(settings_read(&s, "/tmp", &why), 0);
    cr_assert_neq(strstr(why.text, "directory"), NULL, "%s", why.text);
    cr_assert_eq(settings_set(&s, "storage", "data_dir", "", &why), 0);
    cr_assert_eq(settings_check(&s, &why), ERR_INVALID);
    cr_assert_neq(strstr(why.text, "data_dir"), NULL, "%s", why.text);
}

Test(settings, beyond_loopback_needs_a_proxy)
{
    struct settings s;
    struct why why = {0};
    settings_defaults(&s);
    cr_assert_eq(settings_set(&s, "api", "bind", "192.0.2.1", &why), 0);
    cr_assert_eq(settings_check(&s, &why), ERR_INVALID);
    cr_assert_eq(settings_set(&s, "api", "behind_proxy", "yes", &why), 0);
    cr_assert_eq(settings_check(&s, &why), 0);
}
