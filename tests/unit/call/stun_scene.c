/* See stun_scene.h. */
#include "tests/unit/call/stun_scene.h"

#include <stdio.h>
#include <string.h>

#define COOKIE 0x2112a442u

static void attribute(struct buf *b, unsigned type, struct slice value)
{
    buf_u16(b, (uint16_t)type);
    buf_u16(b, (uint16_t)value.size);
    buf_add(b, value.data, value.size);
    while (b->size % 4)
        buf_add(b, "", 1);
}

static void address(struct buf *b, unsigned type, const char *text)
{
    if (text == NULL)
        return;
    struct endpoint e = scene_endpoint(text);
    struct buf value;
    buf_init(&value, 64);
    buf_u16(&value, 1);
    buf_u16(&value, (uint16_t)(e.port ^ (COOKIE >> 16)));
    buf_u32(&value, (uint32_t)e.addr.low ^ COOKIE);
    attribute(b, type, buf_view(&value));
    buf_fini(&value);
}

void scene_stun(struct scene *s, double at_ms, const char *src, const char *dst, struct stun_line l)
{
    struct buf b, out;
    buf_init(&b, 1 << 12);
    buf_init(&out, 1 << 12);
    uint8_t channel[4] = {(uint8_t)(l.channel >> 8), (uint8_t)l.channel};
    if (l.username)
        attribute(&b, 0x0006, slice_str(l.username));
    if (l.channel)
        attribute(&b, 0x000c, slice_of(channel, 4));
    if (l.use_candidate)
        attribute(&b, 0x0025, slice_none());
    address(&b, 0x0020, l.mapped);
    address(&b, 0x0016, l.relayed);
    address(&b, 0x0012, l.peer);
    if (l.data.size)
        attribute(&b, 0x0013, l.data);
    buf_u16(&out, (uint16_t)l.type);
    buf_u16(&out, (uint16_t)b.size);
    buf_u32(&out, COOKIE);
    buf_add(&out, "0123456789ab", 12);
    buf_add(&out, b.data, b.size);
    scene_udp(s, at_ms, src, dst, out.data, out.size);
    buf_fini(&b);
    buf_fini(&out);
}

struct slice rtp_bytes(struct rtp_run run, unsigned n)
{
    static uint8_t packet[172];
    uint16_t sequence = (uint16_t)(run.sequence + n);
    uint32_t words[2] = {run.timestamp + n * 160, run.ssrc};
    memset(packet, 0, sizeof packet);
    packet[0] = 0x80;
    packet[1] = run.payload_type;
    packet[2] = (uint8_t)(sequence >> 8);
    packet[3] = (uint8_t)sequence;
    for (unsigned k = 0; k < 8; k++)
        packet[4 + k] = (uint8_t)(words[k / 4] >> (24 - 8 * (k % 4)));
    return slice_of(packet, sizeof packet);
}

double scene_channel(struct scene *s, double at_ms, unsigned channel, struct rtp_run run)
{
    for (unsigned i = 0; i < run.count; i++) {
        struct slice rtp = rtp_bytes(run, i);
        uint8_t wrapped[4 + 172] = {(uint8_t)(channel >> 8), (uint8_t)channel, 0,
                                    (uint8_t)rtp.size};
        memcpy(wrapped + 4, rtp.data, rtp.size);
        scene_udp(s, at_ms + i * 20, run.src, run.dst, wrapped, sizeof wrapped);
    }
    return at_ms + run.count * 20;
}

const char *sdp_ice(const char *address_text, unsigned port, const char *ufrag, const char *more)
{
    static char ring[8][2048];
    static unsigned at;
    char *out = ring[at++ % 8];
    snprintf(out, sizeof ring[0],
             "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %u RTP/AVP 8\r\n"
             "a=rtpmap:8 PCMA/8000\r\na=rtcp-mux\r\na=ice-ufrag:%s\r\na=ice-pwd:%s-password\r\n%s",
             address_text, address_text, port, ufrag, ufrag, more);
    return out;
}

void scene_ice_call(struct scene *s, const char *offer, const char *answer)
{
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE", .sdp = offer});
    scene_sip(s, 100, (struct sip_line){UB, UA, .status = 200, .to_tag = "b", .sdp = answer});
    scene_sip(s, 110, (struct sip_line){UA, UB, "ACK", .to_tag = "b", .branch = "z9hG4bKack"});
}
