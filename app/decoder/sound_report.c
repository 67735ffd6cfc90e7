/* Field by field: decode/ and storage/ do not know each other. */
#include "app/decoder/sound_report.h"

static void channel(struct arena *a, const struct hearing_report *in, unsigned c, struct record_sound_channel *out)
{
    const struct measure_figures *f = &in->of[c];
    *out = (struct record_sound_channel){
        .active_dbov = f->active_dbov,
        .activity = f->activity,
        .long_term_dbov = f->long_term_dbov,
        .noise_dbov = f->noise_dbov,
        .peak_dbov = f->peak_dbov,
        .silence_ratio = f->silence_ratio,
        .digital_silence_ratio = f->digital_silence_ratio,
        .clipped_ratio = f->clipped_ratio,
        .clipped_speech_ratio = f->clipped_speech_ratio,
        .clip_events = f->clip_events,
        .heard_ms = f->heard_ms,
        .filled_ms = f->filled_ms,
        .frozen_ms = f->frozen_ms,
        .frozen_longest_ms = f->frozen_longest_ms,
        .spurts = f->spurts,
        .spurt_ms = f->spurt_ms,
    };
    out->windows = arena_alloc(a, (in->window_count[c] + 1) * sizeof *out->windows);
    for (unsigned i = 0; out->windows && i < in->window_count[c]; i++) {
        const struct measure_window *w = &in->windows[c][i];
        out->windows[out->window_count++] =
            (struct record_sound_window){.heard = w->heard, .active = w->active, .level_cdbov = w->level_cdbov};
    }
}

static void stretches(struct arena *a, const struct hearing_report *in, struct record_sound *out)
{
    static const char *const kinds[] = {
        [MEASURE_SILENT] = "silence", [MEASURE_FROZEN] = "frozen_audio", [MEASURE_CLIPPED] = "clipping"};
    unsigned count = 0;
    for (unsigned c = 0; c < in->channels; c++)
        count += in->of[c].stretch_count;
    out->stretches = arena_alloc(a, (count + 1) * sizeof *out->stretches);
    for (unsigned c = 0; out->stretches && c < in->channels; c++)
        for (unsigned i = 0; i < in->of[c].stretch_count; i++) {
            const struct measure_stretch *v = &in->of[c].stretches[i];
            out->stretches[out->stretch_count++] = (struct record_sound_stretch){
                .channel = c, .kind = kinds[v->fault], .at_ms = v->at_ms, .length_ms = v->length_ms, .ratio = v->ratio};
        }
}

static void echoes(struct arena *a, const struct hearing_report *in, struct record_sound *out)
{
    out->echo = arena_alloc(a, HEARING_CHANNELS * sizeof *out->echo);
    for (unsigned c = 0; out->echo && c < in->channels; c++) {
        const struct echo_figures *e = &in->echo[c];
        if (e->agreeing)
            out->echo[out->echo_count++] = (struct record_echo){.channel = c,
                                                                .delay_ms = e->delay_ms,
                                                                .loss_db = e->loss_db,
                                                                .pieces = e->pieces,
                                                                .agreeing = e->agreeing,
                                                                .at_ms = e->from_ms,
                                                                .length_ms = e->to_ms - e->from_ms};
    }
}

static void speech(struct arena *a, const struct speech_index *in, struct record_speech *out)
{
    *out = (struct record_speech){.gap_ms = in->gap * SPEECH_BLOCK_MS};
    out->segments = arena_alloc(a, (in->count + 1) * sizeof *out->segments);
    for (uint32_t i = 0; out->segments && i < in->count; i++)
        out->segments[out->count++] = (struct record_speech_segment){.at_ms = (int64_t)in->segments[i].at * SPEECH_BLOCK_MS,
                                                                     .length_ms = (int64_t)in->segments[i].length * SPEECH_BLOCK_MS};
}

void sound_report(struct arena *a, const struct hearing_report *in, struct record_sound *out)
{
    *out = (struct record_sound){0};
    struct record_sound_channel *channels = arena_alloc(a, (in->channels + 1) * sizeof *channels);
    if (channels == NULL)
        return;
    for (unsigned c = 0; c < in->channels; c++)
        channel(a, in, c, &channels[c]);
    out->channels = channels;
    out->channel_count = in->channels;
    out->window_ms = in->window_ms;
    out->double_talk_ratio = in->double_talk_ratio;
    out->mutual_silence_ratio = in->mutual_silence_ratio;
    out->dead_air_total = in->dead_air_count;
    out->dead_air_ms = in->dead_air_ms;
    stretches(a, in, out);
    echoes(a, in, out);
    out->speech = arena_alloc(a, HEARING_CHANNELS * sizeof *out->speech);
    for (unsigned c = 0; out->speech && c < in->channels; c++)
        speech(a, &in->speech[c], &out->speech[out->speech_count++]);
    unsigned kept = in->dead_air_count < DEAD_AIR_EVENTS_MAX ? in->dead_air_count : DEAD_AIR_EVENTS_MAX;
    out->dead_air = arena_alloc(a, (kept + 1) * sizeof *out->dead_air);
    for (unsigned i = 0; out->dead_air && i < kept; i++)
        out->dead_air[out->dead_air_count++] =
            (struct record_dead_air){.at_ms = in->dead_air[i].at_ms, .length_ms = in->dead_air[i].length_ms};
}
