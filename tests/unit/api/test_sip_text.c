#include <criterion/criterion.h>
#include <stdio.h>

#include "api/header_search.h"
#include "api/sip_text.h"
#include "tests/support/guard.h"

static const char MESSAGE[] = "\r\nINVITE sip:bob@b SIP/2.0\r\n"
                              "v: SIP/2.0/UDP a;branch=1\r\n"
                              "Subject :  one\r\n \t two\n  three \r\n"
                              "no colon here\r\n"
                              "F: <sip:alice@a>;tag=9\n"
                              "X-Empty:\r\n"
                              "\r\n"
                              "v=0\r\ns=-\r\n";

static char text[2048];

/* The message as "start|name=value|...|body", folds removed. */
static const char *shown(struct slice raw)
{
    struct sip_text t;
    struct sip_field f;
    struct buf out;

    buf_init(&out, sizeof text);
    sip_text_split(raw, &t);
    buf_slice(&out, t.start_line);
    while (sip_text_field(&t.fields, &f)) {
        buf_char(&out, '|');
        buf_slice(&out, f.name);
        buf_char(&out, '=');
        sip_value_unfold(f.value, &out);
    }
    buf_str(&out, "||");
    buf_slice(&out, t.body);
    snprintf(text, sizeof text, "%s", buf_text(&out));
    buf_fini(&out);
    return text;
}

Test(sip_text, is_cut_into_start_line_fields_and_body)
{
    cr_expect_str_eq(shown(slice_str(MESSAGE)),
                     "INVITE sip:bob@b SIP/2.0|Via=SIP/2.0/UDP a;branch=1|Subject=one two three"
                     "|=no colon here|From=<sip:alice@a>;tag=9|X-Empty=||v=0\r\ns=-\r\n");
}

Test(sip_text, odd_messages_are_cut_too)
{
    static const struct {
        const char *raw, *wanted;
    } CASES[] = {{"", "||"},
                 {"\r\n\n\r\n", "||"},
                 {"BYE", "BYE||"},
                 {"BYE\n\nbody", "BYE||body"},
                 {"BYE\r\nTo: x", "BYE|To=x||"},
                 {"BYE\r\nTo: x\r\n", "BYE|To=x||"},
                 {"BYE\r\n To: x\r\n\r\n", "BYE|To=x||"},
                 {"BYE\r\n:\r\n::\r\n", "BYE|=|=:||"},
                 {"BYE\nS: a\n \n \n b\n\n\n", "BYE|Subject=a b||\n"},
                 {"BYE\nS: a\rb\n", "BYE|Subject=a\rb||"},
                 {"BYE\nZ: a\nxy: b\n", "BYE|Z=a|xy=b||"}};

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        cr_expect_str_eq(shown(slice_str(CASES[i].raw)), CASES[i].wanted, "%s: %s", CASES[i].raw,
                         text);
}

Test(sip_text, every_truncation_is_read_within_its_bytes)
{
    for (size_t n = 0; n < sizeof MESSAGE; n++) {
        struct slice cut = guard_copy(slice_of(MESSAGE, n));
        struct sip_text t;
        struct sip_field f;
        size_t seen = 0;
        struct buf out;
        buf_init(&out, 4096);
        sip_text_split(cut, &t);
        cr_expect_leq(t.start_line.size + t.fields.size + t.body.size, n);
        while (sip_text_field(&t.fields, &f)) {
            seen += f.value.size;
            sip_value_unfold(f.value, &out);
        }
        cr_expect_leq(seen, n);
        cr_expect_leq(out.size, n);
        buf_fini(&out);
        guard_free(cut);
    }
}

Test(sip_text, compact_names_are_written_in_full)
{
    static const char *const PAIRS[][2] = {{"i", "Call-ID"},
                                           {"M", "Contact"},
                                           {"t", "To"},
                                           {"V", "Via"},
                                           {"l", "Content-Length"},
                                           {"x", "Session-Expires"},
                                           {"q", "q"},
                                           {"To", "To"},
                                           {"@", "@"}};

    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++)
        cr_expect(slice_is(sip_name_full(slice_str(PAIRS[i][0])), PAIRS[i][1]), "%s", PAIRS[i][0]);
    cr_expect_eq(sip_name_full(slice_none()).size, 0);
}

Test(sip_text, names_are_tokens)
{
    char longest[66];

    memset(longest, 'a', sizeof longest);
    cr_expect(sip_name_is_valid(slice_str("P-Asserted-Identity")));
    cr_expect(sip_name_is_valid(slice_of(longest, 64)));
    cr_expect_not(sip_name_is_valid(slice_of(longest, 65)));
    cr_expect_not(sip_name_is_valid(slice_str("")));
    cr_expect_not(sip_name_is_valid(slice_str("To:")));
    cr_expect_not(sip_name_is_valid(slice_str("a b")));
    cr_expect_not(sip_name_is_valid(slice_of("a\0", 2)));
}

static bool matches(const char *name, const char *value)
{
    struct header_search s;
    const struct record_message m = {.raw = slice_str(MESSAGE)};

    header_search_init(&s, name, value);
    bool found = header_search_matches(&s, &m);
    cr_expect_eq(s.bytes, sizeof MESSAGE - 1);
    header_search_fini(&s);
    return found;
}

Test(header_search, knows_compact_names_folds_and_any_case)
{
    cr_expect(matches("subject", "One Two three"));
    cr_expect(matches("s", "one two"));
    cr_expect(matches("Via", "BRANCH=1"));
    cr_expect(matches("from", "tag=9"));
    cr_expect(matches("x-empty", NULL));
    cr_expect_not(matches("x-empty", "a"));
    cr_expect_not(matches("subject", "one  two"));
    cr_expect_not(matches("subject", "o.e"));
    cr_expect_not(matches("subject", "%"));
    cr_expect_not(matches("to", NULL));
    cr_expect_not(matches("v", "v=0"));
}

Test(header_search, is_linear_in_a_value_made_against_it)
{
    size_t size = 1 << 16;
    char *raw = malloc(size + 1), pattern[251];
    struct header_search s;

    memset(raw, 'a', size);
    memcpy(raw, "BYE\nX: ", 7);
    memset(pattern, 'a', 250);
    pattern[249] = 'b';
    pattern[250] = '\0';
    header_search_init(&s, "X", pattern);
    const struct record_message m = {.raw = slice_of(raw, size)};
    for (int i = 0; i < 100; i++)
        cr_expect_not(header_search_matches(&s, &m));
    raw[size - 1] = 'b';
    cr_expect(header_search_matches(&s, &m));
    header_search_fini(&s);
    free(raw);
}
