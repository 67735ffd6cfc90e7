/* Between which ends a frame most likely runs, for looking ahead: Ethernet, at most one tag, IPv4
 * without options or fragments, UDP. A guess that costs some ten instructions and by which nothing
 * is decided. */
#pragma once

#include "base/slice.h"

struct net_ends {
    uint64_t hosts; /* IPv4 addresses, source in the upper half */
    uint64_t ports; /* source in the bits from 16 on */
};

static inline uint16_t peek_16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t peek_32(const uint8_t *at)
{
    return (uint32_t)peek_16(at) << 16 | peek_16(at + 2);
}

static inline bool net_peek(struct slice ethernet, struct net_ends *ret_ends)
{
    enum { ETHERNET = 14, TAG = 4, IP4 = 20, PORTS = 4 };
    if (ethernet.size < ETHERNET + TAG + IP4 + PORTS)
        return false;
    const uint8_t *ip = ethernet.data + ETHERNET;
    uint16_t type = peek_16(ip - 2);
    if (type == 0x8100 || type == 0x88a8) {
        type = peek_16(ip + 2);
        ip += TAG;
    }
    bool whole = (peek_16(ip + 6) & 0x3fff) == 0;
    if (type != 0x0800 || ip[0] != 0x45 || ip[9] != 17 || !whole)
        return false;
    ret_ends->hosts = (uint64_t)peek_32(ip + 12) << 32 | peek_32(ip + 16);
    ret_ends->ports = peek_32(ip + IP4);
    return true;
}
