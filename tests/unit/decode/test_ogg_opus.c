/* A stream that ends anywhere in a packet: its pages say how long it is, and so much is in them. */
#include "decode/ogg_opus.h"

#include <criterion/criterion.h>
#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/decode/call.h"

#define RATE     8000
#define PAGE     27
#define BYTES    65536
#define GRANULES (48000 / RATE)

struct stream {
    uint8_t data[BYTES];
    size_t size;
};

static int take(void *context, const void *data, size_t size)
{
    struct stream *s = context;
    cr_assert_leq(s->size + size, sizeof s->data);
    memcpy(s->data + s->size, data, size);
    s->size += size;
    return 0;
}

static int64_t le64(const uint8_t *p)
{
    int64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

/* The samples of all pages behind the two of the head; *ret_granule of the last. Packets end with
 * their page. */
static int decode(const struct stream *s, int16_t *out, int64_t *ret_granule)
{
    int error, total = 0, page = 0;
    OpusDecoder *decoder = opus_decoder_create(RATE, 1, &error);
    for (size_t at = 0; at < s->size; page++) {
        const uint8_t *head = s->data + at, *sizes = head + PAGE;
        at += PAGE + (size_t)head[26];
        *ret_granule = le64(head + 6);
        for (int i = 0, size = 0; i < head[26]; i++) {
            size += sizes[i];
            if (sizes[i] == 255)
                continue;
            if (page > 1) {
                int n = opus_decode(decoder, s->data + at, size, out + total, RATE, 0);
                cr_assert_gt(n, 0);
                total += n;
            }
            at += (size_t)size;
            size = 0;
        }
    }
    opus_decoder_destroy(decoder);
    return total;
}

Test(ogg_opus, the_end_of_the_sound_is_in_the_last_packets)
{
    static struct stream s;
    static int16_t tone[RATE], out[2 * RATE];
    call_tone(tone, RATE, RATE, 440, 8000);
    for (int count = 4000; count < 4160; count += 13) {
        struct ogg_opus *o;
        int64_t granule = 0;
        s.size = 0;
        cr_assert_eq(ogg_opus_new(RATE, 1, &o), 0);
        cr_assert_eq(ogg_opus_write(o, tone, count, take, &s), 0);
        cr_assert_eq(ogg_opus_end(o, take, &s), 0);
        int pre_skip = s.data[PAGE + 1 + 10] | s.data[PAGE + 1 + 11] << 8;
        int total = decode(&s, out, &granule);
        cr_assert_eq(granule, (int64_t)count * GRANULES + pre_skip);
        cr_assert_leq(granule, (int64_t)total * GRANULES, "%d: %d of %ld", count, total,
                      (long)(granule / GRANULES));
        double level = call_rms(out + granule / GRANULES - 80, 80);
        cr_assert_gt(level, 4000, "%d: %f at the end", count, level);
        ogg_opus_free(o);
    }
}
