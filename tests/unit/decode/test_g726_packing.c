/* G.726 by an encoder of others, in both orders of bits under both names. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "decode/g726_packing.h"
#include "tests/support/encode/encode.h"

#define RATE    8000
#define SECONDS 6
#define COUNT   (RATE * SECONDS)

enum sound { SPEECH, TONE, KEY, NOISE, SILENCE, SOUNDS };

static int16_t pcm[COUNT];
static struct encoded encoded;

static void make_speech(void)
{
    FILE *f = fopen(TEST_DATA "/speech/speech-16k.raw", "rb");
    cr_assert(f);
    for (int i = 0; i < COUNT; i++) {
        int16_t pair[2];
        if (fread(pair, 2, 2, f) != 2) { /* once more */
            rewind(f);
            cr_assert(fread(pair, 2, 2, f) == 2);
        }
        pcm[i] = (int16_t)((pair[0] + pair[1]) / 2);
    }
    fclose(f);
}

static void make(enum sound sound)
{
    uint32_t seed = 1;
    if (sound == SPEECH)
        make_speech();
    for (int i = 0; sound != SPEECH && i < COUNT; i++) {
        double t = 2 * M_PI * i / RATE;
        seed = seed * 1664525 + 1013904223;
        pcm[i] = (int16_t)(sound == TONE    ? 8000 * sin(440 * t)
                           : sound == KEY   ? 6000 * (sin(941 * t) + sin(1477 * t))
                           : sound == NOISE ? (int)(seed >> 16) / 8 - 4096
                                            : 0);
    }
}

static enum g726_verdict verdict(const char *name, const char *encoder, int bits, int *ret_ms)
{
    struct encode_as as = {
        .encoder = encoder, .rate_hz = RATE, .frame = 160, .bits = bits, .bit_rate = bits * RATE};
    cr_assert(encode(&as, pcm, COUNT, &encoded));
    struct g726_packing *p = g726_packing_new(name);
    enum g726_verdict v = G726_OPEN;
    cr_assert(p);
    for (unsigned i = 0; i < encoded.count && v == G726_OPEN; i++) {
        v = g726_packing_look(p, (struct slice){encoded.data[i], encoded.size[i]});
        *ret_ms = (int)(20 * (i + 1));
    }
    g726_packing_free(p);
    return v;
}

static const char *const words[] = {"open", "as named", "otherwise"};

/* What decides nothing leaves the name; a right name is never disbelieved. */
Test(g726_packing, both_orders_under_both_names_are_told_apart)
{
    for (enum sound sound = SPEECH; sound < SOUNDS; sound++) {
        make(sound);
        for (int bits = 2; bits <= 5; bits++) {
            char low[16], high[24];
            int ms = 0;
            bool telling = sound <= KEY || (sound == NOISE && bits % 2);
            snprintf(low, sizeof low, "G726-%d", 8 * bits);
            snprintf(high, sizeof high, "AAL2-G726-%d", 8 * bits);
            const char *names[] = {low, high}, *encoders[] = {"g726le", "g726"};
            for (int n = 0; n < 2; n++)
                for (int e = 0; e < 2; e++) {
                    enum g726_verdict v = verdict(names[n], encoders[e], bits, &ms);
                    enum g726_verdict right = n == e ? G726_AS_NAMED : G726_OTHERWISE;
                    cr_expect(v == right || (!telling && v == G726_OPEN), "sound %d, %s by %s: %s",
                              sound, names[n], encoders[e], words[v]);
                    cr_expect(!telling || ms <= 3000, "sound %d, %s by %s: only after %d ms", sound,
                              names[n], encoders[e], ms);
                }
        }
    }
}

Test(g726_packing, only_g726_has_another_name)
{
    cr_expect_str_eq(g726_other_name("g726-24"), "AAL2-G726-24");
    cr_expect_str_eq(g726_other_name("AAL2-G726-40"), "G726-40");
    cr_expect_str_eq(g726_other_name("G721"), "AAL2-G726-32");
    cr_expect_null(g726_other_name("G722"));
    cr_expect_null(g726_packing_new("PCMU"));
    g726_packing_free(NULL);
}
