/* The calls that live: found by Call-ID and tag, ordered in classes for the day when the table is
 * full, ended in one place. */
#pragma once

#include "capture/call/live.h"

/* Keyed hash of a tag; 0 for an empty one. */
uint64_t table_tag(const struct calls *c, struct slice tag);

/* Hashes the names of the message once, for all who look for its call. */
void table_hash_names(const struct calls *c, struct sighting *s);

/* The call of its address space that a message with its names belongs to, in either direction;
 * fills ret_transaction_of: the party whose request it is or answers. */
struct live *table_find(struct calls *c, const struct sighting *s, uint8_t *ret_transaction_of);

/* By the name of its dialog: the tags of who called and of who was called. */
struct live *table_find_dialog(struct calls *c, struct slice call_id, struct slice caller_tag,
                               struct slice callee_tag, uint32_t space);

/* A free slot with an empty call (arena, kind, number, uid and worker set), entered under its key
 * when it is a SIP call. NULL when the table is full of calls that may not go, or without memory:
 * counted. */
struct live *table_new_call(struct calls *c, const struct sighting *s);
/* Starts with the first packet that waits in `f`. */
struct live *table_new_orphan(struct calls *c, const struct flow *f);
/* A signalling connection that cannot be read, entered under `key`. */
struct live *table_new_encrypted(struct calls *c, const struct endpoint *client,
                                 const struct endpoint *server, uint64_t key, int64_t time_ns);

/* Calls of MGCP and H.323, under a keyed hash of whatever names them there. The new one is trying
 * and not told yet: the caller fills it in and sends CALL_STARTED. */
struct live *table_new_foreign(struct calls *c, enum call_kind kind, uint64_t key,
                               struct slice call_id, const struct datagram *d);
struct live *table_find_foreign(struct calls *c, enum call_kind kind, uint64_t key,
                                struct slice call_id);

void table_set_class(struct calls *c, struct live *l, enum live_class class);
/* Takes flows, points and timers from the call, sends CALL_ENDED, frees the slot. */
void table_close(struct calls *c, struct live *l);
