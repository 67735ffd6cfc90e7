/* Any bytes as an RTCP compound: the walks end, everything they give lies inside the input, and every
 * reader of an XR block answers for its own type only. */
#include <assert.h>

#include "capture/rtp/rtcp_xr.h"

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
    if (rtcp_cname(p, &text))
        inside(text, p->body);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct rtcp_walk w = rtcp_walk(input);
    struct rtcp_packet p;
    size_t packets = 0;
    rtcp_is_protected(input);
    while (rtcp_next(&w, &p)) {
        packets++;
        inside(p.body, input);
        read_packet(&p);
    }
    assert(packets <= size / 4);
    assert(w.failed || w.left.size == 0);
    return 0;
}
