/* What a filter asks becomes bounds and sets of bits once; then each call is a few comparisons.
 * Rounding keeps the order, so what fits a bound fits the rounded one; it may let in too many, never
 * too few. */
#include "storage/store_facts.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "storage/store_text.h"

enum {
    BIT_ENDED = 1,
    BIT_ONE_WAY = 2,
    BIT_NO_RTP = 4,
    BIT_ENCRYPTED = 8,
    BIT_PARTIAL = 16,
    BIT_RECORDING = 32,
    BIT_WORDY = 64, /* it has more words, or nobody knows */
};

void facts_free(struct facts *f)
{
    free(f->of);
    free(f->agent);
    *f = (struct facts){0};
}

bool facts_grow(struct facts *f, size_t count)
{
    struct fact *of = realloc(f->of, count * sizeof *of);
    if (of)
        f->of = of;
    if (of && f->agent == NULL)
        f->agent = malloc(FACTS_AGENTS * sizeof *f->agent);
    if (of == NULL || f->agent == NULL)
        return false;
    size_t had = f->count;
    f->count = count;
    facts_clear(f, had, count);
    return true;
}

void facts_clear(struct facts *f, size_t from, size_t to)
{
    if (to > from)
        memset(f->of + from, 0, (to - from) * sizeof *f->of);
}

void facts_forget_names(struct facts *f)
{
    f->names = f->agents = 0;
    f->inexact = false;
}

/* ---- a row ---- */

/* Numbers from 1. */
static uint8_t name_of(struct facts *f, const char *text)
{
    if (text == NULL)
        return 0;
    for (unsigned i = 0; i < f->names; i++)
        if (strcmp(f->name[i], text) == 0)
            return (uint8_t)(i + 1);
    if (f->names == FACTS_OTHER - 1 || strlen(text) >= FACTS_NAME_SIZE) {
        f->inexact = true;
        return FACTS_OTHER;
    }
    strcpy(f->name[f->names], text);
    return (uint8_t)++f->names;
}

static uint16_t agent_of(struct facts *f, const char *text, uint16_t like)
{
    if (text == NULL)
        return 0;
    if (like && like < FACTS_AGENTS && strcmp(f->agent[like], text) == 0)
        return like;
    for (unsigned i = 1; i <= f->agents; i++)
        if (strcmp(f->agent[i], text) == 0)
            return (uint16_t)i;
    if (f->agents == FACTS_AGENTS - 1 || strlen(text) >= FACTS_AGENT_SIZE)
        return FACTS_AGENTS;
    strcpy(f->agent[++f->agents], text);
    return (uint16_t)f->agents;
}

enum { ID, STARTED, KIND, STATE, OUTCOME, DIRECTION, SCALE, AGENT, SIP_CODE, Q850, DURATION, MOS, R_FB, LOSS, JITTER, ONE_WAY,
       NO_RTP, ENCRYPTED, PARTIAL, RECORDING, CODEC, SRC_IP, DST_IP, MEDIA };

static const char *text(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

static float real(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? NAN : (float)sqlite3_column_double(row, column);
}

static uint16_t number(struct facts *f, sqlite3_stmt *row, int column)
{
    int64_t v = sqlite3_column_int64(row, column);
    f->inexact |= v < 0 || v > UINT16_MAX;
    return (uint16_t)v;
}

static int32_t duration(struct facts *f, sqlite3_stmt *row)
{
    int64_t v = sqlite3_column_int64(row, DURATION);
    if (sqlite3_column_type(row, DURATION) == SQLITE_NULL)
        return -1;
    f->inexact |= v < 0 || v > INT32_MAX;
    return v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

static uint8_t bits(sqlite3_stmt *row)
{
    const char *recording = text(row, RECORDING);
    unsigned b = BIT_ENDED;
    b |= sqlite3_column_int(row, ONE_WAY) == 1 ? BIT_ONE_WAY : 0;
    b |= sqlite3_column_int(row, NO_RTP) == 1 ? BIT_NO_RTP : 0;
    b |= sqlite3_column_int(row, ENCRYPTED) == 1 ? BIT_ENCRYPTED : 0;
    b |= sqlite3_column_int(row, PARTIAL) == 1 ? BIT_PARTIAL : 0;
    b |= recording && strcmp(recording, "deleted") != 0 ? BIT_RECORDING : 0;
    return (uint8_t)b;
}

/* Never 0. */
static uint16_t word_hash(const char *word, size_t size)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ (uint8_t)tolower((unsigned char)word[i])) * 16777619u;
    return (uint16_t)((h >> 16 ^ h) | 1);
}

static void put_word(struct fact *fact, const char *word, size_t size)
{
    uint16_t h = word_hash(word, size);
    if (size == 0)
        return;
    for (int i = 0; i < FACTS_WORDS; i++) {
        if (fact->word[i] == h)
            return;
        if (fact->word[i] == 0) {
            fact->word[i] = h;
            return;
        }
    }
    fact->bits |= BIT_WORDY;
}

static void put_words(struct fact *fact, sqlite3_stmt *row)
{
    for (int column = CODEC; column <= DST_IP; column++) {
        const char *word = text(row, column);
        put_word(fact, word ? word : "", word ? strlen(word) : 0);
    }
    const char *at = text(row, MEDIA), *end;
    if (at == NULL)
        fact->bits |= BIT_WORDY;
    for (; at && *at == ',' && (end = strchr(at + 1, ',')) != NULL; at = end)
        put_word(fact, at + 1, (size_t)(end - at - 1));
}

void facts_put(struct facts *f, int64_t id, sqlite3_stmt *row)
{
    struct fact *fact = &f->of[id];
    const char *state = text(row, STATE);
    static_assert(sizeof *fact == 56, "what the limit of memory was made for");
    *fact = (struct fact){0};
    if (state == NULL || strcmp(state, "ended") != 0)
        return;
    fact->started_us = sqlite3_column_int64(row, STARTED);
    fact->duration_ms = duration(f, row);
    fact->mos = real(row, MOS);
    fact->r_fb = real(row, R_FB);
    fact->loss = real(row, LOSS);
    fact->jitter_ms = real(row, JITTER);
    fact->sip_code = number(f, row, SIP_CODE);
    fact->q850 = number(f, row, Q850);
    fact->agent = agent_of(f, text(row, AGENT), id ? fact[-1].agent : 0);
    fact->kind = name_of(f, text(row, KIND));
    fact->outcome = name_of(f, text(row, OUTCOME));
    fact->direction = name_of(f, text(row, DIRECTION));
    fact->scale = name_of(f, text(row, SCALE));
    fact->bits = bits(row);
    put_words(fact, row);
}

/* ---- a question ---- */

struct set {
    uint64_t bits[4]; /* of names */
};

struct words {
    unsigned count;
    uint16_t hash[STORE_VALUES_MAX];
};

struct ask {
    int64_t from_us, to_us;
    int64_t duration_gte, duration_lte; /* -1: not asked */
    float mos_lte, r_fb_lte, loss_gte, jitter_gte; /* NAN: not asked */
    uint8_t mask, bits;
    struct set kind, outcome, direction, scale;
    bool agents, codes, q850s;
    struct words ip, codec;
    uint8_t *agent; /* 1: it is one of them */
    const int *code, *q850;
};

static void set_add(struct set *s, unsigned i)
{
    s->bits[i / 64] |= UINT64_C(1) << i % 64;
}

static bool set_has(const struct set *s, unsigned i)
{
    return s->bits[i / 64] >> i % 64 & 1;
}

static void set_name(const struct facts *f, struct set *s, const char *name)
{
    for (unsigned i = 0; i < f->names; i++)
        if (strcmp(f->name[i], name) == 0)
            set_add(s, i + 1);
}

/* The names with these values and those that are not known; none asked: all. */
static struct set set_of(const struct facts *f, const char *const *values, unsigned count)
{
    struct set s = {{0}};
    bool asked = false;
    for (unsigned i = 0; i < count; i++)
        if (values[i]) {
            set_name(f, &s, values[i]);
            asked = true;
        }
    if (!asked)
        memset(&s, 0xff, sizeof s);
    set_add(&s, FACTS_OTHER);
    return s;
}

static void want_bit(struct ask *a, int wanted, uint8_t bit)
{
    if (wanted < 0)
        return;
    a->mask |= bit;
    a->bits |= wanted ? bit : 0;
}

static bool any(const int values[])
{
    for (int i = 0; i < STORE_VALUES_MAX; i++)
        if (values[i])
            return true;
    return false;
}

static bool ask_agents(const struct facts *f, const char *part, struct ask *a)
{
    struct text_part wanted;
    if (part == NULL || *part == '\0')
        return true;
    a->agent = calloc(1, FACTS_AGENTS + 1);
    if (a->agent == NULL)
        return false;
    a->agents = true;
    text_part(part, &wanted);
    a->agent[FACTS_AGENTS] = 1;
    for (unsigned i = 1; i <= f->agents; i++)
        a->agent[i] = text_holds(f->agent[i], strlen(f->agent[i]), &wanted);
    return true;
}

static void add_hash(struct words *w, const char *word)
{
    if (word)
        w->hash[w->count++] = word_hash(word, strlen(word));
}

static bool ask_of(const struct facts *f, const struct store_query *q, struct ask *a)
{
    const char *kind = q->any_kind ? NULL : q->kind ? q->kind : "call";
    *a = (struct ask){.from_us = q->from_us ? q->from_us : INT64_MIN,
                      .to_us = q->to_us ? q->to_us : INT64_MAX,
                      .duration_gte = q->duration_ms_gte,
                      .duration_lte = q->duration_ms_lte,
                      .mos_lte = (float)q->mos_min_lte,
                      .r_fb_lte = (float)q->r_fb_min_lte,
                      .loss_gte = (float)q->loss_ratio_gte,
                      .jitter_gte = (float)q->jitter_ms_gte,
                      .mask = BIT_ENDED,
                      .bits = BIT_ENDED,
                      .codes = any(q->sip_code),
                      .code = q->sip_code,
                      .q850s = any(q->q850),
                      .q850 = q->q850};
    a->kind = set_of(f, &kind, 1);
    a->outcome = set_of(f, q->outcome, STORE_VALUES_MAX);
    a->direction = set_of(f, q->direction, STORE_VALUES_MAX);
    a->scale = set_of(f, &q->mos_scale, 1);
    for (int i = 0; i < STORE_VALUES_MAX; i++) {
        char canonical[ADDR_TEXT_SIZE];
        struct addr addr;
        bool good = q->ip[i] && addr_parse(slice_str(q->ip[i]), &addr);
        add_hash(&a->ip, good ? addr_text(addr, canonical) : q->ip[i]);
        add_hash(&a->codec, q->codec[i]);
    }
    want_bit(a, q->one_way, BIT_ONE_WAY);
    want_bit(a, q->no_rtp, BIT_NO_RTP);
    want_bit(a, q->encrypted, BIT_ENCRYPTED);
    want_bit(a, q->partial, BIT_PARTIAL);
    want_bit(a, q->has_recording, BIT_RECORDING);
    return ask_agents(f, q->user_agent_contains, a);
}

static bool one_of(const int values[], unsigned value)
{
    for (int i = 0; i < STORE_VALUES_MAX; i++)
        if (values[i] && (uint16_t)values[i] == value)
            return true;
    return false;
}

static bool has_word(const struct fact *f, const struct words *w)
{
    if (w->count == 0 || f->bits & BIT_WORDY)
        return true;
    for (int i = 0; i < FACTS_WORDS && f->word[i]; i++)
        for (unsigned k = 0; k < w->count; k++)
            if (f->word[i] == w->hash[k])
                return true;
    return false;
}

/* What is NULL fits no bound: comparisons with NAN are false. */
static bool fits_figures(const struct fact *f, const struct ask *a)
{
    if (a->duration_gte >= 0 && (f->duration_ms < 0 || (f->duration_ms < a->duration_gte && f->duration_ms != INT32_MAX)))
        return false;
    if (a->duration_lte >= 0 && (f->duration_ms < 0 || f->duration_ms > a->duration_lte))
        return false;
    if (!isnan(a->mos_lte) && !(f->mos <= a->mos_lte))
        return false;
    if (!isnan(a->r_fb_lte) && !(f->r_fb <= a->r_fb_lte))
        return false;
    if (!isnan(a->loss_gte) && !(f->loss >= a->loss_gte))
        return false;
    return isnan(a->jitter_gte) || f->jitter_ms >= a->jitter_gte;
}

static bool fits(const struct fact *f, const struct ask *a)
{
    if ((f->bits & a->mask) != a->bits || f->started_us < a->from_us || f->started_us >= a->to_us)
        return false;
    if (!set_has(&a->kind, f->kind) || !set_has(&a->outcome, f->outcome) || !set_has(&a->direction, f->direction) ||
        !set_has(&a->scale, f->scale) || !fits_figures(f, a))
        return false;
    if (a->agents && !a->agent[f->agent])
        return false;
    return (!a->codes || one_of(a->code, f->sip_code)) && (!a->q850s || one_of(a->q850, f->q850)) && has_word(f, &a->ip) &&
           has_word(f, &a->codec);
}

/* ---- the look through ---- */

static void find_all(const struct facts *f, const struct ask *a, struct columns_found *found)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->of[i].bits == 0 || !fits(&f->of[i], a))
            continue;
        if (found->count++ < COLUMNS_FEW)
            found->id[found->few++] = (int64_t)i;
    }
    if (found->count > COLUMNS_FEW)
        found->few = 0;
}

/* Where a call stands in a list by duration: lower ones first, then newer ones; what has no duration is last. */
struct rank {
    int64_t duration, newer;
};

static struct rank rank_of(const struct fact *f, enum store_order order)
{
    int64_t d = f->duration_ms < 0 ? INT64_MAX : order == STORE_LONGEST ? -(int64_t)f->duration_ms : f->duration_ms;
    return (struct rank){d, -f->started_us};
}

static bool is_behind(struct rank a, struct rank b)
{
    return a.duration != b.duration ? a.duration > b.duration : a.newer > b.newer;
}

static void sink(struct rank *heap, size_t count)
{
    for (size_t at = 0, child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && is_behind(heap[child + 1], heap[child]);
        if (!is_behind(heap[child], heap[at]))
            return;
        struct rank r = heap[at];
        heap[at] = heap[child];
        heap[child] = r;
    }
}

static int last_first(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    return is_behind(*y, *x) - is_behind(*x, *y);
}

/* Of the last of the first `limit`; there are as many. */
static struct rank rank_within(const struct facts *f, const struct ask *a, enum store_order order, size_t limit)
{
    struct rank heap[COLUMNS_FEW]; /* the last on top: as a sorted array has it */
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->of[i].bits == 0 || !fits(&f->of[i], a))
            continue;
        struct rank r = rank_of(&f->of[i], order);
        if (count < limit) {
            heap[count++] = r;
            if (count == limit)
                qsort(heap, count, sizeof *heap, last_first);
        } else if (is_behind(heap[0], r)) {
            heap[0] = r;
            sink(heap, count);
        }
    }
    return heap[0];
}

/* Of many the first, with all that stand where the last of them does. */
static void find_first(const struct facts *f, const struct ask *a, enum store_order order, size_t limit, struct columns_found *found)
{
    struct rank last = rank_within(f, a, order, limit);
    found->few = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->of[i].bits == 0 || is_behind(rank_of(&f->of[i], order), last) || !fits(&f->of[i], a))
            continue;
        if (found->few == COLUMNS_FEW) { /* too many of one moment */
            found->few = 0;
            return;
        }
        found->id[found->few++] = (int64_t)i;
    }
}

bool facts_find(const struct facts *f, const struct store_query *q, bool whole, size_t limit, struct columns_found *ret_found)
{
    struct ask a;
    bool by_duration = q->order == STORE_DURATION || q->order == STORE_LONGEST;
    ret_found->count = 0;
    ret_found->few = 0;
    if (!ask_of(f, q, &a))
        return false;
    find_all(f, &a, ret_found);
    if (by_duration && whole && !f->inexact && ret_found->count > COLUMNS_FEW && q->after_uid[0] == '\0' && limit > 0 &&
        limit <= COLUMNS_FEW)
        find_first(f, &a, q->order, limit, ret_found);
    free(a.agent);
    ret_found->exact = whole && !f->inexact;
    return true;
}
