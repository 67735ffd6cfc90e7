/* Any byte stream, cut and with holes. The input is a list of chunks: two bytes with the size (15
 * bits; the highest bit: bytes were lost before it), then the chunk. The first byte picks the
 * limit. */
#include <assert.h>

#include "base/cursor.h"
#include "capture/sip/framer.h"
#include "capture/sip/sip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t message_max;
    size_t bytes;
};

static void take(void *context, struct slice message, bool complete)
{
    struct seen *seen = context;
    static struct sip_msg m;
    assert(message.size > 0 && message.size <= seen->message_max);
    enum sip_verdict verdict = sip_parse(message, &m);
    assert(verdict == SIP_OK || verdict == SIP_BAD || !complete || message.size >= 8192);
    seen->bytes += message.size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_over(slice_of(data, size));
    struct seen seen = {.message_max = 64u << (cursor_u8(&c) % 8)};
    struct sip_framer *f = sip_framer_new(seen.message_max);
    if (f == NULL)
        return 0;
    size_t fed = 0;
    while (cursor_left(&c) > 2) {
        uint32_t n = cursor_u16(&c);
        uint32_t lost = n & 0x8000 ? (n & 0x4000 ? UINT32_MAX : n >> 8 & 0x3f) : 0;
        n &= n & 0x8000 ? 0xff : 0x7fff;
        if (n > cursor_left(&c))
            n = (uint32_t)cursor_left(&c);
        struct slice chunk = cursor_slice(&c, n);
        fed += chunk.size;
        sip_framer_feed(f, chunk, lost, take, &seen);
        assert(sip_framer_bytes(f) <= seen.message_max + (16 << 10));
    }
    sip_framer_end(f, take, &seen);
    assert(seen.bytes <= fed); /* nothing twice */
    sip_framer_free(f);
    return 0;
}
