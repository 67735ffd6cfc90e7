/* What people type becomes the query they mean; what comes from the wire commands neither a terminal nor a table. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "api/call_csv.h"
#include "app/terminal/text.h"
#include "app/terminal/words.h"

static const struct {
    const char *word, *query; /* NULL: refused */
} WORDS[] = {
    {"+49 (30) 1234-5", "&number__prefix=%2B493012345"},
    {"4930", "&number__prefix=4930"},
    {"49", "&q=49"}, /* too short for a number */
    {"10.1.2.3", "&ip=10.1.2.3"},
    {"2001:db8::1", "&ip=2001%3Adb8%3A%3A1"},
    {"a84b4c@host", "&call_id=a84b4c%40host"},
    {"failed", "&outcome=busy&outcome=no_answer&outcome=rejected&outcome=failed&outcome=lost"},
    {"one-way", "&one_way=true"},
    {"mos<3.5", "&mos_min__lte=3.5"},
    {"mos<=3.5", "&mos_min__lte=3.5"},
    {"loss>2%", "&loss_ratio__gte=0.02"},
    {"loss>2", "&loss_ratio__gte=0.02"},
    {"loss>0.02", "&loss_ratio__gte=0.02"},
    {"jitter>30ms", "&jitter_ms__gte=30"},
    {"duration>60", "&duration_ms__gte=60000"},
    {"duration<5s", "&duration_ms__lte=5000"},
    {"code:486", "&sip_code=486"},
    {"tag:case:42", "&tag=case%3A42"},
    {"from=a&b=c", "&from_user=a%26b%3Dc"},
    {"has_recording=true", "&has_recording=true"},
    {"text:50% off", "&q=50%25%20off"},
    {"Grandstream", "&q=Grandstream"},
    {"", NULL},
    {"mos>3", NULL},
    {"mos<", NULL},
    {"mos<6", NULL},
    {"mos<x", NULL},
    {"mos<3%", NULL},
    {"pdd>5", NULL},
    {"jitter>-1", NULL},
};

Test(terminal, words_become_filters)
{
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        struct buf query;
        struct why why = {0};
        buf_init(&query, 4096);
        int err = words_add(&query, WORDS[i].word, &why);
        cr_expect_eq(err == 0, WORDS[i].query != NULL, "%s", WORDS[i].word);
        if (err == 0)
            cr_expect_str_eq(buf_text(&query), WORDS[i].query, "%s", WORDS[i].word);
        else
            cr_expect_neq(why.text[0], '\0');
        buf_fini(&query);
    }
}

Test(terminal, times_are_moments_or_so_long_ago)
{
    static const struct {
        const char *text, *query;
    } TIMES[] = {{"2025-11-21T10:00:00Z", "&from=2025-11-21T10%3A00%3A00.000000Z"}, {"90s", "&from=1969-12-31T23%3A58%3A30.000000Z"},
                 {"1d", "&from=1969-12-31T00%3A00%3A00.000000Z"},                   {"yesterday", NULL},
                 {"", NULL},                                                        {"5", NULL},
                 {"5x", NULL},                                                      {"5mm", NULL}};
    for (size_t i = 0; i < sizeof TIMES / sizeof *TIMES; i++) {
        struct buf query;
        struct why why = {0};
        buf_init(&query, 4096);
        int err = words_add_span(&query, &(struct words_span){.from = TIMES[i].text}, 0, &why);
        cr_expect_eq(err == 0, TIMES[i].query != NULL, "%s", TIMES[i].text);
        if (err == 0)
            cr_expect_str_eq(buf_text(&query), TIMES[i].query);
        buf_fini(&query);
    }
}

Test(terminal, a_question_without_a_time_is_about_a_day)
{
    static const struct {
        struct words_span span;
        const char *query;
    } SPANS[] = {
        {{0}, "&from=1970-01-09T00%3A00%3A00.000000Z"},
        {{.to = "7d", .to_option = "to"}, "&from=1970-01-02T00%3A00%3A00.000000Z&to=1970-01-03T00%3A00%3A00.000000Z"},
    };
    for (size_t i = 0; i < sizeof SPANS / sizeof *SPANS; i++) {
        struct buf query;
        struct why why = {0};
        buf_init(&query, 4096);
        cr_expect_eq(words_add_span(&query, &SPANS[i].span, INT64_C(9) * 86400 * 1000000, &why), 0);
        cr_expect_str_eq(buf_text(&query), SPANS[i].query);
        buf_fini(&query);
    }
    struct buf query;
    struct why why = {0};
    buf_init(&query, 4096);
    cr_expect_neq(words_add_span(&query, &(struct words_span){.to = "x", .to_option = "before"}, 0, &why), 0);
    cr_expect_neq(strstr(why.text, "--before"), NULL, "%s", why.text);
    buf_fini(&query);
}

static struct json_value *call_of(const char *user, const char *host)
{
    char text[300];
    snprintf(text, sizeof text, "{\"from\":{\"user\":\"%s\",\"host\":\"%s\"},\"quality\":{\"mos_min\":3.25,\"one_way\":true},\"duration_ms\":61500}", user, host);
    return json_read(slice_str(text), 4096, 8);
}

Test(terminal, bytes_of_the_wire_command_no_terminal)
{
    char out[TEXT_CELL];
    struct json_value *v = call_of("a\\u001b[2Jb\\u009b1m\\u007f", "-");
    text_party(v, "from", out);
    cr_expect(strncmp(out, "a?[2Jb", 6) == 0, "%s", out);
    for (const char *p = out; *p; p++)
        cr_expect((unsigned char)*p >= 32 && *p != 127 && !((unsigned char)*p == 0xc2 && (unsigned char)p[1] < 0xa0), "%s", out);
    cr_expect_str_eq(text_length(text_int(v, "duration_ms", -1), out), "1:01.5");
    cr_expect_str_eq(json_word(v, "to.user", out), "-");
    json_read_free(v);
}

Test(terminal, tables_hold_no_formulas)
{
    static const struct {
        const char *user, *cell;
    } CASES[] = {{"=1+1", ",\"'=1+1\","}, {"+4930", ",+4930,"}, {"+4930+cmd", ",\"'+4930+cmd\","}, {"@SUM(A1)", ",\"'@SUM(A1)\","}, {"a,b", ",\"a,b\","}, {"a\\\"b", ",\"a\"\"b\","},
                 {"a;b", ",\"a;b\","}, {"a;=1+1", ",\"a;'=1+1\","}, {"a;b;@SUM(A1)", ",\"a;b;'@SUM(A1)\","}, {"a;+4930", ",\"a;+4930\","}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        struct json_value *v = call_of(CASES[i].user, "h");
        cr_assert(call_csv_row(f, v));
        fclose(f);
        cr_expect(strstr(text, CASES[i].cell) != NULL, "%s in %s", CASES[i].cell, text);
        json_read_free(v);
        free(text);
    }
}
