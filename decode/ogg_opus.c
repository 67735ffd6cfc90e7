/* Packets of 20 ms. A granule is 1/48000 s whatever the rate; the first `pre_skip` of them are the
 * encoder's run-in and are not played. */
#include "decode/ogg_opus.h"

#include <ogg/ogg.h>
#include <opus.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/error.h"

#define GRANULES       48000
#define PACKETS_A_SEC  50
#define FRAME_MAX      (48000 / PACKETS_A_SEC)
#define CHANNELS_MAX   2
#define PACKET_MAX     1500
#define BITS_A_CHANNEL 24000
#define COMPLEXITY     5

struct ogg_opus {
    OpusEncoder *encoder;
    ogg_stream_state stream;
    int rate_hz, channels, frame; /* of a packet */
    int pre_skip;                 /* granules */
    bool headed;
    int16_t pending[FRAME_MAX * CHANNELS_MAX];
    int count;     /* frames in it */
    int64_t given; /* granules of the packets made */
    int64_t packets;
};

static int run_in(const struct ogg_opus *o)
{
    opus_int32 frames = 0;
    opus_encoder_ctl(o->encoder, OPUS_GET_LOOKAHEAD(&frames));
    return (int)(frames * (GRANULES / o->rate_hz));
}

int ogg_opus_new(int rate_hz, int channels, struct ogg_opus **ret_stream)
{
    int error = 0, serial = 0;
    if (channels < 1 || channels > CHANNELS_MAX)
        return ERR_INVALID;
    struct ogg_opus *o = calloc(1, sizeof *o);
    if (o == NULL)
        return ERR_NOMEM;
    o->rate_hz = rate_hz;
    o->channels = channels;
    o->frame = rate_hz / PACKETS_A_SEC;
    o->encoder = opus_encoder_create(rate_hz, channels, OPUS_APPLICATION_VOIP, &error);
    crypto_random(&serial, sizeof serial);
    if (o->encoder == NULL || ogg_stream_init(&o->stream, serial) != 0) {
        ogg_opus_free(o);
        return error == OPUS_BAD_ARG ? ERR_INVALID : ERR_NOMEM;
    }
    opus_encoder_ctl(o->encoder, OPUS_SET_BITRATE(channels * BITS_A_CHANNEL));
    opus_encoder_ctl(o->encoder, OPUS_SET_COMPLEXITY(COMPLEXITY));
    o->pre_skip = run_in(o);
    *ret_stream = o;
    return 0;
}

void ogg_opus_free(struct ogg_opus *o)
{
    if (o == NULL)
        return;
    if (o->encoder)
        opus_encoder_destroy(o->encoder);
    ogg_stream_clear(&o->stream);
    free(o);
}

/* ---- pages ---- */

static int put_packet(struct ogg_opus *o, uint8_t *data, size_t size, int64_t granule, bool last)
{
    ogg_packet p = {.packet = data,
                    .bytes = (long)size,
                    .b_o_s = o->packets == 0,
                    .e_o_s = last,
                    .granulepos = granule,
                    .packetno = o->packets};
    o->packets++;
    return ogg_stream_packetin(&o->stream, &p) == 0 ? 0 : ERR_NOMEM;
}

static int give_pages(struct ogg_opus *o, ogg_opus_out_fn *out, void *context)
{
    ogg_page page;
    int err = 0;
    while (err == 0 && ogg_stream_flush(&o->stream, &page) != 0) {
        err = out(context, page.header, (size_t)page.header_len);
        if (err == 0)
            err = out(context, page.body, (size_t)page.body_len);
    }
    return err;
}

static void put_le(uint8_t *out, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        out[i] = (uint8_t)(v >> 8 * i);
}

/* RFC 7845 5: who we are, and a comment without comments; each on a page of its own. */
static int give_headers(struct ogg_opus *o, ogg_opus_out_fn *out, void *context)
{
    uint8_t head[19] = "OpusHead", tags[8 + 4 + 7 + 4] = "OpusTags";
    head[8] = 1;
    head[9] = (uint8_t)o->channels;
    put_le(head + 10, (uint32_t)o->pre_skip, 2);
    put_le(head + 12, (uint32_t)o->rate_hz, 4);
    put_le(tags + 8, 7, 4);
    memcpy(tags + 12, "earshot", 7);
    o->headed = true;
    int err = put_packet(o, head, sizeof head, 0, false);
    if (err == 0)
        err = give_pages(o, out, context);
    if (err == 0)
        err = put_packet(o, tags, sizeof tags, 0, false);
    return err ? err : give_pages(o, out, context);
}

/* ---- sound ---- */

/* The pending frames, made whole with silence; `granule` is where the stream then ends. */
static int encode(struct ogg_opus *o, int64_t granule, bool last)
{
    uint8_t packet[PACKET_MAX];
    size_t there = (size_t)o->count * (size_t)o->channels;
    size_t whole = (size_t)o->frame * (size_t)o->channels;
    memset(o->pending + there, 0, (whole - there) * sizeof *o->pending);
    opus_int32 size = opus_encode(o->encoder, o->pending, o->frame, packet, sizeof packet);
    o->count = 0;
    return size < 0 ? ERR_INVALID : put_packet(o, packet, (size_t)size, granule, last);
}

int ogg_opus_write(struct ogg_opus *o, const int16_t *frames, int count, ogg_opus_out_fn *out,
                   void *context)
{
    int err = o->headed ? 0 : give_headers(o, out, context);
    while (err == 0 && count > 0) {
        int room = o->frame - o->count, n = count < room ? count : room;
        memcpy(o->pending + o->count * o->channels, frames,
               (size_t)n * (size_t)o->channels * sizeof *frames);
        o->count += n;
        frames += n * o->channels;
        count -= n;
        if (o->count < o->frame)
            break;
        o->given += GRANULES / PACKETS_A_SEC;
        err = encode(o, o->given, false);
    }
    return err ? err : give_pages(o, out, context);
}

int ogg_opus_end(struct ogg_opus *o, ogg_opus_out_fn *out, void *context)
{
    int err = o->headed ? 0 : give_headers(o, out, context);
    int64_t end = o->given + (int64_t)o->count * (GRANULES / o->rate_hz) + o->pre_skip;
    o->given += GRANULES / PACKETS_A_SEC;
    if (err == 0 && end > o->given) /* its last samples come out of one more packet */
        err = encode(o, o->given, false);
    if (err == 0)
        err = encode(o, end, true);
    return err ? err : give_pages(o, out, context);
}
