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
#include <sys/mman.h>

#include "base/utf8.h"

enum { BLOCKS_MAX = 128 + 1 /* our own */, IFACE_NAME_SIZE = 32, TRUNK_NAME_SIZE = 40 };

struct counters_set {
    pthread_mutex_t lock; /* guards adding to `block` */
    _Atomic unsigned count;
    struct counters *block[BLOCKS_MAX];
    struct counters *own;  /* one of them; whoever renders adds to it */
    uint64_t series_max;
    char iface[LABEL_COUNT_IFACE][IFACE_NAME_SIZE]; /* "": the index */
    char trunk[LABEL_COUNT_TRUNK][TRUNK_NAME_SIZE];
    atomic_bool trunk_named[LABEL_COUNT_TRUNK]; /* set behind its name: who sees it may read that */
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
#define HISTOGRAM(id, name, help, ...) HISTOGRAM3(id, name, help, NONE, NONE, NONE, __VA_ARGS__)
#define HISTOGRAM3(id, name, help, a, b, c, ...)                                                   \
    {#id,                                                                                          \
     name,                                                                                         \
     help,                                                                                         \
     COUNTER_KIND_HISTOGRAM,                                                                       \
     LABELS_##a,                                                                                   \
     LABELS_##b,                                                                                   \
     LABELS_##c,                                                                                   \
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
#undef HISTOGRAM3
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

/* Blocks begin at a page, so that two threads never write to one cache line; and of their many cells only pages that somebody
 * wrote to take memory. */
static struct counters *block_new(void)
{
    void *c = mmap(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return c == MAP_FAILED ? NULL : c;
}

static void block_free(struct counters *c)
{
    (void)munmap(c, sizeof *c);
}

struct counters_set *counters_set_new(void)
{
    struct counters_set *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    pthread_mutex_init(&s->lock, NULL);
    s->series_max = UINT64_MAX;
    s->own = counters_block(s);
    if (s->own)
        return s;
    counters_set_free(s);
    return NULL;
}

void counters_limit_series(struct counters_set *s, uint64_t max)
{
    s->series_max = max;
}

void counters_set_free(struct counters_set *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < atomic_load(&s->count); i++)
        block_free(s->block[i]);
    pthread_mutex_destroy(&s->lock);
    free(s);
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
    block_free(c);
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
    if (number == 0 || number >= LABEL_COUNT_TRUNK - 1 || s->trunk_named[number])
        return;
    slice_copy_to(slice_str(name), s->trunk[number], TRUNK_NAME_SIZE);
    s->trunk_named[number] = true;
}

const char *counters_trunk(const struct counters_set *s, unsigned number)
{
    return number < LABEL_COUNT_TRUNK && s->trunk_named[number] ? s->trunk[number] : NULL;
}

/* ---- the text format, version 0.0.4 ---- */

static const char *label_value(const struct counters_set *s, enum label_set set, unsigned index)
{
    if (set == LABELS_IFACE && s->iface[index][0])
        return s->iface[index];
    if (set == LABELS_TRUNK && s->trunk_named[index])
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

static void put_label(struct buf *out, const char *name, const char *value)
{
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

/* How many combinations of labels a family has. */
static unsigned cells_of(const struct counter_family *f)
{
    return set_size(f->a) * set_size(f->b) * set_size(f->c) * set_size(f->d);
}

/* How many lines may still come, and how many did not. */
struct series {
    uint64_t left, dropped;
};

/* Families without labels are never left out. */
static bool room_for(struct series *t, unsigned lines, bool labelled)
{
    bool room = !labelled || t->left >= lines;
    if (!room)
        t->dropped += lines;
    else if (labelled)
        t->left -= lines;
    return room;
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
    return !of_trunk || (i > 0 && !s->trunk_named[i / set_size(f->b)]);
}

/* `i`: index in all label sets of the family together. Nothing where it has none. */
static void put_labels(const struct counters_set *s, const struct counter_family *f, unsigned i, struct buf *out)
{
    const enum label_set sets[] = {f->a, f->b, f->c, f->d};
    unsigned below = cells_of(f);
    for (unsigned k = 0; k < 4 && sets[k] != LABELS_NONE; k++) {
        below /= set_size(sets[k]);
        if (k)
            buf_char(out, ',');
        put_label(out, label_names[sets[k]], label_value(s, sets[k], i / below));
        i %= below;
    }
}

static void put_cells(struct counters_set *s, const struct counter_family *f, struct series *series, struct buf *out)
{
    bool labelled = f->a != LABELS_NONE;
    for (unsigned i = 0; i < cells_of(f); i++) {
        uint64_t v = counters_sum(s, f->first + i);
        if ((labelled && v == 0 && is_silent(s, f, i)) || !room_for(series, 1, labelled))
            continue;
        buf_str(out, f->name);
        if (labelled) {
            buf_char(out, '{');
            put_labels(s, f, i, out);
            buf_char(out, '}');
        }
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

static void put_histograms(struct counters_set *s, const struct counter_family *f, struct series *series, struct buf *out)
{
    struct buf label;
    bool labelled = f->a != LABELS_NONE;
    buf_init(&label, 1024);
    for (unsigned i = 0; i < cells_of(f); i++) {
        unsigned cell = f->first + i * (f->bucket_count + 2);
        if ((labelled && !was_observed(s, f, cell)) || !room_for(series, f->bucket_count + 3, labelled))
            continue;
        label.size = 0;
        put_labels(s, f, i, &label);
        buf_char(&label, '\0');
        put_histogram(s, f, cell, label.failed ? "" : (const char *)label.data, out);
    }
    buf_fini(&label);
}

void counters_render(struct counters_set *s, struct buf *out)
{
    struct series series = {.left = s->series_max};
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        const struct counter_family *f = &families[i];
        bool goes_on = i > 0 && strcmp(f->name, families[i - 1].name) == 0;
        if (!goes_on)
            buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name,
                       kinds[f->kind]);
        if (f->kind == COUNTER_KIND_HISTOGRAM)
            put_histograms(s, f, &series, out);
        else
            put_cells(s, f, &series, out);
        atomic_fetch_add_explicit(&s->own->cell[C_SERIES_DROPPED], series.dropped, memory_order_relaxed);
        series.dropped = 0;
    }
}
