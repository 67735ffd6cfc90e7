/* Two channels, each in order of time, become one list. */
#include "app/decoder/sound_tones.h"

static const char *const parties[HEARING_CHANNELS] = {"caller", "callee"};

static struct record_digit digit_of(const struct tone_key *k, const struct record_recording *g,
                                    const char *party, struct arena *a, bool masked)
{
    int level = k->level_dbm0 < 0 ? -k->level_dbm0 : 0;
    return (struct record_digit){
        .time_us = g->started_us + k->at_ms * 1000,
        .digit = masked ? slice_str("*") : arena_copy(a, slice_of(&k->digit, 1)),
        .duration_ms = k->length_ms,
        .source = "inband",
        .party = party,
        .volume = (uint8_t)(level + 1),
    };
}

static void add_digit(struct record_dtmf *v, struct record_digit d)
{
    uint32_t at = v->count++;
    for (; at && v->digits[at - 1].time_us > d.time_us; at--)
        v->digits[at] = v->digits[at - 1];
    v->digits[at] = d;
}

static struct record_tone tone_of(const struct tone_event *e, const char *party)
{
    return (struct record_tone){
        .kind = tone_kind_text(e->kind),
        .party = party,
        .at_ms = e->at_ms,
        .length_ms = e->length_ms,
        .level_dbm0 = e->level_dbm0,
        .bursts = e->bursts,
        .burst_ms = e->burst_ms,
        .pause_ms = e->pause_ms,
        .reversed = e->reversed,
    };
}

static void add_tone(struct record_sound *s, struct record_tone t)
{
    uint32_t at = s->tone_count++;
    for (; at && s->tones[at - 1].at_ms > t.at_ms; at--)
        s->tones[at] = s->tones[at - 1];
    s->tones[at] = t;
}

void sound_tones(struct record_recording *g, struct arena *arena, const struct hearing_report *in,
                 bool masked)
{
    unsigned keys = 0, events = 0;
    g->inband = (struct record_dtmf){0};
    for (unsigned c = 0; c < in->channels; c++) {
        const struct tone_meaning *m = &in->tones[c];
        keys += m->key_count;
        events += m->event_count;
        g->inband.over_limit += m->keys_over_limit;
        g->sound.tones_over_limit += m->events_over_limit;
    }
    g->inband.digits = keys ? arena_alloc(arena, keys * sizeof *g->inband.digits) : NULL;
    g->sound.tones = events ? arena_alloc(arena, events * sizeof *g->sound.tones) : NULL;
    for (unsigned c = 0; c < in->channels; c++) {
        const struct tone_meaning *m = &in->tones[c];
        for (unsigned i = 0; g->inband.digits && i < m->key_count; i++)
            add_digit(&g->inband, digit_of(&m->keys[i], g, parties[c], arena, masked));
        for (unsigned i = 0; g->sound.tones && i < m->event_count; i++)
            add_tone(&g->sound, tone_of(&m->events[i], parties[c]));
    }
}
