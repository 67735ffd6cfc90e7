/* Blocks of cells, their sums, and the text that Prometheus reads.
 *
 * Adding a block takes the lock; summing does not: `count` is raised after the block is in its
 * place. */
#include "base/counters.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

enum { BLOCKS_MAX = 128, IFACE_NAME_SIZE = 32, TRUNK_NAME_SIZE = 40 };

struct counters_set {
    pthread_mutex_t lock; /* guards adding to `block` */
    _Atomic unsigned count;
    struct counters *block[BLOCKS_MAX];
    char iface[LABEL_COUNT_IFACE][IFACE_NAME_SIZE]; /* "": the index */
    char trunk[LABEL_COUNT_TRUNK][TRUNK_NAME_SIZE];
};

static const char *const label_names[LABEL_SETS] = {
#define LABELS(set, name, ...) name,
#include "base/labels.def"
#undef LABELS
};

static const struct counter_family families[] = {
#define COUNTER(id, name, help, a, b)                                                              \
    {#id,    name, help, COUNTER_KIND_COUNTER, LABELS_##a, LABELS_##b, LABELS_NONE, LABELS_NONE,   \
     C_##id, NULL, 0},
#define COUNTER3(id, name, help, a, b, c) COUNTER4(id, name, help, a, b, c, NONE)
#define COUNTER4(id, name, help, a, b, c, d)                                                       \
    {#id,    name, help, COUNTER_KIND_COUNTER, LABELS_##a, LABELS_##b, LABELS_##c, LABELS_##d,     \
     C_##id, NULL, 0},
#define GAUGE(id, name, help, a, b)                                                                \
    {#id,    name, help, COUNTER_KIND_GAUGE, LABELS_##a, LABELS_##b, LABELS_NONE, LABELS_NONE,     \
     C_##id, NULL, 0},
#define HISTOGRAM(id, name, help, ...) HISTOGRAM_OF(id, name, help, NONE, __VA_ARGS__)
#define HISTOGRAM_OF(id, name, help, a, ...)                                                       \
    {#id,                                                                                          \
     name,                                                                                         \
     help,                                                                                         \
     COUNTER_KIND_HISTOGRAM,                                                                       \
     LABELS_##a,                                                                                   \
     LABELS_NONE,                                                                                  \
     LABELS_NONE,                                                                                  \
     LABELS_NONE,                                                                                  \
     C_##id,                                                                                       \
     (const double[]){__VA_ARGS__},                                                                \
     COUNTERS_BUCKETS(__VA_ARGS__)},
#include "base/counters.def"
#undef COUNTER
#undef COUNTER3
#undef COUNTER4
#undef GAUGE
#undef HISTOGRAM
#undef HISTOGRAM_OF
};

#define FAMILY_COUNT (sizeof families / sizeof *families)

const struct counter_family *counters_families(unsigned *ret_count)
{
    *ret_count = FAMILY_COUNT;
    return families;
}

/* Families stand in the order of their cells. */
static const struct counter_family *family_at(unsigned cell)
{
    size_t low = 0;
    size_t high = FAMILY_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (families[middle].first < cell)
            low = middle + 1;
        else
            high = middle;
    }
    return low < FAMILY_COUNT && families[low].first == cell ? &families[low] : NULL;
}

void counters_observe(struct counters *c, unsigned cell, double value)
{
    counters_observe_of(c, cell, 0, value);
}

void counters_observe_of(struct counters *c, unsigned cell, unsigned label, double value)
{
    const struct counter_family *f = family_at(cell);
    assert(f && f->kind == COUNTER_KIND_HISTOGRAM);
    if (isnan(value))
        return;
    cell += label * (f->bucket_count + 2);
    unsigned bucket = 0;
    while (bucket < f->bucket_count && value > f->buckets[bucket])
        bucket++;
    counters_add(c, cell + bucket, 1);
    double bounded = fmin(fmax(value, -1e9), 1e9); /* no single value can overflow the sum */
    counters_add(c, cell + f->bucket_count + 1, (uint64_t)llround(bounded * 1e6));
}

/* ---- the set ---- */

struct counters_set *counters_set_new(void)
{
    struct counters_set *s = calloc(1, sizeof *s);
    if (s)
        pthread_mutex_init(&s->lock, NULL);
    return s;
}

void counters_set_free(struct counters_set *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < atomic_load(&s->count); i++)
        free(s->block[i]);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* Blocks begin at a cache line, so that two threads never write to one. */
static struct counters *block_new(void)
{
    size_t size = (sizeof(struct counters) + 63) & ~(size_t)63;
    struct counters *c = aligned_alloc(64, size);
    if (c)
        memset(c, 0, size);
    return c;
}

struct counters *counters_block(struct counters_set *s)
{
    struct counters *c = block_new();
    if (c == NULL)
        return NULL;
    pthread_mutex_lock(&s->lock);
    unsigned count = atomic_load_explicit(&s->count, memory_order_relaxed);
    bool room = count < BLOCKS_MAX;
    if (room) {
        s->block[count] = c;
        atomic_store_explicit(&s->count, count + 1, memory_order_release);
    }
    pthread_mutex_unlock(&s->lock);
    if (room)
        return c;
    free(c);
    return NULL;
}

uint64_t counters_sum(struct counters_set *s, unsigned cell)
{
    assert(cell < COUNTER_CELLS);
    unsigned count = atomic_load_explicit(&s->count, memory_order_acquire);
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += atomic_load_explicit(&s->block[i]->cell[cell], memory_order_relaxed);
    return sum;
}

void counters_name_iface(struct counters_set *s, unsigned index, const char *name)
{
    if (index < LABEL_COUNT_IFACE)
        slice_copy_to(slice_str(name), s->iface[index], IFACE_NAME_SIZE);
}

void counters_name_trunk(struct counters_set *s, unsigned number, const char *name)
{
    if (number > 0 && number < LABEL_COUNT_TRUNK - 1)
        slice_copy_to(slice_str(name), s->trunk[number], TRUNK_NAME_SIZE);
}

const char *counters_trunk(const struct counters_set *s, unsigned number)
{
    return number < LABEL_COUNT_TRUNK && s->trunk[number][0] ? s->trunk[number] : NULL;
}

/* ---- the text format, version 0.0.4 ---- */

static const char *label_value(const struct counters_set *s, enum label_set set, unsigned index)
{
    if (set == LABELS_IFACE && s->iface[index][0])
        return s->iface[index];
    if (set == LABELS_TRUNK && s->trunk[index][0])
        return s->trunk[index];
    return label_text(set, index);
}

/* Names of interfaces come from outside: quotes, backslashes, line ends, broken UTF-8. */
static void put_label_value(struct buf *out, struct slice s)
{
    while (s.size) {
        size_t n = utf8_length(s);
        if (n == 0)
            buf_str(out, "\xef\xbf\xbd");
        else if (s.data[0] == '\n')
            buf_str(out, "\\n");
        else if (s.data[0] == '"' || s.data[0] == '\\')
            buf_printf(out, "\\%c", s.data[0]);
        else
            buf_add(out, s.data, n);
        s = slice_from(s, n ? n : 1);
    }
}

static void put_label(struct buf *out, char before, const char *name, const char *value)
{
    buf_char(out, before);
    buf_str(out, name);
    buf_str(out, "=\"");
    put_label_value(out, slice_str(value));
    buf_char(out, '"');
}

static unsigned set_size(enum label_set set)
{
    static const unsigned sizes[LABEL_SETS] = {
#define LABELS(set, name, ...) LABEL_COUNT_##set,
#include "base/labels.def"
#undef LABELS
    };
    return sizes[set];
}

static void put_number(struct buf *out, const struct counter_family *f, uint64_t v)
{
    if (f->kind == COUNTER_KIND_GAUGE)
        buf_printf(out, " %" PRId64 "\n", (int64_t)v);
    else
        buf_printf(out, " %" PRIu64 "\n", v);
}

/* Zeros are left out, but for the gauges of what has a name: there, nothing is a value too. */
static bool is_silent(const struct counters_set *s, const struct counter_family *f, unsigned i)
{
    bool of_trunk = f->kind == COUNTER_KIND_GAUGE && f->a == LABELS_TRUNK;
    return !of_trunk || (i > 0 && s->trunk[i / set_size(f->b)][0] == '\0');
}

static void put_cells(struct counters_set *s, const struct counter_family *f, struct buf *out)
{
    const enum label_set sets[] = {f->a, f->b, f->c, f->d};
    unsigned cells = set_size(f->a) * set_size(f->b) * set_size(f->c) * set_size(f->d);
    bool labelled = f->a != LABELS_NONE;
    for (unsigned i = 0; i < cells; i++) {
        uint64_t v = counters_sum(s, f->first + i);
        unsigned rest = i, below = cells;
        char before = '{';
        if (labelled && v == 0 && is_silent(s, f, i))
            continue;
        buf_str(out, f->name);
        for (unsigned k = 0; k < 4 && sets[k] != LABELS_NONE; k++) {
            below /= set_size(sets[k]);
            put_label(out, before, label_names[sets[k]], label_value(s, sets[k], rest / below));
            rest %= below;
            before = ',';
        }
        if (labelled)
            buf_char(out, '}');
        put_number(out, f, v);
    }
}

/* One of the histograms of a family; `label` is `a="value"`, or empty. */
static void put_histogram(struct counters_set *s, const struct counter_family *f, unsigned cell,
                          const char *label, struct buf *out)
{
    uint64_t count = 0;
    const char *comma = label[0] ? "," : "", *open = label[0] ? "{" : "",
               *close = label[0] ? "}" : "";
    for (unsigned i = 0; i < f->bucket_count; i++) {
        count += counters_sum(s, cell + i);
        buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", f->name, label, comma,
                   f->buckets[i], count);
    }
    count += counters_sum(s, cell + f->bucket_count);
    buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", f->name, label, comma, count);
    int64_t millionths = (int64_t)counters_sum(s, cell + f->bucket_count + 1);
    uint64_t size = millionths < 0 ? (uint64_t)0 - (uint64_t)millionths : (uint64_t)millionths;
    buf_printf(out, "%s_sum%s%s%s %s%" PRIu64 ".%06" PRIu64 "\n", f->name, open, label, close,
               millionths < 0 ? "-" : "", size / 1000000, size % 1000000);
    buf_printf(out, "%s_count%s%s%s %" PRIu64 "\n", f->name, open, label, close, count);
}

static bool was_observed(struct counters_set *s, const struct counter_family *f, unsigned cell)
{
    for (unsigned i = 0; i <= f->bucket_count; i++)
        if (counters_sum(s, cell + i))
            return true;
    return false;
}

static void put_histograms(struct counters_set *s, const struct counter_family *f, struct buf *out)
{
    char label[64] = "";
    for (unsigned i = 0; i < set_size(f->a); i++) {
        unsigned cell = f->first + i * (f->bucket_count + 2);
        if (f->a != LABELS_NONE && !was_observed(s, f, cell))
            continue;
        if (f->a != LABELS_NONE)
            snprintf(label, sizeof label, "%s=\"%s\"", label_names[f->a], label_value(s, f->a, i));
        put_histogram(s, f, cell, label, out);
    }
}

void counters_render(struct counters_set *s, struct buf *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        const struct counter_family *f = &families[i];
        bool goes_on = i > 0 && strcmp(f->name, families[i - 1].name) == 0;
        if (!goes_on)
            buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name,
                       kinds[f->kind]);
        if (f->kind == COUNTER_KIND_HISTOGRAM)
            put_histograms(s, f, out);
        else
            put_cells(s, f, out);
    }
}
