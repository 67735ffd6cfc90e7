/* Whatever opens files or loads libraries on its first use (sodium, the ciphers of libsrtp) is used once before the walls
 * stand. */
#include "app/confine/child.h"

#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "app/confine/convert_steps.h"
#include "app/confine/ear_internal.h"
#include "app/confine/job.h"
#include "app/confine/probes.h"
#include "base/crypto.h"
#include "decode/srtp.h"

struct child {
    struct render_place *place;
    struct counters *counters;
    struct buf out;
    struct srtp_held *held;
    struct earpiece *ear; /* NULL: nobody listens through this one */
    struct conversion *conversion; /* NULL: it makes no recording into something else */
};

static void text_pack(struct pack *p, const char **v)
{
    struct slice text = slice_str(*v ? *v : "");
    pack_text(p, &text);
    if (p->out == NULL)
        *v = arena_str(p->arena, text);
}

void child_setup_pack(struct pack *p, struct walls *w)
{
    text_pack(p, &w->read_dir);
    text_pack(p, &w->write_dir);
    pack_i64(p, &w->memory_bytes);
}

void child_hello_pack(struct pack *p, struct child_hello *h)
{
    uint32_t walls = h->walls;
    pack_int(p, &h->err);
    pack_u32(p, &walls);
    pack_text(p, &h->text);
    h->walls = walls;
}

/* ---- frames ---- */

static bool read_all(void *to, size_t size)
{
    uint8_t *at = to;
    while (size) {
        ssize_t n = read(CHILD_SOCKET, at, size);
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
        ssize_t n = write(CHILD_SOCKET, at, size);
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

/* ---- beginning ---- */

static void use_once(struct child *c)
{
    uint8_t digest[32];
    (void)crypto_start();
    crypto_sha256(slice_str("warm"), digest);
    c->held = srtp_hold();
}

static int begin(struct child *c)
{
    struct slice frame = read_frame();
    struct arena *a = arena_new(1024, 65536);
    struct walls w = {0};
    struct why why = {0};
    struct child_hello hello = {.err = ERR_INVALID};
    struct pack in = pack_reader(frame, a);
    if (frame.data == NULL || a == NULL)
        return ERR_IO;
    child_setup_pack(&in, &w);
    if (!in.failed)
        hello.err = walls_raise(&w, &hello.walls, &why);
    hello.text = slice_str(why.text);
    struct pack out = pack_writer(&c->out);
    child_hello_pack(&out, &hello);
    bool said = write_frame(&c->out);
    free_frame(frame);
    arena_free(a);
    return hello.err ? hello.err : said ? 0 : ERR_IO;
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
        return sound_tracks(job->records[0], job->voices, job->voice_count, &config, job->dir, job->path, why);
    return probe_run(job->probe, job->dir, why);
}

/* A moment of a call that somebody listens to, or the next piece of a recording in another form. */
static bool do_steps(struct child *c, struct slice frame)
{
    buf_clear(&c->out);
    if (convert_is_step(frame))
        convert_take_step(&c->conversion, frame, &c->out);
    else
        ear_take_steps(&c->ear, frame, &c->out);
    free_frame(frame);
    return write_frame(&c->out);
}

static bool do_job(struct child *c, struct slice frame)
{
    struct job job;
    struct why why = {0};
    memset(c->counters, 0, sizeof *c->counters);
    atomic_store(&c->place->flow, 0);
    int err = job_read(frame, &job) ? render(c, &job, &why) : ERR_NOMEM;
    free_frame(frame);
    buf_clear(&c->out);
    if (job.record_count)
        answer_write(&c->out, err, &why, job.records[0], job.kind, c->counters);
    job_free(&job);
    return write_frame(&c->out);
}

int child_main(void)
{
    struct child c = {.counters = calloc(1, sizeof *c.counters)};
    prctl(PR_SET_NAME, "decoder", 0, 0, 0);
    signal(SIGTERM, SIG_IGN); /* for the service, which ends us */
    signal(SIGINT, SIG_IGN);
    c.place = mmap(NULL, CHILD_PLACE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, CHILD_PLACE, 0);
    if (c.counters == NULL || c.place == MAP_FAILED)
        return 1;
    buf_init(&c.out, ANSWER_BYTES_MAX);
    use_once(&c);
    if (begin(&c) != 0)
        return 1;
    for (;;) {
        struct slice frame = read_frame();
        if (frame.data == NULL || !(frame.size && frame.data[0] == 0 ? do_steps(&c, frame) : do_job(&c, frame)))
            _exit(0);
    }
}
