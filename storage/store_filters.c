/* The table of filters, and one visit of a query that notes what is asked or binds its values. */
#include "storage/store_filters.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "storage/store_db.h"

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

const char *filter_sql(enum filter filter)
{
    return FILTERS[filter].sql;
}

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

/* ---- values ---- */

static void ask(struct filters *f, enum filter filter)
{
    f->asked |= FILTER_BIT(filter);
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

void filter_prefix_end(const char *prefix, char ret_end[FILTER_PREFIX_MAX])
{
    size_t n = slice_copy_to(slice_str(prefix), ret_end, FILTER_PREFIX_MAX);
    while (n > 1 && (uint8_t)ret_end[n - 1] == 0xff)
        n--;
    ret_end[n] = '\0';
    ret_end[n - 1] = (char)((uint8_t)ret_end[n - 1] + 1);
}

static void value_prefix(struct filters *f, const char *prefix)
{
    if (prefix == NULL || *prefix == '\0')
        return;
    filter_prefix_end(prefix, f->prefix_end);
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

bool filter_by_value(enum store_order order)
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
    if (filter_by_value(q->order)) {
        double after = q->order == STORE_LONGEST ? -q->after_value : q->after_value;
        sqlite3_bind_double(f->statement, 110, isnan(after) ? NO_VALUE : after);
    }
    sqlite3_bind_int64(f->statement, 111, q->after_us);
    value_text(f, 112, q->after_uid);
}

void filters_visit(struct filters *f, const struct store_query *q, bool paged)
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
