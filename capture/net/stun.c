/* STUN and TURN headers, parsed in place.
 *
 * STUN since RFC 5389 has the magic cookie in its header; the older one (RFC 3489) has a 128-bit
 * transaction id there instead and is told from chance by its lengths alone: the message must fill
 * the datagram, the attributes the message, and only Binding and Shared Secret existed. Nothing is
 * verified that needs a key. Of an attribute that stands twice the first counts (RFC 8489 14). */
#include "capture/net/stun.h"

#include <string.h>

#include "base/cursor.h"

#define HEADER_SIZE 20
#define COOKIE      UINT32_C(0x2112a442)

enum {
    ATTRIBUTE_MAPPED = 0x0001,
    ATTRIBUTE_USERNAME = 0x0006,
    ATTRIBUTE_CHANNEL = 0x000c,
    ATTRIBUTE_XOR_PEER = 0x0012,
    ATTRIBUTE_DATA = 0x0013,
    ATTRIBUTE_XOR_RELAYED = 0x0016,
    ATTRIBUTE_XOR_MAPPED = 0x0020,
    ATTRIBUTE_USE_CANDIDATE = 0x0025,
    ATTRIBUTE_XOR_MAPPED_DRAFT = 0x8020, /* of drafts, still answered by old servers */
    ATTRIBUTE_CONTROLLED = 0x8029,
    ATTRIBUTE_CONTROLLING = 0x802a,
};
enum { FAMILY_V4 = 1, FAMILY_V6 = 2 };
enum { CHANNEL_FIRST = 0x4000, CHANNEL_LAST = 0x4fff };

/* The method's and the class's bits are mixed (RFC 8489 5). */
static void take_type(uint16_t type, struct stun_message *m)
{
    m->method = (uint16_t)((type & 0x000f) | (type >> 1 & 0x0070) | (type >> 2 & 0x0f80));
    m->class = (enum stun_class)((type >> 4 & 1) | (type >> 7 & 2));
}

/* `mask` is XORed over port and address: cookie and transaction id, or nothing. */
static bool take_address(struct slice value, const uint8_t mask[16], struct endpoint *ret_at)
{
    struct cursor c = cursor_over(value);
    uint8_t bytes[16];
    cursor_skip(&c, 1);
    uint8_t family = cursor_u8(&c);
    uint16_t port = cursor_u16(&c);
    size_t size = family == FAMILY_V4 ? 4 : 16;
    const uint8_t *at = cursor_take(&c, size);
    if (c.failed || cursor_left(&c) || (family != FAMILY_V4 && family != FAMILY_V6))
        return false;
    for (size_t i = 0; i < size; i++)
        bytes[i] = at[i] ^ mask[i];
    *ret_at = (struct endpoint){.port = port ^ (uint16_t)(mask[0] << 8 | mask[1])};
    if (family == FAMILY_V6)
        ret_at->addr = addr_v6(bytes);
    else
        ret_at->addr = addr_v4((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
                               (uint32_t)bytes[2] << 8 | bytes[3]);
    return true;
}

/* The first one counts. */
static void address(struct slice value, const uint8_t mask[16], bool *has, struct endpoint *at)
{
    if (!*has)
        *has = take_address(value, mask, at);
}

static void take_channel(struct slice value, struct stun_message *m)
{
    if (value.size != 4 || m->channel)
        return;
    uint16_t channel = (uint16_t)(value.data[0] << 8 | value.data[1]);
    if (channel >= CHANNEL_FIRST && channel <= CHANNEL_LAST)
        m->channel = channel;
}

static void take_attribute(uint16_t type, struct slice value, const uint8_t mask[16],
                           struct stun_message *m)
{
    static const uint8_t plain[16];
    switch (type) {
    case ATTRIBUTE_MAPPED:
        address(value, plain, &m->has_mapped, &m->mapped);
        break;
    case ATTRIBUTE_XOR_MAPPED:
    case ATTRIBUTE_XOR_MAPPED_DRAFT:
        address(value, mask, &m->has_mapped, &m->mapped);
        break;
    case ATTRIBUTE_XOR_RELAYED:
        address(value, mask, &m->has_relayed, &m->relayed);
        break;
    case ATTRIBUTE_XOR_PEER:
        address(value, mask, &m->has_peer, &m->peer);
        break;
    case ATTRIBUTE_CHANNEL:
        take_channel(value, m);
        break;
    case ATTRIBUTE_USERNAME:
        if (m->username.size == 0)
            m->username = value;
        break;
    case ATTRIBUTE_DATA:
        if (!m->has_data)
            m->data = value;
        m->has_data = true;
        break;
    case ATTRIBUTE_USE_CANDIDATE:
        m->use_candidate = true;
        break;
    case ATTRIBUTE_CONTROLLED:
        m->controlled = true;
        break;
    case ATTRIBUTE_CONTROLLING:
        m->controlling = true;
        break;
    default:
        break;
    }
}

static bool take_attributes(struct slice body, const uint8_t mask[16], struct stun_message *m)
{
    struct cursor c = cursor_over(body);
    while (cursor_left(&c)) {
        uint16_t type = cursor_u16(&c);
        uint16_t size = cursor_u16(&c);
        struct slice value = cursor_slice(&c, size);
        cursor_skip(&c, (4 - size % 4) % 4);
        if (c.failed)
            return false;
        take_attribute(type, value, mask, m);
    }
    return true;
}

/* RFC 3489 had two methods and no indications. */
static bool is_classic(const struct stun_message *m)
{
    return (m->method == STUN_BINDING || m->method == 2) && m->class != STUN_INDICATION;
}

bool stun_parse(struct slice datagram, struct stun_message *ret_message)
{
    struct cursor c = cursor_over(datagram);
    struct stun_message m = {0};
    uint8_t mask[16];
    uint16_t type = cursor_u16(&c);
    uint16_t length = cursor_u16(&c);
    const uint8_t *id = cursor_take(&c, 16);
    if (c.failed || type >> 14 || length % 4 || length != cursor_left(&c))
        return false;
    take_type(type, &m);
    memcpy(mask, id, sizeof mask);
    memcpy(m.transaction, id + 4, sizeof m.transaction);
    uint32_t cookie = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    if (cookie != COOKIE && !is_classic(&m))
        return false;
    if (!take_attributes(cursor_rest(&c), mask, &m))
        return false;
    *ret_message = m;
    return true;
}

bool turn_channel_data_cut(struct slice datagram, size_t wire_size, uint16_t *ret_channel,
                           struct slice *ret_data, size_t *ret_data_wire)
{
    struct cursor c = cursor_over(datagram);
    uint16_t channel = cursor_u16(&c);
    size_t length = cursor_u16(&c);
    if (c.failed || channel < CHANNEL_FIRST || channel > CHANNEL_LAST)
        return false;
    /* padding to four octets is for TCP, but allowed here too */
    if (length + 4 > wire_size || wire_size - 4 - length > 3)
        return false;
    *ret_channel = channel;
    *ret_data = slice_sub(cursor_rest(&c), 0, length);
    *ret_data_wire = length;
    return true;
}

bool turn_channel_data(struct slice datagram, uint16_t *ret_channel, struct slice *ret_data)
{
    size_t wire;
    return turn_channel_data_cut(datagram, datagram.size, ret_channel, ret_data, &wire);
}
