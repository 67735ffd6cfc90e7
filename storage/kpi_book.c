/* See kpi_book.h. Two maps, one of cells and one of loads; entries are allocated one by one and
 * freed together. */
#include "storage/kpi_book.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"

#define CELLS_MAX 1024
#define LOADS_MAX 32768
#define DAY_US    (1440 * KPI_MINUTE_US)

struct entry {
    char dimension[KPI_NAME_SIZE];
    int64_t start_us;
    union {
        struct kpi_cell *cell;
        struct kpi_load *load;
    };
};

struct shelf {
    struct map map;
    struct entry *entries;
    uint32_t count, max;
    size_t size; /* of what an entry holds */
};

struct kpi_book {
    struct kpi_book_config config;
    struct shelf cells, loads;
};

/* ---- shelves ---- */

static bool shelf_init(struct shelf *s, uint32_t max, size_t size)
{
    s->max = max;
    s->size = size;
    s->entries = calloc(max, sizeof *s->entries);
    return s->entries != NULL;
}

static void shelf_clear(struct shelf *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        free(s->entries[i].cell);
    s->count = 0;
    map_fini(&s->map);
    s->map = (struct map){0};
}

static uint64_t key_hash(const struct hash_seed *seed, const char *dimension, int64_t start_us)
{
    uint64_t words[2] = {hash_bytes(seed, dimension, strlen(dimension)), (uint64_t)start_us};
    return hash_words(seed, words, 2);
}

/* What stands there, made when it was not; NULL: no room. */
static void *shelf_get(struct shelf *s, const struct hash_seed *seed, const char *dimension,
                       int64_t start_us)
{
    uint64_t hash = key_hash(seed, dimension, start_us);
    struct map_probe p = map_probe(&s->map, hash);
    for (uint32_t i; (i = map_next(&s->map, &p)) != MAP_NONE;)
        if (s->entries[i].start_us == start_us && strcmp(s->entries[i].dimension, dimension) == 0)
            return s->entries[i].cell;
    if (s->count == s->max)
        return NULL;
    struct entry *e = &s->entries[s->count];
    void *made = calloc(1, s->size);
    if (made == NULL || map_add(&s->map, hash, s->count) != 0) {
        free(made);
        return NULL;
    }
    snprintf(e->dimension, sizeof e->dimension, "%s", dimension);
    e->start_us = start_us;
    e->cell = made;
    s->count++;
    return made;
}

/* ---- the book ---- */

struct kpi_book *kpi_book_new(const struct kpi_book_config *config)
{
    struct kpi_book *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->config = *config;
    uint32_t cells = config->cells_max ? config->cells_max : CELLS_MAX;
    uint32_t loads = config->loads_max ? config->loads_max : LOADS_MAX;
    if (shelf_init(&b->cells, cells, sizeof(struct kpi_cell)) &&
        shelf_init(&b->loads, loads, sizeof(struct kpi_load)))
        return b;
    kpi_book_free(b);
    return NULL;
}

void kpi_book_clear(struct kpi_book *b)
{
    shelf_clear(&b->cells);
    shelf_clear(&b->loads);
}

void kpi_book_free(struct kpi_book *b)
{
    if (b == NULL)
        return;
    kpi_book_clear(b);
    free(b->cells.entries);
    free(b->loads.entries);
    free(b);
}

bool kpi_book_is_empty(const struct kpi_book *b)
{
    return b->cells.count == 0 && b->loads.count == 0;
}

const struct kpi_rules *kpi_book_rules(const struct kpi_book *b)
{
    return &b->config.rules;
}

/* ---- dimensions ---- */

static const char *prefix_group(const struct kpi_rules *rules, struct slice number)
{
    const char *best = "other";
    size_t longest = 0;
    for (unsigned i = 0; i < rules->prefix_count; i++) {
        size_t n = strlen(rules->prefixes[i]);
        if (n <= longest || n > number.size || memcmp(rules->prefixes[i], number.data, n) != 0)
            continue;
        best = rules->prefixes[i];
        longest = n;
    }
    return best;
}

static void name(char out[KPI_NAME_SIZE], const char *kind, const char *value)
{
    snprintf(out, KPI_NAME_SIZE, "%s:%s", kind, value);
}

/* What settings name; nothing when the call belongs to none. */
static unsigned named(char out[KPI_NAME_SIZE], const char *kind, struct slice value)
{
    if (value.size == 0)
        return 0;
    snprintf(out, KPI_NAME_SIZE, "%s:%.*s", kind, SLICE_ARGS(value));
    return 1;
}

/* In the international form where the rules of numbers give it. */
static struct slice called_number(const struct call_record *r)
{
    return r->identity.callee.number.size ? r->identity.callee.number : r->to.user;
}

/* What SDP may call a codec is anybody's choice: names that are in no list are one. */
static const char *codec_group(struct slice codec)
{
    static const char *const KNOWN[] = {
        "PCMU", "PCMA",   "G722",   "G7221",   "G729",    "G723", "G726-16", "G726-24", "G726-32", "G726-40", "AAL2-G726-16", "AAL2-G726-24",
        "AAL2-G726-32", "AAL2-G726-40", "G721", "G728", "GSM", "GSM-HR-08", "GSM-EFR", "iLBC", "AMR", "AMR-WB", "EVS", "opus", "speex", "L16", "DVI4"};
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (slice_is_nocase(codec, KNOWN[i]))
            return KNOWN[i];
    return codec.size ? "other" : "none";
}

unsigned kpi_dimensions(const struct kpi_rules *rules, const struct call_record *r,
                        char ret_names[KPI_DIMENSIONS_MAX][KPI_NAME_SIZE])
{
    unsigned n = 0;
    ret_names[n++][0] = '\0';
    name(ret_names[n++], "direction", r->direction ? r->direction : "unknown");
    n += named(ret_names[n], "trunk", r->trunk);
    n += named(ret_names[n], "site", r->site);
    if (rules->prefix_count)
        name(ret_names[n++], "prefix", prefix_group(rules, called_number(r)));
    name(ret_names[n++], "codec", codec_group(r->codec));
    return n;
}

/* ---- adding ---- */

static int64_t floor_to(int64_t us, int64_t step_us)
{
    int64_t rest = us % step_us;
    return us - (rest < 0 ? rest + step_us : rest);
}

static int64_t bucket_of(const struct kpi_book *b, int64_t us)
{
    return b->config.step_us ? floor_to(us, b->config.step_us) : 0;
}

/* A call of days is concurrent for its first day only. */
static int64_t load_end(const struct kpi_sample *s)
{
    return s->end_us - s->start_us > DAY_US ? s->start_us + DAY_US : s->end_us;
}

/* Makes all places first, so that an addition is whole or none. */
static bool make_room(struct kpi_book *b, const char *dimension, const struct kpi_sample *s)
{
    const struct hash_seed *seed = &b->config.seed;
    bool room = shelf_get(&b->cells, seed, dimension, bucket_of(b, s->start_us)) != NULL;
    int64_t last_us = floor_to(load_end(s), KPI_MINUTE_US);
    for (int64_t at = floor_to(s->start_us, KPI_MINUTE_US); room && at <= last_us;
         at += KPI_MINUTE_US)
        room = shelf_get(&b->loads, seed, dimension, at) != NULL;
    return room;
}

static void add_sample(struct kpi_book *b, const char *dimension, const struct kpi_sample *s)
{
    const struct hash_seed *seed = &b->config.seed;
    struct kpi_sample bounded = *s;
    bounded.end_us = load_end(s);
    kpi_add(shelf_get(&b->cells, seed, dimension, bucket_of(b, s->start_us)), s);
    int64_t last_us = floor_to(bounded.end_us, KPI_MINUTE_US);
    for (int64_t at = floor_to(s->start_us, KPI_MINUTE_US); at <= last_us; at += KPI_MINUTE_US)
        kpi_load_add(shelf_get(&b->loads, seed, dimension, at), at, &bounded);
}

bool kpi_book_add(struct kpi_book *b, const struct call_record *r)
{
    char names[KPI_DIMENSIONS_MAX][KPI_NAME_SIZE];
    struct kpi_sample s;
    if (!kpi_sample_of(&b->config.rules, r, &s))
        return true;
    unsigned count = kpi_dimensions(&b->config.rules, r, names);
    for (unsigned i = 0; i < count; i++)
        if (!make_room(b, names[i], &s))
            return false;
    for (unsigned i = 0; i < count; i++)
        add_sample(b, names[i], &s);
    return true;
}

bool kpi_book_add_registration(struct kpi_book *b, int64_t at_us, const char *trunk, bool success,
                               unsigned code, double rrd_ms)
{
    char names[2][KPI_NAME_SIZE] = {""};
    struct kpi_cell *cells[2] = {NULL, NULL};
    unsigned count = trunk ? 2 : 1;
    if (trunk)
        name(names[1], "trunk", trunk);
    for (unsigned i = 0; i < count; i++) {
        cells[i] = shelf_get(&b->cells, &b->config.seed, names[i], bucket_of(b, at_us));
        if (cells[i] == NULL)
            return false;
    }
    for (unsigned i = 0; i < count; i++)
        kpi_add_registration(cells[i], success, code, rrd_ms);
    return true;
}

/* ---- out ---- */

int kpi_book_each(const struct kpi_book *b, int (*fn)(void *context, const struct kpi_entry *entry),
                  void *context)
{
    int err = 0;
    for (uint32_t i = 0; i < b->cells.count && err == 0; i++) {
        const struct entry *e = &b->cells.entries[i];
        err = fn(context, &(struct kpi_entry){e->dimension, e->start_us, e->cell, NULL});
    }
    for (uint32_t i = 0; i < b->loads.count && err == 0; i++) {
        const struct entry *e = &b->loads.entries[i];
        err = fn(context, &(struct kpi_entry){e->dimension, e->start_us, NULL, e->load});
    }
    return err;
}
