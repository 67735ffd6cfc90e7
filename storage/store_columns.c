/* Two locks: `lock` guards the table of days and the versions, and is held for moments only, so that
 * the writer never waits; the lock of a day guards its facts, among readers. Who finds a day being
 * read in goes on without it. */
#include "storage/store_columns.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/store_facts.h"
#include "storage/store_db.h"

#define BLOCK      64 /* calls */
#define DAYS_MAX   64
#define NOTED_MAX  256  /* blocks of a transaction; more are all */
#define STALE_MAX  1024 /* blocks that are read one by one; more are read in one go */
#define STALE_FEW  64   /* so many others wait for; while there are more they go on without the day */
#define ASKED_ONCE 1
#define RECENTLY   64   /* questions: a day of these gives no room, or two days would take turns reading themselves in */

struct columns_day {
    char day[DB_DAY_SIZE];
    unsigned users;   /* under the lock of all, as all up to here */
    uint64_t used_at;
    unsigned asked;
    size_t bytes;
    atomic_bool filling;
    pthread_mutex_t lock; /* of what follows */
    dev_t device;
    ino_t inode;
    bool filled;
    uint32_t blocks; /* there is room for, in the arrays */
    uint32_t end;    /* behind the last that holds a call */
    uint32_t *version; /* as of when it was read */
    uint32_t *now;     /* scratch */
    struct facts facts;
};

/* What the writer changed. */
struct versions {
    char day[DB_DAY_SIZE];
    uint32_t all; /* counts on top of each */
    uint32_t count;
    uint32_t *of;
};

struct columns {
    pthread_mutex_t lock;
    size_t bytes_max, bytes;
    uint64_t uses;
    struct columns_day *days[DAYS_MAX];
    struct versions versions[DAYS_MAX];
    unsigned version_count;
    uint32_t elsewhere; /* changes of days that have no versions of their own */
};

struct columns *columns_new(size_t bytes_max)
{
    struct columns *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    c->bytes_max = bytes_max;
    return c;
}

static void day_free(struct columns_day *d)
{
    if (d == NULL)
        return;
    facts_free(&d->facts);
    free(d->version);
    free(d->now);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

void columns_free(struct columns *c)
{
    if (c == NULL)
        return;
    for (unsigned i = 0; i < DAYS_MAX; i++)
        day_free(c->days[i]);
    for (unsigned i = 0; i < c->version_count; i++)
        free(c->versions[i].of);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

size_t columns_bytes(struct columns *c)
{
    pthread_mutex_lock(&c->lock);
    size_t n = c->bytes;
    pthread_mutex_unlock(&c->lock);
    return n;
}

/* ---- the writer ---- */

/* Small and its own: a batch touches few blocks. */
struct columns_noted {
    unsigned count;
    bool all;
    uint32_t block[NOTED_MAX];
};

void columns_note(struct db *db, int64_t id)
{
    if (db->noted == NULL)
        db->noted = calloc(1, sizeof *db->noted);
    struct columns_noted *n = db->noted;
    if (n == NULL) {
        db->noted_lost = true;
        return;
    }
    uint32_t block = (uint32_t)(id / BLOCK);
    for (unsigned i = n->count; i > 0; i--) /* the newest is the likeliest */
        if (n->block[i - 1] == block)
            return;
    if (n->count == NOTED_MAX)
        n->all = true;
    else
        n->block[n->count++] = block;
}

/* Nobody who has read the day remembers its versions. */
static bool is_held(const struct columns *c, const char *day)
{
    for (int i = 0; i < DAYS_MAX; i++)
        if (c->days[i] && strcmp(c->days[i]->day, day) == 0)
            return c->days[i]->users || c->days[i]->bytes;
    return false;
}

/* The place of a day that nobody holds, the first that is found; NULL: all are held. */
static struct versions *give_way(struct columns *c)
{
    for (unsigned i = 0; i < c->version_count; i++) {
        struct versions *v = &c->versions[i];
        if (is_held(c, v->day))
            continue;
        free(v->of);
        *v = (struct versions){0};
        return v;
    }
    return NULL;
}

static struct versions *versions_of(struct columns *c, const char *day, bool make)
{
    for (unsigned i = 0; i < c->version_count; i++)
        if (strcmp(c->versions[i].day, day) == 0)
            return &c->versions[i];
    if (!make)
        return NULL;
    struct versions *v = c->version_count < DAYS_MAX ? &c->versions[c->version_count++] : give_way(c);
    if (v)
        snprintf(v->day, sizeof v->day, "%s", day);
    return v;
}

/* Room for the block; without memory all count as changed. */
static void change(struct versions *v, uint32_t block)
{
    if (block >= v->count) {
        uint32_t count = block + 1 + block / 2;
        uint32_t *of = realloc(v->of, count * sizeof *of);
        if (of == NULL) {
            v->all++;
            return;
        }
        memset(of + v->count, 0, (count - v->count) * sizeof *of);
        v->of = of;
        v->count = count;
    }
    v->of[block]++;
}

static void publish(struct columns *c, const char *day, const struct columns_noted *n, bool all)
{
    pthread_mutex_lock(&c->lock);
    struct versions *v = versions_of(c, day, true);
    if (v == NULL)
        c->elsewhere++;
    else if (all)
        v->all++;
    for (unsigned i = 0; v && !all && i < n->count; i++)
        change(v, n->block[i]);
    pthread_mutex_unlock(&c->lock);
}

void columns_done(struct db *db, bool committed)
{
    struct columns_noted *n = db->noted;
    bool all = db->noted_lost || (n && n->all);
    if (committed && db->columns && (all || (n && n->count)))
        publish(db->columns, db->day, n, all);
    db->noted_lost = false;
    if (n) {
        n->count = 0;
        n->all = false;
    }
}

/* ---- days ---- */

/* The one that was not used for longest, of those that nobody uses or has just used. */
static bool evict(struct columns *c, const struct columns_day *but)
{
    int oldest = -1;
    for (int i = 0; i < DAYS_MAX; i++) {
        const struct columns_day *d = c->days[i];
        if (d == NULL || d == but || d->users || (d->bytes && c->uses - d->used_at < RECENTLY))
            continue;
        if (oldest < 0 || d->used_at < c->days[oldest]->used_at)
            oldest = i;
    }
    if (oldest < 0)
        return false;
    c->bytes -= c->days[oldest]->bytes;
    day_free(c->days[oldest]);
    c->days[oldest] = NULL;
    return true;
}

static struct columns_day *day_new(struct columns *c, const char *day)
{
    int at = 0;
    while (at < DAYS_MAX && c->days[at])
        at++;
    if (at == DAYS_MAX && !evict(c, NULL))
        return NULL;
    for (at = 0; c->days[at];)
        at++;
    struct columns_day *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    snprintf(d->day, sizeof d->day, "%s", day);
    pthread_mutex_init(&d->lock, NULL);
    c->days[at] = d;
    return d;
}

/* NULL: not (yet) worth it. Else it stays until let_go(). */
static struct columns_day *take_day(struct columns *c, const char *day)
{
    struct columns_day *d = NULL;
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < DAYS_MAX && d == NULL; i++)
        if (c->days[i] && strcmp(c->days[i]->day, day) == 0)
            d = c->days[i];
    if (d == NULL)
        d = day_new(c, day);
    if (d && d->asked++ < ASKED_ONCE)
        d = NULL;
    if (d) {
        d->users++;
        d->used_at = ++c->uses;
    }
    pthread_mutex_unlock(&c->lock);
    return d;
}

static void let_go(struct columns *c, struct columns_day *d)
{
    pthread_mutex_lock(&c->lock);
    d->users--;
    pthread_mutex_unlock(&c->lock);
}

/* Others go for it; false when even so there is none. */
static bool has_room(struct columns *c, struct columns_day *d, size_t bytes)
{
    pthread_mutex_lock(&c->lock);
    while (bytes <= c->bytes_max && c->bytes - d->bytes + bytes > c->bytes_max && evict(c, d))
        continue;
    bool fits = c->bytes - d->bytes + bytes <= c->bytes_max;
    if (fits) {
        c->bytes += bytes - d->bytes;
        d->bytes = bytes;
    }
    pthread_mutex_unlock(&c->lock);
    return fits;
}

static bool grow(struct columns *c, struct columns_day *d, uint32_t blocks)
{
    if (blocks <= d->blocks)
        return true;
    blocks += blocks / 8 + 16;
    size_t bytes = (size_t)blocks * (BLOCK * sizeof(struct fact) + 2 * sizeof(uint32_t));
    if (!has_room(c, d, bytes))
        return false;
    uint32_t *version = realloc(d->version, blocks * sizeof *version);
    if (version)
        d->version = version;
    uint32_t *now = version ? realloc(d->now, blocks * sizeof *now) : NULL;
    if (now)
        d->now = now;
    if (now == NULL || !facts_grow(&d->facts, (size_t)blocks * BLOCK))
        return false;
    memset(version + d->blocks, 0xff, (blocks - d->blocks) * sizeof *version);
    d->blocks = blocks;
    return true;
}

/* ---- facts out of the file ---- */

/* The versions as they are ahead of reading: what is committed meanwhile counts as not read. */
static void look_at_versions(struct columns *c, struct columns_day *d)
{
    pthread_mutex_lock(&c->lock);
    const struct versions *v = versions_of(c, d->day, false);
    for (uint32_t i = 0; i < d->blocks; i++)
        d->now[i] = c->elsewhere + (v ? v->all + (i < v->count ? v->of[i] : 0) : 0);
    pthread_mutex_unlock(&c->lock);
}

static bool read_rows(struct columns_day *d, sqlite3_stmt *rows)
{
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(rows, 0);
        if (id >= 0 && (uint64_t)id < (uint64_t)d->blocks * BLOCK)
            facts_put(&d->facts, id, rows);
    }
    sqlite3_reset(rows);
    return rc == SQLITE_DONE;
}

static bool read_all(struct columns_day *d, struct db *db)
{
    sqlite3_stmt *rows = db_statement(db, SQL_FACTS);
    facts_clear(&d->facts, 0, (size_t)d->blocks * BLOCK);
    facts_forget_names(&d->facts);
    d->filled = rows && read_rows(d, rows);
    if (d->filled)
        memcpy(d->version, d->now, d->blocks * sizeof *d->version);
    return d->filled;
}

static bool read_blocks(struct columns_day *d, struct db *db, uint32_t from, uint32_t to)
{
    sqlite3_stmt *rows = db_statement(db, SQL_FACTS_BETWEEN);
    if (rows == NULL)
        return false;
    facts_clear(&d->facts, (size_t)from * BLOCK, (size_t)to * BLOCK);
    sqlite3_bind_int64(rows, 1, (int64_t)from * BLOCK);
    sqlite3_bind_int64(rows, 2, (int64_t)to * BLOCK);
    if (!read_rows(d, rows)) {
        d->filled = false;
        return false;
    }
    memcpy(d->version + from, d->now + from, (to - from) * sizeof *d->version);
    return true;
}

static uint32_t next_stale(const struct columns_day *d, uint32_t at, uint32_t end)
{
    while (at < end && d->version[at] == d->now[at])
        at++;
    return at;
}

static bool read_stale(struct columns_day *d, struct db *db, uint32_t end)
{
    for (uint32_t at = 0; (at = next_stale(d, at, end)) < end;) {
        uint32_t to = at;
        while (to < end && d->version[to] != d->now[to])
            to++;
        if (!read_blocks(d, db, at, to))
            return false;
        at = to;
    }
    return true;
}

static uint32_t stale_count(const struct columns_day *d, uint32_t end)
{
    uint32_t n = 0;
    for (uint32_t at = 0; (at = next_stale(d, at, end)) < end; at++)
        n++;
    return n;
}

/* The highest id; -1: nobody knows. */
static int64_t last_id(struct db *db)
{
    sqlite3_stmt *row = db_statement(db, SQL_CALLS_IDS);
    int64_t id = row && sqlite3_step(row) == SQLITE_ROW ? sqlite3_column_int64(row, 1) : -1;
    sqlite3_reset(row);
    return id;
}

/* The last calls of the file went: nobody would read their blocks again. */
static void forget_behind(struct columns_day *d, uint32_t end)
{
    if (end < d->end) {
        facts_clear(&d->facts, (size_t)end * BLOCK, (size_t)d->end * BLOCK);
        memset(d->version + end, 0xff, (d->end - end) * sizeof *d->version);
    }
    d->end = end;
}

/* The facts are those of the file. */
static bool refresh(struct columns *c, struct columns_day *d, struct db *db)
{
    if (d->device != db->device || d->inode != db->inode)
        d->filled = false;
    d->device = db->device;
    d->inode = db->inode;
    look_at_versions(c, d); /* ahead of the highest id: rows that come now are of the next look */
    int64_t last = last_id(db);
    uint32_t had = d->blocks, end = (uint32_t)(last / BLOCK + 1);
    if (last < 0 || last / BLOCK >= UINT32_MAX / 2 || !grow(c, d, end))
        return false;
    if (d->blocks > had)
        look_at_versions(c, d);
    forget_behind(d, end);
    uint32_t stale = d->filled ? stale_count(d, end) : UINT32_MAX;
    atomic_store(&d->filling, stale > STALE_FEW);
    bool good = stale <= STALE_MAX ? read_stale(d, db, end) : read_all(d, db);
    atomic_store(&d->filling, false);
    return good;
}

bool columns_find(struct columns *c, struct db *db, const struct store_query *q, bool whole, size_t limit,
                  struct columns_found *ret_found)
{
    struct columns_day *d = c ? take_day(c, db->day) : NULL;
    if (d == NULL)
        return false;
    bool good = !atomic_load(&d->filling);
    if (good) {
        pthread_mutex_lock(&d->lock);
        good = refresh(c, d, db) && facts_find(&d->facts, q, whole, limit, ret_found);
        pthread_mutex_unlock(&d->lock);
    }
    let_go(c, d);
    return good;
}
