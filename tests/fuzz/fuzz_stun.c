/* Any bytes as a STUN message and as TURN channel data. */
#include <assert.h>

#include "capture/net/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice part, struct slice whole)
{
    if (part.size)
        assert(part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice datagram = slice_of(data, size), part = slice_none();
    struct stun_message m;
    uint16_t channel;
    size_t wire;
    if (stun_parse(datagram, &m)) {
        assert(size >= 20 && size % 4 == 0 && m.method < 0x1000 && m.class <= STUN_ERROR);
        assert(m.channel == 0 || (m.channel >= 0x4000 && m.channel <= 0x4fff));
        inside(m.username, datagram);
        inside(m.data, datagram);
        assert(m.peer.space == 0 && m.mapped.space == 0 && m.relayed.space == 0);
    }
    if (turn_channel_data(datagram, &channel, &part)) {
        assert(channel >= 0x4000 && part.size + 4 <= size);
        inside(part, datagram);
    }
    if (turn_channel_data_cut(datagram, size + 100, &channel, &part, &wire)) {
        assert(part.size <= wire && wire + 4 <= size + 100);
        inside(part, datagram);
    }
    return 0;
}
