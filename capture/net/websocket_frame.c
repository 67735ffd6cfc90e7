/* Frame headers: what they say, and whether they can be believed. */
#include "capture/net/websocket_frame.h"

#include "base/cursor.h"

#define CONTROL_MAX 125
#define LOOK_BYTES  4 /* of a payload that must be text */

static bool control(uint8_t opcode)
{
    return opcode >= WS_CLOSE;
}

static bool sound(const struct ws_frame *f)
{
    if (control(f->opcode))
        return f->opcode <= WS_PONG && f->fin && f->size <= CONTROL_MAX;
    return f->opcode <= WS_BINARY;
}

enum ws_header ws_frame_read(struct slice at, struct ws_frame *ret_frame, size_t *ret_size,
                             bool *ret_endless)
{
    struct cursor c = cursor_over(at);
    uint8_t first = cursor_u8(&c), second = cursor_u8(&c);
    uint64_t size = second & 0x7f;
    size = size == 126 ? cursor_u16(&c) : size == 127 ? cursor_u64(&c) : size;
    *ret_endless = size > INT32_MAX;
    struct ws_frame f = {.size = (uint32_t)size,
                         .opcode = first & 0xf,
                         .fin = first & 0x80,
                         .reserved = first & 0x70,
                         .masked = second & 0x80};
    const uint8_t *mask = f.masked ? cursor_take(&c, sizeof f.mask) : NULL;
    if (mask)
        memcpy(f.mask, mask, sizeof f.mask);
    if (c.failed && !*ret_endless)
        return WS_HEADER_MORE;
    if (*ret_endless || !sound(&f))
        return WS_HEADER_BAD;
    *ret_frame = f;
    *ret_size = at.size - cursor_left(&c);
    return WS_HEADER_GOOD;
}

static bool shortest(const struct ws_frame *f, size_t header)
{
    size_t length_bytes = header - 2 - (f->masked ? sizeof f->mask : 0);
    return length_bytes == (f->size > UINT16_MAX ? 8 : f->size > CONTROL_MAX ? 2 : 0);
}

static bool text(struct slice at)
{
    for (size_t i = 0; i < at.size; i++) {
        uint8_t c = at.data[i];
        if ((c < ' ' || c > '~') && c != '\r' && c != '\n')
            return false;
    }
    return true;
}

bool ws_frame_plausible(struct slice at, size_t message_max)
{
    struct ws_frame f;
    size_t header;
    bool endless;
    uint8_t look[LOOK_BYTES];
    if (ws_frame_read(at, &f, &header, &endless) != WS_HEADER_GOOD)
        return false;
    if (f.reserved || f.size > message_max || !shortest(&f, header))
        return false;
    if (f.opcode == WS_CONTINUATION || f.opcode == WS_CLOSE)
        return false;
    if (control(f.opcode))
        return true;
    struct slice payload =
        slice_sub(at, header, header + (f.size < LOOK_BYTES ? f.size : LOOK_BYTES));
    for (size_t i = 0; i < payload.size; i++)
        look[i] = payload.data[i] ^ (f.masked ? f.mask[i % sizeof f.mask] : 0);
    return text(slice_of(look, payload.size));
}

void ws_unmask(const struct ws_frame *frame, uint32_t from, const uint8_t *in, size_t size,
               uint8_t *out)
{
    uint8_t turned[8];
    uint64_t mask, word;
    for (unsigned i = 0; i < sizeof turned; i++)
        turned[i] = frame->masked ? frame->mask[(from + i) % sizeof frame->mask] : 0;
    memcpy(&mask, turned, sizeof mask);
    size_t i = 0;
    for (; i + sizeof word <= size; i += sizeof word) {
        memcpy(&word, in + i, sizeof word);
        word ^= mask;
        memcpy(out + i, &word, sizeof word);
    }
    for (; i < size; i++)
        out[i] = in[i] ^ turned[i % sizeof turned];
}
