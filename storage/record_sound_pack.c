/* Windows and dead air are small: a whole hour of both channels takes about 3 kB; its speech as much again. */
#include "storage/record_sound.h"

#include "storage/pack.h"

static void window(struct pack *p, void *item)
{
    struct record_sound_window *w = item;
    int64_t level = w->level_cdbov;
    pack_u16(p, &w->heard);
    pack_u16(p, &w->active);
    pack_i64(p, &level);
    w->level_cdbov = level < INT16_MIN || level > INT16_MAX ? RECORD_SOUND_SILENT : (int16_t)level;
}

static void channel(struct pack *p, void *item)
{
    struct record_sound_channel *c = item;
    pack_double(p, &c->active_dbov);
    pack_double(p, &c->activity);
    pack_double(p, &c->long_term_dbov);
    pack_double(p, &c->noise_dbov);
    pack_double(p, &c->peak_dbov);
    pack_double(p, &c->silence_ratio);
    pack_double(p, &c->digital_silence_ratio);
    pack_double(p, &c->clipped_ratio);
    pack_double(p, &c->clipped_speech_ratio);
    pack_i64(p, &c->clip_events);
    pack_i64(p, &c->heard_ms);
    pack_i64(p, &c->filled_ms);
    pack_i64(p, &c->frozen_ms);
    pack_i64(p, &c->frozen_longest_ms);
    pack_i64(p, &c->spurts);
    pack_double(p, &c->spurt_ms);
    c->windows = pack_items(p, c->windows, &c->window_count, sizeof *c->windows, window);
}

static void dead_air(struct pack *p, void *item)
{
    struct record_dead_air *d = item;
    pack_i64(p, &d->at_ms);
    pack_i64(p, &d->length_ms);
}

static void stretch(struct pack *p, void *item)
{
    struct record_sound_stretch *v = item;
    pack_u32(p, &v->channel);
    pack_word(p, &v->kind);
    pack_i64(p, &v->at_ms);
    pack_i64(p, &v->length_ms);
    pack_double(p, &v->ratio);
}

static void echo(struct pack *p, void *item)
{
    struct record_echo *v = item;
    pack_u32(p, &v->channel);
    pack_double(p, &v->delay_ms);
    pack_double(p, &v->loss_db);
    pack_u32(p, &v->pieces);
    pack_u32(p, &v->agreeing);
    pack_i64(p, &v->at_ms);
    pack_i64(p, &v->length_ms);
}

void record_pack_sound(struct pack *p, struct record_sound *s)
{
    s->channels = pack_items(p, s->channels, &s->channel_count, sizeof *s->channels, channel);
    if (s->channel_count == 0)
        return;
    pack_i64(p, &s->window_ms);
    pack_double(p, &s->double_talk_ratio);
    pack_double(p, &s->mutual_silence_ratio);
    pack_u32(p, &s->dead_air_total);
    pack_i64(p, &s->dead_air_ms);
    s->dead_air = pack_items(p, s->dead_air, &s->dead_air_count, sizeof *s->dead_air, dead_air);
}

static void tone(struct pack *p, void *item)
{
    struct record_tone *t = item;
    pack_word(p, &t->kind);
    pack_word(p, &t->party);
    pack_i64(p, &t->at_ms);
    pack_i64(p, &t->length_ms);
    pack_i64(p, &t->level_dbm0);
    pack_u32(p, &t->bursts);
    pack_u32(p, &t->burst_ms);
    pack_u32(p, &t->pause_ms);
    pack_bool(p, &t->reversed);
}

void record_pack_tones(struct pack *p, struct record_sound *s)
{
    s->tones = pack_items(p, s->tones, &s->tone_count, sizeof *s->tones, tone);
    pack_u32(p, &s->tones_over_limit);
}

void record_pack_stretches(struct pack *p, struct record_sound *s)
{
    s->stretches = pack_items(p, s->stretches, &s->stretch_count, sizeof *s->stretches, stretch);
    s->echo = pack_items(p, s->echo, &s->echo_count, sizeof *s->echo, echo);
}

/* Segments as pauses and lengths: two or three bytes each. */
static void speech(struct pack *p, void *item)
{
    struct record_speech *v = item;
    int64_t end = 0;
    pack_i64(p, &v->gap_ms);
    pack_count(p, &v->count);
    if (p->out == NULL && v->count)
        v->segments = arena_alloc(p->arena, v->count * sizeof *v->segments);
    p->failed |= v->count > 0 && v->segments == NULL;
    for (uint32_t i = 0; i < v->count && !p->failed; i++) {
        struct record_speech_segment *s = &v->segments[i];
        int64_t pause = p->out ? s->at_ms - end : 0;
        pack_i64(p, &pause);
        pack_i64(p, &s->length_ms);
        p->failed |= p->out == NULL && __builtin_add_overflow(end, pause, &s->at_ms);
        p->failed |= __builtin_add_overflow(s->at_ms, s->length_ms, &end);
    }
}

void record_pack_speech(struct pack *p, struct record_sound *s)
{
    s->speech = pack_items(p, s->speech, &s->speech_count, sizeof *s->speech, speech);
}
