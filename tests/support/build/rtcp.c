/* Sender reports with the figures of the other direction, and the canonical name (RFC 3550 6). */
#include "tests/support/build/internal.h"

#define NTP_1970 UINT64_C(2208988800)

static uint64_t ntp_of(int64_t us)
{
    uint64_t seconds = (uint64_t)us / 1000000, rest = (uint64_t)us % 1000000;
    return (seconds + NTP_1970) << 32 | (rest << 32) / 1000000;
}

static size_t put_block(uint8_t *p, const struct stream *back, int64_t now_us)
{
    uint64_t all = back->sent + back->lost;
    put32(p, back->ssrc);
    put32(p + 4, (uint32_t)back->lost & 0xffffff);
    p[4] = (uint8_t)(all ? back->lost * 256 / (all + 1) : 0);
    put32(p + 8, back->sent_cycles | back->sent_seq);
    put32(p + 12, 8); /* jitter in ticks */
    put32(p + 16, back->sr_us ? back->sr_middle : 0);
    put32(p + 20, back->sr_us ? (uint32_t)(((now_us - back->sr_us) << 16) / 1000000) : 0);
    return 24;
}

static size_t put_sdes(uint8_t *p, const struct stream *s)
{
    size_t name = strlen(s->from->user) + 1 + strlen(s->from->ip_text);
    size_t chunk = 4 + 2 + name + 1;
    size_t padded = (chunk + 3) & ~(size_t)3;
    memset(p, 0, 4 + padded);
    p[0] = 0x81;
    p[1] = 202;
    put16(p + 2, (uint32_t)(padded / 4));
    put32(p + 4, s->ssrc);
    p[8] = 1; /* CNAME */
    p[9] = (uint8_t)name;
    memcpy(p + 10, s->from->user, strlen(s->from->user));
    p[10 + strlen(s->from->user)] = '@';
    memcpy(p + 11 + strlen(s->from->user), s->from->ip_text, strlen(s->from->ip_text));
    return 4 + padded;
}

size_t rtcp_compose(const struct traffic_config *c, struct stream *s, const struct stream *back,
                    int64_t now_us, uint8_t *out)
{
    uint64_t ntp = ntp_of(now_us);
    int64_t ticks = (now_us - s->first_us) * s->audio->clock_hz / 1000000;
    bool block = back->on && back->sent > 0;
    (void)c;
    out[0] = (uint8_t)(0x80 | block);
    out[1] = 200;
    put32(out + 4, s->ssrc);
    put32(out + 8, (uint32_t)(ntp >> 32));
    put32(out + 12, (uint32_t)ntp);
    put32(out + 16, s->ts_base + (uint32_t)ticks);
    put32(out + 20, (uint32_t)s->sent);
    put32(out + 24, (uint32_t)s->octets);
    size_t size = 28 + (block ? put_block(out + 28, back, now_us) : 0);
    put16(out + 2, (uint32_t)(size / 4 - 1));
    s->sr_middle = (uint32_t)(ntp >> 16);
    s->sr_us = now_us;
    return size + put_sdes(out + size, s);
}
