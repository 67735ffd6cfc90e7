/* Annotations and transcripts of calls, in the file of the day that the call began: a packed row each (the transcript is number 0),
 * and their words in an index beside them (FTS5). The index has no text of its own: what is to be taken out of it is told to it as
 * it went in, out of the packed row.
 *
 * What goes is overwritten: rows at once, words as soon as the index is merged, of which each commit that took words away does a
 * piece. */
#include "storage/store_db.h"

#include <stdlib.h>

#include "storage/record_notes.h"
#include "storage/word_query.h"

#define TRANSCRIPT_N 0
#define PACKED_MAX   (4u << 20)
#define ARENA_MAX    (16u << 20)

static sqlite3_stmt *statement_of(struct db *db, enum db_sql sql, struct bind *ret_bind)
{
    sqlite3_stmt *statement = db_statement(db, sql);
    *ret_bind = bind_to(statement);
    return statement;
}

/* ---- a note, packed or not ---- */

struct note {
    int64_t id; /* of its row; 0: it has none */
    struct record_annotation annotation;
    struct record_transcript transcript;
};

static void note_pack(struct pack *p, uint32_t n, struct note *note)
{
    if (n == TRANSCRIPT_N)
        note_pack_transcript(p, &note->transcript);
    else
        note_pack_annotation(p, &note->annotation);
}

/* As the index gets them, going in and coming out. */
static void note_words(uint32_t n, const struct note *note, struct buf *out)
{
    if (n != TRANSCRIPT_N)
        buf_slice(out, note->annotation.text);
    for (uint32_t i = 0; n == TRANSCRIPT_N && i < note->transcript.segment_count; i++) {
        buf_slice(out, note->transcript.segments[i].text);
        buf_char(out, '\n');
    }
}

/* Its id stays 0 when there is none. */
static int note_read(struct db *db, const char *uid, uint32_t n, struct arena *arena, struct note *ret)
{
    struct bind b;
    sqlite3_stmt *statement = statement_of(db, SQL_NOTE, &b);
    if (statement == NULL)
        return ERR_INVALID;
    bind_word(&b, uid);
    bind_int(&b, n);
    int rc = sqlite3_step(statement);
    struct pack p = {0};
    if (rc == SQLITE_ROW) {
        ret->id = sqlite3_column_int64(statement, 0);
        p = pack_reader(column_bytes(statement, 1), arena);
        note_pack(&p, n, ret);
    }
    sqlite3_reset(statement);
    return p.failed ? ERR_INVALID : db_error(db, rc);
}

/* ---- the index ---- */

static int words_change(struct db *db, enum db_sql sql, uint32_t n, const struct note *note)
{
    struct bind b;
    struct buf words;
    sqlite3_stmt *statement = statement_of(db, sql, &b);
    if (statement == NULL)
        return ERR_INVALID;
    buf_init(&words, PACKED_MAX);
    note_words(n, note, &words);
    bind_int(&b, note->id);
    bind_text(&b, buf_view(&words));
    int err = words.failed ? ERR_NOMEM : db_run(db, statement);
    buf_fini(&words);
    return err;
}

/* From now on what this connection deletes is overwritten. SQLite may be built so from the start (Debian's is): it is never taken
 * back. */
static int wipe(struct db *db)
{
    return db_error(db, sqlite3_exec(db->handle, "PRAGMA secure_delete = ON", NULL, NULL, NULL));
}

int words_tidy(struct db *db)
{
    if (!db->words_went)
        return 0;
    db->words_went = false;
    /* only what the index has written can be merged: it does so ahead of a savepoint */
    int rc = sqlite3_exec(db->handle, "SAVEPOINT words; RELEASE words", NULL, NULL, NULL);
    return rc == SQLITE_OK ? db_run(db, db_statement(db, SQL_WORDS_MERGE)) : db_error(db, rc);
}

/* ---- changes ---- */

static int row_take(struct db *db, uint32_t n, const struct note *note)
{
    struct bind b;
    int err = words_change(db, SQL_WORDS_TAKE, n, note);
    sqlite3_stmt *statement = statement_of(db, SQL_NOTE_DELETE, &b);
    if (err || statement == NULL)
        return err ? err : ERR_INVALID;
    bind_int(&b, note->id);
    return db_run(db, statement);
}

static int row_drop(struct db *db, uint32_t n, const struct note *note)
{
    int err = wipe(db);
    db->words_went = true;
    return err ? err : row_take(db, n, note);
}

static int row_put(struct db *db, const char *uid, uint32_t n, struct note *note)
{
    struct bind b;
    struct buf packed;
    sqlite3_stmt *statement = statement_of(db, SQL_NOTE_PUT, &b);
    if (statement == NULL)
        return ERR_INVALID;
    buf_init(&packed, PACKED_MAX);
    struct pack p = pack_writer(&packed);
    note_pack(&p, n, note);
    bind_word(&b, uid);
    bind_int(&b, n);
    bind_blob(&b, buf_view(&packed));
    int err = p.failed || packed.failed ? ERR_NOMEM : db_run(db, statement);
    note->id = sqlite3_last_insert_rowid(db->handle);
    buf_fini(&packed);
    return err ? err : words_change(db, SQL_WORDS_PUT, n, note);
}

static int row_replace(struct db *db, const char *uid, uint32_t n, const struct note *old,
                       struct note *note)
{
    int err = old->id ? row_drop(db, n, old) : 0;
    return err ? err : row_put(db, uid, n, note);
}

struct numbers {
    unsigned count; /* of annotations */
    uint32_t last;
    bool transcript;
};

static int numbers_read(struct db *db, const char *uid, struct numbers *ret)
{
    struct bind b;
    sqlite3_stmt *statement = statement_of(db, SQL_NOTE_NUMBERS, &b);
    *ret = (struct numbers){0};
    if (statement == NULL)
        return ERR_INVALID;
    bind_word(&b, uid);
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        ret->transcript = sqlite3_column_int(statement, 1) > 0;
        ret->count = (unsigned)sqlite3_column_int(statement, 0) - ret->transcript;
        ret->last = (uint32_t)sqlite3_column_int64(statement, 2);
    }
    sqlite3_reset(statement);
    return db_error(db, rc);
}

static int annotation_add(struct db *db, struct store_note *change)
{
    struct numbers there;
    int err = numbers_read(db, change->uid, &there);
    if (err)
        return err;
    if (there.count >= NOTE_ANNOTATIONS_MAX) {
        change->refused = ERR_FULL;
        return 0;
    }
    if (change->n == 0)
        change->n = there.last + 1;
    struct note note = {.annotation = *change->annotation};
    note.annotation.n = change->n;
    return row_put(db, change->uid, change->n, &note);
}

/* Who wrote it stays, and when. */
static int annotation_change(struct db *db, const struct store_note *change, const struct note *old)
{
    struct note note = {.annotation = *change->annotation};
    note.annotation.n = change->n;
    note.annotation.edited_by = change->annotation->author;
    note.annotation.author = old->annotation.author;
    note.annotation.created_us = old->annotation.created_us;
    return row_replace(db, change->uid, change->n, old, &note);
}

static int transcript_put(struct db *db, const struct store_note *change, const struct note *old)
{
    struct note note = {.transcript = *change->transcript};
    if (old->id)
        note.transcript.created_us = old->transcript.created_us;
    return row_replace(db, change->uid, TRANSCRIPT_N, old, &note);
}

static int change_row(struct db *db, struct store_note *change, const struct note *old)
{
    switch (change->what) {
    case STORE_ANNOTATION_ADD:
        return annotation_add(db, change);
    case STORE_TRANSCRIPT_PUT:
        return transcript_put(db, change, old);
    case STORE_ANNOTATION_PUT:
    case STORE_ANNOTATION_DROP:
    case STORE_TRANSCRIPT_DROP:
        break;
    }
    if (old->id == 0) {
        change->refused = ERR_NOT_FOUND;
        return 0;
    }
    if (change->what == STORE_ANNOTATION_PUT)
        return annotation_change(db, change, old);
    return row_drop(db, change->n, old);
}

struct named_notes {
    struct named_note {
        char uid[40];
        uint32_t n;
    } *items;
    unsigned count;
};

static int notes_named(struct db *db, sqlite3_stmt *statement, struct named_notes *l)
{
    int rc, err = 0;
    while (!err && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        struct named_note *more = realloc(l->items, (l->count + 1) * sizeof *more);
        if (more == NULL) {
            err = ERR_NOMEM;
            break;
        }
        l->items = more;
        slice_copy_to(column_bytes(statement, 0), more[l->count].uid, sizeof more->uid);
        more[l->count++].n = (uint32_t)sqlite3_column_int64(statement, 1);
    }
    sqlite3_reset(statement);
    return err ? err : db_error(db, rc);
}

static int note_prune(struct db *db, const struct named_note *named)
{
    struct arena *arena = arena_new(4096, ARENA_MAX);
    struct note note = {0};
    int err = arena ? note_read(db, named->uid, named->n, arena, &note) : ERR_NOMEM;
    if (!err && note.id)
        err = row_drop(db, named->n, &note);
    arena_free(arena);
    return err;
}

int notes_prune(struct db *db, sqlite3_stmt *named, unsigned *ret_count)
{
    struct named_notes l = {0};
    int err = named ? notes_named(db, named, &l) : ERR_INVALID;
    for (unsigned i = 0; i < l.count && !err; i++)
        err = note_prune(db, &l.items[i]);
    *ret_count = l.count;
    free(l.items);
    return err;
}

/* The transcript of a recording that is deleted does not come back. */
static int is_wanted(struct store *s, struct store_note *change)
{
    bool deleted = false;
    int err = change->what == STORE_TRANSCRIPT_PUT ? store_was_deleted(s, change->uid, change->started_us, &deleted) : 0;
    if (deleted)
        change->refused = ERR_EXISTS;
    return err;
}

int store_change_note(struct store *s, struct store_note *change)
{
    struct arena *arena = arena_new(4096, ARENA_MAX);
    struct note old = {0};
    struct db *db;
    change->refused = 0;
    int err = arena ? store_db(s, DB_CALLS, day_of(change->started_us).text, &db) : ERR_NOMEM;
    if (!err)
        err = is_wanted(s, change);
    if (!err && !change->refused)
        err = note_read(db, change->uid, change->n, arena, &old);
    if (!err && !change->refused)
        err = change_row(db, change, &old);
    arena_free(arena);
    err = store_done(s, err, 1, "notes");
    return err || change->refused ? err : store_note_late(s, change->uid);
}

int store_drop_transcript(struct store *s, const char *uid, int64_t started_us)
{
    struct store_note change = {.what = STORE_TRANSCRIPT_DROP, .uid = uid, .started_us = started_us};
    return store_change_note(s, &change);
}

int store_restore_notes(struct store *s, const char *uid, int64_t started_us, const struct record_notes *notes)
{
    struct store_note change = {.what = STORE_TRANSCRIPT_PUT, .uid = uid, .started_us = started_us, .transcript = notes->transcript};
    int err = notes->transcript ? store_change_note(s, &change) : 0;
    change.what = STORE_ANNOTATION_ADD;
    for (uint32_t i = 0; i < notes->annotation_count && !err; i++) {
        change.annotation = &notes->annotations[i];
        change.n = change.annotation->n;
        err = store_change_note(s, &change);
    }
    return err;
}

/* ---- reading ---- */

int notes_count(struct db *db, struct call_record *r)
{
    struct numbers there;
    int err = numbers_read(db, r->uid, &there);
    r->annotation_count = there.count;
    r->has_transcript = there.transcript;
    return err;
}

static int annotations_read(struct db *db, const char *uid, struct arena *arena, struct record_notes *notes)
{
    struct bind b;
    sqlite3_stmt *statement = statement_of(db, SQL_ANNOTATIONS, &b);
    int rc;
    notes->annotations = arena_alloc(arena, NOTE_ANNOTATIONS_MAX * sizeof *notes->annotations);
    if (statement == NULL || notes->annotations == NULL)
        return statement ? ERR_NOMEM : ERR_INVALID;
    bind_word(&b, uid);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW && notes->annotation_count < NOTE_ANNOTATIONS_MAX) {
        struct pack p = pack_reader(column_bytes(statement, 0), arena);
        note_pack_annotation(&p, &notes->annotations[notes->annotation_count]);
        notes->annotation_count += !p.failed;
    }
    sqlite3_reset(statement);
    return db_error(db, rc);
}

static int transcript_read(struct db *db, const char *uid, struct arena *arena, struct record_notes *notes)
{
    struct note note = {0};
    int err = note_read(db, uid, TRANSCRIPT_N, arena, &note);
    if (err || note.id == 0)
        return err;
    notes->transcript = arena_alloc(arena, sizeof *notes->transcript);
    if (notes->transcript == NULL)
        return ERR_NOMEM;
    *notes->transcript = note.transcript;
    return 0;
}

int store_notes(struct store_reader *r, const char *uid, int64_t started_us, unsigned which, struct arena *arena,
                struct record_notes *ret_notes)
{
    struct db *db;
    *ret_notes = (struct record_notes){0};
    int err = db_get(&r->set, DB_CALLS, day_of(started_us).text, &db, NULL);
    if (!err && which & STORE_ANNOTATIONS)
        err = annotations_read(db, uid, arena, ret_notes);
    if (!err && which & STORE_TRANSCRIPT)
        err = transcript_read(db, uid, arena, ret_notes);
    return db_gone_is_empty(err);
}
