/* What listening to a recording costs: measures (decode/measure.h) and tones (decode/tones.h), each
 * alone and both as hearing.h does it, in microseconds for 20 ms of one channel at 8 kHz; and how
 * many keys are heard, of which speech has none. hearing_bench FILE...   raw 16 bit mono at 8 kHz
 * Prints a line for each file. Exit code 1 when a key was heard. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "decode/hearing.h"
#include "decode/tones.h"

#define FRAME 160

struct sound {
    int16_t *pcm;
    size_t count;
};

static bool load(const char *path, struct sound *ret)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        return false;
    ret->count = (size_t)ftell(f) / sizeof *ret->pcm;
    ret->pcm = malloc((ret->count + 1) * sizeof *ret->pcm);
    rewind(f);
    bool read = ret->pcm && fread(ret->pcm, sizeof *ret->pcm, ret->count, f) == ret->count;
    fclose(f);
    return read;
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double of_measures(const struct sound *s)
{
    struct measure *m = calloc(1, sizeof *m);
    double begin = cpu_us();
    measure_init(m, TONE_RATE);
    for (size_t i = 0; i + TONE_BLOCK <= s->count; i += TONE_BLOCK)
        measure_block(m, MEASURE_SOUND, s->pcm + i);
    double took = cpu_us() - begin;
    free(m);
    return took;
}

static double of_tones(const struct sound *s, unsigned *ret_keys, unsigned *ret_events)
{
    struct tone_bank bank;
    struct tones *t = calloc(1, sizeof *t);
    double begin = cpu_us();
    tone_bank_init(&bank);
    tones_init(t, &bank);
    for (size_t i = 0; i + TONE_BLOCK <= s->count; i += TONE_BLOCK)
        tones_block(t, MEASURE_SOUND, s->pcm + i);
    tones_finish(t);
    double took = cpu_us() - begin;
    *ret_keys = t->meaning.key_count + t->meaning.keys_over_limit;
    *ret_events = t->meaning.event_count + t->meaning.events_over_limit;
    free(t);
    return took;
}

static double of_both(const struct sound *s)
{
    static struct hearing_report report;
    struct hearing *h = hearing_new(1, TONE_RATE);
    double begin = cpu_us();
    for (size_t i = 0; i + FRAME <= s->count; i += FRAME) {
        hearing_mark(h, 0, (int64_t)i, FRAME, MEASURE_SOUND);
        hearing_take(h, s->pcm + i, FRAME);
    }
    hearing_finish(h, &report);
    double took = cpu_us() - begin;
    hearing_free(h);
    return took;
}

int main(int argc, char **argv)
{
    unsigned all = 0;
    for (int i = 1; i < argc; i++) {
        struct sound s = {0};
        unsigned keys, events;
        if (!load(argv[i], &s)) {
            fprintf(stderr, "hearing_bench: %s cannot be read\n", argv[i]);
            return 2;
        }
        double frames = (double)s.count / FRAME, measures = of_measures(&s),
               tones = of_tones(&s, &keys, &events), both = of_both(&s);
        printf("%.1f minutes: measures %.2f us, tones %.2f us, together %.2f us a frame; %u keys, "
               "%u other tones\n",
               frames / 3000, measures / frames, tones / frames, both / frames, keys, events);
        all += keys;
        free(s.pcm);
    }
    return all > 0;
}
