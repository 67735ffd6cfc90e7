/* Marks say of each block of 10 ms what was placed there; they wait in a ring as long as the window does. Of several marks the one
 * that promises least wins: a block that is filled in part is filled. */
#include "decode/hearing.h"

#include <stdlib.h>
#include <string.h>

#include "decode/tone_ear.h"

#define MARK_BLOCKS 4096 /* 40 s: longer than any window */

struct hearing {
    unsigned channels;
    int block;                                      /* frames */
    int64_t taken;                                  /* frames, from the start of the file */
    struct measure of[HEARING_CHANNELS];
    struct echo *echo;                              /* NULL: one channel */
    uint8_t marks[HEARING_CHANNELS][MARK_BLOCKS];
    int16_t pcm[HEARING_CHANNELS][MEASURE_BLOCK_MAX]; /* the block that is not full yet */
    int filled;
    int64_t blocks, both, nobody;
    int64_t quiet_since;                            /* block from which nobody speaks; -1: somebody does */
    unsigned dead_airs;
    int64_t dead_air_blocks;
    struct dead_air dead_air[DEAD_AIR_EVENTS_MAX];
    struct speech_index speech[HEARING_CHANNELS];
    struct tone_bank bank;
    struct tone_ear ears[HEARING_CHANNELS];
};

struct hearing *hearing_new(unsigned channels, int rate_hz)
{
    struct hearing *h = aligned_alloc(_Alignof(struct hearing), sizeof *h); /* the bank is read in vectors */
    if (h == NULL)
        return NULL;
    memset(h, 0, sizeof *h);
    h->channels = channels < HEARING_CHANNELS ? channels : HEARING_CHANNELS;
    h->block = rate_hz / MEASURE_BLOCKS_PER_S;
    h->quiet_since = 0;
    tone_bank_init(&h->bank);
    for (unsigned c = 0; c < h->channels; c++) {
        measure_init(&h->of[c], rate_hz);
        speech_index_init(&h->speech[c]);
        if (!tone_ear_init(&h->ears[c], &h->bank, rate_hz)) {
            hearing_free(h);
            return NULL;
        }
    }
    if (h->channels == 2)
        h->echo = echo_new(rate_hz);
    return h;
}

void hearing_free(struct hearing *h)
{
    for (unsigned c = 0; h && c < h->channels; c++)
        tone_ear_fini(&h->ears[c]);
    if (h)
        echo_free(h->echo);
    free(h);
}

void hearing_clip_level(struct hearing *h, unsigned channel, int level)
{
    if (channel < h->channels)
        h->of[channel].clip_level = level;
}

void hearing_mark(struct hearing *h, unsigned channel, int64_t at, int64_t count, enum measure_block kind)
{
    if (channel >= h->channels || count <= 0)
        return;
    int64_t first = at / h->block, last = (at + count - 1) / h->block, open = h->taken / h->block;
    for (int64_t b = first > open ? first : open; b <= last && b < open + MARK_BLOCKS; b++) {
        uint8_t *mark = &h->marks[channel][b % MARK_BLOCKS];
        bool whole = b * h->block >= at && (b + 1) * h->block <= at + count;
        if (whole || kind > *mark)
            *mark = (uint8_t)kind;
    }
}

/* ---- both together ---- */

static void end_quiet(struct hearing *h)
{
    int64_t length = h->quiet_since < 0 ? 0 : h->blocks - h->quiet_since;
    if (length * 10 > DEAD_AIR_MS) {
        if (h->dead_airs < DEAD_AIR_EVENTS_MAX)
            h->dead_air[h->dead_airs] = (struct dead_air){.at_ms = h->quiet_since * 10, .length_ms = length * 10};
        h->dead_airs++;
        h->dead_air_blocks += length;
    }
    h->quiet_since = -1;
}

static void end_block(struct hearing *h, unsigned talkers)
{
    h->both += talkers > 1;
    h->nobody += talkers == 0;
    if (talkers)
        end_quiet(h);
    else if (h->quiet_since < 0)
        h->quiet_since = h->blocks;
    h->blocks++;
}

static void take_block(struct hearing *h)
{
    unsigned talkers = 0;
    int64_t at = (h->taken / h->block - 1) % MARK_BLOCKS;
    for (unsigned c = 0; c < h->channels; c++) {
        uint8_t *mark = &h->marks[c][at];
        talkers += measure_block(&h->of[c], (enum measure_block)*mark, h->pcm[c]);
        speech_index_block(&h->speech[c], h->of[c].loud);
        tone_ear_block(&h->ears[c], (enum measure_block)*mark, h->pcm[c], h->block);
        *mark = MEASURE_NOTHING;
    }
    h->filled = 0;
    if (h->echo)
        echo_block(h->echo, h->pcm[0], h->pcm[1]);
    end_block(h, talkers);
}

void hearing_take(struct hearing *h, const int16_t *frames, int64_t count)
{
    while (count > 0) {
        int64_t n = h->block - h->filled < count ? h->block - h->filled : count;
        for (unsigned c = 0; c < h->channels; c++)
            for (int64_t i = 0; i < n; i++)
                h->pcm[c][h->filled + i] = frames[i * h->channels + c];
        h->filled += (int)n;
        h->taken += n;
        frames += n * h->channels;
        count -= n;
        if (h->filled == h->block)
            take_block(h);
    }
}

void hearing_skip(struct hearing *h, int64_t count)
{
    static const int16_t zeros[HEARING_CHANNELS * MEASURE_BLOCK_MAX];
    while (count > 0) {
        int64_t n = count < h->block ? count : h->block;
        hearing_take(h, zeros, n);
        count -= n;
    }
}

void hearing_finish(struct hearing *h, struct hearing_report *r)
{
    end_quiet(h);
    *r = (struct hearing_report){.channels = h->channels,
                                 .dead_air_count = h->dead_airs,
                                 .dead_air_ms = h->dead_air_blocks * 10};
    memcpy(r->dead_air, h->dead_air, sizeof r->dead_air);
    for (unsigned c = 0; c < h->channels; c++) {
        measure_finish(&h->of[c], &r->of[c]);
        memcpy(r->windows[c], h->of[c].windows, sizeof r->windows[c]);
        r->window_count[c] = h->of[c].window_count;
        tones_finish(&h->ears[c].tones);
        r->tones[c] = h->ears[c].tones.meaning;
        speech_index_finish(&h->speech[c]);
        r->speech[c] = h->speech[c];
        r->window_ms = (int64_t)h->of[c].window_scale * MEASURE_WINDOW_BLOCKS * 10;
        if (h->echo)
            echo_finish(h->echo, c, &r->echo[c]);
    }
    if (h->blocks) {
        r->double_talk_ratio = (double)h->both / (double)h->blocks;
        r->mutual_silence_ratio = (double)h->nobody / (double)h->blocks;
    }
}
