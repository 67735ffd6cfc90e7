#include "api/transcript_text.h"

#include <string.h>

static bool refuse(struct transcript_reading *r, const char *field, const char *wrong)
{
    r->field = field;
    r->wrong = wrong;
    return false;
}

/* ---- segments ---- */

static bool make_room(struct transcript_reading *r)
{
    struct record_transcript *t = &r->transcript;
    if (t->segment_count < r->room)
        return true;
    uint32_t room = r->room ? 2 * r->room : 64;
    struct record_segment *more = arena_alloc(r->arena, room * sizeof *more);
    if (more == NULL)
        return refuse(r, NULL, "There is no memory for it.");
    if (t->segment_count)
        memcpy(more, t->segments, t->segment_count * sizeof *more);
    t->segments = more;
    r->room = room;
    return true;
}

static bool add(struct transcript_reading *r, struct record_segment s)
{
    if (!note_text_valid(s.text, NOTE_TEXT_MAX))
        return refuse(r, "segments", "The text of a segment is 1 to 4096 bytes of UTF-8; of control characters only tabs and line feeds.");
    if (s.start_ms > NOTE_TIME_MAX_MS || s.end_ms > NOTE_TIME_MAX_MS || (s.end_ms >= 0 && s.end_ms < s.start_ms))
        return refuse(r, "segments", "A segment ends where it starts or later, within seven days.");
    r->bytes += s.text.size;
    if (r->transcript.segment_count == NOTE_SEGMENTS_MAX || r->bytes > NOTE_TRANSCRIPT_MAX)
        return refuse(r, "segments", "A transcript has at most 20000 segments and a MiB of text.");
    if (!make_room(r))
        return false;
    r->transcript.segments[r->transcript.segment_count++] = s;
    return true;
}

static bool finish(struct transcript_reading *r)
{
    if (r->transcript.segment_count == 0)
        return refuse(r, "segments", "A transcript has at least one segment.");
    return note_segments_sort(r->transcript.segments, r->transcript.segment_count) || refuse(r, NULL, "There is no memory for it.");
}

/* NULL: nobody of whom we know. */
static const char *party_of(struct slice name)
{
    static const char *const PARTIES[] = {"caller", "callee", "unknown"};
    for (unsigned i = 0; i < 3; i++)
        if (slice_equal_nocase(slice_trim(name), slice_str(PARTIES[i])))
            return PARTIES[i];
    return NULL;
}

/* ---- JSON ---- */

static bool take_time(const struct json_value *value, int64_t *ret_ms)
{
    *ret_ms = -1;
    if (value == NULL || json_value_is_null(value))
        return true;
    return json_value_is_whole(value) && json_value_int(value, ret_ms) && *ret_ms >= 0;
}

/* What else an engine says of a segment is left out. */
static bool take_segment(struct transcript_reading *r, const struct json_value *value)
{
    const struct json_value *party = json_value_get(value, "party");
    struct record_segment s = {.party = "unknown"};
    struct slice name = slice_none();

    if (!take_time(json_value_get(value, "start_ms"), &s.start_ms) || !take_time(json_value_get(value, "end_ms"), &s.end_ms))
        return refuse(r, "segments", "`start_ms` and `end_ms` of a segment are whole numbers of milliseconds of the recording.");
    if (json_value_text(party, &name))
        s.party = party_of(name);
    else if (party && !json_value_is_null(party))
        s.party = NULL;
    if (s.party == NULL)
        return refuse(r, "segments", "The `party` of a segment is caller, callee or unknown.");
    if (!json_value_text(json_value_get(value, "text"), &s.text))
        return refuse(r, "segments", "A segment has a `text`.");
    return add(r, s);
}

static bool take_name(struct transcript_reading *r, const struct json_value *value, const char *field, struct slice *ret_name)
{
    if (value == NULL || json_value_is_null(value))
        return true;
    return (json_value_text(value, ret_name) && note_name_valid(*ret_name)) ||
           refuse(r, field, "Language and engine are names of at most 64 bytes.");
}

static bool take_member(void *context, struct slice key, const struct json_value *value)
{
    struct transcript_reading *r = context;

    if (slice_is(key, "language"))
        return take_name(r, value, "language", &r->transcript.language);
    if (slice_is(key, "engine"))
        return take_name(r, value, "engine", &r->transcript.engine);
    if (!slice_is(key, "segments"))
        return refuse(r, NULL, "The members are `language`, `engine` and `segments`.");
    for (size_t i = 0; i < json_value_count(value); i++)
        if (!take_segment(r, json_value_at(value, i)))
            return false;
    return true;
}

bool transcript_read_json(struct transcript_reading *r, const struct json_value *root)
{
    if (!json_value_is_object(root))
        return refuse(r, NULL, "The body is a JSON object.");
    return json_value_members(root, take_member, r) && finish(r);
}

/* ---- lines ---- */

static struct slice take_line(struct slice *rest)
{
    struct slice line = slice_cut(rest, '\n');
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

static struct slice without_mark(struct slice body)
{
    return slice_is(slice_sub(body, 0, 3), "\xef\xbb\xbf") ? slice_from(body, 3) : body;
}

static bool add_plain(struct transcript_reading *r, struct slice line)
{
    struct slice text = line, name = slice_cut(&text, ':');
    const char *party = name.size < line.size ? party_of(name) : NULL;
    const struct record_segment s = {-1, -1, party ? party : "unknown", slice_trim(party ? text : line)};
    return s.text.size == 0 || add(r, s);
}

bool transcript_read_plain(struct transcript_reading *r, struct slice body)
{
    body = without_mark(body);
    while (body.size)
        if (!add_plain(r, take_line(&body)))
            return false;
    return finish(r);
}

/* ---- WebVTT ---- */

static bool take_digits(struct slice *s, unsigned most, uint64_t *ret)
{
    size_t n = 0;
    while (n < s->size && n < most && s->data[n] >= '0' && s->data[n] <= '9')
        n++;
    bool good = slice_to_u64(slice_sub(*s, 0, n), UINT32_MAX, ret);
    *s = slice_from(*s, n);
    return n && good;
}

static bool take_char(struct slice *s, char c)
{
    if (s->size == 0 || s->data[0] != (uint8_t)c)
        return false;
    *s = slice_from(*s, 1);
    return true;
}

/* "01:02:03.004", or without hours. */
static bool vtt_time(struct slice text, int64_t *ret_ms)
{
    uint64_t part[3] = {0}, ms;
    unsigned n = 0;
    do {
        if (n == 3 || !take_digits(&text, 4, &part[n]))
            return false;
        n++;
    } while (take_char(&text, ':'));
    if (n < 2 || !take_char(&text, '.') || text.size != 3 || !take_digits(&text, 3, &ms))
        return false;
    uint64_t seconds = n == 3 ? part[0] * 3600 + part[1] * 60 + part[2] : part[0] * 60 + part[1];
    *ret_ms = (int64_t)(seconds * 1000 + ms);
    return text.size == 0;
}

static const char *find(struct slice line, const char *what)
{
    return line.size ? memmem(line.data, line.size, what, strlen(what)) : NULL;
}

/* "00:01.000 --> 00:02.000 align:left". */
static bool vtt_times(struct slice line, struct record_segment *s)
{
    const char *arrow = find(line, "-->");
    if (arrow == NULL)
        return false;
    struct slice from = slice_sub(line, 0, (size_t)(arrow - (const char *)line.data));
    struct slice to = slice_trim(slice_from(line, from.size + 3));
    return vtt_time(slice_trim(from), &s->start_ms) && vtt_time(slice_cut(&to, ' '), &s->end_ms);
}

/* The character of "&amp;" and its like at the front, and how long that is; 0: none of those. */
static size_t entity(struct slice text, char *ret)
{
    static const struct {
        const char *name;
        char means;
    } ENTITIES[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&nbsp;", ' '}, {"&lrm;", 0}, {"&rlm;", 0}};
    for (size_t i = 0; i < sizeof ENTITIES / sizeof *ENTITIES; i++) {
        size_t n = strlen(ENTITIES[i].name);
        if (slice_is(slice_sub(text, 0, n), ENTITIES[i].name)) {
            *ret = ENTITIES[i].means;
            return n;
        }
    }
    return 0;
}

/* "<v caller>", "<v.loud caller>" names who speaks; other tags say nothing that is kept. */
static void vtt_tag(struct slice tag, struct record_segment *s)
{
    struct slice name = tag;
    if (tag.size < 2 || tag.data[0] != 'v' || (tag.data[1] != ' ' && tag.data[1] != '.'))
        return;
    slice_cut(&name, ' ');
    const char *party = party_of(name);
    s->party = party ? party : s->party;
}

/* The text of a cue without its tags, into the arena. */
static bool vtt_text(struct transcript_reading *r, struct slice raw, struct record_segment *s)
{
    char *out = arena_alloc(r->arena, raw.size + 1);
    size_t n = 0;
    if (out == NULL)
        return refuse(r, NULL, "There is no memory for it.");
    while (raw.size) {
        char c = (char)raw.data[0];
        size_t step = c == '&' ? entity(raw, &c) : 0;
        if (c == '<' && step == 0) {
            raw = slice_from(raw, 1);
            vtt_tag(slice_cut(&raw, '>'), s);
            continue;
        }
        raw = slice_from(raw, step ? step : 1);
        if (c && c != '\r')
            out[n++] = c;
    }
    s->text = slice_trim(slice_of(out, n));
    return true;
}

/* A block is what stands between two empty lines: a cue, or a note, a style, a region. */
static struct slice take_block(struct slice *rest)
{
    const uint8_t *begin = rest->data, *end = begin;
    while (rest->size) {
        struct slice line = take_line(rest);
        if (line.size == 0)
            break;
        end = line.data + line.size;
    }
    return slice_of(begin, (size_t)(end - begin));
}

static bool vtt_cue(struct transcript_reading *r, struct slice block)
{
    struct record_segment s = {.party = "unknown"};
    struct slice line = take_line(&block);
    if (find(line, "-->") == NULL)
        line = take_line(&block); /* that was its name */
    if (find(line, "-->") == NULL)
        return true;
    if (!vtt_times(line, &s))
        return refuse(r, "segments", "The times of a cue are written 00:01:02.003 --> 00:01:04.005.");
    return vtt_text(r, block, &s) && (s.text.size == 0 || add(r, s));
}

bool transcript_read_vtt(struct transcript_reading *r, struct slice body)
{
    body = without_mark(body);
    if (!slice_is(slice_sub(body, 0, 6), "WEBVTT"))
        return refuse(r, NULL, "A file of WebVTT begins with WEBVTT.");
    take_block(&body);
    while (body.size)
        if (!vtt_cue(r, take_block(&body)))
            return false;
    return finish(r);
}
