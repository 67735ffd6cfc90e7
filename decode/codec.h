/* What a codec is to us: payload of one RTP packet in, mono 16-bit samples out. One small file a
 * codec family, all listed in codec.c: what is not listed there is not decoded. Decoders are made
 * and used by one thread. */
#pragma once

#include "base/slice.h"
#include "decode/render.h"

struct av_pool;
struct av_decoder;

/* What a payload holds beyond this is dropped, so that a packet of compressed sound cannot fill the
 * window. RFC 3551 4.2 wants 200 ms to be taken, and of frames so many as are no less. */
#define CODEC_MAX_MS      240
#define CODEC_MAX_RATE    48000
#define CODEC_MAX_SAMPLES (CODEC_MAX_RATE / 1000 * CODEC_MAX_MS)

struct decoder {
    const struct codec_type *type; /* NULL: not open */
    int rate_hz;                   /* of the samples, which is not always the RTP clock */
    int channels;                  /* interleaved in the payload (L16) */
    int frame_bytes;               /* for codecs that are cut by hand */
    int noise_dbov; /* set by decode: a SID closed the payload, this many dB below overload; 0: none
                     */
    struct av_pool *pool;
    struct av_decoder *av;
    void *state; /* of the type: one block, freed with the decoder */

    uint32_t timestamp; /* in: of the packet */
    bool marker;        /* in, set by the caller: the bit of its header */
    bool lost;          /* in, set by the caller: the packet ahead of it is missing */
    int32_t offset;     /* out: where the sound begins, in RTP ticks from there */
    bool more;          /* out: there is sound of another time; call again without a payload */
};

struct codec_type {
    const char *name;  /* as in SDP, any case */
    const char *label; /* in the CODEC label set */
    int rate_hz;       /* of the samples; 0: the RTP clock */
    int clock_hz;      /* of RTP where the codec fixes it, whatever the SDP says; 0: the SDP's */
    /* Where only the parameters tell the rate; 0: this variant cannot be decoded. */
    int (*rate)(const struct render_codec *codec);
    /* Fills in what the type needs; false: this variant cannot be decoded. */
    bool (*open)(struct decoder *d, const struct render_codec *codec);
    /* Samples written (0 is fine), or -1 when the payload is damaged. */
    int (*decode)(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES]);
    /* The frame before this payload, which was lost, from the copy in it; 0: there is none. NULL:
     * the codec has no such thing. */
    int (*recover)(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES]);
};

enum codec_kind {
    CODEC_KIND_AUDIO,
    CODEC_KIND_NOISE,
    CODEC_KIND_EVENT,
    CODEC_KIND_RED,   /* RFC 2198: sound of other payload types */
    CODEC_KIND_APART, /* repair of what else is there (RTX, FEC): nothing to be heard */
    CODEC_KIND_OTHER
};

enum codec_kind codec_kind(const struct render_codec *codec);
bool codec_equal(const struct render_codec *a, const struct render_codec *b);
/* NULL: not on the list. */
const struct codec_type *codec_type_find(const char *name);
/* The list, for who goes through all of it. */
unsigned codec_type_count(void);
const struct codec_type *codec_type_at(unsigned index);
/* Rates that we can bring to one another. */
static inline bool codec_rate_known(uint32_t rate_hz)
{
    static const uint32_t known[] = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i] == rate_hz)
            return true;
    return false;
}
/* Sampling rate of the audio of this payload type; 0 when it cannot be decoded. */
int codec_rate(const struct render_codec *codec);
/* RTP clock of a payload type whose rate is not 0. */
int codec_clock(const struct render_codec *codec);

/* False: not on the list, a variant we do not have, or no memory. */
bool decoder_open(struct decoder *d, const struct render_codec *codec, struct av_pool *pool);
void decoder_close(struct decoder *d);
int decoder_decode(struct decoder *d, struct slice payload, uint32_t timestamp,
                   int16_t out[CODEC_MAX_SAMPLES]);
/* The frame before this payload; to be decoded after it. 0: not there. */
int decoder_recover(struct decoder *d, struct slice payload, uint32_t timestamp,
                    int16_t out[CODEC_MAX_SAMPLES]);
/* While d->more: what else came with the packet. */
int decoder_more(struct decoder *d, int16_t out[CODEC_MAX_SAMPLES]);

/* For codecs of frames of d->frame_bytes through libavcodec: cuts the payload by hand, since the
 * library takes one frame of most codecs and drops the rest. What is left over is damage. */
int decode_frames(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES]);
/* For codecs that the library takes as a packet. */
int decode_whole(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES]);

extern const struct codec_type codec_pcmu, codec_pcma, codec_l16, codec_g722, codec_gsm, codec_ilbc,
    codec_g729, codec_g723, codec_opus, codec_speex, codec_amr, codec_amr_wb, codec_l8,
    codec_dvi4, codec_codec2, codec_mpeg4_generic, codec_latm;
extern const struct codec_type codec_g726_16, codec_g726_24, codec_g726_32, codec_g726_40,
    codec_g721;
extern const struct codec_type codec_aal2_g726_16, codec_aal2_g726_24, codec_aal2_g726_32,
    codec_aal2_g726_40;
