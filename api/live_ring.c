/* A slot is its id modulo the size. What is newest of a call is found by a keyed hash: uids are
 * ours, but calls are many. */
#include "api/live_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/live_json.h"
#include "base/error.h"

#define TEXT_MAX (32u << 10) /* of one event; eight streams and every byte escaped need less */

/* What one event of a call takes the place of. */
enum sort { SORT_STATE, SORT_QUALITY, SORT_PAUSE };

static enum sort sort_of(const struct live_event *e)
{
    switch (e->kind) {
    case LIVE_QUALITY_ALERT:
        return SORT_QUALITY;
    case LIVE_RECORDING_PAUSED:
    case LIVE_RECORDING_RESUMED:
        return SORT_PAUSE;
    default:
        return SORT_STATE;
    }
}

size_t live_event_size(const struct live_event *e)
{
    unsigned streams =
        e->call.stream_count < LIVE_STREAMS_MAX ? e->call.stream_count : LIVE_STREAMS_MAX;
    return offsetof(struct live_event, call) + offsetof(struct live_call, streams) +
           streams * sizeof e->call.streams[0];
}

static struct live_entry *slot_of(const struct live_ring *r, uint64_t id)
{
    return &r->slots[id % LIVE_EVENTS_MAX];
}

int live_ring_open(struct live_ring *r, uint64_t first)
{
    r->slots = calloc(LIVE_EVENTS_MAX, sizeof *r->slots);
    if (r->slots == NULL || map_reserve(&r->newest, LIVE_EVENTS_MAX + 1) != 0) {
        free(r->slots);
        r->slots = NULL;
        return ERR_NOMEM;
    }
    r->seed = hash_seed_random();
    r->first = r->next = first > r->next ? first : r->next + 1;
    return 0;
}

static void drop_oldest(struct live_ring *r)
{
    struct live_entry *e = slot_of(r, r->first++);
    if (e->overtaken_by == 0)
        map_remove(&r->newest, e->hash, (uint32_t)(e->id % LIVE_EVENTS_MAX));
    r->bytes -= e->bytes;
    free(e->event);
    free(e->text);
    *e = (struct live_entry){0};
}

void live_ring_clear(struct live_ring *r)
{
    while (r->first < r->next)
        drop_oldest(r);
    r->first = ++r->next;
}

void live_ring_close(struct live_ring *r)
{
    if (r->slots == NULL)
        return;
    live_ring_clear(r);
    map_fini(&r->newest);
    free(r->slots);
    r->slots = NULL;
}

static bool make_text(struct live_entry *e)
{
    struct buf out;
    struct json j;

    buf_init(&out, TEXT_MAX);
    buf_printf(&out, "id: %llu\nevent: %s\ndata: ", (unsigned long long)e->id,
               LIVE_EVENT_NAMES[e->event->kind]);
    json_init(&j, &out);
    live_json_event(&j, e->event);
    buf_str(&out, "\n\n");
    e->text = out.failed ? NULL : malloc(out.size);
    if (e->text) {
        memcpy(e->text, out.data, out.size);
        e->text_size = (uint32_t)out.size;
    }
    buf_fini(&out);
    return e->text != NULL;
}

static uint64_t hash_of(const struct live_ring *r, const struct live_event *e)
{
    char key[sizeof e->call.uid + 1] = {0};
    size_t n = strlen(e->call.uid);
    memcpy(key, e->call.uid, n);
    key[n] = (char)('0' + sort_of(e));
    return hash_bytes(&r->seed, key, n + 1);
}

static struct live_entry *newest_like(const struct live_ring *r, const struct live_entry *e)
{
    struct map_probe p = map_probe(&r->newest, e->hash);
    for (uint32_t i; (i = map_next(&r->newest, &p)) != MAP_NONE;) {
        const struct live_event *other = r->slots[i].event;
        if (sort_of(other) == sort_of(e->event) && strcmp(other->call.uid, e->event->call.uid) == 0)
            return &r->slots[i];
    }
    return NULL;
}

bool live_ring_push(struct live_ring *r, struct live_event *event)
{
    struct live_entry new = {.id = r->next, .event = event};
    if (!make_text(&new)) {
        free(event);
        live_ring_clear(r);
        return false;
    }
    new.hash = hash_of(r, event);
    new.bytes = new.text_size + (uint32_t)live_event_size(event);
    while (r->first < r->next &&
           (r->next - r->first == LIVE_EVENTS_MAX || r->bytes + new.bytes > LIVE_EVENTS_BYTES))
        drop_oldest(r);
    struct live_entry *before = newest_like(r, &new);
    if (before) {
        before->overtaken_by = new.id;
        map_remove(&r->newest, before->hash, (uint32_t)(before->id % LIVE_EVENTS_MAX));
    }
    (void)map_add(&r->newest, new.hash, (uint32_t)(new.id % LIVE_EVENTS_MAX)); /* there is room */
    *slot_of(r, new.id) = new;
    r->bytes += new.bytes;
    r->next++;
    return true;
}

const struct live_entry *live_ring_at(const struct live_ring *r, uint64_t id)
{
    return r->slots && id >= r->first && id < r->next ? slot_of(r, id) : NULL;
}
