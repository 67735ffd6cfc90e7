/* Flows of a writer and what they gather. A packet is copied once into the gather buffer of its
 * flow, where it waits for hold_ms, however large it is. Each SPOOL_STEP_MS what has waited so long
 * is sealed as a chunk and goes to the write buffer (spool_segment.c).
 *
 * Gather buffers come from two pools and go back when they are empty, so idle flows hold none. A
 * flow begins with a small one, which is enough for RTCP and most signalling, and goes on in one of
 * a chunk (a voice); what does not fit there (video, a large packet) gets a larger one, up to
 * SPOOL_HELD_MAX. At a ceiling packets are sealed early. Flows that gather stand in one of two
 * lists in the order in which they are due, so a tick looks only at those that are: `fresh` since
 * their first packet came, `going` since they were sealed last. */
#include <assert.h>
#include <stdlib.h>

#include "storage/spool_held.h"
#include "storage/spool_writer.h"

#define POOL_SLAB      64
#define SMALL_PARTS    4    /* a small buffer is such a part of a chunk */
#define SEALED_AT_ONCE 64   /* flows that give up their hold for one that has no buffer */
#define AHEAD_MS       1000 /* packet time that is so far ahead of ours waits for nothing */

/* ---- pools of gather buffers ---- */

static bool pool_grow(struct gather_pool *p)
{
    if (p->total + POOL_SLAB > p->max)
        return false;
    struct pool_slab *slab = malloc(sizeof *slab);
    uint8_t *bytes = malloc((size_t)POOL_SLAB * p->bytes);
    if (slab == NULL || bytes == NULL) {
        free(slab);
        free(bytes);
        return false;
    }
    *slab = (struct pool_slab){.next = p->slabs, .bytes = bytes};
    p->slabs = slab;
    for (uint32_t i = 0; i < POOL_SLAB; i++)
        p->free[p->free_count++] = bytes + (size_t)i * p->bytes;
    p->total += POOL_SLAB;
    return true;
}

static bool pool_open(struct gather_pool *p, uint32_t bytes, uint64_t all_bytes)
{
    p->bytes = bytes;
    p->max = (uint32_t)(all_bytes / bytes);
    if (p->max < POOL_SLAB)
        p->max = POOL_SLAB;
    p->free = malloc(p->max * sizeof *p->free);
    return p->free && pool_grow(p);
}

static void pool_close(struct gather_pool *p)
{
    while (p->slabs) {
        struct pool_slab *slab = p->slabs;
        p->slabs = slab->next;
        free(slab->bytes);
        free(slab);
    }
    free(p->free);
}

bool pool_init(struct spool *s)
{
    return pool_open(&s->full, s->config.chunk_bytes, s->config.gather_bytes) &&
           pool_open(&s->small, s->config.chunk_bytes / SMALL_PARTS,
                     s->config.gather_bytes / SMALL_PARTS);
}

void pool_fini(struct spool *s)
{
    pool_close(&s->small);
    pool_close(&s->full);
}

/* ---- gathering ---- */

static void gather_link(struct spool *s, struct spool_flow *f, struct gather_list *list)
{
    f->list = list;
    f->since_ns = s->now_ns;
    f->gather_prev = list->last;
    f->gather_next = NULL;
    *(list->last ? &list->last->gather_next : &list->first) = f;
    list->last = f;
}

static void gather_unlink(struct spool_flow *f)
{
    *(f->gather_prev ? &f->gather_prev->gather_next : &f->list->first) = f->gather_next;
    *(f->gather_next ? &f->gather_next->gather_prev : &f->list->last) = f->gather_prev;
    f->gather_prev = f->gather_next = NULL;
    f->list = NULL;
}

static bool is_large(const struct spool *s, const struct spool_flow *f)
{
    return f->gather_room > s->config.chunk_bytes;
}

static void gather_give_back(struct spool *s, struct spool_flow *f)
{
    struct gather_pool *p = f->gather_room == s->small.bytes ? &s->small : &s->full;
    if (is_large(s, f)) {
        s->large_bytes -= f->gather_room;
        free(f->gather);
    } else {
        p->free[p->free_count++] = f->gather;
    }
    f->gather = NULL;
    f->gather_room = 0;
}

/* The packets ahead are sealed: what comes has the new descriptor. */
static void descriptor_follow(struct spool_flow *f)
{
    free((void *)(uintptr_t)f->info.descriptor.data);
    f->info.descriptor = f->next_descriptor;
    f->next_descriptor = slice_none();
    f->described = 0;
}

/* Seals from the front, in chunks, what is not newer than that; what is left moves up. */
static bool gather_seal_until(struct spool *s, struct spool_flow *f, int64_t until_ns)
{
    struct held_part part;
    uint32_t done = 0;
    bool kept = true;
    for (;;) {
        uint32_t end = f->next_descriptor.data ? f->describe_at : f->gathered;
        if (done == end && f->next_descriptor.data) {
            descriptor_follow(f);
            continue;
        }
        if (!held_front(slice_of(f->gather + done, end - done), until_ns, s->config.chunk_bytes,
                        &part))
            break;
        if (!packets_append(s, f, slice_of(f->gather + done, part.bytes), part.packets,
                            part.first_ns, part.last_ns)) {
            counters_add(s->counters, C_SPOOL_DROPPED, part.packets);
            f->lost += part.packets;
            kept = false;
        }
        done += part.bytes;
        f->packets -= part.packets;
    }
    if (done && done < f->gathered)
        memmove(f->gather, f->gather + done, f->gathered - done);
    f->gathered -= done;
    f->describe_at -= f->next_descriptor.data ? done : 0;
    return kept;
}

/* Seals what is due and takes the flow's place among those that wait. */
static bool gather_step(struct spool *s, struct spool_flow *f, int64_t until_ns)
{
    bool kept = gather_seal_until(s, f, until_ns);
    gather_unlink(f);
    if (f->gathered)
        gather_link(s, f, &s->going);
    else
        gather_give_back(s, f);
    return kept;
}

/* Seals all that is gathered. */
static bool gather_seal(struct spool *s, struct spool_flow *f)
{
    return f->gather == NULL || gather_step(s, f, INT64_MAX);
}

/* A small buffer. At the ceiling those that wait longest give theirs; of a larger one only memory
 * comes back. */
static bool gather_begin(struct spool *s, struct spool_flow *f)
{
    struct gather_pool *p = &s->small;
    bool more = p->free_count || pool_grow(p);
    for (unsigned i = 0; !more && i < SEALED_AT_ONCE; i++) {
        struct spool_flow *oldest = s->going.first ? s->going.first : s->fresh.first;
        if (oldest == NULL)
            return false;
        counters_add(s->counters, C_SPOOL_HOLD_CUT, oldest->packets);
        (void)gather_seal(s, oldest);
        more = p->free_count > 0;
    }
    if (!more)
        return false;
    f->gather = p->free[--p->free_count];
    f->gather_room = p->bytes;
    f->gathered = f->packets = 0;
    gather_link(s, f, &s->fresh);
    return true;
}

static void gather_move(struct spool *s, struct spool_flow *f, uint8_t *to, uint32_t room)
{
    memcpy(to, f->gather, f->gathered);
    gather_give_back(s, f);
    f->gather = to;
    f->gather_room = room;
}

/* From a small one to one of a chunk, from there twice the room; false at a ceiling. */
static bool gather_grow(struct spool *s, struct spool_flow *f)
{
    if (f->gather_room < s->full.bytes && (s->full.free_count || pool_grow(&s->full))) {
        gather_move(s, f, s->full.free[--s->full.free_count], s->full.bytes);
        return true;
    }
    uint32_t own = is_large(s, f) ? f->gather_room : 0;
    uint32_t room = 2 * (own ? own : s->full.bytes);
    if (room > SPOOL_HELD_MAX || s->large_bytes - own + room > s->config.gather_bytes)
        return false;
    uint8_t *more = malloc(room);
    if (more == NULL)
        return false;
    gather_move(s, f, more, room);
    s->large_bytes += room;
    return true;
}

static bool gather_fits(struct spool *s, struct spool_flow *f, uint32_t size)
{
    while (f->gathered + size > f->gather_room)
        if (!gather_grow(s, f))
            return false;
    return true;
}

/* Room for one more of `size`: what has waited goes, else the buffer grows, else all that waits
 * goes early. False: not even then. The packet itself never passes the hold by: it may be one that
 * a pause is to take back. */
static bool gather_make_room(struct spool *s, struct spool_flow *f, uint32_t size, int64_t time_ns)
{
    if (f->gather && f->gathered + size > f->gather_room && f->gather_room >= s->full.bytes)
        (void)gather_step(s, f, time_ns - s->config.hold_ms * MS_NS);
    if (f->gather && !gather_fits(s, f, size)) {
        counters_add(s->counters, C_SPOOL_HOLD_CUT, f->packets);
        (void)gather_seal(s, f);
    }
    if (f->gather == NULL && !gather_begin(s, f))
        return false;
    bool fits = gather_fits(s, f, size);
    if (f->gathered == 0 && !fits)
        (void)gather_seal(s, f);
    return fits;
}

void spool_flow_held(struct spool *s, struct spool_flow *f, int64_t since_ns, spool_held_fn *fn,
                     void *context)
{
    if (f->gather)
        f->gathered = held_change(f->gather, f->gathered, since_ns, fn, context, &f->describe_at,
                                  &f->packets);
    if (f->gather && f->gathered == 0)
        (void)gather_seal(s, f);
}

static bool packet_refuse(struct spool *s)
{
    counters_add(s->counters, C_SPOOL_DROPPED, 1);
    return false;
}

bool spool_flow_packet(struct spool *s, struct spool_flow *f, const struct spool_packet *p)
{
    bool endpoints = f->info.kind == SPOOL_SIGNALLING;
    uint32_t size = packet_bytes(p, endpoints);

    assert(p->payload.size <= UINT16_MAX);
    uint32_t chunk = size > s->config.chunk_bytes ? size : s->config.chunk_bytes;
    if (__builtin_expect(s->error != 0, 0) &&
        s->used + chunk_span(chunk) + chunk_span(descriptor_bytes(f)) > s->room)
        return packet_refuse(s);
    if (!gather_make_room(s, f, size, p->time_ns))
        return packet_refuse(s);
    (void)packet_write(f->gather + f->gathered, p, endpoints);
    f->gathered += size;
    f->packets++;
    return true;
}

/* ---- flows ---- */

/* A copy; data NULL without memory. */
static struct slice descriptor_copy(struct slice descriptor)
{
    if (descriptor.size > DESCRIPTOR_MAX)
        descriptor.size = DESCRIPTOR_MAX;
    uint8_t *copy = malloc(descriptor.size ? descriptor.size : 1);
    if (copy == NULL)
        return slice_none();
    if (descriptor.size)
        memcpy(copy, descriptor.data, descriptor.size);
    return slice_of(copy, descriptor.size);
}

struct spool_flow *spool_flow_open(struct spool *s, const struct spool_flow_info *info,
                                   int64_t now_ns)
{
    struct spool_flow *f = calloc(1, sizeof *f);

    if (s->now_ns == 0)
        s->now_ns = now_ns;
    if (f == NULL) {
        counters_add(s->counters, C_SPOOL_DROPPED, 1);
        return NULL;
    }
    f->info = *info;
    f->info.descriptor = descriptor_copy(info->descriptor);
    if (f->info.descriptor.data == NULL) {
        counters_add(s->counters, C_SPOOL_DROPPED, 1);
        free(f);
        return NULL;
    }
    f->next = s->flows;
    if (s->flows)
        s->flows->prev = f;
    s->flows = f;
    return f;
}

/* In force behind what is gathered; a second one so soon sends that off early. */
void spool_flow_describe(struct spool *s, struct spool_flow *f, struct slice descriptor,
                         int64_t now_ns)
{
    (void)now_ns;
    struct slice copy = descriptor_copy(descriptor);
    if (copy.data == NULL)
        return;
    if (f->next_descriptor.data)
        (void)gather_seal(s, f);
    f->next_descriptor = copy;
    f->describe_at = f->gathered;
    if (f->gather == NULL)
        descriptor_follow(f);
}

uint64_t spool_flow_lost(const struct spool_flow *f)
{
    return f->lost;
}

struct spool_ref spool_flow_tail(struct spool *s, struct spool_flow *f)
{
    (void)gather_seal(s, f);
    return f->tail;
}

struct spool_ref spool_flow_close(struct spool *s, struct spool_flow *f)
{
    struct spool_ref tail = spool_flow_tail(s, f);

    if (f->prev)
        f->prev->next = f->next;
    else
        s->flows = f->next;
    if (f->next)
        f->next->prev = f->prev;
    free((void *)(uintptr_t)f->info.descriptor.data);
    free((void *)(uintptr_t)f->next_descriptor.data);
    free(f);
    return tail;
}

/* ---- time ---- */

/* Time that ran backwards makes everything due, and so do packets whose own time is far ahead. */
static void gather_tick(struct spool *s, struct gather_list *list, int64_t wait_ns)
{
    int64_t hold_ns = s->config.hold_ms * MS_NS;
    for (struct spool_flow *f; (f = list->first) != NULL;) {
        bool backwards = f->since_ns > s->now_ns;
        if (!backwards && s->now_ns - f->since_ns < wait_ns)
            break;
        struct held_part part;
        bool odd = held_front(slice_of(f->gather, f->gathered), INT64_MAX, 0, &part) &&
                   part.first_ns > s->now_ns + AHEAD_MS * MS_NS;
        (void)gather_step(s, f, backwards || odd ? INT64_MAX : s->now_ns - hold_ns);
    }
}

void gather_due(struct spool *s)
{
    gather_tick(s, &s->going, SPOOL_STEP_MS * MS_NS);
    gather_tick(s, &s->fresh, (s->config.hold_ms + SPOOL_STEP_MS) * MS_NS);
}

void gather_flush(struct spool *s)
{
    while (s->going.first)
        (void)gather_seal(s, s->going.first);
    while (s->fresh.first)
        (void)gather_seal(s, s->fresh.first);
}
