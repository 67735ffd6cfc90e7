/* The schema of each kind of file as an ordered list of steps; `PRAGMA user_version` says how many
 * a file has had. A file moves forward step by step, each in a transaction of its own with its
 * version, so an interrupted migration goes on where it stopped. A file from a newer program is
 * refused, never guessed at. Steps are history: add at the end, change none. */
#include "storage/store_db.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct schema_step CALLS[] = {
    {"CREATE TABLE calls("
     " id INTEGER PRIMARY KEY, uid TEXT NOT NULL, started_us INTEGER NOT NULL, ended_us INTEGER,"
     " kind TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT, call_id TEXT, from_user TEXT,"
     " to_user TEXT, src_ip TEXT, dst_ip TEXT, sip_code INTEGER, q850_cause INTEGER,"
     " duration_ms INTEGER, mos_min REAL, mos_scale TEXT, r_fb_min REAL, loss_ratio REAL,"
     " jitter_ms REAL, one_way INTEGER NOT NULL, no_rtp INTEGER NOT NULL,"
     " encrypted INTEGER NOT NULL, partial INTEGER NOT NULL, codec TEXT, user_agent TEXT,"
     " recording_id TEXT, recording_state TEXT, recording_result TEXT, recording BLOB,"
     " detail BLOB NOT NULL, chains BLOB, events BLOB);"
     "CREATE UNIQUE INDEX calls_uid ON calls(uid);"
     "CREATE INDEX calls_started ON calls(started_us, uid);"
     "CREATE INDEX calls_call_id ON calls(call_id);"
     "CREATE INDEX calls_from_user ON calls(from_user);"
     "CREATE INDEX calls_to_user ON calls(to_user);"
     "CREATE INDEX calls_open ON calls(id) WHERE state <> 'ended';"
     "CREATE INDEX calls_recording ON calls(recording_id) WHERE recording_id IS NOT NULL;"
     "CREATE TABLE streams(id INTEGER PRIMARY KEY, src_ip TEXT, dst_ip TEXT, codec TEXT,"
     " detail BLOB NOT NULL, series BLOB);"},
    /* which flush of the figures counts the call; what was there before is in none */
    {"ALTER TABLE calls ADD COLUMN kpi INTEGER;"
     "UPDATE calls SET kpi = 0 WHERE state = 'ended';"
     "CREATE INDEX calls_kpi ON calls(kpi);"},
    {"ALTER TABLE calls ADD COLUMN caller_number TEXT;"
     "ALTER TABLE calls ADD COLUMN callee_number TEXT;"
     "CREATE INDEX calls_caller_number ON calls(caller_number);"
     "CREATE INDEX calls_callee_number ON calls(callee_number);"},
    {"ALTER TABLE calls ADD COLUMN direction TEXT;"
     "ALTER TABLE calls ADD COLUMN tenant TEXT;"
     "ALTER TABLE calls ADD COLUMN trunk TEXT;"
     "ALTER TABLE calls ADD COLUMN from_site TEXT;"
     "ALTER TABLE calls ADD COLUMN to_site TEXT;"
     "CREATE INDEX calls_tenant ON calls(tenant, started_us) WHERE tenant IS NOT NULL;"
     "CREATE INDEX calls_trunk ON calls(trunk, started_us) WHERE trunk IS NOT NULL;"
     "CREATE INDEX calls_from_site ON calls(from_site, started_us) WHERE from_site IS NOT NULL;"
     "CREATE INDEX calls_to_site ON calls(to_site, started_us) WHERE to_site IS NOT NULL;"},
    /* calls of one chain */
    {"ALTER TABLE calls ADD COLUMN group_id TEXT;"
     "CREATE INDEX calls_group ON calls(group_id) WHERE group_id IS NOT NULL;"},
    /* what legs of one conversation are found by (correlate_index.h) */
    {"CREATE TABLE keys(hash INTEGER NOT NULL, started_us INTEGER NOT NULL, call INTEGER NOT NULL,"
     " PRIMARY KEY(hash, started_us, call)) WITHOUT ROWID;"},
    /* what is attached to calls; found by the pair, as the filter writes it */
    {"CREATE TABLE tags(uid TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
     " PRIMARY KEY(uid, key)) WITHOUT ROWID;"
     "CREATE INDEX tags_pair ON tags(key || ':' || value);"},
    /* files of a conference, with the call that ended it */
    {"ALTER TABLE calls ADD COLUMN tracks BLOB;"},
    /* what was wrong with a call: ",loss,late_media," */
    {"ALTER TABLE calls ADD COLUMN labels TEXT;"},
    /* keys in sorted runs (key_runs.h); those of before stay in their table */
    /* a number that is the user is not written a second time */
    {"DROP INDEX calls_caller_number;"
     "DROP INDEX calls_callee_number;"
     "UPDATE calls SET caller_number = NULL WHERE caller_number = from_user OR caller_number = '';"
     "UPDATE calls SET callee_number = NULL WHERE callee_number = to_user OR callee_number = '';"
     "CREATE INDEX calls_caller_number ON calls(caller_number) WHERE caller_number IS NOT NULL;"
     "CREATE INDEX calls_callee_number ON calls(callee_number) WHERE callee_number IS NOT NULL;"},
    {"CREATE TABLE key_runs(id INTEGER PRIMARY KEY, level INTEGER NOT NULL,"
     " first INTEGER NOT NULL, last INTEGER NOT NULL);"
     "CREATE TABLE key_blocks(id INTEGER PRIMARY KEY, entries BLOB NOT NULL);"},
    /* calls that have files of sound; the condition stands in SQL_AUDIO too, word for word */
    {"CREATE INDEX calls_audio ON calls(started_us, uid)"
     " WHERE recording_state IN ('ready', 'damaged') OR tracks IS NOT NULL;"},
    /* of recordings made by versions before NULL: who asks for them looks into the packed ones */
    {"ALTER TABLE calls ADD COLUMN recording_format TEXT;"
     "ALTER TABLE calls ADD COLUMN recording_ms INTEGER;"},
    /* of calls out of a capture that somebody brought: of which, and when */
    {"ALTER TABLE calls ADD COLUMN import_id TEXT;"
     "ALTER TABLE calls ADD COLUMN imported_us INTEGER;"
     "CREATE INDEX calls_import ON calls(import_id, imported_us) WHERE import_id IS NOT NULL;"},
    /* annotations, and as number 0 the transcript; their words, found by their row (store_notes.c) */
    {"CREATE TABLE notes(id INTEGER PRIMARY KEY, uid TEXT NOT NULL, n INTEGER NOT NULL,"
     " packed BLOB NOT NULL);"
     "CREATE UNIQUE INDEX notes_uid ON notes(uid, n);"
     "CREATE VIRTUAL TABLE words USING fts5(text, content = '', columnsize = 0,"
     " tokenize = 'unicode61 remove_diacritics 2');"},
    /* All that lists filter by stands in the index that they go along (but for streams and tags): a day is looked through without its
     * rows, which are ten times as large. The worst come first without looking at the others; calls without a score cost nothing. */
    {"DROP INDEX calls_started;"
     "CREATE INDEX calls_found ON calls(started_us, uid, kind, state, outcome, sip_code, q850_cause,"
     " duration_ms, mos_min, mos_scale, r_fb_min, loss_ratio, jitter_ms, one_way, no_rtp, encrypted,"
     " partial, direction, codec, src_ip, dst_ip, tenant, trunk, from_site, to_site, from_user, to_user,"
     " caller_number, callee_number, call_id, user_agent, labels, recording_state, import_id);"
     "CREATE INDEX calls_worst ON calls(mos_min, started_us DESC, kind, state, outcome, mos_scale)"
     " WHERE mos_min IS NOT NULL;"},
    /* ",10.1.1.5,10.2.2.9,pcma,": addresses and codecs of its streams, so that who asks for one need not look at the streams of all calls.
     * NULL, as in rows of before: not known here. */
    {"ALTER TABLE calls ADD COLUMN media TEXT;"
     "DROP INDEX calls_found;"
     "CREATE INDEX calls_found ON calls(started_us, uid, kind, state, outcome, sip_code, q850_cause,"
     " duration_ms, mos_min, mos_scale, r_fb_min, loss_ratio, jitter_ms, one_way, no_rtp, encrypted,"
     " partial, direction, codec, src_ip, dst_ip, media, tenant, trunk, from_site, to_site, from_user,"
     " to_user, caller_number, callee_number, call_id, user_agent, labels, recording_state,"
     " recording_result, import_id);"},
};

static const struct schema_step MESSAGES[] = {
    {"CREATE TABLE messages(id INTEGER PRIMARY KEY, uid TEXT NOT NULL, count INTEGER NOT NULL,"
     " packed BLOB NOT NULL);"
     "CREATE UNIQUE INDEX messages_uid ON messages(uid);"},
    {"ALTER TABLE messages ADD COLUMN format INTEGER NOT NULL DEFAULT 1;"},
    /* MESSAGE and presence of the day */
    {"CREATE TABLE user_messages(id INTEGER PRIMARY KEY, key TEXT NOT NULL, weak INTEGER "
     "NOT NULL, uid TEXT, call_uid TEXT, call_id TEXT, space INTEGER NOT NULL, kind TEXT, "
     "aggregate INTEGER NOT NULL, count INTEGER NOT NULL, from_aor TEXT, from_user TEXT, "
     "from_display TEXT, to_aor TEXT, to_user TEXT, ip TEXT, port INTEGER, dst TEXT, "
     "transport TEXT, sent_us INTEGER, answered_us INTEGER, sip_code INTEGER, timed_out "
     "INTEGER NOT NULL, delay_ms REAL, retransmissions INTEGER NOT NULL, challenges "
     "INTEGER NOT NULL, size_bytes INTEGER NOT NULL, content_type TEXT, user_agent TEXT, "
     "sms_type TEXT, sms_from TEXT, sms_to TEXT, imdn TEXT, imdn_id TEXT, composing "
     "INTEGER NOT NULL, file_name TEXT, file_type TEXT, file_hash TEXT, file_url TEXT, "
     "file_bytes INTEGER, body_kept INTEGER NOT NULL, body TEXT);"
     "CREATE UNIQUE INDEX user_messages_key ON user_messages(key);"
     "CREATE INDEX user_messages_time ON user_messages(sent_us);"
     "CREATE INDEX user_messages_oldest ON user_messages(weak, sent_us);"
     "CREATE INDEX user_messages_from ON user_messages(from_user);"
     "CREATE INDEX user_messages_to ON user_messages(to_user);"
     "CREATE TABLE presence_changes(id INTEGER PRIMARY KEY, key TEXT NOT NULL, weak "
     "INTEGER NOT NULL, aor TEXT, user TEXT, space INTEGER NOT NULL, status TEXT, before "
     "TEXT, source TEXT, open INTEGER NOT NULL, activity TEXT, note TEXT, contact TEXT, ip "
     "TEXT, updated_us INTEGER, since_us INTEGER, idle_since_us INTEGER, expires_us "
     "INTEGER, changes INTEGER NOT NULL, updates INTEGER NOT NULL);"
     "CREATE UNIQUE INDEX presence_changes_key ON presence_changes(key);"
     "CREATE INDEX presence_changes_time ON presence_changes(updated_us);"
     "CREATE INDEX presence_changes_oldest ON presence_changes(weak, updated_us);"
     "CREATE INDEX presence_changes_user ON presence_changes(user);"},
};

static const struct schema_step MAIN[] = {
    {"CREATE TABLE jobs(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, uid TEXT NOT "
     "NULL,"
     " started_us INTEGER NOT NULL, attempts INTEGER NOT NULL, UNIQUE(kind, uid));"
     "CREATE TABLE tokens(id TEXT PRIMARY KEY, hash BLOB NOT NULL, name TEXT NOT NULL,"
     " role TEXT NOT NULL, created_us INTEGER NOT NULL, expires_us INTEGER NOT NULL,"
     " revoked INTEGER NOT NULL) WITHOUT ROWID;"
     "CREATE TABLE secrets(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
     "CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, time_us INTEGER NOT NULL, actor "
     "TEXT,"
     " address TEXT, action TEXT, object TEXT, result TEXT, detail TEXT, hash BLOB NOT NULL);"
     "CREATE INDEX audit_time ON audit(time_us);"
     "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit"
     " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;"
     "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit"
     " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;"},
    /* figures that outlive calls; level: a minute, 15 minutes, an hour, a day */
    {"CREATE TABLE kpi(id INTEGER PRIMARY KEY, level INTEGER NOT NULL, dimension TEXT NOT NULL,"
     " start_us INTEGER NOT NULL, cell BLOB, load BLOB, concurrent_max INTEGER NOT NULL DEFAULT 0,"
     " started_max INTEGER NOT NULL DEFAULT 0);"
     "CREATE UNIQUE INDEX kpi_row ON kpi(level, dimension, start_us);"
     "CREATE INDEX kpi_age ON kpi(level, start_us);"
     "CREATE TABLE kpi_mark(id INTEGER PRIMARY KEY CHECK (id = 1), mark INTEGER NOT NULL);"},
    /* users, devices and peers */
    {"CREATE TABLE registrations(id INTEGER PRIMARY KEY, key TEXT NOT NULL, weak INTEGER "
     "NOT NULL, aor TEXT, user TEXT, space INTEGER NOT NULL, state TEXT, aggregate INTEGER "
     "NOT NULL, count INTEGER NOT NULL, ip TEXT, port INTEGER, registrar TEXT, transport "
     "TEXT, user_agent TEXT, server TEXT, auth_user TEXT, auth_realm TEXT, first_us "
     "INTEGER, updated_us INTEGER, registered_us INTEGER, expires_us INTEGER, ended_us "
     "INTEGER, expires_s INTEGER, sip_code INTEGER, attempts INTEGER NOT NULL, successes "
     "INTEGER NOT NULL, failures INTEGER NOT NULL, timeouts INTEGER NOT NULL, refreshes "
     "INTEGER NOT NULL, removals INTEGER NOT NULL, challenges INTEGER NOT NULL, too_brief "
     "INTEGER NOT NULL, retransmissions INTEGER NOT NULL, source_changes INTEGER NOT NULL, "
     "rrd_ms REAL, rrd_full_ms REAL, rrd_avg_ms REAL, rrd_max_ms REAL, contacts TEXT, "
     "contacts_over INTEGER NOT NULL, sources TEXT, failure_codes TEXT);"
     "CREATE UNIQUE INDEX registrations_key ON registrations(key);"
     "CREATE INDEX registrations_oldest ON registrations(weak, updated_us);"
     "CREATE INDEX registrations_user ON registrations(user);"
     "CREATE INDEX registrations_now ON registrations(expires_us) WHERE state = 'registered';"
     "CREATE TABLE subscriptions(id INTEGER PRIMARY KEY, key TEXT NOT NULL, weak INTEGER "
     "NOT NULL, uid TEXT, call_id TEXT, space INTEGER NOT NULL, state TEXT, aggregate "
     "INTEGER NOT NULL, count INTEGER NOT NULL, partial INTEGER NOT NULL, event TEXT, "
     "event_id TEXT, subscriber TEXT, subscriber_user TEXT, resource TEXT, resource_user "
     "TEXT, ip TEXT, port INTEGER, notifier TEXT, transport TEXT, user_agent TEXT, "
     "sip_code INTEGER, reason TEXT, expires_s INTEGER, started_us INTEGER, confirmed_us "
     "INTEGER, updated_us INTEGER, expires_us INTEGER, ended_us INTEGER, refreshes INTEGER "
     "NOT NULL, notifies INTEGER NOT NULL, notify_failures INTEGER NOT NULL, body_type "
     "TEXT, body_bytes INTEGER NOT NULL, refer_code INTEGER, dialog_state TEXT, "
     "dialog_count INTEGER NOT NULL, mwi TEXT);"
     "CREATE UNIQUE INDEX subscriptions_key ON subscriptions(key);"
     "CREATE INDEX subscriptions_oldest ON subscriptions(weak, updated_us);"
     "CREATE INDEX subscriptions_subscriber ON subscriptions(subscriber_user);"
     "CREATE INDEX subscriptions_resource ON subscriptions(resource_user);"
     "CREATE TABLE peers(id INTEGER PRIMARY KEY, key TEXT NOT NULL, weak INTEGER NOT NULL, "
     "src_ip TEXT, src_port INTEGER, dst_ip TEXT, dst_port INTEGER, space INTEGER NOT "
     "NULL, transport TEXT, state TEXT, since_us INTEGER, sip_code INTEGER, rtt_ms REAL, "
     "rtt_min_ms REAL, rtt_avg_ms REAL, rtt_max_ms REAL, user_agent TEXT, server TEXT, "
     "first_us INTEGER, asked_us INTEGER, answered_us INTEGER, updated_us INTEGER, "
     "requests INTEGER NOT NULL, answers INTEGER NOT NULL, missed INTEGER NOT NULL, "
     "misses_in_a_row INTEGER NOT NULL, changes INTEGER NOT NULL);"
     "CREATE UNIQUE INDEX peers_key ON peers(key);"
     "CREATE INDEX peers_oldest ON peers(weak, updated_us);"
     "CREATE TABLE agents(id INTEGER PRIMARY KEY, key TEXT NOT NULL, weak INTEGER NOT "
     "NULL, name TEXT, product TEXT, version TEXT, other INTEGER NOT NULL, ip TEXT, port "
     "INTEGER, first_us INTEGER, updated_us INTEGER, requests INTEGER NOT NULL, responses "
     "INTEGER NOT NULL);"
     "CREATE UNIQUE INDEX agents_key ON agents(key);"
     "CREATE INDEX agents_oldest ON agents(weak, updated_us);"
     "CREATE TABLE presence(id INTEGER PRIMARY KEY, key TEXT NOT NULL, weak INTEGER NOT "
     "NULL, aor TEXT, user TEXT, space INTEGER NOT NULL, status TEXT, before TEXT, source "
     "TEXT, open INTEGER NOT NULL, activity TEXT, note TEXT, contact TEXT, ip TEXT, "
     "updated_us INTEGER, since_us INTEGER, idle_since_us INTEGER, expires_us INTEGER, "
     "changes INTEGER NOT NULL, updates INTEGER NOT NULL);"
     "CREATE UNIQUE INDEX presence_key ON presence(key);"
     "CREATE INDEX presence_oldest ON presence(weak, updated_us);"
     "CREATE INDEX presence_user ON presence(user);"},
    {"ALTER TABLE tokens ADD COLUMN tenants TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE tokens ADD COLUMN sites TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE tokens ADD COLUMN trunks TEXT NOT NULL DEFAULT '';"},
    /* findings */
    {"CREATE TABLE findings(id INTEGER PRIMARY KEY, key TEXT NOT NULL, weak INTEGER NOT "
     "NULL, uid TEXT, detector TEXT, detector_id TEXT, rule TEXT, severity TEXT, state "
     "TEXT, detail TEXT, subject TEXT, space INTEGER NOT NULL, src_ip TEXT, src_port "
     "INTEGER, dst_ip TEXT, dst_port INTEGER, first_us INTEGER, opened_us INTEGER, "
     "updated_us INTEGER, cleared_us INTEGER, count INTEGER NOT NULL, episodes INTEGER NOT "
     "NULL, threshold INTEGER NOT NULL, window_ms INTEGER, calls TEXT, sources TEXT, "
     "destinations TEXT, samples TEXT);"
     "CREATE UNIQUE INDEX findings_key ON findings(key);"
     "CREATE INDEX findings_oldest ON findings(weak, updated_us);"
     "CREATE INDEX findings_time ON findings(updated_us);"
     "CREATE INDEX findings_uid ON findings(uid);"},
    /* keys of media that waits to be rendered */
    {"CREATE TABLE media_keys(uid TEXT PRIMARY KEY, started_us INTEGER NOT NULL,"
     " keys BLOB NOT NULL) WITHOUT ROWID;"},
    /* what was deleted, when, by whom and why */
    {"CREATE TABLE deletions(id INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, class TEXT NOT NULL,"
     " object TEXT NOT NULL, uid TEXT, started_us INTEGER, reason TEXT NOT NULL, actor TEXT NOT NULL,"
     " files INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 BLOB);"
     "CREATE INDEX deletions_time ON deletions(time_us);"},
    /* tokens for less; who logs in */
    {"ALTER TABLE tokens ADD COLUMN prefixes TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE tokens ADD COLUMN max_age_s INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE tokens ADD COLUMN cidrs TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE tokens ADD COLUMN used_us INTEGER NOT NULL DEFAULT 0;"
     "CREATE TABLE accounts(name TEXT PRIMARY KEY, password TEXT NOT NULL, role TEXT NOT NULL,"
     " scopes TEXT NOT NULL, created_us INTEGER NOT NULL, changed_us INTEGER NOT NULL,"
     " used_us INTEGER NOT NULL, disabled INTEGER NOT NULL, tenants TEXT NOT NULL,"
     " sites TEXT NOT NULL, trunks TEXT NOT NULL, prefixes TEXT NOT NULL,"
     " max_age_s INTEGER NOT NULL) WITHOUT ROWID;"},
    /* how registrations are protected */
    {"ALTER TABLE registrations ADD COLUMN auth_scheme TEXT;"
     "ALTER TABLE registrations ADD COLUMN auth_algorithm TEXT;"
     "ALTER TABLE registrations ADD COLUMN auth_qop TEXT;"
     "ALTER TABLE registrations ADD COLUMN auth_failures INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE registrations ADD COLUMN nonce_reuses INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE registrations ADD COLUMN stales INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE registrations ADD COLUMN unchallenged INTEGER NOT NULL DEFAULT 0;"},
    /* how far back a recovery has to look (store_spool_marks.c) */
    {"CREATE TABLE spool_marks(id INTEGER PRIMARY KEY CHECK (id = 1), marks BLOB NOT NULL);"},
};

static const struct {
    const struct schema_step *steps;
    unsigned count;
} SCHEMAS[] = {
    [DB_MAIN] = {MAIN, sizeof MAIN / sizeof *MAIN},
    [DB_CALLS] = {CALLS, sizeof CALLS / sizeof *CALLS},
    [DB_MESSAGES] = {MESSAGES, sizeof MESSAGES / sizeof *MESSAGES},
};

unsigned schema_version(enum db_kind kind)
{
    return SCHEMAS[kind].count;
}

static int version_read(sqlite3 *handle, int64_t *ret_version)
{
    sqlite3_stmt *statement = NULL;
    int err = ERR_INVALID;
    if (sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        *ret_version = sqlite3_column_int64(statement, 0);
        err = 0;
    }
    sqlite3_finalize(statement);
    return err;
}

/* Another program may have gone the step while we waited for the file. */
static int step_apply(sqlite3 *handle, const struct schema_step *step, unsigned version)
{
    char set_version[64];
    int64_t now = 0;
    snprintf(set_version, sizeof set_version, "PRAGMA user_version = %u", version);
    int rc = sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK && version_read(handle, &now) != 0)
        rc = SQLITE_ERROR;
    if (rc == SQLITE_OK && now >= (int64_t)version)
        return sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(handle, step->sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(handle, set_version, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL);
    return rc;
}

int schema_check(sqlite3 *handle, unsigned count, const char *path, int64_t *ret_version, struct why *why)
{
    if (version_read(handle, ret_version) != 0) {
        why_set(why, "%s is no database: %s; move it away and start again", path,
                sqlite3_errmsg(handle));
        return ERR_INVALID;
    }
    if (*ret_version <= count && *ret_version >= 0)
        return 0;
    why_set(why,
            "%s has schema %lld, written by a newer Earshot than this one, which knows up to %u;"
            " install that version again or move the file away",
            path, (long long)*ret_version, count);
    return ERR_UNSUPPORTED;
}

int schema_migrate(sqlite3 *handle, const struct schema_step *steps, unsigned count,
                   const char *path, struct why *why)
{
    int64_t version = 0;
    int err = schema_check(handle, count, path, &version, why);
    if (err)
        return err;
    for (unsigned i = (unsigned)version; i < count; i++) {
        int rc = step_apply(handle, &steps[i], i + 1);
        if (rc == SQLITE_OK)
            continue;
        why_set(why, "cannot bring %s to schema %u: %s", path, i + 1, sqlite3_errmsg(handle));
        (void)sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
        return rc == SQLITE_FULL ? ERR_FULL : rc == SQLITE_BUSY ? ERR_BUSY : ERR_IO;
    }
    return 0;
}

int schema_apply(sqlite3 *handle, enum db_kind kind, const char *path, struct why *why)
{
    return schema_migrate(handle, SCHEMAS[kind].steps, SCHEMAS[kind].count, path, why);
}

/* The version as it stands in the file's header (bytes 60 to 63): may be older than the truth while
 * a write-ahead log exists, never newer. -1: cannot be read. */
int64_t schema_peek(const char *path)
{
    uint8_t bytes[4];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = pread(fd, bytes, sizeof bytes, 60);
    close(fd);
    if (n != sizeof bytes)
        return -1;
    return (int64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}
