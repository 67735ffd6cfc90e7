/* MP4A-LATM whose elements are larger than packets: put together, or left out as a whole. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/encode/encode.h"
#include "tests/unit/decode/call.h"

#define RATE    32000
#define SECONDS 2
#define PIECE   70 /* octets */
#define GONE    20 /* the element of which something is missing */

TestSuite(latm, .timeout = 60);

static int16_t tone[RATE * SECONDS];
static struct encoded encoded;

enum { WHOLE = -1, PIECES = -2 }; /* else the number of the piece of GONE that never came */
enum { ALL = 99 };                /* none of it did */

struct sent {
    int lost;
    bool in_band, marked;
    unsigned per_element; /* access units */
};

static void step(struct call_flow *f)
{
    f->sequence++;
}

static unsigned pieces_of(size_t size)
{
    return (unsigned)((size + PIECE - 1) / PIECE);
}

static void send_element(struct call_flow *f, const struct sent *how, unsigned number,
                         const uint8_t *payload, size_t size)
{
    unsigned count =
        how->lost == WHOLE || (how->lost == ALL && number != GONE) ? 1 : pieces_of(size);
    for (unsigned i = 0; i < count; i++) {
        size_t from = count == 1 ? 0 : i * PIECE,
               to = count == 1 || from + PIECE > size ? size : from + PIECE;
        bool gone = number == GONE && (how->lost == ALL || how->lost == (int)i);
        if (!gone) {
            call_put(f, payload + from, to - from);
            f->packets[f->count - 1].data[1] |= how->marked && i + 1 == count ? 0x80 : 0;
        }
        step(f);
    }
}

static void render(struct sent how, struct call_sound *s)
{
    struct call_flow f;
    unsigned ticks = 1024 * how.per_element;
    call_flow_init(&f, 0, "MP4A-LATM", 97, RATE, 7);
    strcpy(f.codecs[0].fmtp, how.in_band            ? "cpresent=1"
                             : how.per_element == 2 ? "cpresent=0;config=410025103fc0"
                                                    : "cpresent=0;config=400025103fc0");
    for (unsigned i = 0; i + how.per_element <= encoded.count; i += how.per_element) {
        uint8_t payload[4000];
        size_t size = encode_latm_payload(&encoded, i, how.per_element, how.in_band, 5, payload);
        cr_assert(size > 2 * PIECE);
        send_element(&f, &how, i / how.per_element, payload, size);
        f.timestamp += ticks;
        f.now_ns += (int64_t)ticks * 1000000000 / RATE;
    }
    cr_assert_eq(call_render(&f, 1, s), 0);
    call_flow_fini(&f);
}

static void make_tone(void)
{
    const struct encode_as as = {
        .encoder = "aac", .rate_hz = RATE, .frame = 1024, .bit_rate = 64000};
    call_tone(tone, RATE * SECONDS, RATE, 440, 8000);
    cr_assert(encode(&as, tone, RATE * SECONDS, &encoded));
    encoded.count -= encoded.count % 2;
}

static bool same(const struct call_sound *a, const struct call_sound *b, int64_t from)
{
    return a->frames == b->frames && from < a->frames &&
           memcmp(a->channel[0] + from, b->channel[0] + from, (size_t)(a->frames - from) * 2) == 0;
}

Test(latm, an_element_over_several_packets_sounds_as_in_one)
{
    make_tone();
    for (unsigned i = 0; i < 8; i++) {
        struct sent how = {WHOLE, i & 1, i & 2, i & 4 ? 2 : 1};
        struct call_sound whole, pieces;
        render(how, &whole);
        how.lost = PIECES;
        render(how, &pieces);
        cr_expect(same(&whole, &pieces, 0), "case %u", i);
        cr_expect_eq(pieces.result.decode_errors, 0, "case %u: %lu", i,
                     (unsigned long)pieces.result.decode_errors);
        cr_expect_eq(pieces.result.concealed[0], 0);
        cr_expect(pieces.frames == (int64_t)encoded.count * 1024, "case %u: %ld of %u", i,
                  (long)pieces.frames, encoded.count * 1024);
        call_sound_fini(&whole);
        call_sound_fini(&pieces);
    }
}

/* Whose configuration says that there are two units in an element, and who sends one. */
Test(latm, a_sender_whose_elements_never_become_whole_is_heard_all_the_same)
{
    struct call_flow f;
    struct call_sound s;
    make_tone();
    call_flow_init(&f, 0, "MP4A-LATM", 97, RATE, 7);
    strcpy(f.codecs[0].fmtp, "cpresent=0;config=410025103fc0");
    for (unsigned i = 0; i < encoded.count; i++) {
        uint8_t payload[4000];
        size_t size = encode_latm_payload(&encoded, i, 1, false, 5, payload);
        call_send(&f, payload, size, 1024, 32);
    }
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_expect_eq(s.result.packets[0], encoded.count - 1, "%lu of %u", (unsigned long)s.result.packets[0], encoded.count);
    call_flow_fini(&f);
    call_sound_fini(&s);
}

/* The first one, one within, the last one. */
Test(latm, an_element_that_lacks_a_piece_is_left_out_and_the_next_is_whole_again)
{
    make_tone();
    for (unsigned i = 0; i < 8; i++) {
        struct sent how = {WHOLE, i & 1, i & 2, i & 4 ? 2 : 1};
        uint8_t payload[4000];
        size_t size = encode_latm_payload(&encoded, GONE * how.per_element, how.per_element,
                                          how.in_band, 5, payload);
        int places[] = {0, 1, (int)pieces_of(size) - 1};
        struct call_sound whole, none, pieces;
        render(how, &whole);
        how.lost = ALL;
        render(how, &none);
        cr_expect_not(same(&whole, &none, 0), "what is missing can be heard");
        for (unsigned k = 0; k < 3; k++) {
            how.lost = places[k];
            render(how, &pieces);
            int64_t behind = (GONE + 5) * 1024 *
                             (int64_t)how.per_element; /* what is concealed, and how it fades */
            cr_expect(same(&none, &pieces, behind), "case %u, piece %d", i, places[k]);
            cr_expect(memcmp(none.channel[0], pieces.channel[0],
                             (GONE - 3) * 2048 * how.per_element) == 0,
                      "case %u, piece %d", i, places[k]);
            cr_expect(pieces.result.packets[0] == whole.result.packets[0] - 1,
                      "case %u, piece %d: %lu of %lu elements", i, places[k],
                      (unsigned long)pieces.result.packets[0],
                      (unsigned long)whole.result.packets[0]);
            call_sound_fini(&pieces);
        }
        call_sound_fini(&whole);
        call_sound_fini(&none);
    }
}
