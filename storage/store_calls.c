/* Writing calls: a row with real columns for all that is searched and the whole call packed beside
 * them, a row a stream with its chart, and the changes that come after a call's end. */
#include "storage/store_db.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/correlate_index.h"
#include "storage/key_runs.h"
#include "storage/record_pack.h"

#define STREAMS_MAX 4096 /* of one call: store_sql.c */

/* What is there of a call. */
struct call_row {
    int64_t id;  /* 0: nothing */
    int64_t kpi; /* the flush that counts it, -1: none yet */
    bool same;   /* what indices are over would stay as it is */
};

/* Found by the user's column where it is the same. */
static struct slice own_number(struct slice number, struct slice user)
{
    return slice_equal(number, user) ? slice_none() : number;
}

static bool same_names(sqlite3_stmt *row, const struct call_record *r)
{
    const struct slice names[] = {
        r->call_id,
        r->from.user,
        r->to.user,
        own_number(r->identity.caller.number, r->from.user),
        own_number(r->identity.callee.number, r->to.user),
        r->tenant,
        r->trunk,
        r->from_site,
        r->to_site,
        slice_str(r->related.group_id),
    };
    bool same = sqlite3_column_int64(row, 2) == r->started_us;
    for (unsigned i = 0; same && i < sizeof names / sizeof *names; i++)
        same = slice_equal(column_bytes(row, 3 + (int)i), names[i]);
    return same;
}

static int call_row(struct db *db, const struct call_record *r, struct call_row *ret_row)
{
    sqlite3_stmt *statement = db_statement(db, SQL_CALL_ID);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_word(&b, r->uid);
    int rc = sqlite3_step(statement);
    *ret_row = (struct call_row){.kpi = -1};
    if (rc == SQLITE_ROW) {
        ret_row->id = sqlite3_column_int64(statement, 0);
        ret_row->kpi = sqlite3_column_int64(statement, 1);
        ret_row->same = same_names(statement, r);
    }
    sqlite3_reset(statement);
    return db_error(db, rc);
}

/* "" for no address; the text lives in `out`. */
static void bind_ip(struct bind *b, const struct endpoint *e, char out[ADDR_TEXT_SIZE])
{
    bind_word(b, addr_is_any(e->addr) ? NULL : addr_text(e->addr, out));
}

static bool call_is_encrypted(const struct call_record *r)
{
    for (uint32_t i = 0; i < r->stream_count; i++)
        if (r->streams[i].srtp)
            return true;
    return r->recording.result && strcmp(r->recording.result, "encrypted") == 0;
}

/* NULL for empty text: such rows stand in no index. */
static void bind_known(struct bind *b, struct slice text)
{
    if (text.size)
        bind_text(b, text);
    else
        bind_word(b, NULL);
}

static void bind_recording(struct bind *b, const struct record_recording *g, struct buf *packed)
{
    struct record_recording copy = *g;
    struct pack p = pack_writer(packed);

    buf_clear(packed);
    record_pack_recording(&p, &copy);
    bind_word(b, g->id[0] ? g->id : NULL);
    bind_word(b, g->state);
    bind_word(b, g->result);
    bind_blob(b, buf_view(packed));
    bind_known(b, g->format);
    bind_int_or_null(b, g->duration_ms, g->sample_rate_hz > 0);
}

#define LABELS_TEXT 512

/* ",loss,late_media,", each once; as many as fit. */
static void bind_labels(struct bind *b, const struct record_diagnosis *d, char out[LABELS_TEXT])
{
    char item[64];
    size_t n = 0;
    strcpy(out, ",");
    for (uint32_t i = 0; i < d->label_count; i++) {
        snprintf(item, sizeof item, ",%s,", d->labels[i].name ? d->labels[i].name : "");
        if (strstr(out, item) == NULL && n + strlen(item) < LABELS_TEXT)
            n += (size_t)snprintf(out + n, LABELS_TEXT - n, "%s", item + (n > 0));
    }
    bind_word(b, n ? out : NULL);
}

#define MEDIA_TEXT 512

static bool add_word(char out[MEDIA_TEXT], size_t *n, struct slice word)
{
    char item[64];
    if (word.size == 0)
        return true;
    if (word.size > sizeof item - 3 || memchr(word.data, ',', word.size) || memchr(word.data, 0, word.size))
        return false;
    snprintf(item, sizeof item, ",%.*s,", SLICE_ARGS(word));
    if (strcasestr(out, item))
        return true;
    if (*n + word.size + 2 > MEDIA_TEXT)
        return false;
    *n += (size_t)snprintf(out + *n, MEDIA_TEXT - *n, "%s", item + 1);
    return true;
}

static bool add_ip(char out[MEDIA_TEXT], size_t *n, const struct endpoint *e)
{
    char ip[ADDR_TEXT_SIZE];
    return addr_is_any(e->addr) || add_word(out, n, slice_str(addr_text(e->addr, ip)));
}

/* ",10.1.1.5,10.2.2.9,PCMA,": what stands in its streams. All of it or NULL: then they are looked at themselves. */
static void bind_media(struct bind *b, const struct call_record *r, char out[MEDIA_TEXT])
{
    size_t n = 1;
    bool all = true;
    strcpy(out, ",");
    for (uint32_t i = 0; i < r->stream_count && all; i++) {
        const struct record_stream *s = &r->streams[i];
        all = add_ip(out, &n, &s->src) && add_ip(out, &n, &s->dst) && add_word(out, &n, s->codec);
    }
    bind_word(b, all ? out : NULL);
}

/* What a call was and how it went: in no index. */
static void bind_course(struct bind *b, const struct call_record *r, char ip[2][ADDR_TEXT_SIZE],
                        char labels[LABELS_TEXT])
{
    bind_int_or_null(b, r->ended_us, r->ended_us != 0);
    bind_word(b, r->kind);
    bind_word(b, r->state);
    bind_word(b, r->outcome);
    bind_ip(b, &r->src, ip[0]);
    bind_ip(b, &r->dst, ip[1]);
    bind_int_or_null(b, r->sip_code, r->sip_code != 0);
    bind_int_or_null(b, r->q850_cause, r->q850_cause != 0);
    bind_int_or_null(b, r->duration_ms, r->duration_ms >= 0);
    bind_real(b, r->mos_min);
    bind_word(b, r->mos_scale);
    bind_real(b, r->r_fb_min);
    bind_real(b, r->loss_ratio);
    bind_real(b, r->jitter_ms_max);
    bind_int(b, r->one_way);
    bind_int(b, r->no_rtp);
    bind_int(b, call_is_encrypted(r));
    bind_int(b, r->partial);
    bind_text(b, r->codec);
    bind_text(b, r->user_agent);
    bind_word(b, r->direction);
    bind_labels(b, &r->diagnosis, labels);
}

/* What it is found by. */
static void bind_names(struct bind *b, const struct call_record *r)
{
    bind_word(b, r->uid);
    bind_int(b, r->started_us);
    bind_text(b, r->call_id);
    bind_text(b, r->from.user);
    bind_text(b, r->to.user);
    bind_known(b, own_number(r->identity.caller.number, r->from.user));
    bind_known(b, own_number(r->identity.callee.number, r->to.user));
    bind_known(b, r->tenant);
    bind_known(b, r->trunk);
    bind_known(b, r->from_site);
    bind_known(b, r->to_site);
    bind_word(b, r->related.group_id[0] ? r->related.group_id : NULL);
    bind_word(b, record_is_imported(r) ? r->import.id : NULL);
    bind_int_or_null(b, r->import.at_us, record_is_imported(r));
}

/* A row that is there keeps its places in the indices where it can: most of what a call changes
 * when it ends stands in none. */
static int call_put(struct store *s, struct db *db, const struct call_record *r,
                    struct call_row *row, int64_t kpi)
{
    enum { DETAIL, CHAINS, EVENTS, RECORDING };
    char ip[2][ADDR_TEXT_SIZE], labels[LABELS_TEXT], media[MEDIA_TEXT];
    struct pack p[3];
    struct call_record copy = *r; /* a visit takes what it may write to */

    for (int i = 0; i < 3; i++) {
        buf_clear(&s->scratch[i]);
        p[i] = pack_writer(&s->scratch[i]);
    }
    record_pack_call(&p[DETAIL], &copy);
    record_pack_chains(&p[CHAINS], &copy.chains, &copy.chain_count);
    record_pack_events(&p[EVENTS], &copy.events, &copy.event_count);
    bool change = row->id && row->same;
    sqlite3_stmt *statement = db_statement(db, change    ? SQL_CALL_CHANGE
                                               : row->id ? SQL_CALL_REPLACE
                                                         : SQL_CALL_PUT);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int_or_null(&b, row->id, row->id != 0);
    bind_course(&b, r, ip, labels);
    bind_recording(&b, &r->recording, &s->scratch[RECORDING]);
    for (int i = 0; i < 3; i++)
        bind_blob(&b, buf_view(&s->scratch[i]));
    bind_int_or_null(&b, kpi, kpi >= 0);
    bind_media(&b, r, media);
    if (!change)
        bind_names(&b, r);
    for (int i = 0; i < 4; i++)
        if (s->scratch[i].failed)
            return ERR_NOMEM;
    int err = db_run(db, statement);
    if (!err && row->id == 0)
        row->id = sqlite3_last_insert_rowid(db->handle);
    return err;
}

static int stream_put(struct store *s, struct db *db, int64_t id,
                      const struct record_stream *stream)
{
    enum { DETAIL, SERIES };
    char ip[2][ADDR_TEXT_SIZE];
    struct record_stream copy = *stream;
    struct pack detail = pack_writer(&s->scratch[DETAIL]);
    struct pack series = pack_writer(&s->scratch[SERIES]);

    buf_clear(&s->scratch[DETAIL]);
    buf_clear(&s->scratch[SERIES]);
    record_pack_stream(&detail, &copy);
    series_pack(&series, &copy.series);
    if (series.failed || s->scratch[DETAIL].failed || s->scratch[SERIES].failed)
        return ERR_NOMEM;
    sqlite3_stmt *statement = db_statement(db, SQL_STREAM_PUT);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, id);
    bind_ip(&b, &stream->src, ip[0]);
    bind_ip(&b, &stream->dst, ip[1]);
    bind_text(&b, stream->codec);
    bind_blob(&b, buf_view(&s->scratch[DETAIL]));
    bind_blob(&b, buf_view(&s->scratch[SERIES]));
    return db_run(db, statement);
}

static int streams_delete(struct db *db, int64_t id)
{
    sqlite3_stmt *statement = db_statement(db, SQL_STREAMS_DELETE);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, id);
    return db_run(db, statement);
}

/* Once, with the last row: keys come and never go, and what is left of an older row only costs a
 * look. */
static int keys_put(struct db *db, int64_t id, const struct call_record *r)
{
    struct correlate_entries list;
    int err = 0;
    if (!r->final || strcmp(r->kind, "orphan") == 0)
        return 0;
    correlate_entries(r, &list);
    for (unsigned i = 0; i < list.count && !err; i++) {
        struct key_entry entry = {
            .hash = (uint64_t)list.entry[i].hash, .started_us = r->started_us, .call = id};
        err = key_runs_add(db, &entry);
    }
    return err;
}

static int record_put(struct store *s, struct db *db, const struct call_record *r)
{
    uint32_t streams = r->stream_count < STREAMS_MAX ? r->stream_count : STREAMS_MAX;
    struct call_row row;

    int err = call_row(db, r, &row);
    /* a call that is over and counted does not begin again: its capture is read once more */
    if (!err && row.kpi >= 0 && !r->final)
        return 0;
    if (!err && row.id)
        err = streams_delete(db, row.id);
    if (!err)
        err = call_put(s, db, r, &row, store_kpi_number(s, r, row.kpi));
    int64_t id = row.id;
    if (!err)
        err = keys_put(db, id, r);
    for (uint32_t i = 0; i < streams && !err; i++)
        err = stream_put(s, db, id * STREAMS_MAX + i, &r->streams[i]);
    err = store_done(s, err, 1, "calls");
    return err ? err : store_done(s, 0, streams, "streams");
}

int store_put_call(struct store *s, const struct call_record *r)
{
    struct db *db;

    assert(r->uid[0]);
    int err = store_db(s, DB_CALLS, day_of(r->started_us).text, &db);
    return err ? err : record_put(s, db, r);
}

int store_put_recording(struct store *s, const char *uid, int64_t started_us,
                        const struct record_recording *recording)
{
    struct db *db;
    int err = store_db(s, DB_CALLS, day_of(started_us).text, &db);
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, SQL_RECORDING_PUT);
    if (statement == NULL)
        return store_done(s, ERR_INVALID, 0, "recordings");
    struct bind b = bind_to(statement);
    bind_recording(&b, recording, &s->scratch[0]);
    bind_word(&b, uid);
    err = db_run(db, statement);
    return store_done(s, err, 1, "recordings");
}

int store_put_tracks(struct store *s, const char *uid, int64_t started_us,
                     const struct record_files *tracks)
{
    struct record_files copy = *tracks;
    struct pack packed = pack_writer(&s->scratch[0]);
    struct db *db;
    int err = store_db(s, DB_CALLS, day_of(started_us).text, &db);
    if (err)
        return err;
    buf_clear(&s->scratch[0]);
    record_pack_files(&packed, &copy);
    sqlite3_stmt *statement = db_statement(db, SQL_TRACKS_PUT);
    if (statement == NULL || s->scratch[0].failed)
        return store_done(s, statement ? ERR_NOMEM : ERR_INVALID, 0, "recordings");
    struct bind b = bind_to(statement);
    if (tracks->count)
        bind_blob(&b, buf_view(&s->scratch[0]));
    else
        bind_word(&b, NULL);
    bind_word(&b, uid);
    return store_done(s, db_run(db, statement), 1, "recordings");
}

/* ---- calls that a crash left open ---- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t last_known_us(const struct call_record *r)
{
    int64_t last = later(r->started_us, later(r->ringing_us, r->progress_us));
    last = later(last, later(r->answered_us, r->acked_us));
    last = later(last, later(r->bye_us, later(r->cancelled_us, r->early_media_us)));
    for (uint32_t i = 0; i < r->stream_count; i++)
        last = later(last, r->streams[i].last_us);
    return last;
}

static void call_end(struct call_record *r)
{
    r->ended_us = last_known_us(r);
    r->state = "ended";
    r->final = true;
    r->end_reason = "restart";
    r->partial = true;
    if (strcmp(r->kind, "call") == 0 && r->outcome == NULL)
        r->outcome = r->answered_us ? "answered" : "lost";
    if (r->answered_us && r->duration_ms < 0)
        r->duration_ms = (r->ended_us - r->answered_us) / 1000;
}

/* The first open call with a row above *id, or none. */
static int open_call_next(struct db *db, int64_t *id, struct call_record **ret_record)
{
    sqlite3_stmt *statement = db_statement(db, SQL_CALLS_OPEN);
    *ret_record = NULL;
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, *id);
    int rc = sqlite3_step(statement);
    int err = db_error(db, rc);
    if (rc == SQLITE_ROW) {
        *id = sqlite3_column_int64(statement, 0);
        err = call_read(db, statement, CALL_WHOLE, ret_record);
    }
    sqlite3_reset(statement);
    return err;
}

static int day_end_open(struct store *s, const char *day, unsigned *count)
{
    struct call_record *r;
    struct db *db;
    int64_t id = 0;

    for (;;) {
        int err = store_db(s, DB_CALLS, day, &db);
        if (!err)
            err = open_call_next(db, &id, &r);
        if (err || r == NULL)
            return store_done(s, err, 0, "calls");
        call_end(r);
        err = record_put(s, db, r);
        if (!err) /* the spool has nothing of it, or it would have been recovered */
            err = store_end_media_keys(s, r->uid);
        record_free(r);
        if (err)
            return err;
        ++*count;
    }
}

int store_end_open_calls(struct store *s, unsigned *ret_count)
{
    struct day *days;
    size_t count;
    unsigned ended = 0;

    int err = store_commit(s);
    if (!err)
        err = days_unfinished(s->set.data_dir, INT64_MAX, &days, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count && !err; i++) {
        err = day_end_open(s, days[i].text, &ended);
        int commit_err = store_commit(s);
        err = err ? err : commit_err;
    }
    free(days);
    if (!err)
        err = store_end_open_media_keys(s);
    if (!err)
        err = store_drop_jobs(s, STORE_OPEN_JOB);
    if (!err)
        err = store_findings_close(s);
    if (ret_count)
        *ret_count = ended;
    return err;
}
