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

/* One reader for all flows, as the writer has it. */
static struct spool_reader *again;

static void read_again(struct spool_ref tail, unsigned flow, bool signalling, size_t largest, unsigned count)
{
    struct spool_packet p;
    bool truncated = true;
    unsigned i = 0;
    cr_assert_eq(spool_reader_open_next(dir, tail, &again, &truncated), 0);
    cr_assert(!truncated);
    for (; spool_reader_next(again, &p) == 1; i++) {
        struct spool_packet expected = help_packet(flow, i, signalling, largest, room);
        cr_assert(help_same(&p, &expected, true), "flow %u packet %u, again", flow, i);
    }
    cr_assert_eq(i, count);
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
    read_again(tail, flow, signalling, largest, i);
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
    spool_reader_close(again);
    again = NULL;
    spool_close(s);
    cr_assert_eq(help_cell(counters, C_SPOOL_DROPPED), 0);
}

static size_t segment_count(void)
{
    struct spool_segment *segments;
    size_t count;
    cr_assert_eq(spool_segments(dir, &segments, &count), 0);
    free(segments);
    return count;
}

Test(spool, gives_back_what_was_put_in)
{
    round_trip((struct spool_config){.writer = 3}, 3000, 20000);
}

Test(spool, gives_back_what_was_put_in_over_many_segments)
{
    round_trip((struct spool_config){.segment_bytes = 40000, .chunk_bytes = 700}, 65535, 6000);
    cr_assert_gt(segment_count(), 10);
}

Test(spool, delivers_the_descriptor_in_force)
{
    struct spool *s = open_with((struct spool_config){.segment_bytes = 20000, .chunk_bytes = 1000});
    struct spool_flow_info info = help_info(1, false, "first");
    struct spool_flow *f = spool_flow_open(s, &info, T0);
    for (unsigned i = 0; i < 400; i++) {
        if (i == 150)
            spool_flow_describe(s, f, slice_str("second"), T0);
        struct spool_packet p = help_packet(1, i, false, 400, room);
        cr_assert(spool_flow_packet(s, f, &p));
    }
    struct spool_ref tail = spool_flow_close(s, f);
    spool_close(s);

    struct spool_reader *r;
    struct spool_packet p;
    cr_assert_eq(spool_reader_open(dir, tail, &r, NULL), 0);
    for (unsigned i = 0; i < 400; i++) {
        cr_assert_eq(spool_reader_next(r, &p), 1);
        cr_assert(slice_is(spool_reader_descriptor(r), i < 150 ? "first" : "second"));
    }
    spool_reader_close(r);
}

Test(spool, a_flow_without_packets_has_no_tail)
{
    struct spool *s = open_with((struct spool_config){0});
    struct spool_flow_info info = help_info(1, false, "x");
    struct spool_flow *f = spool_flow_open(s, &info, T0);
    struct spool_reader *r;
    struct spool_ref tail = spool_flow_close(s, f);
    cr_assert_eq(tail.segment, 0);
    cr_assert_eq(spool_reader_open(dir, tail, &r, NULL), ERR_NOT_FOUND);
    spool_close(s);
}

/* hold_ms, flush_ms and the tick together: what a crash can cost. A lone packet at any time between
 * two ticks is on its way to the disk within a second. */
Test(spool, packets_stand_in_the_file_within_a_second)
{
    struct spool *s = open_with((struct spool_config){.sync_ms = 10000});
    struct spool_flow_info info = help_info(1, false, "x");
    struct spool_flow *f = spool_flow_open(s, &info, T0);
    int64_t ms = 0, worst = 0;

    for (unsigned i = 0; i < 100; i++) {
        ms += 9;
        spool_flush(s);
        uint64_t before = spool_written(s);
        int64_t sent = ms;
        struct spool_packet p = help_packet(1, 0, false, 100, room);
        cr_assert(spool_flow_packet(s, f, &p));
        while (spool_written(s) == before)
            if (++ms % 100 == 0)
                spool_tick(s, T0 + ms * MS);
        worst = ms - sent > worst ? ms - sent : worst;
    }
    cr_assert_leq(worst, 900, "%d ms", (int)worst);
    spool_flow_close(s, f);
    spool_close(s);
}

/* 1000 streams of 50 packets a second, 172 bytes each: 8.6 MB/s. */
Test(spool, writes_are_large_under_load)
{
    enum { STREAMS = 1000, SECONDS = 3 };
    struct spool *s = open_with((struct spool_config){.sync_ms = 10000});
    struct spool_flow *flows[STREAMS];
    memset(room, 0x55, 172);
    for (unsigned f = 0; f < STREAMS; f++) {
        struct spool_flow_info info = help_info(f, false, "codec 8 PCMA 8000 1\n");
        flows[f] = spool_flow_open(s, &info, T0);
    }
    for (int64_t ms = 0; ms < SECONDS * 1000; ms += 20) {
        for (unsigned f = 0; f < STREAMS; f++) {
            struct spool_packet p = {.time_ns = T0 + ms * MS, .payload = slice_of(room, 172)};
            cr_assert(spool_flow_packet(s, flows[f], &p));
        }
        if (ms % 100 == 0)
            spool_tick(s, T0 + ms * MS);
    }
    uint64_t writes = help_cell(counters, C_SPOOL_WRITES);
    uint64_t bytes = spool_written(s);
    cr_assert_geq(bytes / writes, 64u << 10, "%d bytes a write", (int)(bytes / writes));
    spool_close(s);
}

Test(spool, a_call_that_goes_on_can_be_read_up_to_its_tail)
{
    struct spool *s = open_with((struct spool_config){.segment_bytes = 30000});
    struct spool_flow_info info = help_info(2, false, "x");
    struct spool_flow *f = spool_flow_open(s, &info, T0);
    for (unsigned i = 0; i < 1000; i++) {
        struct spool_packet p = help_packet(2, i, false, 300, room);
        cr_assert(spool_flow_packet(s, f, &p));
        if (i % 100 != 50)
            continue;
        struct spool_ref tail = spool_flow_tail(s, f);
        cr_assert_eq(spool_flush(s), 0);
        cr_assert_eq(read_flow(tail, 2, false, 300), i + 1);
    }
    spool_close(s);
}

/* All go but the newest, `wanted`, and what is being written; returns how many. */
static unsigned retain(uint32_t wanted)
{
    struct spool_segment *segments;
    size_t count;
    unsigned removed = 0;
    cr_assert_eq(spool_segments(dir, &segments, &count), 0);
    for (size_t i = 0; i + 1 < count; i++)
        if (segments[i].number != wanted)
            removed += spool_segment_remove(dir, segments[i].number) == 0;
    free(segments);
    return removed;
}

Test(spool, numbers_grow_over_restarts_and_writers)
{
    uint32_t newest = 0;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned writer = 0; writer < 3; writer++) {
            struct spool *s = open_with((struct spool_config){.writer = writer});
            struct spool_flow_info info = help_info(2, false, "x");
            struct spool_flow *f = spool_flow_open(s, &info, T0);
            struct spool_packet p = help_packet(2, 0, false, 300, room);
            spool_flow_packet(s, f, &p);
            struct spool_ref tail = spool_flow_close(s, f);
            cr_assert_gt(tail.segment, newest);
            newest = tail.segment;
            spool_close(s);
            retain(0);
        }
    }
    cr_assert_eq(segment_count(), 1);
}

Test(spool, retention_spares_what_is_wanted_or_being_written)
{
    struct spool *s = open_with((struct spool_config){.segment_bytes = 20000});
    struct spool_flow_info info = help_info(2, false, "x");
    struct spool_flow *f = spool_flow_open(s, &info, T0);
    struct spool_ref wanted = {0};
    for (unsigned i = 0; i < 1000; i++) {
        struct spool_packet p = help_packet(2, i, false, 300, room);
        cr_assert(spool_flow_packet(s, f, &p));
        if (i == 300)
            wanted = spool_flow_tail(s, f);
    }
    struct spool_ref tail = spool_flow_tail(s, f);
    spool_flush(s);
    size_t segments = segment_count();
    cr_assert_gt(segments, 4);
    cr_assert_eq(retain(wanted.segment), segments - 2);
    struct spool_reader *r;
    struct spool_packet p;
    bool truncated = false;
    cr_assert_eq(spool_reader_open(dir, tail, &r, &truncated), 0);
    cr_assert(truncated);
    cr_assert_eq(spool_reader_next(r, &p), 1);
    spool_reader_close(r);
    cr_assert(spool_segment_rests(dir, wanted.segment));
    cr_assert_not(spool_segment_rests(dir, tail.segment), "it is being written");
    cr_assert_eq(spool_segment_remove(dir, tail.segment), ERR_BUSY);
    cr_assert_eq(retain(0), 1); /* only the active one stays */
    spool_flow_close(s, f);
    spool_close(s);
}

/* The file size limit of the process stands for a full disk: write() fails, and works again when it
 * is lifted. */
Test(spool, a_full_disk_costs_packets_and_recovers)
{
    struct rlimit limit = {.rlim_cur = 300000, .rlim_max = RLIM_INFINITY};
    struct spool *s = open_with((struct spool_config){.sync_ms = 1000});
    struct spool_flow_info info = help_info(2, false, "x");
    struct spool_flow *f = spool_flow_open(s, &info, T0);
    unsigned kept = 0;
    int64_t now = T0;

    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (unsigned i = 0; i < 20000; i++, now += 20 * MS) {
        struct spool_packet p = help_packet(2, 0, false, 0, room);
        p.time_ns = i;
        p.payload = slice_of(room, 172);
        spool_flow_packet(s, f, &p);
        if (i % 5 == 0)
            spool_tick(s, now);
        if (i == 10000) {
            cr_assert_neq(spool_error(s), 0);
            cr_assert_gt(help_cell(counters, C_SPOOL_DROPPED), 100);
            limit.rlim_cur = RLIM_INFINITY;
            cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        }
    }
    struct spool_ref tail = spool_flow_close(s, f);
    cr_assert_eq(spool_flush(s), 0);
    cr_assert_eq(spool_error(s), 0);
    struct spool_reader *r;
    struct spool_packet p;
    bool truncated = true;
    int64_t before = -1;
    cr_assert_eq(spool_reader_open(dir, tail, &r, &truncated), 0);
    cr_assert(!truncated);
    for (int n; (n = spool_reader_next(r, &p)) != 0; kept++) {
        cr_assert_eq(n, 1);
        cr_assert_gt(p.time_ns, before);
        before = p.time_ns;
    }
    spool_reader_close(r);
    cr_assert_eq(before, 19999);
    cr_assert_eq(kept + help_cell(counters, C_SPOOL_DROPPED), 20000);
    spool_close(s);
}

/* ---- damage ---- */

struct found {
    unsigned flows;
    uint64_t packets;
    struct spool_found last;
};

static void note(void *context, const struct spool_found *found)
{
    struct found *all = context;
    all->flows++;
    all->packets += found->packets;
    all->last = *found;
}

static struct found scan(void)
{
    struct found found = {0};
    cr_assert_eq(spool_scan(dir, note, &found), 0);
    return found;
}

/* One segment of some flows; returns its number. */
static uint32_t write_segment(unsigned packets, struct spool_ref *ret_tail)
{
    struct spool *s = open_with((struct spool_config){.chunk_bytes = 600});
    struct spool_flow *flows[4];
    for (unsigned f = 0; f < 4; f++) {
        struct spool_flow_info info = help_info(f, f == 0, "codec 8 PCMA 8000 1\n");
        flows[f] = spool_flow_open(s, &info, T0);
    }
    for (unsigned i = 0; i < packets; i++) {
        for (unsigned f = 0; f < 4; f++) {
            struct spool_packet p = help_packet(f, i, f == 0, 300, room);
            cr_assert(spool_flow_packet(s, flows[f], &p));
        }
    }
    for (unsigned f = 0; f < 4; f++)
        *ret_tail = spool_flow_close(s, flows[f]);
    spool_close(s);
    return ret_tail->segment;
}

/* What recovery writes anew: the next crash may cut it anywhere. */
Test(spool, a_scan_passes_over_copies)
{
    struct spool_ref tail;
    write_segment(20, &tail);
    struct found before = scan();
    struct spool *s = open_with((struct spool_config){.chunk_bytes = 600, .writer = 63, .copy = true});
    struct spool_flow_info info = help_info(1, false, "codec 8 PCMA 8000 1\n");
    struct spool_flow *flow = spool_flow_open(s, &info, T0);
    for (unsigned i = 0; i < 10; i++) {
        struct spool_packet p = help_packet(1, i, false, 300, room);
        cr_assert(spool_flow_packet(s, flow, &p));
    }
    struct spool_ref copy = spool_flow_close(s, flow);
    spool_close(s);
    struct found after = scan();
    cr_assert_eq(after.flows, before.flows);
    cr_assert_eq(after.packets, before.packets);
    cr_assert_eq(after.last.tail.segment, tail.segment);
    struct spool_packet p;
    bool truncated;
    cr_assert_eq(spool_reader_open_next(dir, copy, &again, &truncated), 0, "a reader finds it all the same");
    cr_assert_eq(spool_reader_next(again, &p), 1);
    spool_reader_close(again);
    again = NULL;
}

static size_t file_load(uint32_t segment, uint8_t **ret_bytes, char path[128])
{
    snprintf(path, 128, "%s/spool/%08x.seg", dir, segment);
    FILE *f = fopen(path, "rb");
    struct stat st;
    cr_assert_not_null(f);
    stat(path, &st);
    *ret_bytes = malloc((size_t)st.st_size);
    size_t n = fread(*ret_bytes, 1, (size_t)st.st_size, f);
    fclose(f);
    return n;
}

static void file_store(const char *path, const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    cr_assert_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void read_all(struct spool_ref tail)
{
    struct spool_reader *r;
    struct spool_packet p;
    if (spool_reader_open(dir, tail, &r, NULL) != 0)
        return;
    while (spool_reader_next(r, &p) != 0)
        ;
    spool_reader_close(r);
}

static struct spool_looked scan_from(const struct spool_marks *marks, struct found *ret_found)
{
    const struct spool_since since = {.marks = *marks};
    struct spool_looked looked;
    *ret_found = (struct found){0};
    cr_assert_eq(spool_scan_since(dir, &since, note, ret_found, &looked), 0);
    return looked;
}

/* What is ahead of a mark is passed over, of its writer alone; marks that cannot be of this spool are not believed. */
Test(spool, a_scan_begins_at_the_marks)
{
    struct spool_ref tail;
    struct spool_marks marks = {{0}};
    struct found found;
    uint32_t first = write_segment(10, &tail), second = write_segment(10, &tail);
    struct spool_looked looked = scan_from(&marks, &found);
    cr_assert(looked.read == 2 && looked.passed == 0 && found.packets == 80);
    marks.segment[second % SPOOL_WRITERS] = second;
    looked = scan_from(&marks, &found);
    cr_expect(looked.read == 1 && looked.passed == 1 && found.packets == 40);
    cr_assert_eq(spool_marks_all(dir, &marks), 0);
    looked = scan_from(&marks, &found);
    cr_expect(looked.read == 0 && looked.passed == 2 && found.flows == 0);
    uint32_t third = write_segment(10, &tail);
    looked = scan_from(&marks, &found);
    cr_expect(looked.read == 1 && looked.passed == 2 && found.last.tail.segment == third);
    cr_assert_eq(spool_marks_all(dir, &marks), 0);
    cr_assert_eq(spool_segment_remove(dir, third), 0);
    looked = scan_from(&marks, &found);
    cr_expect(looked.read == 2 && looked.passed == 0, "its newest one has gone: the number would come again");
    marks = (struct spool_marks){{[3] = first + 7}};
    looked = scan_from(&marks, &found);
    cr_expect_eq(looked.read, 2, "no number of that writer");
}

Test(spool, a_scan_finds_every_flow)
{
    struct spool_ref tail;
    write_segment(100, &tail);
    struct found found = scan();
    cr_assert_eq(found.flows, 4);
    cr_assert_eq(found.packets, 400);
    struct spool_flow_info info = help_info(3, false, "codec 8 PCMA 8000 1\n");
    cr_assert_arr_eq(found.last.info.uid, info.uid, 16);
    cr_assert_eq(found.last.info.flow, info.flow);
    cr_assert(endpoint_equal(&found.last.info.src, &info.src));
    cr_assert_eq(found.last.tail.offset, tail.offset);
    cr_assert_eq(found.last.last_ns, help_packet(3, 99, false, 300, room).time_ns);
}

Test(spool, a_segment_cut_anywhere_keeps_its_whole_chunks)
{
    struct spool_ref tail;
    char path[128];
    uint8_t *bytes;
    size_t size = file_load(write_segment(30, &tail), &bytes, path);
    uint64_t before = 0;

    for (size_t cut = 0; cut <= size; cut += cut < 3000 ? 1 : 37) {
        file_store(path, bytes, cut);
        read_all(tail);
        uint64_t packets = scan().packets;
        cr_assert_geq(packets, before);
        before = packets;
        /* What is left is whole: a second scan finds the same and cuts nothing. */
        struct stat one, two;
        stat(path, &one);
        cr_assert_eq(scan().packets, packets);
        stat(path, &two);
        cr_assert_eq(one.st_size, two.st_size);
        cr_assert_leq((size_t)one.st_size, cut);
    }
    file_store(path, bytes, size);
    cr_assert_eq(scan().packets, 120);
    free(bytes);
}

Test(spool, flipped_bytes_cost_their_chunk_only)
{
    struct spool_ref tail;
    char path[128];
    uint8_t *bytes;
    size_t size = file_load(write_segment(30, &tail), &bytes, path);
    struct help_random rnd = {7};

    for (unsigned i = 0; i < 2000; i++) {
        size_t at = 64 + help_below(&rnd, size - 64);
        uint8_t bit = (uint8_t)(1u << help_below(&rnd, 8));
        bytes[at] ^= bit;
        file_store(path, bytes, size);
        read_all(tail);
        uint64_t packets = scan().packets;
        cr_assert_geq(packets, 120 - 30, "at %d: %d", (int)at, (int)packets);
        bytes[at] ^= bit;
    }
    free(bytes);
}

Test(spool, garbage_between_and_behind_chunks_is_stepped_over)
{
    struct spool_ref tail;
    char path[128];
    uint8_t *bytes;
    size_t size = file_load(write_segment(30, &tail), &bytes, path);
    struct help_random rnd = {9};
    for (size_t i = size / 3; i < size / 2; i++)
        bytes[i] = (uint8_t)help_next(&rnd);
    file_store(path, bytes, size);
    FILE *f = fopen(path, "ab");
    fwrite(bytes, 1, 5000, f); /* chunks that stand in the wrong place */
    fclose(f);
    uint64_t packets = scan().packets;
    cr_assert_gt(packets, 60);
    cr_assert_lt(packets, 120);
    struct stat st;
    stat(path, &st);
    cr_assert_eq((size_t)st.st_size, size);
    free(bytes);
}

Test(spool, a_segment_that_is_being_written_is_not_cut)
{
    struct spool *s = open_with((struct spool_config){0});
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/spool/%08x.seg", dir, 64);
    cr_assert_eq(spool_flush(s), 0);
    FILE *f = fopen(path, "ab");
    cr_assert_not_null(f);
    fwrite("torn", 1, 4, f);
    fclose(f);
    scan();
    stat(path, &st);
    cr_assert_eq(st.st_size, 68);
    spool_close(s);
    scan();
    stat(path, &st);
    cr_assert_eq(st.st_size, 64);
}

Test(spool, a_directory_that_cannot_be_made_says_so)
{
    struct spool *s = NULL;
    struct why why = {""};
    struct spool_config config = {.data_dir = "/proc/nowhere"};
    cr_assert_lt(spool_open(&config, counters, &s, &why), 0);
    cr_assert(strstr(why.text, "/proc/nowhere"), "%s", why.text);
    cr_assert_null(s);
}
