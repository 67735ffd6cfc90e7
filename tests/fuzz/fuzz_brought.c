/* Text that comes by HTTP: a transcript as JSON, as WebVTT, as lines; X-Forwarded-For lines. The
 * first byte says which. What is accepted must be fit to be stored, and come back from the row as
 * it was. */
#include <assert.h>
#include <string.h>

#include "api/forwarded.h"
#include "api/transcript_text.h"
#include "base/buf.h"
#include "storage/pack.h"
#include "storage/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX  (1u << 20)
#define LINE_SIZE 512

static void check_segment(const struct record_segment *s)
{
    assert(note_text_valid(s->text, BODY_MAX));
    assert(s->party && record_text(s->party) == s->party);
    assert(s->start_ms < 0 || s->end_ms < 0 || s->start_ms <= s->end_ms);
}

static void check_stored(struct record_transcript *t)
{
    struct buf out;
    struct record_transcript back = {0};
    struct arena *arena = arena_new(4096, 64u << 20);
    buf_init(&out, 64u << 20);
    struct pack to = pack_writer(&out);
    note_pack_transcript(&to, t);
    struct pack from = pack_reader(buf_view(&out), arena);
    note_pack_transcript(&from, &back);
    assert(!out.failed && !from.failed && pack_at_end(&from) &&
           back.segment_count == t->segment_count);
    for (uint32_t i = 0; i < t->segment_count; i++) {
        check_segment(&back.segments[i]);
        assert(slice_equal(back.segments[i].text, t->segments[i].text) &&
               back.segments[i].start_ms == t->segments[i].start_ms);
    }
    buf_fini(&out);
    arena_free(arena);
}

static void transcript(int how, struct slice body)
{
    struct transcript_reading r = {.arena = arena_new(4096, 64u << 20)};
    struct json_value *root = NULL;
    bool good =
        how == 1 ? transcript_read_vtt(&r, body) : how == 2 && transcript_read_plain(&r, body);
    if (how == 0) {
        root = json_read(body, BODY_MAX, 8);
        good = transcript_read_json(&r, root);
    }
    assert(good || r.wrong);
    if (good)
        check_stored(&r.transcript);
    json_read_free(root);
    arena_free(r.arena);
}

/* Who is believed is the first byte; the rest are lines. Whoever is no proxy is himself. */
static void forwarded(struct slice text)
{
    static char held[FORWARDED_LINES_MAX][LINE_SIZE];
    const char *lines[FORWARDED_LINES_MAX] = {NULL};
    unsigned count = 0;
    struct addr from = addr_v4(0x7f000001), stranger = addr_v4(0xc0000201);
    while (text.size && count < FORWARDED_LINES_MAX) {
        slice_copy_to(slice_cut(&text, '\n'), held[count], LINE_SIZE);
        lines[count] = held[count];
        count++;
    }
    (void)forwarded_peer(from, lines, count, "127.0.0.0/8, 10.0.0.0/8");
    struct addr same = forwarded_peer(stranger, lines, count, "127.0.0.0/8, 10.0.0.0/8");
    assert(memcmp(&same, &stranger, sizeof same) == 0);
    if (count)
        (void)forwarded_proxies_valid(lines[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > BODY_MAX)
        return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    if (data[0] % 4 == 3)
        forwarded(rest);
    else
        transcript(data[0] % 4, rest);
    return 0;
}
