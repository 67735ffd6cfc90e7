/* Who has logged in: a bounded table in memory, so a restart ends all sessions. Only the SHA-256 of what the
 * browser keeps in its cookie is here. Any thread. */
#pragma once

#include "base/counters.h"
#include "base/slice.h"

#define SESSIONS_MAX           512
#define SESSIONS_OF_ONE_MAX    16
#define SESSION_SECRET_DIGITS  43 /* 256 bits in base 62 */
#define SESSION_SECRET_SIZE    (SESSION_SECRET_DIGITS + 1)

/* Of an account, or of a token that somebody logged in with. */
struct session_owner {
    char account[64];
    char token[24];
    int64_t changed_us; /* of the account: one that was changed since has to log in again */
};

struct session {
    uint64_t serial; /* never given twice; 0: none */
    struct session_owner owner;
    char csrf[SESSION_SECRET_SIZE]; /* what a changing request has to say */
    int64_t opened_us, used_us, expires_us;
};

struct sessions;

/* Ends: not used for idle_us, or max_us after the login. */
struct sessions *sessions_new(int64_t idle_us, int64_t max_us);
void sessions_free(struct sessions *s);
/* `ret_secret` goes into the cookie and nowhere else. When there is no room the one that was not used for longest
 * gives way: of the same owner when that has SESSIONS_OF_ONE_MAX, else of all. */
void sessions_open(struct sessions *s, const struct session_owner *owner, int64_t now_us,
                   struct counters *counters, char ret_secret[SESSION_SECRET_SIZE],
                   struct session *ret_session);
/* The session of a cookie, which is used now. False: there is none (any more). */
bool sessions_find(struct sessions *s, struct slice secret, int64_t now_us,
                   struct counters *counters, struct session *ret_session);
/* The same of a serial; it is not used by that. */
bool sessions_get(struct sessions *s, uint64_t serial, int64_t now_us, struct session *ret_session);
bool sessions_alive(struct sessions *s, uint64_t serial, int64_t now_us);
void sessions_close(struct sessions *s, uint64_t serial, struct counters *counters);
unsigned sessions_count(struct sessions *s, int64_t now_us);
