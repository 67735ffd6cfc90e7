#include "api/audit_merge.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

#define PLACES_MAX 256 /* what finds no place is a row each time */
#define RANGES_MAX 16
#define MINUTE_US  (60 * INT64_C(1000000))
#define REASON_MAX 200

struct range {
    uint64_t first, end;
};

struct place {
    bool taken;
    int64_t minute, last_us;
    char actor[80], address[ADDR_TEXT_SIZE], action[32], object[200], reason[REASON_MAX + 1];
    uint64_t more; /* after the first, which is a row */
    uint64_t size;
    unsigned range_count;
    struct range range[RANGES_MAX]; /* in order, apart from each other */
};

struct audit_merge {
    struct audit_out out;
    pthread_mutex_t lock; /* guards what follows; out.put() is called without it */
    int64_t flushed_minute;
    struct place place[PLACES_MAX];
};

struct audit_merge *audit_merge_new(const struct audit_out *out)
{
    struct audit_merge *m = calloc(1, sizeof *m);

    if (m == NULL)
        return NULL;
    m->out = *out;
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

/* ---- ranges ---- */

static void remove_range(struct place *p, unsigned at)
{
    p->range_count--;
    memmove(&p->range[at], &p->range[at + 1], (p->range_count - at) * sizeof p->range[0]);
}

/* When there are too many, the two that lie nearest become one: what is told may be more than what
 * was read. */
static void join_nearest(struct place *p)
{
    unsigned best = 0;

    for (unsigned i = 1; i + 1 < p->range_count; i++)
        if (p->range[i + 1].first - p->range[i].end < p->range[best + 1].first - p->range[best].end)
            best = i;
    p->range[best].end = p->range[best + 1].end;
    remove_range(p, best + 1);
}

static void add_range(struct place *p, uint64_t first, uint64_t end)
{
    unsigned at = 0;

    if (end <= first)
        return;
    while (at < p->range_count && p->range[at].end < first)
        at++;
    while (at < p->range_count && p->range[at].first <= end) {
        first = p->range[at].first < first ? p->range[at].first : first;
        end = p->range[at].end > end ? p->range[at].end : end;
        remove_range(p, at);
    }
    if (p->range_count == RANGES_MAX) {
        join_nearest(p);
        add_range(p, first, end);
        return;
    }
    memmove(&p->range[at + 1], &p->range[at], (p->range_count - at) * sizeof p->range[0]);
    p->range[at] = (struct range){first, end};
    p->range_count++;
}

/* ---- rows ---- */

static void print_first(char out[300], const struct audit_bytes *b, const char *reason)
{
    int n = 0;

    out[0] = '\0';
    if (b->size)
        n = snprintf(out, 300, "bytes %llu+%llu of %llu", (unsigned long long)b->first,
                     (unsigned long long)b->count, (unsigned long long)b->size);
    if (reason)
        snprintf(out + n, 300 - (size_t)n, "%s%.200s", n ? "; " : "", reason);
}

static void print_more(char out[700], const struct place *p)
{
    int n = snprintf(out, 700, "%llu times more in this minute", (unsigned long long)p->more);

    for (unsigned i = 0; i < p->range_count && n < 450; i++)
        n += snprintf(out + n, 700 - (size_t)n, "%s%llu+%llu", i ? ", " : "; all of it: bytes ",
                      (unsigned long long)p->range[i].first,
                      (unsigned long long)(p->range[i].end - p->range[i].first));
    if (p->size)
        n += snprintf(out + n, 700 - (size_t)n, " of %llu", (unsigned long long)p->size);
    if (p->reason[0])
        snprintf(out + n, 700 - (size_t)n, "; %s", p->reason);
}

static int put_more(struct audit_merge *m, const struct place *p)
{
    char detail[700];
    const struct store_audit entry = {.time_us = p->last_us,
                                      .actor = p->actor,
                                      .address = p->address,
                                      .action = p->action,
                                      .object = p->object,
                                      .result = "ok",
                                      .detail = detail};

    print_more(detail, p);
    return m->out.put(m->out.context, &entry);
}

/* Takes one whose minute is over out of the table. */
static bool take_due(struct audit_merge *m, int64_t minute, struct place *ret)
{
    for (unsigned i = 0; i < PLACES_MAX; i++) {
        struct place *p = &m->place[i];
        if (!p->taken || p->minute >= minute)
            continue;
        p->taken = false;
        if (p->more == 0)
            continue;
        *ret = *p;
        return true;
    }
    return false;
}

/* What cannot be written now is kept for the next minute. */
static void keep(struct audit_merge *m, const struct place *p, int64_t minute)
{
    for (unsigned i = 0; i < PLACES_MAX; i++) {
        if (m->place[i].taken)
            continue;
        m->place[i] = *p;
        m->place[i].taken = true;
        m->place[i].minute = minute;
        return;
    }
}

static void flush_before(struct audit_merge *m, int64_t minute)
{
    struct place p;

    pthread_mutex_lock(&m->lock);
    bool due = m->flushed_minute != minute;
    m->flushed_minute = minute;
    while (due && take_due(m, minute, &p)) {
        pthread_mutex_unlock(&m->lock);
        int err = put_more(m, &p);
        pthread_mutex_lock(&m->lock);
        if (err)
            keep(m, &p, minute);
    }
    pthread_mutex_unlock(&m->lock);
}

void audit_merge_flush(struct audit_merge *m, int64_t now_us)
{
    flush_before(m, now_us / MINUTE_US);
}

void audit_merge_free(struct audit_merge *m)
{
    if (m == NULL)
        return;
    flush_before(m, INT64_MAX);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* ---- one reading ---- */

static bool is_same(const struct place *p, const struct store_audit *e, int64_t minute)
{
    return p->taken && p->minute == minute && strcmp(p->object, e->object) == 0 &&
           strcmp(p->actor, e->actor) == 0 && strcmp(p->address, e->address) == 0 &&
           strcmp(p->action, e->action) == 0 &&
           strncmp(p->reason, e->detail ? e->detail : "", REASON_MAX) == 0;
}

static void note(struct place *p, const struct store_audit *e, const struct audit_bytes *b)
{
    p->last_us = e->time_us;
    p->size = b->size;
    add_range(p, b->first, b->first + b->count);
}

/* True: it is one more of what is in the table. */
static bool is_more(struct audit_merge *m, const struct store_audit *e, const struct audit_bytes *b,
                    int64_t minute)
{
    for (unsigned i = 0; i < PLACES_MAX; i++)
        if (is_same(&m->place[i], e, minute)) {
            m->place[i].more++;
            note(&m->place[i], e, b);
            return true;
        }
    return false;
}

static void begin(struct audit_merge *m, const struct store_audit *e, const struct audit_bytes *b,
                  int64_t minute)
{
    struct place *p = NULL;

    for (unsigned i = 0; i < PLACES_MAX && p == NULL; i++)
        p = m->place[i].taken ? NULL : &m->place[i];
    if (p == NULL || strlen(e->object) >= sizeof p->object)
        return;
    *p = (struct place){.taken = true, .minute = minute};
    snprintf(p->actor, sizeof p->actor, "%s", e->actor);
    snprintf(p->address, sizeof p->address, "%s", e->address);
    snprintf(p->action, sizeof p->action, "%s", e->action);
    snprintf(p->object, sizeof p->object, "%s", e->object);
    snprintf(p->reason, sizeof p->reason, "%s", e->detail ? e->detail : "");
    note(p, e, b);
}

int audit_merge_put(struct audit_merge *m, const struct store_audit *entry,
                    const struct audit_bytes *bytes)
{
    int64_t minute = entry->time_us / MINUTE_US;
    struct store_audit first = *entry;
    char detail[300];

    flush_before(m, minute);
    pthread_mutex_lock(&m->lock);
    bool more = is_more(m, entry, bytes, minute);
    pthread_mutex_unlock(&m->lock);
    if (more)
        return 0;
    print_first(detail, bytes, entry->detail);
    first.detail = detail[0] ? detail : NULL;
    int err = m->out.put(m->out.context, &first);
    if (err)
        return err;
    pthread_mutex_lock(&m->lock);
    begin(m, entry, bytes, minute);
    pthread_mutex_unlock(&m->lock);
    return 0;
}
