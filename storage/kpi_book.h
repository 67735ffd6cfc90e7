/* The cells of a while: by dimension and bucket of time, each with its load a minute. A call goes into the cell of the
 * moment it began (t0), in every dimension it belongs to:
 *
 *   ""               all
 *   "direction:in"   and out, internal, unknown
 *   "trunk:NAME"     of settings; "site:NAME" too
 *   "prefix:+49"     the group of the called number, "prefix:other" when groups are set and none fits
 *   "codec:PCMA"     of the first stream of sound, a name of a closed list, else "codec:other"; "codec:none" without sound
 *
 * So there are never more dimensions than settings and that list name. The number of cells is capped: an addition that finds no room
 * says so and leaves everything as it was. One thread. */
#pragma once

#include "base/hash.h"
#include "storage/kpi.h"

#define KPI_DIMENSIONS_MAX 6 /* of one call */
#define KPI_MINUTE_US      INT64_C(60000000)

struct kpi_book;

struct kpi_book_config {
    struct kpi_rules rules;
    struct hash_seed seed;
    int64_t step_us;    /* of a cell; 0: one cell for all time */
    uint32_t cells_max; /* 0: 1024, of 22 kB each */
    uint32_t loads_max; /* 0: 32768, of half a kB each */
};

/* NULL without memory. */
struct kpi_book *kpi_book_new(const struct kpi_book_config *config);
void kpi_book_free(struct kpi_book *b);
void kpi_book_clear(struct kpi_book *b);
bool kpi_book_is_empty(const struct kpi_book *b);
const struct kpi_rules *kpi_book_rules(const struct kpi_book *b);

/* The dimensions of a call; returns their number. */
unsigned kpi_dimensions(const struct kpi_rules *rules, const struct call_record *r,
                        char ret_names[KPI_DIMENSIONS_MAX][KPI_NAME_SIZE]);

/* False: no room. A record that is not the last word of a SIP call changes nothing and is fine. */
bool kpi_book_add(struct kpi_book *b, const struct call_record *r);
/* `trunk` NULL: none. */
bool kpi_book_add_registration(struct kpi_book *b, int64_t at_us, const char *trunk, bool success, unsigned code,
                               double rrd_ms);

struct kpi_entry {
    const char *dimension;
    int64_t start_us;
    const struct kpi_cell *cell; /* one of the two */
    const struct kpi_load *load; /* of the minute at start_us */
};
/* Each cell and load, in no order, until `fn` returns something but 0, which is then returned. */
int kpi_book_each(const struct kpi_book *b, int (*fn)(void *context, const struct kpi_entry *entry), void *context);
