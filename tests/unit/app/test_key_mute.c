/* Tones of keys where they stand twice: in RED (RFC 2198). */
#include <criterion/criterion.h>

#include <math.h>

#include "app/key_mute.h"
#include "decode/g711_code.h"
#include "tests/support/guard.h"

#define FRAME  160
#define FRAMES 100

static struct tone_bank bank;
static uint8_t frames[FRAMES][FRAME];
static struct rtp_codec types[2];
static const struct key_codecs codecs = {types, 2};

/* A soft hum; the key 5 in frames 20 to 24. */
static void init(void)
{
    tone_bank_init(&bank);
    rtp_codec_named(slice_str("red"), 99, 8000, 1, slice_none(), &types[0]);
    rtp_codec_named(slice_str("PCMU"), 0, 8000, 1, slice_none(), &types[1]);
    for (int i = 0; i < FRAMES * FRAME; i++) {
        double s = 300 * sin(2 * M_PI * 157.3 * i / 8000);
        if (i / FRAME >= 20 && i / FRAME < 25)
            s = 6000 * (sin(2 * M_PI * 770 * i / 8000) + sin(2 * M_PI * 1336 * i / 8000));
        int16_t pcm = (int16_t)s;
        g711_code(AUDIO_ULAW, &pcm, &frames[i / FRAME][i % FRAME], 1);
    }
}

TestSuite(key_mute, .init = init, .timeout = 60);

struct packet {
    uint8_t bytes[12 + 4 * 2 + 1 + 3 * FRAME];
    size_t size;
};

static void put_header(struct packet *r, unsigned n, uint8_t type)
{
    uint32_t ts = n * FRAME;
    const uint8_t head[12] = {0x80, type, (uint8_t)(n >> 8), (uint8_t)n, (uint8_t)(ts >> 24), (uint8_t)(ts >> 16), (uint8_t)(ts >> 8), (uint8_t)ts, 0, 0, 0, 1};
    memcpy(r->bytes, head, sizeof head);
    r->size = sizeof head;
}

static void put(struct packet *r, const void *bytes, size_t size)
{
    memcpy(r->bytes + r->size, bytes, size);
    r->size += size;
}

/* Frame n, ahead of it the frames so many earlier (0: none). */
static struct packet red_of(unsigned n, unsigned far, unsigned near)
{
    const unsigned behind[] = {far, near};
    struct packet r;
    put_header(&r, n, 99);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t rest = behind[i] * FRAME << 10 | FRAME;
        if (behind[i])
            put(&r, (const uint8_t[]){0x80, (uint8_t)(rest >> 16), (uint8_t)(rest >> 8), (uint8_t)rest}, 4);
    }
    put(&r, "\0", 1);
    for (unsigned i = 0; i < 2; i++)
        if (behind[i])
            put(&r, frames[n - behind[i]], FRAME);
    put(&r, frames[n], FRAME);
    return r;
}

static enum key_heard hear(struct key_mute *k, const struct packet *r)
{
    struct rtp_packet p;
    cr_assert(rtp_parse(slice_of(r->bytes, r->size), r->size, &p));
    return key_mute_hear(k, &bank, codecs, &p);
}

static bool stands(const struct packet *r, unsigned n)
{
    return memmem(r->bytes, r->size, frames[n], FRAME) != NULL;
}

Test(key_mute, a_copy_goes_with_what_it_is_a_copy_of)
{
    struct key_mute k = {0};
    struct packet sent[FRAMES];
    unsigned begun = 0;
    for (unsigned n = 0; n < FRAMES; n++) {
        sent[n] = red_of(n, n >= 50 ? 50 : 0, n >= 1);
        begun += hear(&k, &sent[n]) == KEY_HEARD_BEGUN;
    }
    cr_expect_eq(begun, 1);
    for (unsigned n = 0; n < FRAMES; n++) {
        key_mute_packet(&k, codecs, sent[n].bytes, sent[n].size);
        for (unsigned key = 20; key < 25; key++)
            cr_expect_not(stands(&sent[n], key), "frame %u in packet %u", key, n);
        bool near_key = n >= 16 && n <= 28;
        cr_expect_eq(stands(&sent[n], n), !near_key, "frame %u", n);
        if (n >= 50)
            cr_expect_eq(stands(&sent[n], n - 50), n - 50 < 16 || n - 50 > 28, "copy of frame %u", n - 50);
    }
}

/* Packets of 10 ms, of which one is too short for a key, from a sender who counts by another clock than SDP says. */
Test(key_mute, a_clock_of_another_rate_hides_no_key)
{
    static const unsigned ticks[] = {80, 160, 40, 320, 0};
    for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++) {
        struct key_mute k = {0};
        struct packet sent[2 * FRAMES];
        for (unsigned n = 0; n < 2 * FRAMES; n++) {
            uint32_t ts = n * ticks[i];
            put_header(&sent[n], n, 0);
            sent[n].bytes[6] = (uint8_t)(ts >> 8);
            sent[n].bytes[7] = (uint8_t)ts;
            put(&sent[n], &frames[n / 2][n % 2 * FRAME / 2], FRAME / 2);
            hear(&k, &sent[n]);
        }
        for (unsigned n = 0; n < 2 * FRAMES; n++) {
            key_mute_packet(&k, codecs, sent[n].bytes, sent[n].size);
            bool stays = memcmp(sent[n].bytes + 12, &frames[n / 2][n % 2 * FRAME / 2], FRAME / 2) == 0;
            if (n >= 40 && n < 50)
                cr_expect_not(stays, "%u ticks: packet %u of the key", ticks[i], n);
            if (ticks[i] && (n < 20 || n > 80))
                cr_expect(stays, "%u ticks: packet %u", ticks[i], n);
        }
    }
}

Test(key_mute, what_was_lost_is_heard_in_its_copy)
{
    struct key_mute k = {0};
    enum key_heard heard = KEY_HEARD_NONE;
    for (unsigned n = 0; n < 30; n++) {
        if (n >= 20 && n < 25 && n % 2 == 0)
            continue;
        struct packet r = red_of(n, 0, n >= 1);
        heard = hear(&k, &r);
        if (n >= 21 && n <= 25)
            cr_expect_geq(heard, KEY_HEARD_ON, "packet %u", n);
        cr_expect_eq(k.missing.count, 0);
    }
}

Test(key_mute, a_copy_that_comes_too_late_to_be_heard_is_silenced)
{
    struct key_mute k = {0};
    for (unsigned n = 0; n < 80; n++) {
        if (n >= 19 && n < 26)
            continue;
        struct packet r = red_of(n, n >= 50 ? 50 : 0, 0);
        hear(&k, &r);
        key_mute_packet(&k, codecs, r.bytes, r.size);
        cr_expect(stands(&r, n), "frame %u", n);
        if (n >= 50)
            cr_expect_eq(stands(&r, n - 50), n - 50 < 19 || n - 50 >= 26, "copy of frame %u", n - 50);
    }
    cr_expect_eq(k.keys.count, 0);
}

Test(key_mute, red_that_says_what_is_not_so_does_no_harm)
{
    static const uint8_t payloads[][12] = {
        {0x80, 0x02, 0x83, 0xff, 0, 1, 2, 3},          /* a block of 1023 octets */
        {0x80, 0xff, 0xff, 0xff},                      /* headers without end */
        {0x80, 0x02, 0x80, 0x08, 99, 0x63, 0, 1, 2},   /* RED within RED */
        {0x80, 0xff, 0xfc, 0x00, 0x00},                /* nothing in any of them */
        {0x80, 0x02, 0x80, 0x04, 0x80, 0x02, 0x80, 4}, /* cut in the second header */
        {99},
    };
    struct key_mute k = {.ssrc = 1, .begun = true, .keys = {1, {{0, 1 << 20}}}};
    for (unsigned i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        struct packet r;
        put_header(&r, 700, 99);
        put(&r, payloads[i], sizeof *payloads);
        for (size_t size = 12; size <= r.size; size++) {
            struct slice at = guard_copy(slice_of(r.bytes, size));
            struct rtp_packet p;
            if (rtp_parse(at, size, &p))
                key_mute_hear(&k, &bank, codecs, &p);
            key_mute_packet(&k, codecs, (uint8_t *)(uintptr_t)at.data, size);
            cr_expect_eq(memcmp(at.data, r.bytes, 12), 0);
            guard_free(at);
        }
    }
}
