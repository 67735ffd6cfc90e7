/* Quality of places by hour: what SQLite sums is what was put in, scales apart, each place of a call once. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "tests/unit/storage/record_help.h"

#define HOUR INT64_C(3600000000)

static char dir[HELP_DIR_SIZE];
static struct counters *counters;

static void setup(void)
{
    crypto_start();
    help_dir_make(dir);
    counters = calloc(1, sizeof *counters);
}

static void teardown(void)
{
    help_dir_remove(dir);
    free(counters);
}

TestSuite(store_quality, .init = setup, .fini = teardown, .timeout = 60);

static const struct story {
    int hour;
    const char *from_site, *to_site, *trunk;
    double r_fb, mos;
    const char *scale;
    double loss, jitter;
    bool answered, one_way;
} STORIES[] = {
    {0, "north", "south", "t1", 80, 4.0, "NB", 0.01, 2, true, false},
    {0, "north", "north", "t1", 60, 3.0, "NB", 0.03, 6, true, true},
    {0, "north", "", "", 90, 4.4, "WB", 0, 1, true, false},
    {0, "south", "", "t1", NAN, NAN, NULL, NAN, NAN, false, false},
    {1, "north", "", "t2", 40, 2.0, "NB", 0.2, 30, true, false},
    {20, "north", "", "t1", 70, 3.5, "NB", 0, 3, true, false}, /* of the next day */
    {1, "", "", "", 10, 1.5, "NB", 0.5, 90, true, false},
};

static void put_all(struct store *s)
{
    for (unsigned i = 0; i < sizeof STORIES / sizeof STORIES[0]; i++) {
        const struct story *y = &STORIES[i];
        struct call_record *r = help_call(i + 1, HELP_T0_US + y->hour * HOUR + (int64_t)i * 1000000);
        r->kind = "call";
        r->state = "ended";
        r->final = true;
        r->outcome = y->answered ? "answered" : "failed";
        r->from_site = slice_str(y->from_site);
        r->to_site = slice_str(y->to_site);
        r->trunk = slice_str(y->trunk);
        r->r_fb_min = y->r_fb;
        r->mos_min = y->mos;
        r->mos_scale = y->scale;
        r->loss_ratio = y->loss;
        r->jitter_ms_max = y->jitter;
        r->one_way = y->one_way;
        r->no_rtp = false;
        cr_assert_eq(store_put_call(s, r), 0);
        record_free(r);
    }
    cr_assert_eq(store_commit(s), 0);
}

struct gathered {
    char text[2048];
    size_t size;
    unsigned rows, at_most;
};

static bool gather(void *context, const struct store_quality_row *q)
{
    struct gathered *g = context;
    g->size += (size_t)snprintf(
        g->text + g->size, sizeof g->text - g->size,
        "%s +%d: %d calls %d answered %d one-way %d scored, r %.4g %.4g, loss %.4g %.4g, jitter %.4g %.4g, NB %d %.4g "
        "%.4g, WB %d %.4g %.4g, FB %d\n",
        q->place, (int)((q->hour_us - (HELP_T0_US - HELP_T0_US % HOUR)) / HOUR), (int)q->calls, (int)q->answered,
        (int)q->one_way, (int)q->scored, q->r_fb_avg, q->r_fb_min, q->loss_ratio_avg, q->loss_ratio_max,
        q->jitter_ms_avg, q->jitter_ms_max, (int)q->mos[0].calls, q->mos[0].avg, q->mos[0].min, (int)q->mos[1].calls,
        q->mos[1].avg, q->mos[1].min, (int)q->mos[2].calls);
    return ++g->rows < g->at_most;
}

static void expect(enum store_place of, int64_t from_us, int64_t to_us, unsigned at_most, const char *text)
{
    struct gathered g = {.at_most = at_most};
    struct store_reader *r;
    cr_assert_eq(store_reader_open(dir, &r), 0);
    cr_assert_eq(store_quality(r, of, from_us, to_us, gather, &g), 0);
    cr_expect_str_eq(g.text, text);
    store_reader_close(r);
}

#define NORTH_0                                                                                                        \
    "north +0: 3 calls 3 answered 1 one-way 3 scored, r 76.67 60, loss 0.01333 0.03, jitter 3 6, NB 2 3.5 3, WB 1 "    \
    "4.4 4.4, FB 0\n"
#define SOUTH_0                                                                                                        \
    "south +0: 2 calls 1 answered 0 one-way 1 scored, r 80 80, loss 0.01 0.01, jitter 2 2, NB 1 4 4, WB 0 nan nan, "   \
    "FB 0\n"
#define NORTH_1                                                                                                        \
    "north +1: 1 calls 1 answered 0 one-way 1 scored, r 40 40, loss 0.2 0.2, jitter 30 30, NB 1 2 2, WB 0 nan nan, FB " \
    "0\n"
#define NORTH_20                                                                                                       \
    "north +20: 1 calls 1 answered 0 one-way 1 scored, r 70 70, loss 0 0, jitter 3 3, NB 1 3.5 3.5, WB 0 nan nan, FB " \
    "0\n"

Test(store_quality, sites_and_trunks_by_hour_are_what_was_put_in)
{
    struct store *s;
    struct why why = {""};
    cr_assert_eq(store_open(dir, counters, &s, &why), 0, "%s", why.text);
    put_all(s);
    int64_t from_us = HELP_T0_US - HOUR, to_us = HELP_T0_US + 48 * HOUR;
    expect(STORE_SITES, from_us, to_us, 99, NORTH_0 SOUTH_0 NORTH_1 NORTH_20);
    expect(STORE_SITES, from_us, to_us, 2, NORTH_0 SOUTH_0);
    expect(STORE_SITES, HELP_T0_US + HOUR, HELP_T0_US + 2 * HOUR, 99, NORTH_1);
    expect(STORE_SITES, to_us, to_us + HOUR, 99, "");
    expect(STORE_TRUNKS, from_us, HELP_T0_US + 2 * HOUR, 99,
           "t1 +0: 3 calls 2 answered 1 one-way 2 scored, r 70 60, loss 0.02 0.03, jitter 4 6, NB 2 3.5 3, WB 0 nan nan, "
           "FB 0\n"
           "t2 +1: 1 calls 1 answered 0 one-way 1 scored, r 40 40, loss 0.2 0.2, jitter 30 30, NB 1 2 2, WB 0 nan nan, "
           "FB 0\n");
    store_close(s);
}
