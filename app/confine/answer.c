/* The answer of a process that decodes: written by it, and read by the service as what a stranger sends. */
#include "app/confine/job.h"

#include "app/confine/job_files.h"
#include "decode/output.h"
#include "storage/record_pack.h"

#define COUNTERS_MAX    256
#define COUNT_MAX       (UINT64_C(1) << 50)
#define TRACKS_MAX      128
#define PARTS_MAX       (2 * RENDER_PARTS_MAX + 2)
#define UNDECODABLE_MAX 80 /* names of codecs, and SRTP */
#define RATE_MAX        192000
#define LENGTH_MS       (INT64_C(49) * 3600 * 1000) /* files end at 48 hours */
#define BYTES_MAX       (INT64_C(1) << 46)          /* a thousand parts */
#define TIME_MAX_US     INT64_C(253402300800000000) /* the year 10000 */

/* What it may count: first and last cell. */
static const unsigned counted[][2] = {
    {C_RECORDING_SECONDS, C_RECORDING_SECONDS_END_}, {C_WRITTEN_BYTES, C_WRITTEN_BYTES_END_},
    {C_DECODE_ERRORS, C_DECODE_ERRORS_END_},         {C_UNDECODABLE, C_UNDECODABLE_END_},
    {C_SRTP_UNOPENED, C_SRTP_UNOPENED_END_},         {C_DTMF_EVENTS, C_DTMF_EVENTS_END_},
};

/* ---- writing ---- */

static void gap_pack(struct pack *p, void *item)
{
    struct record_gap *g = item;
    pack_i64(p, &g->at_ms);
    pack_i64(p, &g->length_ms);
    pack_i64(p, &g->cut_ms);
}

static void counter_pack(struct pack *p, struct answer_counter *c)
{
    pack_u32(p, &c->cell);
    pack_u64(p, &c->count);
}

/* What rendering makes of a recording. All else of it (ids, what the rules of the site wanted) the service knows. */
static void made_pack(struct pack *p, struct record_recording *g)
{
    pack_word(p, &g->result);
    pack_word(p, &g->state);
    pack_text(p, &g->undecodable);
    pack_text(p, &g->packing);
    pack_u64(p, &g->repaired);
    pack_bool(p, &g->truncated);
    record_pack_films(p, g);
    record_pack_fax(p, &g->fax);
    if (g->state == NULL)
        return;
    pack_text(p, &g->format);
    pack_text(p, &g->path);
    pack_int(p, &g->sample_rate_hz);
    pack_int(p, &g->channels);
    pack_i64(p, &g->started_us);
    pack_i64(p, &g->duration_ms);
    pack_i64(p, &g->size_bytes);
    pack_bytes(p, g->sha256, sizeof g->sha256);
    record_pack_files(p, &g->files);
    record_pack_file_notes(p, &g->files);
    record_pack_sound(p, &g->sound);
    record_pack_tones(p, &g->sound);
    record_pack_stretches(p, &g->sound);
    record_pack_speech(p, &g->sound);
    record_pack_dtmf(p, &g->inband);
    record_pack_dtmf_wire(p, &g->inband);
    g->gaps = pack_items(p, g->gaps, &g->gap_count, sizeof *g->gaps, gap_pack);
}

static void counters_write(struct pack *p, const struct counters *counters)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < COUNTER_CELLS; i++)
        count += atomic_load_explicit(&counters->cell[i], memory_order_relaxed) != 0;
    pack_u32(p, &count);
    for (unsigned i = 0; i < COUNTER_CELLS; i++) {
        struct answer_counter c = {i, atomic_load_explicit(&counters->cell[i], memory_order_relaxed)};
        if (c.count)
            counter_pack(p, &c);
    }
}

void answer_write(struct buf *out, int err, const struct why *why, struct call_record *r, enum job_kind kind,
                  const struct counters *counters)
{
    struct pack p = pack_writer(out);
    struct slice text = slice_str(why->text);
    pack_int(&p, &err);
    pack_text(&p, &text);
    counters_write(&p, counters);
    if (kind == JOB_CALL)
        made_pack(&p, &r->recording);
    else if (kind == JOB_TRACKS)
        record_pack_files(&p, &r->tracks);
    job_end_pack(&p);
    out->failed |= p.failed;
}

/* ---- reading: is it sound? ---- */

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (word && strcmp(word, *words) == 0)
            return true;
    return false;
}

static bool in_range(int64_t v, int64_t most)
{
    return v >= 0 && v <= most;
}

static bool is_time(int64_t us)
{
    return us >= -TIME_MAX_US && us <= TIME_MAX_US;
}

static bool path_is_ours(const struct job *job, struct slice path)
{
    return job_file_is_ours(job->kind, job->path, path, false);
}

static bool file_is_sound(const struct job *job, const struct record_file *f)
{
    static const char *const kinds[] = {"call", "part", "track", "mix", NULL};
    static const char *const results[] = {"recorded",   "no_rtp", "encrypted", "undecodable",
                                          "over_limit", "failed", NULL};
    bool track = f->kind && strcmp(f->kind, "track") == 0;
    return is_one_of(f->kind, kinds) && is_one_of(f->result, results) &&
           (f->path.size == 0 || path_is_ours(job, f->path)) && (!track || (f->number >= 1 && f->number <= job->voice_count)) &&
           in_range(f->sample_rate_hz, RATE_MAX) && in_range(f->channels, 2) && in_range(f->size_bytes, BYTES_MAX) &&
           is_time(f->started_us) && in_range(f->first_sample, LENGTH_MS * RATE_MAX / 1000) && in_range(f->samples, LENGTH_MS * RATE_MAX / 1000);
}

static bool files_are_sound(const struct job *job, const struct record_files *l, uint32_t most)
{
    bool sound = l->count <= most;
    for (uint32_t i = 0; i < l->count && sound; i++)
        sound = file_is_sound(job, &l->items[i]);
    return sound;
}

static bool span_is_sound(int64_t at_ms, int64_t length_ms)
{
    return in_range(at_ms, LENGTH_MS) && in_range(length_ms, LENGTH_MS);
}

static bool tones_are_sound(const struct record_sound *s)
{
    bool sound = true;
    for (uint32_t i = 0; i < s->tone_count && sound; i++) {
        const struct record_tone *t = &s->tones[i];
        sound = t->kind && t->party && span_is_sound(t->at_ms, t->length_ms);
    }
    return sound;
}

/* In order of time, none within another. */
static bool speech_is_sound(const struct record_sound *s)
{
    bool sound = s->speech_count <= HEARING_CHANNELS;
    for (uint32_t c = 0; c < s->speech_count && sound; c++) {
        const struct record_speech *v = &s->speech[c];
        int64_t end = 0;
        sound = in_range(v->gap_ms, LENGTH_MS) && v->count <= SPEECH_SEGMENTS_MAX;
        for (uint32_t i = 0; i < v->count && sound; i++) {
            sound = span_is_sound(v->segments[i].at_ms, v->segments[i].length_ms) && v->segments[i].at_ms >= end;
            end = v->segments[i].at_ms + v->segments[i].length_ms;
        }
    }
    return sound;
}

/* Channels are indices for others, times are added up. */
static bool hearing_is_sound(const struct record_sound *s)
{
    bool sound = s->channel_count <= HEARING_CHANNELS && in_range(s->window_ms, LENGTH_MS) && in_range(s->dead_air_ms, LENGTH_MS);
    for (uint32_t i = 0; i < s->stretch_count && sound; i++) {
        const struct record_sound_stretch *v = &s->stretches[i];
        sound = v->channel < s->channel_count && v->kind && span_is_sound(v->at_ms, v->length_ms);
    }
    for (uint32_t i = 0; i < s->echo_count && sound; i++)
        sound = s->echo[i].channel < s->channel_count && span_is_sound(s->echo[i].at_ms, s->echo[i].length_ms);
    for (uint32_t i = 0; i < s->dead_air_count && sound; i++)
        sound = span_is_sound(s->dead_air[i].at_ms, s->dead_air[i].length_ms);
    return sound && tones_are_sound(s) && speech_is_sound(s);
}

static bool keys_are_sound(const struct record_dtmf *v)
{
    bool sound = true;
    for (uint32_t i = 0; i < v->count && sound; i++) {
        const struct record_digit *d = &v->digits[i];
        sound = d->source && d->party && d->digit.size == 1 && is_time(d->time_us) && in_range(d->duration_ms, LENGTH_MS);
    }
    return sound;
}

static bool gaps_are_sound(const struct record_recording *g)
{
    bool sound = g->gap_count <= RENDER_GAPS_MAX;
    for (uint32_t i = 0; i < g->gap_count && sound; i++)
        sound = in_range(g->gaps[i].at_ms, LENGTH_MS) && in_range(g->gaps[i].length_ms, TIME_MAX_US) && in_range(g->gaps[i].cut_ms, TIME_MAX_US);
    return sound;
}

static bool films_are_sound(const struct job *job, const struct record_recording *g)
{
    static const char *const codecs[] = {"H264", "H265", "VP8", "VP9", "AV1", NULL};
    bool sound = g->film_count <= SOUND_FILMS_MAX;
    for (uint32_t i = 0; i < g->film_count && sound; i++) {
        const struct record_film *f = &g->films[i];
        char codec[8];
        slice_copy_to(f->codec, codec, sizeof codec);
        sound = f->number == i + 1 && f->side && is_one_of(codec, codecs) && path_is_ours(job, f->path) && is_time(f->started_us) &&
                in_range(f->duration_ms, LENGTH_MS) && in_range(f->size_bytes, BYTES_MAX);
    }
    return sound;
}

static bool fax_is_sound(const struct job *job, const struct record_fax *f)
{
    static const char *const codings[] = {"MH", "MR", "MMR", "JPEG", "JBIG", "unknown", NULL};
    static const char *const answers[] = {"confirmed", "retrain", "refused", NULL};
    bool sound = f->page_count <= SOUND_PAGES_MAX && in_range(f->size_bytes, BYTES_MAX) &&
                 (f->path.size == 0 || path_is_ours(job, f->path));
    for (uint32_t i = 0; i < f->page_count && sound; i++) {
        const struct record_fax_page *g = &f->pages[i];
        sound = g->number == i + 1 && g->picture <= g->number && g->side && is_one_of(g->coding, codings) &&
                (g->answer == NULL || is_one_of(g->answer, answers)) && is_time(g->started_us) && in_range(g->duration_ms, TIME_MAX_US);
    }
    return sound;
}

/* "wav" */
static bool format_is_sound(struct slice format)
{
    bool sound = format.size <= 8;
    for (size_t i = 0; i < format.size && sound; i++)
        sound = (format.data[i] >= 'a' && format.data[i] <= 'z') || (format.data[i] >= '0' && format.data[i] <= '9');
    return sound;
}

static bool result_is_sound(const struct record_recording *g)
{
    static const char *const results[] = {"recorded", "no_rtp", "encrypted", "undecodable", "failed", NULL};
    bool made = g->state != NULL;
    return is_one_of(g->result, results) && (!made || strcmp(g->state, "ready") == 0) &&
           made == (strcmp(g->result, "recorded") == 0) && g->undecodable.size < UNDECODABLE_MAX &&
           g->packing.size < SOUND_PACKING_MAX;
}

/* Of one that was made. */
static bool recording_is_sound(const struct job *job, const struct record_recording *g)
{
    return path_is_ours(job, g->path) && format_is_sound(g->format) && in_range(g->sample_rate_hz, RATE_MAX) &&
           in_range(g->channels, 2) && in_range(g->duration_ms, LENGTH_MS) && in_range(g->size_bytes, BYTES_MAX) &&
           is_time(g->started_us) && gaps_are_sound(g) && files_are_sound(job, &g->files, PARTS_MAX) &&
           hearing_is_sound(&g->sound) && keys_are_sound(&g->inband);
}

/* ---- reading ---- */

static bool may_count(const struct answer_counter *c)
{
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        if (c->cell >= counted[i][0] && c->cell <= counted[i][1])
            return c->count <= COUNT_MAX;
    return false;
}

static bool counters_read(struct pack *p, struct answer_counter *counts, uint32_t *ret_count)
{
    pack_count(p, ret_count);
    if (p->failed || *ret_count > COUNTERS_MAX)
        return false;
    for (uint32_t i = 0; i < *ret_count; i++) {
        counts[i] = (struct answer_counter){0};
        counter_pack(p, &counts[i]);
        if (p->failed || !may_count(&counts[i]))
            return false;
    }
    return true;
}

static void take_recording(struct record_recording *to, const struct record_recording *from)
{
    bool made = from->state != NULL;
    to->result = from->result;
    to->state = from->state;
    to->undecodable = from->undecodable;
    to->packing = from->packing;
    to->repaired = from->repaired;
    to->truncated = from->truncated;
    to->path = from->path;
    to->files = from->files;
    to->sound = from->sound;
    to->inband = from->inband;
    to->gaps = from->gaps;
    to->gap_count = from->gap_count;
    to->films = from->films;
    to->film_count = from->film_count;
    uint64_t packets = to->fax.packets; /* the service knows */
    to->fax = from->fax;
    to->fax.packets = packets;
    if (!made && to->film_count)
        to->state = "ready"; /* what was shown: it is kept, found and deleted like sound */
    else if (!made)
        to->id[0] = '\0';
    if (!made)
        return;
    if (from->format.size)
        to->format = from->format;
    to->sample_rate_hz = from->sample_rate_hz;
    to->channels = from->channels;
    to->started_us = from->started_us;
    to->duration_ms = from->duration_ms;
    to->size_bytes = from->size_bytes;
    memcpy(to->sha256, from->sha256, sizeof to->sha256);
}

/* Whose voice a track is the service knows. */
static void take_tracks(struct record_files *to, const struct record_files *from, const struct job *job)
{
    struct arena *a = job->records[0]->arena;
    *to = *from;
    for (uint32_t i = 0; i < to->count; i++) {
        struct record_file *f = &to->items[i];
        f->user = f->uri = slice_none();
        f->uid[0] = '\0';
        if (strcmp(f->kind, "track") != 0)
            continue;
        const struct sound_voice *v = &job->voices[f->number - 1];
        f->user = arena_copy(a, v->user);
        f->uri = arena_copy(a, v->uri);
        memcpy(f->uid, v->call->uid, sizeof f->uid);
    }
}

static bool body_read(struct pack *p, const struct job *job, struct record_recording *recording, struct record_files *tracks)
{
    if (job->kind == JOB_CALL)
        made_pack(p, recording);
    else if (job->kind == JOB_TRACKS)
        record_pack_files(p, tracks);
    job_end_pack(p);
    if (p->failed)
        return false;
    if (job->kind != JOB_CALL)
        return files_are_sound(job, tracks, TRACKS_MAX);
    return result_is_sound(recording) && films_are_sound(job, recording) && fax_is_sound(job, &recording->fax) && (recording->state == NULL || recording_is_sound(job, recording));
}

/* For a line of the log. */
static void take_text(struct why *why, struct slice text)
{
    size_t n = 0;
    for (; n < text.size && n + 1 < sizeof why->text; n++)
        why->text[n] = (char)(text.data[n] >= ' ' && text.data[n] < 0x7f ? text.data[n] : '?');
    if (n)
        why->text[n] = '\0';
}

bool answer_read(struct slice bytes, const struct job *job, struct counters *counters, int *ret_err, struct why *ret_why)
{
    struct call_record *r = job->records[0];
    struct answer_counter counts[COUNTERS_MAX];
    struct record_recording recording = {0};
    struct record_files tracks = {0};
    struct slice text = slice_none();
    struct pack p = pack_reader(bytes, r->arena);
    uint32_t count = 0;
    int err = 1;
    p.strict = true;
    pack_int(&p, &err);
    pack_text(&p, &text);
    if (p.failed || err > 0 || err < ERR_EXISTS || !counters_read(&p, counts, &count) || !body_read(&p, job, &recording, &tracks))
        return false;
    for (uint32_t i = 0; i < count && counters; i++)
        counters_add(counters, counts[i].cell, counts[i].count);
    if (job->kind == JOB_CALL)
        take_recording(&r->recording, &recording);
    else if (job->kind == JOB_TRACKS)
        take_tracks(&r->tracks, &tracks, job);
    *ret_err = err;
    take_text(ret_why, text);
    return true;
}
