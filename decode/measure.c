/* Each block gives a level; the level and a floor that follows the quietest tenth of the last 3 s say whether somebody speaks. */
#include "decode/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FULL_SCALE       32768.0
#define SPEECH_OVER_DB   9.0    /* above the floor */
#define SPEECH_LEAST     (-50.0)
#define HANGOVER_BLOCKS  20     /* 200 ms */
#define FLOOR_RISE_DB    0.03   /* a block: 3 dB/s */
#define FLOOR_FIRST      (-60.0)
#define FLOOR_EVERY      10     /* blocks between two looks at the histogram */
#define CLIP_RUN         3
#define CLIP_FLAT        29204  /* -1 dBov: above it a run of equal samples is clipped too */
#define FROZEN_REPEATS   5      /* frames: 100 ms more of the same */
#define STRETCH_LEAST    100    /* blocks of silence or repetition that are worth a note */
#define CLIPPED_APART    200    /* blocks between clipped runs of one stretch */
#define SILENT_STEP      1      /* samples of digital silence differ by so much at most */

void measure_init(struct measure *m, int rate_hz)
{
    memset(m, 0, sizeof *m);
    speech_level_init(&m->speech, rate_hz);
    m->block_samples = rate_hz / MEASURE_BLOCKS_PER_S;
    m->clip_level = 32124;
    m->floor_dbov = FLOOR_FIRST;
    m->window_scale = 1;
}

/* ---- one block ---- */

struct seen {
    double power; /* mean square, full scale 1 */
    double dbov;
    int32_t peak;
    bool silent;  /* digitally */
};

static struct seen look(const int16_t *pcm, int count)
{
    int64_t squares = 0;
    int32_t low = pcm[0], high = pcm[0];
    for (int i = 0; i < count; i++) {
        squares += (int32_t)pcm[i] * pcm[i];
        low = pcm[i] < low ? pcm[i] : low;
        high = pcm[i] > high ? pcm[i] : high;
    }
    double power = (double)squares / count / (FULL_SCALE * FULL_SCALE);
    int32_t peak = high > -low ? high : -low;
    /* G.711 has no zero: its quietest codes are 0 and 8, or 8 and -8. */
    bool silent = high - low <= SILENT_STEP || (low >= -8 && high <= 8);
    return (struct seen){.power = power, .dbov = power > 0 ? 10 * log10(power) : -INFINITY, .peak = peak, .silent = silent};
}

static unsigned level_bin(double dbov)
{
    double below = -dbov;
    return below <= 0 ? 0 : below >= MEASURE_LEVELS - 1 ? MEASURE_LEVELS - 1 : (unsigned)below;
}

/* The level that a tenth of the last blocks stay below. */
static double quietest_tenth(const struct measure *m)
{
    unsigned want = m->recent_count / 10, seen = 0;
    for (unsigned bin = MEASURE_LEVELS; bin-- > 0;) {
        seen += m->levels[bin];
        if (seen > want)
            return -(double)bin - 0.5;
    }
    return FLOOR_FIRST;
}

static void follow_floor(struct measure *m, double dbov)
{
    uint8_t bin = (uint8_t)level_bin(dbov);
    if (m->recent_count == MEASURE_NOISE_BLOCKS)
        m->levels[m->recent[m->recent_at]]--;
    else
        m->recent_count++;
    m->recent[m->recent_at] = bin;
    m->levels[bin]++;
    m->recent_at = (uint16_t)((m->recent_at + 1) % MEASURE_NOISE_BLOCKS);
    if (m->recent_at % FLOOR_EVERY)
        return;
    double tenth = quietest_tenth(m), most = m->floor_dbov + FLOOR_RISE_DB * FLOOR_EVERY;
    m->floor_dbov = tenth < most ? tenth : most;
}

static bool is_speech(struct measure *m, const struct seen *s)
{
    double least = fmax(m->floor_dbov + SPEECH_OVER_DB, SPEECH_LEAST);
    m->loud = !s->silent && s->dbov > least;
    if (m->loud)
        m->hangover = HANGOVER_BLOCKS + 1;
    if (m->hangover > 0)
        m->hangover--;
    return m->hangover > 0;
}

/* ---- clipping: runs at the end of the scale, or flat close to it ---- */

static void end_run(struct measure *m, bool active)
{
    if (m->clip_run >= CLIP_RUN) {
        m->clip_events++;
        m->clipped_samples += m->clip_run;
        m->clipped_active_samples += active ? m->clip_run : 0;
        stretches_note(&m->faults[MEASURE_CLIPPED], m->now, 1, m->clip_run, CLIPPED_APART);
    }
    m->clip_run = 0;
}

static void look_for_clipping(struct measure *m, const int16_t *pcm, int32_t peak, bool active)
{
    if (peak < CLIP_FLAT) { /* nearly always */
        end_run(m, active);
        m->before = 0;
        return;
    }
    for (int i = 0; i < m->block_samples; i++) {
        int32_t size = abs(pcm[i]), before = abs(m->before);
        bool full = size >= m->clip_level && before >= m->clip_level;
        bool goes_on = (pcm[i] < 0) == (m->before < 0) && (full || abs(size - before) <= 1);
        if (m->clip_run && !goes_on)
            end_run(m, active);
        m->clip_run += size >= CLIP_FLAT;
        m->before = pcm[i];
    }
}

/* ---- repetition ---- */

/* A tone repeats by nature when its period fits the frame. What up to two sinusoids make is foretold by the four samples before
 * (x[n] = a1 x[n-1] + ... + a4 x[n-4]); speech and noise are not. Least squares, solved by elimination. */
#define ORDER 4

static bool solve(double a[ORDER][ORDER + 1], double ret_x[ORDER])
{
    for (int k = 0; k < ORDER; k++) {
        int best = k;
        for (int i = k + 1; i < ORDER; i++)
            best = fabs(a[i][k]) > fabs(a[best][k]) ? i : best;
        if (fabs(a[best][k]) < 1e-9)
            return false;
        for (int c = 0; c <= ORDER; c++) {
            double keep = a[k][c];
            a[k][c] = a[best][c];
            a[best][c] = keep;
        }
        for (int i = 0; i < ORDER; i++) {
            double f = i == k ? 0 : a[i][k] / a[k][k];
            for (int c = k; c <= ORDER; c++)
                a[i][c] -= f * a[k][c];
        }
    }
    for (int k = 0; k < ORDER; k++)
        ret_x[k] = a[k][ORDER] / a[k][k];
    return true;
}

static bool is_tonal(const int16_t *pcm, int count)
{
    double a[ORDER][ORDER + 1] = {0}, x[ORDER], energy = 1e-9, missed = 0;
    for (int n = ORDER; n < count; n++)
        for (int i = 0; i < ORDER; i++) {
            for (int k = 0; k < ORDER; k++)
                a[i][k] += (double)pcm[n - 1 - i] * pcm[n - 1 - k];
            a[i][ORDER] += (double)pcm[n - 1 - i] * pcm[n];
        }
    for (int i = 0; i < ORDER; i++)
        a[i][i] += 1e-3 * a[0][0] / ORDER; /* a single tone leaves the system singular */
    if (!solve(a, x))
        return true;
    for (int n = ORDER; n < count; n++) {
        double foretold = 0;
        for (int i = 0; i < ORDER; i++)
            foretold += x[i] * pcm[n - 1 - i];
        missed += (pcm[n] - foretold) * (pcm[n] - foretold);
        energy += (double)pcm[n] * pcm[n];
    }
    return missed / energy < 0.02; /* -17 dB: the noise of G.711 stays below */
}

/* Repeats itself, or its negative, within the frame already: a steady tone of whatever form. */
static bool is_periodic(const int16_t *pcm, int count)
{
    for (int lag = 4; lag <= count / 2; lag++) {
        int same = 0, mirrored = 0;
        for (int i = lag; i < count && same + mirrored >= (i - lag) / 2; i++) {
            same += pcm[i] == pcm[i - lag];
            mirrored += pcm[i] == -pcm[i - lag];
        }
        if (same == count - lag || mirrored == count - lag)
            return true;
    }
    return false;
}

static void end_repeats(struct measure *m)
{
    if (m->repeats >= FROZEN_REPEATS) {
        int64_t blocks = 2 * m->repeats;
        m->frozen_blocks += blocks;
        m->frozen_longest = blocks > m->frozen_longest ? blocks : m->frozen_longest;
        stretches_note(&m->faults[MEASURE_FROZEN], m->now - blocks, blocks, blocks, 0);
        stretches_end(&m->faults[MEASURE_FROZEN], STRETCH_LEAST);
    }
    m->repeats = 0;
}

static bool is_steady(const int16_t *pcm, int count)
{
    return is_periodic(pcm, count) || is_tonal(pcm, count);
}

static void look_for_repeats(struct measure *m, const int16_t *pcm, bool silent)
{
    if (silent) {
        end_repeats(m);
        m->before_known = false;
        m->frame_blocks = 0;
        return;
    }
    memcpy(m->frame + m->frame_blocks * m->block_samples, pcm, (size_t)m->block_samples * sizeof *pcm);
    if (++m->frame_blocks < 2)
        return;
    m->frame_blocks = 0;
    size_t bytes = 2 * (size_t)m->block_samples * sizeof *pcm;
    if (!m->before_known || memcmp(m->frame, m->before_frame, bytes) != 0)
        end_repeats(m);
    else if (m->repeats || !is_steady(m->frame, 2 * m->block_samples))
        m->repeats++;
    memcpy(m->before_frame, m->frame, bytes);
    m->before_known = true;
}

/* ---- windows ---- */

static void halve_windows(struct measure *m)
{
    for (unsigned i = 0; i < m->window_count / 2; i++) {
        const struct measure_window *a = &m->windows[2 * i], *b = a + 1;
        double power = 0;
        unsigned heard = a->heard + b->heard;
        if (a->heard)
            power += a->heard * pow(10, a->level_cdbov / 1000.0);
        if (b->heard)
            power += b->heard * pow(10, b->level_cdbov / 1000.0);
        m->windows[i] = (struct measure_window){
            .heard = (uint16_t)(heard / 2),
            .active = (uint16_t)((a->active + b->active) / 2),
            .level_cdbov = heard && power > 0 ? (int16_t)lrint(1000 * log10(power / heard)) : INT16_MIN,
        };
    }
    m->window_count /= 2;
    m->window_scale *= 2;
}

static void end_window(struct measure *m)
{
    double per_mille = (double)MEASURE_WINDOW_BLOCKS / (double)m->window_blocks;
    double dbov = m->window_heard && m->window_power > 0 ? 10 * log10(m->window_power / (double)m->window_heard) : NAN;
    m->windows[m->window_count++] = (struct measure_window){
        .heard = (uint16_t)lrint((double)m->window_heard * per_mille),
        .active = (uint16_t)lrint((double)m->window_active * per_mille),
        .level_cdbov = isnan(dbov) ? INT16_MIN : (int16_t)lrint(fmax(dbov, -120) * 100),
    };
    m->window_blocks = m->window_heard = m->window_active = 0;
    m->window_power = 0;
}

static void count_block(struct measure *m)
{
    m->now++;
    if (++m->window_blocks < (int64_t)MEASURE_WINDOW_BLOCKS * m->window_scale)
        return;
    if (m->window_count == MEASURE_WINDOWS_MAX)
        halve_windows(m); /* and this one goes on for as long as the others are now */
    else
        end_window(m);
}

/* ---- digital silence, also where we filled a hole in it ---- */

static void note_silence(struct measure *m, enum measure_block kind, bool silent)
{
    struct stretches *s = &m->faults[MEASURE_SILENT];
    if (kind == MEASURE_SOUND && silent)
        stretches_note(s, m->now, 1, 1, INT32_MAX);
    else if (kind != MEASURE_FILLED)
        stretches_end(s, STRETCH_LEAST);
}

/* ---- in ---- */

static bool sound(struct measure *m, const int16_t *pcm)
{
    static const int16_t nothing[MEASURE_BLOCK_MAX];
    struct seen s = look(pcm, m->block_samples);
    follow_floor(m, s.dbov);
    bool active = is_speech(m, &s);
    m->heard++;
    m->active += active;
    m->digital_silence += s.silent;
    note_silence(m, MEASURE_SOUND, s.silent);
    m->peak = s.peak > m->peak ? s.peak : m->peak;
    if (!active && !s.silent) {
        m->noise_power += s.power;
        m->noise_blocks++;
    }
    m->window_heard++;
    m->window_active += active;
    m->window_power += s.power;
    speech_level_take(&m->speech, s.silent ? nothing : pcm, m->block_samples);
    look_for_clipping(m, pcm, s.peak, active);
    look_for_repeats(m, pcm, s.silent);
    return active;
}

bool measure_block(struct measure *m, enum measure_block kind, const int16_t *pcm)
{
    bool active = kind == MEASURE_SOUND && sound(m, pcm);
    if (kind != MEASURE_SOUND) {
        m->hangover = 0;
        m->loud = false;
        end_run(m, false);
        end_repeats(m);
        m->frame_blocks = 0;
        m->filled += kind == MEASURE_FILLED;
        note_silence(m, kind, false);
    }
    m->spurts += active && !m->talking;
    m->talking = active;
    count_block(m);
    return active;
}

/* ---- out ---- */

static double part(double of, double all)
{
    return all > 0 ? of / all : NAN;
}

static void give_stretches(struct measure *m, struct measure_figures *out)
{
    for (int f = 0; f < MEASURE_FAULTS; f++) {
        struct stretches *s = &m->faults[f];
        stretches_end(s, f == MEASURE_CLIPPED ? 0 : STRETCH_LEAST);
        for (unsigned i = 0; i < s->count; i++) {
            const struct stretch *v = &s->worst[i];
            int64_t blocks = v->length > MEASURE_BLOCKS_PER_S ? v->length : MEASURE_BLOCKS_PER_S;
            out->stretches[out->stretch_count++] = (struct measure_stretch){
                .fault = (enum measure_fault)f,
                .at_ms = v->at * 10,
                .length_ms = v->length * 10,
                .ratio = f == MEASURE_CLIPPED ? part((double)v->amount, (double)(blocks * m->block_samples)) : 1,
            };
        }
    }
}

void measure_finish(struct measure *m, struct measure_figures *out)
{
    struct speech_figures speech;
    end_run(m, m->talking);
    end_repeats(m);
    if (m->window_blocks && m->window_count == MEASURE_WINDOWS_MAX)
        halve_windows(m);
    if (m->window_blocks)
        end_window(m);
    speech_level_figures(&m->speech, &speech);
    double heard = (double)m->heard, samples = heard * m->block_samples;
    *out = (struct measure_figures){
        .active_dbov = speech.active_dbov,
        .activity = speech.activity,
        .long_term_dbov = speech.long_term_dbov,
        .noise_dbov = m->noise_blocks && m->noise_power > 0 ? 10 * log10(m->noise_power / (double)m->noise_blocks) : NAN,
        .silence_ratio = part((double)(m->heard - m->active), heard),
        .digital_silence_ratio = part((double)m->digital_silence, heard),
        .clipped_ratio = part((double)m->clipped_samples, samples),
        .clipped_speech_ratio = part((double)m->clipped_active_samples, (double)m->active * m->block_samples),
        .clip_events = m->clip_events,
        .peak_dbov = m->peak ? 20 * log10(m->peak / FULL_SCALE) : NAN,
        .heard_ms = m->heard * 10,
        .filled_ms = m->filled * 10,
        .frozen_ms = m->frozen_blocks * 10,
        .frozen_longest_ms = m->frozen_longest * 10,
        .spurts = m->spurts,
        .spurt_ms = m->spurts ? (double)m->active * 10 / (double)m->spurts : NAN,
    };
    give_stretches(m, out);
}
