/* From what was asked to files, channels and frames; the program makes the sound (sound.h). */
#include "api/recording_convert.h"

#include <stdio.h>
#include <string.h>

#include "api/record_files_json.h"

#define TIME_MAX_MS (UINT64_C(48) * 3600 * 1000)

const char *sound_type(struct slice format)
{
    static const struct {
        const char *format, *type;
    } TYPES[] = {{"wav", "audio/wav"},
                 {"ogg", "audio/ogg"},
                 {"mp3", "audio/mpeg"},
                 {"flac", "audio/flac"},
                 {"mkv", "video/x-matroska"},
                 {"tiff", "image/tiff"}};

    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++)
        if (slice_is(format, TYPES[i].format))
            return TYPES[i].type;
    return "application/octet-stream";
}

/* ---- what was asked ---- */

static bool one_of(struct exchange *x, const char *name, const char *const words[],
                   const char *said, const char **ret_word)
{
    *ret_word = http_query_value(&x->rq->query, name);
    for (unsigned i = 0; *ret_word && words[i]; i++)
        if (strcmp(*ret_word, words[i]) == 0)
            return true;
    if (*ret_word)
        problem(x->rs, x->rq, 400, "invalid_value", name, "`%s` is %s.", name, said);
    return *ret_word == NULL;
}

static bool time_of(struct exchange *x, const char *name, int64_t fallback, int64_t *ret_ms)
{
    const char *value = http_query_value(&x->rq->query, name);
    uint64_t ms;

    *ret_ms = fallback;
    if (value == NULL)
        return true;
    bool good = slice_to_u64(slice_str(value), TIME_MAX_MS, &ms);
    if (good)
        *ret_ms = (int64_t)ms;
    else
        problem(x->rs, x->rq, 400, "invalid_value", name,
                "`%s` is a time in milliseconds from 0 to %llu.", name,
                (unsigned long long)TIME_MAX_MS);
    return good;
}

bool sound_ask_parse(struct exchange *x, struct sound_ask *ret_ask)
{
    static const char *const FORMATS[] = {"wav", "flac", "ogg", "mp3", NULL};
    static const char *const CHANNELS[] = {"stereo", "mix", "caller", "callee", NULL};
    struct sound_ask *a = ret_ask;

    if (!one_of(x, "format", FORMATS, "wav, flac, ogg or mp3", &a->format) ||
        !one_of(x, "channels", CHANNELS, "stereo, mix, caller or callee", &a->channels) ||
        !time_of(x, "start_ms", 0, &a->start_ms) || !time_of(x, "end_ms", -1, &a->end_ms))
        return false;
    if (a->end_ms >= 0 && a->end_ms <= a->start_ms) {
        problem(x->rs, x->rq, 400, "invalid_value", "end_ms", "`end_ms` lies behind `start_ms`.");
        return false;
    }
    return true;
}

static int channels_of(const struct record_recording *g, const struct record_file *file)
{
    return file ? file->channels : g->channels;
}

bool sound_ask_is_stored(const struct sound_ask *ask, const struct record_recording *g,
                         const struct record_file *file)
{
    struct slice format = file ? slice_str(record_file_format(file)) : g->format;
    const char *side = file && file->side ? file->side : "mix";
    bool same = ask->channels == NULL ||
                strcmp(ask->channels, channels_of(g, file) == 2 ? "stereo" : side) == 0;

    return same && ask->start_ms == 0 && ask->end_ms < 0 &&
           (ask->format == NULL || slice_is(format, ask->format));
}

/* ---- files ---- */

static void add_file(struct api_sound_want *w, const struct record_recording *g,
                     const struct record_file *file)
{
    unsigned i = w->file_count++;

    w->files[i].path = file ? file->path : g->path;
    w->files[i].codec = file ? record_file_codec(file) : "pcm_s16le";
    w->files[i].channels = channels_of(g, file);
}

/* The first file of the recording that has this side alone. */
static const struct record_file *side_of(const struct record_recording *g, const char *side)
{
    for (uint32_t i = 0; i < g->files.count; i++)
        if (g->files.items[i].side && g->files.items[i].number <= 1 &&
            strcmp(g->files.items[i].side, side) == 0)
            return &g->files.items[i];
    return NULL;
}

/* Sides that lie in files of their own are put together where the id names them both. */
static void add_sides(struct api_sound_want *w, const struct record_recording *g,
                      const char *channels)
{
    const struct record_file *caller = side_of(g, "caller"), *callee = side_of(g, "callee");
    bool both = channels && (strcmp(channels, "stereo") == 0 || strcmp(channels, "mix") == 0);

    if (caller && (both || channels == NULL || strcmp(channels, "caller") == 0))
        add_file(w, g, caller);
    if (callee && (both || (channels && strcmp(channels, "callee") == 0)))
        add_file(w, g, callee);
}

/* Of one that has one channel: does it hold what was asked? */
static bool holds(const struct record_file *file, const char *channels)
{
    return channels == NULL || strcmp(channels, file && file->side ? file->side : "mix") == 0;
}

static bool choose_files(const struct recording *f, const char *channels, struct api_sound_want *w)
{
    const struct record_recording *g = &f->r->recording;
    const struct record_file *file = recording_file(f);

    if (f->file == NULL && file && file->side)
        add_sides(w, g, channels);
    else if (channels_of(g, file) == 2 || holds(file, channels))
        add_file(w, g, file);
    w->rate_hz = file ? file->sample_rate_hz : g->sample_rate_hz;
    w->to = file ? file->samples : g->duration_ms * g->sample_rate_hz / 1000;
    return w->file_count > 0 && w->rate_hz > 0;
}

static int64_t frame_at(const struct api_sound_want *w, int64_t ms)
{
    return ms * w->rate_hz / 1000;
}

/* False: the problem is set. */
static bool make_want(struct exchange *x, const struct recording *f, const struct sound_ask *ask,
                      struct api_sound_want *w)
{
    *w = (struct api_sound_want){.format = ask->format,
                                 .channels = ask->channels ? ask->channels : "stereo"};
    if (!choose_files(f, ask->channels, w)) {
        problem(x->rs, x->rq, 400, "channel_not_available", "channels",
                "The sides of this recording were not kept apart, or not in this file.");
        return false;
    }
    if (w->format == NULL)
        w->format = recording_file(f) ? record_file_format(recording_file(f)) : "wav";
    w->from = frame_at(w, ask->start_ms);
    if (w->from >= w->to) {
        problem(x->rs, x->rq, 400, "invalid_value", "start_ms", "The recording ends at %lld ms.",
                (long long)(w->to * 1000 / w->rate_hz));
        return false;
    }
    if (ask->end_ms >= 0 && frame_at(w, ask->end_ms) < w->to)
        w->to = frame_at(w, ask->end_ms);
    return true;
}

/* ---- the answer ---- */

static void try_later(struct exchange *x, int err)
{
    if (err == ERR_FULL)
        problem(x->rs, x->rq, 503, "too_many_conversions", NULL,
                "As many recordings are being converted as may ([limits] conversions); try again later.");
    else if (err == ERR_LATE)
        problem(x->rs, x->rq, 503, "took_too_long", NULL,
                "The waveform of this recording has to be made from its sound, and that took too long; its sound can be had.");
    else
        problem(x->rs, x->rq, 503, "no_decoder", NULL, "Nothing decodes now; try again later.");
    http_header(x->rs, "Retry-After", err == ERR_LATE ? "60" : "5");
}

void sound_problem(struct exchange *x, int err)
{
    if (err == ERR_NOT_FOUND) {
        problem(x->rs, x->rq, 410, "recording_gone", NULL,
                "The file of this recording is no longer there.");
    } else if (err == ERR_UNSUPPORTED) {
        problem(x->rs, x->rq, 400, "format_not_available", "format",
                "This recording cannot be had in that format.");
    } else if (err == ERR_INVALID) {
        problem(x->rs, x->rq, 500, "unreadable", NULL,
                "The file of this recording cannot be read.");
    } else {
        try_later(x, err);
    }
}

static void set_headers(struct exchange *x, const struct api_sound_want *w)
{
    x->rs->content_type = sound_type(slice_str(w->format));
    x->rs->stream = HTTP_STREAM_AUDIO;
    http_header(x->rs, "Accept-Ranges", "none");
    http_header(x->rs, "Content-Disposition", "inline; filename=\"recording-%s.%s\"",
                x->rq->path_value[0], w->format);
}

static bool audit(struct exchange *x, const struct api_sound_want *w, const struct sound_ask *ask)
{
    const char *reason = x->rq->access_reason;
    char detail[300];

    snprintf(detail, sizeof detail, "%s as %s, %s, %lld-%lld ms%s%.200s", x->rq->method, w->format,
             ask->channels ? ask->channels : "all channels",
             (long long)(w->from * 1000 / w->rate_hz), (long long)(w->to * 1000 / w->rate_hz),
             reason ? "; " : "", reason ? reason : "");
    return exchange_audit(x, "audio.read", x->rq->path_value[0], "ok", detail);
}

void send_converted(struct exchange *x, const struct recording *f, const struct sound_ask *ask)
{
    const struct api_sound_source *source = &x->api->config->sound;
    struct http_producer producer = {0};
    struct api_sound_want w;

    if (!make_want(x, f, ask, &w))
        return;
    if (x->rq->head) {
        set_headers(x, &w);
        return;
    }
    int err = source->convert ? source->convert(source->context, &w, &producer) : ERR_BUSY;
    if (err) {
        sound_problem(x, err);
        return;
    }
    if (!audit(x, &w, ask)) {
        producer.free(producer.context);
        return;
    }
    x->rs->producer = producer;
    set_headers(x, &w);
}

int sound_peaks(struct exchange *x, const struct recording *f, struct buf *out)
{
    const struct api_sound_source *source = &x->api->config->sound;
    struct api_sound_want w = {.channels = "stereo"};
    const char *both =
        f->file == NULL && recording_file(f) && recording_file(f)->side ? "stereo" : NULL;

    if (source->peaks == NULL || !choose_files(f, both, &w))
        return ERR_UNSUPPORTED;
    return source->peaks(source->context, &w, out);
}
