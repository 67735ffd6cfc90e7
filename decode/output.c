/* Parts are completed one after the other while the window runs out; tracks stay open until the
 * end, when their sum is made by reading them again: only then is it known how loud it gets, so one
 * gain for all of it keeps it from clipping. */
#include "decode/output.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NS_PER_SECOND INT64_C(1000000000)
/* The sum keeps 1 dB below the loudest that 16 bits can say. */
#define SUM_MAX    29204
#define SUM_FRAMES 16384

bool output_path(const char *path, enum render_file_kind kind, unsigned number, char *out,
                 size_t size)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    char mark[16] = "-mix";
    if (dot == NULL || (slash && dot < slash))
        dot = path + strlen(path);
    if (kind == RENDER_PART && number <= 1)
        mark[0] = '\0';
    else if (kind != RENDER_MIX)
        snprintf(mark, sizeof mark, "-%c%u", kind == RENDER_PART ? 'p' : 't', number);
    int n = snprintf(out, size, "%.*s%s%s", (int)(dot - path), path, mark, dot);
    return n >= 0 && (size_t)n < size;
}

static int64_t frame_bytes(const struct output *o)
{
    return o->config.tracks ? 2 : 2 * o->config.channels;
}

/* Frames that fit into a part by time and by size; 0: no end. At least a tenth of a second, so that
 * no setting makes a file of every sample. */
static int64_t part_frames(const struct output *o)
{
    const struct output_config *c = &o->config;
    int64_t by_time = INT64_MAX, by_size = INT64_MAX, least = c->rate_hz / 10;
    if (c->rollover_ns > 0 && c->rollover_ns < INT64_MAX / c->rate_hz)
        by_time = c->rollover_ns * c->rate_hz / NS_PER_SECOND;
    if (c->rollover_bytes > 0)
        by_size = (c->rollover_bytes - WAV_HEADER_BYTES) / frame_bytes(o);
    int64_t frames = by_time < by_size ? by_time : by_size;
    if (c->tracks || frames == INT64_MAX)
        return 0;
    return frames > least ? frames : least;
}

static int open_file(struct output *o, enum render_file_kind kind, unsigned number, struct wav *w,
                     struct why *why)
{
    char path[4096];
    if (!output_path(o->config.path, kind, number, path, sizeof path)) {
        why_set(why, "the path %s is too long", o->config.path);
        return ERR_INVALID;
    }
    return wav_open(w, path, kind == RENDER_PART ? o->config.channels : 1, o->config.rate_hz, why);
}

static int open_tracks(struct output *o, struct why *why)
{
    o->mono = malloc(SUM_FRAMES * sizeof *o->mono);
    int err = o->mono ? 0 : ERR_NOMEM;
    for (int i = 0; i < o->config.channels && err == 0; i++)
        err = open_file(o, RENDER_TRACK, (unsigned)i + 1, &o->wav[i], why);
    return err;
}

int output_open(struct output *o, const struct output_config *config, struct why *why)
{
    assert(config->channels > 0 && config->channels <= RENDER_TRACKS_MAX);
    *o = (struct output){.config = *config};
    for (int i = 0; i < RENDER_TRACKS_MAX; i++)
        o->wav[i].fd = -1;
    o->part_frames = part_frames(o);
    int err = config->tracks ? open_tracks(o, why) : open_file(o, RENDER_PART, 1, &o->wav[0], why);
    o->parts = 1;
    if (err)
        output_abandon(o);
    return err;
}

/* ---- completing ---- */

static int finish_file(struct output *o, struct wav *w, struct render_file *file,
                       struct render_result *result, struct why *why)
{
    char path[4096];
    file->samples = w->data_bytes / (2 * w->channels);
    file->channels = w->channels;
    int err = wav_finish(w, &file->size_bytes, file->sha256, why);
    if (err || !output_path(o->config.path, file->kind, file->number, path, sizeof path))
        return err ? err : ERR_INVALID;
    struct render_file told = *file;
    told.path = path;
    if (o->config.file)
        o->config.file(o->config.context, &told);
    if (result) {
        result->files++;
        result->size_bytes += file->size_bytes;
    }
    return 0;
}

/* The open part ends here; the next one begins with the next frame. */
static int finish_part(struct output *o, struct why *why)
{
    struct render_file file = {
        .kind = RENDER_PART, .number = o->parts, .first_sample = o->frames - o->in_part};
    int err = finish_file(o, &o->wav[0], &file, NULL, why);
    if (err)
        return err;
    o->finished = o->parts;
    o->size_bytes += file.size_bytes;
    if (o->parts == 1)
        memcpy(o->sha256, file.sha256, sizeof o->sha256);
    return 0;
}

static int next_part(struct output *o)
{
    int err = finish_part(o, &o->why);
    if (err)
        return err;
    err = open_file(o, RENDER_PART, o->parts + 1, &o->wav[0], &o->why);
    o->parts += err ? 0 : 1;
    o->in_part = 0;
    return err;
}

/* ---- growing ---- */

static bool is_silent(const int16_t *samples, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (samples[i])
            return false;
    return true;
}

static void note_peak(struct output *o, const int16_t *frames, int64_t count)
{
    int channels = o->config.channels;
    for (int64_t i = 0; i < count; i++) {
        int32_t sum = 0;
        for (int c = 0; c < channels; c++)
            sum += frames[i * channels + c];
        sum = sum < 0 ? -sum : sum;
        o->peak = sum > o->peak ? sum : o->peak;
    }
}

static int write_tracks(struct output *o, const int16_t *frames, int64_t count)
{
    int channels = o->config.channels;
    note_peak(o, frames, count);
    for (int c = 0; c < channels; c++)
        for (int64_t at = 0, n; at < count; at += n) {
            n = count - at < SUM_FRAMES ? count - at : SUM_FRAMES;
            for (int64_t i = 0; i < n; i++)
                o->mono[i] = frames[(at + i) * channels + c];
            int err = is_silent(o->mono, n) ? wav_skip(&o->wav[c], 2 * n)
                                            : wav_write(&o->wav[c], o->mono, 2 * (size_t)n);
            if (err)
                return err;
        }
    o->frames += count;
    return 0;
}

/* `frames` NULL: silence. */
static int write_parts(struct output *o, const int16_t *frames, int64_t count)
{
    while (count > 0) {
        bool last = o->part_frames == 0 || o->parts == RENDER_PARTS_MAX;
        int64_t room = last ? INT64_MAX : o->part_frames - o->in_part;
        int64_t n = count < room ? count : room;
        int err = n == 0   ? next_part(o)
                  : frames ? wav_write(&o->wav[0], frames, (size_t)(n * frame_bytes(o)))
                           : wav_skip(&o->wav[0], n * frame_bytes(o));
        if (err)
            return err;
        frames = frames ? frames + n * o->config.channels : NULL;
        o->in_part += n;
        o->frames += n;
        count -= n;
    }
    return 0;
}

int output_write(struct output *o, const int16_t *frames, int64_t count)
{
    return o->config.tracks ? write_tracks(o, frames, count) : write_parts(o, frames, count);
}

int output_skip(struct output *o, int64_t count)
{
    if (!o->config.tracks)
        return write_parts(o, NULL, count);
    int err = 0;
    for (int c = 0; c < o->config.channels && err == 0; c++)
        err = wav_skip(&o->wav[c], 2 * count);
    o->frames += count;
    return err;
}

/* ---- the sum ---- */

/* Samples of a track that was written; what lies behind its last is silence. */
static int read_track(struct output *o, int track, int64_t at, int64_t count)
{
    size_t wanted = 2 * (size_t)count, got = 0;
    memset(o->mono, 0, wanted);
    while (got < wanted) {
        off_t offset = (off_t)(WAV_HEADER_BYTES + 2 * at + (int64_t)got);
        ssize_t n = pread(o->wav[track].fd, (uint8_t *)o->mono + got, wanted - got, offset);
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            return 0;
        got += (size_t)n;
    }
    return 0;
}

static int sum_block(struct output *o, struct wav *mix, int64_t at, int64_t count, int32_t *sum)
{
    memset(sum, 0, (size_t)count * sizeof *sum);
    for (int c = 0; c < o->config.channels; c++) {
        int err = read_track(o, c, at, count);
        if (err)
            return err;
        for (int64_t i = 0; i < count; i++)
            sum[i] += o->mono[i];
    }
    for (int64_t i = 0; i < count; i++)
        o->mono[i] = (int16_t)(o->peak > SUM_MAX ? (int64_t)sum[i] * SUM_MAX / o->peak : sum[i]);
    return is_silent(o->mono, count) ? wav_skip(mix, 2 * count)
                                     : wav_write(mix, o->mono, 2 * (size_t)count);
}

static int write_sum(struct output *o, struct wav *mix, struct why *why)
{
    int32_t *sum = malloc(SUM_FRAMES * sizeof *sum);
    int err = sum ? open_file(o, RENDER_MIX, 0, mix, why) : ERR_NOMEM;
    for (int64_t at = 0; at < o->frames && err == 0; at += SUM_FRAMES) {
        int64_t left = o->frames - at;
        err = sum_block(o, mix, at, left < SUM_FRAMES ? left : SUM_FRAMES, sum);
    }
    free(sum);
    return err;
}

static int finish_tracks(struct output *o, const uint64_t *heard, struct render_result *result,
                         struct why *why)
{
    struct wav mix = {.fd = -1};
    struct render_file file = {.kind = RENDER_MIX};
    int err = write_sum(o, &mix, why);
    for (int c = 0; c < o->config.channels && err == 0; c++) {
        struct render_file track = {.kind = RENDER_TRACK, .number = (unsigned)c + 1};
        if (heard[c])
            err = finish_file(o, &o->wav[c], &track, result, why);
    }
    if (err == 0)
        err = finish_file(o, &mix, &file, result, why);
    memcpy(result->sha256, file.sha256, sizeof result->sha256);
    wav_abandon(&mix);
    return err;
}

int output_finish(struct output *o, const uint64_t *heard, struct render_result *result,
                  struct why *why)
{
    int err;
    if (o->config.tracks) {
        err = finish_tracks(o, heard, result, why);
    } else {
        err = finish_part(o, why);
        result->files = o->parts;
        result->size_bytes = o->size_bytes;
        memcpy(result->sha256, o->sha256, sizeof result->sha256);
    }
    o->complete = err == 0;
    return err;
}

/* ---- giving up ---- */

static void remove_file(const struct output *o, enum render_file_kind kind, unsigned number)
{
    char path[4096];
    if (output_path(o->config.path, kind, number, path, sizeof path))
        (void)unlink(path);
}

void output_abandon(struct output *o)
{
    if (o->config.path == NULL)
        return;
    for (int i = 0; i < RENDER_TRACKS_MAX; i++)
        wav_abandon(&o->wav[i]);
    unsigned tracks = o->config.tracks ? (unsigned)o->config.channels : 0;
    for (unsigned i = 1; i <= o->finished && !o->complete; i++)
        remove_file(o, RENDER_PART, i);
    for (unsigned i = 1; i <= tracks && !o->complete; i++)
        remove_file(o, RENDER_TRACK, i);
    free(o->mono);
    *o = (struct output){0};
}
