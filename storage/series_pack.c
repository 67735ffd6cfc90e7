/* A chart of a stream in one blob, column by column. A count column is a sequence of (difference to
 * the count before, and after a difference of 0 how many more zeros follow); an undisturbed hour of
 * 3600 steps is five bytes. */
#include "storage/record_pack.h"

#include <endian.h>

#define SERIES_STEPS_MAX (1u << 20)

static void counts_write(struct pack *p, const uint32_t *column, uint32_t count)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < count;) {
        int64_t difference = (int64_t)column[i] - before;
        pack_i64(p, &difference);
        before = column[i++];
        if (difference != 0)
            continue;
        uint32_t run = 0;
        while (i < count && column[i] == before)
            i++, run++;
        pack_u32(p, &run);
    }
}

static void counts_read(struct pack *p, uint32_t *column, uint32_t count)
{
    int64_t value = 0;
    for (uint32_t i = 0; i < count && !p->failed;) {
        int64_t difference = 0;
        uint32_t run = 0;
        pack_i64(p, &difference);
        if (difference < -(int64_t)UINT32_MAX || difference > (int64_t)UINT32_MAX)
            difference = 0, p->failed = true;
        value += difference;
        if (difference == 0)
            pack_u32(p, &run);
        if (value < 0 || value > UINT32_MAX || run >= count - i) {
            p->failed = true;
            return;
        }
        for (uint32_t end = i + run; i <= end; i++)
            column[i] = (uint32_t)value;
    }
}

static void counts_pack(struct pack *p, uint32_t **column, uint32_t count)
{
    bool there = *column != NULL && count > 0;
    pack_bool(p, &there);
    if (!there) {
        *column = NULL;
        return;
    }
    if (p->out) {
        counts_write(p, *column, count);
        return;
    }
    *column = p->failed ? NULL : arena_alloc(p->arena, count * sizeof **column);
    if (*column)
        counts_read(p, *column, count);
    else
        p->failed = true;
}

static void floats_pack(struct pack *p, float **column, uint32_t count)
{
    bool there = *column != NULL && count > 0;
    pack_bool(p, &there);
    if (!there) {
        *column = NULL;
        return;
    }
    if (p->out == NULL) {
        bool fits = !p->failed && cursor_left(&p->in) >= count * sizeof **column;
        *column = fits ? arena_alloc(p->arena, count * sizeof **column) : NULL;
        if (*column == NULL) {
            p->failed = true;
            return;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &(*column)[i], sizeof bits);
        bits = htole32(bits);
        pack_bytes(p, &bits, sizeof bits);
        bits = le32toh(bits);
        memcpy(&(*column)[i], &bits, sizeof bits);
    }
}

static void later_pack(struct pack *p, struct record_series *s)
{
    floats_pack(p, &s->mos_f50, s->window_count);
    floats_pack(p, &s->mos_f200, s->window_count);
    floats_pack(p, &s->ppl, s->window_count);
    floats_pack(p, &s->burst_r, s->window_count);
    floats_pack(p, &s->pdv_p95_ms, s->window_count);
    counts_pack(p, &s->lost_before, s->window_count);
    counts_pack(p, &s->lost_after, s->window_count);
    counts_pack(p, &s->lost_capture, s->window_count);
}

void series_pack(struct pack *p, struct record_series *s)
{
    pack_i64(p, &s->start_us);
    pack_u32(p, &s->step_ms);
    pack_u32(p, &s->step_count);
    pack_u32(p, &s->window_ms);
    pack_u32(p, &s->window_count);
    if (s->step_count > SERIES_STEPS_MAX || s->window_count > SERIES_STEPS_MAX)
        p->failed = true;
    if (!p->failed) {
        counts_pack(p, &s->packets, s->step_count);
        counts_pack(p, &s->lost, s->step_count);
        counts_pack(p, &s->discarded, s->step_count);
        floats_pack(p, &s->max_gap_ms, s->step_count);
        floats_pack(p, &s->jitter_ms, s->step_count);
        floats_pack(p, &s->mos, s->window_count);
        floats_pack(p, &s->r, s->window_count);
    }
    if (!p->failed && !pack_at_end(p)) /* a row of an older version ends here */
        later_pack(p, s);
    if (p->failed && p->out == NULL)
        *s = (struct record_series){.step_ms = 1000, .window_ms = 10000};
}
