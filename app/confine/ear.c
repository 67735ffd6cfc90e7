/* When the process dies, a new one begins where the ear was: what was in its window is lost, and the packets of that moment
 * are not given to it again. */
#include "app/confine/ear_steps.h"

#include <stdlib.h>

#include "app/confine/ear.h"
#include "app/confine/job.h"
#include "app/confine/process.h"
#include "base/log.h"

#define CRASHES_MAX 8
#define GATHER_MAX  ((size_t)4 << 20)
#define FRAMES_MAX  4096
#define SECOND_NS   INT64_C(1000000000)

static const struct process_bounds BOUNDS = {.cpu_ns = INT64_C(2000000000), .stop_fd = -1}; /* for one question */

struct ear {
    const struct confine_config *config;
    struct process *process;
    int rate_hz;
    bool begun;
    int64_t begin_ns, at_ns; /* time of frame 0; up to here it was read */
    int64_t frames;          /* given out and left out since begin_ns */
    struct buf gathered;     /* steps for the next question */
    unsigned deaths[EAR_DEATHS], crashes;
};

struct heard {
    int64_t value;
    uint32_t count;
    int16_t *frames; /* room for FRAMES_MAX */
};

/* The codec as it lies in memory: both sides are one program. */
void ear_packet_pack(struct pack *p, struct ear_packet *v)
{
    pack_u8(p, &v->channel);
    pack_u32(p, &v->flow);
    pack_i64(p, &v->time_ns);
    pack_bytes(p, &v->codec, sizeof v->codec);
    pack_text(p, &v->datagram);
}

static void step(struct ear *e, uint8_t which)
{
    buf_u8(&e->gathered, which);
}

static void step_ns(struct ear *e, uint8_t which, int64_t ns)
{
    struct pack p = pack_writer(&e->gathered);
    step(e, which);
    pack_i64(&p, &ns);
}

static void clear(struct ear *e)
{
    buf_clear(&e->gathered);
    buf_u8(&e->gathered, 0);
}

struct ear *ear_new(const struct confine_config *config, int rate_hz)
{
    struct ear *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->config = config;
    e->rate_hz = rate_hz;
    buf_init(&e->gathered, GATHER_MAX);
    clear(e);
    return e;
}

void ear_free(struct ear *e)
{
    if (e == NULL)
        return;
    process_free(e->process);
    buf_fini(&e->gathered);
    free(e);
}

void ear_count(const struct ear *e, struct counters *counters)
{
    for (int i = 0; i < EAR_DEATHS; i++)
        counters_add(counters, C_DECODER_CRASHES + i, e->deaths[i]);
}

/* ---- the process ---- */

/* One that knows what it needs ahead of what is gathered. */
static bool need_process(struct ear *e)
{
    const struct process_config config = {
        .program = &e->config->program,
        .walls = {.read_dir = "", .write_dir = "", .memory_bytes = e->config->memory_bytes, .none = e->config->open},
    };
    struct why why = {0};
    struct slice answer;
    if (e->process)
        return true;
    if (e->crashes >= CRASHES_MAX || process_start(&config, &e->process, &why) != 0)
        return false;
    struct buf first;
    buf_init(&first, 64);
    struct pack p = pack_writer(&first);
    buf_u8(&first, 0);
    buf_u8(&first, EAR_OPEN);
    pack_int(&p, &e->rate_hz);
    if (e->begun) {
        buf_u8(&first, EAR_BEGIN);
        pack_i64(&p, &e->at_ns);
        e->begin_ns = e->at_ns;
        e->frames = 0;
    }
    buf_u8(&first, EAR_DONE);
    struct slice part = buf_view(&first);
    bool good = process_ask(e->process, &part, 1, &BOUNDS, &answer) == PROCESS_ANSWERED;
    buf_fini(&first);
    return good;
}

static void lose(struct ear *e, bool died)
{
    int signal = 0;
    enum process_death death = DEATH_ANSWER;
    if (died && e->process)
        death = process_died_of(e->process, &signal);
    log_warn("decoder", "the process that decodes for a listener ended (%s); a new one goes on", label_text(LABELS_CRASH, death));
    e->deaths[death]++;
    e->crashes++;
    process_free(e->process);
    e->process = NULL;
    clear(e);
}

/* No more than there can be. */
static bool believe(struct slice answer, uint32_t most, struct heard *h)
{
    struct pack p = pack_reader(answer, NULL);
    bool failed = true;
    pack_bool(&p, &failed);
    pack_i64(&p, &h->value);
    pack_u32(&p, &h->count);
    if (p.failed || failed || h->count > most)
        return false;
    if (h->count)
        pack_bytes(&p, h->frames, h->count * 4);
    job_end_pack(&p);
    return !p.failed;
}

/* Asks with all that is gathered. 0, or -1: it died, and has forgotten; or there is none. */
static int ask(struct ear *e, uint32_t most, struct heard *h)
{
    struct slice answer;
    *h = (struct heard){.frames = h->frames};
    if (e->gathered.failed)
        clear(e);
    step(e, EAR_DONE);
    if (!need_process(e)) {
        lose(e, true);
        return -1;
    }
    struct slice part = buf_view(&e->gathered);
    enum process_end end = process_ask(e->process, &part, 1, &BOUNDS, &answer);
    if (end != PROCESS_ANSWERED || !believe(answer, most, h)) {
        lose(e, end == PROCESS_DIED);
        return -1;
    }
    clear(e);
    return 0;
}

/* ---- the promise ---- */

void ear_begin(struct ear *e, int64_t start_ns)
{
    if (e->process)
        step_ns(e, EAR_BEGIN, start_ns);
    e->begun = true;
    e->begin_ns = e->at_ns = start_ns;
    e->frames = 0;
}

void ear_packet(struct ear *e, unsigned channel, unsigned flow, int64_t time_ns, struct slice datagram, const struct render_codec *codec)
{
    struct ear_packet v = {(uint8_t)channel, flow, time_ns, *codec, datagram};
    struct pack p = pack_writer(&e->gathered);
    if (e->gathered.size > GATHER_MAX / 2)
        return; /* megabytes within a fraction of a second are no voice */
    step(e, EAR_PACKET);
    ear_packet_pack(&p, &v);
}

int ear_read(struct ear *e, int64_t until_ns, int16_t *out, int max)
{
    struct heard h = {.frames = out};
    struct pack p = pack_writer(&e->gathered);
    uint32_t most = max < FRAMES_MAX ? (uint32_t)max : FRAMES_MAX;
    step_ns(e, EAR_READ, until_ns);
    pack_u32(&p, &most);
    if (ask(e, most, &h) != 0) {
        e->at_ns = until_ns;
        return e->crashes < CRASHES_MAX ? 0 : -1;
    }
    e->frames += h.count;
    int64_t given_ns = e->begin_ns + e->frames / e->rate_hz * SECOND_NS + e->frames % e->rate_hz * SECOND_NS / e->rate_hz;
    if (given_ns > until_ns + SECOND_NS) { /* sound that nobody sent */
        lose(e, false);
        return 0;
    }
    if (given_ns > e->at_ns)
        e->at_ns = given_ns;
    return (int)h.count;
}

int64_t ear_skip(struct ear *e, int64_t at_ns)
{
    struct heard h = {0};
    step_ns(e, EAR_SKIP, at_ns);
    if (ask(e, 0, &h) != 0 || h.value < 0 || h.value > 24 * 3600 * (int64_t)e->rate_hz)
        h.value = 0;
    e->frames += h.value;
    e->at_ns = at_ns;
    return h.value;
}

int64_t ear_end(struct ear *e)
{
    struct heard h = {0};
    step(e, EAR_END);
    if (ask(e, 0, &h) != 0 || h.value < e->at_ns)
        return e->at_ns;
    return h.value < e->at_ns + 10 * SECOND_NS ? h.value : e->at_ns + 10 * SECOND_NS;
}
