/* The window of the renderer without a file behind it: what falls out of it was read long before.
 */
#include "decode/earpiece.h"

#include <assert.h>
#include <stdlib.h>

#include "capture/rtp/rtp.h"
#include "decode/av.h"
#include "decode/channel.h"

#define SECOND_NS     INT64_C(1000000000)
#define LENGTH_MAX_NS (24 * 3600 * SECOND_NS)

struct earpiece {
    struct sound sound;
    struct render_result result; /* what the sources count goes nowhere else */
    struct channel channels[EARPIECE_CHANNELS];
    int64_t start_ns;
    int64_t at; /* next frame to be read */
    bool begun;
};

int earpiece_new(int rate_hz, struct earpiece **ret_earpiece)
{
    struct earpiece *h = calloc(1, sizeof *h);
    if (h == NULL)
        return ERR_NOMEM;
    h->sound.rate_hz = rate_hz;
    h->sound.result = &h->result;
    h->sound.pool = av_pool_new();
    for (unsigned c = 0; c < EARPIECE_CHANNELS; c++)
        channel_init(&h->channels[c], c, &h->sound);
    if (h->sound.pool == NULL || mix_init(&h->sound.mix, NULL, EARPIECE_CHANNELS, rate_hz) != 0) {
        earpiece_free(h);
        return ERR_NOMEM;
    }
    *ret_earpiece = h;
    return 0;
}

void earpiece_free(struct earpiece *h)
{
    if (h == NULL)
        return;
    for (unsigned c = 0; c < EARPIECE_CHANNELS && h->sound.mix.ring; c++)
        channel_fini(&h->channels[c]);
    mix_fini(&h->sound.mix);
    av_pool_free(h->sound.pool);
    free(h);
}

void earpiece_begin(struct earpiece *h, int64_t start_ns)
{
    assert(!h->begun);
    h->start_ns = start_ns;
    h->begun = true;
}

void earpiece_packet(struct earpiece *h, unsigned channel, unsigned flow, int64_t time_ns,
                     struct slice datagram, const struct render_codec *codec)
{
    struct rtp_packet packet;
    int64_t arrival_ns;
    assert(h->begun && channel < EARPIECE_CHANNELS);
    if (__builtin_sub_overflow(time_ns, h->start_ns, &arrival_ns) || arrival_ns < 0 ||
        arrival_ns > LENGTH_MAX_NS)
        return;
    if (rtp_parse(datagram, datagram.size, &packet))
        channel_packet(&h->channels[channel], flow, &packet, arrival_ns, codec,
                       codec->payload_type != packet.payload_type, false);
}

static int64_t frame_of(const struct earpiece *h, int64_t time_ns)
{
    int64_t ns = time_ns - h->start_ns, rate = h->sound.rate_hz;
    return ns < 0 ? 0 : ns / SECOND_NS * rate + ns % SECOND_NS * rate / SECOND_NS;
}

int earpiece_read(struct earpiece *h, int64_t until_ns, int16_t *out, int max)
{
    int64_t due = h->begun ? frame_of(h, until_ns) - h->at : 0;
    int count = due < 0 ? 0 : due > max ? max : (int)due;
    for (int i = 0; i < count; i++)
        for (unsigned c = 0; c < EARPIECE_CHANNELS; c++)
            mix_read(&h->sound.mix, c, h->at + i, &out[i * EARPIECE_CHANNELS + (int)c], 1);
    h->at += count;
    return count;
}

int64_t earpiece_skip(struct earpiece *h, int64_t at_ns)
{
    int64_t left_out = h->begun ? frame_of(h, at_ns) - h->at : 0;
    if (left_out <= 0)
        return 0;
    h->at += left_out;
    return left_out;
}

int64_t earpiece_end(struct earpiece *h)
{
    int64_t rate = h->sound.rate_hz;
    for (unsigned c = 0; c < EARPIECE_CHANNELS; c++)
        channel_fini(&h->channels[c]);
    int64_t end = h->sound.mix.end;
    /* Up to the end of the last frame, however the division falls. */
    return h->start_ns + end / rate * SECOND_NS + (end % rate * SECOND_NS + rate - 1) / rate;
}
