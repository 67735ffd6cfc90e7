/* SIP messages: one row a call with all of its messages packed, in a day file of its own, so that
 * they have a retention of their own. */
#include "storage/store_db.h"

#include <stdlib.h>

#include "storage/record_pack.h"

#define MESSAGES_ARENA_FIRST   16384
#define MESSAGES_ARENA_CEILING (32u << 20)

void store_messages_begin(struct store *s)
{
    buf_clear(&s->scratch[0]);
    s->messages = 0;
}

void store_messages_add(struct store *s, const struct record_message *m)
{
    struct pack p = pack_writer(&s->scratch[0]);
    struct record_message copy = *m; /* a visit takes what it may write to */
    record_pack_message(&p, &copy, MESSAGE_FORMAT);
    s->messages++;
}

int store_messages_end(struct store *s, const char *uid, int64_t started_us)
{
    struct db *db;

    if (s->messages == 0)
        return 0;
    int err = store_db(s, DB_MESSAGES, day_of(started_us).text, &db);
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, SQL_MESSAGES_PUT);
    if (statement == NULL || s->scratch[0].failed)
        return store_done(s, statement ? ERR_NOMEM : ERR_INVALID, 0, "messages");
    struct bind b = bind_to(statement);
    bind_word(&b, uid);
    bind_int(&b, s->messages);
    bind_blob(&b, buf_view(&s->scratch[0]));
    bind_int(&b, MESSAGE_FORMAT);
    return store_done(s, db_run(db, statement), s->messages, "messages");
}

int store_put_messages(struct store *s, const char *uid, int64_t started_us,
                       const struct record_message *messages, unsigned count)
{
    store_messages_begin(s);
    for (unsigned i = 0; i < count; i++)
        store_messages_add(s, &messages[i]);
    return store_messages_end(s, uid, started_us);
}

static int messages_deliver(sqlite3_stmt *row, store_message_fn *fn, void *context)
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

static int day_messages(struct store_reader *r, const char *day, const char *uid,
                        store_message_fn *fn, void *context)
{
    struct db *db;
    int err = db_get(&r->set, DB_MESSAGES, day, &db, NULL);
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, SQL_MESSAGES);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_word(&b, uid);
    int rc = sqlite3_step(statement);
    err = rc == SQLITE_DONE ? ERR_NOT_FOUND : db_error(db, rc);
    if (rc == SQLITE_ROW)
        err = messages_deliver(statement, fn, context);
    sqlite3_reset(statement);
    return err;
}

int store_messages_at(struct store_reader *r, const char *uid, int64_t started_us,
                      store_message_fn *fn, void *context)
{
    return day_messages(r, day_of(started_us).text, uid, fn, context);
}

int store_messages(struct store_reader *r, const char *uid, store_message_fn *fn, void *context)
{
    struct day *days;
    size_t count;
    int err = day_list(r->set.data_dir, DB_MESSAGES, &days, &count);
    if (err)
        return err;
    err = ERR_NOT_FOUND;
    for (size_t i = count; i > 0 && err == ERR_NOT_FOUND; i--)
        err = day_messages(r, days[i - 1].text, uid, fn, context);
    free(days);
    return err;
}
