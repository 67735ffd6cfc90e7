/* Any bytes as an RTCP compound: the walk ends, and everything it gives lies inside the input. */
#include <assert.h>

#include "capture/rtp/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice part, struct slice whole)
{
    assert(part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size));
}

static void read_packet(const struct rtcp_packet *p)
{
    struct rtcp_sender_info info;
    struct rtcp_block block;
    struct slice cname;
    unsigned blocks = 0;
    rtcp_sender_info(p, &info);
    while (rtcp_block(p, blocks, &block)) {
        assert(block.cumulative_lost >= -0x800000 && block.cumulative_lost <= 0x7fffff);
        blocks++;
    }
    assert(blocks <= p->count && blocks <= 31);
    if (rtcp_cname(p, &cname))
        inside(cname, p->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct rtcp_walk w = rtcp_walk(input);
    struct rtcp_packet p;
    size_t packets = 0;
    while (rtcp_next(&w, &p)) {
        packets++;
        inside(p.body, input);
        read_packet(&p);
    }
    assert(packets <= size / 4);
    assert(w.failed || w.left.size == 0);
    return 0;
}
