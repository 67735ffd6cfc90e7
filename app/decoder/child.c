/* Whatever opens files or loads libraries on its first use (sodium, the ciphers of libsrtp) is used
 * once before the walls stand. */
#include "app/decoder/child.h"

#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "app/confine/convert_steps.h"
#include "app/confine/job.h"
#include "app/decoder/attempts.h"
#include "app/decoder/convert_child.h"
#include "app/decoder/ear_child.h"
#include "app/decoder/sound_render.h"
#include "app/decoder/walls.h"
#include "base/crypto.h"
#include "decode/earpiece.h"
#include "decode/srtp.h"

struct child {
    struct render_place *place;
    struct counters *counters;
    struct srtp_held *held;
    struct earpiece *ear; /* NULL: nobody listens through this one */
    struct conversion *conversion; /* NULL: it makes no recording into something else */
};

/* ---- frames ---- */

static bool read_all(void *to, size_t size)
{
    uint8_t *at = to;
    while (size) {
        ssize_t n = read(DECODER_SOCKET, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool write_all(const void *from, size_t size)
{
    const uint8_t *at = from;
    while (size) {
        ssize_t n = write(DECODER_SOCKET, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* Whole, in memory of its exact size: there may be keys in it. NULL data: the service has gone. */
static struct slice read_frame(void)
{
    uint32_t size;
    if (!read_all(&size, sizeof size) || le32toh(size) > JOB_BYTES_MAX)
        return slice_none();
    size = le32toh(size);
    uint8_t *bytes = malloc((size_t)size + 1);
    if (bytes && read_all(bytes, size))
        return slice_of(bytes, size);
    free(bytes);
    return slice_none();
}

static bool write_frame(const struct buf *out)
{
    uint32_t size = htole32((uint32_t)out->size);
    return !out->failed && write_all(&size, sizeof size) && write_all(out->data, out->size);
}

static void free_frame(struct slice frame)
{
    if (frame.data == NULL)
        return;
    uint8_t *bytes = (uint8_t *)(uintptr_t)frame.data;
    crypto_wipe(bytes, frame.size);
    free(bytes);
}

/* ---- jobs ---- */

static int render(struct child *c, struct job *job, struct why *why)
{
    struct sound_config config = job->sound;
    config.counters = c->counters;
    config.place = c->place;
    if (job->kind == JOB_CALL)
        return sound_render(job->records[0], &config, job->dir, job->path, why);
    if (job->kind == JOB_TRACKS)
        return sound_tracks(job->records[0], job->voices, job->voice_count, &config, job->dir,
                            job->path, why);
    return attempt(job->probe, job->dir, why);
}

static void do_job(struct child *c, struct slice frame, struct buf *out)
{
    struct job job;
    struct why why = {0};
    memset(c->counters, 0, sizeof *c->counters);
    atomic_store(&c->place->flow, 0);
    int err = job_read(frame, &job) ? render(c, &job, &why) : ERR_NOMEM;
    if (job.record_count)
        answer_write(out, err, &why, job.records[0], job.kind, c->counters);
    job_free(&job);
}

/* A frame that begins with 0 is a moment of a call that somebody listens to
 * (confine/ear_steps.h), or asks for the next piece of a recording in another form. */
static bool answer(void *decoder, struct slice frame, struct buf *out)
{
    struct child *c = decoder;
    if (convert_is_step(frame))
        convert_take_step(&c->conversion, frame, out);
    else if (frame.size && frame.data[0] == 0)
        ear_take_steps(&c->ear, frame, out);
    else
        do_job(c, frame, out);
    return !out->failed;
}

static void *open_decoder(struct render_place *place)
{
    struct child *c = calloc(1, sizeof *c);
    struct counters *counters = calloc(1, sizeof *counters);
    if (c == NULL || counters == NULL) {
        free(c);
        free(counters);
        return NULL;
    }
    *c = (struct child){.place = place, .counters = counters, .held = srtp_hold()};
    return c;
}

static void close_decoder(void *decoder)
{
    struct child *c = decoder;
    earpiece_free(c->ear);
    conversion_free(c->conversion);
    srtp_release(c->held);
    free(c->counters);
    free(c);
}

const struct process_here decoder_here = {
    .open = open_decoder, .answer = answer, .close = close_decoder};

/* ---- as a process ---- */

static void use_once(void)
{
    uint8_t digest[32];
    (void)crypto_start();
    crypto_sha256(slice_str("warm"), digest);
}

/* What it gives up, and what it says of that. */
static int begin(struct buf *out)
{
    struct slice frame = read_frame();
    struct arena *a = arena_new(1024, 65536);
    struct walls w = {0};
    struct why why = {0}, said = {0};
    struct hello hello = {.err = ERR_INVALID};
    bool same = false;
    struct pack in = pack_reader(frame, a);
    if (frame.data == NULL || a == NULL)
        return ERR_IO;
    hello_walls_pack(&in, &w, &same);
    if (same && !in.failed)
        hello.err = walls_raise(&w, &hello.walls, &why);
    if (!same)
        why_set(&said, "is of another build than the program that started it: install both of one "
                       "build, and start again");
    else if (hello.err)
        why_set(&said, "cannot be confined: %s", why.text);
    hello.text = slice_str(said.text);
    struct pack to = pack_writer(out);
    hello_pack(&to, &hello);
    bool sent = write_frame(out);
    free_frame(frame);
    arena_free(a);
    return hello.err ? hello.err : sent ? 0 : ERR_IO;
}

int child_main(void)
{
    struct buf out;
    prctl(PR_SET_NAME, "decoder", 0, 0, 0);
    signal(SIGTERM, SIG_IGN); /* for the service, which ends us */
    signal(SIGINT, SIG_IGN);
    close(DECODER_PROGRAM);
    void *place =
        mmap(NULL, DECODER_PLACE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, DECODER_PLACE, 0);
    if (place == MAP_FAILED)
        return 1;
    use_once();
    struct child *c = open_decoder(place);
    buf_init(&out, ANSWER_BYTES_MAX);
    if (c == NULL || begin(&out) != 0)
        return 1;
    for (;;) {
        struct slice frame = read_frame();
        buf_clear(&out);
        if (frame.data == NULL || !answer(c, frame, &out) || !write_frame(&out))
            _exit(0);
        free_frame(frame);
    }
}
