/* What is well-formed UTF-8 (RFC 3629) and what is not: for everyone who prints text from the wire.
 */
#pragma once

#include "base/slice.h"

static inline bool utf8_is_tail(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

/* Bytes of the character at the front of `s` (1 to 4), 0 when it is none. Overlong forms,
 * surrogates and anything above U+10FFFF are none. */
static inline size_t utf8_length(struct slice s)
{
    if (s.size == 0)
        return 0;
    const uint8_t *p = s.data;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4 || s.size < 2 || !utf8_is_tail(p[1]))
        return 0;
    if (p[0] < 0xe0)
        return 2;
    if (s.size < 3 || !utf8_is_tail(p[2]))
        return 0;
    if (p[0] < 0xf0) {
        bool overlong = p[0] == 0xe0 && p[1] < 0xa0;
        bool surrogate = p[0] == 0xed && p[1] >= 0xa0;
        return overlong || surrogate ? 0 : 3;
    }
    bool overlong = p[0] == 0xf0 && p[1] < 0x90;
    bool too_high = p[0] == 0xf4 && p[1] >= 0x90;
    return overlong || too_high || s.size < 4 || !utf8_is_tail(p[3]) ? 0 : 4;
}
