/* earshot-encode: sound to frames, for tests that are not in C.
 *
 *     earshot-encode ENCODER RATE FRAME [MODE|BITS|BIT_RATE] [dtx] [fec] < raw 16-bit mono > frames
 *
 * Each frame comes with its size in two octets in front. The number is the mode of AMR and Codec2,
 * the bits of a code word of G.726, the bit rate of everything else.
 *
 *     earshot-encode back g726|g726le BITS < octets > raw 16-bit mono
 *
 * decodes what ffmpeg decodes wrongly at 40 kbit/s. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spandsp/telephony.h>

#include <spandsp/bitstream.h>
#include <spandsp/g726.h>

#include "tests/support/encode/encode.h"

#define SAMPLES_MAX (48000 * 30)

static int16_t pcm[SAMPLES_MAX];
static struct encoded encoded;

static void number(struct encode_as *as, int n)
{
    if (strncmp(as->encoder, "amr", 3) == 0 || strcmp(as->encoder, "libcodec2") == 0) {
        as->mode = n;
    } else if (strncmp(as->encoder, "g726", 4) == 0) {
        as->bits = n;
        as->bit_rate = n * 8000;
    } else {
        as->bit_rate = n;
    }
}

static int back(const char *decoder, int bits)
{
    int packing = strcmp(decoder, "g726le") == 0 ? G726_PACKING_RIGHT : G726_PACKING_LEFT;
    g726_state_t *g = g726_init(NULL, bits * 8000, G726_ENCODING_LINEAR, packing);
    uint8_t group[15]; /* whole words, however many bits they have */
    int16_t out[sizeof group * 8 / 2];
    if (g == NULL)
        return 1;
    for (size_t n; (n = fread(group, 1, sizeof group, stdin)) > 0;)
        fwrite(out, sizeof *out, (size_t)g726_decode(g, out, group, (int)n), stdout);
    g726_free(g);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "back") == 0)
        return back(argv[2], atoi(argv[3]));
    if (argc < 4) {
        fprintf(stderr, "usage: earshot-encode ENCODER RATE FRAME [NUMBER] [dtx] [fec]\n");
        return 2;
    }
    struct encode_as as = {.encoder = argv[1], .rate_hz = atoi(argv[2]), .frame = atoi(argv[3])};
    for (int i = 4; i < argc; i++) {
        if (strcmp(argv[i], "dtx") == 0)
            as.dtx = true;
        else if (strcmp(argv[i], "fec") == 0)
            as.fec = true;
        else
            number(&as, atoi(argv[i]));
    }
    size_t count = fread(pcm, sizeof *pcm, SAMPLES_MAX, stdin);
    if (!encode(&as, pcm, count, &encoded)) {
        fprintf(stderr, "earshot-encode: %s refuses\n", as.encoder);
        return 1;
    }
    for (unsigned i = 0; i < encoded.count; i++) {
        uint8_t size[2] = {(uint8_t)(encoded.size[i] >> 8), (uint8_t)encoded.size[i]};
        fwrite(size, 1, 2, stdout);
        fwrite(encoded.data[i], 1, encoded.size[i], stdout);
    }
    return 0;
}
