/* The way of a record out of a worker. It is emitted when the spool has written what it points to,
 * so whoever gets it can read the packets at once; until then it waits in order. While the disk
 * refuses it waits PATIENCE_NS more: early rows tell of the call meanwhile. What is not written by
 * then is not pointed to, and the recording says `disk`, or that it is truncated. */
#include "app/worker_internal.h"

#include <stdlib.h>

#include "app/media_drop.h"
#include "base/log.h"

#define PATIENCE_NS (INT64_C(10) * 1000000000)

struct pending_record {
    struct pending_record *next;
    struct call_record *record;
    uint64_t media_position, sip_position; /* may go out once both spools are written up to here */
    int64_t since_ns;                      /* tick time */
    struct wplace begun;
};

void worker_emit(struct worker *w, struct call_record *record)
{
    if (record && w->config.emit)
        w->config.emit(w->config.context, record);
    else
        record_free(record);
}

/* ---- what the disk did not take ---- */

static void remove_chain(struct call_record *r, uint32_t at)
{
    memmove(&r->chains[at], &r->chains[at + 1], (r->chain_count - at - 1) * sizeof *r->chains);
    r->chain_count--;
    for (uint32_t i = 0; i < r->stream_count; i++) {
        uint32_t *chain = &r->streams[i].flow_chain; /* from 1 */
        *chain = *chain == at + 1 ? 0 : *chain > at + 1 ? *chain - 1 : *chain;
    }
}

/* Chains whose end is not written, taken out: how many of media. */
static unsigned remove_unwritten(const struct worker *w, struct call_record *r)
{
    unsigned media = 0;
    for (uint32_t k = 0; k < r->chain_count;) {
        const struct record_chain *c = &r->chains[k];
        const struct spool *s = c->party ? w->spool : w->sip_spool;
        if (s == NULL || spool_ref_written(s, c->tail)) {
            k++;
            continue;
        }
        media += c->party && !c->rtcp;
        remove_chain(r, k);
    }
    return media;
}

static void settle(struct worker *w, struct call_record *r)
{
    struct record_recording *g = &r->recording;
    if (remove_unwritten(w, r) == 0 || g->state == NULL)
        return;
    g->truncated = true;
    for (uint32_t k = 0; k < r->chain_count; k++)
        if (r->chains[k].party && !r->chains[k].rtcp)
            return; /* there is something to hear */
    if (g->result == NULL || strcmp(g->result, "recorded") == 0)
        g->result = "disk";
    g->state = NULL;
    g->id[0] = '\0';
    coverage_count(w->counters, r);
}

/* ---- waiting ---- */

static bool is_written(const struct worker *w, const struct pending_record *p)
{
    return (w->spool == NULL || spool_written(w->spool) >= p->media_position) &&
           (w->sip_spool == NULL || spool_written(w->sip_spool) >= p->sip_position);
}

static bool is_refused(const struct worker *w)
{
    return (w->spool && spool_error(w->spool)) || (w->sip_spool && spool_error(w->sip_spool));
}

static bool may_go(const struct worker *w, const struct pending_record *p)
{
    int64_t waited_ns = w->now_ns - p->since_ns;
    return is_written(w, p) || (is_refused(w) && (waited_ns >= PATIENCE_NS || waited_ns < 0));
}

static void emit_first(struct worker *w)
{
    struct pending_record *p = w->pending;
    w->pending = p->next;
    if (w->pending == NULL)
        w->pending_end = &w->pending;
    settle(w, p->record);
    worker_emit(w, p->record);
    free(p);
}

void worker_emit_written(struct worker *w)
{
    while (w->pending && may_go(w, w->pending))
        emit_first(w);
}

void worker_emit_rest(struct worker *w)
{
    while (w->pending)
        emit_first(w);
}

void worker_pending_place(const struct worker *w, struct wplace *least)
{
    for (const struct pending_record *p = w->pending; p; p = p->next)
        worker_place_lower(least, &p->begun);
}

void worker_queue_record(struct worker *w, struct call_record *record, const struct wplace *begun)
{
    struct pending_record *p = record ? malloc(sizeof *p) : NULL;
    if (p == NULL) {
        counters_add(w->counters, C_DB_LOST, 1);
        w->lost_record = true;
        record_free(record);
        return;
    }
    *p = (struct pending_record){
        .record = record,
        .media_position = w->spool ? spool_appended(w->spool) : 0,
        .sip_position = w->sip_spool ? spool_appended(w->sip_spool) : 0,
        .since_ns = w->now_ns,
        .begun = *begun,
    };
    *w->pending_end = p;
    w->pending_end = &p->next;
    worker_emit_written(w);
}

/* ---- the disk ---- */

/* Once when it begins and when it is over, whatever the disk says in between. */
static void tell_trouble(struct worker *w, int err)
{
    if (err && !w->disk_error)
        log_error("spool",
                  "the disk does not take media or signalling: %s; calls and their quality go on, "
                  "recordings say "
                  "`disk` or that they are truncated",
                  err_text(err));
    if (w->disk_error && !err)
        log_warn("spool", "the disk takes media and signalling again");
    w->disk_error = err;
}

void worker_watch_disk(struct worker *w)
{
    bool failing = spool_error(w->spool) != 0, sip_failing = spool_error(w->sip_spool) != 0;
    tell_trouble(w, failing ? spool_error(w->spool) : spool_error(w->sip_spool));
    counters_set(w->counters, C_SPOOL_FAILING, (uint64_t)failing + sip_failing);
    counters_set(w->counters, C_SPOOL_SLOW,
                 (uint64_t)spool_slow(w->spool) + spool_slow(w->sip_spool));
}
