/* Reads the bits of a parameter set: fixed fields and Exp-Golomb codes. Of NAL units the emulation prevention octets (the 3
 * of 00 00 03) are stepped over on the way (H.264 7.3.1, H.265 7.3.1.1). A read past the end gives 0 and is remembered. */
#pragma once

#include "base/slice.h"

struct video_bits {
    const uint8_t *at, *end;
    unsigned left;  /* bits of `octet` that are not read */
    unsigned zeros; /* octets of 0 on end */
    uint8_t octet;
    bool escaped; /* a NAL unit */
    bool failed;
};

static inline struct video_bits video_bits_over(struct slice data, bool escaped)
{
    return (struct video_bits){.at = data.data, .end = data.data + data.size, .escaped = escaped};
}

static inline void video_bits_octet(struct video_bits *b)
{
    if (b->escaped && b->zeros >= 2 && b->at < b->end && *b->at == 3) {
        b->at++;
        b->zeros = 0;
    }
    if (b->at == b->end) {
        b->failed = true;
        b->octet = 0;
    } else {
        b->octet = *b->at++;
        b->zeros = b->octet ? 0 : b->zeros + 1;
    }
    b->left = 8;
}

/* The next `count` bits, at most 32. */
static inline uint32_t video_bits_take(struct video_bits *b, unsigned count)
{
    uint32_t value = 0;
    for (; count > 0 && !b->failed; count--) {
        if (b->left == 0)
            video_bits_octet(b);
        b->left--;
        value = value << 1 | (b->octet >> b->left & 1u);
    }
    return b->failed ? 0 : value;
}

static inline bool video_bits_flag(struct video_bits *b)
{
    return video_bits_take(b, 1);
}

static inline void video_bits_skip(struct video_bits *b, unsigned count)
{
    for (; count > 0 && !b->failed; count--)
        (void)video_bits_take(b, 1);
}

/* ue(v), H.264 9.1; more than 31 zeros are no code. */
static inline uint32_t video_bits_ue(struct video_bits *b)
{
    unsigned zeros = 0;
    while (!b->failed && !video_bits_flag(b))
        if (++zeros > 31)
            b->failed = true;
    return b->failed ? 0 : (1u << zeros) - 1 + video_bits_take(b, zeros);
}
