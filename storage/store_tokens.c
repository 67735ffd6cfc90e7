/* Access tokens (only the hash of their secret part), accounts (only what a slow hash made of the
 * password) and the secrets of the installation. */
#include "storage/store_db.h"

#include "base/crypto.h"

#define SECRET_BYTES 32

static void bind_limit(struct bind *b, const struct store_limit *l)
{
    bind_word(b, l->tenants);
    bind_word(b, l->sites);
    bind_word(b, l->trunks);
    bind_word(b, l->prefixes);
    bind_int(b, l->max_age_s);
}

int store_put_token(struct store *s, const struct store_token *token)
{
    struct db *db;
    struct bind b;
    int err = store_main(s, SQL_TOKEN_PUT, &db, &b);
    if (err)
        return err;
    bind_word(&b, token->id);
    bind_blob(&b, slice_of(token->hash, sizeof token->hash));
    bind_word(&b, token->name);
    bind_word(&b, token->role);
    bind_int(&b, token->created_us);
    bind_int(&b, token->expires_us);
    bind_int(&b, token->revoked);
    bind_limit(&b, &token->limit);
    bind_word(&b, token->scopes);
    bind_word(&b, token->cidrs);
    bind_int(&b, token->used_us);
    err = db_run(db, b.statement);
    s->pending += err == 0;
    return store_done(s, err, 0, "jobs");
}

/* False when it is longer than it can be: what is cut would not be the same limit. */
static bool text_read(sqlite3_stmt *row, int column, char *out, size_t size)
{
    struct slice text = column_bytes(row, column);
    slice_copy_to(text, out, size);
    return text.size < size;
}

/* The columns of bind_limit(). */
static bool limit_read(sqlite3_stmt *row, int column, struct store_limit *l)
{
    l->max_age_s = sqlite3_column_int64(row, column + 4);
    return text_read(row, column, l->tenants, sizeof l->tenants) &&
           text_read(row, column + 1, l->sites, sizeof l->sites) &&
           text_read(row, column + 2, l->trunks, sizeof l->trunks) &&
           text_read(row, column + 3, l->prefixes, sizeof l->prefixes) && l->max_age_s >= 0;
}

static void token_read(sqlite3_stmt *row, struct store_token *ret_token)
{
    struct slice hash = column_bytes(row, 1);
    *ret_token = (struct store_token){.created_us = sqlite3_column_int64(row, 4),
                                      .expires_us = sqlite3_column_int64(row, 5),
                                      .revoked = sqlite3_column_int(row, 6),
                                      .used_us = sqlite3_column_int64(row, 14)};
    slice_copy_to(column_bytes(row, 0), ret_token->id, sizeof ret_token->id);
    slice_copy_to(column_bytes(row, 2), ret_token->name, sizeof ret_token->name);
    slice_copy_to(column_bytes(row, 3), ret_token->role, sizeof ret_token->role);
    bool whole = limit_read(row, 7, &ret_token->limit) &&
                 text_read(row, 12, ret_token->scopes, sizeof ret_token->scopes) &&
                 text_read(row, 13, ret_token->cidrs, sizeof ret_token->cidrs);
    if (hash.size == sizeof ret_token->hash && whole)
        memcpy(ret_token->hash, hash.data, hash.size);
    else
        ret_token->revoked = true; /* a damaged row opens nothing */
}

int store_token(struct store_reader *r, const char *id, struct store_token *ret_token)
{
    sqlite3_stmt *row;
    struct db *db;
    int err = db_get(&r->set, DB_MAIN, "", &db, NULL);
    if (!err)
        err = db_row(db, SQL_TOKEN, id, &row);
    if (err)
        return err;
    token_read(row, ret_token);
    sqlite3_reset(row);
    return 0;
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

static int count_of(struct store_reader *r, enum db_sql sql, unsigned *ret_count)
{
    struct db *db;
    int64_t count;
    int err = db_get(&r->set, DB_MAIN, "", &db, NULL);
    if (!err)
        err = db_number(db, sql, &count);
    if (!err)
        *ret_count = (unsigned)count;
    return err;
}

int store_token_count(struct store_reader *r, unsigned *ret_count)
{
    return count_of(r, SQL_TOKEN_COUNT, ret_count);
}

/* One value, then what names the row; a row that is not there stays so. */
static int change(struct store *s, enum db_sql sql, int64_t used_us, const char *key)
{
    struct db *db;
    struct bind b;
    int err = store_main(s, sql, &db, &b);
    if (err)
        return err;
    if (used_us)
        bind_int(&b, used_us);
    bind_word(&b, key);
    err = db_run(db, b.statement);
    s->pending += err == 0;
    return store_done(s, err, 0, "jobs");
}

int store_token_used(struct store *s, const char *id, int64_t used_us)
{
    return change(s, SQL_TOKEN_USED, used_us, id);
}

/* ---- accounts ---- */

int store_account_used(struct store *s, const char *name, int64_t used_us)
{
    return change(s, SQL_ACCOUNT_USED, used_us, name);
}

int store_drop_account(struct store *s, const char *name)
{
    return change(s, SQL_ACCOUNT_DROP, 0, name);
}

int store_put_account(struct store *s, const struct store_account *account, bool *ret_stale)
{
    struct db *db;
    struct bind b;
    int err = store_main(s, account->read_us ? SQL_ACCOUNT_CHANGE : SQL_ACCOUNT_PUT, &db, &b);
    if (err)
        return err;
    bind_word(&b, account->name);
    bind_word(&b, account->password);
    bind_word(&b, account->role);
    bind_word(&b, account->scopes);
    bind_int(&b, account->created_us);
    bind_int(&b, account->changed_us);
    bind_int(&b, account->used_us);
    bind_int(&b, account->disabled);
    bind_limit(&b, &account->limit);
    if (account->read_us)
        bind_int(&b, account->read_us);
    int rc = sqlite3_step(b.statement); /* a row is what was written */
    sqlite3_reset(b.statement);
    err = rc == SQLITE_ROW ? 0 : db_error(db, rc);
    *ret_stale = rc == SQLITE_DONE;
    s->pending += rc == SQLITE_ROW;
    return store_done(s, err, 0, "jobs");
}

/* Of a damaged row nobody logs in. */
static void account_read(sqlite3_stmt *row, struct store_account *ret)
{
    *ret = (struct store_account){.created_us = sqlite3_column_int64(row, 4),
                                  .changed_us = sqlite3_column_int64(row, 5),
                                  .read_us = sqlite3_column_int64(row, 5),
                                  .used_us = sqlite3_column_int64(row, 6),
                                  .disabled = sqlite3_column_int(row, 7)};
    bool whole = text_read(row, 0, ret->name, sizeof ret->name) &&
                 text_read(row, 1, ret->password, sizeof ret->password) &&
                 text_read(row, 2, ret->role, sizeof ret->role) &&
                 text_read(row, 3, ret->scopes, sizeof ret->scopes) &&
                 limit_read(row, 8, &ret->limit);
    ret->disabled |= !whole;
}

int store_account(struct store_reader *r, const char *name, struct store_account *ret_account)
{
    sqlite3_stmt *row;
    struct db *db;
    int err = db_get(&r->set, DB_MAIN, "", &db, NULL);
    if (!err)
        err = db_row(db, SQL_ACCOUNT, name, &row);
    if (err)
        return err;
    account_read(row, ret_account);
    sqlite3_reset(row);
    return 0;
}

int store_accounts(struct store_reader *r, store_account_fn *fn, void *context)
{
    struct store_account account;
    struct db *db;
    int rc;

    int err = db_get(&r->set, DB_MAIN, "", &db, NULL);
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, SQL_ACCOUNTS);
    if (statement == NULL)
        return ERR_INVALID;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        account_read(statement, &account);
        fn(context, &account);
    }
    sqlite3_reset(statement);
    return db_error(db, rc);
}

int store_account_count(struct store_reader *r, unsigned *ret_count)
{
    return count_of(r, SQL_ACCOUNT_COUNT, ret_count);
}

/* ---- secrets of the installation ---- */

static int secret_read(struct db *db, const char *name, uint8_t ret_secret[SECRET_BYTES])
{
    sqlite3_stmt *row;
    int err = db_row(db, SQL_SECRET, name, &row);
    if (err)
        return err;
    struct slice value = column_bytes(row, 0);
    bool whole = value.size == SECRET_BYTES;
    if (whole)
        memcpy(ret_secret, value.data, SECRET_BYTES);
    sqlite3_reset(row);
    return whole ? 0 : ERR_INVALID;
}

int store_secret(struct store *s, const char *name, uint8_t ret_secret[SECRET_BYTES])
{
    uint8_t made[SECRET_BYTES];
    struct bind b;
    struct db *db;

    int err = s->error ? s->error : db_get(&s->set, DB_MAIN, "", &db, NULL);
    if (!err)
        err = secret_read(db, name, ret_secret);
    if (err != ERR_NOT_FOUND)
        return err;
    err = store_main(s, SQL_SECRET_PUT, &db, &b);
    if (err)
        return err;
    crypto_random(made, sizeof made);
    bind_word(&b, name);
    bind_blob(&b, slice_of(made, sizeof made));
    err = store_done(s, db_run(db, b.statement), 0, "jobs");
    int commit_err = store_commit(s); /* nothing may be built on a secret that can be lost */
    err = err ? err : commit_err;
    if (!err)
        memcpy(ret_secret, made, sizeof made);
    return err;
}
