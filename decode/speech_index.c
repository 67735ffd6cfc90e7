/* A segment is open from its first loud block until so many quiet ones have followed. */
#include "decode/speech_index.h"

#include <stdlib.h>

#define LEAST (SPEECH_LEAST_MS / SPEECH_BLOCK_MS)

void speech_index_init(struct speech_index *s)
{
    s->gap = SPEECH_GAP_MS / SPEECH_BLOCK_MS;
    s->now = 0;
    s->since = -1;
    s->count = 0;
}

static int32_t pause_ahead(const struct speech_index *s, uint32_t i)
{
    return s->segments[i].at - (s->segments[i - 1].at + s->segments[i - 1].length);
}

static int by_length(const void *a, const void *b)
{
    const int32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Half of the pauses are this long or shorter. */
static int32_t middle_pause(const struct speech_index *s)
{
    int32_t pauses[SPEECH_SEGMENTS_MAX];
    for (uint32_t i = 1; i < s->count; i++)
        pauses[i - 1] = pause_ahead(s, i);
    qsort(pauses, s->count - 1, sizeof *pauses, by_length);
    return pauses[(s->count - 1) / 2];
}

/* The shorter half of the pauses goes; of those in the middle as many as are needed. */
static void make_room(struct speech_index *s)
{
    int32_t middle = middle_pause(s);
    uint32_t kept = 0, more = s->count / 2;
    for (uint32_t i = 1; i < s->count; i++)
        more -= pause_ahead(s, i) < middle && more > 0;
    s->gap = middle > s->gap ? middle : s->gap;
    for (uint32_t i = 1, end = s->count; i < end; i++) {
        struct speech_segment next = s->segments[i], *last = &s->segments[kept];
        int32_t pause = next.at - (last->at + last->length);
        bool goes = pause < middle || (pause == middle && more > 0);
        more -= goes && pause == middle;
        if (goes)
            last->length = next.at + next.length - last->at;
        else
            s->segments[++kept] = next;
    }
    s->count = kept + 1;
}

static void end_segment(struct speech_index *s)
{
    struct speech_segment v = {.at = s->since, .length = s->loud + 1 - s->since};
    s->since = -1;
    if (v.length < LEAST)
        return;
    if (s->count == SPEECH_SEGMENTS_MAX)
        make_room(s);
    s->segments[s->count++] = v;
}

void speech_index_block(struct speech_index *s, bool loud)
{
    if (loud) {
        s->since = s->since < 0 ? s->now : s->since;
        s->loud = s->now;
    } else if (s->since >= 0 && s->now - s->loud >= s->gap) {
        end_segment(s);
    }
    s->now++;
}

void speech_index_finish(struct speech_index *s)
{
    if (s->since >= 0)
        end_segment(s);
}
