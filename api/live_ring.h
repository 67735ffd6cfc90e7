/* The newest events, in order: at most LIVE_EVENTS_MAX of them and LIVE_EVENTS_BYTES. One thread at a time. */
#pragma once

#include "api/live_events.h"
#include "base/hash.h"
#include "base/map.h"

struct live_entry {
    uint64_t id;
    uint64_t overtaken_by; /* the next event of the same call and of the same sort; 0: there is none yet */
    uint64_t hash;         /* of call and sort */
    struct live_event *event;
    char *text; /* as it is sent: "id: ..\nevent: ..\ndata: ..\n\n" */
    uint32_t text_size, bytes;
};

struct live_ring {
    struct live_entry *slots; /* NULL: closed */
    uint64_t first, next;     /* ids that are there: [first, next) */
    size_t bytes;
    struct map newest; /* of each call and sort */
    struct hash_seed seed;
};

/* Ids begin with `first`, or behind those that there were. ERR_NOMEM. */
int live_ring_open(struct live_ring *r, uint64_t first);
/* Nothing is left; ids go on behind a gap. */
void live_ring_clear(struct live_ring *r);
void live_ring_close(struct live_ring *r);
/* Takes the malloc'ed event; the oldest give way. False without memory: it is as if the ring had been cleared. */
bool live_ring_push(struct live_ring *r, struct live_event *event);
/* NULL when it is not there (any more, or yet). */
const struct live_entry *live_ring_at(const struct live_ring *r, uint64_t id);
/* How many bytes of an event are in use: its call has no more streams. */
size_t live_event_size(const struct live_event *e);
