/* How many waveforms are made at once, and how long one may take: by a decoder that never comes to an end, and one that waits for ever. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/confine/job.h"
#include "app/conversions.h"
#include "base/clock.h"

static sem_t entered, go_on;
static pthread_t here;

static void *endless_open(struct render_place *place)
{
    return place;
}

/* The first step waits until it may go on, but for the test itself; then they give nothing, for ever. */
static bool endless_answer(void *decoder, struct slice frame, struct buf *out)
{
    struct pack p = pack_writer(out);
    struct slice nothing = slice_none();
    int err = 0;
    bool more = true;

    (void)decoder;
    if (frame.size > 2 && !pthread_equal(pthread_self(), here)) {
        sem_post(&entered);
        sem_wait(&go_on);
    }
    pack_int(&p, &err);
    pack_bool(&p, &more);
    pack_text(&p, &nothing);
    job_end_pack(&p);
    return true;
}

static void endless_close(void *decoder)
{
    (void)decoder;
}

static const struct process_here ENDLESS = {.open = endless_open, .answer = endless_answer, .close = endless_close};
static const struct api_sound_want WANT = {
    .files = {{.path = {(const uint8_t *)"a.wav", 5}, .codec = "pcm_s16le", .channels = 2}},
    .file_count = 1,
    .rate_hz = 8000,
    .to = 8000,
    .format = "wav",
    .channels = "stereo",
};

struct asker {
    struct conversions *of;
    pthread_t thread;
    int err;
};

static void *ask(void *argument)
{
    struct asker *a = argument;
    struct buf out;

    buf_init(&out, 4096);
    a->err = conversions_peaks(a->of, &WANT, &out);
    buf_fini(&out);
    return NULL;
}

Test(conversions, waveforms_leave_places_for_others_and_end_in_time, .timeout = 60)
{
    const struct confine_config confine = {.program = {.here = &ENDLESS}};
    struct counters_set *counters = counters_set_new();
    const struct conversions_config config = {
        .max = CONVERSIONS_MAX, .peaks_ns = 20000000, .counters = counters_block(counters), .confine = &confine, .data_dir = "/nowhere"};
    struct conversions *c = conversions_new(&config);
    struct asker askers[CONVERSIONS_PEAKS_MAX], other = {.of = c};
    struct http_producer producer;

    here = pthread_self();
    sem_init(&entered, 0, 0);
    sem_init(&go_on, 0, 0);
    for (unsigned i = 0; i < CONVERSIONS_PEAKS_MAX; i++) {
        askers[i] = (struct asker){.of = c};
        cr_assert_eq(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
        sem_wait(&entered);
    }
    ask(&other);
    cr_expect_eq(other.err, ERR_FULL, "one more is told to come again, at once");
    cr_expect_eq(conversions_open(c, &WANT, &producer), 0, "sound has places of its own");
    producer.free(producer.context);
    for (unsigned i = 0; i < CONVERSIONS_PEAKS_MAX; i++)
        sem_post(&go_on);
    for (unsigned i = 0; i < CONVERSIONS_PEAKS_MAX; i++) {
        pthread_join(askers[i].thread, NULL);
        cr_expect_eq(askers[i].err, ERR_LATE, "%s", err_text(askers[i].err));
    }
    ask(&other);
    cr_expect_eq(other.err, ERR_LATE, "and gives its place back");
    conversions_free(c);
    counters_set_free(counters);
}

/* Its only file is a pipe that nobody writes: as a disk that does not answer. */
static int64_t ask_stalled(int64_t peaks_ns, bool stop)
{
    char dir[] = "/tmp/earshot-stalled-XXXXXX", audio[60], path[80];
    const struct confine_config confine = {.program = {.path = TEST_DECODER}, .memory_bytes = 1 << 30, .open = true};
    struct counters_set *counters = counters_set_new();
    const struct conversions_config config = {
        .max = 1, .peaks_ns = peaks_ns, .counters = counters_block(counters), .confine = &confine, .data_dir = dir};
    struct conversions *c = conversions_new(&config);
    struct asker a = {.of = c};

    cr_assert_not_null(mkdtemp(dir));
    snprintf(audio, sizeof audio, "%s/audio", dir);
    snprintf(path, sizeof path, "%s/a.wav", dir);
    cr_assert(mkdir(audio, 0700) == 0 && mkfifo(path, 0600) == 0);
    int64_t begin_ns = clock_mono_ns();
    if (stop)
        conversions_stop(c);
    ask(&a);
    int64_t took_ns = clock_mono_ns() - begin_ns;
    cr_expect_eq(a.err, ERR_LATE, "%s", err_text(a.err));
    cr_expect_eq(conversions_busy(c), 0, "its place is free");
    conversions_free(c);
    counters_set_free(counters);
    cr_expect(unlink(path) == 0 && rmdir(audio) == 0 && rmdir(dir) == 0);
    return took_ns;
}

Test(conversions, a_waveform_that_waits_for_a_disk_ends_in_its_time, .timeout = 60)
{
    cr_expect_geq(ask_stalled(500000000, false), 500000000);
}

Test(conversions, a_stop_does_not_wait_for_a_disk, .timeout = 60)
{
    cr_expect_lt(ask_stalled(0, true), INT64_C(25000000000), "long before its time is over");
}
