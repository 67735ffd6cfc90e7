/* What waits to be told, and whose turn it is: the oldest of what was tried least. Of a call one is sent after the other; calls
 * do not wait for each other, so one body that the receiver chokes on holds up its call alone. After a failure that letter rests, longer each time, and so
 * does the whole queue as long as nothing gets through: a receiver that is down is asked every half minute, not once per letter.
 *
 * No thread, no lock, no clock: the caller has them (webhook.c). */
#pragma once

#include "app/webhook_config.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/map.h"

#define WEBHOOK_PAUSE_FIRST_NS INT64_C(250000000)
#define WEBHOOK_PAUSE_MAX_NS   INT64_C(30000000000)

struct webhook_letter {
    struct webhook_letter *next, *before; /* in the queue, by age */
    struct webhook_letter *follower;      /* the next one of its call */
    uint64_t number;                      /* on the disk */
    bool kept;                            /* it is there */
    bool leads;                           /* none of its call is ahead of it */
    bool sending;
    unsigned tries;
    int64_t due_ns;                       /* mono; 0: now */
    uint32_t slot;
    uint8_t event;                        /* enum webhook_event */
    char uid[40];
    int64_t started_us;                   /* of the call: names its day */
    int64_t since_us;                     /* wall: it was put */
    size_t said_bytes;
    uint8_t said[];                       /* the body up to its tags */
};

struct webhook_queue {
    unsigned max, count, kept;
    unsigned sending; /* 0 or 1: it is none of the `max` that wait */
    uint64_t kept_bytes;
    struct webhook_letter *first, *last;
    struct webhook_letter **slots; /* max + 1 */
    uint32_t *free_slots;
    struct map by_call; /* slot of the newest letter of a call */
    struct hash_seed seed;
    unsigned failures;  /* since something got through */
    int64_t rest_ns;    /* until then nobody is asked */
};

/* NULL without memory. The letter is nobody's yet: give it to webhook_queue_put() or free() it. */
struct webhook_letter *webhook_letter_new(struct slice uid, struct slice said);
/* On the disk (letters.h) and back; NULL when it is none. */
void webhook_letter_pack(const struct webhook_letter *v, struct buf *out);
struct webhook_letter *webhook_letter_unpack(struct slice bytes);

/* 0 or ERR_NOMEM. */
int webhook_queue_init(struct webhook_queue *q, unsigned max);
void webhook_queue_fini(struct webhook_queue *q);
/* The oldest that is not being sent, when there is no room for one more; NULL: there is. */
struct webhook_letter *webhook_queue_excess(const struct webhook_queue *q);
/* Takes it; there is room. */
void webhook_queue_put(struct webhook_queue *q, struct webhook_letter *v);
/* Whose turn it is, now marked as being sent; NULL: nobody's before *ret_due_ns (INT64_MAX: none waits). */
struct webhook_letter *webhook_queue_next(struct webhook_queue *q, int64_t now_ns, int64_t *ret_due_ns);
/* How long it will rest should it fail now. */
int64_t webhook_queue_pause(const struct webhook_letter *v);
void webhook_queue_failed(struct webhook_queue *q, struct webhook_letter *v, int64_t now_ns);
/* Something got through, whatever became of it: nobody rests but the letters that failed. */
void webhook_queue_answered(struct webhook_queue *q);
/* Gives it back. */
void webhook_queue_remove(struct webhook_queue *q, struct webhook_letter *v);
/* The oldest that is not on the disk yet. */
struct webhook_letter *webhook_queue_unkept(const struct webhook_queue *q);
void webhook_queue_keep(struct webhook_queue *q, struct webhook_letter *v, uint64_t number);
