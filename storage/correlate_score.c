#include "storage/correlate_score.h"

#include <stdlib.h>
#include <string.h>

#define HALF_SIZE 32
#define VALUE_MIN 8 /* shorter values are counters and flags */
#define WINDOW_US (INT64_C(24) * 3600 * 1000000)

struct pair {
    const struct call_record *a, *b;
    const struct correlate_common *common;
    struct correlate_entries of_a, of_b;
    bool together; /* went on at the same time */
    struct correlation *c;
};

static void give(struct pair *p, enum correlate_evidence kind, enum correlate_level level,
                 struct slice value)
{
    if (level <= p->c->level[kind])
        return;
    p->c->level[kind] = (uint8_t)level;
    p->c->value[kind] = value;
}

/* ---- times ---- */

static bool near(int64_t a_us, int64_t b_us)
{
    return llabs(a_us - b_us) <= CORRELATE_NEAR_US;
}

static bool begins_within(const struct call_record *inner, const struct call_record *outer)
{
    return outer->ended_us == 0 || inner->started_us <= outer->ended_us + CORRELATE_NEAR_US;
}

static bool at_same_time(const struct call_record *a, const struct call_record *b)
{
    return a->started_us < b->started_us ? begins_within(b, a) : begins_within(a, b);
}

/* ---- keys that both have ---- */

static bool is_common(const struct correlate_common *common, int64_t hash)
{
    for (unsigned i = 0; common && i < common->count; i++)
        if (common->hash[i] == hash)
            return true;
    return false;
}

static const struct correlate_entry *entry_of(const struct correlate_entries *list, uint8_t class,
                                              int64_t hash)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->entry[i].class == class && list->entry[i].hash == hash)
            return &list->entry[i];
    return NULL;
}

/* The next entry of this class that both have and that says something, from *at on. */
static const struct correlate_entry *shared_next(const struct pair *p, enum correlate_class class,
                                                 unsigned *at)
{
    while (*at < p->of_a.count) {
        const struct correlate_entry *e = &p->of_a.entry[(*at)++];
        if (e->class != class || is_common(p->common, e->hash))
            continue;
        const struct correlate_entry *other = entry_of(&p->of_b, e->class, e->hash);
        if (other && (class == CLASS_MEDIA || slice_equal(e->value, other->value)))
            return e;
    }
    return NULL;
}

/* ---- 2: sessions ---- */

static enum correlate_level session_level(struct slice x, struct slice y, struct slice half)
{
    bool both_x = x.size > HALF_SIZE, both_y = y.size > HALF_SIZE;
    if (slice_equal(x, y))
        return LEVEL_HIGH;
    if (memmem(x.data, x.size, half.data, half.size) == NULL ||
        memmem(y.data, y.size, half.data, half.size) == NULL)
        return LEVEL_NONE;
    return both_x && both_y ? LEVEL_MEDIUM : LEVEL_HIGH;
}

static void sessions(struct pair *p, struct slice half)
{
    for (uint32_t i = 0; i < p->a->key_count; i++)
        for (uint32_t k = 0; k < p->b->key_count; k++) {
            const struct record_key *x = &p->a->keys[i], *y = &p->b->keys[k];
            if (correlate_is_kind(x, "session_id") && correlate_is_kind(y, "session_id"))
                give(p, EVIDENCE_SESSION_ID, session_level(x->value, y->value, half), x->value);
        }
}

/* ---- 3, 6: one leg names the other ---- */

static bool names(struct slice word, struct slice call_id)
{
    return word.size >= CORRELATE_REFERENCE_MIN &&
           (slice_equal(word, call_id) || slice_equal(word, correlate_call_id_local(call_id)));
}

static bool header_names(struct slice value, struct slice call_id)
{
    struct slice word;
    while (correlate_word_next(&value, &word))
        if (names(word, call_id))
            return true;
    return false;
}

static void references(struct pair *p, const struct call_record *from, const struct call_record *to)
{
    for (uint32_t i = 0; i < from->key_count; i++) {
        const struct record_key *k = &from->keys[i];
        bool moves = correlate_is_kind(k, "replaces") || correlate_is_kind(k, "join");
        if (moves && slice_equal(k->value, to->call_id))
            give(p, EVIDENCE_TRANSFER, LEVEL_HIGH, k->value);
        else if (correlate_is_kind(k, "header") && header_names(k->value, to->call_id))
            give(p, EVIDENCE_HEADER, p->together ? LEVEL_HIGH : LEVEL_MEDIUM, k->value);
    }
}

static bool same_header(const struct pair *p, struct slice value)
{
    for (uint32_t i = 0; i < p->a->key_count; i++)
        for (uint32_t k = 0; k < p->b->key_count; k++) {
            const struct record_key *x = &p->a->keys[i], *y = &p->b->keys[k];
            if (correlate_is_kind(x, "header") && correlate_is_kind(y, "header") &&
                slice_equal(x->value, value) && slice_equal(y->value, value) &&
                slice_equal_nocase(x->name, y->name))
                return true;
        }
    return false;
}

static enum correlate_level level_of_value(const struct pair *p, struct slice value)
{
    if (value.size < VALUE_MIN)
        return LEVEL_LOW;
    return p->together ? LEVEL_HIGH : LEVEL_MEDIUM;
}

/* ---- 5: one Call-ID in the other ---- */

static bool holds(struct slice whole, struct slice part)
{
    return part.size && whole.size >= part.size &&
           memmem(whole.data, whole.size, part.data, part.size) != NULL;
}

static void call_id_part(struct pair *p, const struct call_record *from,
                         const struct call_record *in)
{
    struct slice local = correlate_call_id_local(from->call_id);
    size_t chars = from->call_id_chars;
    bool known = false;
    if (chars == 0 || local.size < chars || slice_equal(from->call_id, in->call_id))
        return;
    const struct correlate_entries *list = from == p->a ? &p->of_a : &p->of_b;
    for (unsigned i = 0; i < list->count; i++)
        known |= (list->entry[i].class == CLASS_HEAD || list->entry[i].class == CLASS_TAIL) &&
                 is_common(p->common, list->entry[i].hash);
    if (known || !holds(in->call_id, slice_sub(local, 0, chars)))
        return;
    enum correlate_level level = holds(in->call_id, local) ? LEVEL_HIGH : LEVEL_MEDIUM;
    if (!p->together)
        level = LEVEL_LOW;
    give(p, EVIDENCE_CALL_ID_PART, level, slice_sub(local, 0, local.size));
}

/* ---- 8: numbers, times, addresses ---- */

static bool same_numbers(const struct call_record *a, const struct call_record *b)
{
    const struct record_identity *x = &a->identity, *y = &b->identity;
    return x->caller.number.size && x->callee.number.size &&
           slice_equal(x->caller.number, y->caller.number) &&
           slice_equal(x->callee.number, y->callee.number);
}

static bool times_fit(const struct call_record *a, const struct call_record *b)
{
    return near(a->started_us, b->started_us) && a->ended_us && b->ended_us &&
           near(a->ended_us, b->ended_us);
}

static bool leaves_where_arrives(const struct call_record *a, const struct call_record *b)
{
    return a->dst.space == b->src.space && addr_equal(a->dst.addr, b->src.addr) &&
           !addr_is_any(a->dst.addr);
}

bool correlate_chain_fits(const struct call_record *before, const struct call_record *after)
{
    return before->started_us <= after->started_us && same_numbers(before, after) &&
           times_fit(before, after) && leaves_where_arrives(before, after);
}

static void numbers(struct pair *p)
{
    if (!same_numbers(p->a, p->b) || !times_fit(p->a, p->b))
        return;
    bool chain = correlate_chain_fits(p->a, p->b) || correlate_chain_fits(p->b, p->a);
    give(p, EVIDENCE_NUMBERS, chain ? LEVEL_MEDIUM : LEVEL_LOW, p->a->identity.callee.number);
}

/* ---- all together ---- */

static void sum_up(struct correlation *c)
{
    c->confidence = LEVEL_NONE;
    for (unsigned i = 0; i < EVIDENCE_KINDS; i++)
        if (c->level[i] > c->confidence)
            c->confidence = c->level[i];
    if (c->level[EVIDENCE_MEDIA] && (c->level[EVIDENCE_SDP_ORIGIN] || c->level[EVIDENCE_NUMBERS]))
        c->confidence = LEVEL_HIGH;
}

static void media_and_values(struct pair *p)
{
    const struct correlate_entry *e;
    for (unsigned at = 0; (e = shared_next(p, CLASS_SESSION, &at)) != NULL;)
        sessions(p, e->value);
    for (unsigned at = 0; (e = shared_next(p, CLASS_HEADER, &at)) != NULL;)
        if (same_header(p, e->value))
            give(p, EVIDENCE_HEADER, level_of_value(p, e->value), e->value);
    for (unsigned at = 0; (e = shared_next(p, CLASS_ICID, &at)) != NULL;)
        give(p, EVIDENCE_ICID, level_of_value(p, e->value), e->value);
    for (unsigned at = 0; (e = shared_next(p, CLASS_GROUP, &at)) != NULL;)
        give(p, EVIDENCE_TRANSFER, LEVEL_HIGH, e->value);
    if (!p->together)
        return;
    for (unsigned at = 0; (e = shared_next(p, CLASS_SDP, &at)) != NULL;)
        give(p, EVIDENCE_SDP_ORIGIN, LEVEL_MEDIUM, e->value);
    for (unsigned at = 0; (e = shared_next(p, CLASS_MEDIA, &at)) != NULL;)
        give(p, EVIDENCE_MEDIA, LEVEL_MEDIUM, e->value);
}

void correlate_score(const struct call_record *a, const struct call_record *b,
                     const struct correlate_common *common, struct correlation *ret)
{
    struct pair p = {.a = a, .b = b, .common = common, .c = ret};
    *ret = (struct correlation){0};
    if (llabs(a->started_us - b->started_us) > WINDOW_US)
        return;
    p.together = at_same_time(a, b);
    correlate_entries(a, &p.of_a);
    correlate_entries(b, &p.of_b);
    if (a->call_id.size && slice_equal(a->call_id, b->call_id))
        give(&p, EVIDENCE_CALL_ID, p.together ? LEVEL_HIGH : LEVEL_MEDIUM, a->call_id);
    media_and_values(&p);
    references(&p, a, b);
    references(&p, b, a);
    call_id_part(&p, a, b);
    call_id_part(&p, b, a);
    numbers(&p);
    sum_up(ret);
}

void correlate_rival(struct correlation *c)
{
    if (c->level[EVIDENCE_NUMBERS] > LEVEL_LOW)
        c->level[EVIDENCE_NUMBERS] = LEVEL_LOW;
    sum_up(c);
}

const char *correlate_evidence_text(enum correlate_evidence v)
{
    static const char *const TEXTS[EVIDENCE_KINDS] = {
        "call_id",  "session_id", "header", "icid",    "call_id_part",
        "transfer", "sdp_origin", "media",  "numbers",
    };
    return TEXTS[v];
}

static const char *const LEVELS[] = {NULL, "low", "medium", "high"};

const char *correlate_level_text(enum correlate_level v)
{
    return LEVELS[v];
}

bool correlate_level_parse(const char *text, enum correlate_level *ret_level)
{
    for (int i = LEVEL_LOW; i <= LEVEL_HIGH; i++)
        if (strcmp(text, LEVELS[i]) == 0) {
            *ret_level = (enum correlate_level)i;
            return true;
        }
    return false;
}
