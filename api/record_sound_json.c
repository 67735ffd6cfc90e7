/* One object a channel; windows as columns, for charts. */
#include "api/record_sound_json.h"

#include <math.h>

#define DECIMALS 4
#define DBM0     6.15 /* G.711: a sine of full scale, -3.01 dBov, is +3.14 dBm0 */

static void level(struct json *j, const char *key, double dbov)
{
    json_kv_double(j, key, dbov, 1);
}

static void windows_json(struct json *j, const struct record_sound_channel *c)
{
    json_key(j, "active");
    json_array(j);
    for (uint32_t i = 0; i < c->window_count; i++) {
        const struct record_sound_window *w = &c->windows[i];
        json_double(j, w->heard ? (double)w->active / w->heard : NAN, 3);
    }
    json_end(j);
    json_key(j, "level_dbov_windows");
    json_array(j);
    for (uint32_t i = 0; i < c->window_count; i++) {
        int16_t cdb = c->windows[i].level_cdbov;
        json_double(j, cdb == RECORD_SOUND_SILENT ? NAN : cdb / 100.0, 1);
    }
    json_end(j);
}

static void channel_json(struct json *j, const struct record_sound_channel *c, bool windows)
{
    json_object(j);
    json_kv_int(j, "heard_ms", c->heard_ms);
    json_kv_int(j, "filled_ms", c->filled_ms);
    level(j, "active_level_dbov", c->active_dbov);
    level(j, "active_level_dbm0", c->active_dbov + DBM0);
    json_kv_double(j, "activity", c->activity, DECIMALS);
    level(j, "level_dbov", c->long_term_dbov);
    level(j, "noise_dbov", c->noise_dbov);
    level(j, "peak_dbov", c->peak_dbov);
    json_kv_double(j, "silence_ratio", c->silence_ratio, DECIMALS);
    json_kv_double(j, "digital_silence_ratio", c->digital_silence_ratio, DECIMALS);
    json_kv_int(j, "clip_events", c->clip_events);
    json_kv_double(j, "clipped_ratio", c->clipped_ratio, 6);
    json_kv_double(j, "clipped_speech_ratio", c->clipped_speech_ratio, 6);
    json_kv_int(j, "frozen_ms", c->frozen_ms);
    json_kv_int(j, "frozen_longest_ms", c->frozen_longest_ms);
    json_kv_int(j, "talkspurts", c->spurts);
    json_kv_double(j, "talkspurt_ms", c->spurt_ms, 0);
    if (windows)
        windows_json(j, c);
    json_end(j);
}

static const char *const names[] = {"caller", "callee"};

static void stretches_json(struct json *j, const struct record_sound *s)
{
    json_key(j, "stretches");
    json_array(j);
    for (uint32_t i = 0; i < s->stretch_count; i++) {
        const struct record_sound_stretch *v = &s->stretches[i];
        json_object(j);
        json_kv_str(j, "channel", names[v->channel & 1]);
        json_kv_str(j, "kind", v->kind);
        json_kv_int(j, "at_ms", v->at_ms);
        json_kv_int(j, "length_ms", v->length_ms);
        json_kv_double(j, "ratio", v->ratio, DECIMALS);
        json_end(j);
    }
    json_end(j);
}

static void echo_json(struct json *j, const struct record_sound *s)
{
    json_key(j, "echo");
    json_array(j);
    for (uint32_t i = 0; i < s->echo_count; i++) {
        const struct record_echo *e = &s->echo[i];
        json_object(j);
        json_kv_str(j, "channel", names[e->channel & 1]);
        json_kv_double(j, "delay_ms", e->delay_ms, 1);
        json_kv_double(j, "loss_db", e->loss_db, 1);
        json_kv_int(j, "pieces", e->pieces);
        json_kv_int(j, "agreeing", e->agreeing);
        json_kv_int(j, "at_ms", e->at_ms);
        json_kv_int(j, "length_ms", e->length_ms);
        json_end(j);
    }
    json_end(j);
}

void record_sound_json(struct json *j, const struct record_sound *s, bool windows)
{
    if (s->channel_count == 0) {
        json_null(j);
        return;
    }
    json_object(j);
    for (uint32_t c = 0; c < s->channel_count && c < 2; c++) {
        json_key(j, names[c]);
        channel_json(j, &s->channels[c], windows);
    }
    json_kv_double(j, "double_talk_ratio", s->double_talk_ratio, DECIMALS);
    json_kv_double(j, "mutual_silence_ratio", s->mutual_silence_ratio, DECIMALS);
    json_kv_int(j, "dead_air_count", s->dead_air_total);
    json_kv_int(j, "dead_air_ms", s->dead_air_ms);
    json_key(j, "dead_air");
    json_array(j);
    for (uint32_t i = 0; i < s->dead_air_count; i++) {
        json_object(j);
        json_kv_int(j, "at_ms", s->dead_air[i].at_ms);
        json_kv_int(j, "length_ms", s->dead_air[i].length_ms);
        json_end(j);
    }
    json_end(j);
    stretches_json(j, s);
    echo_json(j, s);
    if (windows)
        json_kv_int(j, "window_ms", s->window_ms);
    json_end(j);
}

static int64_t overlap(const struct record_speech_segment *s, int64_t from_ms, int64_t to_ms,
                       int64_t *ret_at_ms)
{
    int64_t begin = s->at_ms > from_ms ? s->at_ms : from_ms, end = s->at_ms + s->length_ms;
    *ret_at_ms = begin - from_ms;
    return (end < to_ms ? end : to_ms) - begin;
}

void record_speech_segments_json(struct json *j, const struct record_speech *v, int64_t from_ms,
                                 int64_t to_ms)
{
    int64_t at_ms, sum = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        int64_t length = overlap(&v->segments[i], from_ms, to_ms, &at_ms);
        sum += length > 0 ? length : 0;
    }
    json_kv_int(j, "speech_ms", sum);
    json_key(j, "segments");
    json_array(j);
    for (uint32_t i = 0; i < v->count; i++) {
        int64_t length = overlap(&v->segments[i], from_ms, to_ms, &at_ms);
        if (length <= 0)
            continue;
        json_array(j);
        json_int(j, at_ms);
        json_int(j, length);
        json_end(j);
    }
    json_end(j);
}

void record_speech_json(struct json *j, const struct record_sound *s)
{
    json_array(j);
    for (uint32_t c = 0; c < s->speech_count && c < 2; c++) {
        json_object(j);
        json_kv_str(j, "channel", names[c]);
        json_kv_int(j, "gap_ms", s->speech[c].gap_ms);
        record_speech_segments_json(j, &s->speech[c], 0, INT64_MAX);
        json_end(j);
    }
    json_end(j);
}
