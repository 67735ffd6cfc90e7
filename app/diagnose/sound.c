/* What the packets carried, from measures on the decoded sound (record_sound.h): a record has them
 * once it was rendered. Times there count from the start of the recording. */
#include "app/diagnose/parts.h"

#include <math.h>

#define CHANNELS         2
#define MUTE_LEAST_RATIO 0.995 /* of what came from this side is digital silence */

/* What was cut out of the recording ahead of it took its time, too. */
static int64_t time_us(const struct call_record *r, int64_t at_ms)
{
    const struct record_recording *g = &r->recording;
    int64_t cut_ms = 0;
    for (uint32_t i = 0; i < g->gap_count; i++)
        cut_ms += g->gaps[i].at_ms < at_ms ? g->gaps[i].cut_ms : 0;
    return g->started_us + (at_ms + cut_ms) * 1000;
}

/* Channels of a recording session are participants, not the ends of a call. */
static enum way way_of_channel(const struct call_record *r, uint32_t channel)
{
    return r->siprec.given ? WAYS : channel == 0 ? WAY_CALLER : WAY_CALLEE;
}

static const struct record_stream *stream_at(const struct look *k, enum way w, struct span at)
{
    const struct record_stream *best = NULL;
    for (uint32_t i = 0; i < k->r->stream_count; i++) {
        const struct record_stream *s = &k->r->streams[i];
        if (is_sound_stream(s) && way_of(s) == w && s->first_us < at.to_us &&
            s->last_us > at.from_us && (best == NULL || s->packets > best->packets))
            best = s;
    }
    return best;
}

static struct record_label *label_sound(struct look *k, enum diagnose_label which, enum way w,
                                        struct span at)
{
    struct record_label *l = label_add(k, which, w, at);
    const struct record_stream *s = w == WAYS ? NULL : stream_at(k, w, at);
    if (l == NULL)
        return NULL;
    l->side = "before_tap";
    l->sid = s ? s->sid : 0;
    return l;
}

/* Nobody listens before the answer, nobody is heard after the end. */
static struct span within_call(const struct look *k, const struct record_sound_stretch *v)
{
    struct span at = {time_us(k->r, v->at_ms), time_us(k->r, v->at_ms + v->length_ms)};
    at.from_us = at.from_us < k->begin_us ? k->begin_us : at.from_us;
    at.to_us = k->r->ended_us && at.to_us > k->r->ended_us ? k->r->ended_us : at.to_us;
    return at;
}

/* ---- one family a function ---- */

static void look_mute(struct look *k, const struct record_sound_stretch *v, struct span at)
{
    int64_t lasted_us = at.to_us - at.from_us;
    if (lasted_us < k->config->threshold[DIAGNOSE_silence] * 1000000 || held_during(k, at))
        return;
    struct record_label *l = label_sound(k, DIAGNOSE_silence, way_of_channel(k->r, v->channel), at);
    evidence_number(l, "silent_ms", (double)lasted_us / 1000);
}

static void look_frozen(struct look *k, const struct record_sound_stretch *v, struct span at)
{
    int64_t lasted_us = at.to_us - at.from_us;
    if (lasted_us < k->config->threshold[DIAGNOSE_frozen_audio] * 1000000)
        return;
    struct record_label *l =
        label_sound(k, DIAGNOSE_frozen_audio, way_of_channel(k->r, v->channel), at);
    evidence_number(l, "frozen_ms", (double)lasted_us / 1000);
}

static void look_clipped(struct look *k, const struct record_sound_stretch *v, struct span at)
{
    if (100 * v->ratio < (double)k->config->threshold[DIAGNOSE_clipping])
        return;
    struct record_label *l =
        label_sound(k, DIAGNOSE_clipping, way_of_channel(k->r, v->channel), at);
    evidence_number(l, "clipped_percent", 100 * v->ratio);
}

static void look_stretch(struct look *k, const struct record_sound_stretch *v)
{
    static const struct {
        const char *kind;
        enum diagnose_label label;
        void (*look)(struct look *, const struct record_sound_stretch *, struct span);
    } kinds[] = {
        {"silence", DIAGNOSE_silence, look_mute},
        {"frozen_audio", DIAGNOSE_frozen_audio, look_frozen},
        {"clipping", DIAGNOSE_clipping, look_clipped},
    };
    struct span at = within_call(k, v);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (v->kind && strcmp(kinds[i].kind, v->kind) == 0 && label_on(k, kinds[i].label) &&
            at.to_us > at.from_us)
            kinds[i].look(k, v, at);
}

/* The voice of one side comes to it again with the sound of the other. */
static void look_echo(struct look *k, const struct record_echo *e)
{
    enum way w = way_of_channel(k->r, e->channel);
    struct span at = {time_us(k->r, e->at_ms), time_us(k->r, e->at_ms + e->length_ms)};
    if (!label_on(k, DIAGNOSE_echo) || e->loss_db > (double)k->config->threshold[DIAGNOSE_echo])
        return;
    struct record_label *l = label_sound(k, DIAGNOSE_echo, w == WAYS ? w : way_back(w), at);
    evidence_number(l, "delay_ms", e->delay_ms);
    evidence_number(l, "loss_db", e->loss_db);
    evidence_number(l, "pieces", e->agreeing);
}

/* ---- one-way by content ---- */

static bool is_mute(const struct record_sound_channel *c, int64_t least_s)
{
    return c->heard_ms >= least_s * 1000 && c->digital_silence_ratio >= MUTE_LEAST_RATIO;
}

/* Packets came from both sides, but in those of one there was nothing. True: nothing more is to be
 * said about that side. */
static bool look_one_way(struct look *k, uint32_t channel)
{
    const struct record_sound *s = &k->r->recording.sound;
    const struct record_sound_channel *c = &s->channels[channel], *other = &s->channels[!channel];
    int64_t least_s = k->config->threshold[DIAGNOSE_one_way];
    if (!label_on(k, DIAGNOSE_one_way) || !k->answered || k->r->siprec.given || k->r->no_rtp ||
        k->r->one_way || talk_us(k) < least_s * 1000000 || !is_mute(c, least_s) ||
        other->spurts == 0)
        return false;
    struct span at = {k->begin_us, k->end_us};
    struct record_label *l = label_sound(k, DIAGNOSE_one_way, way_of_channel(k->r, channel), at);
    k->r->one_way = true;
    if (l)
        l->cause = "muted";
    evidence_number(l, "silent_percent", 100 * c->digital_silence_ratio);
    evidence_number(l, "heard_ms", (double)c->heard_ms);
    return true;
}

void look_sound(struct look *k)
{
    const struct record_sound *s = &k->r->recording.sound;
    bool mute[CHANNELS] = {false, false};
    for (uint32_t c = 0; s->channel_count == CHANNELS && c < CHANNELS; c++)
        mute[c] = look_one_way(k, c);
    for (uint32_t i = 0; i < s->stretch_count; i++)
        if (s->stretches[i].channel < CHANNELS && !mute[s->stretches[i].channel])
            look_stretch(k, &s->stretches[i]);
    for (uint32_t i = 0; i < s->echo_count; i++)
        look_echo(k, &s->echo[i]);
}
