#include "storage/correlate.h"

#include <stdlib.h>

#include "storage/key_runs.h"

#define SECOND_US INT64_C(1000000)
#define STRONG_US (24 * 3600 * SECOND_US)
#define WEAK_US   (6 * 3600 * SECOND_US)
#define NUMBERS_US                                                                                 \
    (2 * CORRELATE_NEAR_US + SECOND_US / 2) /* rivals of either side are within it                 \
                                             */
#define DAY_US             (24 * 3600 * SECOND_US)
#define CORRELATE_NAME_MAX 256

struct asked {
    struct store_reader *reader;
    enum correlate_level at_least;
    legs_filter *filter;
    void *context;
};

/* Calls that share something with one leg. */
struct search {
    const struct asked *asked;
    const struct call_record *of;
    struct legs *legs;
    struct correlate_common common;
    unsigned count;
    struct call_record *candidate[LEGS_CANDIDATES];
    struct correlation why[LEGS_CANDIDATES];
};

/* ---- candidates ---- */

/* Row ids of one day, at most one more than are wanted. */
struct rows {
    unsigned count;
    int64_t id[LEGS_COMMON + 1];
};

static bool is_known(const struct search *s, const char *uid)
{
    if (strcmp(uid, s->of->uid) == 0)
        return true;
    for (unsigned i = 0; i < s->count; i++)
        if (strcmp(s->candidate[i]->uid, uid) == 0)
            return true;
    return false;
}

static int rows_read(struct db *db, sqlite3_stmt *statement, struct rows *rows)
{
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW && rows->count <= LEGS_COMMON)
        rows->id[rows->count++] = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return db_error(db, rc);
}

static int take_candidate(struct search *s, struct db *db, int64_t id)
{
    struct call_record *r = NULL;
    sqlite3_stmt *statement = db_statement(db, SQL_CALL_BY_ID);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, id);
    int rc = sqlite3_step(statement);
    int err = rc == SQLITE_ROW ? call_read(db, statement, CALL_ROW, &r) : db_error(db, rc);
    sqlite3_reset(statement);
    if (r == NULL)
        return err;
    bool apart = strcmp(r->import.id, s->of->import.id) != 0; /* a capture that was brought may show our own calls once more */
    if (is_known(s, r->uid) || strcmp(r->state, "ended") != 0 || apart)
        record_free(r);
    else
        s->candidate[s->count++] = r;
    return err;
}

static int take_candidates(struct search *s, struct db *db, const struct rows *rows)
{
    int err = 0;
    for (unsigned i = 0; i < rows->count && !err; i++) {
        if (s->count == LEGS_CANDIDATES) {
            s->legs->truncated = true;
            break;
        }
        err = take_candidate(s, db, rows->id[i]);
    }
    return err;
}

/* Binds the statement for one day file and leaves it to be stepped. */
struct probe {
    enum db_sql sql;
    int64_t hash;
    struct slice name, from, to; /* of a Call-ID */
    int64_t window_us;
};

static sqlite3_stmt *probe_bind(struct db *db, const struct probe *p, int64_t at_us)
{
    sqlite3_stmt *statement = db_statement(db, p->sql);
    if (statement == NULL)
        return NULL;
    struct bind b = bind_to(statement);
    if (p->sql == SQL_KEY_CALLS) {
        bind_int(&b, p->hash);
        bind_int(&b, at_us - p->window_us);
        bind_int(&b, at_us + p->window_us);
    } else {
        bind_text(&b, p->name);
        bind_text(&b, p->from);
        bind_text(&b, p->to);
    }
    bind_int(&b, LEGS_COMMON + 1);
    return statement;
}

static bool row_add(void *context, int64_t id)
{
    struct rows *rows = context;
    for (unsigned i = 0; i < rows->count; i++)
        if (rows->id[i] == id)
            return true;
    rows->id[rows->count++] = id;
    return rows->count <= LEGS_COMMON;
}

/* The rows of one day; a day without a file, or one that cannot be read, hides no other. */
static int probe_day(const struct search *s, const struct probe *p, const char *day,
                     struct db **ret_db, struct rows *rows)
{
    rows->count = 0;
    int err = db_get(&s->asked->reader->set, DB_CALLS, day, ret_db, NULL);
    if (err)
        return err;
    sqlite3_stmt *statement = probe_bind(*ret_db, p, s->of->started_us);
    err = statement ? rows_read(*ret_db, statement, rows) : ERR_INVALID;
    if (err || p->sql != SQL_KEY_CALLS || rows->count > LEGS_COMMON)
        return err;
    return key_runs_find(*ret_db, (uint64_t)p->hash, s->of->started_us - p->window_us,
                         s->of->started_us + p->window_us, row_add, rows);
}

/* Days from the first to the last moment of the window: three at most. */
static int64_t day_first(const struct search *s, const struct probe *p)
{
    int64_t from_us = s->of->started_us - p->window_us;
    return from_us - from_us % DAY_US;
}

static bool is_common(const struct search *s, const struct probe *p)
{
    unsigned all = 0;
    struct rows rows;
    struct db *db;
    int64_t to_us = s->of->started_us + p->window_us;
    for (int64_t day = day_first(s, p); day <= to_us; day += DAY_US)
        if (probe_day(s, p, day_of(day).text, &db, &rows) == 0)
            all += rows.count;
    return all > LEGS_COMMON;
}

static int probe(struct search *s, const struct probe *p)
{
    struct rows rows;
    struct db *db;
    int err = 0;
    int64_t to_us = s->of->started_us + p->window_us;
    for (int64_t day = day_first(s, p); day <= to_us && err != ERR_NOMEM; day += DAY_US) {
        err = probe_day(s, p, day_of(day).text, &db, &rows);
        if (!err)
            err = take_candidates(s, db, &rows);
    }
    return err == ERR_NOMEM ? err : 0;
}

/* ---- what to look for ---- */

static int64_t window_of(uint8_t class)
{
    switch ((enum correlate_class) class) {
    case CLASS_SDP:
    case CLASS_MEDIA:
    case CLASS_HEAD:
    case CLASS_TAIL:
        return WEAK_US;
    case CLASS_NUMBERS:
        return NUMBERS_US;
    case CLASS_SESSION:
    case CLASS_HEADER:
    case CLASS_ICID:
    case CLASS_REFERENCE:
    case CLASS_GROUP:
        break;
    }
    return STRONG_US;
}

static int look_for_entries(struct search *s, const struct correlate_entries *list, bool own)
{
    int err = 0;
    for (unsigned i = 0; i < list->count && !err; i++) {
        const struct correlate_entry *e = &list->entry[i];
        struct probe p = {.sql = SQL_KEY_CALLS, .hash = e->hash, .window_us = window_of(e->class)};
        if (own && e->class == CLASS_REFERENCE)
            continue; /* two legs that name a third one: found through it */
        if (is_common(s, &p)) {
            s->common.hash[s->common.count++] = e->hash;
            continue;
        }
        err = probe(s, &p);
    }
    return err;
}

/* Calls of this name, with any host when the name has none. */
static int look_for_call_id(struct search *s, struct slice name)
{
    char from[CORRELATE_NAME_MAX + 2], to[CORRELATE_NAME_MAX + 2];
    if (name.size == 0 || name.size > CORRELATE_NAME_MAX)
        return 0;
    slice_copy_to(name, from, sizeof from);
    slice_copy_to(name, to, sizeof to);
    strcat(from, "@");
    strcat(to, "A"); /* what follows '@' */
    struct probe p = {.sql = SQL_CALLS_NAMED,
                      .name = name,
                      .from = slice_str(from),
                      .to = slice_str(to),
                      .window_us = STRONG_US};
    return is_common(s, &p) ? 0 : probe(s, &p);
}

static int look_for_named(struct search *s, const struct correlate_entries *list)
{
    int err = look_for_call_id(s, s->of->call_id);
    for (unsigned i = 0; i < list->count && !err; i++)
        if (list->entry[i].class == CLASS_REFERENCE)
            err = look_for_call_id(s, list->entry[i].value);
    return err;
}

static int look(struct search *s)
{
    struct correlate_entries list;
    correlate_entries(s->of, &list);
    int err = look_for_entries(s, &list, true);
    if (!err)
        err = look_for_named(s, &list);
    correlate_references(s->of, &list);
    return err ? err : look_for_entries(s, &list, false);
}

/* ---- which of them are legs ---- */

static bool chain_rival(const struct search *s, const struct call_record *before,
                        const struct call_record *after)
{
    for (unsigned i = 0; i < s->count; i++) {
        const struct call_record *c = s->candidate[i];
        if (c == before || c == after)
            continue;
        if (correlate_chain_fits(before, c) || correlate_chain_fits(c, after))
            return true;
    }
    return false;
}

static void score(struct search *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        const struct call_record *c = s->candidate[i];
        correlate_score(s->of, c, &s->common, &s->why[i]);
        if (s->why[i].level[EVIDENCE_NUMBERS] != LEVEL_MEDIUM)
            continue;
        bool forth = correlate_chain_fits(s->of, c);
        if (chain_rival(s, forth ? s->of : c, forth ? c : s->of))
            correlate_rival(&s->why[i]);
    }
}

static struct leg *leg_of(struct legs *l, const char *uid)
{
    for (unsigned i = 0; i < l->count; i++)
        if (strcmp(l->leg[i].record->uid, uid) == 0)
            return &l->leg[i];
    return NULL;
}

static void take_leg(struct search *s, unsigned via, unsigned at)
{
    struct legs *l = s->legs;
    uint8_t confidence = s->why[at].confidence;
    if (l->leg[via].confidence < confidence)
        confidence = l->leg[via].confidence;
    struct leg *leg = leg_of(l, s->candidate[at]->uid);
    if (leg && leg->confidence >= confidence)
        return;
    if (leg == NULL) {
        if (l->count == LEGS_MAX) {
            l->truncated = true;
            return;
        }
        leg = &l->leg[l->count++];
        leg->record = s->candidate[at];
        s->candidate[at] = NULL;
    }
    leg->via = via;
    leg->why = s->why[at];
    leg->confidence = confidence;
}

static int expand(const struct asked *asked, struct legs *l, unsigned at)
{
    struct search *s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    s->asked = asked;
    s->of = l->leg[at].record;
    s->legs = l;
    l->leg[at].asked = true;
    int err = look(s);
    if (!err)
        score(s);
    for (unsigned i = 0; i < s->count; i++) {
        struct call_record *c = s->candidate[i];
        if (!err && s->why[i].confidence >= asked->at_least &&
            (asked->filter == NULL || asked->filter(asked->context, c)))
            take_leg(s, at, i);
        record_free(s->candidate[i]);
    }
    free(s);
    return err;
}

/* The surest one whose legs were not asked for; -1: none. */
static int next_to_ask(const struct legs *l)
{
    int best = -1;
    for (unsigned i = 0; i < l->count; i++)
        if (!l->leg[i].asked && (best < 0 || l->leg[i].confidence > l->leg[best].confidence))
            best = (int)i;
    return best;
}

int store_legs(struct store_reader *r, struct call_record *call, enum correlate_level at_least,
               legs_filter *filter, void *context, struct legs **ret_legs)
{
    const struct asked asked = {r, at_least, filter, context};
    struct legs *l = calloc(1, sizeof *l);
    int at, err = 0;
    if (l == NULL)
        return ERR_NOMEM;
    l->count = 1;
    l->leg[0].record = call;
    l->leg[0].confidence = LEVEL_HIGH;
    while ((at = next_to_ask(l)) >= 0 && !err)
        err = expand(&asked, l, (unsigned)at);
    if (err) {
        store_legs_free(l);
        return err;
    }
    *ret_legs = l;
    return 0;
}

void store_legs_free(struct legs *l)
{
    for (unsigned i = 1; l && i < l->count; i++)
        record_free(l->leg[i].record);
    free(l);
}
