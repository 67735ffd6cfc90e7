/* Calls made by hand for the tests of decode/: flows of RTP packets with times, encoders, and the
 * rendered file read back. */
#pragma once

#include "decode/render.h"

#define CALL_START_NS INT64_C(1700000000000000000)
#define CALL_MS       INT64_C(1000000)

struct call_packet {
    int64_t time_ns;
    uint16_t size;
    uint8_t data[4096];
};

struct call_flow {
    struct call_packet *packets;
    unsigned count, at;
    unsigned channel;
    struct render_codec codecs[4];
    unsigned codec_count;
    unsigned damaged; /* pieces told as damaged in front of the first packet */
    /* Of the packets that call_send() makes. */
    uint8_t payload_type;
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    int64_t now_ns;
};

/* The file as samples. */
struct call_sound {
    struct render_result result;
    int rate_hz;
    int64_t frames;
    int16_t *channel[2];
};

void call_flow_init(struct call_flow *f, unsigned channel, const char *codec, uint8_t payload_type,
                    uint32_t clock_hz, uint32_t ssrc);
void call_flow_fini(struct call_flow *f);
/* What a request reads its packets with: those of the flow that is its context. */
int call_flow_next(void *context, struct render_packet *ret_packet);
/* One packet as it stands in `f`; numbers and time are not moved. */
void call_put(struct call_flow *f, const void *payload, size_t size);
/* call_put() and on to the next: sequence + 1, timestamp + ticks, time + ms. */
void call_send(struct call_flow *f, const void *payload, size_t size, uint32_t ticks, double ms);
/* PCM as PCMU or PCMA packets of 20 ms (8 kHz), or L16. */
void call_send_pcmu(struct call_flow *f, const int16_t *pcm, size_t count);
void call_send_pcma(struct call_flow *f, const int16_t *pcm, size_t count);
void call_send_l16(struct call_flow *f, const int16_t *pcm, size_t count, unsigned per_packet,
                   double ms);
/* Puts packets that were made in another order into order of time. */
void call_sort(struct call_flow *f);

/* Renders into a temporary file, checks its digest and header, reads it. Returns what render_call()
 * did. */
int call_render(struct call_flow *flows, unsigned count, struct call_sound *ret_sound);
int call_render_with(struct call_flow *flows, unsigned count, struct render_request request,
                     struct call_sound *ret_sound);
void call_sound_fini(struct call_sound *s);

/* Signals. */
void call_tone(int16_t *out, size_t count, int rate_hz, double hz, double amplitude);
/* Like speech: gliding harmonics in syllables. */
void call_speech(int16_t *out, size_t count, int rate_hz, unsigned seed);
double call_rms(const int16_t *pcm, int64_t count);
/* Amplitude at one frequency. */
double call_amplitude(const int16_t *pcm, int64_t count, int rate_hz, double hz);
/* Normalised correlation of a with b moved by `lag`. */
double call_correlation(const int16_t *a, int64_t a_count, const int16_t *b, int64_t b_count,
                        int lag);
/* The lag within +-most at which they are most alike. */
int call_best_lag(const int16_t *a, int64_t a_count, const int16_t *b, int64_t b_count, int most);
