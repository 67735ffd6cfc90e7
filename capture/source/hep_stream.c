#include "capture/source/hep_stream.h"

#include "base/crypto.h"
#include "base/cursor.h"

#define HEADER_SIZE  6
#define CHUNK_SIZE   6
#define CHUNK_KEY    0x0e
#define HEP2_MINIMUM 16 /* eight bytes and two IPv4 addresses */

static bool begins_like_hep3(struct slice s)
{
    size_t n = s.size < 4 ? s.size : 4;
    return n == 0 || memcmp(s.data, "HEP3", n) == 0 || memcmp(s.data, "EEP3", n) == 0;
}

size_t hep_stream_size(struct slice stream)
{
    if (!begins_like_hep3(stream))
        return SIZE_MAX;
    if (stream.size < HEADER_SIZE)
        return 0;
    size_t size = (size_t)(stream.data[4] << 8 | stream.data[5]);
    if (size < HEADER_SIZE)
        return SIZE_MAX;
    return size <= stream.size ? size : 0;
}

/* Walks all chunks; *ret_key is the first key, empty when there is none. */
static bool chunks_hold(struct slice packet, struct slice *ret_key)
{
    struct cursor c = cursor_over(slice_from(packet, HEADER_SIZE));
    bool found = false;
    *ret_key = slice_none();
    while (cursor_left(&c) > 0) {
        uint16_t vendor = cursor_u16(&c);
        uint16_t type = cursor_u16(&c);
        uint16_t length = cursor_u16(&c);
        struct slice body = cursor_slice(&c, (size_t)length - CHUNK_SIZE);
        if (c.failed || length < CHUNK_SIZE)
            return false;
        if (vendor == 0 && type == CHUNK_KEY && !found) {
            *ret_key = body;
            found = true;
        }
    }
    return true;
}

/* The key's length may be told by the time this takes, its bytes not. */
static bool same_key(struct slice given, struct slice key)
{
    return given.size == key.size && crypto_equal(given.data, key.data, key.size);
}

static enum hep_admission admit_hep2(struct slice packet, struct slice key)
{
    bool fits = packet.size > HEP2_MINIMUM && (packet.data[0] == 1 || packet.data[0] == 2) &&
                packet.data[1] >= HEP2_MINIMUM && packet.data[1] < packet.size;
    if (!fits)
        return HEP_MALFORMED;
    return key.size ? HEP_UNAUTHORISED : HEP_ADMITTED;
}

enum hep_admission hep_admit(struct slice packet, struct slice key)
{
    struct slice given;
    if (packet.size < HEADER_SIZE || !begins_like_hep3(packet))
        return admit_hep2(packet, key);
    if (hep_stream_size(packet) != packet.size || !chunks_hold(packet, &given))
        return HEP_MALFORMED;
    return key.size == 0 || same_key(given, key) ? HEP_ADMITTED : HEP_UNAUTHORISED;
}
