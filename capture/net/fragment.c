/* One fragment at a time. Offsets count in units of 8 bytes, and a block has a bit for each unit:
 * overlaps, duplicates and "is it whole?" are questions about bits, whatever the order of arrival.
 */
#include "capture/net/fragment_table.h"

/* ---- bytes and bits ---- */

/* A run of a fragment's bytes inside one block. */
struct run {
    const uint8_t *from;
    uint32_t index; /* of the block in the entry */
    uint32_t at;    /* in the block */
    uint32_t size;
};

/* The next run of [*offset, ...) over *bytes; false when none is left. */
static bool next_run(struct slice *bytes, uint32_t *offset, struct run *ret_run)
{
    if (bytes->size == 0)
        return false;
    uint32_t at = *offset % FRAGMENT_BLOCK_SIZE;
    uint32_t size = FRAGMENT_BLOCK_SIZE - at;
    if (size > bytes->size)
        size = (uint32_t)bytes->size;
    *ret_run = (struct run){
        .from = bytes->data, .index = *offset / FRAGMENT_BLOCK_SIZE, .at = at, .size = size};
    *bytes = slice_from(*bytes, size);
    *offset += size;
    return true;
}

static bool is_there(const struct fragment_block *b, uint32_t unit)
{
    return b->there[unit / 64] >> (unit % 64) & 1;
}

static uint32_t unit_size(const struct run *r, uint32_t done)
{
    return r->size - done < FRAGMENT_UNIT ? r->size - done : FRAGMENT_UNIT;
}

enum overlap { OVERLAP_NONE, OVERLAP_SAME, OVERLAP_OTHER };

/* Are the fragment's bytes new, exactly there already, or a mixture? */
static enum overlap overlap_of(const struct fragments *f, const struct fragment_entry *e,
                               const struct fragment *fragment)
{
    struct slice bytes = fragment->bytes;
    uint32_t offset = fragment->offset;
    bool fresh = false;
    bool same = false;
    for (struct run r; next_run(&bytes, &offset, &r);) {
        const struct fragment_block *b =
            e->block[r.index] == FRAGMENT_NONE ? NULL : &f->blocks[e->block[r.index]];
        for (uint32_t done = 0; done < r.size; done += FRAGMENT_UNIT) {
            if (b == NULL || !is_there(b, (r.at + done) / FRAGMENT_UNIT))
                fresh = true;
            else if (memcmp(b->bytes + r.at + done, r.from + done, unit_size(&r, done)) == 0)
                same = true;
            else
                return OVERLAP_OTHER;
        }
    }
    return !same ? OVERLAP_NONE : fresh ? OVERLAP_OTHER : OVERLAP_SAME;
}

/* Copies the units that are not there yet: the first byte wins. */
static void put_run(struct fragment_entry *e, struct fragment_block *b, const struct run *r)
{
    for (uint32_t done = 0; done < r->size; done += FRAGMENT_UNIT) {
        uint32_t unit = (r->at + done) / FRAGMENT_UNIT;
        if (is_there(b, unit))
            continue;
        memcpy(b->bytes + r->at + done, r->from + done, unit_size(r, done));
        b->there[unit / 64] |= UINT64_C(1) << (unit % 64);
        e->units++;
    }
}

/* False when there is no memory for all of it. */
static bool put(struct fragments *f, uint32_t i, const struct fragment *fragment)
{
    struct fragment_entry *e = &f->entries[i];
    struct slice bytes = fragment->bytes;
    uint32_t offset = fragment->offset;
    for (struct run r; next_run(&bytes, &offset, &r);) {
        if (e->block[r.index] == FRAGMENT_NONE)
            e->block[r.index] = fragment_take_block(f, i);
        if (e->block[r.index] == FRAGMENT_NONE)
            return false;
        put_run(e, &f->blocks[e->block[r.index]], &r);
    }
    return true;
}

/* ---- one fragment ---- */

/* Is it a copy of a part of a datagram that was delivered? */
static bool is_copy(const struct fragments *f, const struct fragment_entry *e,
                    const struct fragment *fragment)
{
    uint32_t end = fragment->offset + (uint32_t)fragment->bytes.size;
    bool fits = fragment->more ? end <= e->total : end == e->total;
    return fits && overlap_of(f, e, fragment) == OVERLAP_SAME;
}

/* The end that the last fragment gives, and that of the others, must agree. */
static bool end_agrees(struct fragment_entry *e, const struct fragment *fragment)
{
    uint32_t end = fragment->offset + (uint32_t)fragment->bytes.size;
    if (e->total ? end > e->total || (!fragment->more && end != e->total)
                 : !fragment->more && end < e->reach)
        return false;
    if (!fragment->more)
        e->total = end;
    if (end > e->reach)
        e->reach = end;
    return true;
}

static enum fragment_result refuse(struct fragments *f, uint32_t i, bool ip6)
{
    if (ip6) {
        fragment_condemn(f, i);
    } else {
        fragment_release(f, i);
    }
    return FRAGMENT_SYNTAX;
}

static void deliver(struct fragments *f, uint32_t i, int64_t now_ns,
                    struct fragment_whole *ret_whole)
{
    struct fragment_entry *e = &f->entries[i];
    for (uint32_t at = 0; at < e->total; at += FRAGMENT_BLOCK_SIZE) {
        uint32_t size = e->total - at < FRAGMENT_BLOCK_SIZE ? e->total - at : FRAGMENT_BLOCK_SIZE;
        memcpy(f->whole + at, f->blocks[e->block[at / FRAGMENT_BLOCK_SIZE]].bytes, size);
    }
    *ret_whole = (struct fragment_whole){
        .bytes = slice_of(f->whole, e->total), .proto = e->proto, .ttl = e->ttl, .tos = e->tos};
    fragment_finish(f, i, now_ns);
}

/* Adds to an ENTRY_OPEN entry. */
static enum fragment_result add_open(struct fragments *f, uint32_t i,
                                     const struct fragment *fragment,
                                     struct fragment_whole *ret_whole)
{
    struct fragment_entry *e = &f->entries[i];
    if (!end_agrees(e, fragment))
        return refuse(f, i, fragment->ip6);
    if (fragment->ip6) {
        enum overlap overlap = overlap_of(f, e, fragment);
        if (overlap == OVERLAP_SAME)
            return FRAGMENT_HELD;
        if (overlap == OVERLAP_OTHER)
            return refuse(f, i, true);
    }
    e->frames++;
    if (fragment->offset == 0 && !e->has_first) {
        e->has_first = true;
        e->proto = fragment->proto;
        e->ttl = fragment->ttl;
        e->tos = fragment->tos;
    }
    if (!put(f, i, fragment)) {
        fragments_count_dropped(f, e->frames);
        fragment_release(f, i);
        return FRAGMENT_HELD;
    }
    if (e->total == 0 || e->units < (e->total + FRAGMENT_UNIT - 1) / FRAGMENT_UNIT)
        return FRAGMENT_HELD;
    deliver(f, i, fragment->time_ns, ret_whole);
    return FRAGMENT_WHOLE;
}

static void make_key(const struct fragment *fragment, uint64_t ret_key[FRAGMENT_KEY_WORDS])
{
    ret_key[0] = fragment->src.high;
    ret_key[1] = fragment->src.low;
    ret_key[2] = fragment->dst.high;
    ret_key[3] = fragment->dst.low;
    ret_key[4] = (uint64_t)fragment->space << 32 | fragment->id;
    ret_key[5] = fragment->ip6 ? 6u << 8 : 4u << 8 | fragment->proto;
}

/* All but the last end on a unit. IPv4 forgives it as its stacks do, and takes the whole units. */
static bool size_is_sane(struct fragment *fragment)
{
    if (fragment->more && fragment->bytes.size % FRAGMENT_UNIT != 0) {
        if (fragment->ip6)
            return false;
        fragment->bytes.size -= fragment->bytes.size % FRAGMENT_UNIT;
    }
    return fragment->bytes.size > 0 && fragment->offset + fragment->bytes.size <= FRAGMENT_SIZE_MAX;
}

enum fragment_result fragments_add(struct fragments *f, const struct fragment *given,
                                   struct fragment_whole *ret_whole)
{
    struct fragment fragment = *given;
    if (!size_is_sane(&fragment))
        return FRAGMENT_LENGTH;
    fragments_expire(f, fragment.time_ns);
    uint64_t key[FRAGMENT_KEY_WORDS];
    make_key(&fragment, key);
    uint32_t i = fragment_find(f, key);
    if (i != FRAGMENT_NONE && f->entries[i].state == ENTRY_DEAD)
        return FRAGMENT_HELD;
    if (i != FRAGMENT_NONE && f->entries[i].state == ENTRY_DONE) {
        if (is_copy(f, &f->entries[i], &fragment))
            return FRAGMENT_HELD;
        fragment_release(f, i); /* the sender uses the identification again */
        i = FRAGMENT_NONE;
    }
    if (i == FRAGMENT_NONE)
        i = fragment_take_entry(f, key, fragment.time_ns);
    enum fragment_result result = add_open(f, i, &fragment, ret_whole);
    fragment_show_size(f);
    return result;
}
