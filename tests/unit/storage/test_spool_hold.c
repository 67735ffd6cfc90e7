/* What waits in memory: nothing reaches the file before its time, and what is taken back never
 * does. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/storage/spool_help.h"

#define MS INT64_C(1000000)
#define T0 INT64_C(1700000000000000000)

static char dir[HELP_DIR_SIZE];
static struct counters *counters;

static void setup(void)
{
    help_dir_make(dir);
    counters = calloc(1, sizeof *counters);
}

static void teardown(void)
{
    help_dir_remove(dir);
    free(counters);
}

TestSuite(spool_hold, .init = setup, .fini = teardown, .timeout = 60);

static struct spool *open_spool(uint32_t hold_ms)
{
    struct spool *s = NULL;
    struct why why = {""};
    struct spool_config config = {.data_dir = dir, .hold_ms = hold_ms};
    cr_assert_eq(spool_open(&config, counters, &s, &why), 0, "%s", why.text);
    spool_tick(s, T0);
    return s;
}

static struct spool_flow *open_flow(struct spool *s, const char *descriptor)
{
    struct spool_flow_info info = help_info(1, false, descriptor);
    return spool_flow_open(s, &info, T0);
}

static void put(struct spool *s, struct spool_flow *f, int64_t ms, size_t size)
{
    static uint8_t bytes[65535];
    memset(bytes, (int)(ms / 20 & 0xff), size);
    struct spool_packet p = {
        .time_ns = T0 + ms * MS, .wire_bytes = (uint32_t)size, .payload = slice_of(bytes, size)};
    cr_assert(spool_flow_packet(s, f, &p));
}

/* Packets of the chain and, of each, the time in ms, the size and what it is filled with. */
static unsigned read_back(struct spool_ref tail, int64_t ms[], size_t size[], uint8_t fill[],
                          unsigned max)
{
    struct spool_reader *r;
    struct spool_packet p;
    unsigned count = 0;
    if (tail.segment == 0)
        return 0;
    cr_assert_eq(spool_reader_open(dir, tail, &r, NULL), 0);
    while (count < max && spool_reader_next(r, &p) == 1) {
        ms[count] = (p.time_ns - T0) / MS;
        size[count] = p.payload.size;
        fill[count++] = p.payload.size ? p.payload.data[p.payload.size - 1] : 0;
    }
    spool_reader_close(r);
    return count;
}

#define READ_MAX 2000
static int64_t at[READ_MAX];
static size_t sizes[READ_MAX];
static uint8_t fills[READ_MAX];

static void newest(void *context, const struct spool_found *found)
{
    *(int64_t *)context = (found->last_ns - T0) / MS;
}

/* What a crash would leave: never anything younger than the hold, and not much less than that. */
Test(spool_hold, a_packet_waits_as_long_as_it_should_and_not_much_longer)
{
    static const uint32_t holds[] = {500, 600, 1000};
    for (unsigned h = 0; h < sizeof holds / sizeof *holds; h++) {
        struct spool *s = open_spool(holds[h]);
        struct spool_flow *f = open_flow(s, "x");
        int64_t least = 100000, most = 0, on_disk = 0;
        for (int64_t ms = 0; ms < 6000; ms += 20) {
            put(s, f, ms, 172);
            if (ms > 2000) {
                cr_assert_eq(spool_scan(dir, newest, &on_disk), 0);
                least = ms - on_disk < least ? ms - on_disk : least;
                most = ms - on_disk > most ? ms - on_disk : most;
            }
            if (ms % 100 == 0)
                spool_tick(s, T0 + ms * MS);
        }
        (void)spool_flow_close(s, f);
        spool_close(s);
        help_dir_remove(dir);
        help_dir_make(dir);
        cr_expect_geq(least, holds[h], "%u: as little as %d ms", holds[h], (int)least);
        cr_expect_leq(most, holds[h] + 400, "%u: up to %d ms", holds[h], (int)most);
    }
}

static int take_out(void *context, int64_t time_ns, enum spool_what what, uint8_t *payload, uint16_t size)
{
    (void)payload, (void)what;
    const int64_t *until_ms = context;
    return (time_ns - T0) / MS < *until_ms ? -1 : size;
}

static int cut(void *context, int64_t time_ns, enum spool_what what, uint8_t *payload, uint16_t size)
{
    (void)time_ns, (void)what;
    unsigned *seen = context;
    ++*seen;
    memset(payload, 0xaa, size < 12 ? size : 12);
    return size < 12 ? size : 12;
}

Test(spool_hold, what_is_taken_back_within_the_hold_never_was)
{
    struct spool *s = open_spool(500);
    struct spool_flow *f = open_flow(s, "x");
    unsigned seen = 0;
    for (int64_t ms = 0; ms < 3000; ms += 20) {
        put(s, f, ms, 172);
        if (ms % 100 == 0)
            spool_tick(s, T0 + ms * MS);
        if (ms == 1500) {
            int64_t until = 1200;
            spool_flow_held(s, f, T0 + 1020 * MS, take_out, &until);
        }
        if (ms == 2480)
            spool_flow_held(s, f, T0 + 2000 * MS, cut, &seen);
    }
    struct spool_ref tail = spool_flow_close(s, f);
    cr_assert_eq(spool_flush(s), 0);
    unsigned count = read_back(tail, at, sizes, fills, READ_MAX);
    cr_assert_eq(count, 150 - 9, "%u", count);
    cr_assert_eq(seen, 25);
    for (unsigned i = 0; i < count; i++) {
        cr_assert(at[i] < 1020 || at[i] >= 1200);
        bool is_cut = at[i] >= 2000 && at[i] <= 2480;
        cr_assert_eq(sizes[i], is_cut ? 12 : 172, "at %d", (int)at[i]);
        cr_assert_eq(fills[i], is_cut ? 0xaa : (uint8_t)(at[i] / 20));
    }
    spool_close(s);
    cr_assert_eq(help_cell(counters, C_SPOOL_DROPPED) + help_cell(counters, C_SPOOL_HOLD_CUT), 0);
}

Test(spool_hold, all_can_be_taken_back_and_the_flow_goes_on)
{
    struct spool *s = open_spool(500);
    struct spool_flow *f = open_flow(s, "x");
    int64_t all = 100000;
    spool_flow_held(s, f, 0, take_out, &all);
    for (int64_t ms = 0; ms < 400; ms += 20)
        put(s, f, ms, 172);
    spool_flow_held(s, f, 0, take_out, &all);
    struct spool_ref tail = spool_flow_tail(s, f);
    cr_assert_eq(tail.segment, 0);
    put(s, f, 400, 172);
    tail = spool_flow_close(s, f);
    spool_flush(s);
    cr_assert_eq(read_back(tail, at, sizes, fills, READ_MAX), 1);
    cr_assert_eq(at[0], 400);
    spool_close(s);
}

Test(spool_hold, a_new_descriptor_is_in_force_behind_what_waits)
{
    struct spool *s = open_spool(500);
    struct spool_flow *f = open_flow(s, "first");
    unsigned firsts = 0, seen = 0;
    for (int64_t ms = 0; ms < 2000; ms += 20) {
        if (ms == 1000)
            spool_flow_describe(s, f, slice_str("second"), T0);
        if (ms == 1200) { /* behind and ahead of the change */
            int64_t until = 840;
            spool_flow_held(s, f, T0 + 800 * MS, take_out, &until);
            spool_flow_held(s, f, T0 + 1100 * MS, cut, &seen);
        }
        put(s, f, ms, 172);
        if (ms % 100 == 0)
            spool_tick(s, T0 + ms * MS);
    }
    struct spool_ref tail = spool_flow_close(s, f);
    spool_flush(s);
    struct spool_reader *r;
    struct spool_packet p;
    cr_assert_eq(spool_reader_open(dir, tail, &r, NULL), 0);
    while (spool_reader_next(r, &p) == 1) {
        bool first = p.time_ns < T0 + 1000 * MS;
        firsts += first;
        cr_assert(slice_is(spool_reader_descriptor(r), first ? "first" : "second"));
    }
    cr_assert_eq(firsts, 48);
    spool_reader_close(r);
    spool_close(s);
}

Test(spool_hold, a_flow_of_many_bytes_gets_room_and_at_the_ceiling_waits_shorter)
{
    struct spool *s = open_spool(500);
    struct spool_flow *f = open_flow(s, "x");
    /* 1,400 bytes a packet: 140 a second fit (112 KiB in 800 ms), 1,000 a second do not */
    for (int64_t ms = 0; ms < 4000; ms += 10) {
        put(s, f, ms, 1400);
        if (ms % 100 == 0)
            spool_tick(s, T0 + ms * MS);
    }
    cr_assert_eq(help_cell(counters, C_SPOOL_HOLD_CUT), 0);
    for (int64_t ms = 4000; ms < 5000; ms += 1) {
        put(s, f, ms, 1400);
        if (ms % 100 == 0)
            spool_tick(s, T0 + ms * MS);
    }
    cr_assert_gt(help_cell(counters, C_SPOOL_HOLD_CUT), 0);
    struct spool_ref tail = spool_flow_close(s, f);
    spool_flush(s);
    cr_assert_eq(read_back(tail, at, sizes, fills, READ_MAX), 1400);
    for (unsigned i = 1; i < 1400; i++)
        cr_assert_gt(at[i], at[i - 1]);
    cr_assert_eq(help_cell(counters, C_SPOOL_DROPPED), 0);
    spool_close(s);
}

Test(spool_hold, packets_from_the_future_wait_for_nothing)
{
    struct spool *s = open_spool(500);
    struct spool_flow *f = open_flow(s, "x");
    put(s, f, 3600 * 1000, 172);
    for (int64_t ms = 0; ms <= 1000; ms += 100)
        spool_tick(s, T0 + ms * MS);
    cr_assert_gt(spool_written(s), 196);
    (void)spool_flow_close(s, f);
    spool_close(s);
}

static bool dir_holds(uint8_t byte, size_t run)
{
    char line[HELP_DIR_SIZE + 200];
    snprintf(line, sizeof line, "LC_ALL=C grep -rqaP '\\x%02x{%zu}' %s", byte, run, dir);
    return system(line) == 0;
}

/* Larger than what a flow gathers at first, and than a chunk. */
Test(spool_hold, a_packet_larger_than_a_chunk_waits_like_any_other)
{
    struct spool *s = open_spool(500);
    struct spool_flow *f = open_flow(s, "x");
    unsigned seen = 0;
    for (int64_t ms = 0; ms < 3000; ms += 100) {
        put(s, f, ms, ms % 300 ? 20000 : 172);
        spool_tick(s, T0 + ms * MS);
        if (ms == 1600)
            spool_flow_held(s, f, T0 + 1500 * MS, cut, &seen);
    }
    cr_assert_eq(seen, 2);
    struct spool_ref tail = spool_flow_close(s, f);
    cr_assert_eq(spool_flush(s), 0);
    spool_close(s);
    cr_assert_eq(read_back(tail, at, sizes, fills, READ_MAX), 30);
    for (unsigned i = 0; i < 30; i++) {
        size_t size = i == 15 || i == 16 ? 12 : i % 3 ? 20000 : 172;
        cr_assert_eq(at[i], i * 100);
        cr_assert_eq(sizes[i], size, "at %u: %zu", i, sizes[i]);
    }
    cr_expect(dir_holds(1700 / 20, 12), "what was not taken back stands there");
    cr_expect_not(dir_holds(1600 / 20, 12), "what was taken back stands nowhere");
    cr_assert_eq(help_cell(counters, C_SPOOL_DROPPED) + help_cell(counters, C_SPOOL_HOLD_CUT), 0);
}

static void put_in(struct spool *s, struct spool_flow *f, size_t size, bool kept)
{
    static uint8_t bytes[60000];
    struct spool_packet p = {
        .time_ns = T0, .wire_bytes = (uint32_t)size, .payload = slice_of(bytes, size)};
    cr_assert_eq(spool_flow_packet(s, f, &p), kept, "%zu, %llu dropped, %llu early", size,
                 (unsigned long long)help_cell(counters, C_SPOOL_DROPPED),
                 (unsigned long long)help_cell(counters, C_SPOOL_HOLD_CUT));
}

/* Room for eight packets of 60 kB, and for 64 flows. */
Test(spool_hold, without_memory_for_large_packets_they_are_counted_and_small_ones_go_on)
{
    struct spool *s = NULL;
    struct spool_flow *f[80];
    struct why why = {""};
    struct spool_config config = {.data_dir = dir, .hold_ms = 500, .gather_bytes = 512 << 10};
    cr_assert_eq(spool_open(&config, counters, &s, &why), 0, "%s", why.text);
    spool_tick(s, T0);
    for (unsigned i = 0; i < 80; i++)
        f[i] = open_flow(s, "x");
    for (unsigned i = 0; i < 10; i++)
        put_in(s, f[i], 60000, i < 8);
    cr_assert_eq(help_cell(counters, C_SPOOL_DROPPED), 2);
    cr_assert_eq(help_cell(counters, C_SPOOL_HOLD_CUT), 0);
    for (unsigned i = 10; i < 80;
         i++) /* the large ones stand first in the row of those that wait */
        put_in(s, f[i], 172, true);
    cr_assert_eq(help_cell(counters, C_SPOOL_HOLD_CUT), 8 + 6);
    cr_assert_eq(help_cell(counters, C_SPOOL_DROPPED), 2);
    put_in(s, f[8], 60000, true); /* they gave their memory back */
    spool_close(s);
}
