/* The blocks in which segments wait, and who holds most of them. Streams that hold blocks stand in
 * lists by the power of two of their number, so that the one to give way when the pool is empty is
 * found without a search. */
#include "capture/net/tcp_table.h"

#include <assert.h>
#include <stdlib.h>

static unsigned level_of(uint32_t blocks)
{
    return 31 - (unsigned)__builtin_clz(blocks);
}

static uint32_t id_of(const struct tcp *t, struct tcp_stream *s)
{
    return (uint32_t)(tcp_stream_conn(s) - t->conns) * 2 + s->side;
}

static void level_add(struct tcp *t, struct tcp_stream *s)
{
    struct tcp_ages *level = &t->level[level_of(s->blocks)];
    uint32_t id = id_of(t, s);
    s->level_older = level->newest;
    s->level_newer = TCP_NONE;
    *(level->newest != TCP_NONE ? &tcp_stream_by_id(t, level->newest)->level_newer
                                : &level->oldest) = id;
    level->newest = id;
}

static void level_remove(struct tcp *t, struct tcp_stream *s)
{
    struct tcp_ages *level = &t->level[level_of(s->blocks)];
    *(s->level_older != TCP_NONE ? &tcp_stream_by_id(t, s->level_older)->level_newer
                                 : &level->oldest) = s->level_newer;
    *(s->level_newer != TCP_NONE ? &tcp_stream_by_id(t, s->level_newer)->level_older
                                 : &level->newest) = s->level_older;
}

static void set_blocks(struct tcp *t, struct tcp_stream *s, uint32_t blocks)
{
    bool same = s->blocks > 0 && blocks > 0 && level_of(s->blocks) == level_of(blocks);
    if (!same && s->blocks > 0)
        level_remove(t, s);
    s->blocks = blocks;
    if (!same && blocks > 0)
        level_add(t, s);
}

uint32_t tcp_pool_take(struct tcp *t, struct tcp_stream *s)
{
    uint32_t b;
    if (t->free_block != TCP_NONE) {
        b = t->free_block;
        t->free_block = t->blocks[b].head.next;
    } else if (t->blocks_used < t->blocks_max) {
        b = t->blocks_used++;
    } else {
        return TCP_NONE;
    }
    t->blocks_waiting++;
    set_blocks(t, s, s->blocks + 1);
    return b;
}

void tcp_pool_give(struct tcp *t, struct tcp_stream *s, uint32_t block)
{
    assert(s->blocks > 0 && t->blocks_waiting > 0);
    t->blocks[block].head.next = t->free_block;
    t->free_block = block;
    t->blocks_waiting--;
    set_blocks(t, s, s->blocks - 1);
}

struct tcp_stream *tcp_pool_biggest(struct tcp *t)
{
    for (unsigned n = TCP_BLOCK_LEVELS; n-- > 0;)
        if (t->level[n].oldest != TCP_NONE)
            return tcp_stream_by_id(t, t->level[n].oldest);
    return NULL;
}

/* ---- what waits ---- */

bool tcp_wait_is_full(const struct tcp *t, const struct tcp_stream *s)
{
    return s->blocks >= t->stream_blocks_max || (!s->known && s->blocks >= TCP_PICKUP_BLOCKS);
}

void tcp_wait_drop_first(struct tcp *t, struct tcp_stream *s)
{
    uint32_t b = s->first;
    s->first = t->blocks[b].head.next;
    if (s->first == TCP_NONE)
        s->last = TCP_NONE;
    tcp_pool_give(t, s, b);
}

/* As much of the piece as goes into the block; what was not captured needs no room. */
static uint32_t fill(struct tcp_block *block, struct tcp_piece piece, uint32_t wire)
{
    uint32_t room = (uint32_t)sizeof block->bytes - block->head.size;
    struct slice bytes = slice_sub(piece.bytes, 0, wire < room ? wire : room);
    if (bytes.size > 0)
        memcpy(block->bytes + block->head.size, bytes.data, bytes.size);
    block->head.size += (uint32_t)bytes.size;
    if (bytes.size < piece.bytes.size)
        return (uint32_t)bytes.size;
    block->head.cut += wire - (uint32_t)bytes.size;
    return wire;
}

static bool can_grow(const struct tcp *t, uint32_t b, struct tcp_piece piece)
{
    const struct tcp_block_head *head = &t->blocks[b].head;
    return tcp_block_end(t, b) == piece.seq &&
           (piece.bytes.size == 0 || (head->cut == 0 && head->size < sizeof t->blocks[b].bytes));
}

/* An empty block behind `after`; TCP_NONE when the direction or the pool has its fill. */
static uint32_t new_block(struct tcp *t, struct tcp_stream *s, uint32_t after, uint32_t seq,
                          const struct datagram *segment)
{
    if (tcp_wait_is_full(t, s))
        return TCP_NONE;
    uint32_t b = tcp_pool_take(t, s);
    if (b == TCP_NONE)
        return TCP_NONE;
    uint32_t *link = after != TCP_NONE ? &t->blocks[after].head.next : &s->first;
    t->blocks[b].head = (struct tcp_block_head){
        .next = *link, .seq = seq, .since_ns = t->now_ns, .origin = *segment};
    *link = b;
    if (s->last == after)
        s->last = b;
    return b;
}

/* A walk along the blocks, `at`, `before` the one ahead of it: what a block has is skipped, what
 * lies between two is appended to the first or gets a block of its own. */
bool tcp_wait_keep(struct tcp *t, struct tcp_stream *s, struct tcp_piece piece,
                   const struct datagram *segment)
{
    uint32_t before = TCP_NONE, at = s->first;
    if (s->last != TCP_NONE && tcp_distance(tcp_block_end(t, s->last), piece.seq) >= 0) {
        before = s->last;
        at = TCP_NONE;
    }
    while (piece.wire > 0) {
        uint32_t n = piece.wire;
        if (at != TCP_NONE && tcp_distance(t->blocks[at].head.seq, piece.seq) >= 0) {
            int32_t there = tcp_distance(piece.seq, tcp_block_end(t, at));
            if (there > 0 && (uint32_t)there < n)
                n = (uint32_t)there;
            piece = tcp_piece_from(piece, there > 0 ? n : 0);
            before = at;
            at = t->blocks[at].head.next;
            continue;
        }
        if (at != TCP_NONE && t->blocks[at].head.seq - piece.seq < n)
            n = t->blocks[at].head.seq - piece.seq;
        if (before == TCP_NONE || !can_grow(t, before, piece))
            before = new_block(t, s, before, piece.seq, segment);
        if (before == TCP_NONE)
            return false;
        piece = tcp_piece_from(piece, fill(&t->blocks[before], piece, n));
    }
    return true;
}

/* ---- birth and end ---- */

static uint32_t blocks_in(size_t bytes)
{
    size_t n = bytes / TCP_BLOCK_SIZE;
    return n < 1 ? 1 : n < TCP_NONE ? (uint32_t)n : TCP_NONE - 1;
}

bool tcp_pool_init(struct tcp *t)
{
    t->blocks_max = blocks_in(t->config.bytes_max);
    t->stream_blocks_max = blocks_in(t->config.stream_bytes_max);
    t->free_block = TCP_NONE;
    for (unsigned n = 0; n < TCP_BLOCK_LEVELS; n++)
        t->level[n] = (struct tcp_ages){TCP_NONE, TCP_NONE};
    /* Not written before they are used. */
    t->blocks = malloc((size_t)t->blocks_max * sizeof *t->blocks);
    return t->blocks != NULL;
}

void tcp_pool_fini(struct tcp *t)
{
    free(t->blocks);
}
