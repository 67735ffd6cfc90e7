#include "api/sessions.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/secret_text.h"
#include "base/crypto.h"

enum { EVENT_OPENED, EVENT_CLOSED, EVENT_EXPIRED, EVENT_DISPLACED }; /* LABELS(SESSION_EVENT) */

struct slot {
    uint8_t hash[32]; /* of the secret */
    struct session session;
};

struct sessions {
    int64_t idle_us, max_us;
    pthread_mutex_t lock; /* guards what follows; nothing is called while it is held */
    uint64_t last_serial;
    struct slot slot[SESSIONS_MAX];
};

struct sessions *sessions_new(int64_t idle_us, int64_t max_us)
{
    struct sessions *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->idle_us = idle_us;
    s->max_us = max_us;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void sessions_free(struct sessions *s)
{
    if (s == NULL)
        return;
    pthread_mutex_destroy(&s->lock);
    crypto_wipe(s->slot, sizeof s->slot);
    free(s);
}

static bool is_over(const struct sessions *s, const struct session *session, int64_t now_us)
{
    return now_us >= session->expires_us || now_us - session->used_us >= s->idle_us;
}

static bool is_of(const struct session *session, const struct session_owner *owner)
{
    return strcmp(session->owner.account, owner->account) == 0 &&
           strcmp(session->owner.token, owner->token) == 0;
}

/* A free one, or the one that gives way. */
static struct slot *take_slot(struct sessions *s, const struct session_owner *owner, int64_t now_us,
                              unsigned ended[2])
{
    struct slot *free_slot = NULL, *oldest = NULL, *own = NULL;
    unsigned of_owner = 0;

    for (struct slot *slot = s->slot; slot < s->slot + SESSIONS_MAX; slot++) {
        if (slot->session.serial && is_over(s, &slot->session, now_us)) {
            *slot = (struct slot){0};
            ended[0]++;
        }
        if (slot->session.serial == 0) {
            free_slot = slot;
            continue;
        }
        if (oldest == NULL || slot->session.used_us < oldest->session.used_us)
            oldest = slot;
        if (!is_of(&slot->session, owner))
            continue;
        of_owner++;
        if (own == NULL || slot->session.used_us < own->session.used_us)
            own = slot;
    }
    if (of_owner < SESSIONS_OF_ONE_MAX && free_slot)
        return free_slot;
    ended[1]++;
    return of_owner >= SESSIONS_OF_ONE_MAX ? own : oldest;
}

void sessions_open(struct sessions *s, const struct session_owner *owner, int64_t now_us,
                   struct counters *counters, char ret_secret[SESSION_SECRET_SIZE],
                   struct session *ret_session)
{
    struct slot made = {.session = {.owner = *owner,
                                    .opened_us = now_us,
                                    .used_us = now_us,
                                    .expires_us = now_us + s->max_us}};
    unsigned ended[2] = {0};

    secret_text(ret_secret);
    secret_text(made.session.csrf);
    crypto_sha256(slice_of(ret_secret, SESSION_SECRET_DIGITS), made.hash);
    pthread_mutex_lock(&s->lock);
    struct slot *slot = take_slot(s, owner, now_us, ended);
    made.session.serial = ++s->last_serial;
    *slot = made;
    pthread_mutex_unlock(&s->lock);
    counters_add(counters, C_SESSIONS + EVENT_OPENED, 1);
    counters_add(counters, C_SESSIONS + EVENT_EXPIRED, ended[0]);
    counters_add(counters, C_SESSIONS + EVENT_DISPLACED, ended[1]);
    *ret_session = made.session;
}

bool sessions_find(struct sessions *s, struct slice secret, int64_t now_us,
                   struct counters *counters, struct session *ret_session)
{
    uint8_t hash[32];
    bool found = false, over = false;

    crypto_sha256(secret, hash);
    pthread_mutex_lock(&s->lock);
    for (struct slot *slot = s->slot; slot < s->slot + SESSIONS_MAX && !found; slot++) {
        if (slot->session.serial == 0 || !crypto_equal(slot->hash, hash, sizeof hash))
            continue;
        over = is_over(s, &slot->session, now_us);
        if (over) {
            *slot = (struct slot){0};
            break;
        }
        slot->session.used_us = now_us;
        *ret_session = slot->session;
        found = true;
    }
    pthread_mutex_unlock(&s->lock);
    counters_add(counters, C_SESSIONS + EVENT_EXPIRED, over);
    return found;
}

static struct slot *by_serial(struct sessions *s, uint64_t serial)
{
    for (struct slot *slot = s->slot; slot < s->slot + SESSIONS_MAX; slot++)
        if (serial && slot->session.serial == serial)
            return slot;
    return NULL;
}

bool sessions_get(struct sessions *s, uint64_t serial, int64_t now_us, struct session *ret_session)
{
    pthread_mutex_lock(&s->lock);
    const struct slot *slot = by_serial(s, serial);
    bool found = slot && !is_over(s, &slot->session, now_us);
    if (found)
        *ret_session = slot->session;
    pthread_mutex_unlock(&s->lock);
    return found;
}

bool sessions_alive(struct sessions *s, uint64_t serial, int64_t now_us)
{
    pthread_mutex_lock(&s->lock);
    const struct slot *slot = by_serial(s, serial);
    bool alive = slot && now_us < slot->session.expires_us;
    pthread_mutex_unlock(&s->lock);
    return alive;
}

void sessions_close(struct sessions *s, uint64_t serial, struct counters *counters)
{
    pthread_mutex_lock(&s->lock);
    struct slot *slot = by_serial(s, serial);
    if (slot)
        *slot = (struct slot){0};
    pthread_mutex_unlock(&s->lock);
    counters_add(counters, C_SESSIONS + EVENT_CLOSED, slot != NULL);
}

unsigned sessions_count(struct sessions *s, int64_t now_us)
{
    unsigned n = 0;

    pthread_mutex_lock(&s->lock);
    for (const struct slot *slot = s->slot; slot < s->slot + SESSIONS_MAX; slot++)
        n += slot->session.serial && !is_over(s, &slot->session, now_us);
    pthread_mutex_unlock(&s->lock);
    return n;
}
