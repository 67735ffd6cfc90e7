/* Sound to codec frames for the tests, by encoders that are not part of the product: libavcodec's
 * by their names, and
 *
 *   "amrnb" opencore-amr, "amrwb" vo-amrwbenc   frames in storage format: header octet, speech
 *   "g729"  bcg729                              10 octets, 2 of a SID, 0 not sent
 *   "libopus direct"                            in-band FEC, DTX, stereo
 *   "l8", "dvi4"                                by hand
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENCODED_MAX   1200
#define ENCODED_BYTES 2000

struct encode_as {
    const char *encoder;
    int rate_hz;
    int frame;    /* samples a channel */
    int channels; /* 0: one */
    int bit_rate;
    int bits;  /* of a G.726 code word */
    int mode;  /* AMR: frame type */
    int group; /* Speex: frames in a packet */
    bool dtx;
    bool fec; /* Opus: for a loss of 20 % */
};

struct encoded {
    unsigned count;
    uint16_t size[ENCODED_MAX];
    uint8_t data[ENCODED_MAX][ENCODED_BYTES];
    /* What the decoder must be told: AudioSpecificConfig, ... */
    uint8_t config[64];
    int config_size;
};

/* `count` samples a channel. False: no such encoder, or it refuses. */
bool encode(const struct encode_as *as, const int16_t *pcm, size_t count, struct encoded *out);

/* AMR frames in storage format to a payload of RFC 4867: bandwidth-efficient or octet-aligned, with
 * CMR 15. Octets written. */
size_t encode_amr_payload(const struct encoded *e, unsigned first, unsigned count, bool wide,
                          bool aligned, uint8_t *out);

/* AAC units to a payload of RFC 3640 (AAC-hbr) or of RFC 6416, the latter with its configuration
 * (AAC-LC, mono, this index of the sampling rate) in front or in the SDP. */
size_t encode_hbr_payload(const struct encoded *e, unsigned first, unsigned count, uint8_t *out);
size_t encode_latm_payload(const struct encoded *e, unsigned first, unsigned count, bool in_band,
                           unsigned rate_index, uint8_t *out);

/* Of the parts: one encoded frame is there. False: no room. */
bool encode_put(struct encoded *out, const void *data, size_t size);
bool encode_av(const struct encode_as *as, const int16_t *pcm, size_t count, struct encoded *out);
bool encode_l8(const struct encode_as *as, const int16_t *pcm, size_t count, struct encoded *out);
bool encode_dvi4(const struct encode_as *as, const int16_t *pcm, size_t count, struct encoded *out);

/* Decoded by libavcodec alone, a frame at a time: samples, or -1. `setup` as the encoder's. */
int encode_reference(const char *decoder, const struct encode_as *as, const struct encoded *e,
                     int16_t *out, size_t room);
