/* All fixed SQL. Values are bound by position in the order they stand here. The list statements,
 * which have filters, are put together from the constant pieces in store_filters.c. */
#include "storage/store_db.h"

#include <assert.h>

/* What call_read() takes apart. */
#define CALL_COLUMNS "id, uid, detail, chains, recording, tracks"
/* In the order of bind_course(), bind_recording(), the packed parts and bind_names(). */
#define CALL_PUT_COLUMNS                                                                           \
    "id, ended_us, kind, state, outcome, src_ip, dst_ip, sip_code, q850_cause, duration_ms,"       \
    " mos_min, mos_scale, r_fb_min, loss_ratio, jitter_ms, one_way, no_rtp, encrypted, partial,"   \
    " codec, user_agent, direction, labels, recording_id, recording_state, recording_result, recording,"   \
    " recording_format, recording_ms, detail, chains, events, kpi, media, uid, started_us, call_id, from_user, to_user, caller_number,"   \
    " callee_number, tenant, trunk, from_site, to_site, group_id,"                                 \
    " import_id, imported_us)"                                                                     \
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
/* What token_read() takes apart. */
#define TOKEN_COLUMNS                                                                              \
    "id, hash, name, role, created_us, expires_us, revoked, tenants, sites, trunks, prefixes,"    \
    " max_age_s, scopes, cidrs, used_us"
/* What account_read() takes apart. */
#define ACCOUNT_COLUMNS                                                                            \
    "name, password, role, scopes, created_us, changed_us, used_us, disabled, tenants, sites,"     \
    " trunks, prefixes, max_age_s"
/* Streams of a call have the ids call * 4096 + index, so they lie together and need no index. */
#define PIECE         "id > ?1 AND id <= ?2 AND import_id IS NULL"
#define STREAMS_OF(p) "id >= " p " * 4096 AND id < (" p " + 1) * 4096"

/* What quality_row() takes apart. r_fb compares over all scales; MOS stands by scale and is never averaged over two. */
#define MOS_OF(scale)                                                                              \
    ", count(CASE WHEN mos_scale = '" scale "' THEN mos_min END)"                                  \
    ", avg(CASE WHEN mos_scale = '" scale "' THEN mos_min END)"                                    \
    ", min(CASE WHEN mos_scale = '" scale "' THEN mos_min END)"
#define QUALITY_COLUMNS                                                                            \
    "SELECT place, started_us - started_us % 3600000000 AS hour, count(*),"                        \
    " ifnull(sum(outcome = 'answered'), 0), ifnull(sum(one_way), 0), ifnull(sum(no_rtp), 0),"      \
    " count(r_fb_min), avg(r_fb_min), min(r_fb_min), avg(loss_ratio), max(loss_ratio),"            \
    " avg(jitter_ms), max(jitter_ms)" MOS_OF("NB") MOS_OF("WB") MOS_OF("FB")
#define QUALITY_OF                                                                                 \
    " FROM calls WHERE kind = 'call' AND state = 'ended' AND import_id IS NULL"                    \
    " AND started_us >= ?1 AND started_us < ?2 AND "

/* In the order of store_facts.c. */
#define FACT_COLUMNS                                                                               \
    "id, started_us, kind, state, outcome, direction, mos_scale, user_agent, sip_code, q850_cause," \
    " duration_ms, mos_min, r_fb_min, loss_ratio, jitter_ms, one_way, no_rtp, encrypted, partial," \
    " recording_state, codec, src_ip, dst_ip, media"

static const char *const SQL[SQL_USER_FIRST] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",

    [SQL_QUALITY_SITE] =
        QUALITY_COLUMNS " FROM (SELECT from_site AS place, *" QUALITY_OF "from_site IS NOT NULL"
                        " UNION ALL SELECT to_site AS place, *" QUALITY_OF "to_site IS NOT NULL"
                        " AND to_site IS NOT from_site) GROUP BY 1, 2 ORDER BY 2, 1",
    [SQL_COVERAGE] = "SELECT recording_result, recording_state IN ('spooling', 'rendering'), count(*)"
                     " FROM calls WHERE started_us >= ? AND started_us < ? AND outcome = 'answered'"
                     " AND state = 'ended' AND kind NOT IN ('orphan', 'page', 'encrypted') AND import_id IS NULL"
                     " GROUP BY 1, 2",
    [SQL_QUALITY_TRUNK] =
        QUALITY_COLUMNS " FROM (SELECT trunk AS place, *" QUALITY_OF "trunk IS NOT NULL)"
                        " GROUP BY 1, 2 ORDER BY 2, 1",
    [SQL_CALL_ID] = "SELECT id, ifnull(kpi, -1), started_us, call_id, from_user, to_user,"
                    " caller_number, callee_number, tenant, trunk, from_site, to_site, group_id"
                    " FROM calls WHERE uid = ?",
    [SQL_CALL_PUT] = "INSERT INTO calls(" CALL_PUT_COLUMNS,
    [SQL_CALL_REPLACE] = "INSERT OR REPLACE INTO calls(" CALL_PUT_COLUMNS,
    /* without the columns that indices are over: these stay as they are */
    [SQL_CALL_CHANGE] =
        "UPDATE calls SET ended_us = ?2, kind = ?3, state = ?4, outcome = ?5, src_ip = ?6,"
        " dst_ip = ?7, sip_code = ?8, q850_cause = ?9, duration_ms = ?10, mos_min = ?11,"
        " mos_scale = ?12, r_fb_min = ?13, loss_ratio = ?14, jitter_ms = ?15, one_way = ?16,"
        " no_rtp = ?17, encrypted = ?18, partial = ?19, codec = ?20, user_agent = ?21,"
        " direction = ?22, labels = ?23, recording_id = ?24, recording_state = ?25,"
        " recording_result = ?26, recording = ?27, recording_format = ?28, recording_ms = ?29,"
        " detail = ?30, chains = ?31, events = ?32, kpi = ?33, media = ?34 WHERE id = ?1",
    [SQL_STREAMS_DELETE] = "DELETE FROM streams WHERE " STREAMS_OF("?1"),
    [SQL_STREAM_PUT] =
        "INSERT INTO streams(id, src_ip, dst_ip, codec, detail, series) VALUES (?,?,?,?,?,?)",
    [SQL_RECORDING_PUT] = "UPDATE calls SET recording_id = ?, recording_state = ?,"
                          " recording_result = ?, recording = ?, recording_format = ?, recording_ms = ? WHERE uid = ?",
    [SQL_RECORDING] = "SELECT recording FROM calls WHERE uid = ?",
    [SQL_TRACKS_PUT] = "UPDATE calls SET tracks = ? WHERE uid = ?",
    [SQL_AUDIO] = "SELECT " CALL_COLUMNS " FROM calls INDEXED BY calls_audio"
                  " WHERE (recording_state IN ('ready', 'damaged') OR tracks IS NOT NULL)"
                  " AND (started_us, uid) > (?, ?) ORDER BY started_us, uid LIMIT ?",
    [SQL_OPEN_SINCE] = "SELECT min(started_us) FROM calls WHERE state <> 'ended'",
    [SQL_TRACKS] = "SELECT " CALL_COLUMNS " FROM calls WHERE group_id = ? AND tracks IS NOT NULL",
    [SQL_CALLS_OPEN] =
        "SELECT " CALL_COLUMNS " FROM calls WHERE state <> 'ended' AND id > ? ORDER BY id LIMIT 1",
    [SQL_CALLS_KPI] = "SELECT " CALL_COLUMNS ", kpi FROM calls"
                      " WHERE (kpi, id) > (?, ?) ORDER BY kpi, id LIMIT 1",
    [SQL_CALLS_KPI_ADOPT] = "UPDATE calls SET kpi = ? WHERE kpi IS NULL AND state = 'ended'",
    [SQL_CALL_BY_UID] = "SELECT " CALL_COLUMNS " FROM calls WHERE uid = ?",
    /* as many as ?3, then they are not counted on */
    [SQL_NUMBERS_BEGIN] =
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM calls WHERE from_user >= ?1 AND from_user < ?2 LIMIT ?3))"
        " + (SELECT count(*) FROM (SELECT 1 FROM calls WHERE to_user >= ?1 AND to_user < ?2 LIMIT ?3))"
        " + (SELECT count(*) FROM (SELECT 1 FROM calls WHERE caller_number >= ?1 AND caller_number < ?2 LIMIT ?3))"
        " + (SELECT count(*) FROM (SELECT 1 FROM calls WHERE callee_number >= ?1 AND callee_number < ?2 LIMIT ?3))",
    /* any of the eight, the parameters behind the number of those that are enough */
    [SQL_TAGGED] = "SELECT count(*) FROM (SELECT 1 FROM tags WHERE key || ':' || value IN (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) LIMIT ?1)",
    [SQL_CALLS_AT_MOST] = "SELECT count(*) FROM (SELECT 1 FROM calls WHERE started_us >= ? AND started_us < ? LIMIT ?)",
    /* each of the two is a look at an end of the table; both in one would be a walk through it */
    [SQL_CALLS_IDS] = "SELECT (SELECT min(id) FROM calls), (SELECT max(id) FROM calls)",
    [SQL_FACTS] = "SELECT " FACT_COLUMNS " FROM calls INDEXED BY calls_found",
    [SQL_FACTS_BETWEEN] = "SELECT " FACT_COLUMNS " FROM calls NOT INDEXED WHERE id >= ? AND id < ?",
    /* no chains: a count of nought, one octet */
    [SQL_CALL_WHOLE] = "SELECT state = 'ended' AND length(chains) > 1 FROM calls WHERE uid = ?",
    /* What is not there is as if the row had none of it. */
    [SQL_CALL_BRIEF] = "SELECT id, uid, detail, NULL, recording, NULL FROM calls WHERE id = ?",
    [SQL_CALL_BY_ID] = "SELECT " CALL_COLUMNS " FROM calls WHERE id = ?",
    [SQL_CALL_BY_RECORDING] = "SELECT " CALL_COLUMNS " FROM calls WHERE recording_id = ?",
    [SQL_CALL_EVENTS] = "SELECT events FROM calls WHERE id = ?",
    [SQL_STREAMS] = "SELECT detail FROM streams WHERE " STREAMS_OF("?1") " ORDER BY id",
    [SQL_STREAMS_FULL] =
        "SELECT detail, series FROM streams WHERE " STREAMS_OF("?1") " ORDER BY id",
    /* in the words of the indices */
    [SQL_DAY_UNFINISHED] = "SELECT EXISTS(SELECT 1 FROM calls WHERE state <> 'ended')"
                           " OR EXISTS(SELECT 1 FROM calls WHERE kpi IS NULL AND state = 'ended')"
                           " OR EXISTS(SELECT 1 FROM calls WHERE kpi > ?)",
    [SQL_DAY_IMPORTED] = "SELECT ifnull(max(imported_us), 0) FROM calls WHERE import_id IS NOT NULL",
    [SQL_DAY_CAPTURED] = "SELECT EXISTS(SELECT 1 FROM calls WHERE import_id IS NULL)",
    [SQL_DAY_WIPE] = "PRAGMA secure_delete = ON",
    /* Of a day that stays for what was imported, a piece: the calls between two ids, in this order; at the end what no call is there of. */
    [SQL_DAY_PIECE] = "SELECT max(id) FROM (SELECT id FROM calls WHERE id > ? ORDER BY id LIMIT ?)",
    [SQL_NOTES_OF_PIECE] = "SELECT n.uid, n.n FROM calls AS c CROSS JOIN notes AS n ON n.uid = c.uid"
                           " WHERE c.id > ?1 AND c.id <= ?2 AND c.import_id IS NULL",
    [SQL_DAY_PRUNE_TAGS] = "DELETE FROM tags WHERE uid IN (SELECT uid FROM calls WHERE " PIECE ")",
    [SQL_DAY_PRUNE_STREAMS] = "DELETE FROM streams WHERE id >= (?1 + 1) * 4096 AND id < (?2 + 1) * 4096"
                              " AND id / 4096 IN (SELECT id FROM calls WHERE " PIECE ")",
    [SQL_DAY_PRUNE_CALLS] = "DELETE FROM calls WHERE " PIECE,
    [SQL_NOTES_OF_NOBODY] = "SELECT uid, n FROM notes WHERE uid NOT IN (SELECT uid FROM calls) LIMIT 256",
    [SQL_TAGS_OF_NOBODY] = "DELETE FROM tags WHERE uid NOT IN (SELECT uid FROM calls)",

    [SQL_TAGS] = "SELECT key, value FROM tags WHERE uid = ? ORDER BY key",
    [SQL_TAGS_DELETE] = "DELETE FROM tags WHERE uid = ?",
    [SQL_TAG_PUT] = "INSERT INTO tags(uid, key, value) VALUES (?,?,?)",
    [SQL_NOTE] = "SELECT id, packed FROM notes WHERE uid = ? AND n = ?",
    [SQL_NOTE_NUMBERS] = "SELECT count(*), ifnull(sum(n = 0), 0), ifnull(max(n), 0) FROM notes WHERE uid = ?",
    [SQL_NOTE_PUT] = "INSERT INTO notes(uid, n, packed) VALUES (?,?,?)",
    [SQL_NOTE_DELETE] = "DELETE FROM notes WHERE id = ?",
    [SQL_ANNOTATIONS] = "SELECT packed FROM notes WHERE uid = ? AND n > 0 ORDER BY n",
    [SQL_WORDS_PUT] = "INSERT INTO words(rowid, text) VALUES (?,?)",
    [SQL_WORDS_TAKE] = "INSERT INTO words(words, rowid, text) VALUES ('delete',?,?)",
    /* at most so many pages of it, of all that is not merged */
    [SQL_WORDS_MERGE] = "INSERT INTO words(words, rank) VALUES ('merge', -256)",
    [SQL_KEY_RUN_PUT] = "INSERT INTO key_runs(level, first, last) VALUES (?,?,?)",
    [SQL_KEY_RUN_DELETE] = "DELETE FROM key_runs WHERE id = ?",
    [SQL_KEY_RUNS] = "SELECT id, first, last FROM key_runs",
    [SQL_KEY_RUNS_OF] = "SELECT id, first, last FROM key_runs WHERE level = ? ORDER BY id",
    [SQL_KEY_BLOCK_PUT] = "INSERT INTO key_blocks(id, entries) VALUES (?,?)",
    [SQL_KEY_BLOCK] = "SELECT entries FROM key_blocks WHERE id = ?",
    [SQL_KEY_BLOCK_LAST] = "SELECT ifnull(max(id), 0) FROM key_blocks",
    [SQL_KEY_BLOCKS_DELETE] = "DELETE FROM key_blocks WHERE id >= ? AND id <= ?",
    /* of days that were begun by versions without runs */
    [SQL_KEY_CALLS] = "SELECT call FROM keys WHERE hash = ? AND started_us >= ? AND started_us <= ?"
                      " LIMIT ?",
    [SQL_CALLS_NAMED] = "SELECT id FROM calls WHERE call_id = ?1"
                        " UNION SELECT id FROM calls WHERE call_id >= ?2 AND call_id < ?3 LIMIT ?4",

    [SQL_MESSAGES_PUT] = "INSERT INTO messages(uid, count, packed, format) VALUES (?,?,?,?)"
                         " ON CONFLICT(uid) DO UPDATE SET count = excluded.count,"
                         " packed = excluded.packed, format = excluded.format",
    [SQL_MESSAGES] = "SELECT count, packed, format FROM messages WHERE uid = ?",

    [SQL_JOB_PUT] = "INSERT INTO jobs(kind, uid, started_us, attempts) VALUES (?,?,?,0)"
                    " ON CONFLICT(kind, uid) DO NOTHING",
    [SQL_JOB_SIDECAR] = "INSERT INTO jobs(kind, uid, started_us, attempts)"
                        " SELECT '" STORE_SIDECAR_JOB "', uid, started_us, 0 FROM jobs WHERE kind = 'render' AND uid = ?"
                        " ON CONFLICT(kind, uid) DO UPDATE SET attempts = attempts", /* it counts as a change */
    [SQL_JOB_DELETE_FOR] = "DELETE FROM jobs WHERE kind = ? AND uid = ?",
    [SQL_MEDIA_KEYS_PUT] = "INSERT OR REPLACE INTO media_keys(uid, started_us, keys) VALUES (?,?,?)",
    [SQL_MEDIA_KEYS] = "SELECT keys FROM media_keys WHERE uid = ?",
    [SQL_MEDIA_KEYS_DELETE] = "DELETE FROM media_keys WHERE uid = ?1"
                              " AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.uid = ?1 AND kind IN ('render', 'tracks', 'on_demand'))",
    [SQL_MEDIA_KEYS_DELETE_OPEN] = "DELETE FROM media_keys WHERE uid IN (SELECT uid FROM jobs WHERE kind = '" STORE_OPEN_JOB "')"
                                   " AND uid NOT IN (SELECT uid FROM jobs WHERE kind IN ('render', 'tracks', 'on_demand'))",
    [SQL_MEDIA_KEYS_DROP] = "DELETE FROM media_keys WHERE started_us < ?"
                            " AND uid NOT IN (SELECT uid FROM jobs)",
    [SQL_JOBS] = "SELECT kind, uid, started_us FROM jobs ORDER BY id",
    [SQL_JOBS_SINCE] = "SELECT min(started_us) FROM jobs WHERE kind NOT IN ('delete', '" STORE_SIDECAR_JOB "')",
    [SQL_JOBS_DROP] = "DELETE FROM jobs WHERE kind = ?",
    [SQL_SPOOL_MARKS_PUT] = "INSERT OR REPLACE INTO spool_marks(id, marks) VALUES (1, ?)",
    [SQL_SPOOL_MARKS] = "SELECT marks FROM spool_marks",
    [SQL_DELETION_PUT] = "INSERT INTO deletions(time_us, class, object, uid, started_us, reason,"
                         " actor, files, bytes, sha256) VALUES (?,?,?,?,?,?,?,?,?,?)",
    [SQL_DELETIONS] = "SELECT time_us, class, object, uid, started_us, reason, actor, files, bytes,"
                      " sha256 FROM deletions WHERE time_us >= ? AND time_us < ? ORDER BY id DESC LIMIT ?",
    [SQL_DELETIONS_DROP] = "DELETE FROM deletions WHERE time_us < ?",
    [SQL_TOKEN_PUT] = "INSERT OR REPLACE INTO tokens(" TOKEN_COLUMNS ")"
                      " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [SQL_TOKEN_USED] = "UPDATE tokens SET used_us = ? WHERE id = ?",
    [SQL_ACCOUNT_PUT] = "INSERT INTO accounts(" ACCOUNT_COLUMNS ")"
                        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING RETURNING 1",
    [SQL_ACCOUNT_CHANGE] = "UPDATE accounts SET password = ?2, role = ?3, scopes = ?4, changed_us = ?6,"
                           " disabled = ?8, tenants = ?9, sites = ?10, trunks = ?11, prefixes = ?12,"
                           " max_age_s = ?13 WHERE name = ?1 AND changed_us = ?14 RETURNING 1",
    [SQL_ACCOUNT_USED] = "UPDATE accounts SET used_us = ? WHERE name = ?",
    [SQL_ACCOUNT_DROP] = "DELETE FROM accounts WHERE name = ?",
    [SQL_ACCOUNT] = "SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE name = ?",
    [SQL_ACCOUNTS] = "SELECT " ACCOUNT_COLUMNS " FROM accounts ORDER BY name",
    [SQL_ACCOUNT_COUNT] = "SELECT count(*) FROM accounts",
    [SQL_TOKEN] = "SELECT " TOKEN_COLUMNS " FROM tokens WHERE id = ?",
    [SQL_TOKENS] = "SELECT " TOKEN_COLUMNS " FROM tokens ORDER BY created_us, id",
    [SQL_TOKEN_COUNT] = "SELECT count(*) FROM tokens",
    [SQL_SECRET] = "SELECT value FROM secrets WHERE name = ?",
    [SQL_SECRET_PUT] = "INSERT INTO secrets(name, value) VALUES (?,?)",
    [SQL_AUDIT_LAST] = "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1",
    [SQL_AUDIT_PUT] =
        "INSERT INTO audit(id, time_us, actor, address, action, object, result, detail,"
        " hash) VALUES (?,?,?,?,?,?,?,?,?)",
    [SQL_AUDIT_LIST] = "SELECT id, time_us, actor, address, action, object, result, detail, hash"
                       " FROM audit WHERE (?1 = 0 OR time_us >= ?1) AND (?2 = 0 OR time_us < ?2)"
                       " AND (?3 = 0 OR id < ?3) AND (?4 IS NULL OR actor = ?4)"
                       " AND (?5 IS NULL OR address = ?5) AND (?6 IS NULL OR action = ?6)"
                       " AND (?7 IS NULL OR object = ?7) AND (?8 IS NULL OR result = ?8)"
                       " ORDER BY id DESC LIMIT ?9",
    [SQL_AUDIT_ALL] = "SELECT id, time_us, actor, address, action, object, result, detail, hash"
                      " FROM audit ORDER BY id",
    [SQL_AUDIT_HIGHEST] = "SELECT seq FROM sqlite_sequence WHERE name = 'audit'",

    [SQL_KPI_MARK] = "SELECT mark FROM kpi_mark",
    [SQL_KPI_MARK_PUT] = "INSERT OR REPLACE INTO kpi_mark(id, mark) VALUES (1, ?)",
    [SQL_KPI_ROW] = "SELECT cell, load FROM kpi WHERE level = ? AND dimension = ? AND start_us = ?",
    [SQL_KPI_ROWS] = "SELECT dimension, start_us, cell, concurrent_max, started_max FROM kpi"
                     " WHERE level = ? AND dimension >= ? AND dimension < ? AND start_us >= ?"
                     " AND start_us < ? ORDER BY dimension, start_us",
    [SQL_KPI_CELL_PUT] = "INSERT INTO kpi(level, dimension, start_us, cell) VALUES (?,?,?,?)"
                         " ON CONFLICT(level, dimension, start_us) DO UPDATE"
                         " SET cell = excluded.cell",
    [SQL_KPI_LOAD_PUT] = "INSERT INTO kpi(level, dimension, start_us, load) VALUES (?,?,?,?)"
                         " ON CONFLICT(level, dimension, start_us) DO UPDATE"
                         " SET load = excluded.load",
    [SQL_KPI_MOST_PUT] =
        "INSERT INTO kpi(level, dimension, start_us, concurrent_max, started_max)"
        " VALUES (?,?,?,?,?) ON CONFLICT(level, dimension, start_us) DO UPDATE SET"
        " concurrent_max = max(concurrent_max, excluded.concurrent_max),"
        " started_max = max(started_max, excluded.started_max)",
    [SQL_KPI_DROP] = "DELETE FROM kpi WHERE level = ? AND start_us < ?",
    [SQL_USERS_OVERDUE] = "UPDATE registrations SET state = 'expired', ended_us = expires_us"
                          " WHERE state = 'registered' AND expires_us < ?",
    [SQL_REGISTERED] = "SELECT count(*) FROM registrations WHERE state = 'registered'",
    [SQL_PEERS_IN] = "SELECT count(*) FROM peers WHERE state = ?",
    [SQL_FINDINGS_CLOSE] = "UPDATE findings SET state = 'cleared', cleared_us = updated_us"
                           " WHERE state = 'open'",
    [SQL_FINDINGS_DROP] = "DELETE FROM findings WHERE updated_us < ?",
};

const char *db_sql_text(enum db_sql sql)
{
    if (sql >= SQL_USER_FIRST)
        return user_sql_text((enum user_kind)((sql - SQL_USER_FIRST) / USER_SQL_COUNT),
                             (enum user_sql)((sql - SQL_USER_FIRST) % USER_SQL_COUNT));
    assert(SQL[sql] != NULL);
    return SQL[sql];
}
