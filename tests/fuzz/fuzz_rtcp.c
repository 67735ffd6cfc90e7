/* Any bytes as an RTCP compound: the walks end, everything they give lies inside the input, and
 * every reader of an XR block answers for its own type only. What a tap makes of it stays within
 * what can be. */
#include <assert.h>

#include "capture/rtp/rtcp_tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice part, struct slice whole)
{
    assert(part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size));
}

static void read_texts(const struct rtcp_packet *p)
{
    struct rtcp_description d;
    struct slice text;
    uint32_t ssrc;
    for (unsigned n = 0; rtcp_description(p, n, &d); n++) {
        inside(d.cname, p->body);
        inside(d.tool, p->body);
        assert(n < 31 && d.cname.size < 256 && d.tool.size < 256);
    }
    for (unsigned n = 0; rtcp_leaves(p, n, &ssrc); n++)
        assert(n < 31);
    inside(rtcp_bye_reason(p), p->body);
    if (rtcp_app_name(p, &text))
        inside(text, p->body);
}

static void read_lists(const struct xr_block *b)
{
    struct xr_dlrr dlrr;
    struct xr_mos mos;
    uint16_t sequence;
    uint32_t ticks;
    unsigned n = 0;
    while (xr_dlrr(b, n, &dlrr) || xr_mos(b, n, &mos) || xr_receipt_time(b, n, &sequence, &ticks))
        n++;
    assert(n <= b->body.size / 4);
}

static void read_block(const struct xr_block *b)
{
    struct xr_voip voip;
    struct xr_rle rle;
    struct xr_statistics statistics;
    struct xr_measurement measurement;
    struct xr_delay_variation variation;
    struct xr_delay delay;
    struct xr_bursts bursts;
    struct xr_burst_summary summary;
    struct xr_frames frames;
    struct xr_buffer buffer;
    struct xr_discards discards;
    struct xr_concealment concealment;
    struct xr_concealed_seconds seconds;
    uint32_t mid32;
    int answers = xr_voip(b, &voip) + xr_rle(b, &rle) + xr_statistics(b, &statistics) +
                  xr_measurement(b, &measurement) + xr_delay_variation(b, &variation) +
                  xr_delay(b, &delay) + xr_bursts(b, &bursts) + xr_burst_summary(b, &summary) +
                  xr_frames(b, &frames) + xr_buffer(b, &buffer) + xr_discards(b, &discards) +
                  xr_concealment(b, &concealment) + xr_concealed_seconds(b, &seconds) +
                  xr_reference_time(b, &mid32);
    assert(answers <= b->known && !(b->known && b->misshapen));
    struct xr_values values;
    assert(!xr_values(b, &values) || (b->known && xr_field_set(b->type) && values.span < 4));
    assert(!xr_rle(b, &rle) || (rle.ones <= rle.covered && rle.covered <= 65535));
    assert(!xr_voip(b, &voip) || !(voip.mos_lq > 5 || voip.mos_lq < 1 || voip.r > 100));
    read_lists(b);
}

static void read_packet(const struct rtcp_packet *p)
{
    struct rtcp_sender_info info;
    struct rtcp_block block;
    struct xr_block extended;
    unsigned blocks = 0;
    rtcp_sender_info(p, &info);
    while (rtcp_block(p, blocks, &block)) {
        assert(block.cumulative_lost >= -0x800000 && block.cumulative_lost <= 0x7fffff);
        blocks++;
    }
    assert(blocks <= p->count && blocks <= 31);
    read_texts(p);
    struct xr_walk w = xr_walk(p);
    while (xr_next(&w, &extended)) {
        inside(extended.body, p->body);
        read_block(&extended);
    }
    assert(w.failed || w.left.size == 0);
}

/* ---- the tap: all blocks are about one stream, which has lost a few packets ---- */

static const struct rtp_stream *seen_stream(void)
{
    static struct rtp_stream *stream;
    uint8_t payload[160] = {0};
    struct rtp_stream_config config = {.announced = true};
    struct rtp_codec codec;
    if (stream)
        return stream;
    stream = rtp_stream_new(&config);
    assert(stream && rtp_codec_static(0, &codec));
    for (uint32_t n = 0; n < 6000; n++) {
        struct rtp_packet p = {.sequence = (uint16_t)(n + 62000),
                               .timestamp = n * 160,
                               .payload = slice_of(payload, 160)};
        if (n % 37)
            rtp_stream_packet(stream, &p, &codec, 172, 160, n * INT64_C(20000000));
    }
    return stream;
}

static void tap_packet(struct rtcp_tap *t, const struct rtcp_packet *p, int64_t ns)
{
    struct rtcp_sight sight = {.ns = ns, .stream = seen_stream(), .opposite = t};
    struct rtcp_block block;
    struct xr_block b;
    struct xr_dlrr answer;
    uint32_t mid32;
    rtcp_tap_sender_report(t, p, ns);
    for (unsigned n = 0; rtcp_block(p, n, &block); n++)
        rtcp_tap_block(t, p, &block, &sight);
    struct xr_walk w = xr_walk(p);
    while (xr_next(&w, &b)) {
        rtcp_tap_metrics(t, &b);
        if (xr_reference_time(&b, &mid32))
            rtcp_tap_reference_time(t, p->ssrc, mid32, ns);
        for (unsigned n = 0; xr_dlrr(&b, n, &answer); n++)
            rtcp_tap_answer(t, &answer, ns);
    }
    if (p->type == RTCP_APP)
        rtcp_tap_capture_lost(t, p->count);
}

static void possible(const struct rtcp_spread *v)
{
    assert(v->count == 0 ||
           (v->min >= 0 && v->min <= v->median && v->median <= v->max && v->max <= 20000));
}

static void look_at(const struct rtcp_tap *t)
{
    struct rtcp_round_trips trips;
    struct rtcp_split split;
    struct rtcp_remote remote;
    rtcp_tap_round_trips(t, &trips);
    rtcp_tap_split(t, &split);
    rtcp_tap_remote(t, &remote);
    possible(&trips.receiver);
    possible(&trips.sender);
    possible(&trips.total);
    possible(&trips.chain);
    assert(!(remote.loss_ratio < 0 || remote.loss_ratio > 1 || remote.jitter_ms < 0));
    assert(split.lower.before_tap <= split.best.before_tap &&
           split.best.before_tap <= split.upper.before_tap);
    assert(split.lower.capture <= split.best.capture && split.best.capture <= split.upper.capture);
    assert(split.best.before_tap >= 0 && split.best.after_tap >= 0 &&
           split.lower.after_tap <= split.upper.after_tap);
    assert(split.best.before_tap + split.best.after_tap <= (int64_t)split.packets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct rtcp_walk w = rtcp_walk(input);
    struct rtcp_packet p;
    size_t packets = 0;
    rtcp_is_protected(input);
    struct rtcp_tap *tap = rtcp_tap_new();
    assert(tap);
    while (rtcp_next(&w, &p)) {
        packets++;
        inside(p.body, input);
        read_packet(&p);
        tap_packet(tap, &p, (int64_t)packets * 400000000);
    }
    look_at(tap);
    rtcp_tap_free(tap);
    assert(packets <= size / 4);
    assert(w.failed || w.left.size == 0);
    return 0;
}
