/* A job is asked of the process; behind a crash of a new one, with one more piece left out (pieces.h). Who was killed from
 * outside (SIGKILL) was not at fault: nothing is left out. */
#include "app/confine/confine.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/confine/job.h"
#include "app/confine/job_files.h"
#include "app/confine/pieces.h"
#include "app/confine/process.h"
#include "app/settings.h"
#include "base/crypto.h"
#include "base/log.h"

#define TRIES_MAX   PIECES_MAX
#define MEDIA_MAX   (INT64_C(48) * 3600 * 1000000) /* us, of a stream */

struct confined {
    const struct confine_config *config;
    struct process *process;
};

/* A job under way. */
struct work {
    struct job job;
    struct buf keys;
    int64_t cpu_ns;
    unsigned tries;
    struct pieces pieces;
};

/* ---- configuration ---- */

int confine_configure(const struct settings *s, const struct process_program *program, const char *data_dir, const char *write_dir,
                      struct confine_config *ret_config)
{
    struct why why = {0};
    struct confine_config c = {
        .program = {.path = s->decoder[0] ? s->decoder : program->path, .here = program->here},
        .open = !s->confine,
        .memory_bytes = s->decode_memory,
        .cpu_base_ns = s->decode_cpu_base,
        .cpu_factor = s->decode_cpu_factor,
        .stop_fd = -1,
    };
    c.write_dir = strdup(write_dir);
    if (asprintf(&c.read_dir, "%s/spool", data_dir) < 0)
        c.read_dir = NULL;
    *ret_config = c;
    if (c.write_dir && c.read_dir) {
        (void)process_program_open(&ret_config->program, &why); /* confine_check() says it */
        return 0;
    }
    confine_config_free(ret_config);
    return ERR_NOMEM;
}

int confine_check(struct confine_config *config, struct why *why)
{
    return process_program_open(&config->program, why);
}

void confine_config_free(struct confine_config *config)
{
    free(config->read_dir);
    free(config->write_dir);
    config->read_dir = config->write_dir = NULL;
    process_program_close(&config->program);
}

struct confined *confined_new(const struct confine_config *config)
{
    struct confined *c = calloc(1, sizeof *c);
    if (c)
        c->config = config;
    return c;
}

void confined_free(struct confined *c)
{
    if (c == NULL)
        return;
    process_free(c->process);
    free(c);
}

/* ---- the process ---- */

static void say_walls(struct confined *c, struct counters *counters)
{
    unsigned walls = process_walls(c->process);
    if (counters) {
        counters_set(counters, C_DECODER_CONFINED, process_is_apart(c->process));
        counters_set(counters, C_DECODER_CONFINED + 1, (walls & WALL_SECCOMP) != 0);
        counters_set(counters, C_DECODER_CONFINED + 2, (walls & WALL_LANDLOCK) != 0);
    }
    if (!process_is_apart(c->process) || c->config->open)
        return;
    if (!(walls & WALL_LANDLOCK))
        log_warn("decoder", "this kernel has no Landlock: the process that decodes could read what this user may read");
    if (!(walls & WALL_SECCOMP))
        log_warn("decoder", "this kernel has no seccomp: the process that decodes may use every system call");
}

static int need_process(struct confined *c, struct why *why)
{
    const struct confine_config *config = c->config;
    const struct process_config p = {
        .program = &config->program,
        .walls = {.read_dir = config->read_dir, .write_dir = config->write_dir, .memory_bytes = config->memory_bytes, .none = config->open},
    };
    if (c->process && process_is_worn(c->process)) {
        process_free(c->process);
        c->process = NULL;
    }
    if (c->process)
        return 0;
    if (config->read_dir) /* without walls nobody has to name them */
        (void)mkdir(config->read_dir, 0700); /* they may be there; and if not, the walls say so */
    if (config->write_dir)
        (void)mkdir(config->write_dir, 0700);
    return process_start(&p, &c->process, why);
}

int confined_start(struct confined *c, struct counters *counters, struct why *why)
{
    int err = need_process(c, why);
    if (err == 0)
        say_walls(c, counters);
    return err;
}

/* ---- what a crash leaves ---- */

static void drop_process(struct confined *c, const struct work *w)
{
    process_free(c->process);
    c->process = NULL;
    job_files_remove(w->job.kind, w->job.dir, w->job.path);
}

static void note_crash(struct confined *c, struct work *w, enum process_death death, int signal, struct counters *counters)
{
    struct render_skip place = process_place(c->process);
    log_warn("decoder", "the process that decodes ended at packet time %.3f s of flow %u of call %s (%s%s%s); a new one goes on",
             (double)place.from_ns / 1e9, place.flow, w->job.records[0]->uid, label_text(LABELS_CRASH, death), signal ? ": " : "",
             signal ? strsignal(signal) : "");
    if (counters)
        counters_add(counters, C_DECODER_CRASHES + death, 1);
    if (place.flow == RENDER_PLACE_FILM)
        w->job.sound.video = false; /* the sound goes on without films */
    else if (place.flow == RENDER_PLACE_FAX)
        w->job.sound.fax = false; /* and without pages */
    else if (death != DEATH_SIGNAL || signal != SIGKILL)
        pieces_add(&w->pieces, place.flow, place.from_ns);
    drop_process(c, w);
    w->tries++;
}

/* ---- doing it ---- */

/* 0 and *ret_err what came of it; 1: it crashed; or an ERR_. */
static int try_once(struct confined *c, struct work *w, struct counters *counters, int *ret_err, struct why *why)
{
    struct buf body;
    struct slice answer;
    int err = 1;
    if (need_process(c, why) != 0)
        return ERR_FULL; /* the world's fault: later */
    w->job.sound.skips = w->pieces.skip;
    w->job.sound.skip_count = w->pieces.count;
    buf_init(&body, JOB_BYTES_MAX);
    job_write(&body, &w->job);
    const struct slice parts[2] = {buf_view(&body), buf_view(&w->keys)};
    enum process_death death = DEATH_ANSWER;
    int signal = 0;
    const struct process_bounds bounds = {.cpu_ns = w->cpu_ns, .stop_fd = c->config->stop_fd};
    enum process_end end = process_ask(c->process, parts, 2, &bounds, &answer);
    if (end == PROCESS_ANSWERED && answer_read(answer, &w->job, counters, ret_err, why))
        err = 0;
    if (end == PROCESS_DIED)
        death = process_died_of(c->process, &signal);
    if (err == 0 && *ret_err == ERR_NOMEM) {
        death = DEATH_MEMORY;
        err = 1;
    }
    if (end == PROCESS_STOPPED) {
        err = ERR_BUSY;
        drop_process(c, w);
    } else if (err == 1) {
        note_crash(c, w, death, signal, counters);
    }
    buf_fini(&body);
    return err;
}

/* As long as all its streams together. */
static int64_t media_us(const struct call_record *r)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < r->stream_count; i++) {
        int64_t length = r->streams[i].last_us - r->streams[i].first_us;
        sum += length < 0 ? 0 : length > MEDIA_MAX ? MEDIA_MAX : length;
    }
    return sum;
}

/* 0 and *ret_err; 1 when no try came to its end; or an ERR_. */
static int work_out(struct confined *c, struct work *w, struct counters *counters, int *ret_err, struct why *why)
{
    int64_t us = 0;
    for (uint32_t i = 0; i < w->job.record_count; i++)
        us += media_us(w->job.records[i]);
    w->cpu_ns = c->config->cpu_base_ns + us * 1000 * c->config->cpu_factor;
    buf_init(&w->keys, 1 << 20);
    (void)buf_reserve(&w->keys, 64 * 1024); /* not to be moved */
    job_write_keys(&w->keys, &w->job);
    int err = w->keys.failed ? ERR_FULL : 1;
    while (err == 1 && w->tries < TRIES_MAX) {
        *ret_err = 0;
        err = try_once(c, w, counters, ret_err, why);
    }
    crypto_wipe(w->keys.data, w->keys.size);
    buf_fini(&w->keys);
    return err;
}

/* ---- a call ---- */

static void mark(struct call_record *r, const struct work *w, struct counters *counters)
{
    struct record_recording *g = &r->recording;
    if (w->pieces.count == 0)
        return;
    if (g->state == NULL) { /* what is left was nothing to hear */
        g->result = "failed";
        return;
    }
    g->state = "damaged";
    g->damaged_pieces = w->pieces.count;
    if (counters)
        counters_add(counters, C_RECORDINGS_DAMAGED, 1);
}

static void give_up(struct call_record *r)
{
    struct record_recording *g = &r->recording;
    g->state = NULL;
    g->result = "failed";
    g->id[0] = '\0';
    g->path = slice_none();
    g->files = (struct record_files){0};
}

int confined_render(struct confined *c, struct call_record *r, const struct sound_config *config, const char *dir, const char *path,
                    struct why *why)
{
    struct work w = {.job = {.kind = JOB_CALL, .dir = dir, .path = path, .sound = *config, .record_count = 1, .records = {r}}};
    int result = 0;
    int err = work_out(c, &w, config->counters, &result, why);
    if (err == 1) {
        give_up(r);
        why_set(why, "the process that decodes ended %u times", w.tries);
        return 0;
    }
    if (err)
        return err;
    mark(r, &w, config->counters);
    sound_judge(r, config);
    return result;
}

/* ---- a conference ---- */

static bool add_record(struct job *job, struct call_record *r)
{
    for (uint32_t i = 0; i < job->record_count; i++)
        if (job->records[i] == r)
            return true;
    if (job->record_count == JOB_RECORDS_MAX)
        return false;
    job->records[job->record_count++] = r;
    return true;
}

int confined_tracks(struct confined *c, struct call_record *r, struct sound_voice *voices, unsigned count, const struct sound_config *config,
                    const char *dir, const char *path, struct why *why)
{
    struct work w = {.job = {.kind = JOB_TRACKS, .dir = dir, .path = path, .sound = *config, .voice_count = count, .voices = voices}};
    int result = 0;
    bool room = add_record(&w.job, r);
    for (unsigned i = 0; i < count; i++)
        room &= add_record(&w.job, voices[i].call);
    assert(room); /* tracks.c gathers fewer */
    int err = work_out(c, &w, config->counters, &result, why);
    if (err == 1)
        r->tracks = (struct record_files){0};
    return err == 1 ? 0 : err ? err : result;
}
