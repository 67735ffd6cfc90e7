/* One capture, from its first frame to its last call. Between two handfuls of frames we look whether to go on, and wait while records or
 * recordings of what is live would have to wait behind ours. */
#include "app/importer_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/media_drop.h"
#include "app/setup.h"
#include "app/wire.h"
#include "base/clock.h"
#include "base/log.h"
#include "capture/source/source.h"
#include "storage/disk.h"

#define WRITER_IMPORT  30 /* of the spool; 31 is recovery's */
#define CALLS_LIMIT    2000
#define FLOWS_LIMIT    8192
#define BUFFERS_LIMIT  (16u << 20)
#define UNPACK_FACTOR  8
#define FRAMES_A_TURN  256
#define RECORDS_AHEAD  64  /* of ours, not committed */
#define WRITER_AHEAD   256 /* that wait in the writer, of all */
#define RENDERS_AHEAD  64
#define DAYS_MAX       64  /* each is a file of the database */
#define DAY_US         INT64_C(86400000000)
#define LOOK_NS        INT64_C(200000000)

struct run {
    const struct import_run_config *config;
    const struct importer *m;
    struct api_import *import;
    struct counters_set *set;
    struct counters *counters;
    struct wire *wire;
    struct pipeline *pipeline;
    struct source *source;
    struct store_reader *reader; /* NULL: it is read for the first time */
    int64_t days[DAYS_MAX];
    unsigned day_count;
    unsigned ahead;              /* records since the last commit that we know of */
    bool muted;                  /* stopped: nothing more is made */
    int64_t begun_ns, looked_ns;
    uint64_t missed;
    int64_t newest_ns, drops_ns;
};

/* ---- records ---- */

static bool day_is_taken(struct run *r, int64_t started_us)
{
    int64_t day = started_us / DAY_US;
    for (unsigned i = 0; i < r->day_count; i++)
        if (r->days[i] == day)
            return true;
    if (r->day_count == DAYS_MAX)
        return false;
    r->days[r->day_count++] = day;
    return true;
}

/* An earlier reading, which was cut, made this call. */
static bool stands(const struct run *r, const char *uid)
{
    struct call_record *before = NULL;
    if (r->reader == NULL || store_call(r->reader, uid, &before) != 0)
        return false;
    record_free(before);
    return true;
}

static void forget(struct run *r, struct call_record *record)
{
    if (media_drop(record, r->m->config.settings->data_dir, r->counters) != 0)
        log_warn("import", "media of a call of import %s, which is not kept, stays in the spool until retention", r->import->id);
    record_free(record);
}

static void count_call(struct api_import *i, const struct call_record *record)
{
    bool other = strcmp(record->kind, "orphan") == 0 || strcmp(record->kind, "page") == 0 || strcmp(record->kind, "encrypted") == 0;
    *(other ? &i->others : &i->calls) += 1;
    if (i->first_us == 0 || record->started_us < i->first_us)
        i->first_us = record->started_us;
    if (record->started_us > i->last_us)
        i->last_us = record->started_us;
}

static void take_record(void *context, struct call_record *record)
{
    struct run *r = context;
    if (r->muted) {
        forget(r, record);
        return;
    }
    if (!day_is_taken(r, record->started_us)) {
        r->import->skipped_calls++;
        forget(r, record);
        return;
    }
    count_call(r->import, record);
    if (stands(r, record->uid)) {
        forget(r, record);
        return;
    }
    snprintf(record->import.id, sizeof record->import.id, "%s", r->import->id);
    record->import.at_us = r->import->received_us;
    r->ahead++;
    writer_record(r->m->config.writer, record);
}

/* ---- the pipeline ---- */

static void lower(size_t *value, size_t most)
{
    if (*value > most)
        *value = most;
}

/* What is live has its tables; ours are smaller. Nobody is told of calls that are long over, and what is no call is left out: who is
 * registered now is not what a capture of last year says. */
static struct pipeline_config configure(const struct run *r, struct spool_config *spool)
{
    struct pipeline_config pc = r->m->pipeline;
    *spool = *r->m->config.spool;
    spool->writer = WRITER_IMPORT;
    spool->copy = true; /* after a crash the capture is read again, not what became of half of it */
    pc.workers = 0;
    pc.lossless = true;
    pc.counters = r->set;
    pc.block = r->counters;
    pc.front.probe = r->import->id; /* a part of the calls' ids: they are nobody else's */
    pc.front.calls_max = pc.front.calls_max < CALLS_LIMIT ? pc.front.calls_max : CALLS_LIMIT;
    pc.front.flows_max = pc.front.flows_max < FLOWS_LIMIT ? pc.front.flows_max : FLOWS_LIMIT;
    lower(&pc.front.net.fragment_bytes_max, BUFFERS_LIMIT);
    lower(&pc.front.streams.tcp.bytes_max, BUFFERS_LIMIT);
    lower(&pc.front.streams.gathered_max, BUFFERS_LIMIT);
    pc.front.users = false;
    pc.worker.spool = spool;
    pc.worker.early_rows = false;
    pc.worker.hold_keys = false;
    pc.worker.user_event = NULL;
    pc.worker.spool_mark = NULL;
    pc.worker.call_event = NULL;
    pc.worker.live = NULL;
    pc.worker.control = NULL;
    pc.worker.context = (void *)(uintptr_t)r;
    pc.worker.emit = take_record;
    return pc;
}

static int open_pipeline(struct run *r, struct why *why)
{
    struct spool_config spool;
    struct pipeline_config pc = configure(r, &spool);
    int err = named_open_wire(r->m->config.named, &r->wire, why);
    if (err)
        return err;
    wire_configure(r->wire, &pc.front);
    pc.worker.identity.stir = wire_stir(r->wire);
    err = pipeline_new(&pc, &r->pipeline, why);
    return err ? err : wire_start(r->wire, r->pipeline, why);
}

static int open_capture(const struct settings *s, const char *path, struct source **ret_source, struct why *why)
{
    const struct source_file file = {.path = path};
    uint64_t most = (uint64_t)s->import_size * UNPACK_FACTOR, own = (uint64_t)s->capture_unpacked_max;
    const struct source_files_config config = {.files = &file, .count = 1, .unpack_max = own && own < most ? own : most};
    return source_open_files(&config, ret_source, why);
}

int import_look(const struct settings *s, const char *path, struct why *why)
{
    struct source *source = NULL;
    int err = open_capture(s, path, &source, why);
    if (err == 0)
        source_close(source);
    return err;
}

/* ---- frames ---- */

static void take_frame(void *context, const struct frame *frame)
{
    struct run *r = context;
    r->import->packets++;
    r->newest_ns = frame->time_ns;
    pipeline_frame(r->pipeline, frame);
}

/* What the capture says that it lacks. */
static void tell_missed(struct run *r)
{
    struct source_stats stats;
    source_stats(r->source, &stats);
    if (stats.kernel_drops > r->missed)
        pipeline_capture_lost(r->pipeline, stats.kernel_drops - r->missed, r->drops_ns ? r->drops_ns : r->newest_ns);
    r->missed = stats.kernel_drops;
    r->drops_ns = r->newest_ns;
}

static void tell(struct run *r)
{
    struct api_import *i = r->import;
    i->missed_packets = r->missed;
    i->unkept_packets = counters_sum(r->set, C_SPOOL_DROPPED);
    i->evicted_calls = 0;
    for (unsigned k = 0; k < LABEL_COUNT_EVICTED; k++)
        i->evicted_calls += counters_sum(r->set, C_CALLS_EVICTED + k);
    r->config->tell(r->config->context, i);
}

/* Now and then; true when it was. */
static bool show(struct run *r)
{
    int64_t now = clock_mono_ns();
    if (now - r->looked_ns < LOOK_NS)
        return false;
    r->looked_ns = now;
    r->import->progress = source_progress(r->source);
    tell(r);
    return true;
}

static bool is_late(const struct run *r)
{
    return clock_mono_ns() - r->begun_ns > r->m->config.settings->import_time;
}

/* What is live goes first. False: stop. */
static bool wait_for_others(struct run *r)
{
    const struct importer_config *c = &r->m->config;
    const struct timespec pause = {.tv_nsec = 5000000};
    bool goes_on = r->config->goes_on(r->config->context);
    if (r->ahead >= RECORDS_AHEAD) {
        (void)writer_flush(c->writer); /* what is committed is on its way to be rendered; what is not says so to the writer */
        r->ahead = 0;
    }
    while (goes_on && !is_late(r) && (writer_depth(c->writer) > WRITER_AHEAD || renderer_depth(c->renderer) > RENDERS_AHEAD)) {
        nanosleep(&pause, NULL);
        (void)show(r);
        goes_on = r->config->goes_on(r->config->context);
    }
    return goes_on;
}

static int look_around(struct run *r, struct why *why)
{
    uint64_t free_bytes = 0;
    if (!wait_for_others(r))
        return ERR_BUSY;
    if (is_late(r)) {
        why_set(why, "Reading it took longer than %llu s ([limits] import_time); the calls until then are kept.",
                (unsigned long long)r->m->config.settings->import_time / 1000000000);
        return ERR_NOMEM;
    }
    if (!show(r))
        return 0;
    if (disk_free(r->m->config.settings->data_dir, &free_bytes, NULL) != 0 || free_bytes < importer_min_free(r->m)) {
        why_set(why, "The disk is nearly full: what is free is kept for the calls of this place.");
        return ERR_FULL;
    }
    return 0;
}

static int read_all(struct run *r, struct why *why)
{
    enum source_state state = SOURCE_MORE;
    while (state == SOURCE_MORE) {
        int err = look_around(r, why);
        if (err)
            return err;
        state = source_dispatch(r->source, FRAMES_A_TURN, 0, take_frame, r, why);
        tell_missed(r);
    }
    r->import->partial = state == SOURCE_TRUNCATED;
    return state == SOURCE_FAILED ? ERR_IO : 0;
}

int import_run(const struct import_run_config *config, struct api_import *i, struct why *why)
{
    struct run r = {.config = config, .m = config->importer, .import = i, .set = counters_set_new(), .begun_ns = clock_mono_ns()};
    r.counters = r.set ? counters_block(r.set) : NULL;
    int err = r.counters ? open_capture(r.m->config.settings, config->path, &r.source, why) : ERR_NOMEM;
    if (err == 0 && i->attempts > 1)
        err = store_reader_open(r.m->config.settings->data_dir, &r.reader);
    if (err == 0)
        err = open_pipeline(&r, why);
    if (err == 0)
        err = read_all(&r, why);
    r.muted = err == ERR_BUSY;
    pipeline_finish(r.pipeline, CALL_END_CUT);
    if (r.set)
        tell(&r);
    source_close(r.source);
    store_reader_close(r.reader);
    wire_close(r.wire);
    counters_set_free(r.set);
    int flushed = writer_flush(r.m->config.writer);
    return err ? err : flushed;
}
