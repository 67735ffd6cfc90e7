/* Transcripts as engines write them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/transcript_text.h"

static struct transcript_reading fresh(void)
{
    return (struct transcript_reading){.arena = arena_new(4096, 64u << 20)};
}

/* "0-1500 caller Hello|..." of all segments, "?" for an unknown time; NULL: refused. */
static const char *told(struct transcript_reading *r, bool good)
{
    static char out[4096];
    size_t n = 0;
    out[0] = '\0';
    for (uint32_t i = 0; good && i < r->transcript.segment_count; i++) {
        const struct record_segment *s = &r->transcript.segments[i];
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%lld-%lld %s %.*s", i ? "|" : "", (long long)s->start_ms, (long long)s->end_ms, s->party,
                              SLICE_ARGS(s->text));
    }
    if (!good)
        snprintf(out, sizeof out, "no: %s", r->wrong);
    arena_free(r->arena);
    return out;
}

static const char *vtt(const char *text)
{
    struct transcript_reading r = fresh();
    return told(&r, transcript_read_vtt(&r, slice_str(text)));
}

static const char *plain(const char *text)
{
    struct transcript_reading r = fresh();
    return told(&r, transcript_read_plain(&r, slice_str(text)));
}

static const char *json(const char *text)
{
    struct transcript_reading r = fresh();
    struct json_value *root = json_read(slice_str(text), 1u << 20, 8);
    const char *out = told(&r, transcript_read_json(&r, root));
    json_read_free(root);
    return out;
}

Test(transcript, webvtt_gives_its_cues)
{
    cr_expect_str_eq(vtt("WEBVTT\n\n00:01.000 --> 00:02.500\nHello\n"), "1000-2500 unknown Hello");
    cr_expect_str_eq(vtt("\xef\xbb\xbfWEBVTT - a title\r\nX: y\r\n\r\nNOTE of no use\r\n\r\nSTYLE\r\n::cue {}\r\n\r\n"
                         "cue 1\r\n01:00:00.001 --> 01:00:02.000 align:left line:0\r\n<v.loud Caller>Tom &amp; <i>Jerry</i>\r\nsecond &lt;line&gt;\r\n\r\n"
                         "00:00.000 --> 00:00.900\r\n<v callee>first</v>"),
                     "0-900 callee first|3600001-3602000 caller Tom & Jerry\nsecond <line>");
    cr_expect_str_eq(vtt("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Roger>a &unknown; <c.red>b</c> < c"), "1000-2000 unknown a &unknown; b");
    cr_expect_eq(strncmp(vtt("00:01.000 --> 00:02.000\nx"), "no", 2), 0);
    cr_expect_eq(strncmp(vtt("WEBVTT\n\n"), "no", 2), 0);
    static const char *const BAD[] = {"0:1 --> 0:2", "00:02.000 --> 00:01.000", "x --> y", "-->", "99999:00:00.000 --> 99999:00:01.000",
                                      "00:00:00:00.000 --> 00:01.000", "00:01.0 --> 00:02.0"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        char text[100];
        snprintf(text, sizeof text, "WEBVTT\n\n%s\ntext\n", BAD[i]);
        cr_expect_eq(strncmp(vtt(text), "no", 2), 0, "%s", BAD[i]);
    }
}

Test(transcript, lines_of_text_have_no_times)
{
    cr_expect_str_eq(plain("caller: Hello\r\n\nCallee:  hi: there \nno one: in particular\n"), "-1--1 caller Hello|-1--1 callee hi: there|-1--1 unknown no one: in particular");
    cr_expect_eq(strncmp(plain(" \n\n"), "no", 2), 0);
    cr_expect_eq(strncmp(plain("a\xff"), "no", 2), 0);
    cr_expect_eq(strncmp(plain("a\x01"), "no", 2), 0);
}

Test(transcript, json_is_checked_and_put_in_order)
{
    cr_expect_str_eq(json("{\"segments\":[{\"start_ms\":900,\"end_ms\":1000,\"party\":\"callee\",\"text\":\"b\",\"words\":[[1,2]],\"confidence\":0.5},"
                          "{\"start_ms\":0,\"party\":\"caller\",\"text\":\"a\"},{\"text\":\"c\",\"party\":null}]}"),
                     "0--1 caller a|-1--1 unknown c|900-1000 callee b");
    static const char *const BAD[] = {"[]", "{}", "{\"segments\":[]}", "{\"segments\":[1]}", "{\"segments\":{\"text\":\"a\"}}", "{\"segments\":[{\"text\":\"\"}]}",
                                      "{\"segments\":[{\"text\":1}]}", "{\"segments\":[{\"text\":\"a\",\"party\":\"me\"}]}", "{\"segments\":[{\"text\":\"a\",\"party\":1}]}",
                                      "{\"segments\":[{\"text\":\"a\",\"start_ms\":-1}]}", "{\"segments\":[{\"text\":\"a\",\"start_ms\":1.5}]}", "{\"segments\":[{\"text\":\"a\",\"start_ms\":\"1\"}]}",
                                      "{\"segments\":[{\"text\":\"a\",\"start_ms\":2,\"end_ms\":1}]}", "{\"segments\":[{\"text\":\"a\",\"start_ms\":999999999999}]}",
                                      "{\"segments\":[{\"text\":\"a\"}],\"langauge\":\"de\"}", "{\"segments\":[{\"text\":\"a\"}],\"engine\":\"a\\nb\"}", "x"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        cr_expect_eq(strncmp(json(BAD[i]), "no", 2), 0, "%s", BAD[i]);
}

Test(transcript, has_ceilings)
{
    struct transcript_reading r = fresh();
    char *big = malloc(2 << 20);
    size_t n = 0;
    for (int i = 0; i <= NOTE_SEGMENTS_MAX; i++)
        n += (size_t)sprintf(big + n, "a\n");
    cr_expect_eq(strncmp(told(&r, transcript_read_plain(&r, slice_of(big, n))), "no", 2), 0);
    r = fresh();
    cr_expect(transcript_read_plain(&r, slice_of(big, n - 2)));
    arena_free(r.arena);
    memset(big, 'a', NOTE_TEXT_MAX + 1);
    r = fresh();
    cr_expect_eq(strncmp(told(&r, transcript_read_plain(&r, slice_of(big, NOTE_TEXT_MAX + 1))), "no", 2), 0);
    free(big);
}

/* Each cut of a file, and each byte of it changed, gives segments or a sentence. */
Test(transcript, damaged_webvtt_is_read_or_refused)
{
    static const char WHOLE[] = "WEBVTT\n\nid\n00:00:01.000 --> 00:00:02.000 a:b\n<v caller>x &amp; y</v>\n\n00:03.000 --> 00:04.000\nz\n";
    char text[sizeof WHOLE];
    for (size_t n = 0; n < sizeof WHOLE; n++) {
        memcpy(text, WHOLE, sizeof WHOLE);
        text[n] = '\0';
        vtt(text);
        for (const char *c = "\n:<&>-.9"; *c && n + 1 < sizeof WHOLE; c++) {
            memcpy(text, WHOLE, sizeof WHOLE);
            text[n] = *c;
            vtt(text);
        }
    }
}
