/* The spool's promises: what goes in comes out, in order, over segments and restarts, from a
 * segment that is still written; writes are large; a disk that refuses costs packets and nothing
 * else. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/storage/spool_help.h"

#define FLOWS 40
#define MS    INT64_C(1000000)
#define T0    INT64_C(1700000000000000000)

static char dir[HELP_DIR_SIZE];
static struct counters *counters;
static uint8_t *room;

static void setup(void)
{
    help_dir_make(dir);
    counters = calloc(1, sizeof *counters);
    room = malloc(65535);
}

static void teardown(void)
{
    help_dir_remove(dir);
    free(counters);
    free(room);
}

TestSuite(spool, .init = setup, .fini = teardown, .timeout = 60);

static struct spool *open_with(struct spool_config config)
{
    struct spool *s = NULL;
    struct why why = {""};
    config.data_dir = dir;
    cr_assert_eq(spool_open(&config, counters, &s, &why), 0, "%s", why.text);
    return s;
}

static unsigned read_flow(struct spool_ref tail, unsigned flow, bool signalling, size_t largest)
{
    struct spool_reader *r;
    struct spool_packet p;
    bool truncated = true;
    unsigned i = 0;
    int n;

    cr_assert_eq(spool_reader_open(dir, tail, &r, &truncated), 0);
    cr_assert(!truncated);
    struct spool_flow_info info = help_info(flow, signalling, "");
    cr_assert_arr_eq(spool_reader_uid(r), info.uid, 16);
    for (; (n = spool_reader_next(r, &p)) == 1; i++) {
        struct spool_packet expected = help_packet(flow, i, signalling, largest, room);
        cr_assert(help_same(&p, &expected, true), "flow %u packet %u", flow, i);
    }
    cr_assert_eq(n, 0);
    spool_reader_close(r);
    return i;
}

/* Random flows interleaved at random, opened and closed at random times. */
static void round_trip(struct spool_config config, size_t largest, unsigned steps)
{
    struct spool *s = open_with(config);
    struct help_random rnd = {42};
    struct spool_flow *flows[FLOWS] = {0};
    unsigned sent[FLOWS] = {0};
    struct spool_ref tails[FLOWS] = {0};
    bool closed[FLOWS] = {0};

    for (unsigned step = 0; step < steps; step++) {
        unsigned f = (unsigned)help_below(&rnd, FLOWS);
        bool signalling = f % 5 == 0;
        if (closed[f])
            continue;
        if (flows[f] == NULL) {
            struct spool_flow_info info = help_info(f, signalling, "codec 8 PCMA 8000 1\n");
            flows[f] = spool_flow_open(s, &info, T0);
        }
        struct spool_packet p = help_packet(f, sent[f], signalling, largest, room);
        cr_assert(spool_flow_packet(s, flows[f], &p));
        sent[f]++;
        if (step % 16 == 0)
            spool_tick(s, T0 + (int64_t)step * MS);
        if (help_below(&rnd, steps / 4) == 0) {
            tails[f] = spool_flow_close(s, flows[f]);
            closed[f] = true;
        }
    }
    for (unsigned f = 0; f < FLOWS; f++)
        if (!closed[f] && flows[f])
            tails[f] = spool_flow_close(s, flows[f]);
    cr_assert_eq(spool_flush(s), 0);
    cr_assert_eq(spool_appended(s), spool_written(s));
    for (unsigned f = 0; f < FLOWS; f++)
        if (flows[f])
            cr_assert_eq(read_flow(tails[f], f, f % 5 == 0, largest), sent[f]);
    spool_close(s);
    cr_assert_eq(help_cell(counters, C_SPOOL_DROPPED), 0);
}

Test(spool, gives_back_what_was_put_in)
{
    round_trip((struct spool_config){.writer = 3}, 3000, 20000);
}

Test(spool, gives_back_what_was_put_in_over_many_segments)
{
    round_trip((struct spool_config){.segment_bytes = 40000, .chunk_bytes = 700}, 65535, 6000);
    struct spool_usage usage;
    cr_assert_eq(spool_usage(dir, &usage), 0);
    cr_assert_gt(usage.segments, 10);
}
