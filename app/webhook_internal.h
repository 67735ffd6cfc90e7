/*  worker threads: webhook_put() -> [ news ] -> queue -> sender thread: body, signature, POST
 *  (webhook.c)                                   |       (webhook_send.c)   2xx: done   4xx, 3xx: refused
 *                                                |                          else: again after a pause, until it is old
 *                                                +--> keeper thread: what still waits after a moment, to the disk
 *                                                     (webhook_keep.c)
 *
 * Two locks: `news_lock` guards the list that workers put into and is held for a few instructions only; `lock` guards the
 * queue between sender and keeper, is taken first, and nothing waits for the disk or the network while it is held. What is
 * sent quickly never touches the disk; what is crossed off there is so with the keeper's next write. Private to webhook*.c. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "app/webhook.h"
#include "app/webhook_queue.h"
#include "base/clock.h"
#include "base/crypto_cipher.h"
#include "base/log.h"
#include "storage/letters.h"
#include "storage/post.h"

#define WEBHOOK_MS INT64_C(1000000)

struct webhook {
    struct webhook_config config;
    struct counters *counters; /* of the sender */
    struct store_reader *reader;
    struct crypto_mac *mac; /* NULL: nothing is signed */
    struct post *post;
    pthread_t sender, keeper;
    bool sends, keeps; /* the threads run */

    pthread_mutex_t news_lock;
    pthread_cond_t changed; /* for the sender: news, or somebody moved them, or we stop */
    pthread_cond_t to_keep; /* for the keeper */
    struct webhook_letter *news, **news_end;
    unsigned news_count;
    bool moved, work, stopping, sender_done;

    pthread_mutex_t lock;
    struct webhook_queue queue;
    struct buf crossed; /* entries that cross letters off, for the next write */
    int64_t taken_us, failed_us; /* wall; 0: never since the start */
    unsigned failed_status;      /* 0: no answer */
    struct why failed;

    struct letters *letters; /* from here on the keeper's own */
    struct buf batch;
    unsigned in_batch; /* letters of it, kept as soon as it is written */
    uint64_t number;
    bool disk_fails;

    _Atomic uint64_t dropped; /* not yet in the counters */
    atomic_bool test_waits;
    _Atomic int64_t stop_ns;  /* mono; 0: nobody stops us */
    unsigned said; /* bit per kind of trouble that was logged since something was delivered */
};


/* Cells of the label set WEBHOOK, and what is none of it. */
enum webhook_result { DELIVERED, REFUSED, EXPIRED, DROPPED, AGAIN };

/* Sets one of the flags under news_lock and wakes who waits for it. */
void webhook_wake(struct webhook *w, pthread_cond_t *whom, bool *what);
/* So far from now on the clock of the conditions. */
struct timespec webhook_in_ns(int64_t ns);
/* Under `lock`: news join the queue; a letter joins it, and where there is no room the oldest goes; one leaves it. */
void webhook_move_news(struct webhook *w);
void webhook_put_in(struct webhook *w, struct webhook_letter *v);
void webhook_take_out(struct webhook *w, struct webhook_letter *v);
/* Any thread: news for the queue; NULL: there was no memory for it. */
void webhook_news(struct webhook *w, struct webhook_letter *v);
/* It is freed; what is known of it as somebody's test is, too. */
void webhook_forget(struct webhook *w, struct webhook_letter *v);
/* In the sender's thread, or when it is gone. */
void webhook_count_dropped(struct webhook *w);

/* We were stopped, and the time for what waits is over. */
bool webhook_give_up(void *context);

void *webhook_sender_main(void *context);
void *webhook_keeper_main(void *context);
/* Reads what was left before; no thread runs. */
int webhook_open_letters(struct webhook *w, const char *data_dir, struct why *why);
/* Letters that no file holds; no thread runs. */
uint64_t webhook_lost(const struct webhook *w);
