/* The statements of the user records, made of their lists of fields: constant text like all others.
 */
#include "storage/store_db.h"

#include <assert.h>

#define SQL_NAME(name, type, size, how) ", " #name
#define SQL_HOLE(name, type, size, how) ",?"

#define SQL_PUT_NEW(name)  "excluded." #name
#define SQL_PUT_SUM(name)  "excluded." #name
#define SQL_PUT_KEEP(name) "ifnull(excluded." #name ", " #name ")"
#define SQL_PUT_FIRST(name)                                                                        \
    "min(ifnull(" #name ", excluded." #name "), ifnull(excluded." #name ", " #name "))"
#define SQL_PUT(name, type, size, how) ", " #name " = " SQL_PUT_##how(name)

#define SQL_TALLY_NEW(name)              SQL_PUT_NEW(name)
#define SQL_TALLY_SUM(name)              #name " + excluded." #name
#define SQL_TALLY_KEEP(name)             SQL_PUT_KEEP(name)
#define SQL_TALLY_FIRST(name)            SQL_PUT_FIRST(name)
#define SQL_TALLY(name, type, size, how) ", " #name " = " SQL_TALLY_##how(name)

#define SQL_INSERT(table, fields)                                                                  \
    "INSERT INTO " table "(id" fields(SQL_NAME) ") VALUES (NULL" fields(                           \
        SQL_HOLE) ") ON CONFLICT(key) DO UPDATE SET id = id"

#define SQL_OF(table, order, fields)                                                               \
    {                                                                                              \
        .text = {[USER_SQL_PUT] = SQL_INSERT(table, fields) fields(SQL_PUT),                       \
                 [USER_SQL_TALLY] =                                                                \
                     SQL_INSERT(table, fields) fields(SQL_TALLY) " RETURNING " SQL_COUNT,          \
                 [USER_SQL_WEAK] = "SELECT weak FROM " table " WHERE key = ?",                     \
                 [USER_SQL_TRIM] = "DELETE FROM " table " WHERE id IN (SELECT id FROM " table      \
                                   " WHERE weak = ? ORDER BY " order " DESC LIMIT -1 OFFSET ?)"},  \
        .select = "SELECT id" fields(SQL_NAME) " FROM " table,                                     \
    }

static const struct {
    const char *text[USER_SQL_COUNT];
    const char *select;
} SQL[USER_KINDS] = {
/* Records that are never summed up count as one. */
#define SQL_COUNT "count"
    [USER_REGISTRATION] = SQL_OF("registrations", "updated_us", REGISTRATION_FIELDS),
    [USER_SUBSCRIPTION] = SQL_OF("subscriptions", "updated_us", SUBSCRIPTION_FIELDS),
    [USER_MESSAGE] = SQL_OF("user_messages", "sent_us", MESSAGE_FIELDS),
#undef SQL_COUNT
#define SQL_COUNT "1"
    [USER_PEER] = SQL_OF("peers", "updated_us", PEER_FIELDS),
    [USER_AGENT] = SQL_OF("agents", "updated_us", AGENT_FIELDS),
    [USER_FINDING] = SQL_OF("findings", "updated_us", FINDING_FIELDS),
    [USER_PRESENCE] = SQL_OF("presence", "updated_us", PRESENCE_FIELDS),
    [USER_PRESENCE_CHANGE] = SQL_OF("presence_changes", "updated_us", PRESENCE_FIELDS),
};

const char *user_sql_text(enum user_kind kind, enum user_sql sql)
{
    assert(kind < USER_KINDS && sql < USER_SQL_COUNT);
    return SQL[kind].text[sql];
}

const char *user_sql_select(enum user_kind kind)
{
    assert(kind < USER_KINDS);
    return SQL[kind].select;
}
