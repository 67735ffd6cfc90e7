/* Positions count bytes since the start and never wrap; a record's place in the buffer is its
 * position modulo the size. Records are contiguous: one that would cross the end is preceded by a
 * filler. A record that was taken out stays as a dead one until the tail passes it. */
#include "capture/call/held.h"

#include <assert.h>
#include <stdlib.h>

#define NO_FLOW UINT32_MAX

struct record {
    uint64_t next;             /* of the chain */
    uint32_t total;            /* bytes with header, a multiple of 8 */
    uint32_t size;             /* of the payload */
    struct held_packet packet; /* flow NO_FLOW: dead, or a filler */
};

struct held {
    uint64_t head, tail;
    size_t size;
    uint8_t *bytes;
};

struct held *held_new(size_t bytes_max)
{
    size_t size = bytes_max & ~(size_t)7;
    struct held *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->size = size < 4096 ? 4096 : size;
    h->bytes = calloc(1, h->size); /* untouched until media has to wait */
    if (h->bytes == NULL) {
        free(h);
        return NULL;
    }
    return h;
}

void held_free(struct held *h)
{
    if (h == NULL)
        return;
    free(h->bytes);
    free(h);
}

static struct record *record_at(const struct held *h, uint64_t position)
{
    return (struct record *)(void *)(h->bytes + position % h->size);
}

static size_t record_size(size_t payload_size)
{
    return (sizeof(struct record) + payload_size + 7) & ~(size_t)7;
}

/* Bytes to the end of the buffer. */
static size_t run_left(const struct held *h)
{
    return h->size - (size_t)(h->head % h->size);
}

static size_t needed(const struct held *h, size_t payload_size)
{
    size_t total = record_size(payload_size);
    size_t run = run_left(h);
    return run < total ? run + total : total;
}

bool held_fits(const struct held *h, size_t payload_size)
{
    return h->head - h->tail + needed(h, payload_size) <= h->size;
}

/* A filler may be shorter than a record's header: then the walk knows by the distance to the end.
 */
static void fill_to_end(struct held *h)
{
    size_t run = run_left(h);
    if (run >= sizeof(struct record)) {
        struct record *r = record_at(h, h->head);
        r->total = (uint32_t)run;
        r->packet.flow = NO_FLOW;
    }
    h->head += run;
}

bool held_add(struct held *h, const struct held_packet *p, struct slice payload,
              struct held_chain chain)
{
    size_t total = record_size(payload.size);
    if (!held_fits(h, payload.size))
        return false;
    if (run_left(h) < total)
        fill_to_end(h);
    uint64_t position = h->head;
    struct record *r = record_at(h, position);
    *r = (struct record){.total = (uint32_t)total, .size = (uint32_t)payload.size, .packet = *p};
    if (payload.size)
        memcpy(r + 1, payload.data, payload.size);
    h->head += total;
    if (*chain.count == 0)
        *chain.first = position;
    else
        record_at(h, *chain.last)->next = position;
    *chain.last = position;
    ++*chain.count;
    return true;
}

/* Moves the tail past what is dead. */
static void reclaim(struct held *h)
{
    while (h->tail < h->head) {
        size_t run = h->size - (size_t)(h->tail % h->size);
        if (run < sizeof(struct record)) {
            h->tail += run;
            continue;
        }
        const struct record *r = record_at(h, h->tail);
        if (r->packet.flow != NO_FLOW)
            return;
        assert(r->total >= 8);
        h->tail += r->total;
    }
}

bool held_oldest(struct held *h, uint32_t *ret_flow)
{
    reclaim(h);
    if (h->tail == h->head)
        return false;
    *ret_flow = record_at(h, h->tail)->packet.flow;
    return true;
}

bool held_first(const struct held *h, struct held_chain chain, struct held_packet *ret_packet,
                struct slice *ret_payload)
{
    if (*chain.count == 0)
        return false;
    const struct record *r = record_at(h, *chain.first);
    *ret_packet = r->packet;
    *ret_payload = slice_of(r + 1, r->size);
    return true;
}

void held_drop(struct held *h, struct held_chain chain)
{
    assert(*chain.count > 0);
    struct record *r = record_at(h, *chain.first);
    r->packet.flow = NO_FLOW;
    *chain.first = r->next;
    --*chain.count;
    reclaim(h);
}

size_t held_bytes(const struct held *h)
{
    return (size_t)(h->head - h->tail);
}
