/* Merging: every frame once, in the order of time, whatever the sources are; files by the thousand
 * with few descriptors; live interfaces with one waiting for the other, and not for long. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "fixture.h"

#define T0 INT64_C(1700000000)
#define MS INT64_C(1000000)

static void assert_in_order(const struct seen *seen)
{
    for (size_t i = 1; i < seen->count; i++)
        cr_assert_leq(seen->frames[i - 1].time_ns, seen->frames[i].time_ns, "frame %zu", i);
}

/* ---- files ---- */

/* Frames with fill `fill`, at `from_us` and each `step_us`. */
static struct buf capture_of(uint8_t fill, int64_t from_us, int64_t step_us, uint32_t frames)
{
    struct writer w = {0};
    pcap_begin(&w, LINK_ETHERNET);
    for (uint32_t i = 0; i < frames; i++)
        pcap_frame(&w, from_us + i * step_us, fill, 40 + i % 50);
    return w.b;
}

static void save_capture(const char *folder, const char *name, uint8_t fill, int64_t from_us,
                         int64_t step_us, uint32_t frames)
{
    struct buf b = capture_of(fill, from_us, step_us, frames);
    save_as(folder, name, buf_view(&b));
    buf_fini(&b);
}

static enum source_state read_files(const struct source_file *files, size_t count, int batch,
                                    struct seen *seen, struct why *why)
{
    struct source_files_config config = {
        .files = files, .count = count, .trouble = see_trouble, .context = seen};
    struct source *s;
    if (source_open_files(&config, &s, why) != 0)
        return SOURCE_FAILED;
    double progress = 0;
    enum source_state state;
    while ((state = source_dispatch(s, batch, 0, see, seen, why)) == SOURCE_MORE) {
        cr_assert_geq(source_progress(s), progress);
        progress = source_progress(s);
    }
    cr_assert_eq(source_progress(s), 1.0);
    source_close(s);
    return state;
}

static size_t count_of(const struct seen *seen, uint8_t fill)
{
    size_t n = 0;
    for (size_t i = 0; i < seen->count; i++)
        n += seen->frames[i].first == fill;
    return n;
}

Test(merge, files_are_read_in_the_order_of_time_whatever_the_order_of_their_names_and_the_batch)
{
    static const int batches[] = {1, 7, 100000};
    char folder[64], a[100], b[100], c[100];
    make_folder(folder);
    save_capture(folder, "a.pcap", 1, T0 * 1000000 + 500, 1000, 2000);
    save_capture(folder, "b.pcap", 2, T0 * 1000000, 700, 3000);
    save_capture(folder, "c.pcap", 3, (T0 - 10) * 1000000, 100, 500);
    snprintf(a, sizeof a, "%s/a.pcap", folder);
    snprintf(b, sizeof b, "%s/b.pcap", folder);
    snprintf(c, sizeof c, "%s/c.pcap", folder);
    for (size_t i = 0; i < COUNT(batches); i++) {
        struct source_file files[] = {{.path = a}, {.path = b}, {.path = c}};
        struct seen seen = {0};
        struct why why = {0};
        cr_assert_eq(read_files(files, 3, batches[i], &seen, &why), SOURCE_END, "%s", why.text);
        cr_assert_eq(seen.count, 5500);
        assert_in_order(&seen);
        cr_assert_eq(count_of(&seen, 1), 2000);
        cr_assert_eq(count_of(&seen, 2), 3000);
        cr_assert_eq(count_of(&seen, 3), 500);
        cr_assert_eq(seen.troubles, 0);
        seen_free(&seen);
    }
    remove_folder(folder);
}

Test(merge, an_offset_moves_the_time_stamps_of_its_file)
{
    char folder[64], a[100], b[100];
    make_folder(folder);
    save_capture(folder, "a.pcap", 1, T0 * 1000000, 1000, 100);
    save_capture(folder, "b.pcap", 2, (T0 + 3600) * 1000000 + 500, 1000, 100); /* an hour ahead */
    snprintf(a, sizeof a, "%s/a.pcap", folder);
    snprintf(b, sizeof b, "%s/b.pcap", folder);
    struct source_file files[] = {{.path = b, .offset_ns = -3600 * SECOND}, {.path = a}};
    struct seen seen = {0};
    struct why why = {0};
    cr_assert_eq(read_files(files, 2, 1000, &seen, &why), SOURCE_END, "%s", why.text);
    cr_assert_eq(seen.count, 200);
    assert_in_order(&seen);
    for (size_t i = 0; i < 200; i++)
        cr_assert_eq(seen.frames[i].first, 1 + i % 2);
    seen_free(&seen);
    cr_assert_eq(read_files(files, 1, 1000, &seen, &why), SOURCE_END, "%s", why.text);
    cr_assert_eq(seen.frames[0].time_ns, T0 * SECOND + 500000); /* a single one as well */
    seen_free(&seen);
    remove_folder(folder);
}

Test(merge, a_clock_that_steps_back_within_a_file_loses_nothing)
{
    char folder[64];
    struct writer w = {0};
    make_folder(folder);
    pcap_begin(&w, LINK_ETHERNET);
    for (int i = 0; i < 100; i++)
        pcap_frame(&w, (T0 + (i < 50 ? i : i - 1000)) * 1000000, 1, 50);
    save_as(folder, "steps.pcap", buf_view(&w.b));
    save_capture(folder, "other.pcap", 2, T0 * 1000000, 1000000, 100);
    struct source_file files[] = {{.path = folder}};
    struct seen seen = {0};
    struct why why = {0};
    cr_assert_eq(read_files(files, 1, 10, &seen, &why), SOURCE_END, "%s", why.text);
    cr_assert_eq(count_of(&seen, 1), 100);
    cr_assert_eq(count_of(&seen, 2), 100);
    int64_t last = 0;
    for (size_t i = 0; i < seen.count; i++) { /* each file in its own order */
        if (seen.frames[i].first != 2)
            continue;
        cr_assert_gt(seen.frames[i].time_ns, last);
        last = seen.frames[i].time_ns;
    }
    seen_free(&seen);
    buf_fini(&w.b);
    remove_folder(folder);
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static unsigned most_descriptors;

static void see_descriptors(void *context, const struct frame *frame)
{
    struct seen *seen = context;
    if (seen->count % 50 == 0) {
        unsigned now = open_descriptors();
        most_descriptors = now > most_descriptors ? now : most_descriptors;
    }
    see(seen, frame);
}

Test(merge, a_rotated_capture_of_thousands_of_files_takes_few_descriptors)
{
    enum { FILES = 3000 };
    char folder[64];
    make_folder(folder);
    for (int i = 0; i < FILES; i++) {
        char name[40];
        /* Names do not sort as their times do. */
        snprintf(name, sizeof name, "%05d.pcap", i * 7919 % FILES);
        save_capture(folder, name, 1, (T0 + i) * 1000000, 200000, 5);
    }
    struct source_file file = {.path = folder};
    struct source_files_config config = {.files = &file, .count = 1};
    struct source *s;
    struct seen seen = {0};
    struct why why = {0};
    unsigned before = open_descriptors();
    cr_assert_eq(source_open_files(&config, &s, &why), 0, "%s", why.text);
    while (source_dispatch(s, 1000, 0, see_descriptors, &seen, &why) == SOURCE_MORE)
        ;
    source_close(s);
    cr_assert_eq(seen.count, FILES * 5);
    assert_in_order(&seen);
    cr_assert_leq(most_descriptors, before + 6, "%u descriptors over %u", most_descriptors, before);
    seen_free(&seen);
    remove_folder(folder);
}

Test(merge, more_files_than_may_be_open_at_once_are_told)
{
    char folder[64];
    make_folder(folder);
    for (int i = 0; i < SOURCE_MERGE_MAX + 4; i++) {
        char name[40];
        snprintf(name, sizeof name, "%03d.pcap", i);
        save_capture(folder, name, (uint8_t)i, T0 * 1000000 + i, 1000000, 3);
    }
    struct source_file file = {.path = folder};
    struct seen seen = {0};
    struct why why = {0};
    cr_assert_eq(read_files(&file, 1, 100, &seen, &why), SOURCE_END);
    cr_assert_eq(seen.count, SOURCE_MERGE_MAX * 3);
    cr_assert_eq(seen.troubles, 4);
    cr_assert(strstr(seen.last.text, "files overlap in time"), "%s", seen.last.text);
    assert_in_order(&seen);
    seen_free(&seen);
    remove_folder(folder);
}

Test(merge, a_directory_gives_its_captures_and_names_what_cannot_be_read)
{
    char folder[64], sub[100];
    make_folder(folder);
    struct buf b = capture_of(7, T0 * 1000000, 10, 30), packed = pack_gzip(buf_view(&b)),
               zstd = pack_zstd(buf_view(&b));
    static const char *const taken[] = {"a.pcap", "b.PCAP", "c.cap", "d.pcap12",
                                        "e.pcapng"}; /* by content, not by name */
    for (size_t i = 0; i < COUNT(taken); i++)
        save_as(folder, taken[i], buf_view(&b));
    save_as(folder, "f.pcap.gz", buf_view(&packed));
    save_as(folder, "g.cap.zst", buf_view(&zstd));
    static const char *const left[] = {"notes.txt",  ".hidden.pcap", "pcap",
                                       "x.pcap.bak", "y.gz",         "z.pcap.truth.json"};
    for (size_t i = 0; i < COUNT(left); i++)
        save_as(folder, left[i], slice_str("not to be read"));
    snprintf(sub, sizeof sub, "%s/sub.pcap", folder);
    mkdir(sub, 0700);
    struct source_file file = {.path = folder};
    struct seen seen = {0};
    struct why why = {0};
    cr_assert_eq(read_files(&file, 1, 100, &seen, &why), SOURCE_END, "%s", why.text);
    cr_assert_eq(seen.count, 7 * 30);
    cr_assert_eq(seen.troubles, 0, "%s", seen.last.text);
    seen_free(&seen);

    save_as(folder, "h.pcap", slice_str("dear diary, nothing was captured today"));
    save_as(folder, "i.pcap", slice_of(b.data, b.size - 3));
    cr_assert_eq(read_files(&file, 1, 100, &seen, &why), SOURCE_END, "%s", why.text);
    cr_assert_eq(seen.count, 7 * 30 + 29);
    cr_assert_eq(seen.troubles, 2);
    cr_assert_eq(seen.last_err, ERR_TRUNCATED);
    cr_assert(strstr(seen.last.text, "i.pcap is cut"), "%s", seen.last.text);
    seen_free(&seen);
    rmdir(sub);
    buf_fini(&b);
    buf_fini(&packed);
    buf_fini(&zstd);
    remove_folder(folder);
}

Test(merge, when_nothing_can_be_read_each_file_is_named_once)
{
    char folder[64];
    make_folder(folder);
    struct source_file files[] = {{.path = "/tmp/no-such.pcap"}, {.path = folder}};
    struct seen seen = {0};
    struct why why = {0};
    cr_assert_eq(read_files(files, 2, 100, &seen, &why), SOURCE_FAILED);
    cr_assert_eq(seen.troubles, 1);
    cr_assert(strstr(seen.last.text, "holds no capture files"), "%s", seen.last.text);
    cr_assert(strstr(why.text, "no-such.pcap does not exist"), "%s", why.text);
    seen_free(&seen);
    cr_assert_eq(read_files(&files[1], 1, 100, &seen, &why), SOURCE_FAILED);
    cr_assert_eq(seen.troubles, 0);
    cr_assert(strstr(why.text, "holds no capture files"), "%s", why.text);
    rmdir(folder);
}

Test(merge, standard_input_and_files_are_merged)
{
    char folder[64], path[100], command[200];
    make_folder(folder);
    save_capture(folder, "a.pcap", 1, T0 * 1000000, 1000, 500);
    save_capture(folder, "in", 2, T0 * 1000000 + 500, 1000, 500);
    snprintf(path, sizeof path, "%s/a.pcap", folder);
    snprintf(command, sizeof command, "cat %s/in", folder);
    FILE *pipe = popen(command, "r");
    cr_assert(pipe);
    cr_assert_eq(dup2(fileno(pipe), STDIN_FILENO), STDIN_FILENO);
    struct source_file files[] = {{.path = path}, {.path = "-"}};
    struct source_files_config config = {.files = files, .count = 2};
    struct source *s;
    struct seen seen = {0};
    struct why why = {0};
    cr_assert_eq(source_open_files(&config, &s, &why), 0, "%s", why.text);
    cr_assert_eq(see_all(s, 64, &seen, &why), SOURCE_END);
    cr_assert_eq(seen.count, 1000);
    assert_in_order(&seen);
    source_close(s);
    seen_free(&seen);
    remove_folder(folder);
}

Test(merge, a_pipe_that_says_nothing_is_left_at_a_wake)
{
    int ends[2];
    struct source *s;
    struct why why = {0};
    struct seen seen = {0};
    struct buf b = capture_of(1, T0 * 1000000, 1000, 3);
    struct file_options options = {0};
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], b.data, b.size - 10), (ssize_t)b.size - 10);
    cr_assert_eq(file_open_fd(ends[0], "the pipe", &options, &s, &why), 0, "%s", why.text);
    cr_assert_eq(source_dispatch(s, 2, 0, see, &seen, &why), SOURCE_MORE);
    cr_assert_eq(seen.count, 2);
    struct source_input input = {.source = s};
    struct source *merge;
    cr_assert_eq(source_open_merge(&input, 1, NULL, NULL, &merge, &why), 0);
    source_wake(merge); /* what waits within is woken */
    cr_assert_eq(source_dispatch(merge, 10, 0, see, &seen, &why), SOURCE_MORE);
    cr_assert_eq(seen.count, 2);
    cr_assert_eq(write(ends[1], b.data + b.size - 10, 10), 10);
    close(ends[1]);
    cr_assert_eq(see_all(merge, 10, &seen, &why), SOURCE_END);
    cr_assert_eq(seen.count, 3);
    source_close(merge);
    seen_free(&seen);
    buf_fini(&b);
}

/* ---- live, by sources of our own ---- */

struct script {
    struct source source;
    int64_t times_ns[4000];
    size_t next, count;
    uint8_t bytes[64]; /* overwritten after each read, as a kernel's ring is */
    uint8_t mark;
    bool gone;
};

static enum source_state script_read(struct source *s, struct delivery *d, int timeout_ms,
                                     struct why *why)
{
    struct script *p = (struct script *)s;
    (void)timeout_ms;
    int asked = d->frames_max; /* like libpcap it does not stop within a block when it is told to */
    while (d->frames < asked && p->next < p->count) {
        memset(p->bytes, p->mark, sizeof p->bytes);
        struct frame frame = {.bytes = slice_of(p->bytes, 10 + p->next % 50),
                              .wire_bytes = 64,
                              .time_ns = p->times_ns[p->next++]};
        source_deliver(s, d, &frame);
    }
    memset(p->bytes, 0xee, sizeof p->bytes);
    s->stats.kernel_drops = 10u * p->mark;
    if (d->frames == 0 && p->gone) {
        why_set(why, "%s is gone", s->name);
        return SOURCE_FAILED;
    }
    return d->frames ? SOURCE_MORE : SOURCE_IDLE;
}

static void script_close(struct source *s)
{
    free(s);
}

static const struct source_kind script_kind = {.read = script_read, .close = script_close};

static struct script *new_script(uint8_t mark)
{
    struct script *p = calloc(1, sizeof *p);
    cr_assert(p);
    cr_assert_eq(source_init(&p->source, &script_kind, mark == 1 ? "one" : "two"), 0);
    p->mark = mark;
    return p;
}

static struct source *merge_two(struct script *one, struct script *two, struct seen *seen)
{
    struct source_input inputs[] = {{.source = &one->source}, {.source = &two->source}};
    struct source *merge;
    struct why why;
    cr_assert_eq(source_open_merge(inputs, 2, see_trouble, seen, &merge, &why), 0, "%s", why.text);
    return merge;
}

Test(merge, live_frames_are_in_order_and_their_bytes_survive_the_ring)
{
    struct script *one = new_script(1), *two = new_script(2);
    struct seen seen = {0};
    struct why why;
    int64_t begin = clock_wall_ns() - 10 * SECOND;
    for (int i = 0; i < 4000; i++) {
        one->times_ns[one->count++] = begin + i * MS;
        two->times_ns[two->count++] = begin + i * 3 * MS / 2 + 1000;
    }
    struct source *merge = merge_two(one, two, &seen);
    while (source_dispatch(merge, 100, 5, see, &seen, &why) == SOURCE_MORE)
        ;
    cr_assert_eq(seen.count, 8000);
    assert_in_order(&seen);
    cr_assert_eq(count_of(&seen, 1), 4000);
    struct source_stats stats;
    source_stats(merge, &stats);
    cr_assert_eq(stats.frames, 8000);
    cr_assert_eq(stats.bytes_on_wire, 8000 * 64);
    cr_assert_eq(stats.kernel_drops, 30);
    source_close(merge);
    seen_free(&seen);
}

/* What these two expect holds on a machine that does not stop the test itself for most of a tenth of a second: false when it did,
 * and nothing was judged. */
static bool stood_still(int64_t since_ns)
{
    return clock_wall_ns() - since_ns > SOURCE_MERGE_WAIT_NS * 6 / 10;
}

static bool silence_holds_back(void)
{
    struct script *one = new_script(1), *two = new_script(2);
    struct seen seen = {0};
    struct why why;
    int64_t now = clock_wall_ns();
    for (int i = 0; i < 20; i++)
        one->times_ns[one->count++] = now + i * MS;
    struct source *merge = merge_two(one, two, &seen);
    enum source_state state = source_dispatch(merge, 100, 20, see, &seen, &why);
    cr_assert((state == SOURCE_IDLE && seen.count == 0) || stood_still(now));
    two->times_ns[two->count++] =
        now + 10 * MS + 1; /* it comes late, and still goes where it belongs */
    if (stood_still(now)) {
        source_close(merge);
        seen_free(&seen);
        return false;
    }
    while (seen.count < 21 && clock_wall_ns() < now + 5 * SECOND)
        source_dispatch(merge, 100, 50, see, &seen, &why);
    int64_t took = clock_wall_ns() - now;
    cr_assert_eq(seen.count, 21);
    assert_in_order(&seen);
    cr_assert_eq(seen.frames[11].first, 2);
    cr_assert_geq(took, SOURCE_MERGE_WAIT_NS);
    cr_assert_leq(took, 20 * SOURCE_MERGE_WAIT_NS);
    source_close(merge);
    seen_free(&seen);
    return true;
}

Test(merge, a_silent_interface_holds_the_others_back_for_a_tenth_of_a_second)
{
    while (!silence_holds_back())
        ;
}

/* Both speak all the time, and the one is seen 30 ms after the other. */
static bool order_holds(void)
{
    bool judged = true;
    struct script *one = new_script(1), *two = new_script(2);
    struct seen seen = {0};
    struct why why;
    struct source *merge = merge_two(one, two, &seen);
    int64_t begin = clock_wall_ns(), now;
    while ((now = clock_wall_ns()) < begin + SECOND) {
        while (one->count < 4000 && begin + (int64_t)one->count * MS / 2 < now) {
            one->times_ns[one->count] = begin + (int64_t)one->count * MS / 2;
            one->count++;
        }
        while (two->count < 4000 && begin + (int64_t)two->count * MS / 2 < now - 30 * MS) {
            two->times_ns[two->count] = begin + (int64_t)two->count * MS / 2 + 1000;
            two->count++;
        }
        source_dispatch(merge, 1000, 5, see, &seen, &why);
        judged = judged && !stood_still(now);
    }
    if (judged) {
        cr_assert_gt(seen.count, 2000);
        assert_in_order(&seen);
    }
    source_close(merge);
    seen_free(&seen);
    return judged;
}

Test(merge, order_holds_for_as_long_as_it_lasts)
{
    while (!order_holds())
        ;
}

Test(merge, a_clock_that_was_set_back_does_not_hold_frames_for_long)
{
    struct script *one = new_script(1), *two = new_script(2);
    struct seen seen = {0};
    struct why why;
    int64_t now = clock_wall_ns();
    for (int i = 0; i < 500; i++)
        one->times_ns[one->count++] = now + 3600 * SECOND + i * MS;
    struct source *merge = merge_two(one, two, &seen);
    while (seen.count < 500 && clock_wall_ns() < now + 10 * SECOND)
        source_dispatch(merge, 1000, 50, see, &seen, &why);
    cr_assert_eq(seen.count, 500);
    cr_assert_leq(clock_wall_ns() - now, 3 * SECOND);
    source_close(merge);
    seen_free(&seen);
}

Test(merge, an_interface_that_goes_is_told_and_the_last_one_ends_it)
{
    struct script *one = new_script(1), *two = new_script(2);
    struct seen seen = {0};
    struct why why = {0};
    one->times_ns[one->count++] = 1;
    one->gone = true;
    two->times_ns[two->count++] = 2;
    struct source *merge = merge_two(one, two, &seen);
    cr_assert_eq(source_dispatch(merge, 100, 0, see, &seen, &why), SOURCE_MORE);
    cr_assert_eq(seen.count, 2);
    cr_assert_eq(seen.troubles, 1);
    cr_assert(strstr(seen.last.text, "one is gone"), "%s", seen.last.text);
    cr_assert_eq(source_dispatch(merge, 100, 0, see, &seen, &why), SOURCE_IDLE);
    two->gone = true;
    cr_assert_eq(source_dispatch(merge, 100, 0, see, &seen, &why), SOURCE_FAILED);
    cr_assert(strstr(why.text, "two is gone"), "%s", why.text);
    cr_assert_eq(seen.troubles, 1);
    cr_assert_eq(source_dispatch(merge, 100, 0, see, &seen, &why), SOURCE_FAILED);
    struct source_stats stats;
    source_stats(merge, &stats);
    cr_assert_eq(stats.kernel_drops, 30);
    source_close(merge);
    seen_free(&seen);
}

/* A merge of merges: any source will do. */
Test(merge, merges_are_sources_too)
{
    char folder[64], a[100];
    make_folder(folder);
    save_capture(folder, "a.pcap", 3, T0 * 1000000, 1000, 100);
    snprintf(a, sizeof a, "%s/a.pcap", folder);
    struct script *one = new_script(1), *two = new_script(2);
    struct seen seen = {0};
    struct why why = {0};
    struct source_input inputs[2] = {{0}};
    for (int i = 0; i < 100; i++)
        one->times_ns[one->count++] = two->times_ns[two->count++] = T0 * SECOND + i * MS + 10;
    inputs[0].source = merge_two(one, two, &seen);
    cr_assert_eq(source_open_file(a, NULL, &inputs[1].source, &why), 0, "%s", why.text);
    struct source *merge;
    cr_assert_eq(source_open_merge(inputs, 2, NULL, NULL, &merge, &why), 0);
    while (source_dispatch(merge, 64, 0, see, &seen, &why) == SOURCE_MORE)
        ;
    cr_assert_eq(seen.count, 300);
    assert_in_order(&seen);
    source_close(merge);
    seen_free(&seen);
    remove_folder(folder);
}
