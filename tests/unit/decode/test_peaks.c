/* What becomes of a recording's samples: its waveform, and the index of who speaks when. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "decode/peaks.h"
#include "decode/speech_index.h"

static void take_ramp(struct peaks *p, int64_t from, int64_t count)
{
    for (int64_t i = from; i < from + count; i++) {
        int16_t frame[2] = {(int16_t)(i % 30000), (int16_t) - (i % 20000)};
        peaks_take(p, frame, 1);
    }
}

Test(peaks, a_step_is_the_lowest_and_the_highest_of_each_channel)
{
    struct peaks p;
    cr_assert(peaks_init(&p, 2, 8000));
    take_ramp(&p, 25600, 200);
    peaks_finish(&p);
    cr_expect(p.count == 3 && p.step == 80 && p.frames == 200);
    const int8_t wanted[] = {100, 100, -22, -21, 100, 100, -22, -22, 100, 100, -22, -22};
    for (unsigned i = 0; i < sizeof wanted; i++)
        cr_expect(p.values[i] == wanted[i], "%u: %d", i, p.values[i]);
    peaks_fini(&p);
}

Test(peaks, a_long_call_has_longer_steps_and_no_more_of_them)
{
    struct peaks p;
    int16_t loud[2] = {-32768, 32767}, still[2] = {0};
    cr_assert(peaks_init(&p, 2, 8000));
    peaks_skip(&p, 80 * PEAKS_MAX - 1);
    peaks_take(&p, loud, 1);
    cr_expect(p.count == PEAKS_MAX && p.step == 80);
    peaks_take(&p, still, 1);
    cr_expect(p.count == PEAKS_MAX / 2 && p.step == 160);
    peaks_skip(&p, 80 * PEAKS_MAX);
    peaks_finish(&p);
    cr_expect(p.count <= PEAKS_MAX && p.frames == 160 * PEAKS_MAX + 1 && p.step == 320);
    const int8_t *v = p.values + (PEAKS_MAX / 4 - 1) * 4;
    cr_expect(v[0] == -128 && v[1] == 0 && v[2] == 0 && v[3] == 127);
    for (unsigned i = 0; i < p.count; i++)
        cr_expect(i == PEAKS_MAX / 4 - 1 || p.values[4 * i] == 0);
    peaks_fini(&p);
}

static void say(struct speech_index *s, int blocks, bool loud)
{
    for (int i = 0; i < blocks; i++)
        speech_index_block(s, loud);
}

Test(peaks, speech_has_its_pauses_and_no_clicks)
{
    struct speech_index *s = malloc(sizeof *s);
    speech_index_init(s);
    say(s, 100, false);
    say(s, 50, true);
    say(s, 29, false);
    say(s, 10, true);
    say(s, 30, false);
    say(s, 5, true);
    say(s, 100, false);
    say(s, 20, true);
    speech_index_finish(s);
    cr_assert(s->count == 2);
    cr_expect(s->segments[0].at == 100 && s->segments[0].length == 89);
    cr_expect(s->segments[1].at == 324 && s->segments[1].length == 20);
    free(s);
}

Test(peaks, who_speaks_too_often_has_a_coarser_index_of_all_of_it)
{
    struct speech_index *s = malloc(sizeof *s);
    int32_t end = 0;
    speech_index_init(s);
    for (int i = 0; i < 5000; i++) {
        say(s, 10, true);
        say(s, i % 4 ? 31 : 100, false);
    }
    speech_index_finish(s);
    cr_expect(s->count > 100 && s->count <= SPEECH_SEGMENTS_MAX && s->gap > 30,
              "%u segments, gap %d", s->count, s->gap);
    for (uint32_t i = 0; i < s->count; i++) {
        cr_expect(i == 0 || s->segments[i].at > end);
        end = s->segments[i].at + s->segments[i].length;
    }
    cr_expect(s->segments[0].at == 0 && end >= s->now - 100 - 10);
    free(s);
}
