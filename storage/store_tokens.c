/* Access tokens (only the hash of their secret part) and the secrets of the installation. */
#include "storage/store_db.h"

#include "base/crypto.h"

#define SECRET_BYTES 32

int store_put_token(struct store *s, const struct store_token *token)
{
    struct db *db;
    int err = store_db(s, DB_MAIN, "", &db);
    if (err)
        return err;
    struct bind b = bind_to(db_statement(db, SQL_TOKEN_PUT));
    if (b.statement == NULL)
        return store_done(s, ERR_INVALID, 0, "jobs");
    bind_word(&b, token->id);
    bind_blob(&b, slice_of(token->hash, sizeof token->hash));
    bind_word(&b, token->name);
    bind_word(&b, token->role);
    bind_int(&b, token->created_us);
    bind_int(&b, token->expires_us);
    bind_int(&b, token->revoked);
    bind_word(&b, token->limit.tenants);
    bind_word(&b, token->limit.sites);
    bind_word(&b, token->limit.trunks);
    err = db_run(db, b.statement);
    s->pending += err == 0;
    return store_done(s, err, 0, "jobs");
}

/* False when it is longer than it can be: what is cut would not be the same limit. */
static bool limit_read(sqlite3_stmt *row, int column, char out[STORE_LIMIT_TEXT])
{
    struct slice text = column_bytes(row, column);
    slice_copy_to(text, out, STORE_LIMIT_TEXT);
    return text.size < STORE_LIMIT_TEXT;
}

static void token_read(sqlite3_stmt *row, struct store_token *ret_token)
{
    struct slice hash = column_bytes(row, 1);
    *ret_token = (struct store_token){.created_us = sqlite3_column_int64(row, 4),
                                      .expires_us = sqlite3_column_int64(row, 5),
                                      .revoked = sqlite3_column_int(row, 6)};
    slice_copy_to(column_bytes(row, 0), ret_token->id, sizeof ret_token->id);
    slice_copy_to(column_bytes(row, 2), ret_token->name, sizeof ret_token->name);
    slice_copy_to(column_bytes(row, 3), ret_token->role, sizeof ret_token->role);
    bool whole = limit_read(row, 7, ret_token->limit.tenants) &&
                 limit_read(row, 8, ret_token->limit.sites) &&
                 limit_read(row, 9, ret_token->limit.trunks);
    if (hash.size == sizeof ret_token->hash && whole)
        memcpy(ret_token->hash, hash.data, hash.size);
    else
        ret_token->revoked = true; /* a damaged row opens nothing */
}

int store_token(struct store_reader *r, const char *id, struct store_token *ret_token)
{
    struct db *db;
    int err = db_get(&r->set, DB_MAIN, "", &db, NULL);
    if (err)
        return err;
    struct bind b = bind_to(db_statement(db, SQL_TOKEN));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_word(&b, id);
    int rc = sqlite3_step(b.statement);
    err = rc == SQLITE_DONE ? ERR_NOT_FOUND : db_error(db, rc);
    if (rc == SQLITE_ROW)
        token_read(b.statement, ret_token);
    sqlite3_reset(b.statement);
    return err;
}

int store_tokens(struct store_reader *r, store_token_fn *fn, void *context)
{
    struct store_token token;
    struct db *db;
    int rc;

    int err = db_get(&r->set, DB_MAIN, "", &db, NULL);
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, SQL_TOKENS);
    if (statement == NULL)
        return ERR_INVALID;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        token_read(statement, &token);
        fn(context, &token);
    }
    sqlite3_reset(statement);
    return db_error(db, rc);
}

int store_token_count(struct store_reader *r, unsigned *ret_count)
{
    struct db *db;
    int err = db_get(&r->set, DB_MAIN, "", &db, NULL);
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, SQL_TOKEN_COUNT);
    if (statement == NULL)
        return ERR_INVALID;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *ret_count = (unsigned)sqlite3_column_int(statement, 0);
    sqlite3_reset(statement);
    return db_error(db, rc);
}

static int secret_read(struct db *db, const char *name, uint8_t ret_secret[SECRET_BYTES])
{
    struct bind b = bind_to(db_statement(db, SQL_SECRET));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_word(&b, name);
    int rc = sqlite3_step(b.statement);
    int err = rc == SQLITE_DONE ? ERR_NOT_FOUND : db_error(db, rc);
    if (rc == SQLITE_ROW) {
        struct slice value = column_bytes(b.statement, 0);
        err = value.size == SECRET_BYTES ? 0 : ERR_INVALID;
        if (!err)
            memcpy(ret_secret, value.data, SECRET_BYTES);
    }
    sqlite3_reset(b.statement);
    return err;
}

int store_secret(struct store *s, const char *name, uint8_t ret_secret[SECRET_BYTES])
{
    uint8_t made[SECRET_BYTES];
    struct db *db;

    int err = s->error ? s->error : db_get(&s->set, DB_MAIN, "", &db, NULL);
    if (!err)
        err = secret_read(db, name, ret_secret);
    if (err != ERR_NOT_FOUND)
        return err;
    err = store_db(s, DB_MAIN, "", &db);
    if (err)
        return err;
    crypto_random(made, sizeof made);
    struct bind b = bind_to(db_statement(db, SQL_SECRET_PUT));
    if (b.statement == NULL)
        return store_done(s, ERR_INVALID, 0, "jobs");
    bind_word(&b, name);
    bind_blob(&b, slice_of(made, sizeof made));
    err = store_done(s, db_run(db, b.statement), 0, "jobs");
    int commit_err = store_commit(s); /* nothing may be built on a secret that can be lost */
    err = err ? err : commit_err;
    if (!err)
        memcpy(ret_secret, made, sizeof made);
    return err;
}
