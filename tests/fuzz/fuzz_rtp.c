/* Any bytes as an RTP datagram, and as a stream: records of 8 octets that say how sequence, time
 * stamp, arrival and payload type go on. What must hold of every stream is asserted. */
#include <assert.h>

#include "base/cursor.h"
#include "capture/rtp/stream.h"
#include "capture/rtp/red.h"
#include "capture/rtp/telephone_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* By payload type; filled once, looking names up would be most of the work. */
static const struct rtp_codec *codec_table(void)
{
    static struct rtp_codec codecs[128];
    if (codecs[0].name[0])
        return codecs;
    for (unsigned type = 0; type < 128; type++)
        if (!rtp_codec_static((uint8_t)type, &codecs[type]))
            codecs[type] = (struct rtp_codec){.kind = CODEC_UNKNOWN, .counter = 17};
    rtp_codec_named(slice_str("telephone-event"), 101, 8000, 1, slice_none(), &codecs[101]);
    static const char *const names[] = {"opus", "AMR", "AMR-WB", "iLBC", "G726-32", "EVS"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        rtp_codec_named(slice_str(names[i]), (uint8_t)(111 + i), 0, 0, slice_str("octet-align=1"),
                        &codecs[111 + i]);
    return codecs;
}

static void one_datagram(struct slice datagram)
{
    const struct rtp_codec *codecs = codec_table();
    struct rtp_packet p;
    media_kind_of(datagram);
    for (size_t wire = datagram.size; wire <= datagram.size + 100; wire += 100) {
        if (!rtp_parse(datagram, wire, &p))
            continue;
        assert(rtp_payload_wire(&p, datagram, wire) <= wire);
        for (unsigned type = 0; type < 128; type++) {
            assert(rtp_codec_payload_ms(&codecs[type], p.payload) >= 0);
            rtp_codec_is_sid(&codecs[type], p.payload);
        }
    }
}

/* Any payload as blocks of RED, each of them as reports of keys. */
static void one_press(struct slice payload)
{
    struct red_block blocks[RED_BLOCKS_MAX];
    struct telephone t = {0};
    struct telephone_event e;
    unsigned count = red_blocks(payload, blocks);
    for (unsigned i = 0; i < count; i++) {
        uint32_t timestamp = blocks[i].behind;
        while (telephone_event_next(&blocks[i].payload, &e)) {
            bool known = t.known;
            enum telephone_step step = telephone_take(&t, timestamp, e.volume & 1, e.volume & 2, &e);
            assert(known || step == TELEPHONE_PRESSED);
            assert(t.duration >= t.segment - t.start + t.segment_duration || step == TELEPHONE_NOTHING);
            assert(t.recent_count <= TELEPHONE_HISTORY);
            timestamp += e.duration;
        }
    }
}

static void check_playout(const struct rtp_stream *s, const struct rtp_stats *t)
{
    struct rtp_playout p;
    if (!rtp_stream_playout(s, &p))
        return;
    assert(t->bad == t->media_lost + t->discarded);
    assert(p.burst.frames == t->media_expected && p.burst.bad == t->bad);
    assert(p.burst.burst_density <= 1 && p.burst.gap_density <= 1);
    for (unsigned i = 0; i < PLAYOUT_BUFFERS; i++)
        assert(p.bad[i] == t->media_lost + p.buffers[i].late + p.buffers[i].early);
    assert(p.delays.p50 <= p.delays.p95 && p.delays.p99 <= p.delays.max);
}

static void check(const struct rtp_stream *s)
{
    struct rtp_stats t;
    rtp_stream_stats(s, &t);
    assert(t.received <= t.expected && t.lost == t.expected - t.received);
    check_playout(s, &t);
    assert(t.media_lost <= t.lost);
    assert(t.media_lost <= t.media_expected);
    assert(t.runs <= t.media_lost && t.longest_run <= t.media_lost);
    uint64_t runs = 0;
    for (unsigned i = 0; i < sizeof t.run_histogram / sizeof *t.run_histogram; i++)
        runs += t.run_histogram[i];
    assert(runs == t.runs);
    const struct rtp_series *series = rtp_stream_series(s);
    assert(series->step_count <= SERIES_STEPS_MAX && series->window_count <= SERIES_STEPS_MAX);
    assert(series->window_ms % series->step_ms == 0);
}

static void stream(struct slice records)
{
    struct cursor c = cursor_over(records);
    uint8_t options = cursor_u8(&c);
    struct rtp_stream_config config = {
        .announced = options & 1, .ptime_ms = options >> 1 & 0x3f, .playout = !(options & 0x80)};
    struct rtp_stream *s = rtp_stream_new(&config);
    assert(s);
    struct rtp_packet p = {.payload = records};
    const struct rtp_codec *codecs = codec_table();
    int64_t ns = INT64_C(1700000000000000000);
    while (cursor_left(&c) >= 8) {
        p.sequence = (uint16_t)(p.sequence + cursor_u16(&c));
        p.timestamp += (int8_t)cursor_u8(&c) * 160u + cursor_u8(&c) * 65536u;
        uint8_t type = cursor_u8(&c);
        p.payload_type = type & 0x7f;
        p.marker = type & 0x80;
        uint64_t step = (uint64_t)cursor_u16(&c) << (cursor_u8(&c) % 48);
        ns = (int64_t)(((uint64_t)ns + step) & INT64_MAX);
        rtp_stream_packet(s, &p, &codecs[p.payload_type], 200, records.size, ns);
    }
    check(s);
    rtp_stream_finish(s);
    check(s);
    rtp_stream_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    one_datagram(input);
    one_press(input);
    stream(input);
    return 0;
}
