/* A recording that waits has the state `spooling` and no result; asking gives it its result and a render job, running out of time the
 * result on_demand_dropped and the same job, which then takes its media out of the spool. */
#include "app/on_demand.h"

#include <stdlib.h>
#include <string.h>

#include "app/live_view.h"
#include "app/worker_rules.h"
#include "base/log.h"

#define SWEEP_MAX 1024 /* calls a sweep deals with: the rest waits for the next */

static bool on_demand_action(unsigned action)
{
    return action == RULE_ON_DEMAND || action == RULE_ON_DEMAND_KEEP;
}

static int64_t newest_ns(const struct wcall *wc)
{
    int64_t newest = wc->brief->answered_ns ? wc->brief->answered_ns : wc->brief->started_ns;
    for (const struct wstream *s = wc->streams; s; s = s->next)
        newest = s->last_ns > newest ? s->last_ns : newest;
    return newest;
}

void on_demand_look(void *context, struct worker *w)
{
    struct on_demand_live *live = context;
    struct wcall *wc = live_view_find(w, live->want);
    if (wc == NULL)
        return;
    if (!on_demand_action(wc->decision->action)) {
        live->answer = wc->decision->keep == RULE_KEEP_ALL ? API_REQUEST_ALREADY : API_REQUEST_NOT_KEPT;
        return;
    }
    live->answer = wc->requested_ns ? API_REQUEST_ALREADY : API_REQUEST_TAKEN;
    if (wc->requested_ns == 0)
        wc->requested_ns = newest_ns(wc);
}

/* ---- calls that are over ---- */

static enum api_request_answer judge(const struct call_record *r, int64_t wait_ns, int64_t now_us)
{
    const struct record_recording *g = &r->recording;
    if (g->result && strcmp(g->result, "on_demand_dropped") == 0)
        return API_REQUEST_TOO_LATE;
    if (!record_waits_for_request(r))
        return g->result && strcmp(g->result, "recorded") == 0 ? API_REQUEST_ALREADY : API_REQUEST_NOT_KEPT;
    bool waits = now_us <= r->ended_us + wait_ns / 1000;
    bool reaches = g->look_back_ms == 0 || now_us - g->look_back_ms * 1000 < r->ended_us;
    return waits && reaches ? API_REQUEST_TAKEN : API_REQUEST_TOO_LATE;
}

enum api_request_answer on_demand_stored(struct writer *w, struct call_record *r, int64_t wait_ns, int64_t now_us)
{
    enum api_request_answer answer = judge(r, wait_ns, now_us);
    if (answer != API_REQUEST_TAKEN) {
        record_free(r);
        return answer;
    }
    record_on_demand(r, now_us);
    return writer_requested(w, r) == 0 ? API_REQUEST_TAKEN : API_REQUEST_FAILED;
}

/* ---- the sweep ---- */

struct waiting {
    struct store_job jobs[SWEEP_MAX];
    unsigned count;
    int64_t before_us;
};

static void note_job(void *context, const struct store_job *job)
{
    struct waiting *l = context;
    if (strcmp(job->kind, ON_DEMAND_JOB) == 0 && job->started_us < l->before_us && l->count < SWEEP_MAX)
        l->jobs[l->count++] = *job;
}

static void end_one(struct writer *w, struct store_reader *reader, const struct store_job *job, int64_t before_us)
{
    struct call_record *r = NULL;
    int err = store_call(reader, job->uid, &r);
    if (err == ERR_NOT_FOUND) {
        writer_job_gone(w, ON_DEMAND_JOB, job->uid);
        return;
    }
    if (err || r->ended_us >= before_us || !record_waits_for_request(r)) {
        record_free(r);
        return;
    }
    r->recording.result = "on_demand_dropped";
    if (writer_requested(w, r) != 0)
        log_warn("rules", "call %s, which nobody asked for, could not be dropped yet", job->uid);
}

void on_demand_sweep(struct writer *w, const char *data_dir, int64_t wait_ns, int64_t now_us)
{
    struct waiting *l = calloc(1, sizeof *l);
    struct store_reader *reader = NULL;
    if (l == NULL || store_reader_open(data_dir, &reader) != 0) {
        free(l);
        return;
    }
    l->before_us = now_us - wait_ns / 1000;
    store_jobs(reader, note_job, l);
    for (unsigned i = 0; i < l->count; i++)
        end_one(w, reader, &l->jobs[i], l->before_us);
    store_reader_close(reader);
    free(l);
}
