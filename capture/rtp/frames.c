/* How much media a payload holds, codec by codec, and which payloads are comfort noise.
 *
 * Where frames have a fixed size the octets on the wire count, so that a cut capture gives the same
 * answer; where the payload itself tells (Opus, AMR, G.723.1) its first octets are read. */
#include "capture/rtp/stream_internal.h"

#include <stdlib.h>

#include "base/counters.h"
#include "base/cursor.h"

static bool is(const struct rtp_codec *codec, const char *name)
{
    return strcasecmp(codec->name, name) == 0;
}

/* Octets of samples without frames: `bits` for each sample of each channel. */
static double samples_ms(const struct rtp_codec *codec, size_t octets, unsigned bits)
{
    double per_second = (double)codec->clock_hz * (codec->channels ? codec->channels : 1) * bits;
    return per_second > 0 ? (double)octets * 8000 / per_second : 0;
}

static double frames_ms(size_t octets, size_t frame_octets, double frame_ms)
{
    return octets % frame_octets == 0 ? (double)(octets / frame_octets) * frame_ms : 0;
}

/* RFC 3551 4.5.4: the low bits of a frame's first octet are its size. Untransmitted and SID
 * frames stand for 30 ms as well. */
static double g723_ms(struct slice payload)
{
    static const uint8_t frame_octets[4] = {24, 20, 4, 1};
    struct cursor c = cursor_over(payload);
    double ms = 0;
    while (cursor_left(&c)) {
        cursor_skip(&c, frame_octets[*c.at & 3]);
        ms += 30;
    }
    return c.failed ? 0 : ms;
}

static double g729_ms(size_t octets)
{
    size_t rest = octets % 10;
    if (rest != 0 && rest != 2)
        return 0;
    return (double)(octets / 10 + (rest == 2)) * 10;
}

static double ilbc_ms(const struct rtp_codec *codec, size_t octets)
{
    double ms30 = frames_ms(octets, 50, 30);
    double ms20 = frames_ms(octets, 38, 20);
    if (codec->options & CODEC_MODE_20)
        return ms20 > 0 ? ms20 : ms30;
    return ms30 > 0 ? ms30 : ms20;
}

/* "G726-32", "AAL2-G726-32": the number is kbit/s at 8000 samples. */
static double g726_ms(const struct rtp_codec *codec, size_t octets)
{
    const char *dash = strrchr(codec->name, '-');
    int kbits = dash ? atoi(dash + 1) : 0;
    return kbits > 0 ? (double)octets * 8 / kbits : 0;
}

/* RFC 6716 3.1: length of a frame by configuration, number of frames by code. */
static double opus_ms(struct slice payload)
{
    static const double silk[4] = {10, 20, 40, 60};
    static const double celt[4] = {2.5, 5, 10, 20};
    if (payload.size == 0)
        return 0;
    unsigned config = payload.data[0] >> 3;
    double frame = config < 12   ? silk[config & 3]
                   : config < 16 ? silk[config & 1]
                                 : celt[config & 3];
    unsigned frames = (payload.data[0] & 3) == 0 ? 1 : 2;
    if ((payload.data[0] & 3) == 3)
        frames = payload.size > 1 ? payload.data[1] & 0x3f : 0;
    double ms = frame * frames;
    return ms <= 120 ? ms : 0;
}

/* Bits [at, at + count) of a payload, 0 past its end. */
static unsigned bits_at(struct slice s, size_t at, unsigned count)
{
    unsigned v = 0;
    for (unsigned i = 0; i < count; i++, at++) {
        unsigned octet = at / 8 < s.size ? s.data[at / 8] : 0;
        v = v << 1 | (octet >> (7 - at % 8) & 1);
    }
    return v;
}

#define AMR_FRAMES_MAX 48 /* 12 of each of 4 channels */

/* RFC 4867 4.3, 4.4: CMR, then one table entry a frame, all but the last with F set. Entries are
 * octets when octet-align=1 was agreed on, else 6 bits behind a CMR of 4. */
static unsigned amr_frames(const struct rtp_codec *codec, struct slice payload,
                           uint8_t ret_types[AMR_FRAMES_MAX])
{
    bool aligned = codec->options & CODEC_OCTET_ALIGN;
    size_t at = aligned ? 8 : 4;
    unsigned frames = 0;
    while (at + 6 <= payload.size * 8 && frames < AMR_FRAMES_MAX) {
        unsigned entry = bits_at(payload, at, 6);
        ret_types[frames++] = entry >> 1 & 15;
        if ((entry & 32) == 0)
            return frames;
        at += aligned ? 8 : 6;
    }
    return 0;
}

static double amr_ms(const struct rtp_codec *codec, struct slice payload)
{
    uint8_t types[AMR_FRAMES_MAX];
    unsigned channels = codec->channels ? codec->channels : 1;
    unsigned frames = amr_frames(codec, payload, types) / channels;
    return frames <= 12 ? frames * 20.0 : 0;
}

double frames_payload_ms(const struct rtp_codec *codec, struct slice payload, size_t wire)
{
    switch (codec->counter) {
    case CODEC_COUNTER_PCMU:
    case CODEC_COUNTER_PCMA:
    case CODEC_COUNTER_G722:
        return samples_ms(codec, wire, 8);
    case CODEC_COUNTER_G729:
        return g729_ms(wire);
    case CODEC_COUNTER_G723:
        return g723_ms(payload);
    case CODEC_COUNTER_GSM:
        return frames_ms(wire, 33, 20);
    case CODEC_COUNTER_ILBC:
        return ilbc_ms(codec, wire);
    case CODEC_COUNTER_G726:
        return g726_ms(codec, wire);
    case CODEC_COUNTER_AMR:
    case CODEC_COUNTER_AMR_WB:
        return amr_ms(codec, payload);
    case CODEC_COUNTER_OPUS:
        return opus_ms(payload);
    case CODEC_COUNTER_SPEEX:
        return wire ? 20 : 0;
    case CODEC_COUNTER_L16:
        return samples_ms(codec, wire, 16);
    default:
        if (is(codec, "DVI4")) /* behind a header of 4 */
            return wire > 4 ? samples_ms(codec, wire - 4, 4) : 0;
        return is(codec, "L8") ? samples_ms(codec, wire, 8) : 0;
    }
}

double rtp_codec_payload_ms(const struct rtp_codec *codec, struct slice payload)
{
    return frames_payload_ms(codec, payload, payload.size);
}

static bool amr_is_sid(const struct rtp_codec *codec, struct slice payload, unsigned sid_type)
{
    uint8_t types[AMR_FRAMES_MAX];
    return payload.size <= 8 && amr_frames(codec, payload, types) == 1 && types[0] == sid_type;
}

bool frames_are_sid(const struct rtp_codec *codec, struct slice payload, size_t wire)
{
    if (codec->kind == CODEC_NOISE)
        return true;
    switch (codec->counter) {
    case CODEC_COUNTER_G729:
        return wire % 10 == 2;
    case CODEC_COUNTER_G723:
        return (wire == 4 && payload.size && (payload.data[0] & 3) == 2) || wire == 1;
    case CODEC_COUNTER_AMR:
        return amr_is_sid(codec, payload, 8);
    case CODEC_COUNTER_AMR_WB:
        return amr_is_sid(codec, payload, 9);
    case CODEC_COUNTER_OPUS:
        return wire <= 2;
    default:
        return false;
    }
}

bool rtp_codec_is_sid(const struct rtp_codec *codec, struct slice payload)
{
    return frames_are_sid(codec, payload, payload.size);
}

/* ---- modes ---- */

/* TS 26.445 A.2.1.3: a payload of one of these sizes is one frame without a header. */
static bool evs_compact(size_t octets, unsigned *ret_type)
{
    static const struct {
        uint16_t octets;
        uint8_t type;
    } sizes[] = {{7, 0},  {18, 1}, {20, 2},  {24, 3},  {33, 4},   {41, 5},
                 {61, 6}, {80, 7}, {120, 8}, {160, 9}, {240, 10}, {320, 11}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].octets == octets) {
            *ret_type = sizes[i].type;
            return true;
        }
    return false;
}

#define EVS_IO 13 /* our number for the modes that interoperate with AMR-WB */

/* TS 26.445 A.2.2.1: an optional CMR (H set), then one ToC octet a frame (F: more follow; mode bit:
 * AMR-WB IO). */
static void evs_modes(const struct rtp_codec *codec, struct slice payload, size_t wire,
                      struct rtp_modes *modes)
{
    unsigned type;
    struct cursor c = cursor_over(payload);
    if (!(codec->options & CODEC_HEADER_FULL) && evs_compact(wire, &type)) {
        modes->frames[type]++;
        return;
    }
    if (cursor_left(&c) && *c.at & 0x80)
        cursor_skip(&c, 1);
    for (unsigned n = 0; n < 12 && cursor_left(&c); n++) {
        uint8_t entry = *c.at;
        modes->frames[entry & 0x20 ? EVS_IO : entry & 15]++;
        if ((entry & 0x40) == 0)
            return;
        cursor_skip(&c, 1);
    }
}

void rtp_modes_count(struct rtp_modes *modes, const struct rtp_codec *codec, struct slice payload,
                     size_t wire_bytes)
{
    uint8_t types[AMR_FRAMES_MAX];
    if (codec->counter == CODEC_COUNTER_EVS) {
        evs_modes(codec, payload, wire_bytes, modes);
        return;
    }
    for (unsigned i = amr_frames(codec, payload, types); i > 0; i--)
        modes->frames[types[i - 1]]++;
}

bool rtp_codec_has_modes(const struct rtp_codec *codec)
{
    return codec->counter == CODEC_COUNTER_AMR || codec->counter == CODEC_COUNTER_AMR_WB ||
           codec->counter == CODEC_COUNTER_EVS;
}
