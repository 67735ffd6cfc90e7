/* The file of a waveform: written, read, refused; and the index of speech packed with its
 * recording. */
#include <criterion/criterion.h>

#include "storage/pack.h"
#include "storage/peaks.h"
#include "storage/record_sound.h"
#include "tests/support/guard.h"

static const int8_t VALUES[] = {-1, 1, -9, 9, -2, 2, -8, 8, -3, 3, -7, 7};
static const struct record_peaks THREE = {
    .channels = 2, .rate_hz = 8000, .frames = 250, .step = 100, .count = 3, .values = VALUES};

static bool parses(const struct record_peaks *p)
{
    struct buf b;
    struct record_peaks read;
    buf_init(&b, PEAKS_BYTES_MAX);
    peaks_print(p, &b);
    bool good = peaks_parse(buf_view(&b), &read);
    buf_fini(&b);
    return good;
}

Test(peaks, what_was_written_is_read_and_every_truncation_is_refused)
{
    struct buf b;
    struct record_peaks p;
    buf_init(&b, PEAKS_BYTES_MAX);
    peaks_print(&THREE, &b);
    for (size_t n = 0; n <= b.size; n++) {
        struct slice copy = guard_copy(slice_of(b.data, n));
        cr_expect(peaks_parse(copy, &p) == (n == b.size), "%zu of %zu bytes", n, b.size);
        if (n == b.size)
            cr_expect(p.frames == 250 && p.step == 100 && p.count == 3 && p.channels == 2 &&
                      p.values[11] == 7);
        guard_free(copy);
    }
    buf_fini(&b);
}

Test(peaks, steps_that_do_not_fit_the_length_are_refused)
{
    struct record_peaks p = THREE;
    cr_expect(parses(&p));
    p.frames = 200;
    cr_expect(!parses(&p), "two steps would do");
    p.frames = 301;
    cr_expect(!parses(&p), "four are needed");
    p = THREE;
    p.channels = 3;
    p.count = 2;
    p.frames = 200;
    cr_expect(!parses(&p));
    p = THREE;
    p.step = 0;
    cr_expect(!parses(&p));
}

Test(peaks, points_are_of_the_steps_they_touch)
{
    static const struct {
        uint64_t from, to;
        uint32_t points, i;
        unsigned channel;
        int8_t low, high;
    } CASES[] = {
        {0, 250, 1, 0, 0, -3, 3},     {0, 250, 3, 0, 0, -1, 1},        {0, 250, 3, 1, 0, -2, 2},
        {0, 250, 3, 2, 1, -8, 8},     {0, 250, 500, 0, 1, -9, 9},      {0, 250, 500, 499, 1, -7, 7},
        {200, 250, 2, 1, 0, -3, 3},   {0, 0, 5, 4, 0, -1, 1},          {240, 900, 1, 0, 0, -3, 3},
        {5000, 9000, 2, 1, 0, -3, 3}, {0, UINT64_MAX, 7, 6, 0, -3, 3},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        int8_t low, high;
        peaks_point(&THREE, CASES[i].channel, CASES[i].from, CASES[i].to, CASES[i].points,
                    CASES[i].i, &low, &high);
        cr_expect(low == CASES[i].low && high == CASES[i].high, "case %zu: %d %d", i, low, high);
    }
}

Test(peaks, the_path_is_beside_the_first_file)
{
    char path[32];
    cr_expect(peaks_path(slice_str("audio/a.b/c.wav"), path, sizeof path) &&
              strcmp(path, "audio/a.b/c.peaks") == 0);
    cr_expect(peaks_path(slice_str("audio/a.b/c"), path, sizeof path) &&
              strcmp(path, "audio/a.b/c.peaks") == 0);
    cr_expect(!peaks_path(slice_str("a/0123456789012345678901234.wav"), path, sizeof path));
    cr_expect(!peaks_path(slice_none(), path, sizeof path));
}

Test(peaks, an_index_of_speech_is_packed_with_its_recording)
{
    struct record_speech_segment segments[] = {{100, 50}, {1000, 70000}, {90000, 10}};
    struct record_speech speech[] = {{300, 3, segments}, {600, 0, NULL}};
    struct record_sound in = {.speech_count = 2, .speech = speech}, out = {0};
    struct arena *a = arena_new(1024, 65536);
    struct buf b;
    buf_init(&b, 1024);
    struct pack p = pack_writer(&b);
    record_pack_speech(&p, &in);
    cr_assert(!p.failed && b.size < 30, "%zu bytes", b.size);
    for (size_t n = 0; n < b.size; n++) {
        struct slice copy = guard_copy(slice_of(b.data, n));
        p = pack_reader(copy, a);
        out = (struct record_sound){0};
        record_pack_speech(&p, &out);
        guard_free(copy);
    }
    p = pack_reader(buf_view(&b), a);
    out = (struct record_sound){0};
    record_pack_speech(&p, &out);
    cr_assert(!p.failed && out.speech_count == 2 && out.speech[0].count == 3 &&
              out.speech[1].count == 0);
    cr_expect(out.speech[0].gap_ms == 300 && out.speech[1].gap_ms == 600);
    for (int i = 0; i < 3; i++)
        cr_expect(out.speech[0].segments[i].at_ms == segments[i].at_ms &&
                  out.speech[0].segments[i].length_ms == segments[i].length_ms);
    buf_fini(&b);
    arena_free(a);
}
