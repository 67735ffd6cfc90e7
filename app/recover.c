/* Recovery, call by call: its chains are merged by time, each packet goes to the front again, of a small single-threaded pipeline
 * that is finished with the reason `restart`. Rows that the spool knows nothing of are simply closed. */
#include "app/recover.h"

#include <stdlib.h>
#include <string.h>

#include "app/summarise.h"
#include "base/clock.h"
#include "base/log.h"

#define WRITER_RECOVERY  31
#define CHAINS_MAX       64
#define CALLS_LIMIT      64
#define HOUR_NS          (3600 * INT64_C(1000000000))

struct found_list {
    struct spool_found *items;
    size_t count, room;
    bool failed;
};

static void keep_found(void *context, const struct spool_found *found)
{
    struct found_list *l = context;
    if (l->count == l->room) {
        size_t room = l->room ? l->room * 2 : 256;
        struct spool_found *more = realloc(l->items, room * sizeof *more);
        if (more == NULL) {
            l->failed = true;
            return;
        }
        l->items = more;
        l->room = room;
    }
    l->items[l->count] = *found;
    l->items[l->count++].info.descriptor = slice_none();
}

static int by_call(const void *a, const void *b)
{
    const struct spool_found *x = a, *y = b;
    int order = memcmp(x->info.uid, y->info.uid, sizeof x->info.uid);
    return order ? order : (x->info.flow > y->info.flow) - (x->info.flow < y->info.flow);
}

/* ---- packets as they came out of their frames ---- */

static struct datagram datagram_of(const struct spool_packet *p)
{
    bool udp = p->transport == TRANSPORT_UDP;
    return (struct datagram){
        .src = p->src,
        .dst = p->dst,
        .payload = p->payload,
        .payload_wire = p->wire_bytes > p->payload.size ? p->wire_bytes : (uint32_t)p->payload.size,
        .time_ns = p->time_ns,
        .vlan_outer = p->vlan_outer,
        .vlan_inner = p->vlan_inner,
        .ip_id = p->ip_id,
        .proto = udp ? PROTO_UDP : p->transport == TRANSPORT_SCTP ? PROTO_SCTP : PROTO_TCP,
        .transport = p->transport,
        .ttl = p->ttl,
        .tos = p->tos,
    };
}

/* ---- one call ---- */

struct head { /* a chain and its next packet */
    struct spool_reader *reader;
    struct spool_packet packet;
    const struct spool_found *found;
    bool ready;
};

static void advance(struct head *h)
{
    int got;
    while ((got = spool_reader_next(h->reader, &h->packet)) < 0)
        ; /* a damaged chunk was skipped: each call moves on by one */
    h->ready = got > 0;
    if (h->ready && h->found->info.kind == SPOOL_MEDIA) {
        h->packet.src = h->found->info.src;
        h->packet.dst = h->found->info.dst;
    }
}

static struct head *earliest(struct head *heads, unsigned count)
{
    struct head *best = NULL;
    for (unsigned i = 0; i < count; i++)
        if (heads[i].ready && (best == NULL || heads[i].packet.time_ns < best->packet.time_ns))
            best = &heads[i];
    return best;
}

static unsigned open_heads(const char *data_dir, const struct spool_found *found, size_t count, struct head *heads)
{
    unsigned opened = 0;
    for (size_t i = 0; i < count && opened < CHAINS_MAX; i++) {
        struct head *h = &heads[opened];
        bool truncated;
        *h = (struct head){.found = &found[i]};
        if (spool_reader_open(data_dir, found[i].tail, &h->reader, &truncated) != 0)
            continue;
        advance(h);
        opened++;
    }
    return opened;
}

struct taker {
    struct writer *writer;
    char uid[40];
    bool may_go; /* its media is not to be kept, or only perhaps: one of two copies is too many */
};

static void take_record(void *context, struct call_record *record)
{
    struct taker *t = context;
    if (strcmp(record->uid, t->uid) == 0)
        t->may_go = record_to_be_dropped(record) || (record_waits_for_request(record) && !record->recording.truncated);
    writer_record(t->writer, record);
}

/* The record points to the copy; whoever drops that one knows of no other. */
static void blank_original(const struct recover_config *config, const struct taker *t, const struct spool_found *found, size_t count)
{
    int first = writer_flush(config->writer);
    for (size_t i = 0; i < count && first == 0; i++) {
        uint64_t bytes = 0;
        if (found[i].info.kind != SPOOL_MEDIA)
            continue;
        first = spool_blank(config->data_dir, found[i].tail, found[i].info.uid, &bytes);
        counters_add(config->counters, C_SPOOL_BLANKED, bytes);
    }
    if (first)
        log_error("recover", "media of call %s, which a crash cut, stays in the spool until retention: %s", t->uid, err_text(first));
}

static int replay(const struct recover_config *config, const struct spool_found *found, size_t count, struct why *why)
{
    struct taker taker = {.writer = config->writer};
    struct pipeline_config pc = *config->pipeline;
    struct spool_config spool = *config->spool;
    struct pipeline *pipeline = NULL;
    struct head heads[CHAINS_MAX];
    spool.writer = WRITER_RECOVERY;
    spool.copy = true; /* killed now, the next start must find the call as it was, not the half of it that is written anew */
    pc.workers = 0;
    pc.block = config->counters;
    pc.lossless = true;
    pc.front.calls_max = CALLS_LIMIT;
    pc.front.flows_max = 4 * CALLS_LIMIT;
    pc.front.users = false; /* they were told when they were seen */
    pc.worker.spool = &spool;
    pc.worker.recovered = true;
    pc.worker.early_rows = false;
    uid_text(found->info.uid, taker.uid);
    pc.worker.context = &taker;
    pc.worker.emit = take_record;
    pc.worker.spool_mark = NULL; /* what it writes are copies */
    pc.worker.user_event = NULL; /* was stored when it happened */
    int err = pipeline_new(&pc, &pipeline, why);
    if (err == 0) {
        unsigned opened = open_heads(config->data_dir, found, count, heads);
        for (struct head *h; (h = earliest(heads, opened)) != NULL; advance(h)) {
            struct datagram datagram = datagram_of(&h->packet);
            pipeline_datagram(pipeline, &datagram);
        }
        for (unsigned i = 0; i < opened; i++)
            spool_reader_close(heads[i].reader);
        pipeline_finish(pipeline, CALL_END_RESTART);
        if (taker.may_go)
            blank_original(config, &taker, found, count);
    }
    return err;
}

/* ---- all of them ---- */

/* The calls of the list, each once: which of them have their last row already. */
static int ask_whole(const struct recover_config *config, const struct found_list *l, struct store_asked_whole **ret_asked, size_t *ret_count)
{
    struct store_asked_whole *asked = calloc(l->count, sizeof *asked);
    struct store_reader *reader = NULL;
    size_t count = 0;
    for (size_t i = 0; asked && i < l->count; i++) {
        if (i && memcmp(l->items[i].info.uid, l->items[i - 1].info.uid, 16) == 0)
            continue;
        uid_text(l->items[i].info.uid, asked[count].uid);
        asked[count++].about_us = l->items[i].first_ns / 1000;
    }
    int err = asked ? store_reader_open(config->data_dir, &reader) : ERR_NOMEM;
    if (err == 0)
        err = store_calls_whole(reader, asked, count, config->gone_us);
    store_reader_close(reader);
    *ret_asked = asked;
    *ret_count = count;
    return err;
}

static int replay_all(const struct recover_config *config, struct found_list *l, unsigned *ret_calls, struct why *why)
{
    struct store_asked_whole *asked;
    size_t count;
    int err = ask_whole(config, l, &asked, &count);
    for (size_t from = 0, to, n = 0; err == 0 && n < count; from = to, n++) {
        to = from + 1;
        while (to < l->count && memcmp(l->items[to].info.uid, l->items[from].info.uid, 16) == 0)
            to++;
        if (asked[n].whole)
            continue;
        err = replay(config, &l->items[from], to - from, why);
        *ret_calls += err == 0;
    }
    free(asked);
    return err;
}

/* The number of the oldest segments that can still be needed, and how old a call may be that was cut. */
static int look_back(const struct recover_config *config, struct spool_since *ret_since)
{
    struct store_reader *reader = NULL;
    int64_t reach_ns = config->pipeline->front.max_duration_ns;
    *ret_since = (struct spool_since){.written_ns = reach_ns ? clock_wall_ns() - reach_ns - HOUR_NS : 0};
    int err = store_reader_open(config->data_dir, &reader);
    if (err == 0)
        err = store_spool_marks(reader, &ret_since->marks);
    store_reader_close(reader);
    return err;
}

/* All that stands there now is in the database. */
static int look_no_more(const struct recover_config *config)
{
    struct spool_marks all;
    int err = spool_marks_all(config->data_dir, &all);
    for (unsigned w = 0; w < SPOOL_WRITERS && err == 0; w++)
        writer_spool_mark(config->writer, all.segment[w]);
    return err ? err : writer_flush(config->writer);
}

int recover_calls(const struct recover_config *config, unsigned *ret_calls, struct why *why)
{
    struct found_list found = {0};
    struct spool_since since;
    struct spool_looked looked = {0};
    *ret_calls = 0;
    int err = look_back(config, &since);
    if (err == 0)
        err = spool_scan_since(config->data_dir, &since, keep_found, &found, &looked);
    if (err == 0 && found.failed)
        err = ERR_NOMEM;
    log_info("recover", "%u segments of the spool were looked at for calls that were cut, %u hold none", looked.read, looked.passed);
    if (err == 0 && found.count) {
        qsort(found.items, found.count, sizeof *found.items, by_call);
        err = replay_all(config, &found, ret_calls, why);
    }
    if (err == 0)
        err = writer_end_open_calls(config->writer);
    if (err == 0)
        err = look_no_more(config);
    free(found.items);
    return err;
}
