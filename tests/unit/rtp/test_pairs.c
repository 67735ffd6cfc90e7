/* Any two of what senders and networks do besides losing packets, with loss at random: what is
 * reported lost is what was lost, to the packet. Loss next to a telephone event cannot be told from
 * an event that was lost, so none is made there. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/rtp/drive.h"

enum oddity {
    DUPLICATES,
    REORDERING,
    MARKERS,
    DTX,
    EVENTS,
    PAYLOAD_CHANGE,
    SSRC_CHANGE,
    RESTART,
    SEQUENCE_WRAP,
    TIMESTAMP_WRAP,
    ODDITIES,
};

static const char *const names[] = {"duplicates",    "reordering",    "markers", "DTX",
                                    "events",        "payload",       "SSRC",    "restart",
                                    "sequence wrap", "timestamp wrap"};

enum {
    FRAMES = 1500,
    SENT_MAX = 2 * FRAMES,
    HALF = FRAMES / 2,
    EVENT = 101,
    TICKS = 160,
    NEAR = 4
};

struct sent {
    int64_t ns;
    unsigned order;
    uint16_t sequence;
    uint32_t timestamp;
    uint8_t payload_type, half; /* of the stream: before or after a change of SSRC */
    bool marker;
};

struct truth {
    uint64_t sent, lost;
};

struct made {
    struct sent packets[SENT_MAX];
    size_t count;
    struct truth truth;
};

static bool has(unsigned set, enum oddity o)
{
    return set >> o & 1;
}

/* A second of pause in every three. */
static bool is_silent(unsigned set, int frame)
{
    return has(set, DTX) && frame % 150 / 50 == 1;
}

/* A digit of ten packets every 4 s. */
static bool is_event(unsigned set, int frame)
{
    return has(set, EVENTS) && frame % 200 >= 40 && frame % 200 < 50;
}

static bool at_an_edge(unsigned set, int frame)
{
    bool cut = has(set, RESTART) || has(set, SSRC_CHANGE);
    bool edge = frame < NEAR || frame >= FRAMES - NEAR || (cut && abs(frame - HALF) <= 2 * NEAR);
    for (int i = frame - NEAR; i <= frame + NEAR; i++)
        edge |= is_event(set, i);
    return edge;
}

static bool marker_of(unsigned set, uint64_t *state, int frame)
{
    if (has(set, MARKERS))
        return chance(state, .5);
    return frame == 0 || is_silent(set, frame - 1) ||
           (is_event(set, frame) && !is_event(set, frame - 1));
}

static void put(struct made *m, unsigned set, uint64_t *state, struct sent p, bool edge)
{
    if (has(set, REORDERING) && chance(state, .1) && !edge)
        p.ns += (25 + draw(state) % 45) * MS;
    p.order = (unsigned)m->count;
    m->packets[m->count++] = p;
    if (!has(set, DUPLICATES) || !chance(state, .1))
        return;
    p.ns += draw(state) % 2 ? 50000 : 30 * MS;
    p.order = (unsigned)m->count;
    m->packets[m->count++] = p;
}

static int by_arrival(const void *a, const void *b)
{
    const struct sent *x = a, *y = b;
    if (x->ns != y->ns)
        return x->ns < y->ns ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static void make(struct made *m, unsigned set, double loss, uint64_t *state)
{
    uint16_t sequence = (uint16_t)(has(set, SEQUENCE_WRAP) ? 65000 : 2000 + draw(state) % 30000);
    uint32_t origin = has(set, TIMESTAMP_WRAP) ? 0u - 400 * TICKS : draw(state) % 1000000;
    uint32_t digit = 0;
    *m = (struct made){.count = 0};
    for (int i = 0; i < FRAMES; i++) {
        if (i == HALF && has(set, RESTART)) {
            sequence = (uint16_t)(sequence + 20000 + draw(state) % 20000);
            origin += 500000 + draw(state) % 1000000;
        } else if (i == HALF && has(set, SSRC_CHANGE)) {
            sequence = (uint16_t)draw(state);
            origin = draw(state);
        }
        if (is_silent(set, i))
            continue;
        bool event = is_event(set, i), edge = at_an_edge(set, i);
        uint32_t timestamp = origin + (uint32_t)i * TICKS;
        digit = event && !is_event(set, i - 1) ? timestamp : digit;
        struct sent p = {
            .ns = DRIVE_START_NS + i * 20 * MS,
            .sequence = sequence++,
            .timestamp = event ? digit : timestamp,
            .payload_type = event                                          ? EVENT
                            : has(set, PAYLOAD_CHANGE) && i / 300 % 2 == 1 ? 8
                                                                           : 0,
            .half = has(set, SSRC_CHANGE) && i >= HALF,
            .marker = marker_of(set, state, i),
        };
        m->truth.sent++;
        if (chance(state, loss) && !edge)
            m->truth.lost++;
        else
            put(m, set, state, p, edge);
    }
    qsort(m->packets, m->count, sizeof *m->packets, by_arrival);
}

static struct rtp_codec codec_of(uint8_t payload_type)
{
    struct rtp_codec codec;
    if (!rtp_codec_static(payload_type, &codec))
        rtp_codec_named(slice_str("telephone-event"), payload_type, 8000, 1, slice_none(), &codec);
    return codec;
}

static struct rtp_stats play(const struct made *m, uint8_t half, bool announced)
{
    struct rtp_stream_config config = {.announced = announced, .playout = true};
    struct rtp_stream *s = rtp_stream_new(&config);
    uint8_t bytes[160];
    struct rtp_stats t;
    memset(bytes, 0x78, sizeof bytes);
    for (size_t i = 0; i < m->count; i++) {
        const struct sent *v = &m->packets[i];
        size_t size = v->payload_type == EVENT ? 4 : 160;
        struct rtp_codec codec = codec_of(v->payload_type);
        struct rtp_packet p = {.payload_type = v->payload_type,
                               .marker = v->marker,
                               .sequence = v->sequence,
                               .timestamp = v->timestamp,
                               .payload = slice_of(bytes, size)};
        if (v->half == half)
            rtp_stream_packet(s, &p, &codec, 12 + size, size, v->ns);
    }
    rtp_stream_finish(s);
    rtp_stream_stats(s, &t);
    rtp_stream_free(s);
    return t;
}

static void check(const struct made *m, unsigned set, const char *what, double loss, bool announced)
{
    struct rtp_stats t = play(m, 0, announced), u = {.lost = 0};
    if (has(set, SSRC_CHANGE))
        u = play(m, 1, announced);
    cr_expect_eq(t.expected + u.expected, m->truth.sent, "%s, %.0f %%: expected %lu, not %lu", what,
                 loss * 100, t.expected + u.expected, m->truth.sent);
    cr_expect_eq(t.lost + u.lost, m->truth.lost, "%s, %.0f %%: lost %lu, not %lu", what, loss * 100,
                 t.lost + u.lost, m->truth.lost);
    cr_expect_eq(t.media_lost + u.media_lost, m->truth.lost, "%s, %.0f %%: media lost %lu, not %lu",
                 what, loss * 100, t.media_lost + u.media_lost, m->truth.lost);
    cr_expect_eq(t.restarts + u.restarts, has(set, RESTART), "%s: %u restarts", what,
                 t.restarts + u.restarts);
}

Test(rtp_pairs, media_loss_is_exact_with_any_two_oddities)
{
    static const double losses[] = {0, .01, .05, .2};
    static struct made m;
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    unsigned tried = 0;
    for (unsigned a = 0; a < ODDITIES; a++) {
        for (unsigned b = a; b < ODDITIES; b++) {
            unsigned set = 1u << a | 1u << b;
            char what[64];
            snprintf(what, sizeof what, "%s and %s", names[a], names[b]);
            /* One SSRC that begins anew is a restart; two of them have each their own. */
            for (unsigned i = 0; i < 4 && set != (1u << SSRC_CHANGE | 1u << RESTART); i++) {
                make(&m, set, losses[i], &state);
                check(&m, set, what, losses[i], i % 2);
                tried++;
            }
        }
    }
    cr_expect_eq(tried, (ODDITIES * (ODDITIES + 1) / 2 - 1) * 4);
}
