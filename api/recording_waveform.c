/* What a recording looks like: its waveform in so many points, and when somebody speaks. Both were
 * made with the recording; here they are cut to the file that is asked for, a part or a side of it,
 * and times and points are its own. */
#include <string.h>

#include "api/record_files_json.h"
#include "api/record_sound_json.h"
#include "api/recording_convert.h"
#include "storage/peaks.h"

#define POINTS     2000
#define POINTS_MAX 8192

/* The file within its recording. */
struct span {
    const char *id, *side;
    int64_t first, samples, rate_hz;
};

static struct span span_of(struct exchange *x, const struct recording *f)
{
    const struct record_recording *g = &f->r->recording;
    const struct record_file *file = recording_file(f);
    struct span s = {.id = x->rq->path_value[0],
                     .rate_hz = g->sample_rate_hz,
                     .samples = g->duration_ms * g->sample_rate_hz / 1000};
    if (file) {
        s.side = file->side;
        s.first = file->first_sample;
        s.samples = file->samples;
        s.rate_hz = file->sample_rate_hz;
    }
    return s;
}

static void begin_json(struct json *j, struct exchange *x, const struct recording *f,
                       const struct span *s)
{
    json_init(j, &x->rs->body);
    json_object(j);
    json_kv_str(j, "id", s->id);
    json_kv_str(j, "call_uid", f->r->uid);
    json_kv_int(j, "sample_rate_hz", s->rate_hz);
    json_kv_int(j, "first_sample", s->first);
    json_kv_int(j, "samples", s->samples);
    json_kv_int(j, "duration_ms", s->rate_hz ? s->samples * 1000 / s->rate_hz : 0);
}

/* Of a recording with two sides, is this one heard in the file? */
static bool holds(const struct span *s, unsigned channel)
{
    return s->side == NULL || (strcmp(s->side, "callee") == 0) == (channel == 1);
}

static void names_json(struct json *j, const struct recording *f, const struct span *s,
                       uint32_t channels)
{
    bool track = f->file && f->file->uid[0];
    if (s->side == NULL && !track) {
        record_json_channels(j, f->r, (int)channels);
        return;
    }
    json_key(j, "channels");
    json_array(j);
    json_str(j, track ? "participant" : s->side);
    json_end(j);
}

/* ---- peaks ---- */

static void values_json(struct json *j, const char *key, const struct record_peaks *p,
                        const struct span *s, uint32_t points, bool high)
{
    int8_t value[2];
    json_key(j, key);
    json_array(j);
    for (unsigned c = 0; c < p->channels; c++) {
        if (p->channels == 2 && !holds(s, c))
            continue;
        json_array(j);
        for (uint32_t i = 0; i < points; i++) {
            peaks_point(p, c, (uint64_t)s->first, (uint64_t)(s->first + s->samples), points, i,
                        &value[0], &value[1]);
            json_int(j, value[high]);
        }
        json_end(j);
    }
    json_end(j);
}

/* `own`: they are of the file alone, not of its whole recording. */
static void peaks_json(struct exchange *x, const struct recording *f, const struct record_peaks *p,
                       uint32_t points, bool own)
{
    struct json j;
    struct span s = span_of(x, f);
    begin_json(&j, x, f, &s);
    json_kv_int(&j, "points", points);
    json_kv_int(&j, "step_samples", (int64_t)p->step);
    names_json(&j, f, &s, p->channels);
    s.first = own ? 0 : s.first;
    values_json(&j, "min", p, &s, points, false);
    values_json(&j, "max", p, &s, points, true);
    json_end(&j);
    exchange_json_done(x);
    exchange_etag(x);
}

/* From beside the recording; tracks, recordings of older versions and those that found the disk
 * full have none: theirs is made from the sound. */
static int get_peaks(struct exchange *x, const struct recording *f, struct buf *bytes,
                     struct record_peaks *p, bool *ret_own)
{
    bool track = f->file && recording_is_track(f->file);
    int err = track ? ERR_NOT_FOUND
                    : peaks_read(x->api->config->data_dir, f->r->recording.path, bytes, p);
    *ret_own = err != 0;
    if (err == 0)
        return 0;
    buf_clear(bytes);
    err = sound_peaks(x, f, bytes);
    return err ? err : peaks_parse(buf_view(bytes), p) ? 0 : ERR_INVALID;
}

static void send_peaks(struct exchange *x, const struct recording *f, uint32_t points)
{
    struct record_peaks p;
    struct buf bytes;
    bool own;
    buf_init(&bytes, PEAKS_BYTES_MAX);
    int err = get_peaks(x, f, &bytes, &p, &own);
    if (err)
        sound_problem(x, err);
    else
        peaks_json(x, f, &p, points, own);
    buf_fini(&bytes);
}

void handle_peaks(struct exchange *x)
{
    struct recording f;
    uint32_t points;
    if (!exchange_number(x, "points", POINTS, POINTS_MAX, &points) || !recording_of_path(x, &f))
        return;
    if (recording_has_file(x, &f))
        send_peaks(x, &f, points);
    record_free(f.r);
}

/* ---- speech ---- */

static void channel_json(struct json *j, const struct record_speech *v, const struct span *s,
                         const char *name)
{
    int64_t from_ms = s->rate_hz ? s->first * 1000 / s->rate_hz : 0;
    int64_t to_ms = s->rate_hz ? (s->first + s->samples) * 1000 / s->rate_hz : 0;
    json_object(j);
    json_kv_str(j, "channel", name);
    json_kv_int(j, "gap_ms", v->gap_ms);
    record_speech_segments_json(j, v, from_ms, to_ms);
    json_end(j);
}

static void speech_json(struct exchange *x, const struct recording *f)
{
    static const char *const NAMES[] = {"caller", "callee"};
    const struct record_sound *sound = &f->r->recording.sound;
    struct json j;
    struct span s = span_of(x, f);
    begin_json(&j, x, f, &s);
    json_key(&j, "speech");
    json_array(&j);
    for (uint32_t c = 0; c < sound->speech_count && c < 2; c++)
        if (holds(&s, c))
            channel_json(&j, &sound->speech[c], &s, NAMES[c]);
    json_end(&j);
    json_end(&j);
    exchange_json_done(x);
    exchange_etag(x);
}

void handle_speech(struct exchange *x)
{
    struct recording f;
    if (!recording_of_path(x, &f))
        return;
    bool there = recording_has_file(x, &f), track = f.file && recording_is_track(f.file);
    if (there && (track || f.r->recording.sound.speech_count == 0))
        problem(x->rs, x->rq, 404, "no_speech_index", NULL, "%s",
                "This recording was made without being listened to ([recording] measures), or by "
                "an older version.");
    else if (there)
        speech_json(x, &f);
    record_free(f.r);
}
