/* Counting without locks: every thread owns a block of cells (one writer each), readers sum the
 * blocks. counters.def is the one table of what exists. */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"

/* ---- label sets: enum label_set, LABEL_COUNT_<set> ---- */
enum label_set {
#define LABELS(set, name, ...) LABELS_##set,
#include "base/labels.def"
#undef LABELS
    LABEL_SETS
};

enum {
#define LABELS(set, name, ...)                                                                     \
    LABEL_COUNT_##set = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),
#include "base/labels.def"
#undef LABELS
};

/* What a call's trunk and direction are together, as in call_brief.label: trunk * directions + direction. The sets TRUNK and
 * DIRECTION end the label sets of a family that has them, so that this is added to its other indexes. */
enum { LABELS_OF_CALL = (int)LABEL_COUNT_TRUNK * (int)LABEL_COUNT_DIRECTION };

/* PROTO by name, for code that counts packets. */
enum label_proto {
    LABEL_PROTO_SIP,
    LABEL_PROTO_RTP,
    LABEL_PROTO_RTCP,
    LABEL_PROTO_SRTP,
    LABEL_PROTO_DTLS,
    LABEL_PROTO_T38,
    LABEL_PROTO_STUN,
    LABEL_PROTO_HEP,
    LABEL_PROTO_TURN,
    LABEL_PROTO_ZRTP,
    LABEL_PROTO_KEEPALIVE,
    LABEL_PROTO_TLS,
    LABEL_PROTO_XML,
    LABEL_PROTO_VQ,
    LABEL_PROTO_ISUP,
    LABEL_PROTO_OTHER,
    LABEL_PROTOS
};
_Static_assert(LABEL_PROTOS == (int)LABEL_COUNT_PROTO, "labels.def and this list name the same");

/* PARSE_REASON by name: why something could not be read. */
enum label_parse {
    LABEL_PARSE_TRUNCATED,
    LABEL_PARSE_VERSION,
    LABEL_PARSE_LENGTH,
    LABEL_PARSE_SYNTAX,
    LABEL_PARSE_LIMIT,
    LABEL_PARSE_UNSUPPORTED,
    LABEL_PARSE_CHECKSUM,
    LABEL_PARSE_CLOCK,
    LABEL_PARSE_OTHER,
    LABEL_PARSE_REASONS
};
_Static_assert(LABEL_PARSE_REASONS == (int)LABEL_COUNT_PARSE_REASON, "and so do these");

/* Index of `value` in the set; where the set ends with "other" (or "unknown") anything else is
 * that; else 0. Case-sensitive but for CODEC. */
unsigned label_find(enum label_set set, struct slice value);
/* Index of a SIP status code in CODE. */
unsigned label_code(unsigned status);
const char *label_text(enum label_set set, unsigned index);

/* ---- cells ---- */
#define BUCKETS_DURATION 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200
#define BUCKETS_SETUP    0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30
#define BUCKETS_TRYING   .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5
#define BUCKETS_MOS      1.5, 2, 2.58, 3.1, 3.6, 4.03, 4.34, 4.5
#define BUCKETS_JITTER   .001, .002, .005, .01, .02, .03, .05, .1, .2, .5
#define BUCKETS_RTT      .005, .01, .02, .05, .1, .15, .2, .3, .4, .6, 1, 2
#define BUCKETS_LOSS     .0001, .001, .005, .01, .02, .03, .05, .1, .2, .5
#define BUCKETS_FINALIZE .1, .5, 1, 2, 5, 10, 30, 60
#define BUCKETS_COMMIT   .001, .005, .01, .05, .1, .5, 1, 5

#define COUNTERS_BUCKETS(...) (sizeof((double[]){__VA_ARGS__}) / sizeof(double))

/* First and last cell of each family. A histogram has its buckets, +Inf, and the sum in millionths.
 */
enum counter_cell {
#define COUNTER(id, name, help, a, b)                                                              \
    C_##id, C_##id##_END_ = C_##id + LABEL_COUNT_##a * LABEL_COUNT_##b - 1,
#define COUNTER3(id, name, help, a, b, c) COUNTER4(id, name, help, a, b, c, NONE)
#define COUNTER4(id, name, help, a, b, c, d)                                                       \
    C_##id, C_##id##_END_ = C_##id + LABEL_COUNT_##a * LABEL_COUNT_##b * LABEL_COUNT_##c *         \
                                         LABEL_COUNT_##d -                                         \
                            1,
#define GAUGE(id, name, help, a, b) COUNTER(id, name, help, a, b)
#define HISTOGRAM(id, name, help, ...) HISTOGRAM3(id, name, help, NONE, NONE, NONE, __VA_ARGS__)
#define HISTOGRAM3(id, name, help, a, b, c, ...)                                                   \
    C_##id, C_##id##_END_ = C_##id +                                                               \
                            LABEL_COUNT_##a * LABEL_COUNT_##b * LABEL_COUNT_##c *                  \
                                ((int)COUNTERS_BUCKETS(__VA_ARGS__) + 2) -                         \
                            1,
#include "base/counters.def"
#undef COUNTER
#undef COUNTER3
#undef COUNTER4
#undef GAUGE
#undef HISTOGRAM
#undef HISTOGRAM3
    COUNTER_CELLS
};

struct counters {
    _Atomic uint64_t cell[COUNTER_CELLS];
};

/* Only by the thread that owns the block. */
static inline void counters_add(struct counters *c, unsigned cell, uint64_t n)
{
    uint64_t now = atomic_load_explicit(&c->cell[cell], memory_order_relaxed);
    atomic_store_explicit(&c->cell[cell], now + n, memory_order_relaxed);
}

static inline void counters_sub(struct counters *c, unsigned cell, uint64_t n)
{
    counters_add(c, cell, (uint64_t)0 - n);
}

static inline void counters_set(struct counters *c, unsigned cell, uint64_t v)
{
    atomic_store_explicit(&c->cell[cell], v, memory_order_relaxed);
}

/* A gauge and, `up` cells behind it, the most that it ever was. */
static inline void counters_set_level(struct counters *c, unsigned cell, unsigned up, uint64_t v)
{
    counters_set(c, cell, v);
    if (v > atomic_load_explicit(&c->cell[cell + up], memory_order_relaxed))
        counters_set(c, cell + up, v);
}
#define COUNTERS_TABLE_UP (C_TABLE_PEAK - C_TABLE_SIZE) /* of TABLE_SIZE */
#define COUNTERS_QUEUE_UP (C_QUEUE_PEAK - C_QUEUE_DEPTH)

/* One observation into the histogram that starts at `cell` (C_<id>). */
void counters_observe(struct counters *c, unsigned cell, double value);
/* The same where there is one histogram for each value of labels: the index of theirs. */
void counters_observe_of(struct counters *c, unsigned cell, unsigned label, double value);

/* ---- the set of all blocks ---- */
struct counters_set;

struct counters_set *counters_set_new(void);
void counters_set_free(struct counters_set *s); /* and its blocks */
/* A zeroed block for one thread, owned by the set; NULL without memory or past 128 blocks.
 * Thread-safe. */
struct counters *counters_block(struct counters_set *s);
/* Sum over the blocks, any thread. */
uint64_t counters_sum(struct counters_set *s, unsigned cell);
/* Shows `name` instead of the index in the iface label. Before threads start. */
void counters_name_iface(struct counters_set *s, unsigned index, const char *name);
/* The name of a trunk, from 1, in the label of that name: once, from then on it has it. Any thread, one at a time. */
void counters_name_trunk(struct counters_set *s, unsigned number, const char *name);
/* That name; NULL: none was given. */
const char *counters_trunk(const struct counters_set *s, unsigned number);
/* How many lines of labelled families counters_render() puts out at most; unlimited without it. Before threads start. */
void counters_limit_series(struct counters_set *s, uint64_t max);
/* Prometheus text format 0.0.4: every family with HELP and TYPE; cells of labelled families that
 * are still 0 are left out, but for gauges of trunks with a name. */
void counters_render(struct counters_set *s, struct buf *out);

enum counter_kind { COUNTER_KIND_COUNTER, COUNTER_KIND_GAUGE, COUNTER_KIND_HISTOGRAM };

struct counter_family {
    const char *id;
    const char *name;
    const char *help;
    enum counter_kind kind;
    enum label_set a, b, c, d;
    unsigned first;
    const double *buckets; /* histograms */
    unsigned bucket_count;
};

/* For documentation and tests. */
const struct counter_family *counters_families(unsigned *ret_count);
