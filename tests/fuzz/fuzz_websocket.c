/* Any bytes as either side of a WebSocket. The first byte picks the side, the start and the limit;
 * then chunks: two bytes with the size (the highest bit: bytes were lost before it), the chunk. */
#include <assert.h>

#include "base/cursor.h"
#include "capture/net/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t message_max;
    size_t bytes;
};

static void take(void *context, struct slice message)
{
    struct seen *seen = context;
    uint8_t sum = 0;
    assert(message.size <= seen->message_max);
    for (size_t i = 0; i < message.size; i++)
        sum ^= message.data[i];
    volatile uint8_t used = sum;
    (void)used;
    seen->bytes += message.size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_over(slice_of(data, size));
    uint8_t first = cursor_u8(&c);
    struct seen seen = {.message_max = first & 8 ? 40 : 1000};
    struct ws *w = ws_new(first & 1 ? WS_SERVER : WS_CLIENT, first & 2, seen.message_max);
    if (w == NULL)
        return 0;
    ws_guess(cursor_left(&c) ? slice_of(c.at, cursor_left(&c)) : slice_none());
    size_t fed = 0;
    bool going = true;
    while (cursor_left(&c) > 2) {
        uint32_t n = cursor_u16(&c);
        uint32_t lost = n & 0x8000 ? (n & 0x4000 ? UINT32_MAX : n >> 8 & 0x3f) : 0;
        n &= n & 0x8000 ? 0xff : 0x7fff;
        struct slice chunk = cursor_slice(&c, n > cursor_left(&c) ? cursor_left(&c) : n);
        fed += chunk.size;
        bool goes_on = ws_feed(w, chunk, lost, take, &seen);
        assert(going || !goes_on);
        assert(ws_bytes(w) <= 16 << 10);
        going = goes_on;
    }
    assert(seen.bytes <= fed);
    ws_free(w);
    return 0;
}
