/* A flow that is taken out of the spool: nothing of it can be read, everything else as before, also
 * by a scan. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/spool_format.h"
#include "tests/unit/storage/spool_help.h"

#define T0      INT64_C(1700000000000000000)
#define PACKETS 600

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

TestSuite(spool_blank, .init = setup, .fini = teardown, .timeout = 60);

static unsigned packets_of(struct spool_ref tail, int *ret_bad)
{
    struct spool_reader *r;
    struct spool_packet p;
    bool truncated;
    unsigned n = 0;
    int got;
    cr_assert_eq(spool_reader_open(dir, tail, &r, &truncated), 0);
    while ((got = spool_reader_next(r, &p)) != 0) {
        n += got > 0;
        *ret_bad += got < 0;
    }
    spool_reader_close(r);
    return n;
}

/* Two flows in small segments, so that each has chunks in several. */
static struct spool *two_flows(struct spool_ref tails[2])
{
    struct spool_config config = {.data_dir = dir, .segment_bytes = 40000, .chunk_bytes = 2000};
    struct spool_flow *flows[2];
    struct spool *s = NULL;
    struct why why = {""};
    cr_assert_eq(spool_open(&config, counters, &s, &why), 0);
    for (unsigned f = 0; f < 2; f++) {
        struct spool_flow_info info = help_info(f + 1, false, "codec 8 PCMA 8000 1\n");
        flows[f] = spool_flow_open(s, &info, T0);
    }
    for (unsigned i = 0; i < 2 * PACKETS; i++) {
        struct spool_packet p = help_packet(i % 2 + 1, i / 2, false, 200, room);
        cr_assert(spool_flow_packet(s, flows[i % 2], &p));
    }
    for (unsigned f = 0; f < 2; f++)
        tails[f] = spool_flow_close(s, flows[f]);
    cr_assert_eq(spool_flush(s), 0);
    return s;
}

static void count_found(void *context, const struct spool_found *found)
{
    *(uint64_t *)context += found->packets;
}

Test(spool_blank, nothing_of_the_flow_is_left_and_all_of_the_other)
{
    struct spool_ref tails[2];
    struct spool *s = two_flows(tails);
    struct spool_flow_info info = help_info(1, false, "");
    uint64_t bytes = 0, found = 0;
    int bad = 0;

    cr_assert_eq(packets_of(tails[0], &bad), PACKETS);
    cr_expect_eq(spool_blank(dir, tails[0], info.uid, &bytes),
                 0); /* while the segment is still written */
    cr_expect_gt(bytes, PACKETS * 24);
    cr_expect_eq(packets_of(tails[0], &bad), 0);
    cr_expect_eq(packets_of(tails[1], &bad), PACKETS);
    cr_expect_eq(bad, 0, "a blank chunk is not a damaged one");
    spool_close(s);
    cr_assert_eq(spool_scan(dir, count_found, &found), 0);
    cr_expect_eq(found, PACKETS);
    cr_expect_eq(spool_blank(dir, tails[0], info.uid, &bytes), 0, "again");
    cr_expect_eq(bytes, 0);
}

Test(spool_blank, the_chain_of_another_call_is_not_touched)
{
    struct spool_ref tails[2];
    struct spool *s = two_flows(tails);
    const uint8_t stranger[16] = {9, 9, 9};
    uint64_t bytes = 0;
    int bad = 0;

    cr_expect_eq(spool_blank(dir, tails[0], stranger, &bytes), ERR_INVALID);
    cr_expect_eq(packets_of(tails[0], &bad), PACKETS);
    spool_close(s);
}

Test(spool_blank, a_segment_that_is_gone_holds_nothing)
{
    uint8_t uid[16] = {0};
    uint64_t bytes = 1;
    cr_expect_eq(spool_blank(dir, (struct spool_ref){.segment = 77, .offset = 64}, uid, &bytes), 0);
    cr_expect_eq(bytes, 0);
}

/* The header of that chunk, by its place. */
static struct chunk_header header_at(struct spool_ref place, bool damage)
{
    char path[SPOOL_PATH_MAX];
    uint8_t bytes[CHUNK_HEADER];
    struct chunk_header h;
    cr_assert(segment_path(dir, place.segment, path));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert_eq(read_at(fd, bytes, sizeof bytes, place.offset), (int64_t)sizeof bytes);
    cr_assert(chunk_header_read(slice_of(bytes, sizeof bytes), place, &h));
    if (damage)
        cr_assert_eq(pwrite(fd, "damage", 6, (off_t)place.offset + 40), 6);
    close(fd);
    return h;
}

Test(spool_blank, a_damaged_chunk_does_not_save_what_is_older)
{
    struct spool_ref tails[2];
    struct spool *s = two_flows(tails);
    struct spool_flow_info info = help_info(1, false, "");
    uint64_t bytes = 0, found = 0;
    spool_close(s);
    struct chunk_header newest = header_at(tails[0], false);
    struct spool_ref place = newest.prev;
    while (header_at(place, false).kind != CHUNK_PACKETS ||
           header_at(place, false).prev.segment != place.segment)
        place = header_at(place, false).prev; /* one with another of its segment before it */
    (void)header_at(place, true);
    cr_expect_eq(spool_blank(dir, tails[0], info.uid, &bytes), ERR_INVALID, "it is told");
    cr_assert_eq(spool_scan(dir, count_found, &found), 0);
    cr_expect_eq(found, PACKETS, "%u of the other flow, %d more", PACKETS, (int)found - PACKETS);
}
