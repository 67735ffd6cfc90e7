/* Parts are completed one after the other while the window runs out; tracks stay open until the
 * end, when their sum is made by reading them again: only then is it known how loud it gets, so one
 * gain for all of it keeps it from clipping. */
#include "decode/output.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "decode/encoder_wav.h"

#define NS_PER_SECOND INT64_C(1000000000)
/* The sum keeps 1 dB below the loudest that 16 bits can say. */
#define SUM_MAX    29204
#define SUM_FRAMES 16384
#define PATH_ROOM  4096

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

bool output_side_path(const char *path, enum render_side side, char *out, size_t size)
{
    static const char *const MARKS[] = {"", "-caller", "-callee"};
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    if (dot == NULL || (slash && dot < slash))
        dot = path + strlen(path);
    int n = snprintf(out, size, "%.*s%s%s", (int)(dot - path), path, MARKS[side], dot);
    return n >= 0 && (size_t)n < size;
}

/* ---- opening ---- */

static enum render_side side_of(const struct output *o, int lane)
{
    return o->config.layout == RENDER_SIDES ? RENDER_CALLER + (unsigned)lane : RENDER_BOTH;
}

static int lane_channels(const struct output *o)
{
    return o->config.layout == RENDER_STEREO ? o->config.channels : 1;
}

static uint8_t laws_of(const struct output *o, int lane)
{
    const uint8_t *laws = o->config.laws;
    return o->config.layout == RENDER_SIDES ? laws[lane] : (uint8_t)(laws[0] | laws[1]);
}

/* What a file that begins now is written as. */
static enum audio_codec lane_codec(const struct output *o, int lane)
{
    if (!audio_is_g711(o->config.codec))
        return o->config.codec;
    if (o->config.layout == RENDER_SUM || o->config.rate_hz != 8000)
        return AUDIO_PCM;
    uint8_t laws = laws_of(o, lane);
    return laws == LAW_U ? AUDIO_ULAW : laws == LAW_A ? AUDIO_ALAW : AUDIO_PCM;
}

/* Bytes of a second, at most: of code words too as if they were samples, which they may become. */
static int64_t bytes_per_second(const struct output *o)
{
    int64_t pcm = (int64_t)2 * lane_channels(o) * o->config.rate_hz;
    bool small = o->config.codec == AUDIO_OPUS || o->config.codec == AUDIO_MP3;
    return small ? lane_channels(o) * INT64_C(10000) : pcm;
}

/* Frames that fit into a part by time and by size; 0: no end. At least a tenth of a second, so that
 * no setting makes a file of every sample. */
static int64_t part_frames(const struct output *o)
{
    const struct output_config *c = &o->config;
    int64_t by_time = INT64_MAX, by_size = INT64_MAX, least = c->rate_hz / 10;
    int64_t room = c->rollover_bytes - WAV_HEADER_BYTES - (int64_t)encoder_wav_tags_size(c->tags);
    if (c->rollover_ns > 0 && c->rollover_ns < INT64_MAX / c->rate_hz)
        by_time = c->rollover_ns * c->rate_hz / NS_PER_SECOND;
    if (c->rollover_bytes > 0 && room < INT64_MAX / c->rate_hz)
        by_size = room * c->rate_hz / bytes_per_second(o);
    int64_t frames = by_time < by_size ? by_time : by_size;
    if (c->tracks || frames == INT64_MAX)
        return 0;
    return frames > least ? frames : least;
}

static bool file_path(const struct output *o, enum render_file_kind kind, enum render_side side,
                      unsigned number, char path[PATH_ROOM])
{
    char sided[PATH_ROOM];
    return output_side_path(o->config.path, side, sided, sizeof sided) &&
           output_path(sided, kind, number, path, PATH_ROOM);
}

static int open_file(struct output *o, enum render_file_kind kind, enum render_side side,
                     unsigned number, struct audio_file *f, const struct audio_spec *spec,
                     struct why *why)
{
    char path[PATH_ROOM];
    if (!file_path(o, kind, side, number, path)) {
        why_set(why, "the path %s is too long", o->config.path);
        return ERR_INVALID;
    }
    return audio_file_open(f, o->config.dir, path, spec, why);
}

static int open_track(struct output *o, enum render_file_kind kind, unsigned number,
                      struct audio_file *f, struct why *why)
{
    const struct audio_spec spec = {.channels = 1, .rate_hz = o->config.rate_hz};
    return open_file(o, kind, RENDER_BOTH, number, f, &spec, why);
}

static int open_part(struct output *o, unsigned number, struct why *why)
{
    int err = 0;
    for (int i = 0; i < o->lanes && err == 0; i++) {
        const struct audio_spec spec = {.codec = lane_codec(o, i),
                                        .channels = lane_channels(o),
                                        .rate_hz = o->config.rate_hz,
                                        .tags = o->config.tags};
        err = open_file(o, RENDER_PART, side_of(o, i), number, &o->file[i], &spec, why);
    }
    return err;
}

static int open_tracks(struct output *o, struct why *why)
{
    int err = 0;
    for (int i = 0; i < o->config.channels && err == 0; i++)
        err = open_track(o, RENDER_TRACK, (unsigned)i + 1, &o->file[i], why);
    return err;
}

int output_open(struct output *o, const struct output_config *config, struct why *why)
{
    assert(config->channels > 0 && config->channels <= RENDER_TRACKS_MAX);
    assert(config->tracks || config->channels == 2);
    assert(!audio_is_g711(config->codec) || config->laws);
    *o = (struct output){.config = *config, .lanes = config->layout == RENDER_SIDES ? 2 : 1};
    for (int i = 0; i < RENDER_TRACKS_MAX; i++)
        o->file[i].file.fd = -1;
    o->part_frames = part_frames(o);
    o->mono = config->tracks || config->layout != RENDER_STEREO
                  ? malloc(SUM_FRAMES * sizeof *o->mono)
                  : NULL;
    int err = o->mono || (!config->tracks && config->layout == RENDER_STEREO) ? 0 : ERR_NOMEM;
    if (err == 0)
        err = config->tracks ? open_tracks(o, why) : open_part(o, 1, why);
    o->parts = 1;
    if (err)
        output_abandon(o);
    return err;
}

/* ---- completing ---- */

static int finish_file(struct output *o, struct audio_file *f, struct render_file *file,
                       struct render_result *result, struct why *why)
{
    char path[PATH_ROOM];
    file->samples = f->encoder.frames;
    file->channels = f->encoder.spec.channels;
    file->codec = f->encoder.spec.codec;
    int err = audio_file_finish(f, &file->size_bytes, file->sha256, why);
    if (err || !file_path(o, file->kind, file->side, file->number, path))
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

/* The file of code words goes on as one of samples, once a packet of another codec came. */
static int follow_laws(struct output *o, struct why *why)
{
    int err = 0;
    if (!audio_is_g711(o->config.codec))
        return 0;
    for (int i = 0; i < o->lanes && err == 0; i++)
        if (audio_is_g711(o->file[i].encoder.spec.codec) && lane_codec(o, i) == AUDIO_PCM)
            err = audio_file_to_pcm(&o->file[i], why);
    return err;
}

/* The open part ends here; the next one begins with the next frame. */
static int finish_part(struct output *o, struct why *why)
{
    int err = follow_laws(o, why);
    for (int i = 0; i < o->lanes && err == 0; i++) {
        struct render_file file = {.kind = RENDER_PART,
                                   .number = o->parts,
                                   .side = side_of(o, i),
                                   .first_sample = o->frames - o->in_part};
        err = finish_file(o, &o->file[i], &file, NULL, why);
        if (err)
            break;
        o->finished = o->parts;
        o->complete_files++;
        o->size_bytes += file.size_bytes;
        if (o->complete_files == 1)
            memcpy(o->sha256, file.sha256, sizeof o->sha256);
    }
    return err;
}

static int next_part(struct output *o)
{
    int err = finish_part(o, &o->why);
    if (err)
        return err;
    err = open_part(o, o->parts + 1, &o->why);
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

/* One channel of the frames, or (-1) the sum of both, as far as 16 bits hold it. */
static void make_mono(int16_t *mono, const int16_t *frames, int64_t count, int channels,
                      int channel)
{
    for (int64_t i = 0; i < count && channel >= 0; i++)
        mono[i] = frames[i * channels + channel];
    for (int64_t i = 0; i < count && channel < 0; i++) {
        int32_t sum = frames[2 * i] + frames[2 * i + 1];
        mono[i] = (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
    }
}

static int write_mono(struct output *o, struct audio_file *f, const int16_t *frames, int64_t count,
                      int channel)
{
    int err = 0;
    for (int64_t at = 0, n; at < count && err == 0; at += n) {
        n = count - at < SUM_FRAMES ? count - at : SUM_FRAMES;
        make_mono(o->mono, frames + at * o->config.channels, n, o->config.channels, channel);
        err = is_silent(o->mono, n) ? audio_file_skip(f, n) : audio_file_write(f, o->mono, n);
    }
    return err;
}

static int write_tracks(struct output *o, const int16_t *frames, int64_t count)
{
    int err = 0;
    note_peak(o, frames, count);
    for (int c = 0; c < o->config.channels && err == 0; c++)
        err = write_mono(o, &o->file[c], frames, count, c);
    o->frames += count;
    return err;
}

static int write_lane(struct output *o, int lane, const int16_t *frames, int64_t count)
{
    struct audio_file *f = &o->file[lane];
    if (frames == NULL)
        return audio_file_skip(f, count);
    if (o->config.layout == RENDER_STEREO)
        return audio_file_write(f, frames, count);
    return write_mono(o, f, frames, count, o->config.layout == RENDER_SIDES ? lane : -1);
}

/* `frames` NULL: silence. */
static int write_parts(struct output *o, const int16_t *frames, int64_t count)
{
    int err = follow_laws(o, &o->why);
    while (count > 0 && err == 0) {
        bool last = o->part_frames == 0 || o->parts == RENDER_PARTS_MAX;
        int64_t room = last ? INT64_MAX : o->part_frames - o->in_part;
        int64_t n = count < room ? count : room;
        if (n == 0)
            err = next_part(o);
        for (int i = 0; i < o->lanes && n > 0 && err == 0; i++)
            err = write_lane(o, i, frames, n);
        if (err)
            break;
        frames = frames ? frames + n * o->config.channels : NULL;
        o->in_part += n;
        o->frames += n;
        count -= n;
    }
    return err;
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
        err = audio_file_skip(&o->file[c], count);
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
        ssize_t n = pread(o->file[track].file.fd, (uint8_t *)o->mono + got, wanted - got, offset);
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            return 0;
        got += (size_t)n;
    }
    return 0;
}

static int sum_block(struct output *o, struct audio_file *mix, int64_t at, int64_t count,
                     int32_t *sum)
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
    return is_silent(o->mono, count) ? audio_file_skip(mix, count)
                                     : audio_file_write(mix, o->mono, count);
}

static int write_sum(struct output *o, struct audio_file *mix, struct why *why)
{
    int32_t *sum = malloc(SUM_FRAMES * sizeof *sum);
    int err = sum ? open_track(o, RENDER_MIX, 0, mix, why) : ERR_NOMEM;
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
    struct audio_file mix = {.file.fd = -1};
    struct render_file file = {.kind = RENDER_MIX};
    int err = write_sum(o, &mix, why);
    for (int c = 0; c < o->config.channels && err == 0; c++) {
        struct render_file track = {.kind = RENDER_TRACK, .number = (unsigned)c + 1};
        if (heard[c])
            err = finish_file(o, &o->file[c], &track, result, why);
    }
    if (err == 0)
        err = finish_file(o, &mix, &file, result, why);
    memcpy(result->sha256, file.sha256, sizeof result->sha256);
    audio_file_abandon(&mix);
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
        result->files = o->complete_files;
        result->size_bytes = o->size_bytes;
        memcpy(result->sha256, o->sha256, sizeof result->sha256);
    }
    o->complete = err == 0;
    return err;
}

/* ---- giving up ---- */

static void remove_file(const struct output *o, enum render_file_kind kind, enum render_side side,
                        unsigned number)
{
    char path[PATH_ROOM];
    if (file_path(o, kind, side, number, path))
        part_file_remove(o->config.dir, path);
}

void output_abandon(struct output *o)
{
    if (o->config.path == NULL)
        return;
    for (int i = 0; i < RENDER_TRACKS_MAX; i++)
        audio_file_abandon(&o->file[i]);
    unsigned tracks = o->config.tracks ? (unsigned)o->config.channels : 0;
    for (unsigned i = 1; i <= o->finished && !o->complete; i++)
        for (int lane = 0; lane < o->lanes; lane++)
            remove_file(o, RENDER_PART, side_of(o, lane), i);
    for (unsigned i = 1; i <= tracks && !o->complete; i++)
        remove_file(o, RENDER_TRACK, RENDER_BOTH, i);
    free(o->mono);
    *o = (struct output){0};
}
