/* Memory runs out while the series grow: they widen instead, and every packet is still in them.
 * realloc() is replaced for that; under a sanitizer the program keeps its own allocator. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/unit/rtp/drive.h"

#if !defined(__SANITIZE_ADDRESS__)

extern void *__libc_realloc(void *old, size_t size);

static bool memory_is_out;

void *realloc(void *old, size_t size)
{
    return memory_is_out ? NULL : __libc_realloc(old, size);
}

static void seconds(struct drive *d, int first, int last)
{
    for (int i = first * 50; i < last * 50; i++)
        drive_packet(d, (uint16_t)i, (uint32_t)i * 160, DRIVE_START_NS + i * 20 * MS);
}

static void expect_all_counted(const struct rtp_series *series, uint64_t packets, int from)
{
    uint64_t in_steps = 0, in_windows = 0;
    for (unsigned i = 0; i < series->step_count; i++)
        in_steps += series->steps[i].packets;
    for (unsigned i = 0; i < series->window_count; i++)
        in_windows += series->windows[i].expected;
    cr_expect_eq(in_steps, packets, "from %d s: %lu in steps", from, in_steps);
    cr_expect_eq(in_windows, packets, "from %d s: %lu in windows", from, in_windows);
    cr_expect_eq(series->window_ms % series->step_ms, 0, "from %d s", from);
}

Test(rtp_memory, nothing_counted_is_lost_without_memory)
{
    for (int from = 0; from < 700; from += 7) {
        struct drive d = drive_static(0, 160);
        seconds(&d, 0, from);
        memory_is_out = true;
        seconds(&d, from, from + 97);
        memory_is_out = false;
        seconds(&d, from + 97, 800);
        rtp_stream_finish(d.s);
        expect_all_counted(rtp_stream_series(d.s), 40000, from);
        drive_stop(&d);
    }
}

#endif
