/* One SSRC of a flow: sequence -> decoder -> timeline -> file rate -> window. What a render shares
 * is in struct sound. */
#pragma once

#include "decode/codec.h"
#include "decode/conceal.h"
#include "decode/mix.h"
#include "decode/render.h"
#include "decode/reorder.h"
#include "decode/resample.h"
#include "decode/timeline.h"

#define SOURCE_FORMATS 6

/* The LAW_ bit of a codec that is heard, or 0. */
uint8_t source_law(const struct render_codec *codec);

/* Of one render, used by all its sources. */
struct sound {
    int rate_hz;
    struct mix mix;
    struct av_pool *pool;
    struct counters *counters; /* may be NULL */
    struct render_result *result;
    struct render_place *place; /* NULL: nobody watches */
    uint8_t laws[RENDER_TRACKS_MAX]; /* LAW_ bits of what came in each channel */
    int16_t decoded[CODEC_MAX_SAMPLES];
    int16_t resampled[2 * CODEC_MAX_SAMPLES];
};

static inline void sound_is_at(struct sound *s, unsigned flow, int64_t at_ns)
{
    if (s->place == NULL)
        return;
    atomic_store_explicit(&s->place->flow, flow + 1, memory_order_relaxed);
    atomic_store_explicit(&s->place->at_ns, at_ns, memory_order_relaxed);
}

/* A payload type as this source uses it. */
struct format {
    struct render_codec codec;
    enum codec_kind kind;
    uint32_t clock_hz; /* of RTP, of audio */
    struct decoder decoder; /* open when it was needed */
    bool refused;           /* the decoder could not be opened */
    bool used;
};

struct held_sound {
    int count, rate_hz;
    unsigned lost;
    int64_t at_ns, arrival_ns;
};

struct source {
    uint32_t ssrc;
    unsigned flow;
    unsigned channel;
    uint64_t born; /* order among the channel's sources */
    int64_t last_arrival_ns;
    unsigned waiting;        /* packets kept until it is clear whether this source takes over */
    uint16_t sequence;       /* of the newest of them */
    bool rival;              /* talked while somebody else of its flow did */

    struct sound *sound;
    struct reorder reorder;
    struct timeline timeline;
    struct format formats[SOURCE_FORMATS];
    unsigned format_next; /* to be replaced when all are used */
    unsigned format_last; /* the one of the last packet */

    unsigned lost;  /* packets missing since the last sound */
    int64_t expect; /* frame behind the last sound */
    bool sounding;  /* expect is valid */
    int64_t frame_ns; /* of the newest sound of a packet; 0: there was none */
    bool noise_on;  /* between talk spurts */
    struct noise noise;

    struct resampler resampler;
    int resampler_in_hz;
    int64_t resampled_to; /* next frame that the filter gives */
    int resampled_skip;   /* its first outputs lie before the sound */

    int16_t *held; /* sound whose place the next packets decide, CODEC_MAX_SAMPLES each */
    struct held_sound held_at[TIMELINE_WAITING];
    unsigned held_count;
};

/* NULL without memory. */
struct source *source_new(struct sound *sound, unsigned channel, unsigned flow, uint32_t ssrc);
/* Drops what it still holds. */
void source_free(struct source *s);
/* Index in formats[] of a payload type; opens nothing. */
uint8_t source_format(struct source *s, const struct render_codec *codec);
void source_push(struct source *s, const struct media *m);
/* Keeps the packet for when the source takes its turn. */
void source_wait(struct source *s, const struct media *m);
/* Of those kept: what arrived until then is not wanted. */
void source_forget(struct source *s, int64_t until_ns);
/* The turn is another's, or the call is over: all that is held goes to its place. */
void source_rest(struct source *s);
