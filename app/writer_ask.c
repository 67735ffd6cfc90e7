/* What other threads ask of the writer: an item into its inbox. Who has to know what became of it waits at a gate on his own stack, and
 * what he asks with stays his; what nobody waits for is a copy, or given away. */
#include "app/writer_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

void writer_gate_open(struct gate *g, int err)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    g->err = err;
    pthread_cond_signal(&g->opened);
    pthread_mutex_unlock(&g->lock);
}

static int gate_wait(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    while (!g->open)
        pthread_cond_wait(&g->opened, &g->lock);
    pthread_mutex_unlock(&g->lock);
    return g->err;
}

static bool put(struct writer *w, struct item value)
{
    struct item *item = malloc(sizeof *item);
    if (item == NULL)
        return false;
    *item = value;
    bool hurry = item->gate != NULL;
    if (inbox_put_wait(w->inbox, item)) {
        if (hurry)
            inbox_hurry(w->inbox);
        return true;
    }
    free(item);
    return false;
}

static void put_record(struct writer *w, enum item_kind kind, struct call_record *record)
{
    if (put(w, (struct item){.kind = kind, .record = record}))
        return;
    atomic_store(&w->lost_call, true);
    log_error("writer", "no room to store call %s", record->uid);
    record_free(record);
}

void writer_record(struct writer *w, struct call_record *record)
{
    put_record(w, ITEM_RECORD, record);
}

void writer_spool_mark(struct writer *w, uint32_t segment)
{
    put(w, (struct item){.kind = ITEM_SPOOL_MARK, .spool_segment = segment});
}

void writer_rendered(struct writer *w, struct call_record *record)
{
    put_record(w, ITEM_RENDERED, record);
}

void writer_tracks(struct writer *w, struct call_record *record)
{
    put_record(w, ITEM_TRACKS, record);
}

void writer_job_gone(struct writer *w, const char *kind, const char *uid)
{
    struct item item = {.kind = ITEM_JOB_GONE};
    snprintf(item.job_kind, sizeof item.job_kind, "%s", kind);
    snprintf(item.job_uid, sizeof item.job_uid, "%s", uid);
    put(w, item);
}

static bool room_for_user(struct writer *w, bool wait)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    while (atomic_load(&w->users_waiting) >= WRITER_USERS_MAX) {
        if (!wait)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

static bool put_user(struct writer *w, struct item item, bool wait)
{
    if (room_for_user(w, wait)) {
        atomic_fetch_add(&w->users_waiting, 1);
        if (put(w, item))
            return true;
        atomic_fetch_sub(&w->users_waiting, 1);
    }
    atomic_fetch_add(&w->users_lost, 1);
    return false;
}

void writer_user(struct writer *w, enum user_kind kind, void *record, bool wait)
{
    if (!put_user(w, (struct item){.kind = ITEM_USER, .user_kind = kind, .user = record}, wait))
        free(record);
}

void writer_registration(struct writer *w, const struct writer_registration *r, bool wait)
{
    put_user(w, (struct item){.kind = ITEM_REGISTRATION, .registration = *r}, wait);
}

void writer_users_overdue(struct writer *w, int64_t now_us)
{
    put(w, (struct item){.kind = ITEM_USERS_OVERDUE, .now_us = now_us});
}

/* False: there was no room for it; what it carries is still the caller's. Else what became of it, and what it carried has gone. */
static bool put_and_see(struct writer *w, struct item value, int *ret_err)
{
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER};
    value.gate = &gate;
    bool taken = put(w, value);
    *ret_err = taken ? gate_wait(&gate) : ERR_FULL;
    pthread_cond_destroy(&gate.opened);
    pthread_mutex_destroy(&gate.lock);
    return taken;
}

/* Of what carries nothing of its own. */
static int put_and_wait(struct writer *w, struct item value)
{
    int err;
    (void)put_and_see(w, value, &err);
    return err;
}

int writer_requested(struct writer *w, struct call_record *record)
{
    int err;
    if (!put_and_see(w, (struct item){.kind = ITEM_REQUESTED, .record = record}, &err))
        record_free(record);
    return err;
}

int writer_audit(struct writer *w, const struct store_audit *entry)
{
    return put_and_wait(w, (struct item){.kind = ITEM_AUDIT, .audit = entry});
}

/* Texts stand behind the entry, in one block that the item owns. */
bool writer_audit_later(struct writer *w, const struct store_audit *entry)
{
    const char *const texts[] = {entry->actor, entry->address, entry->action, entry->object, entry->result,
                                 entry->detail ? entry->detail : ""};
    const char *copies[6];
    size_t size = sizeof *entry;
    for (unsigned i = 0; i < 6; i++)
        size += strlen(texts[i]) + 1;
    struct store_audit *e = malloc(size);
    if (e == NULL)
        return false;
    char *at = (char *)(e + 1);
    for (unsigned i = 0; i < 6; i++) {
        size = strlen(texts[i]) + 1;
        copies[i] = memcpy(at, texts[i], size);
        at += size;
    }
    *e = (struct store_audit){entry->time_us, copies[0], copies[1], copies[2], copies[3], copies[4], copies[5]};
    bool taken = put(w, (struct item){.kind = ITEM_AUDIT, .audit = e, .user = e});
    if (!taken)
        free(e);
    return taken;
}

int writer_tags(struct writer *w, const char *uid, int64_t started_us, const struct record_tags *tags)
{
    return put_and_wait(w, (struct item){.kind = ITEM_TAGS, .tags = tags, .uid = uid, .started_us = started_us});
}

int writer_tags_of_many(struct writer *w, const struct record_tag_change *change, struct store_tagged *calls, unsigned count)
{
    return put_and_wait(w, (struct item){.kind = ITEM_TAGS_OF_MANY, .tag_change = change, .tagged = calls, .tagged_count = count});
}

int writer_note(struct writer *w, struct store_note *note)
{
    return put_and_wait(w, (struct item){.kind = ITEM_NOTE, .note = note});
}

int writer_deleted(struct writer *w, const struct writer_deletions *d)
{
    return put_and_wait(w, (struct item){.kind = ITEM_DELETED, .deletions = d});
}

int writer_token(struct writer *w, const struct store_token *token)
{
    return put_and_wait(w, (struct item){.kind = ITEM_TOKEN, .token = token});
}

void writer_token_used(struct writer *w, const char *id, int64_t used_us)
{
    struct item item = {.kind = ITEM_TOKEN_USED, .now_us = used_us};
    snprintf(item.job_uid, sizeof item.job_uid, "%s", id);
    put(w, item);
}

int writer_account(struct writer *w, const struct store_account *account)
{
    bool stale = false;
    int err = put_and_wait(w, (struct item){.kind = ITEM_ACCOUNT, .account = account, .ret_stale = &stale});
    return err == 0 && stale ? ERR_EXISTS : err;
}

int writer_account_used(struct writer *w, const char *name, int64_t used_us)
{
    return put_and_wait(w, (struct item){.kind = ITEM_ACCOUNT_USED, .uid = name, .now_us = used_us});
}

int writer_account_gone(struct writer *w, const char *name)
{
    return put_and_wait(w, (struct item){.kind = ITEM_ACCOUNT_GONE, .uid = name});
}

void writer_files_gone(struct writer *w, struct call_record *record)
{
    put_record(w, ITEM_FILES_GONE, record);
}

int writer_flush(struct writer *w)
{
    return put_and_wait(w, (struct item){.kind = ITEM_FLUSH});
}

int writer_end_open_calls(struct writer *w)
{
    return put_and_wait(w, (struct item){.kind = ITEM_END_OPEN});
}

int writer_drop_day(struct writer *w, struct store_day_drop *drop)
{
    int dropped = 0;
    int err = put_and_wait(w, (struct item){.kind = ITEM_DROP_DAY, .day_drop = drop, .ret_err = &dropped});
    return dropped ? dropped : err;
}

void writer_drop_media_keys(struct writer *w, int64_t before_us)
{
    put(w, (struct item){.kind = ITEM_DROP_MEDIA_KEYS, .now_us = before_us});
}

void writer_drop_kpi(struct writer *w, const int64_t before_us[STORE_KPI_LEVELS])
{
    struct item item = {.kind = ITEM_DROP_KPI};
    memcpy(item.kpi_before_us, before_us, sizeof item.kpi_before_us);
    put(w, item);
}

size_t writer_depth(struct writer *w)
{
    return inbox_depth(w->inbox) + atomic_load(&w->again_count);
}

int writer_error(const struct writer *w)
{
    return atomic_load(&w->error);
}
