/* A byte ring for one producer and one consumer thread. Records are length-prefixed, 8-aligned and
 * contiguous. The producer publishes in batches (ring_publish), the consumer releases in batches
 * (ring_release), so the shared indices are touched rarely.
 *
 * Pressure ends at media: the last eighth of the ring is kept for `vital` records (calls starting,
 * ending); ordinary records are refused there (ring_reserve returns NULL, the caller counts). */
#pragma once

#include "base/slice.h"

struct ring;

/* `size_bytes` is rounded up to a power of two. NULL when there is no memory. */
struct ring *ring_new(size_t size_bytes);
void ring_free(struct ring *r);

/* Producer: room for one record (1 byte to a quarter of the ring), or NULL when full (or, not
 * vital, nearly full). A reservation that is not committed is forgotten at the next one. */
void *ring_reserve(struct ring *r, size_t size, bool vital);
/* The record reserved last is complete (it is published at the next ring_publish). */
void ring_commit(struct ring *r);
void ring_publish(struct ring *r);
/* No more records: the consumer's ring_wait() returns false once it has read all. */
void ring_close(struct ring *r);

/* Consumer: the next published record, or an empty slice. It stays valid until ring_release(). */
struct slice ring_next(struct ring *r);
/* Everything returned by ring_next() so far may be overwritten. */
void ring_release(struct ring *r);
/* Sleeps until something is published, `timeout_ms` passed or the ring was closed. False: closed
 * and empty. */
bool ring_wait(struct ring *r, int timeout_ms);

/* For /metrics, from any thread: bytes waiting and the size. */
size_t ring_depth(const struct ring *r);
size_t ring_capacity(const struct ring *r);
