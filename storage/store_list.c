/* Lists with filters. The SQL is put together from the constant pieces of one table, a piece a
 * filter that was asked for; values are only ever bound. A filter's parameters have fixed numbers,
 * so the order of pieces does not matter, and the statement of a connection is kept while the next
 * query has the same shape.
 *
 * A query has two halves: first the keys (row, order value, time, uid) of at most limit + 1 calls,
 * then their records. By time the days follow each other; by value the best of each day are merged.
 * Only ended calls are listed, the others are live.
 *
 * SQLite cannot know which way is short, so we say: a filter stands as it is or, with the sign of a
 * unary plus, so that no index serves it. */
#include "storage/store_columns.h"
#include "storage/store_db.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MAX 1000
#define SQL_MAX   11776
#define PREFIX_MAX 512
#define FEW       2000 /* calls of a day */
/* So many calls of a day with a tag are not looked up one by one: along the index of times, which tells the uid, the first page is near, and to its
 * end it takes no longer. */
#define TAGGED_MANY 10000
/* Shorter spans are few calls of a day, which are all looked at. */
#define WORST_SPAN_US (3 * INT64_C(3600000000))

/* Stands for "no value" in value order: such calls come last. */
#define NO_VALUE 1e300

/* Eight numbered parameters from a base. */
#define EIGHT(n) "?" #n "0,?" #n "1,?" #n "2,?" #n "3,?" #n "4,?" #n "5,?" #n "6,?" #n "7"
/* One of its streams has one of the values: by what the call says of them, or by themselves. */
#define STREAM_WITH(values, condition)                                                             \
    "CASE WHEN media IS NOT NULL THEN listed(media, " values ") ELSE"                              \
    " EXISTS (SELECT 1 FROM streams s WHERE s.id >= calls.id * 4096"                               \
    " AND s.id < (calls.id + 1) * 4096 AND (" condition ")) END"

/* With one of the values that stand as rows of p. */
#define BEGINS(column) "substr(" column ", 1, length(p.column1)) = p.column1"
/* Is one of the eight in the list of names with commas around each? */
#define NAMED(n) "instr(labels, ',' || ?" #n " || ',')"

/* One note has them all. */
#define WITH_WORDS(of)                                                                             \
    " AND uid IN (SELECT uid FROM notes WHERE id IN"                                               \
    " (SELECT rowid FROM words WHERE words MATCH ?360)" of ")"

enum filter {
    /* one value */
    F_KIND,
    F_FROM,
    F_TO,
    F_FROM_ON_THE_WAY, /* while the worst are gone along */
    F_TO_ON_THE_WAY,
    F_NUMBER_PREFIX,
    F_NUMBER_PREFIX_FEW,
    F_DURATION_GTE,
    F_DURATION_LTE,
    F_MOS,
    F_MOS_SCALE,
    F_R_FB,
    F_LOSS,
    F_JITTER,
    F_ONE_WAY,
    F_NO_RTP,
    F_HAS_RECORDING,
    F_ENCRYPTED,
    F_PARTIAL,
    F_USER_AGENT,
    F_TEXT,
    F_WORDS,
    F_WORDS_TRANSCRIPT,
    F_WORDS_ANNOTATIONS,
    /* up to eight */
    F_CALL_ID,
    F_FROM_USER,
    F_TO_USER,
    F_NUMBER,
    F_IP,
    F_OUTCOME,
    F_CODEC,
    F_SIP_CODE,
    F_Q850,
    F_TENANT,
    F_TRUNK,
    F_SITE,
    F_DIRECTION,
    F_TAG,
    F_TAG_ON_THE_WAY,
    F_LABEL,
    F_UID,
    F_RECORDING_STATE,
    F_RECORDING_FORMAT,
    F_RECORDING_GTE,
    F_RECORDING_LTE,
    F_IMPORT,
    F_IMPORTED,
    F_ONLY_TENANT,
    F_ONLY_TRUNK,
    F_ONLY_SITE,
    F_ONLY_PREFIX,
    /* where the page before ended */
    F_AFTER_NEWEST,
    F_AFTER_OLDEST,
    F_AFTER_MOS,
    F_AFTER_WORST,
    F_AFTER_DURATION,
    F_AFTER_LONGEST,
    /* those alone that can be meant (store_columns.h) */
    F_AMONG,
    F_COUNT,
};

/* `base` is the number of the first parameter: of eight, where the values may be eight. No two
 * filters that can be asked together share one: what the client says would be taken for a limit of
 * its token. */
static const struct {
    const char *sql;
    int base;
} FILTERS[F_COUNT] = {
    [F_KIND] = {" AND kind = ?1", 1},
    [F_FROM] = {" AND started_us >= ?2", 2},
    [F_TO] = {" AND started_us < ?3", 3},
    [F_FROM_ON_THE_WAY] = {" AND +started_us >= ?2", 2},
    [F_TO_ON_THE_WAY] = {" AND +started_us < ?3", 3},
    [F_NUMBER_PREFIX_FEW] =
        {" AND id IN (SELECT id FROM calls WHERE from_user >= ?4 AND from_user < ?5"
         " UNION ALL SELECT id FROM calls WHERE to_user >= ?4 AND to_user < ?5"
         " UNION ALL SELECT id FROM calls WHERE caller_number >= ?4 AND caller_number < ?5"
         " UNION ALL SELECT id FROM calls WHERE callee_number >= ?4 AND callee_number < ?5)",
         4},
    [F_NUMBER_PREFIX] = {" AND (from_user >= ?4 AND from_user < ?5"
                         " OR to_user >= ?4 AND to_user < ?5"
                         " OR caller_number >= ?4 AND caller_number < ?5"
                         " OR callee_number >= ?4 AND callee_number < ?5)",
                         4},
    [F_DURATION_GTE] = {" AND duration_ms >= ?6", 6},
    [F_DURATION_LTE] = {" AND duration_ms <= ?7", 7},
    [F_MOS] = {" AND mos_min <= ?8", 8},
    [F_MOS_SCALE] = {" AND mos_scale = ?9", 9},
    [F_R_FB] = {" AND r_fb_min <= ?10", 10},
    [F_LOSS] = {" AND loss_ratio >= ?11", 11},
    [F_JITTER] = {" AND jitter_ms >= ?12", 12},
    [F_ONE_WAY] = {" AND one_way = ?13", 13},
    [F_NO_RTP] = {" AND no_rtp = ?14", 14},
    [F_HAS_RECORDING] =
        {" AND (recording_state IS NOT NULL AND recording_state <> 'deleted') = ?15", 15},
    [F_ENCRYPTED] = {" AND encrypted = ?16", 16},
    [F_PARTIAL] = {" AND partial = ?17", 17},
    [F_USER_AGENT] = {" AND holds(?18, user_agent)", 18},
    [F_TEXT] = {" AND holds(?19, call_id, from_user, to_user, user_agent)", 19},
    [F_WORDS] = {WITH_WORDS(""), 360},
    [F_WORDS_TRANSCRIPT] = {WITH_WORDS(" AND n = 0"), 360},
    [F_WORDS_ANNOTATIONS] = {WITH_WORDS(" AND n > 0"), 360},
    [F_CALL_ID] = {" AND call_id IN (" EIGHT(2) ")", 20},
    [F_FROM_USER] = {" AND from_user IN (" EIGHT(3) ")", 30},
    [F_TO_USER] = {" AND to_user IN (" EIGHT(4) ")", 40},
    [F_NUMBER] = {" AND (from_user IN (" EIGHT(5) ") OR to_user IN (" EIGHT(
                      5) ")"
                         " OR caller_number IN (" EIGHT(5) ") OR callee_number IN (" EIGHT(5) "))",
                  50},
    [F_IP] = {" AND (src_ip IN (" EIGHT(6) ") OR dst_ip IN (" EIGHT(6) ") OR " STREAM_WITH(
                  EIGHT(6), "s.src_ip IN (" EIGHT(6) ") OR s.dst_ip IN (" EIGHT(6) ")") ")",
              60},
    [F_OUTCOME] = {" AND outcome IN (" EIGHT(7) ")", 70},
    [F_CODEC] = {" AND (codec COLLATE NOCASE IN (" EIGHT(8) ") OR " STREAM_WITH(
                     EIGHT(8), "s.codec COLLATE NOCASE IN (" EIGHT(8) ")") ")",
                 80},
    [F_SIP_CODE] = {" AND sip_code IN (" EIGHT(9) ")", 90},
    [F_Q850] = {" AND q850_cause IN (" EIGHT(10) ")", 100},
    [F_TENANT] = {" AND tenant IN (" EIGHT(20) ")", 200},
    [F_TRUNK] = {" AND trunk IN (" EIGHT(21) ")", 210},
    [F_SITE] = {" AND (from_site IN (" EIGHT(22) ") OR to_site IN (" EIGHT(22) "))", 220},
    [F_DIRECTION] = {" AND direction IN (" EIGHT(23) ")", 230},
    [F_LABEL] =
        {" AND (" NAMED(280) " OR " NAMED(281) " OR " NAMED(282) " OR " NAMED(283) " OR " NAMED(
             284) " OR " NAMED(285) " OR " NAMED(286) " OR " NAMED(287) ")",
         280},
    [F_UID] = {" AND uid IN (" EIGHT(29) ")", 290},
    [F_RECORDING_STATE] = {" AND recording_state IN (" EIGHT(30) ")", 300},
    [F_RECORDING_FORMAT] = {" AND (recording_format IS NULL OR recording_format IN (" EIGHT(
                                31) "))",
                            310},
    [F_RECORDING_GTE] = {" AND ifnull(recording_ms >= ?320, 1)", 320},
    [F_RECORDING_LTE] = {" AND ifnull(recording_ms <= ?321, 1)", 321},
    [F_IMPORT] = {" AND import_id IN (" EIGHT(34) ")", 340},
    [F_IMPORTED] = {" AND (import_id IS NOT NULL) = ?350", 350},
    [F_ONLY_TENANT] = {" AND tenant IN (" EIGHT(24) ")", 240},
    [F_ONLY_TRUNK] = {" AND trunk IN (" EIGHT(25) ")", 250},
    [F_ONLY_SITE] = {" AND (from_site IN (" EIGHT(26) ") OR to_site IN (" EIGHT(26) "))", 260},
    [F_ONLY_PREFIX] =
        {" AND EXISTS (SELECT 1 FROM (VALUES (?330), (?331), (?332), (?333), (?334),"
         " (?335), (?336), (?337)) AS p WHERE " BEGINS("from_user") " OR " BEGINS(
             "to_user") " OR " BEGINS("caller_number") " OR " BEGINS("callee_number") ")",
         330},
    [F_TAG] = {" AND uid IN (SELECT uid FROM tags WHERE key || ':' || value IN (" EIGHT(27) "))",
               270},
    [F_TAG_ON_THE_WAY] =
        {" AND +uid IN (SELECT uid FROM tags WHERE key || ':' || value IN (" EIGHT(27) "))", 270},
    [F_AFTER_NEWEST] = {" AND (started_us, uid) < (?111, ?112)", 110},
    [F_AFTER_OLDEST] = {" AND (started_us, uid) > (?111, ?112)", 110},
    [F_AFTER_MOS] = {" AND (ifnull(mos_min, 1e300) > ?110 OR ifnull(mos_min, 1e300) = ?110"
                     " AND (started_us, uid) < (?111, ?112))",
                     110},
    [F_AFTER_WORST] =
        {" AND mos_min >= ?110 AND (mos_min > ?110 OR (started_us, uid) < (?111, ?112))", 110},
    [F_AFTER_DURATION] =
        {" AND (ifnull(duration_ms, 1e300) > ?110 OR ifnull(duration_ms, 1e300) = ?110"
         " AND (started_us, uid) < (?111, ?112))",
         110},
    [F_AFTER_LONGEST] =
        {" AND (ifnull(-duration_ms, 1e300) > ?110 OR ifnull(-duration_ms, 1e300) = ?110"
         " AND (started_us, uid) < (?111, ?112))",
         110},
    [F_AMONG] = {" AND id IN (SELECT value FROM json_each(?130))", 130},
};
#define PARAMETER_LIMIT 120
#define PARAMETER_ID    121 /* and the two behind */

/* The order of a list: what is selected as its value, and how it ends. */
enum shape {
    SHAPE_NEWEST, /* as enum store_order */
    SHAPE_OLDEST,
    SHAPE_MOS,
    SHAPE_DURATION,
    SHAPE_LONGEST,
    SHAPE_COUNT,
    SHAPE_SAMPLE, /* a count of those with these ids */
    SHAPE_WORST,
    SHAPE_UNSCORED
};
static const struct {
    const char *head;
    const char *tail;
} SHAPES[] = {
    [SHAPE_NEWEST] = {"SELECT id, started_us, uid, 0.0",
                      " ORDER BY started_us DESC, uid DESC LIMIT ?120"},
    [SHAPE_OLDEST] = {"SELECT id, started_us, uid, 0.0", " ORDER BY started_us, uid LIMIT ?120"},
    [SHAPE_MOS] = {"SELECT id, started_us, uid, ifnull(mos_min, 1e300)",
                   " ORDER BY 4, started_us DESC, uid DESC LIMIT ?120"},
    [SHAPE_WORST] =
        {"SELECT id, started_us, uid, mos_min",
         " AND mos_min IS NOT NULL ORDER BY mos_min, started_us DESC, uid DESC LIMIT ?120"},
    [SHAPE_UNSCORED] = {"SELECT id, started_us, uid, 1e300",
                        " AND mos_min IS NULL ORDER BY started_us DESC, uid DESC LIMIT ?120"},
    [SHAPE_DURATION] = {"SELECT id, started_us, uid, ifnull(duration_ms, 1e300)",
                        " ORDER BY 4, started_us DESC, uid DESC LIMIT ?120"},
    [SHAPE_LONGEST] = {"SELECT id, started_us, uid, ifnull(-duration_ms, 1e300)",
                       " ORDER BY 4, started_us DESC, uid DESC LIMIT ?120"},
    [SHAPE_COUNT] = {"SELECT count(*)", ""},
    /* ?123 blocks of 25 ids in the middles of equal parts of the ?122 from ?121 on. One statement,
     * so that what filters look up in other tables is looked up once. */
    [SHAPE_SAMPLE] =
        {"SELECT count(*)",
         " AND id IN (WITH RECURSIVE s(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM s WHERE i + 1 < 25 * ?123)"
         " SELECT ?121 + (2 * (i / 25) + 1) * ?122 / (2 * ?123) - 12 + i % 25 FROM s)"},
};

void store_query_defaults(struct store_query *q)
{
    *q = (struct store_query){.kind = "call",
                              .duration_ms_gte = -1,
                              .duration_ms_lte = -1,
                              .recording_ms_gte = -1,
                              .recording_ms_lte = -1,
                              .mos_min_lte = NAN,
                              .r_fb_min_lte = NAN,
                              .loss_ratio_gte = NAN,
                              .jitter_ms_gte = NAN,
                              .one_way = -1,
                              .no_rtp = -1,
                              .has_recording = -1,
                              .encrypted = -1,
                              .partial = -1,
                              .order = STORE_NEWEST,
                              .limit = 100,
                              .after_value = NAN};
}

/* ---- which filters, and their values ---- */

/* One pass over the query does either: with a statement it binds, without it only notes what is
 * asked. */
struct filters {
    uint64_t asked; /* bit per filter */
    bool worst;     /* along the index of scores */
    bool unscored;  /* what follows behind those */
    bool few;       /* calls whose numbers begin so: they are looked up */
    bool tagged;    /* so many calls have the tag that they are not */
    sqlite3_stmt *statement;
    const struct columns_found *among; /* NULL: any */
    char prefix_end[PREFIX_MAX];
    char ip[STORE_VALUES_MAX][ADDR_TEXT_SIZE];
};

static void ask(struct filters *f, enum filter filter)
{
    f->asked |= UINT64_C(1) << filter;
}

static void value_text(struct filters *f, int parameter, const char *text)
{
    if (f->statement)
        sqlite3_bind_text(f->statement, parameter, text, -1, SQLITE_STATIC);
}

static void value_int(struct filters *f, enum filter filter, int64_t v, bool asked)
{
    if (!asked)
        return;
    ask(f, filter);
    if (f->statement)
        sqlite3_bind_int64(f->statement, FILTERS[filter].base, v);
}

static void value_real(struct filters *f, enum filter filter, double v)
{
    if (isnan(v))
        return;
    ask(f, filter);
    if (f->statement)
        sqlite3_bind_double(f->statement, FILTERS[filter].base, v);
}

static void value_texts(struct filters *f, enum filter filter, const char *const values[])
{
    for (int i = 0; i < STORE_VALUES_MAX; i++) {
        if (values[i] == NULL)
            continue;
        ask(f, filter);
        value_text(f, FILTERS[filter].base + i, values[i]);
    }
}

static void value_ints(struct filters *f, enum filter filter, const int values[])
{
    for (int i = 0; i < STORE_VALUES_MAX; i++) {
        if (values[i] == 0)
            continue;
        ask(f, filter);
        if (f->statement)
            sqlite3_bind_int(f->statement, FILTERS[filter].base + i, values[i]);
    }
}

/* Addresses are compared as we print them, so "2001:DB8::0:1" finds "2001:db8::1". */
static void value_ips(struct filters *f, const char *const values[])
{
    struct addr a;
    for (int i = 0; i < STORE_VALUES_MAX; i++) {
        if (values[i] == NULL)
            continue;
        bool good = addr_parse(slice_str(values[i]), &a);
        ask(f, F_IP);
        value_text(f, FILTERS[F_IP].base + i, good ? addr_text(a, f->ip[i]) : values[i]);
    }
}

static void value_part(struct filters *f, enum filter filter, const char *part)
{
    if (part == NULL || *part == '\0')
        return;
    ask(f, filter);
    value_text(f, FILTERS[filter].base, part);
}

/* As JSON: a statement takes no list. */
static void value_among(struct filters *f)
{
    struct buf ids;
    ask(f, F_AMONG);
    if (f->statement == NULL)
        return;
    buf_init(&ids, COLUMNS_FEW * 24);
    for (unsigned i = 0; i < f->among->few; i++) {
        char number[24];
        int n = snprintf(number, sizeof number, "%c%lld", i ? ',' : '[', (long long)f->among->id[i]);
        buf_add(&ids, number, (size_t)n);
    }
    buf_str(&ids, "]");
    struct slice text = buf_view(&ids); /* too little memory: no JSON, which is an error of the statement */
    sqlite3_bind_text(f->statement, FILTERS[F_AMONG].base, (const char *)text.data, (int)text.size, SQLITE_TRANSIENT);
    buf_fini(&ids);
}

/* [prefix, next prefix): a range, which an index serves. */
static void value_prefix(struct filters *f, const char *prefix)
{
    if (prefix == NULL || *prefix == '\0')
        return;
    size_t n = slice_copy_to(slice_str(prefix), f->prefix_end, sizeof f->prefix_end);
    while (n > 1 && (uint8_t)f->prefix_end[n - 1] == 0xff)
        n--;
    f->prefix_end[n] = '\0';
    f->prefix_end[n - 1] = (char)((uint8_t)f->prefix_end[n - 1] + 1);
    ask(f, f->few ? F_NUMBER_PREFIX_FEW : F_NUMBER_PREFIX);
    value_text(f, FILTERS[F_NUMBER_PREFIX].base, prefix);
    value_text(f, FILTERS[F_NUMBER_PREFIX].base + 1, f->prefix_end);
}

/* One of the three is ever asked. */
static void value_words(struct filters *f, const struct store_query *q)
{
    static const enum filter IN[] = {[STORE_WORDS_ANY] = F_WORDS,
                                     [STORE_WORDS_TRANSCRIPT] = F_WORDS_TRANSCRIPT,
                                     [STORE_WORDS_ANNOTATIONS] = F_WORDS_ANNOTATIONS};
    if (q->words == NULL)
        return;
    ask(f, IN[q->words_in]);
    value_text(f, FILTERS[IN[q->words_in]].base, q->words);
}

static bool is_by_value(enum store_order order)
{
    return order == STORE_MOS_MIN || order == STORE_DURATION || order == STORE_LONGEST;
}

static void value_after(struct filters *f, const struct store_query *q)
{
    static const enum filter AFTER[] = {[STORE_NEWEST] = F_AFTER_NEWEST,
                                        [STORE_OLDEST] = F_AFTER_OLDEST,
                                        [STORE_MOS_MIN] = F_AFTER_MOS,
                                        [STORE_DURATION] = F_AFTER_DURATION,
                                        [STORE_LONGEST] = F_AFTER_LONGEST};
    if (q->after_uid[0] == '\0' || (f->unscored && !isnan(q->after_value)))
        return;
    ask(f, f->worst ? F_AFTER_WORST : f->unscored ? F_AFTER_NEWEST : AFTER[q->order]);
    if (f->statement == NULL)
        return;
    if (is_by_value(q->order)) {
        double after = q->order == STORE_LONGEST ? -q->after_value : q->after_value;
        sqlite3_bind_double(f->statement, 110, isnan(after) ? NO_VALUE : after);
    }
    sqlite3_bind_int64(f->statement, 111, q->after_us);
    value_text(f, 112, q->after_uid);
}

static void filters_visit(struct filters *f, const struct store_query *q, bool paged)
{
    if (!q->any_kind) {
        ask(f, F_KIND);
        value_text(f, FILTERS[F_KIND].base, q->kind ? q->kind : "call");
    }
    value_texts(f, F_UID, q->uid);
    value_texts(f, F_RECORDING_STATE, q->recording_state);
    value_texts(f, F_RECORDING_FORMAT, q->recording_format);
    value_int(f, F_RECORDING_GTE, q->recording_ms_gte, q->recording_ms_gte >= 0);
    value_int(f, F_RECORDING_LTE, q->recording_ms_lte, q->recording_ms_lte >= 0);
    value_int(f, f->worst ? F_FROM_ON_THE_WAY : F_FROM, q->from_us, q->from_us != 0);
    value_int(f, f->worst ? F_TO_ON_THE_WAY : F_TO, q->to_us, q->to_us != 0);
    value_prefix(f, q->number_prefix);
    value_int(f, F_DURATION_GTE, q->duration_ms_gte, q->duration_ms_gte >= 0);
    value_int(f, F_DURATION_LTE, q->duration_ms_lte, q->duration_ms_lte >= 0);
    value_real(f, F_MOS, q->mos_min_lte);
    if (q->mos_scale) {
        ask(f, F_MOS_SCALE);
        value_text(f, FILTERS[F_MOS_SCALE].base, q->mos_scale);
    }
    value_real(f, F_R_FB, q->r_fb_min_lte);
    value_real(f, F_LOSS, q->loss_ratio_gte);
    value_real(f, F_JITTER, q->jitter_ms_gte);
    value_int(f, F_ONE_WAY, q->one_way, q->one_way >= 0);
    value_int(f, F_NO_RTP, q->no_rtp, q->no_rtp >= 0);
    value_int(f, F_HAS_RECORDING, q->has_recording, q->has_recording >= 0);
    value_int(f, F_ENCRYPTED, q->encrypted, q->encrypted >= 0);
    value_int(f, F_PARTIAL, q->partial, q->partial >= 0);
    value_part(f, F_USER_AGENT, q->user_agent_contains);
    value_part(f, F_TEXT, q->text);
    value_words(f, q);
    value_texts(f, F_CALL_ID, q->call_id);
    value_texts(f, F_FROM_USER, q->from_user);
    value_texts(f, F_TO_USER, q->to_user);
    value_texts(f, F_NUMBER, q->number);
    value_ips(f, q->ip);
    value_texts(f, F_OUTCOME, q->outcome);
    value_texts(f, F_CODEC, q->codec);
    value_texts(f, F_TENANT, q->tenant);
    value_texts(f, F_TRUNK, q->trunk);
    value_texts(f, F_SITE, q->site);
    value_texts(f, F_DIRECTION, q->direction);
    value_texts(f, f->tagged ? F_TAG_ON_THE_WAY : F_TAG, q->tag);
    value_texts(f, F_LABEL, q->label);
    value_texts(f, F_IMPORT, q->import_id);
    value_int(f, F_IMPORTED, q->source && strcmp(q->source, "import") == 0, q->source != NULL);
    value_texts(f, F_ONLY_TENANT, q->only_tenant);
    value_texts(f, F_ONLY_TRUNK, q->only_trunk);
    value_texts(f, F_ONLY_SITE, q->only_site);
    value_texts(f, F_ONLY_PREFIX, q->only_prefix);
    value_ints(f, F_SIP_CODE, q->sip_code);
    value_ints(f, F_Q850, q->q850);
    if (paged)
        value_after(f, q);
    if (f->among)
        value_among(f);
}

/* ---- the statement ---- */

static void sql_write(char out[SQL_MAX], enum shape shape, uint64_t asked)
{
    bool by_id = shape == SHAPE_SAMPLE || asked >> F_AMONG & 1;
    const char *along = by_id ? " NOT INDEXED" : "";
    size_t n = (size_t)snprintf(out, SQL_MAX, "%s FROM calls%s WHERE state = 'ended'",
                                SHAPES[shape].head, along);
    for (int i = 0; i < F_COUNT; i++)
        if (asked >> i & 1)
            n += (size_t)snprintf(out + n, SQL_MAX - n, "%s", FILTERS[i].sql);
    n += (size_t)snprintf(out + n, SQL_MAX - n, "%s", SHAPES[shape].tail);
    assert(n < SQL_MAX); /* all pieces together fit */
}

static sqlite3_stmt *list_statement(struct db *db, enum shape shape, uint64_t asked)
{
    char sql[SQL_MAX];
    sqlite3_stmt *statement;

    static_assert(F_COUNT <= 64, "a filter is a bit");
    for (size_t i = 0; i < DB_LISTS; i++) {
        if (db->lists[i].statement && db->lists[i].asked == asked && db->lists[i].shape == shape) {
            sqlite3_reset(db->lists[i].statement);
            sqlite3_clear_bindings(db->lists[i].statement);
            return db->lists[i].statement;
        }
    }
    sql_write(sql, shape, asked);
    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return NULL;
    unsigned at = db->list_next++ % DB_LISTS;
    sqlite3_finalize(db->lists[at].statement);
    db->lists[at].statement = statement;
    db->lists[at].asked = asked;
    db->lists[at].shape = shape;
    return statement;
}

/* Are there so few calls whose numbers begin so that looking them up beats going along? */
static int few_begin(struct db *db, struct filters *f, const char *prefix, bool *ret_few)
{
    sqlite3_stmt *statement = db_statement(db, SQL_NUMBERS_BEGIN);
    if (statement == NULL)
        return ERR_INVALID;
    value_prefix(f, prefix); /* makes the end */
    struct bind b = bind_to(statement);
    bind_word(&b, prefix);
    bind_word(&b, f->prefix_end);
    bind_int(&b, FEW);
    int rc = sqlite3_step(statement);
    *ret_few = rc == SQLITE_ROW && sqlite3_column_int64(statement, 0) < FEW;
    sqlite3_reset(statement);
    return rc == SQLITE_ROW ? 0 : db_error(db, rc);
}

static int tagged_begin(struct db *db, const struct store_query *q, bool *ret_many)
{
    sqlite3_stmt *statement = db_statement(db, SQL_TAGGED);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, TAGGED_MANY);
    for (int i = 0; i < STORE_VALUES_MAX; i++)
        bind_word(&b, q->tag[i]);
    int rc = sqlite3_step(statement);
    *ret_many = rc == SQLITE_ROW && sqlite3_column_int64(statement, 0) >= TAGGED_MANY;
    sqlite3_reset(statement);
    return rc == SQLITE_ROW ? 0 : db_error(db, rc);
}

static bool has_tag(const struct store_query *q)
{
    for (int i = 0; i < STORE_VALUES_MAX; i++)
        if (q->tag[i])
            return true;
    return false;
}

/* Nothing else is asked than the worst of hours: along the index of scores the first that fit are
 * near. */
static bool worst_are_near(const struct store_query *q)
{
    uint64_t passing = UINT64_C(1) << F_KIND | UINT64_C(1) << F_FROM | UINT64_C(1) << F_TO |
                       UINT64_C(1) << F_AFTER_MOS | UINT64_C(1) << F_MOS |
                       UINT64_C(1) << F_MOS_SCALE | UINT64_C(1) << F_OUTCOME;
    bool long_enough = q->from_us == 0 || q->to_us == 0 || q->to_us - q->from_us >= WORST_SPAN_US;
    struct filters f = {0};
    if (q->order != STORE_MOS_MIN || !long_enough)
        return false;
    filters_visit(&f, q, true);
    return (f.asked & ~passing) == 0;
}

#define BIT(filter) (UINT64_C(1) << (filter))
/* What is looked at in memory as exactly as in the file; and what only leaves out. */
#define IN_MEMORY                                                                                  \
    (BIT(F_KIND) | BIT(F_FROM) | BIT(F_TO) | BIT(F_DURATION_GTE) | BIT(F_DURATION_LTE) |           \
     BIT(F_MOS_SCALE) | BIT(F_ONE_WAY) | BIT(F_NO_RTP) | BIT(F_HAS_RECORDING) | BIT(F_ENCRYPTED) | \
     BIT(F_PARTIAL) | BIT(F_OUTCOME) | BIT(F_SIP_CODE) | BIT(F_Q850) | BIT(F_DIRECTION))
#define LEAVES_OUT                                                                                 \
    (BIT(F_MOS) | BIT(F_R_FB) | BIT(F_LOSS) | BIT(F_JITTER) | BIT(F_USER_AGENT) | BIT(F_IP) |      \
     BIT(F_CODEC) |                                                                                 \
     (IN_MEMORY & ~(BIT(F_KIND) | BIT(F_FROM) | BIT(F_TO))))
/* These have an index of their own. */
#define FOUND_AT_ONCE                                                                              \
    (BIT(F_CALL_ID) | BIT(F_FROM_USER) | BIT(F_TO_USER) | BIT(F_NUMBER) | BIT(F_NUMBER_PREFIX) |   \
     BIT(F_UID) | BIT(F_IMPORT) | BIT(F_TAG) | BIT(F_WORDS) | BIT(F_WORDS_TRANSCRIPT) |            \
     BIT(F_WORDS_ANNOTATIONS))

/* False: all have to be looked at in the file. */
static bool narrow(struct store_reader *r, struct db *db, const struct store_query *q, bool counted,
                   size_t limit, struct columns_found *ret_found)
{
    struct filters f = {0};
    bool by_duration = q->order == STORE_DURATION || q->order == STORE_LONGEST;
    if (r->set.columns == NULL)
        return false;
    filters_visit(&f, q, false);
    bool whole = (f.asked & ~IN_MEMORY) == 0;
    if (f.asked & FOUND_AT_ONCE || !(f.asked & LEAVES_OUT || (whole && (counted || by_duration))))
        return false;
    return columns_find(r->set.columns, db, q, whole, counted ? 0 : limit, ret_found);
}

/* The connection of a day with its statement ready and bound; the values live in `f`. */
static int day_statement(struct store_reader *r, const char *day, const struct store_query *q,
                         enum shape shape, const struct columns_found *among, struct filters *f,
                         struct db **ret_db)
{
    bool paged = shape != SHAPE_COUNT && shape != SHAPE_SAMPLE, few = false, tagged = false;
    int err = db_get(&r->set, DB_CALLS, day, ret_db, NULL);
    *f = (struct filters){0};
    if (err == 0 && q->number_prefix && q->number_prefix[0])
        err = few_begin(*ret_db, f, q->number_prefix, &few);
    if (err == 0 && (shape == SHAPE_NEWEST || shape == SHAPE_OLDEST) && has_tag(q))
        err = tagged_begin(*ret_db, q, &tagged);
    if (err)
        return err;
    *f = (struct filters){
        .few = few, .tagged = tagged, .worst = shape == SHAPE_WORST, .unscored = shape == SHAPE_UNSCORED, .among = among};
    filters_visit(f, q, paged);
    f->statement = list_statement(*ret_db, shape, f->asked);
    if (f->statement == NULL)
        return ERR_INVALID;
    filters_visit(f, q, paged);
    return 0;
}

/* ---- first half: keys ---- */

struct hit {
    struct day day;
    int64_t id;
    int64_t started_us;
    double value;
    char uid[40];
};

struct hits {
    struct hit *items;
    size_t count;
    size_t wanted;
};

/* Lower values first, then newer ones. */
static int hit_order(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    if (x->started_us != y->started_us)
        return x->started_us > y->started_us ? -1 : 1;
    return strcmp(y->uid, x->uid);
}

static int collect_as(struct store_reader *r, const char *day, const struct store_query *q,
                      enum shape shape, const struct columns_found *among, size_t limit,
                      struct hits *hits)
{
    struct filters f;
    struct db *db;
    int err = day_statement(r, day, q, shape, among, &f, &db), rc;
    if (err)
        return err;
    sqlite3_bind_int64(f.statement, PARAMETER_LIMIT, (int64_t)limit);
    while ((rc = sqlite3_step(f.statement)) == SQLITE_ROW) {
        struct hit *hit = &hits->items[hits->count++];
        *hit = (struct hit){.id = sqlite3_column_int64(f.statement, 0),
                            .started_us = sqlite3_column_int64(f.statement, 1),
                            .value = sqlite3_column_double(f.statement, 3)};
        slice_copy_to(column_bytes(f.statement, 2), hit->uid, sizeof hit->uid);
        memcpy(hit->day.text, day, sizeof hit->day.text);
    }
    sqlite3_reset(f.statement);
    return db_error(db, rc);
}

/* Where it is known that few can be meant those alone are looked at. */
static int collect_few(struct store_reader *r, const char *day, const struct store_query *q,
                       size_t limit, struct hits *hits)
{
    struct columns_found found;
    struct db *db;
    int err = db_get(&r->set, DB_CALLS, day, &db, NULL);
    if (err)
        return err;
    bool known = narrow(r, db, q, false, limit, &found);
    if (known && found.count == 0)
        return 0;
    bool few = known && found.few;
    return collect_as(r, day, q, (enum shape)q->order, few ? &found : NULL, limit, hits);
}

static int day_collect(struct store_reader *r, const char *day, const struct store_query *q,
                       size_t limit, struct hits *hits)
{
    size_t before = hits->count;
    bool behind = q->after_uid[0] && isnan(q->after_value); /* all with a score were given */
    int err = 0;
    if (!worst_are_near(q))
        return collect_few(r, day, q, limit, hits);
    if (!behind)
        err = collect_as(r, day, q, SHAPE_WORST, NULL, limit, hits);
    size_t missing = limit - (hits->count - before);
    if (err == 0 && missing && isnan(q->mos_min_lte))
        err = collect_as(r, day, q, SHAPE_UNSCORED, NULL, missing, hits);
    return err;
}

/* A file that went or is not ready has no calls. */
static int gone_is_empty(int err)
{
    return err == ERR_NOT_FOUND ? 0 : err;
}

/* True when the day can hold calls of the query (and of its next page, by time). */
static bool day_matters(const struct store_query *q, const struct day *day)
{
    struct day from = day_of(q->from_us), to = day_of(q->to_us - 1), after = day_of(q->after_us);
    bool paged = q->after_uid[0] != '\0';
    if (q->from_us && strcmp(day->text, from.text) < 0)
        return false;
    if (q->to_us && strcmp(day->text, to.text) > 0)
        return false;
    if (paged && q->order == STORE_NEWEST && strcmp(day->text, after.text) > 0)
        return false;
    return !(paged && q->order == STORE_OLDEST && strcmp(day->text, after.text) < 0);
}

static int collect(struct store_reader *r, const struct store_query *q, const struct day *days,
                   size_t count, struct hits *hits)
{
    bool by_value = is_by_value(q->order);
    int err = 0;

    for (size_t i = 0; i < count && !err; i++) {
        const struct day *day = &days[q->order == STORE_OLDEST ? i : count - 1 - i];
        size_t missing = by_value ? hits->wanted : hits->wanted - hits->count;
        if (missing == 0)
            break;
        if (!day_matters(q, day))
            continue;
        err = gone_is_empty(day_collect(r, day->text, q, missing, hits));
        if (by_value && !err) {
            qsort(hits->items, hits->count, sizeof *hits->items, hit_order);
            if (hits->count > hits->wanted)
                hits->count = hits->wanted;
        }
    }
    return err;
}

/* ---- second half: records ---- */

static int hit_deliver(struct store_reader *r, const struct hit *hit, bool brief, store_record_fn *fn,
                       void *context)
{
    struct call_record *record = NULL;
    struct db *db;
    int err = db_get(&r->set, DB_CALLS, hit->day.text, &db, NULL);
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, brief ? SQL_CALL_BRIEF : SQL_CALL_BY_ID);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, hit->id);
    int rc = sqlite3_step(statement);
    err = rc == SQLITE_ROW ? call_read(db, statement, brief ? CALL_BRIEF : CALL_ROW, &record) : db_error(db, rc);
    sqlite3_reset(statement);
    if (record)
        fn(context, record);
    record_free(record);
    return err;
}

int store_calls(struct store_reader *r, const struct store_query *q, store_record_fn *fn,
                void *context, bool *ret_more)
{
    size_t limit = q->limit < 1 ? 1 : q->limit > LIMIT_MAX ? LIMIT_MAX : q->limit;
    struct hits hits = {.wanted = limit + 1};
    struct day *days;
    size_t count;

    int err = day_list(r->set.data_dir, DB_CALLS, &days, &count);
    if (err)
        return err;
    hits.items = malloc(2 * hits.wanted * sizeof *hits.items);
    err = hits.items ? collect(r, q, days, count, &hits) : ERR_NOMEM;
    free(days);
    for (size_t i = 0; i < hits.count && i < limit && !err; i++)
        err = gone_is_empty(hit_deliver(r, &hits.items[i], q->brief, fn, context));
    if (!err && ret_more)
        *ret_more = hits.count > limit;
    free(hits.items);
    return err;
}

double store_order_value(enum store_order order, const struct call_record *r)
{
    switch (order) {
    case STORE_MOS_MIN:
        return r->mos_min;
    case STORE_DURATION:
    case STORE_LONGEST:
        return r->duration_ms < 0 ? NAN : (double)r->duration_ms;
    case STORE_NEWEST:
    case STORE_OLDEST:
        break;
    }
    return (double)r->started_us;
}

static int day_count(struct store_reader *r, const char *day, const struct store_query *q,
                     uint64_t *sum)
{
    struct columns_found found;
    struct filters f;
    struct db *db;
    int err = db_get(&r->set, DB_CALLS, day, &db, NULL);
    if (err)
        return err;
    bool known = narrow(r, db, q, true, 0, &found);
    if (known && (found.exact || found.count == 0)) {
        *sum += found.count;
        return 0;
    }
    err = day_statement(r, day, q, SHAPE_COUNT, known && found.few ? &found : NULL, &f, &db);
    if (err)
        return err;
    int rc = sqlite3_step(f.statement);
    *sum += (uint64_t)sqlite3_column_int64(f.statement, 0);
    sqlite3_reset(f.statement);
    return db_error(db, rc);
}

int store_count(struct store_reader *r, const struct store_query *q, uint64_t *ret_count)
{
    struct store_query all = *q;
    struct day *days;
    size_t count;
    uint64_t sum = 0;

    all.after_uid[0] = '\0';
    int err = day_list(r->set.data_dir, DB_CALLS, &days, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count && !err; i++) {
        if (!day_matters(&all, &days[i]))
            continue;
        err = gone_is_empty(day_count(r, days[i].text, &all, &sum));
    }
    free(days);
    if (!err)
        *ret_count = sum;
    return err;
}

int list_sample(struct store_reader *r, const char *day, const struct store_query *q,
                const struct list_blocks *blocks, uint64_t *ret_count)
{
    struct filters f;
    struct db *db;
    int err = day_statement(r, day, q, blocks ? SHAPE_SAMPLE : SHAPE_COUNT, NULL, &f, &db);
    if (err)
        return err;
    if (blocks) {
        sqlite3_bind_int64(f.statement, PARAMETER_ID, blocks->first);
        sqlite3_bind_int64(f.statement, PARAMETER_ID + 1, blocks->ids);
        sqlite3_bind_int64(f.statement, PARAMETER_ID + 2, blocks->count);
    }
    int rc = sqlite3_step(f.statement);
    *ret_count = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(f.statement, 0) : 0;
    sqlite3_reset(f.statement);
    return db_error(db, rc);
}
