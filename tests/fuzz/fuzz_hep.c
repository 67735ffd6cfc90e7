/* HEP as it comes from a stranger. The first byte picks what the rest is: a packet, a stream of
 * packets, RTCP in JSON, something deflated. */
#include <assert.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "capture/net/hep.h"
#include "capture/rtp/rtp.h"
#include "capture/source/hep_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[HEP_SIZE_MAX];

static bool lies_in(struct slice part, struct slice whole)
{
    return part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

/* What we make of JSON must be sound RTCP. */
static void check_rtcp(struct slice payload)
{
    uint8_t room[HEP_RTCP_ROOM];
    size_t written = hep_rtcp_binary(payload, room, sizeof room);
    assert(written <= sizeof room && written % 4 == 0);
    struct rtcp_walk walk = rtcp_walk(slice_of(room, written));
    struct rtcp_packet p;
    struct rtcp_block block;
    while (rtcp_next(&walk, &p))
        if (p.type == RTCP_SR || p.type == RTCP_RR)
            for (unsigned i = 0; i < p.count; i++)
                assert(rtcp_block(&p, i, &block));
    assert(!walk.failed);
}

static void check_packet(struct slice bytes)
{
    struct hep_packet p;
    bool suspect;
    static const uint8_t key[] = {'k', 'e', 'y'};
    bool good = hep_parse(bytes, &p);
    enum hep_admission admission = hep_admit(bytes, slice_none());
    (void)hep_admit(bytes, slice_of(key, sizeof key));
    if (!good)
        return;
    assert(hep_looks_like(bytes) && p.d.payload.size > 0);
    assert(admission == HEP_ADMITTED); /* what the parser takes the listener lets in */
    assert(lies_in(p.d.payload, bytes) && lies_in(p.node, bytes) && lies_in(p.auth_key, bytes) &&
           lies_in(p.correlation_id, bytes));
    (void)hep_time(&p, INT64_MAX, &suspect);
    (void)hep_type_label(p.type);
    if (p.compressed)
        (void)hep_inflate(p.d.payload, out, sizeof out);
    if (p.type == HEP_RTCP)
        check_rtcp(p.d.payload);
}

static void check_stream(struct slice stream)
{
    for (;;) {
        size_t size = hep_stream_size(stream);
        if (size == 0 || size == SIZE_MAX)
            return;
        assert(size <= stream.size);
        check_packet(slice_sub(stream, 0, size));
        stream = slice_from(stream, size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        check_packet(rest);
        break;
    case 1:
        check_stream(rest);
        break;
    case 2:
        check_rtcp(rest);
        break;
    default:
        /* Into a small place, so that the end of it is met. */
        assert(hep_inflate(rest, out, 300) <= 300);
    }
    return 0;
}
