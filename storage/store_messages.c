/* The SIP messages of a call stand in the spool (spool_messages.c). Versions before stored them a
 * second time, a row a call with all of them packed, in day files of their own: those are read. */
#include "storage/store_db.h"

#include <stdlib.h>

#include "storage/record_pack.h"

#define MESSAGES_ARENA_FIRST   16384
#define MESSAGES_ARENA_CEILING (32u << 20)

int store_put_messages(struct store *s, const char *uid, int64_t started_us,
                       const struct record_message *messages, unsigned count)
{
    struct pack packed = pack_writer(&s->scratch[0]);
    struct db *db;

    buf_clear(&s->scratch[0]);
    for (unsigned i = 0; i < count; i++) {
        struct record_message copy = messages[i]; /* a visit takes what it may write to */
        record_pack_message(&packed, &copy, MESSAGE_FORMAT);
    }
    int err = store_db(s, DB_MESSAGES, day_of(started_us).text, &db);
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, SQL_MESSAGES_PUT);
    if (statement == NULL || s->scratch[0].failed)
        return store_done(s, statement ? ERR_NOMEM : ERR_INVALID, 0, "messages");
    struct bind b = bind_to(statement);
    bind_word(&b, uid);
    bind_int(&b, count);
    bind_blob(&b, buf_view(&s->scratch[0]));
    bind_int(&b, MESSAGE_FORMAT);
    return store_done(s, db_run(db, statement), count, "messages");
}

static int messages_deliver(sqlite3_stmt *row, message_fn *fn, void *context)
{
    int64_t count = sqlite3_column_int64(row, 0);
    struct slice packed = column_bytes(row, 1);
    int format = sqlite3_column_int(row, 2);
    if (format > MESSAGE_FORMAT)
        return ERR_UNSUPPORTED; /* by a newer program */
    struct arena *arena = arena_new(MESSAGES_ARENA_FIRST, MESSAGES_ARENA_CEILING);
    if (arena == NULL)
        return ERR_NOMEM;
    struct pack p = pack_reader(packed, arena);
    for (int64_t i = 0; i < count && !p.failed && !pack_at_end(&p); i++) {
        struct record_message m;
        record_message_init(&m);
        record_pack_message(&p, &m, format);
        if (!p.failed)
            fn(context, &m);
    }
    arena_free(arena);
    return p.failed ? ERR_INVALID : 0;
}

static int day_messages(struct store_reader *r, const char *day, const char *uid, message_fn *fn,
                        void *context)
{
    sqlite3_stmt *row;
    struct db *db;
    int err = db_get(&r->set, DB_MESSAGES, day, &db, NULL);
    if (!err)
        err = db_row(db, SQL_MESSAGES, uid, &row);
    if (err)
        return err;
    err = messages_deliver(row, fn, context);
    sqlite3_reset(row);
    return err;
}

int store_messages(struct store_reader *r, const struct call_record *call, message_fn *fn,
                   void *context)
{
    int err = day_messages(r, day_of(call->started_us).text, call->uid, fn, context);
    return err == ERR_NOT_FOUND ? spool_messages(r->set.data_dir, call, r->describe, fn, context)
                                : err;
}

void store_reader_describes(struct store_reader *r, message_describe_fn *describe)
{
    r->describe = describe;
}
