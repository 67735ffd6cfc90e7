/* How a press is told from its many packets stands in capture/rtp/telephone_event.h. */
#include "app/worker_keys.h"

#include <stdlib.h>

#include "app/worker_internal.h"
#include "app/worker_pause.h"
#include "capture/rtp/red.h"
#include "capture/rtp/telephone_event.h"

#define ROOM_FIRST   16
#define CLOCK_USUAL  8000
#define HOP_APART_NS (INT64_C(150) * 1000000) /* the same press on both sides of a relay */
#define HOPS_BACK    8                        /* presses that are looked at for it */

/* What one packet says of presses, and what it came on. */
struct telling {
    struct worker *w;
    struct wflow *f;
    struct wstream *s;
    uint32_t clock_hz;
    uint8_t payload_type;
    bool marker, late;
    int64_t time_ns;
};

static bool make_room(struct wcall *wc)
{
    uint32_t room = wc->keys ? wc->keys->room : 0;
    if (wc->keys && wc->keys->count < room)
        return true;
    room = room ? 2 * room : ROOM_FIRST;
    if (room > CALL_DIGITS_MAX)
        return false;
    struct wkeys *more = realloc(wc->keys, sizeof *more + room * sizeof *more->items);
    if (more == NULL)
        return false;
    if (wc->keys == NULL)
        *more = (struct wkeys){0};
    more->room = room;
    wc->keys = more;
    return true;
}

static int64_t ticks_ns(uint32_t ticks, uint32_t clock_hz)
{
    return (int64_t)ticks * 1000000000 / clock_hz;
}

/* The press on the other side of a relay, as its place among the keys + 1; 0: there is none. */
static uint32_t on_other_hop(const struct wkeys *v, const struct wkey *k)
{
    uint32_t oldest = v && v->count > HOPS_BACK ? v->count - HOPS_BACK : 0;
    for (uint32_t i = v ? v->count : 0; i > oldest; i--) {
        const struct wkey *other = &v->items[i - 1];
        int64_t apart = other->time_ns - k->time_ns;
        if (other->source == k->source && other->flow != k->flow && other->digit == k->digit && other->party == k->party &&
            apart < HOP_APART_NS && apart > -HOP_APART_NS)
            return i;
    }
    return 0;
}

/* Where it was kept, + 1; 0: nowhere. */
static uint32_t keep(const struct telling *at, char digit, uint32_t ticks, uint8_t volume)
{
    struct wcall *wc = at->f->call;
    struct wkey k = {
        .time_ns = at->time_ns - ticks_ns(ticks, at->clock_hz),
        .flow = at->f,
        .duration_ms = (uint32_t)(ticks_ns(ticks, at->clock_hz) / 1000000),
        .digit = (uint8_t)digit,
        .party = at->f->party,
        .payload_type = at->payload_type,
        .volume = volume,
        .source = CALL_DIGIT_RFC4733,
    };
    uint32_t known = on_other_hop(wc->keys, &k);
    if (known)
        return known;
    counters_add(at->w->counters, C_DTMF_EVENTS + CALL_DIGIT_RFC4733, 1);
    worker_pause_key(at->w, at->f, digit, k.time_ns);
    if (worker_pause_hides(wc, at->f->party)) /* it is not stored, not even for a moment */
        return 0;
    if (!make_room(wc)) {
        if (wc->keys)
            wc->keys->over_limit += wc->keys->over_limit < UINT32_MAX;
        counters_add(at->w->counters, C_DTMF_OVER_LIMIT, 1);
        return 0;
    }
    wc->keys->items[wc->keys->count++] = k;
    return wc->keys->count;
}

void worker_key_silenced(struct worker *w, struct wflow *f, int64_t time_ns)
{
    struct wcall *wc = f->call;
    counters_add(w->counters, C_DTMF_EVENTS + CALL_DIGIT_INBAND, 1);
    if (make_room(wc)) {
        wc->keys->items[wc->keys->count++] =
            (struct wkey){.time_ns = time_ns, .flow = f, .digit = '*', .party = f->party, .source = CALL_DIGIT_INBAND};
        return;
    }
    if (wc->keys)
        wc->keys->over_limit += wc->keys->over_limit < UINT32_MAX;
    counters_add(w->counters, C_DTMF_OVER_LIMIT, 1);
}

static void lasts(const struct telling *at)
{
    struct wkeys *v = at->f->call->keys;
    if (v == NULL || at->s->key == 0)
        return;
    struct wkey *k = &v->items[at->s->key - 1];
    uint32_t ms = (uint32_t)(ticks_ns(at->s->telephone.duration, at->clock_hz) / 1000000);
    if (ms > k->duration_ms)
        k->duration_ms = ms;
}

static void take_report(const struct telling *at, uint32_t timestamp,
                        const struct telephone_event *e)
{
    char digit = telephone_key(e->event);
    if (digit == 0)
        return;
    enum telephone_step step =
        telephone_take(&at->s->telephone, timestamp, at->marker, at->late, e);
    if (step == TELEPHONE_PRESSED)
        at->s->key = keep(at, digit, e->duration, e->volume);
    else if (step == TELEPHONE_MISSED)
        keep(at, digit, e->duration, e->volume);
    else if (step == TELEPHONE_HELD)
        lasts(at);
}

static void take_payload(const struct telling *at, struct slice payload, uint32_t timestamp)
{
    struct telephone_event e;
    bool first = true;
    while (telephone_event_next(&payload, &e) && (first || e.duration)) {
        take_report(at, timestamp, &e);
        if (!e.end)
            return;
        timestamp += e.duration;
        first = false;
    }
}

static const struct rtp_codec *event_codec(const struct wflow *f, uint8_t payload_type)
{
    for (unsigned i = 0; i < f->codec_count; i++)
        if (f->codecs[i].payload_type == payload_type && f->codecs[i].kind == CODEC_EVENT)
            return &f->codecs[i];
    return NULL;
}

static void take_redundant(struct telling *at, const struct rtp_packet *p)
{
    struct red_block blocks[RED_BLOCKS_MAX];
    bool late = at->late;
    unsigned count = red_blocks(p->payload, blocks);
    for (unsigned i = 0; i < count; i++) {
        const struct red_block *b = &blocks[i];
        if (event_codec(at->f, b->payload_type) == NULL)
            continue;
        at->payload_type = b->payload_type;
        at->late = late || i + 1 < count;
        take_payload(at, b->payload, p->timestamp - b->behind);
    }
}

void worker_key_packet(struct worker *w, struct wflow *f, struct wstream *s,
                       const struct rtp_codec *codec, const struct rtp_packet *p, bool late,
                       int64_t time_ns)
{
    struct telling at = {
        .w = w,
        .f = f,
        .s = s,
        .clock_hz = codec->clock_hz ? codec->clock_hz : CLOCK_USUAL,
        .payload_type = p->payload_type,
        .marker = p->marker,
        .late = late,
        .time_ns = time_ns,
    };
    if (f->secure) /* what it says is encrypted */
        return;
    if (codec->kind == CODEC_REDUNDANCY)
        take_redundant(&at, p);
    else
        take_payload(&at, p->payload, p->timestamp);
}
