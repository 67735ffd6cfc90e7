/* What is kept about users, their devices and the peers we hear from, beside calls. Each record is one list of fields; from it
 * come the struct, its SQL (store_user_sql.c), the JSON of the API and the test that compares them: none can forget a field.
 *
 *   X(name, type, size, how)
 *
 * type  KEY   text that names the row, never shown
 *       MARK  bool, never shown
 *       TEXT  text of `size` bytes with its NUL; "": not known
 *       BODY  the same, only for those who may read messages
 *       JSON  text that is one JSON value; "": null
 *       INT   int64_t, always known       NUM   int64_t, 0: not known
 *       TIME  int64_t microseconds, 0: not known; `x_us` is shown as `x_at`
 *       REAL  double, NAN: not known      FLAG  bool
 * how   what a row does with the newer value of the same key: NEW takes it, KEEP takes it when it is known, FIRST keeps the
 *       earlier time, SUM takes it, but adds it up in a row that stands for many
 *
 * Times and counts come from packets; counts begin anew with the service. Texts are as they were on the wire, cut to size.
 *
 * A record is `weak` when nothing ever answered it with success: anybody can make such. They have a ceiling of their own, and
 * of REGISTER, SUBSCRIBE and MESSAGE only the first of a source in an hour are rows; the rest is one row with `aggregate` and
 * their `count` (of all in that hour), which otherwise describes the newest of them. */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many weak ones of a source in an hour are rows of their own. */
#define USER_WEAK_KEPT 32

/* One address of record of an address space. */
#define REGISTRATION_FIELDS(X)                                                                     \
    X(key, KEY, 192, NEW)                                                                          \
    X(weak, MARK, 0, NEW)                                                                          \
    X(aor, TEXT, 128, NEW)                                                                         \
    X(user, TEXT, 128, NEW)                                                                        \
    X(space, INT, 0, NEW)                                                                          \
    X(state, TEXT, 16, NEW)                                                                        \
    X(aggregate, FLAG, 0, NEW)                                                                     \
    X(count, INT, 0, SUM)                                                                          \
    X(ip, TEXT, 48, NEW)                                                                           \
    X(port, NUM, 0, NEW)                                                                           \
    X(registrar, TEXT, 64, NEW)                                                                    \
    X(transport, TEXT, 8, NEW)                                                                     \
    X(user_agent, TEXT, 64, KEEP)                                                                  \
    X(server, TEXT, 64, KEEP)                                                                      \
    X(auth_user, TEXT, 64, KEEP)                                                                   \
    X(auth_realm, TEXT, 64, KEEP)                                                                  \
    X(first_us, TIME, 0, FIRST)                                                                    \
    X(updated_us, TIME, 0, NEW)                                                                    \
    X(registered_us, TIME, 0, NEW)                                                                 \
    X(expires_us, TIME, 0, NEW)                                                                    \
    X(ended_us, TIME, 0, NEW)                                                                      \
    X(expires_s, NUM, 0, NEW)                                                                      \
    X(sip_code, NUM, 0, NEW)                                                                       \
    X(attempts, INT, 0, NEW)                                                                       \
    X(successes, INT, 0, NEW)                                                                      \
    X(failures, INT, 0, NEW)                                                                       \
    X(timeouts, INT, 0, NEW)                                                                       \
    X(refreshes, INT, 0, NEW)                                                                      \
    X(removals, INT, 0, NEW)                                                                       \
    X(challenges, INT, 0, NEW)                                                                     \
    X(too_brief, INT, 0, NEW)                                                                      \
    X(retransmissions, INT, 0, NEW)                                                                \
    X(source_changes, INT, 0, NEW)                                                                 \
    X(rrd_ms, REAL, 0, KEEP)                                                                       \
    X(rrd_full_ms, REAL, 0, KEEP)                                                                  \
    X(rrd_avg_ms, REAL, 0, KEEP)                                                                   \
    X(rrd_max_ms, REAL, 0, KEEP)                                                                   \
    X(contacts, JSON, 4096, NEW)                                                                   \
    X(contacts_over, INT, 0, NEW)                                                                  \
    X(sources, JSON, 1536, NEW)                                                                    \
    X(failure_codes, JSON, 384, NEW)                                                               \
    X(auth_scheme, TEXT, 16, KEEP)                                                                 \
    X(auth_algorithm, TEXT, 24, KEEP)                                                              \
    X(auth_qop, TEXT, 24, KEEP)                                                                    \
    X(auth_failures, INT, 0, NEW)                                                                  \
    X(nonce_reuses, INT, 0, NEW)                                                                   \
    X(stales, INT, 0, NEW)                                                                         \
    X(unchallenged, FLAG, 0, NEW)

#define SUBSCRIPTION_FIELDS(X)                                                                     \
    X(key, KEY, 192, NEW)                                                                          \
    X(weak, MARK, 0, NEW)                                                                          \
    X(uid, TEXT, 40, NEW)                                                                          \
    X(call_id, TEXT, 128, NEW)                                                                     \
    X(space, INT, 0, NEW)                                                                          \
    X(state, TEXT, 16, NEW)                                                                        \
    X(aggregate, FLAG, 0, NEW)                                                                     \
    X(count, INT, 0, SUM)                                                                          \
    X(partial, FLAG, 0, NEW)                                                                       \
    X(event, TEXT, 48, NEW)                                                                        \
    X(event_id, TEXT, 32, NEW)                                                                     \
    X(subscriber, TEXT, 128, NEW)                                                                  \
    X(subscriber_user, TEXT, 128, NEW)                                                             \
    X(resource, TEXT, 128, NEW)                                                                    \
    X(resource_user, TEXT, 128, NEW)                                                               \
    X(ip, TEXT, 48, NEW)                                                                           \
    X(port, NUM, 0, NEW)                                                                           \
    X(notifier, TEXT, 64, NEW)                                                                     \
    X(transport, TEXT, 8, NEW)                                                                     \
    X(user_agent, TEXT, 64, KEEP)                                                                  \
    X(sip_code, NUM, 0, NEW)                                                                       \
    X(reason, TEXT, 32, NEW)                                                                       \
    X(expires_s, NUM, 0, NEW)                                                                      \
    X(started_us, TIME, 0, FIRST)                                                                  \
    X(confirmed_us, TIME, 0, FIRST)                                                                \
    X(updated_us, TIME, 0, NEW)                                                                    \
    X(expires_us, TIME, 0, NEW)                                                                    \
    X(ended_us, TIME, 0, NEW)                                                                      \
    X(refreshes, INT, 0, NEW)                                                                      \
    X(notifies, INT, 0, NEW)                                                                       \
    X(notify_failures, INT, 0, NEW)                                                                \
    X(body_type, TEXT, 48, KEEP)                                                                   \
    X(body_bytes, INT, 0, NEW)                                                                     \
    X(refer_code, NUM, 0, KEEP)                                                                    \
    X(dialog_state, TEXT, 24, KEEP)                                                                \
    X(dialog_count, INT, 0, NEW)                                                                   \
    X(mwi, JSON, 512, KEEP)

/* OPTIONS from one address to another. */
#define PEER_FIELDS(X)                                                                             \
    X(key, KEY, 192, NEW)                                                                          \
    X(weak, MARK, 0, NEW)                                                                          \
    X(src_ip, TEXT, 48, NEW)                                                                       \
    X(src_port, NUM, 0, NEW)                                                                       \
    X(dst_ip, TEXT, 48, NEW)                                                                       \
    X(dst_port, NUM, 0, NEW)                                                                       \
    X(space, INT, 0, NEW)                                                                          \
    X(transport, TEXT, 8, NEW)                                                                     \
    X(state, TEXT, 16, NEW)                                                                        \
    X(since_us, TIME, 0, NEW)                                                                      \
    X(sip_code, NUM, 0, NEW)                                                                       \
    X(rtt_ms, REAL, 0, KEEP)                                                                       \
    X(rtt_min_ms, REAL, 0, KEEP)                                                                   \
    X(rtt_avg_ms, REAL, 0, KEEP)                                                                   \
    X(rtt_max_ms, REAL, 0, KEEP)                                                                   \
    X(user_agent, TEXT, 64, KEEP)                                                                  \
    X(server, TEXT, 64, KEEP)                                                                      \
    X(first_us, TIME, 0, FIRST)                                                                    \
    X(asked_us, TIME, 0, NEW)                                                                      \
    X(answered_us, TIME, 0, KEEP)                                                                  \
    X(updated_us, TIME, 0, NEW)                                                                    \
    X(requests, INT, 0, NEW)                                                                       \
    X(answers, INT, 0, NEW)                                                                        \
    X(missed, INT, 0, NEW)                                                                         \
    X(misses_in_a_row, INT, 0, NEW)                                                                \
    X(changes, INT, 0, NEW)

#define AGENT_FIELDS(X)                                                                            \
    X(key, KEY, 192, NEW)                                                                          \
    X(weak, MARK, 0, NEW)                                                                          \
    X(name, TEXT, 128, NEW)                                                                        \
    X(product, TEXT, 48, NEW)                                                                      \
    X(version, TEXT, 48, NEW)                                                                      \
    X(other, FLAG, 0, NEW)                                                                         \
    X(ip, TEXT, 48, NEW)                                                                           \
    X(port, NUM, 0, NEW)                                                                           \
    X(first_us, TIME, 0, FIRST)                                                                    \
    X(updated_us, TIME, 0, NEW)                                                                    \
    X(requests, INT, 0, NEW)                                                                       \
    X(responses, INT, 0, NEW)

/* The newest word on somebody's presence (USER_PRESENCE) and each word that changed it (USER_PRESENCE_CHANGE). */
#define PRESENCE_FIELDS(X)                                                                         \
    X(key, KEY, 192, NEW)                                                                          \
    X(weak, MARK, 0, NEW)                                                                          \
    X(aor, TEXT, 128, NEW)                                                                         \
    X(user, TEXT, 128, NEW)                                                                        \
    X(space, INT, 0, NEW)                                                                          \
    X(status, TEXT, 16, NEW)                                                                       \
    X(before, TEXT, 16, NEW)                                                                       \
    X(source, TEXT, 16, NEW)                                                                       \
    X(open, FLAG, 0, NEW)                                                                          \
    X(activity, TEXT, 32, NEW)                                                                     \
    X(note, TEXT, 128, NEW)                                                                        \
    X(contact, TEXT, 128, NEW)                                                                     \
    X(ip, TEXT, 48, NEW)                                                                           \
    X(updated_us, TIME, 0, NEW)                                                                    \
    X(since_us, TIME, 0, NEW)                                                                      \
    X(idle_since_us, TIME, 0, NEW)                                                                 \
    X(expires_us, TIME, 0, NEW)                                                                    \
    X(changes, INT, 0, NEW)                                                                        \
    X(updates, INT, 0, NEW)

/* A MESSAGE with its final response, or without one after 32 s. The body is last: a record in memory may end early. */
#define MESSAGE_FIELDS(X)                                                                          \
    X(key, KEY, 192, NEW)                                                                          \
    X(weak, MARK, 0, NEW)                                                                          \
    X(uid, TEXT, 40, NEW)                                                                          \
    X(call_uid, TEXT, 40, NEW)                                                                     \
    X(call_id, TEXT, 128, NEW)                                                                     \
    X(space, INT, 0, NEW)                                                                          \
    X(kind, TEXT, 16, NEW)                                                                         \
    X(aggregate, FLAG, 0, NEW)                                                                     \
    X(count, INT, 0, SUM)                                                                          \
    X(from_aor, TEXT, 128, NEW)                                                                    \
    X(from_user, TEXT, 128, NEW)                                                                   \
    X(from_display, TEXT, 64, NEW)                                                                 \
    X(to_aor, TEXT, 128, NEW)                                                                      \
    X(to_user, TEXT, 128, NEW)                                                                     \
    X(ip, TEXT, 48, NEW)                                                                           \
    X(port, NUM, 0, NEW)                                                                           \
    X(dst, TEXT, 64, NEW)                                                                          \
    X(transport, TEXT, 8, NEW)                                                                     \
    X(sent_us, TIME, 0, FIRST)                                                                     \
    X(answered_us, TIME, 0, NEW)                                                                   \
    X(sip_code, NUM, 0, NEW)                                                                       \
    X(timed_out, FLAG, 0, NEW)                                                                     \
    X(delay_ms, REAL, 0, NEW)                                                                      \
    X(retransmissions, INT, 0, NEW)                                                                \
    X(challenges, INT, 0, NEW)                                                                     \
    X(size_bytes, INT, 0, NEW)                                                                     \
    X(content_type, TEXT, 64, NEW)                                                                 \
    X(user_agent, TEXT, 64, NEW)                                                                   \
    X(sms_type, TEXT, 24, NEW)                                                                     \
    X(sms_from, TEXT, 32, NEW)                                                                     \
    X(sms_to, TEXT, 32, NEW)                                                                       \
    X(imdn, TEXT, 16, NEW)                                                                         \
    X(imdn_id, TEXT, 64, NEW)                                                                      \
    X(composing, FLAG, 0, NEW)                                                                     \
    X(file_name, TEXT, 128, NEW)                                                                   \
    X(file_type, TEXT, 64, NEW)                                                                    \
    X(file_hash, TEXT, 96, NEW)                                                                    \
    X(file_url, TEXT, 256, NEW)                                                                    \
    X(file_bytes, NUM, 0, NEW)                                                                     \
    X(body_kept, FLAG, 0, NEW)                                                                     \
    X(body, BODY, 16385, NEW)

/* A finding (security, or a peer that is gone). Weak: anybody can make such, under addresses of his choice. */
#define FINDING_FIELDS(X)                                                                          \
    X(key, KEY, 192, NEW)                                                                          \
    X(weak, MARK, 0, NEW)                                                                          \
    X(uid, TEXT, 40, NEW)                                                                          \
    X(detector, TEXT, 24, NEW)                                                                     \
    X(detector_id, TEXT, 8, NEW)                                                                   \
    X(rule, TEXT, 32, NEW)                                                                         \
    X(severity, TEXT, 12, NEW)                                                                     \
    X(state, TEXT, 12, NEW)                                                                        \
    X(detail, TEXT, 160, NEW)                                                                      \
    X(subject, TEXT, 128, NEW)                                                                     \
    X(space, INT, 0, NEW)                                                                          \
    X(src_ip, TEXT, 48, NEW)                                                                       \
    X(src_port, NUM, 0, NEW)                                                                       \
    X(dst_ip, TEXT, 48, NEW)                                                                       \
    X(dst_port, NUM, 0, NEW)                                                                       \
    X(first_us, TIME, 0, FIRST)                                                                    \
    X(opened_us, TIME, 0, FIRST)                                                                   \
    X(updated_us, TIME, 0, NEW)                                                                    \
    X(cleared_us, TIME, 0, NEW)                                                                    \
    X(count, INT, 0, NEW)                                                                          \
    X(episodes, INT, 0, NEW)                                                                       \
    X(threshold, INT, 0, NEW)                                                                      \
    X(window_ms, NUM, 0, NEW)                                                                      \
    X(calls, JSON, 512, NEW)                                                                       \
    X(sources, JSON, 640, NEW)                                                                     \
    X(destinations, JSON, 640, NEW)                                                                \
    X(samples, JSON, 2560, NEW)

/* ---- the structs ---- */
#define USER_MEMBER_KEY(name, size)        char name[size];
#define USER_MEMBER_MARK(name, size)       bool name;
#define USER_MEMBER_TEXT(name, size)       char name[size];
#define USER_MEMBER_BODY(name, size)       char name[size];
#define USER_MEMBER_JSON(name, size)       char name[size];
#define USER_MEMBER_INT(name, size)        int64_t name;
#define USER_MEMBER_NUM(name, size)        int64_t name;
#define USER_MEMBER_TIME(name, size)       int64_t name;
#define USER_MEMBER_REAL(name, size)       double name;
#define USER_MEMBER_FLAG(name, size)       bool name;
#define USER_MEMBER(name, type, size, how) USER_MEMBER_##type(name, size)

struct registration_record {
    REGISTRATION_FIELDS(USER_MEMBER)
};
struct subscription_record {
    SUBSCRIPTION_FIELDS(USER_MEMBER)
};
struct peer_record {
    PEER_FIELDS(USER_MEMBER)
};
struct agent_record {
    AGENT_FIELDS(USER_MEMBER)
};
struct presence_record {
    PRESENCE_FIELDS(USER_MEMBER)
};
struct message_record {
    MESSAGE_FIELDS(USER_MEMBER)
};
struct finding_record {
    FINDING_FIELDS(USER_MEMBER)
};

/* ---- the same as data ---- */

/* The first ones are what is so now (earshot.db); the last two are what happened, in the messages file of their day. */
enum user_kind {
    USER_REGISTRATION,
    USER_SUBSCRIPTION,
    USER_PEER,
    USER_AGENT,
    USER_PRESENCE,
    USER_FINDING,
    USER_MESSAGE,
    USER_PRESENCE_CHANGE,
    USER_KINDS
};

enum user_field_type {
    USER_TYPE_KEY,
    USER_TYPE_MARK,
    USER_TYPE_TEXT,
    USER_TYPE_BODY,
    USER_TYPE_JSON,
    USER_TYPE_INT,
    USER_TYPE_NUM,
    USER_TYPE_TIME,
    USER_TYPE_REAL,
    USER_TYPE_FLAG,
};

struct user_field {
    const char *name;
    enum user_field_type type;
    size_t offset;
    size_t size; /* of texts */
};

struct user_table {
    const char *name;  /* in the database */
    const char *order; /* the time that says which row is oldest */
    bool by_day;
    unsigned weak_max, strong_max; /* rows of each, of a file */
    size_t size;                   /* of the struct */
    const struct user_field *fields;
    unsigned count;
};

const struct user_table *user_table(enum user_kind kind);
/* NULL when the record has no such field. */
const struct user_field *user_field(enum user_kind kind, const char *name);

/* Values of fields by their table. Texts are NUL-terminated, never NULL. */
static inline const char *user_text(const void *record, const struct user_field *f)
{
    return (const char *)record + f->offset;
}
static inline int64_t user_int(const void *record, const struct user_field *f)
{
    return *(const int64_t *)((const char *)record + f->offset);
}
static inline double user_real(const void *record, const struct user_field *f)
{
    return *(const double *)((const char *)record + f->offset);
}
static inline bool user_flag(const void *record, const struct user_field *f)
{
    return *(const bool *)((const char *)record + f->offset);
}
/* Nothing known: zeros, and NAN where that says so. */
void user_record_init(enum user_kind kind, void *record);
