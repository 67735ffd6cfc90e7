/* earshot-alike: how alike a piece of what was sent and what was heard are, and how much later it
 * was heard.
 *
 *     earshot-alike [--envelope] RATE WINDOW SENT HEARD [AT DUE]...
 *
 * SENT and HEARD are raw 16-bit mono of RATE. For each pair of seconds, WINDOW seconds of SENT from
 * AT are looked for in HEARD near AT + DUE, half a second to either side: over thinned samples
 * first, then exactly. A line each: the normalised correlation where it is highest (1: equal but
 * for loudness), and by how many milliseconds that is later than AT + DUE. With --envelope it is
 * loudness in steps of 5 ms that is compared, its mean taken off: what a vocoder keeps. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REACH_S    0.5
#define THIN_RATE  4000
#define STEPS_RATE 200

struct sound {
    float *samples;
    long count;
};

struct place {
    double match;
    long at;
};

static struct sound sound_read(const char *path)
{
    struct sound s = {0};
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    long count = ftell(f) / 2;
    int16_t *raw = malloc((size_t)count * 2 + 2);
    s.samples = malloc(((size_t)count + 1) * sizeof *s.samples);
    rewind(f);
    if (raw == NULL || s.samples == NULL || fread(raw, 2, (size_t)count, f) != (size_t)count) {
        perror(path);
        exit(1);
    }
    for (long i = 0; i < count; i++)
        s.samples[i] = raw[i];
    s.count = count;
    free(raw);
    fclose(f);
    return s;
}

/* Means of `step` samples, or their loudness. */
static struct sound thinned(const struct sound *from, long step, int loudness)
{
    struct sound s = {.count = from->count / step};
    s.samples = malloc(((size_t)s.count + 1) * sizeof *s.samples);
    if (s.samples == NULL)
        exit(1);
    for (long i = 0; i < s.count; i++) {
        float sum = 0;
        for (long k = i * step; k < (i + 1) * step; k++)
            sum += loudness ? from->samples[k] * from->samples[k] : from->samples[k];
        s.samples[i] = loudness ? sqrtf(sum / (float)step) : sum / (float)step;
    }
    return s;
}

static double correlation(const float *a, const float *b, long count, int no_mean)
{
    float ab = 0, aa = 0, bb = 0, mean_a = 0, mean_b = 0;
    for (long i = 0; no_mean && i < count; i++) {
        mean_a += a[i] / (float)count;
        mean_b += b[i] / (float)count;
    }
    for (long i = 0; i < count; i++) {
        float x = a[i] - mean_a, y = b[i] - mean_b;
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return aa > 0 && bb > 0 ? ab / sqrt((double)aa * bb) : 0;
}

/* The best place of `count` samples of a, from `at` on, in b within [from, to]. */
static struct place best(const struct sound *a, long at, long count, const struct sound *b,
                         long from, long to, int no_mean)
{
    struct place best = {.match = -1, .at = from};
    if (at < 0 || at + count > a->count)
        return best;
    for (long p = from < 0 ? 0 : from; p <= to && p + count <= b->count; p++) {
        double match = correlation(a->samples + at, b->samples + p, count, no_mean);
        if (match > best.match)
            best = (struct place){match, p};
    }
    return best;
}

static void compare(const struct sound *sent, const struct sound *heard, long rate, double window_s,
                    double at_s, double due_s, int envelope)
{
    long step = envelope ? rate / STEPS_RATE : rate > THIN_RATE ? rate / THIN_RATE : 1;
    struct sound a = thinned(sent, step, envelope), b = thinned(heard, step, envelope);
    double thin = (double)rate / (double)step;
    long centre = lround((at_s + due_s) * thin), reach = lround(REACH_S * thin);
    struct place p = best(&a, lround(at_s * thin), lround(window_s * thin), &b, centre - reach,
                          centre + reach, envelope);
    if (!envelope)
        p = best(sent, lround(at_s * (double)rate), lround(window_s * (double)rate), heard,
                 (p.at - 1) * step, (p.at + 1) * step, 0);
    double found_s = (double)p.at / (envelope ? thin : (double)rate);
    printf("%.5f %.3f\n", p.match, (found_s - at_s - due_s) * 1000);
    free(a.samples);
    free(b.samples);
}

int main(int argc, char **argv)
{
    int envelope = argc > 1 && strcmp(argv[1], "--envelope") == 0;
    argv += envelope;
    argc -= envelope;
    if (argc < 7 || argc % 2 == 0) {
        fprintf(stderr, "usage: earshot-alike [--envelope] RATE WINDOW SENT HEARD [AT DUE]...\n");
        return 2;
    }
    struct sound sent = sound_read(argv[3]), heard = sound_read(argv[4]);
    for (int i = 5; i + 1 < argc; i += 2)
        compare(&sent, &heard, atol(argv[1]), atof(argv[2]), atof(argv[i]), atof(argv[i + 1]),
                envelope);
    free(sent.samples);
    free(heard.samples);
    return 0;
}
