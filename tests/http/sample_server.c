/* The API over sample records: http_sample DIR [PORT [ADDRESS]]. Prints "PORT n" and a line "TOKEN
 * role text" per role, serves until its standard input ends. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/server.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "sample_records.h"

static const char *const ROLES[] = {"metrics",    "viewer", "analyst", "listener",
                                    "supervisor", "admin",  "probe",   "auditor"};

/* What the service's writer does: one at a time, committed when it returns. */
struct writer {
    struct store *store;
    pthread_mutex_t lock; /* guards the store: it has one writer */
};

static int audit(void *context, const struct store_audit *entry)
{
    struct writer *w = context;

    pthread_mutex_lock(&w->lock);
    int err = store_put_audit(w->store, entry);
    if (err == 0)
        err = store_commit(w->store);
    pthread_mutex_unlock(&w->lock);
    return err;
}

static int put_tags(void *context, const char *uid, int64_t started_us, const struct record_tags *tags)
{
    struct writer *w = context;

    pthread_mutex_lock(&w->lock);
    int err = store_put_tags(w->store, uid, started_us, tags);
    if (err == 0)
        err = store_commit(w->store);
    pthread_mutex_unlock(&w->lock);
    return err;
}

static int done(struct writer *w, int err)
{
    if (err == 0)
        err = store_commit(w->store);
    pthread_mutex_unlock(&w->lock);
    return err;
}

static int put_token(struct writer *w, const struct store_token *token)
{
    pthread_mutex_lock(&w->lock);
    return done(w, store_put_token(w->store, token));
}

static void token_used(struct writer *w, const char *id, int64_t used_us)
{
    pthread_mutex_lock(&w->lock);
    done(w, store_token_used(w->store, id, used_us));
}

static int change_tags(void *context, const struct record_tag_change *change, struct store_tagged *calls, unsigned count)
{
    struct writer *w = context;

    pthread_mutex_lock(&w->lock);
    return done(w, store_change_tags(w->store, change, calls, count));
}

static int put_note(void *context, struct store_note *note)
{
    struct writer *w = context;

    pthread_mutex_lock(&w->lock);
    return done(w, store_change_note(w->store, note));
}

static int put_account(struct writer *w, const struct store_account *account)
{
    bool stale = false;
    pthread_mutex_lock(&w->lock);
    int err = done(w, store_put_account(w->store, account, &stale));
    return err == 0 && stale ? ERR_EXISTS : err;
}

static int account_used(struct writer *w, const char *name, int64_t used_us)
{
    pthread_mutex_lock(&w->lock);
    return done(w, store_account_used(w->store, name, used_us));
}

static int drop_account(struct writer *w, const char *name)
{
    pthread_mutex_lock(&w->lock);
    return done(w, store_drop_account(w->store, name));
}

static void health(void *context, struct api_health *ret_health)
{
    (void)context;
    *ret_health = (struct api_health){.capture_up = true, .database_ok = true, .disk_ok = true};
}

static int snapshot(void *context, const struct live_want *want, unsigned max, struct live_call **ret_calls,
                    unsigned *ret_count)
{
    static const char UID[] = "ffffffff-0000-8000-8000-000000000000";

    (void)context;
    *ret_calls = NULL;
    *ret_count = 0;
    if (max == 0 || (want->uid && strcmp(want->uid, UID) != 0))
        return 0;
    struct live_call *c = calloc(1, sizeof *c);
    if (c == NULL)
        return ERR_NOMEM;
    memcpy(c->uid, UID, sizeof UID);
    c->kind = "call";
    c->state = "answered";
    c->direction = "unknown";
    c->started_us = 1000000;
    snprintf(c->from_user, sizeof c->from_user, "1000");
    c->stream_count = 1;
    c->streams[0] = (struct live_stream){.party = "caller",
                                         .codec = "PCMU",
                                         .packets = 10,
                                         .expected = 10,
                                         .jitter_ms = NAN,
                                         .mos = NAN};
    *ret_calls = c;
    *ret_count = 1;
    return 0;
}

static void put_tokens(struct store *store, int64_t now_us)
{
    struct store_token token;
    char text[80];

    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++) {
        api_token_make(ROLES[i], ROLES[i], now_us, text, &token);
        store_put_token(store, &token);
        printf("TOKEN %s %s\n", ROLES[i], text);
    }
    api_token_make("old", "viewer", now_us, text, &token);
    token.expires_us = 1;
    store_put_token(store, &token);
    printf("TOKEN expired %s\n", text);
    store_commit(store);
}

int main(int argc, char **argv)
{
    struct writer w = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct why why = {0};
    struct api_server *server = NULL;
    int64_t now_us = clock_wall_ns() / 1000;

    if (argc < 2 || crypto_start() != 0)
        return 2;
    struct counters_set *set = counters_set_new();
    struct api_config config = {.bind_address = argc > 3 ? argv[3] : "127.0.0.1",
                                .port = argc > 2 ? (uint16_t)atoi(argv[2]) : 0,
                                .data_dir = argv[1],
                                .counters = set,
                                .live = {.snapshot = snapshot},
                                .context = &w,
                                .health = health,
                                .audit = audit,
                                .put_tags = put_tags,
                                .change_tags = change_tags,
                                .put_note = put_note,
                                .access = {.context = &w,
                                           .put_token = put_token,
                                           .token_used = token_used,
                                           .put_account = put_account,
                                           .account_used = account_used,
                                           .drop_account = drop_account},
                                .version = "0.0-test+abcdef"};
    int err = store_open(argv[1], counters_block(set), &w.store, &why);
    if (err == 0)
        err = sample_fill(w.store, counters_block(set), argv[1], now_us);
    if (err == 0) {
        put_tokens(w.store, now_us);
        err = api_start(&config, &server, &why);
    }
    if (err == 0) {
        char byte;
        printf("PORT %u\n", api_port(server));
        fflush(stdout);
        while (read(0, &byte, 1) > 0 || errno == EINTR)
            ;
    } else {
        fprintf(stderr, "%s (%s)\n", why.text, err_text(err));
    }
    api_stop(server);
    store_close(w.store);
    counters_set_free(set);
    return err ? 1 : 0;
}
