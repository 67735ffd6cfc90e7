/* Responses that were captured ahead of their INVITE: two ports of a mirror need not keep the order
 * of a request and its 100. They wait a moment; when the INVITE comes they follow it. */
#pragma once

#include "capture/call/live.h"

#define AHEAD_SLOTS     16
#define AHEAD_BYTES     2048
#define AHEAD_WINDOW_NS INT64_C(500000000)

struct ahead;

struct ahead *ahead_new(struct counters *counters); /* NULL without memory */
void ahead_free(struct ahead *e);
/* Copies the datagram; the oldest one gives way. */
void ahead_keep(struct ahead *e, uint64_t key, int64_t now_ns, const struct datagram *d);
/* The oldest one of this key that still waits: taken out, payload valid until the next call. */
bool ahead_take(struct ahead *e, uint64_t key, int64_t now_ns, struct datagram *ret_d);
