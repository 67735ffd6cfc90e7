/* One process a conversion: when it dies, so does what it made. */
#include "app/confine/convert.h"

#include <stdlib.h>

#include "app/confine/convert_steps.h"
#include "app/confine/job.h"
#include "app/confine/process.h"
#include "base/log.h"

#define CPU_NS    INT64_C(30000000000) /* for one step: it may have to pass by hours of sound first */
#define EMPTY_MAX 1000000             /* steps in a row without a byte: peaks of a day take a tenth of it */

struct converter {
    struct process *process;
    struct arena *arena; /* of the answer under way */
    struct process_bounds bounds;
    int death;
    unsigned empty; /* steps in a row that gave nothing */
    bool done;
};

/* ---- what is wanted, as bytes ---- */

static void path_pack(struct pack *p, const char **v)
{
    struct slice text = slice_str(*v ? *v : "");
    pack_text(p, &text);
    if (p->out == NULL) {
        *v = arena_str(p->arena, text);
        p->failed |= *v == NULL;
    }
}

static void codec_pack(struct pack *p, enum audio_codec *v)
{
    uint8_t codec = (uint8_t)*v;
    pack_u8(p, &codec);
    p->failed |= codec >= AUDIO_CODECS;
    *v = codec;
}

void convert_want_pack(struct pack *p, struct conversion_want *w)
{
    uint8_t sound = (uint8_t)w->sound;
    uint32_t count = w->file_count;
    path_pack(p, &w->dir);
    pack_u32(p, &count);
    p->failed |= count < 1 || count > CONVERSION_FILES;
    w->file_count = count;
    for (uint32_t i = 0; i < count && !p->failed; i++) {
        path_pack(p, &w->files[i].path);
        codec_pack(p, &w->files[i].codec);
        pack_int(p, &w->files[i].channels);
    }
    pack_int(p, &w->rate_hz);
    pack_i64(p, &w->from);
    pack_i64(p, &w->to);
    pack_u8(p, &sound);
    pack_bool(p, &w->waveform);
    codec_pack(p, &w->codec);
    p->failed |= sound >= CONVERSION_SOUNDS || w->rate_hz <= 0 || w->from < 0 || w->to < w->from;
    w->sound = sound;
}

/* ---- asking ---- */

static int died(struct converter *c, bool by_itself)
{
    int signal = 0;
    c->death = by_itself ? (int)process_died_of(c->process, &signal) : (int)DEATH_ANSWER;
    log_warn("decoder", "the process that makes a recording into another format ended (%s)",
             label_text(LABELS_CRASH, (unsigned)c->death));
    process_free(c->process);
    c->process = NULL;
    return ERR_IO;
}

/* Nothing is wrong with it: it waits, for a disk or for the CPU. */
static int stopped(struct converter *c)
{
    process_free(c->process);
    c->process = NULL;
    return ERR_LATE;
}

/* 0 or an ERR_ of the answer, with its bytes. */
static int ask(struct converter *c, struct slice question, struct slice *ret_bytes)
{
    struct slice answer;
    int err = 1;
    if (c->process == NULL)
        return ERR_IO;
    enum process_end end = process_ask(c->process, &question, 1, &c->bounds, &answer);
    if (end == PROCESS_STOPPED)
        return stopped(c);
    if (end != PROCESS_ANSWERED)
        return died(c, end == PROCESS_DIED);
    arena_free(c->arena);
    c->arena = arena_new(65536, 2 * CONVERT_ANSWER_MAX);
    if (c->arena == NULL)
        return ERR_NOMEM;
    struct pack p = pack_reader(answer, c->arena);
    bool more = false;
    *ret_bytes = slice_none();
    pack_int(&p, &err);
    pack_bool(&p, &more);
    pack_text(&p, ret_bytes);
    job_end_pack(&p);
    if (p.failed || err > 0 || err < ERR_EXISTS)
        return died(c, false);
    c->done = !more;
    return err;
}

int converter_read(struct converter *c, struct slice *ret_bytes)
{
    static const uint8_t NEXT[] = {0, CONVERT_NEXT};
    if (c->done)
        return ERR_INVALID;
    int err = ask(c, slice_of(NEXT, sizeof NEXT), ret_bytes);
    c->empty = err || c->done || ret_bytes->size ? 0 : c->empty + 1;
    if (c->empty > EMPTY_MAX)
        return ERR_INVALID;
    return err ? err : !c->done;
}

static int open_there(struct converter *c, const struct conversion_want *want)
{
    struct conversion_want copy = *want;
    struct slice nothing;
    struct buf b;
    buf_init(&b, 65536);
    buf_u8(&b, 0);
    buf_u8(&b, CONVERT_OPEN);
    struct pack p = pack_writer(&b);
    convert_want_pack(&p, &copy);
    int err = p.failed || b.failed ? ERR_INVALID : ask(c, buf_view(&b), &nothing);
    buf_fini(&b);
    return err;
}

int converter_open(const struct confine_config *config, const char *read_dir,
                   const struct conversion_want *want, int64_t until_ns,
                   struct converter **ret_converter, struct why *why)
{
    struct converter *c = calloc(1, sizeof *c);
    if (c == NULL)
        return ERR_NOMEM;
    c->bounds = (struct process_bounds){
        .cpu_ns = CPU_NS, .until_ns = until_ns, .stop_fd = config->stop_fd};
    const struct process_config process = {
        .program = &config->program,
        .walls = {.read_dir = read_dir, .write_dir = "", .memory_bytes = config->memory_bytes, .none = config->open},
        .within = &c->bounds,
    };
    c->death = -1;
    int err = process_start(&process, &c->process, why) != 0 ? ERR_BUSY : open_there(c, want);
    if (err) {
        converter_free(c);
        return err;
    }
    *ret_converter = c;
    return 0;
}

void converter_free(struct converter *c)
{
    if (c == NULL)
        return;
    process_free(c->process);
    arena_free(c->arena);
    free(c);
}

int converter_death(const struct converter *c)
{
    return c->death;
}
