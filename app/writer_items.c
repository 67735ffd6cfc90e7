/* What each kind of item is in the database: rows, and the jobs and keys that go with them. */
#include "app/writer_internal.h"

#include <string.h>

#include "app/tracks.h"
#include "base/log.h"

#define EARLY_WAITING_MAX 256
#define GAVE_WAY_MAX      (1u << 20) /* calls whose early row gave way; more have one */

/* Its media stands in the spool until somebody has dealt with it. */
static bool is_spooled(const struct call_record *r)
{
    return r->recording.state && strcmp(r->recording.state, "spooling") == 0;
}

static bool wants_render(const struct call_record *r)
{
    return is_spooled(r) && !record_waits_for_request(r);
}

/* Kept while the call goes on (a crash may end it) and until its recording is made. */
static int put_media_keys(struct writer *w, const struct call_record *r)
{
    bool ended = strcmp(r->state, "ended") == 0;
    if (r->secrets.forget) /* it was open whether it would be recorded */
        return store_end_media_keys(w->store, r->uid);
    if (!ended || !r->final || is_spooled(r))
        return r->secrets.count ? store_put_media_keys(w->store, r->uid, r->started_us, &r->secrets) : 0;
    return r->secrets.count || r->recording.recovered ? store_end_media_keys(w->store, r->uid) : 0;
}

bool writer_goes_on(const struct call_record *r)
{
    return wants_render(r) || tracks_wanted(r);
}

/* Of all calls of its conference, which is over. */
static int end_keys_of_all(struct writer *w, const struct call_record *r)
{
    const struct record_conference *c = &r->related.conference;
    int err = store_end_media_keys(w->store, r->uid);
    for (uint32_t i = 0; i < c->participant_count && err == 0; i++)
        if (c->participants[i].uid[0])
            err = store_end_media_keys(w->store, c->participants[i].uid);
    return err;
}

static int put_jobs(struct writer *w, const struct call_record *r)
{
    int err = put_media_keys(w, r);
    if (err == 0 && wants_render(r))
        err = store_put_job(w->store, "render", r->uid, r->started_us);
    if (err == 0 && record_waits_for_request(r))
        err = store_put_job(w->store, ON_DEMAND_JOB, r->uid, r->started_us);
    if (err == 0 && tracks_wanted(r))
        err = store_put_job(w->store, "tracks", r->uid, r->started_us);
    else if (err == 0 && r->final && r->secrets.count && tracks_all_left(r)) /* too few for tracks */
        err = end_keys_of_all(w, r);
    return err;
}

static int put_tracks(struct writer *w, const struct call_record *r)
{
    int err = r->tracks.count ? store_put_tracks(w->store, r->uid, r->started_us, &r->tracks) : 0;
    if (err == 0)
        err = store_end_job_for(w->store, "tracks", r->uid);
    return err ? err : end_keys_of_all(w, r);
}

/* Its figures stand already: they are counted once. */
static int put_rendered(struct writer *w, const struct call_record *r)
{
    int err = r->diagnosis.sounded ? store_put_call(w->store, r) : store_put_recording(w->store, r->uid, r->started_us, &r->recording);
    if (err == 0 && r->recording.sidecar_due)
        err = store_put_job(w->store, STORE_SIDECAR_JOB, r->uid, r->started_us);
    if (err == 0)
        err = store_end_job_for(w->store, "render", r->uid);
    return err == 0 && r->secrets.count && !tracks_may_come(r) ? store_end_media_keys(w->store, r->uid) : err;
}

/* What a recording or tracks were made of: deleted meanwhile, it does not come back. */
static int put_made(struct writer *w, struct item *item)
{
    const struct call_record *r = item->record;
    bool sound = item->kind == ITEM_RENDERED, deleted = false;
    int err = store_was_deleted(w->store, r->uid, r->started_us, &deleted);
    item->unwanted = deleted;
    if (err || !deleted)
        return err ? err : sound ? put_rendered(w, r) : put_tracks(w, r);
    if (w->config.unwanted)
        w->config.unwanted(w->config.context, r);
    err = store_end_job_for(w->store, sound ? "render" : "tracks", r->uid);
    return err ? err : sound ? store_end_media_keys(w->store, r->uid) : end_keys_of_all(w, r);
}

static int put_requested(struct writer *w, const struct call_record *r)
{
    int err = store_put_recording(w->store, r->uid, r->started_us, &r->recording);
    if (err == 0)
        err = store_put_job(w->store, "render", r->uid, r->started_us);
    return err ? err : store_end_job_for(w->store, ON_DEMAND_JOB, r->uid);
}

/* A row that another one of the same call will replace gives way when many wait. */
static bool gives_way(struct writer *w, const struct item *item)
{
    const struct call_record *r = item->record;
    bool many = inbox_depth(w->inbox) > EARLY_WAITING_MAX && w->gave_way.count < GAVE_WAY_MAX;
    return many && !r->final && !writer_goes_on(r) && !item->kept;
}

static uint64_t hash_of(const struct writer *w, const char *uid)
{
    return hash_bytes(&w->seed, uid, strlen(uid));
}

/* The other half of the hash; two calls with the same are told as one, which costs a look. */
static uint32_t half_of(uint64_t hash)
{
    return (uint32_t)hash == MAP_NONE ? 0 : (uint32_t)hash;
}

/* In place of an early row: what the media of the call needs to be there after a crash. */
static int write_less(struct writer *w, const struct call_record *r)
{
    uint64_t hash = hash_of(w, r->uid);
    (void)map_remove(&w->gave_way, hash, half_of(hash)); /* each stands there once */
    int err = map_add(&w->gave_way, hash, half_of(hash));
    if (err == 0)
        err = store_put_job(w->store, STORE_OPEN_JOB, r->uid, r->started_us);
    return err ? err : put_media_keys(w, r);
}

static bool gave_way(struct writer *w, const struct call_record *r)
{
    uint64_t hash = w->gave_way.count ? hash_of(w, r->uid) : 0;
    return w->gave_way.count && map_remove(&w->gave_way, hash, half_of(hash));
}

static int write_record(struct writer *w, struct item *item)
{
    const struct call_record *r = item->record;
    if (r->secrets.alone)
        return put_media_keys(w, r);
    if (gives_way(w, item))
        return write_less(w, r);
    int err = store_put_call(w->store, r);
    if (err == 0 && r->header_tags)
        err = store_add_tags(w->store, r->uid, r->started_us, r->header_tags);
    if (r->final && r->ended_us / KPI_MINUTE_US > w->kpi_minute) {
        w->kpi_minute = r->ended_us / KPI_MINUTE_US;
        w->kpi_due = true;
    }
    item->gave_way |= r->final && gave_way(w, r); /* also when it is written once more */
    if (err == 0 && item->gave_way)
        err = store_end_job_for(w->store, STORE_OPEN_JOB, r->uid);
    return err ? err : put_jobs(w, r);
}

/* What has its job still was not done: its row stands, too. */
static int write_deletions(struct writer *w, const struct writer_deletions *d)
{
    int err = 0;
    for (unsigned i = 0; i < d->count && err == 0; i++) {
        bool is_new = true;
        if (d->records[i])
            err = store_delete_recording(w->store, d->records[i], d->rows[i].time_us, d->rows[i].reason);
        else
            err = store_put_job_new(w->store, "delete", d->rows[i].object, d->rows[i].started_us, &is_new);
        if (err == 0 && is_new)
            err = store_put_deletion(w->store, &d->rows[i]);
    }
    return err;
}

int writer_write(struct writer *w, struct item *item)
{
    switch (item->kind) {
    case ITEM_RECORD:
        return write_record(w, item);
    case ITEM_RENDERED:
    case ITEM_TRACKS:
        return put_made(w, item);
    case ITEM_REQUESTED:
        return put_requested(w, item->record);
    case ITEM_JOB_GONE: {
        int err = store_end_job_for(w->store, item->job_kind, item->job_uid);
        bool of_sidecar = strcmp(item->job_kind, STORE_SIDECAR_JOB) == 0; /* of its call something may still be to be decoded */
        return err || of_sidecar ? err : store_end_media_keys(w->store, item->job_uid);
    }
    case ITEM_AUDIT:
        return store_put_audit(w->store, item->audit);
    case ITEM_TAGS:
        return store_put_tags(w->store, item->uid, item->started_us, item->tags);
    case ITEM_TAGS_OF_MANY:
        return store_change_tags(w->store, item->tag_change, item->tagged, item->tagged_count);
    case ITEM_NOTE:
        return store_change_note(w->store, item->note);
    case ITEM_FLUSH:
        w->kpi_due = true;
        w->kpi_flushed_ns = 0;
        return 0;
    case ITEM_DROP_KPI: {
        int err = store_kpi_drop(w->store, item->kpi_before_us);
        return err ? err : store_drop_deletions(w->store, item->kpi_before_us[STORE_KPI_DAY]);
    }
    case ITEM_DELETED:
        return write_deletions(w, item->deletions);
    case ITEM_TOKEN:
        return store_put_token(w->store, item->token);
    case ITEM_TOKEN_USED:
        return store_token_used(w->store, item->job_uid, item->now_us);
    case ITEM_ACCOUNT:
        return store_put_account(w->store, item->account, item->ret_stale);
    case ITEM_ACCOUNT_USED:
        return store_account_used(w->store, item->uid, item->now_us);
    case ITEM_ACCOUNT_GONE:
        return store_drop_account(w->store, item->uid);
    case ITEM_FILES_GONE:
        return store_end_deletion(w->store, item->record);
    case ITEM_SPOOL_MARK: /* all that came ahead of it is committed with it */
        w->marks.segment[item->spool_segment % SPOOL_WRITERS] = item->spool_segment;
        w->marks_new = true;
        return 0;
    case ITEM_END_OPEN: {
        unsigned count = 0;
        int err = store_end_open_calls(w->store, &count);
        if (count)
            log_warn("recover", "%u calls without anything in the spool end as restart", count);
        return err ? err : store_kpi_adopt(w->store);
    }
    case ITEM_USER:
        return store_put_user(w->store, item->user_kind, item->user);
    case ITEM_REGISTRATION: {
        const struct writer_registration *r = &item->registration;
        store_kpi_registration(w->store, r->at_us, r->trunk[0] ? r->trunk : NULL, r->success, r->code, r->rrd_ms);
        if (r->at_us / KPI_MINUTE_US > w->kpi_minute) {
            w->kpi_minute = r->at_us / KPI_MINUTE_US;
            w->kpi_due = true;
        }
        return 0;
    }
    case ITEM_USERS_OVERDUE:
        return store_users_overdue(w->store, item->now_us);
    case ITEM_DROP_DAY:
        *item->ret_err = store_drop_day(w->store, item->day_drop);
        return 0;
    case ITEM_DROP_MEDIA_KEYS:
        return store_drop_media_keys(w->store, item->now_us);
    }
    return ERR_INVALID;
}
