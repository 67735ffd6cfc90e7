/* Sound is placed frame by frame; bridge() makes the way from the last sound to the next: nothing
 * to do, cross-fade, concealment, comfort noise, or silence. */
#include "decode/source.h"

#include <stdlib.h>

#include "base/counters.h"
#include "capture/rtp/red.h"

#define SECOND_NS INT64_C(1000000000)

#define BLEND_MS     4  /* seam between what was concealed and what came */
#define SMALL_GAP_MS 40 /* left by a moved anchor: filled like a loss */
#define NOISE_MAX_S  60 /* comfort noise for a pause, then silence */
#define NOISE_CHUNK  4096
#define WITHHELD_NS  INT64_C(20000000) /* of a packet without payload ahead of all sound */
#define CN_DBOV      60 /* of a CN packet without a level */

struct source *source_new(struct sound *sound, unsigned channel, unsigned flow, uint32_t ssrc)
{
    struct source *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->sound = sound;
    s->channel = channel;
    s->flow = flow;
    s->ssrc = ssrc;
    return s;
}

void source_free(struct source *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < SOURCE_FORMATS; i++)
        decoder_close(&s->formats[i].decoder);
    reorder_fini(&s->reorder);
    if (s->resampler.up)
        resampler_fini(&s->resampler);
    free(s->held);
    free(s);
}

/* ---- payload formats ---- */

/* The largest code of the codec's law, as the decoder gives it. */
static int clip_level(const char *name)
{
    if (strcasecmp(name, "PCMU") == 0)
        return 32124;
    return strcasecmp(name, "PCMA") == 0 ? 32256 : 32760;
}

uint8_t source_law(const struct render_codec *codec)
{
    if (codec_kind(codec) != CODEC_KIND_AUDIO || codec_rate(codec) == 0)
        return 0;
    if (codec_rate(codec) != 8000 || codec->channels > 1) /* mixed or resampled: no code words */
        return LAW_NONE;
    return strcasecmp(codec->name, "PCMU") == 0 ? LAW_U : strcasecmp(codec->name, "PCMA") == 0 ? LAW_A : LAW_NONE;
}

static struct format format_of(const struct render_codec *codec)
{
    struct format f = {.codec = *codec, .kind = codec_kind(codec), .used = true};
    if (f.kind == CODEC_KIND_AUDIO)
        f.clock_hz = (uint32_t)codec_clock(codec);
    return f;
}

uint8_t source_format(struct source *s, const struct render_codec *codec)
{
    struct format *last = &s->formats[s->format_last];
    if (last->used && codec_equal(&last->codec, codec))
        return (uint8_t)s->format_last;
    unsigned at = SOURCE_FORMATS;
    for (unsigned i = 0; i < SOURCE_FORMATS && at == SOURCE_FORMATS; i++)
        if (!s->formats[i].used || codec_equal(&s->formats[i].codec, codec))
            at = i;
    if (at == SOURCE_FORMATS) {
        source_rest(s); /* packets that wait refer to their format */
        at = s->format_next++ % SOURCE_FORMATS;
        decoder_close(&s->formats[at].decoder);
        s->formats[at].used = false;
    }
    struct format *f = &s->formats[at];
    if (!f->used && s->sound->mix.hearing)
        hearing_clip_level(s->sound->mix.hearing, s->channel, clip_level(codec->name));
    if (!f->used) {
        *f = format_of(codec);
        s->sound->laws[s->channel] |= source_law(codec);
    }
    s->format_last = at;
    return (uint8_t)at;
}

/* ---- putting sound into the window ---- */

static int64_t frame_at(const struct source *s, int64_t ns)
{
    int64_t rate = s->sound->rate_hz;
    return ns / SECOND_NS * rate + (ns % SECOND_NS * rate + SECOND_NS / 2) / SECOND_NS;
}

static void fill_noise(struct source *s, int64_t to)
{
    int16_t chunk[NOISE_CHUNK];
    int64_t most = s->expect + (int64_t)NOISE_MAX_S * s->sound->rate_hz;
    if (to > most)
        to = most;
    for (int64_t at = s->expect; at < to;) {
        int n = to - at < NOISE_CHUNK ? (int)(to - at) : NOISE_CHUNK;
        noise_fill(&s->noise, chunk, n);
        mix_place(&s->sound->mix, s->channel, at, chunk, n, 0, MEASURE_FILLED);
        at += n;
    }
}

/* Fills [expect, to) after a loss and a little more, for the seam. */
static void conceal(struct source *s, int64_t to)
{
    int rate = s->sound->rate_hz;
    int16_t history[CODEC_MAX_RATE / 1000 * CONCEAL_HISTORY_MS];
    int16_t fill[CODEC_MAX_RATE / 1000 * CONCEAL_MAX_MS];
    int history_count = rate * CONCEAL_HISTORY_MS / 1000;
    int64_t count = to - s->expect + rate * BLEND_MS / 1000;
    if (count > rate * CONCEAL_MAX_MS / 1000)
        count = rate * CONCEAL_MAX_MS / 1000;
    mix_read(&s->sound->mix, s->channel, s->expect - history_count, history, history_count);
    conceal_extend(history, rate, fill, (int)count);
    mix_place(&s->sound->mix, s->channel, s->expect, fill, count, 0, MEASURE_FILLED);
}

/* The filter's tail, up to where the sound really ended. */
static void drain_resampler(struct source *s)
{
    if (s->resampler.up == 0 || !s->sounding)
        return;
    int16_t *tail = s->sound->resampled;
    int64_t n = resampler_drain(&s->resampler, tail, 2 * CODEC_MAX_SAMPLES);
    int64_t skip = s->resampled_skip < n ? s->resampled_skip : n;
    n -= skip;
    if (n > s->expect - s->resampled_to)
        n = s->expect - s->resampled_to;
    if (n > 0)
        mix_place(&s->sound->mix, s->channel, s->resampled_to, tail + skip, n, 0, MEASURE_SOUND);
    resampler_reset(&s->resampler);
}

/* Makes the way from the last sound to frame `to`; returns how much of what comes is to be
 * cross-faded. A seam was there unless the sound simply goes on. */
static int64_t bridge(struct source *s, int64_t to, bool anew, bool *ret_seam)
{
    int rate = s->sound->rate_hz;
    int64_t gap = to - s->expect;
    unsigned lost = s->lost;
    s->lost = 0;
    *ret_seam = !s->sounding || gap > 1 || gap < -1;
    if (!*ret_seam)
        return 0;
    drain_resampler(s);
    if (!s->sounding)
        return 0;
    if (gap < 0)
        return rate * BLEND_MS / 1000;
    if (s->noise_on && !anew)
        fill_noise(s, to);
    if (s->noise_on || anew || (lost == 0 && gap > rate * SMALL_GAP_MS / 1000))
        return 0;
    conceal(s, to);
    s->sound->result->concealed[s->channel] += lost ? lost : 1;
    return rate * BLEND_MS / 1000;
}

static bool resampler_ready(struct source *s, int in_hz)
{
    if (s->resampler.up && s->resampler_in_hz == in_hz)
        return true;
    if (s->resampler.up)
        resampler_fini(&s->resampler);
    s->resampler_in_hz = in_hz;
    return resampler_init(&s->resampler, in_hz, s->sound->rate_hz, CODEC_MAX_SAMPLES);
}

static void place_resampled(struct source *s, const int16_t *pcm, int count, int64_t at, bool seam,
                            int64_t blend)
{
    int16_t *out = s->sound->resampled;
    if (seam) {
        resampler_reset(&s->resampler);
        s->resampled_to = at;
        s->resampled_skip = s->resampler.delay;
    }
    int n = resampler_run(&s->resampler, pcm, count, out,
                          (int)(sizeof s->sound->resampled / sizeof *out));
    int skip = s->resampled_skip < n ? s->resampled_skip : n;
    s->resampled_skip -= skip;
    n -= skip;
    int most = (int)s->sound->mix.frames / 2;
    mix_place(&s->sound->mix, s->channel, s->resampled_to, out + skip, n < most ? n : most, blend,
              MEASURE_SOUND);
    s->resampled_to += n;
}

static void place(struct source *s, const int16_t *pcm, int count, int rate_hz, int64_t at_ns,
                  bool anew)
{
    int64_t at = frame_at(s, at_ns);
    bool seam;
    bool other_rate = rate_hz != s->sound->rate_hz;
    if (s->resampler.up && s->resampler_in_hz != rate_hz) { /* the codec changed its rate */
        drain_resampler(s);
        resampler_fini(&s->resampler);
        anew = true;
    }
    bool fresh = other_rate && s->resampler.up == 0;
    int64_t blend = bridge(s, at, anew, &seam);
    if (!other_rate)
        mix_place(&s->sound->mix, s->channel, at, pcm, count, blend, MEASURE_SOUND);
    else if (resampler_ready(s, rate_hz))
        place_resampled(s, pcm, count, at, seam || fresh, blend);
    s->expect = frame_at(s, at_ns + count * SECOND_NS / rate_hz);
    s->sounding = true;
    s->noise_on = false;
}

/* ---- packets ---- */

/* What was held goes to its place, which the timeline has now `told`. */
static void settle(struct source *s, const struct timeline_place *told)
{
    unsigned lost = s->lost, count = s->held_count;
    s->held_count = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct held_sound *h = &s->held_at[i];
        s->lost = h->lost;
        place(s, s->held + (size_t)i * CODEC_MAX_SAMPLES, h->count, h->rate_hz,
              timeline_moved(told, h->at_ns, h->arrival_ns), told->shift_ns != 0);
    }
    s->lost = lost;
}

/* False without memory. */
static bool keep(struct source *s, const int16_t *pcm, int count, int rate_hz, int64_t at_ns)
{
    if (s->held == NULL)
        s->held = malloc(sizeof *s->held * TIMELINE_WAITING * CODEC_MAX_SAMPLES);
    if (s->held == NULL)
        return false;
    memcpy(s->held + (size_t)s->held_count * CODEC_MAX_SAMPLES, pcm, (size_t)count * sizeof *pcm);
    s->held_at[s->held_count++] = (struct held_sound){.count = count,
                                                      .rate_hz = rate_hz,
                                                      .lost = s->lost,
                                                      .at_ns = at_ns,
                                                      .arrival_ns = s->timeline.last_arrival_ns};
    s->lost = 0;
    return true;
}

/* Sound of a packet to where the timeline wants it, or to those that wait for its word. */
static void put(struct source *s, const int16_t *pcm, int count, int rate_hz,
                const struct timeline_place *to)
{
    bool waits = to->verdict == TIMELINE_WAIT && s->held_count < TIMELINE_WAITING;
    if (!waits)
        settle(s, to);
    if (count == 0 ||
        ((waits || to->verdict == TIMELINE_DOUBT) && keep(s, pcm, count, rate_hz, to->at_ns)))
        return;
    place(s, pcm, count, rate_hz, to->at_ns, to->verdict == TIMELINE_NEW);
}

static void count_label(struct source *s, unsigned first_cell, const char *label)
{
    if (s->sound->counters)
        counters_add(s->sound->counters,
                     first_cell + label_find(LABELS_CODEC, slice_str(label)) * LABEL_COUNT_NONE, 1);
}

static bool format_open(struct source *s, struct format *f)
{
    if (f->decoder.type)
        return true;
    if (!f->refused && !decoder_open(&f->decoder, &f->codec, s->sound->pool))
        f->refused = true;
    return !f->refused;
}

static void damaged(struct source *s, struct format *f)
{
    s->sound->result->decode_errors++;
    s->lost++; /* its time is concealed when the next one comes */
    count_label(s, C_DECODE_ERRORS, codec_type_find(f->codec.name)->label);
}

static void pause_with_noise(struct source *s, int dbov, int64_t from, bool anew)
{
    bool seam;
    bridge(s, from, anew, &seam);
    noise_set(&s->noise, dbov);
    s->noise_on = true;
    s->expect = from;
    s->sounding = true;
}

/* What the decoder gave (`count` samples, or -1) goes to its place. */
static void hear(struct source *s, const struct media *m, struct format *f, int count)
{
    const int16_t *pcm = s->sound->decoded;
    if (count < 0) {
        damaged(s, f);
        return;
    }
    if (count == 0 && f->decoder.noise_dbov == 0)
        return;
    int rate = f->decoder.rate_hz;
    struct timeline_step step = {.arrival_ns = m->arrival_ns,
                                 .timestamp = m->timestamp + (uint32_t)f->decoder.offset,
                                 .clock_hz = f->clock_hz,
                                 .length_ns = count * SECOND_NS / rate,
                                 .restart = m->restart,
                                 .hole = s->lost > 0};
    struct timeline_place to = timeline_next(&s->timeline, &step);
    s->frame_ns = step.length_ns;
    if (to.verdict == TIMELINE_WAIT && f->decoder.noise_dbov)
        to.verdict = TIMELINE_ON; /* the pause begins behind what is in place */
    put(s, pcm, count, rate, &to);
    if (f->decoder.noise_dbov)
        pause_with_noise(s, f->decoder.noise_dbov, frame_at(s, to.at_ns + step.length_ns),
                         to.verdict == TIMELINE_NEW);
}

static void audio(struct source *s, const struct media *m, struct format *f)
{
    int16_t *pcm = s->sound->decoded;
    struct decoder *d = &f->decoder;
    sound_is_at(s->sound, s->flow, m->arrival_ns);
    bool open = format_open(s, f);
    d->marker = m->marker;
    d->lost = m->lost > 0 || m->restart;
    int count = open ? decoder_decode(d, m->payload, m->timestamp, pcm) : -1;
    if (count > 0 || d->noise_dbov)
        s->sound->result->packets[s->channel]++;
    hear(s, m, f, count);
    struct media later = *m;
    for (later.restart = false; count >= 0 && d->more;) {
        count = decoder_more(d, pcm);
        hear(s, &later, f, count);
    }
}

/* RFC 3389: noise from here to the next packet, at the level of the first octet. Its clock is that
 * of the speech. */
static void comfort_noise(struct source *s, const struct media *m, const struct format *f)
{
    uint32_t clock = s->timeline.clock_hz                  ? s->timeline.clock_hz
                     : codec_rate_known(f->codec.clock_hz) ? f->codec.clock_hz
                                                           : 8000;
    struct timeline_step step = {.arrival_ns = m->arrival_ns,
                                 .timestamp = m->timestamp,
                                 .clock_hz = clock,
                                 .restart = m->restart};
    struct timeline_place to = timeline_next(&s->timeline, &step);
    settle(s, &to);
    pause_with_noise(s, m->payload.size ? m->payload.data[0] & 0x7f : CN_DBOV,
                     frame_at(s, to.at_ns), to.verdict == TIMELINE_NEW);
}

/* What was in the packet is not kept: its time passes in silence, which is no loss. */
static void withheld(struct source *s, const struct media *m)
{
    static const int16_t SILENCE[CODEC_MAX_RATE / 1000 * CODEC_MAX_MS];
    const struct format *f = &s->formats[m->format];
    bool seam;
    s->lost = 0;
    if (f->kind != CODEC_KIND_AUDIO || f->clock_hz == 0)
        return;
    struct timeline_step step = {.arrival_ns = m->arrival_ns,
                                 .timestamp = m->timestamp,
                                 .clock_hz = f->clock_hz,
                                 .length_ns = s->frame_ns ? s->frame_ns : WITHHELD_NS,
                                 .restart = m->restart};
    struct timeline_place to = timeline_next(&s->timeline, &step);
    settle(s, &to);
    int64_t at = frame_at(s, to.at_ns), end = frame_at(s, to.at_ns + step.length_ns);
    int64_t most = sizeof SILENCE / sizeof *SILENCE;
    s->noise_on = false;
    bridge(s, at, true, &seam);
    mix_place(&s->sound->mix, s->channel, at, SILENCE, end - at < most ? end - at : most, 0,
              MEASURE_NOTHING);
    s->expect = end;
    s->sounding = true;
}

static void play(struct source *s, const struct media *m)
{
    struct format *f = &s->formats[m->format];
    if (f->kind == CODEC_KIND_AUDIO)
        audio(s, m, f);
    else if (f->kind == CODEC_KIND_NOISE)
        comfort_noise(s, m, f);
}

/* ---- repair ---- */

static bool is_missing(const struct source *s, uint32_t timestamp)
{
    return s->timeline.clock_hz && (int32_t)(timestamp - s->timeline.last_ts) > 0;
}

static bool format_of_type(const struct source *s, uint8_t payload_type, uint8_t *ret_format)
{
    for (uint8_t i = 0; i < SOURCE_FORMATS; i++)
        if (s->formats[i].used && s->formats[i].codec.payload_type == payload_type) {
            *ret_format = i;
            return true;
        }
    return false;
}

/* Earlier blocks, the oldest first, as far as they are of a time that nobody has heard. */
static unsigned play_red(struct source *s, const struct media *m, const struct red_block *blocks,
                         unsigned count)
{
    unsigned repaired = 0;
    for (unsigned i = 0; i + 1 < count; i++) {
        const struct red_block *b = &blocks[i];
        struct media earlier = {.arrival_ns = m->arrival_ns,
                                .timestamp = m->timestamp - b->behind,
                                .payload = b->payload};
        if (b->behind == 0 || b->payload.size == 0 || !is_missing(s, earlier.timestamp) ||
            !format_of_type(s, b->payload_type, &earlier.format))
            continue;
        play(s, &earlier);
        repaired++;
    }
    return repaired;
}

/* The copy of the frame before in this packet. */
static unsigned play_copy(struct source *s, const struct media *m)
{
    struct format *f = &s->formats[m->format];
    struct decoder *d = &f->decoder;
    if (f->kind != CODEC_KIND_AUDIO || d->type == NULL)
        return 0;
    int count = decoder_recover(d, m->payload, m->timestamp, s->sound->decoded);
    if (count <= 0 || !is_missing(s, m->timestamp + (uint32_t)d->offset))
        return 0;
    hear(s, m, f, count);
    return 1;
}

static void deliver(void *context, const struct media *packet)
{
    struct source *s = context;
    if (packet->withheld) {
        withheld(s, packet);
        return;
    }
    if (!packet->red && packet->lost == 0 && !packet->restart) {
        play(s, packet);
        return;
    }
    struct media m = *packet;
    struct red_block blocks[RED_BLOCKS_MAX];
    unsigned count = m.red ? red_blocks(m.payload, blocks) : 0;
    if (count)
        m.payload = blocks[count - 1].payload;
    s->lost += m.lost;
    if (m.restart)
        s->lost = 0;
    if (m.lost > 0 && !m.restart) {
        unsigned repaired = count ? play_red(s, &m, blocks, count) : 0;
        if (repaired == 0)
            repaired = play_copy(s, &m);
        s->sound->result->repaired[s->channel] += repaired;
        if (repaired)
            s->lost = m.lost > repaired;
    }
    play(s, &m);
}

void source_push(struct source *s, const struct media *m)
{
    reorder_push(&s->reorder, m, deliver, s);
}

void source_wait(struct source *s, const struct media *m)
{
    reorder_wait(&s->reorder, m);
}

void source_forget(struct source *s, int64_t until_ns)
{
    reorder_forget(&s->reorder, until_ns);
}

void source_rest(struct source *s)
{
    reorder_flush(&s->reorder, deliver, s);
    struct timeline_place told = timeline_settle(&s->timeline);
    settle(s, &told);
    drain_resampler(s);
    s->lost = 0;
    s->sounding = false;
    s->noise_on = false;
}
