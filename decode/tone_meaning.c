/* Cadences after ITU-T E.180 and its supplement of national tones: what rings is 0.75 s or longer
 * in most countries (or twice 0.4 s in those that ring as Britain does), what is busy shorter and
 * even. */
#include "decode/tone_meaning.h"

#include "decode/tones.h"

#define KEY_SHORTEST 252 /* samples, 31.5 ms */
#define MS(samples)  ((samples)*1000 / TONE_RATE)

static const char keys[TONE_KEYS] = "123A456B789C*0#D";

const char *tone_kind_text(unsigned kind)
{
    static const char *const texts[TONE_KINDS] = {"cng",      "ced",  "ansam", "v21_preamble",
                                                  "ringback", "busy", "sit"};
    return kind < TONE_KINDS ? texts[kind] : NULL;
}

static int8_t whole_db(double level)
{
    return (int8_t)(level < -99 ? -99 : level > 9 ? 9 : level < 0 ? level - 0.5 : level + 0.5);
}

void tone_meaning_key(struct tone_meaning *m, const struct tone_burst *b)
{
    if (b->to - b->from < KEY_SHORTEST)
        return;
    if (m->key_count == TONES_KEYS_MAX) {
        m->keys_over_limit++;
        return;
    }
    int64_t length = MS(b->to - b->from);
    m->keys[m->key_count++] = (struct tone_key){
        .at_ms = MS(b->from),
        .length_ms = (uint16_t)(length < UINT16_MAX ? length : UINT16_MAX),
        .digit = keys[b->class],
        .level_dbm0 = whole_db(b->level_dbm0),
    };
}

/* ---- events: bursts that follow each other are one ---- */

/* How long a pause still belongs to it. */
static int pause_max_ms(unsigned kind)
{
    return kind == TONE_CNG        ? 5000
           : kind == TONE_RINGBACK ? 6500
           : kind == TONE_BUSY     ? 1200
           : kind == TONE_SIT      ? 5000
                                   : 700;
}

static struct tone_event *goes_on(struct tone_meaning *m, unsigned kind, int64_t at_ms)
{
    struct tone_event *e = m->event_count ? &m->events[m->event_count - 1] : NULL;
    return e && e->kind == kind && at_ms - e->at_ms - e->length_ms <= pause_max_ms(kind) ? e : NULL;
}

/* What joins an event, or begins one. */
struct share {
    unsigned kind, bursts;
    int64_t from,
        to; /* samples; of several bursts the last one is `burst_ms` long, behind `pause_ms` */
    int64_t burst_ms, pause_ms;
    double level_dbm0;
    bool reversed;
};

static uint16_t held(int64_t v)
{
    return (uint16_t)(v < 0 ? 0 : v < UINT16_MAX ? v : UINT16_MAX);
}

static void add(struct tone_meaning *m, const struct share *s)
{
    struct tone_event *e = goes_on(m, s->kind, MS(s->from));
    int64_t pause = s->pause_ms;
    if (e == NULL && m->event_count == TONES_EVENTS_MAX) {
        m->events_over_limit++;
        return;
    }
    if (e == NULL) {
        e = &m->events[m->event_count++];
        *e = (struct tone_event){
            .kind = (uint8_t)s->kind, .at_ms = MS(s->from), .level_dbm0 = whole_db(s->level_dbm0)};
    } else if (s->bursts == 1) {
        pause = MS(s->from) - e->at_ms - e->length_ms;
    }
    e->burst_ms = held(s->burst_ms);
    e->pause_ms = held(pause);
    e->length_ms = MS(s->to) - e->at_ms;
    e->bursts = held((int64_t)e->bursts + s->bursts);
    e->reversed |= s->reversed;
}

static void add_burst(struct tone_meaning *m, unsigned kind, const struct tone_burst *b)
{
    add(m, &(struct share){.kind = kind,
                           .bursts = 1,
                           .from = b->from,
                           .to = b->to,
                           .burst_ms = MS(b->to - b->from),
                           .level_dbm0 = b->level_dbm0,
                           .reversed = b->class == TONE_2100 && b->turns > 0});
}

/* Flags go on: told with each block; what begins before the end of what is known goes on with it.
 */
void tone_meaning_preamble(struct tone_meaning *m, int64_t from, int64_t to, double level_dbm0)
{
    struct tone_event *e = goes_on(m, TONE_PREAMBLE, MS(from));
    if (e == NULL || MS(from) > e->at_ms + e->length_ms) {
        add_burst(m, TONE_PREAMBLE,
                  &(struct tone_burst){.from = from, .to = to, .level_dbm0 = level_dbm0});
        return;
    }
    int64_t longer = MS(to) - e->at_ms - e->length_ms;
    e->length_ms += longer > 0 ? longer : 0;
    e->burst_ms = held(e->burst_ms + (longer > 0 ? longer : 0));
}

/* ---- three rising tones ---- */

#define SIT_SHORTEST_MS 220
#define SIT_LONGEST_MS  450
#define SIT_PAUSE_MS    60

static void sit(struct tone_meaning *m, const struct tone_burst *b)
{
    static const uint8_t order[3] = {TONE_950, TONE_1400, TONE_1800};
    int64_t length = MS(b->to - b->from);
    bool fits = length >= SIT_SHORTEST_MS && length <= SIT_LONGEST_MS;
    if (b->class == TONE_950 && fits) {
        m->sit_next = 1;
        m->sit_from = b->from;
    } else if (m->sit_next && fits && b->class == order[m->sit_next] &&
               MS(b->from - m->sit_to) <= SIT_PAUSE_MS) {
        m->sit_next++;
    } else {
        m->sit_next = 0;
    }
    m->sit_to = b->to;
    if (m->sit_next == 3) {
        add_burst(
            m, TONE_SIT,
            &(struct tone_burst){.from = m->sit_from, .to = b->to, .level_dbm0 = b->level_dbm0});
        m->sit_next = 0;
    }
}

/* ---- progress of a call ---- */

/* Lengths of a burst and the pause before it; pause 0: the first one will do. */
struct cadence {
    uint8_t kind;
    bool pair; /* two frequencies */
    int on_min, on_max;
    int off_min, off_max;
    unsigned bursts; /* so many of that kind make it */
};

static const struct cadence cadences[] = {
    {TONE_RINGBACK, false, 650, 2300, 0, 0,
     1}, /* most of Europe, America, Asia: 425 Hz or near, 0.8 to 1.5 s */
    {TONE_RINGBACK, true, 650, 2300, 0, 0, 1}, /* North America, Korea: 440 + 480 Hz, 1 to 2 s */
    {TONE_RINGBACK, true, 340, 460, 140, 260,
     2}, /* Britain, Australia, New Zealand, Ireland: 400 + 450 Hz, 0.4 s twice */
    {TONE_BUSY, false, 150, 640, 150, 640, 3}, /* busy and congestion */
};

static bool within(int v, int least, int most)
{
    return v >= least && v <= most;
}

static void low(struct tone_meaning *m, const struct tone_burst *b)
{
    bool pair = b->hz[1] > 0;
    int length = (int)MS(b->to - b->from),
        pause = (int)(MS(b->from - m->low.to) < 100000 ? MS(b->from - m->low.to) : 100000);
    bool on = m->low.count && pair == m->low.pair && pause < pause_max_ms(TONE_BUSY) &&
              within(length, m->low.length_ms - 60, m->low.length_ms + 60) &&
              (m->low.count == 1 || within(pause, m->low.pause_ms - 60, m->low.pause_ms + 60));
    m->low.count = on ? m->low.count + 1 : 1;
    m->low.pair = pair;
    m->low.length_ms = length;
    m->low.pause_ms = on ? pause : 0;
    m->low.from = on ? m->low.from : b->from;
    m->low.to = b->to;
    for (unsigned i = 0; i < sizeof cadences / sizeof *cadences; i++) {
        const struct cadence *c = &cadences[i];
        if (c->pair != pair || !within(length, c->on_min, c->on_max) || m->low.count < c->bursts ||
            (c->bursts > 1 && !within(pause, c->off_min, c->off_max)))
            continue;
        bool whole = m->low.count == c->bursts; /* the ones before it were not yet told */
        add(m, &(struct share){.kind = c->kind,
                               .bursts = whole ? c->bursts : 1,
                               .from = whole ? m->low.from : b->from,
                               .to = b->to,
                               .burst_ms = length,
                               .pause_ms = m->low.pause_ms,
                               .level_dbm0 = b->level_dbm0});
        return;
    }
}

/* ---- fax and modem ---- */

#define CNG_SHORTEST_MS 400 /* 0.5 s and 15 % (T.30), and what a block may hide */
#define CNG_LONGEST_MS  600
#define CED_SHORTEST_MS 500

void tone_meaning_burst(struct tone_meaning *m, const struct tone_burst *b)
{
    int64_t length = MS(b->to - b->from);
    sit(m, b);
    if (b->class == TONE_LOW)
        low(m, b);
    else if (b->class == TONE_1100 && length >= CNG_SHORTEST_MS && length <= CNG_LONGEST_MS)
        add_burst(m, TONE_CNG, b);
    else if (b->class == TONE_2100 && length >= CED_SHORTEST_MS)
        add_burst(m, b->sways ? TONE_ANSAM : TONE_CED, b);
}
