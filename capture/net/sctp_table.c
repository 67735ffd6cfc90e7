/* Associations and fragments: taking, sorting, giving back, ageing. Nothing is allocated after the
 * start; memory is touched only when it is used. */
#include "capture/net/sctp_table.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"

#define IDLE_NS    INT64_C(600000000000)
#define TSN_BEHIND 65536 /* further behind: not old but a new beginning */

static_assert(sizeof(struct sctp_block) == SCTP_BLOCK_SIZE, "no holes");

static void count(struct sctp *s, unsigned cell, uint64_t n)
{
    if (s->counters && n)
        counters_add(s->counters, cell, n);
}

static void show_size(struct sctp *s)
{
    if (s->counters)
        counters_set_level(s->counters, s->size_cell, COUNTERS_TABLE_UP, s->count);
}

static bool older_than(int64_t since_ns, int64_t now_ns, int64_t limit_ns)
{
    return now_ns > since_ns && (uint64_t)now_ns - (uint64_t)since_ns > (uint64_t)limit_ns;
}

/* ---- fragments ---- */

static void waiting_add(struct sctp *s, uint32_t i)
{
    struct sctp_fragment *f = sctp_fragment_at(s, i);
    f->older = s->waiting.newest;
    f->newer = SCTP_NONE;
    *(f->older != SCTP_NONE ? &sctp_fragment_at(s, f->older)->newer : &s->waiting.oldest) = i;
    s->waiting.newest = i;
}

static void waiting_remove(struct sctp *s, uint32_t i)
{
    struct sctp_fragment *f = sctp_fragment_at(s, i);
    *(f->older != SCTP_NONE ? &sctp_fragment_at(s, f->older)->newer : &s->waiting.oldest) =
        f->newer;
    *(f->newer != SCTP_NONE ? &sctp_fragment_at(s, f->newer)->older : &s->waiting.newest) =
        f->older;
}

/* Puts fragment i behind fragment `before` (or SCTP_NONE: at the beginning). */
static void place_add(struct sctp *s, struct sctp_association *a, uint32_t i, uint32_t before)
{
    struct sctp_fragment *f = sctp_fragment_at(s, i);
    uint32_t *link = before != SCTP_NONE ? &sctp_fragment_at(s, before)->behind : &a->first;
    f->before = before;
    f->behind = *link;
    *link = i;
    *(f->behind != SCTP_NONE ? &sctp_fragment_at(s, f->behind)->before : &a->last) = i;
    a->fragments++;
}

static void place_remove(struct sctp *s, uint32_t i)
{
    struct sctp_fragment *f = sctp_fragment_at(s, i);
    struct sctp_association *a = &s->associations[f->association];
    *(f->before != SCTP_NONE ? &sctp_fragment_at(s, f->before)->behind : &a->first) = f->behind;
    *(f->behind != SCTP_NONE ? &sctp_fragment_at(s, f->behind)->before : &a->last) = f->before;
    a->fragments--;
}

static void fragment_release(struct sctp *s, uint32_t i)
{
    waiting_remove(s, i);
    place_remove(s, i);
    while (i != SCTP_NONE) {
        uint32_t more = s->blocks[i].fragment.more;
        s->blocks[i].fragment.more = s->free_block;
        s->free_block = i;
        s->blocks_free++;
        i = more;
    }
}

/* Serial numbers (RFC 1982) inside a group. */
static bool stands_before(const struct sctp_fragment *a, const struct sctp_fragment *b)
{
    return a->group != b->group ? a->group < b->group : (int32_t)(a->order - b->order) < 0;
}

static bool follows(const struct sctp_fragment *a, const struct sctp_fragment *b)
{
    return a->group == b->group && b->order == a->order + 1 && !(a->flags & SCTP_END) &&
           !(b->flags & SCTP_BEGIN);
}

uint32_t sctp_run_first(const struct sctp *s, uint32_t i)
{
    for (;;) {
        const struct sctp_fragment *f = sctp_fragment_at(s, i);
        if (f->before == SCTP_NONE || !follows(sctp_fragment_at(s, f->before), f))
            return i;
        i = f->before;
    }
}

uint32_t sctp_run_next(const struct sctp *s, uint32_t i)
{
    const struct sctp_fragment *f = sctp_fragment_at(s, i);
    bool more = f->behind != SCTP_NONE && follows(f, sctp_fragment_at(s, f->behind));
    return more ? f->behind : SCTP_NONE;
}

uint32_t sctp_run_release(struct sctp *s, uint32_t i)
{
    uint32_t n = 0;
    i = sctp_run_first(s, i);
    while (i != SCTP_NONE) {
        uint32_t next = sctp_run_next(s, i);
        fragment_release(s, i);
        i = next;
        n++;
    }
    return n;
}

static uint32_t take_block(struct sctp *s)
{
    if (s->free_block == SCTP_NONE)
        return s->blocks_used++;
    uint32_t i = s->free_block;
    s->free_block = s->blocks[i].fragment.more;
    s->blocks_free--;
    return i;
}

static void make_room(struct sctp *s, const struct sctp_association *a, size_t blocks)
{
    assert(blocks <= s->blocks_max);
    while (s->blocks_free + (s->blocks_max - s->blocks_used) < blocks)
        count(s, s->dropped_cell, sctp_run_release(s, s->waiting.oldest));
    while (a->fragments >= SCTP_FRAGMENTS_MAX)
        count(s, s->dropped_cell, sctp_run_release(s, a->first));
}

uint32_t sctp_fragment_add(struct sctp *s, const struct sctp_fragment *fragment, struct slice bytes)
{
    struct sctp_association *a = &s->associations[fragment->association];
    size_t blocks = (bytes.size + SCTP_BLOCK_BYTES - 1) / SCTP_BLOCK_BYTES;
    make_room(s, a, blocks);
    uint32_t before = a->last;
    while (before != SCTP_NONE && stands_before(fragment, sctp_fragment_at(s, before)))
        before = sctp_fragment_at(s, before)->before;
    if (before != SCTP_NONE && !stands_before(sctp_fragment_at(s, before), fragment))
        return SCTP_NONE;
    uint32_t i = take_block(s), at = i;
    s->blocks[i].fragment = *fragment;
    s->blocks[i].fragment.size = (uint32_t)bytes.size;
    for (;;) {
        struct slice part = slice_sub(bytes, 0, SCTP_BLOCK_BYTES);
        memcpy(s->blocks[at].bytes, part.data, part.size);
        bytes = slice_from(bytes, part.size);
        uint32_t more = bytes.size ? take_block(s) : SCTP_NONE;
        s->blocks[at].fragment.more = more;
        if (more == SCTP_NONE)
            break;
        at = more;
    }
    waiting_add(s, i);
    place_add(s, a, i, before);
    return i;
}

void sctp_fragment_copy(const struct sctp *s, uint32_t i, uint8_t *to)
{
    uint32_t left = sctp_fragment_at(s, i)->size;
    for (; i != SCTP_NONE; i = s->blocks[i].fragment.more) {
        uint32_t n = left < SCTP_BLOCK_BYTES ? left : (uint32_t)SCTP_BLOCK_BYTES;
        memcpy(to, s->blocks[i].bytes, n);
        to += n;
        left -= n;
    }
}

/* ---- associations ---- */

static uint64_t hash_of(const struct sctp *s, const uint64_t key[SCTP_KEY_WORDS])
{
    return hash_words(&s->config.seed, key, SCTP_KEY_WORDS);
}

uint32_t sctp_association_find(const struct sctp *s, const uint64_t key[SCTP_KEY_WORDS])
{
    struct map_probe probe = map_probe(&s->by_key, hash_of(s, key));
    uint32_t i;
    do
        i = map_next(&s->by_key, &probe);
    while (i != MAP_NONE &&
           memcmp(s->associations[i].key, key, sizeof s->associations[i].key) != 0);
    return i == MAP_NONE ? SCTP_NONE : i;
}

static void idle_add(struct sctp *s, uint32_t i)
{
    struct sctp_association *a = &s->associations[i];
    a->older = s->idle.newest;
    a->newer = SCTP_NONE;
    *(a->older != SCTP_NONE ? &s->associations[a->older].newer : &s->idle.oldest) = i;
    s->idle.newest = i;
}

static void idle_remove(struct sctp *s, uint32_t i)
{
    struct sctp_association *a = &s->associations[i];
    *(a->older != SCTP_NONE ? &s->associations[a->older].newer : &s->idle.oldest) = a->newer;
    *(a->newer != SCTP_NONE ? &s->associations[a->newer].older : &s->idle.newest) = a->older;
}

void sctp_association_release(struct sctp *s, uint32_t i, bool count_dropped)
{
    struct sctp_association *a = &s->associations[i];
    if (count_dropped)
        count(s, s->dropped_cell, a->fragments);
    while (a->first != SCTP_NONE)
        fragment_release(s, a->first);
    bool there = map_remove(&s->by_key, hash_of(s, a->key), i);
    assert(there);
    idle_remove(s, i);
    a->newer = s->free_association;
    s->free_association = i;
    s->count--;
    show_size(s);
}

static uint32_t association_new(struct sctp *s, const uint64_t key[SCTP_KEY_WORDS])
{
    if (s->count == s->config.associations_max)
        sctp_association_release(s, s->idle.oldest, true);
    uint32_t i = s->free_association;
    if (i != SCTP_NONE)
        s->free_association = s->associations[i].newer;
    else
        i = s->associations_used++;
    struct sctp_association *a = &s->associations[i];
    *a = (struct sctp_association){.first = SCTP_NONE, .last = SCTP_NONE};
    memcpy(a->key, key, sizeof a->key);
    int err = map_add(&s->by_key, hash_of(s, key), i);
    assert(!err); /* room was reserved */
    s->count++;
    show_size(s);
    return i;
}

uint32_t sctp_association_take(struct sctp *s, const uint64_t key[SCTP_KEY_WORDS], int64_t now_ns)
{
    uint32_t i = sctp_association_find(s, key);
    if (i == SCTP_NONE)
        i = association_new(s, key);
    else
        idle_remove(s, i);
    idle_add(s, i);
    s->associations[i].last_ns = now_ns;
    return i;
}

static void move_top(struct sctp_association *a, uint32_t tsn)
{
    uint32_t t = a->top + 1, left = tsn - a->top; /* forgotten are [t, t + left) */
    if (!a->any || left >= SCTP_WINDOW) {
        memset(a->seen, 0, sizeof a->seen);
        left = 0;
    }
    while (left > 0) {
        bool word = t % 64 == 0 && left >= 64;
        a->seen[t % SCTP_WINDOW / 64] &= word ? 0 : ~(UINT64_C(1) << t % 64);
        t += word ? 64 : 1;
        left -= word ? 64 : 1;
    }
    a->top = tsn;
    a->any = true;
}

bool sctp_association_new_tsn(struct sctp_association *a, uint32_t tsn)
{
    int32_t ahead = (int32_t)(tsn - a->top);
    if (!a->any || ahead > 0 || ahead < -TSN_BEHIND)
        move_top(a, tsn);
    else if (ahead <= -(int32_t)SCTP_WINDOW)
        return false; /* so old that it must have come before */
    uint64_t *word = &a->seen[tsn % SCTP_WINDOW / 64], bit = UINT64_C(1) << tsn % 64;
    bool is_new = !(*word & bit);
    *word |= bit;
    return is_new;
}

void sctp_table_expire(struct sctp *s, int64_t now_ns)
{
    uint32_t i;
    while ((i = s->waiting.oldest) != SCTP_NONE &&
           older_than(sctp_fragment_at(s, i)->time_ns, now_ns, s->config.gap_ns)) {
        sctp_run_release(s, i);
        count(s, s->timeouts_cell, 1);
    }
    while ((i = s->idle.oldest) != SCTP_NONE &&
           older_than(s->associations[i].last_ns, now_ns, IDLE_NS))
        sctp_association_release(s, i, false);
}

/* ---- birth and end ---- */

int sctp_table_init(struct sctp *s)
{
    size_t least = s->config.message_max / SCTP_BLOCK_BYTES + 1; /* for one fragment */
    size_t blocks = s->config.bytes_max / SCTP_BLOCK_SIZE;
    if (blocks < least)
        blocks = least;
    if (blocks >= SCTP_NONE)
        blocks = SCTP_NONE - 1;
    s->blocks_max = (uint32_t)blocks;
    s->free_block = s->free_association = SCTP_NONE;
    s->idle = s->waiting = (struct sctp_ages){SCTP_NONE, SCTP_NONE};
    s->associations = malloc(s->config.associations_max * sizeof *s->associations);
    s->blocks = malloc(blocks * sizeof *s->blocks);
    s->whole = malloc(s->config.message_max);
    if (s->associations == NULL || s->blocks == NULL || s->whole == NULL)
        return ERR_NOMEM;
    return map_reserve(&s->by_key, s->config.associations_max);
}

void sctp_table_fini(struct sctp *s)
{
    map_fini(&s->by_key);
    free(s->associations);
    free(s->blocks);
    free(s->whole);
}
