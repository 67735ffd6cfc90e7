/* What the parts that relate calls share (relate.h). */
#pragma once

#include "capture/body/conference_info.h"
#include "capture/call/relate.h"
#include "capture/call/slots.h"

#define RELATE_SECOND     INT64_C(1000000000)
#define RELATE_MEMORY_NS  (64 * RELATE_SECOND)
#define RELATE_GROUP_MAX  256
#define RELATE_MIXES_MAX  256
#define RELATE_PROBES_MAX 32 /* entries of one key that are looked at */

/* Of a live call that has to do with another; in its arena. */
struct related {
    uint32_t next;           /* ring of the group */
    uint32_t count;          /* calls in it */
    int64_t first_ns;        /* when the group's first call began */
    uint32_t referral;       /* that led here + 1; 0: none */
    uint32_t conference;     /* entry + 1; 0: none */
    uint64_t conference_serial;
    uint8_t participant;     /* in it */
    uint8_t open_transfers;  /* that wait for their outcome */
    int64_t transfer_ns;     /* steady: the newest */
};

/* A call, wherever it is. */
struct call_ref {
    uint8_t uid[16];
    uint8_t group[16];       /* its own uid when it stood alone */
    int64_t first_ns;        /* when the group's first call began */
    struct live *live;       /* NULL: it is over */
};

struct pending_mix {
    uint32_t one, other;
    uint8_t uid[2][16];
    int64_t due_ns;
};

enum relate_part { RELATE_DIALOGS, RELATE_REFERRALS, RELATE_CONFERENCES, RELATE_HOLDERS, RELATE_PARTS };

struct relations {
    struct slots table[RELATE_PARTS];
    unsigned label[RELATE_PARTS]; /* in TABLE */
    uint64_t serial;
    struct pending_mix mixes[RELATE_MIXES_MAX]; /* ring, in order of time */
    unsigned mix_first, mix_count;
    struct conference_info info;  /* scratch: large */
};

/* A new entry of a table; the oldest goes when it is full, counted when it is younger than its time
 * (`used_ns`: where entries say, in steady time, when they were last of use). NULL without memory. */
void *relate_add(struct calls *c, enum relate_part part, uint64_t hash, int64_t (*used_ns)(const void *));

/* The call is known to belong to a group, if only of its own. */
void relate_own(struct calls *c, struct live *l);
struct related *relate_of(struct calls *c, struct live *l); /* NULL without memory */
struct call_ref relate_ref(struct live *l);
/* The live call of this number, if it still is the one with this uid. */
struct live *relate_live(struct calls *c, uint32_t number, const uint8_t uid[16]);
/* `l` says that it has to do with `other`, and the other way round if that lives. */
void relate_link(struct calls *c, struct live *l, const struct call_ref *other,
                 enum call_link_kind kind, const char *evidence);
/* One group from now on. */
void relate_join(struct calls *c, struct live *l, const struct call_ref *other);
/* The dialog with this name: live, or lately over. */
bool relate_find(struct calls *c, struct slice call_id, struct slice tag, struct slice other_tag,
                 uint32_t space, struct call_ref *ret_ref);
/* Keyed hash of a dialog's name, whichever side says it. */
uint64_t relate_name_hash(const struct calls *c, struct slice call_id, uint64_t tag, uint64_t other,
                          uint32_t space);

size_t referrals_bytes(void);
/* REFER, its responses, NOTIFY of the event refer. */
void transfer_message(struct calls *c, struct live *l, const struct sighting *s);
/* A new call: is it the one that somebody was referred to? */
void transfer_invite(struct calls *c, struct live *l, const struct sighting *s);
/* The call that a transfer led to was answered, or is over. */
void transfer_result(struct calls *c, struct live *l, bool answered);
/* The call that was transferred leaves. */
void transfer_close(struct calls *c, struct live *l);

size_t conferences_bytes(void);
void conference_message(struct calls *c, struct live *l, const struct sighting *s);
void conference_notify(struct calls *c, const struct sighting *s);
void conference_close(struct calls *c, struct live *l);

size_t holders_bytes(void);
void mix_hold(struct calls *c, struct live *l, const struct sighting *s, bool hold);
/* Answered: by whom is it on hold elsewhere? */
void mix_answered(struct calls *c, struct live *l, const struct sighting *s);
void mix_tick(struct calls *c);
