/* Live capture on the loopback interface; skipped where the system does not permit it. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/source/source.h"

#define MILLISECOND INT64_C(1000000)

static struct source *open_lo(const struct source_live_config *config)
{
    struct source *s = NULL;
    struct why why;
    int err = source_open_live(config, &s, &why);
    if (err == ERR_DENIED)
        cr_skip_test("capturing is not permitted here");
    cr_assert_eq(err, 0, "%s", why.text);
    return s;
}

static void send_udp(uint16_t port, const char *text)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    cr_assert_geq(fd, 0);
    cr_assert_eq(sendto(fd, text, strlen(text), 0, (const struct sockaddr *)&to, sizeof to),
                 (ssize_t)strlen(text));
    close(fd);
}

static void *wake_later(void *context);

struct seen {
    const char *text; /* payload that is waited for */
    uint32_t all;
    uint32_t matching;
    int64_t time_ns;
    uint16_t link_type;
    uint16_t iface;
};

static void on_frame(void *context, const struct frame *frame)
{
    struct seen *seen = context;
    size_t size = strlen(seen->text);
    seen->all++;
    if (frame->bytes.size < size ||
        memcmp(frame->bytes.data + frame->bytes.size - size, seen->text, size) != 0)
        return;
    seen->matching++;
    seen->time_ns = frame->time_ns;
    seen->link_type = frame->link_type;
    seen->iface = frame->iface;
}

static void read_for(struct source *s, struct seen *seen, int64_t ms)
{
    struct why why;
    int64_t end = clock_mono_ns() + ms * MILLISECOND;
    while (clock_mono_ns() < end && seen->matching == 0) {
        enum source_state state = source_dispatch(s, 100, 50, on_frame, seen, &why);
        cr_assert(state == SOURCE_MORE || state == SOURCE_IDLE, "%s", why.text);
    }
}

Test(source_live, a_datagram_on_lo_is_seen_with_the_time_of_now)
{
    for (int immediate = 0; immediate < 2; immediate++) {
        struct source *s = open_lo(&(struct source_live_config){.interface = "lo",
                                                                .ring_bytes = 4 << 20,
                                                                .immediate = immediate,
                                                                .filter = "udp dst port 46001",
                                                                .iface = 5});
        struct seen seen = {.text = "earshot hears this"};
        int64_t before = clock_wall_ns();
        send_udp(46001, seen.text);
        read_for(s, &seen, 2000);
        cr_assert_geq(seen.matching, 1);
        cr_assert_eq(seen.link_type, LINK_ETHERNET);
        cr_assert_eq(seen.iface, 5);
        cr_assert_geq(seen.time_ns, before - 100 * MILLISECOND);
        cr_assert_leq(seen.time_ns, clock_wall_ns() + 100 * MILLISECOND);
        struct source_stats stats;
        source_stats(s, &stats);
        cr_assert_eq(stats.frames, seen.all);
        cr_assert_eq(stats.kernel_drops, 0);
        cr_assert_eq(source_progress(s), 0.0);
        cr_assert_str_eq(source_name(s), "lo");
        source_close(s);
    }
}

Test(source_live, a_filter_keeps_the_rest_out)
{
    struct source *s = open_lo(&(struct source_live_config){
        .interface = "lo", .ring_bytes = 4 << 20, .filter = "udp dst port 46002"});
    struct seen seen = {.text = "let in"};
    send_udp(46003, "kept out");
    send_udp(46002, seen.text);
    read_for(s, &seen, 2000);
    cr_assert_geq(seen.matching, 1);
    cr_assert_eq(seen.all, seen.matching);
    source_close(s);
}

Test(source_live, any_is_captured_with_the_header_that_tells_the_interface)
{
    struct source *s = open_lo(&(struct source_live_config){
        .interface = "any", .ring_bytes = 4 << 20, .filter = "udp dst port 46005"});
    struct seen seen = {.text = "heard on any"};
    send_udp(46005, seen.text);
    read_for(s, &seen, 2000);
    cr_assert_geq(seen.matching, 1);
    cr_assert_eq(seen.link_type, LINK_LINUX_SLL2);
    source_close(s);
}

Test(source_live, a_filter_can_be_changed_while_frames_come)
{
    struct source *s =
        open_lo(&(struct source_live_config){.interface = "lo", .ring_bytes = 4 << 20});
    struct seen seen = {.text = "let in later"};
    struct why why;
    cr_assert_eq(source_set_filter(s, "udp dst port 46007", &why), 0, "%s", why.text);
    send_udp(46006, "kept out");
    send_udp(46007, seen.text);
    read_for(s, &seen, 2000);
    cr_assert_eq(seen.matching, 1);
    cr_assert_eq(seen.all, 1);
    cr_assert_eq(source_set_filter(s, "udp dst prot 1", &why), ERR_INVALID);
    cr_assert(strstr(why.text, "udp dst prot 1"), "%s", why.text);
    source_close(s);
}

/* Two handles: each has its index, and a wake of the whole ends the waiting for both. */
Test(source_live, two_interfaces_are_merged)
{
    static const char *const names[] = {"lo", "any"};
    struct source_input inputs[2] = {{0}};
    struct source *merge;
    struct why why;
    for (uint16_t i = 0; i < 2; i++)
        inputs[i].source = open_lo(&(struct source_live_config){.interface = names[i],
                                                                .ring_bytes = 4 << 20,
                                                                .filter = "udp dst port 46008",
                                                                .iface = i});
    cr_assert_eq(source_open_merge(inputs, 2, NULL, NULL, &merge, &why), 0, "%s", why.text);
    struct seen seen = {.text = "heard twice"};
    send_udp(46008, seen.text);
    int64_t end = clock_mono_ns() + 3000 * MILLISECOND;
    while (seen.all < 2 && clock_mono_ns() < end)
        source_dispatch(merge, 100, 50, on_frame, &seen, &why);
    cr_assert_geq(seen.matching, 2);

    pthread_t thread;
    int64_t start = clock_mono_ns();
    cr_assert_eq(pthread_create(&thread, NULL, wake_later, merge), 0);
    cr_assert_neq(source_dispatch(merge, 100, 10000, on_frame, &seen, &why), SOURCE_FAILED);
    pthread_join(thread, NULL);
    cr_assert_leq(clock_mono_ns() - start, 3000 * MILLISECOND);
    source_close(merge);
}

static void *wake_later(void *context)
{
    struct timespec wait = {.tv_nsec = 100 * MILLISECOND};
    nanosleep(&wait, NULL);
    source_wake(context);
    return NULL;
}

Test(source_live, another_thread_wakes_a_waiting_dispatch)
{
    struct source *s = open_lo(&(struct source_live_config){
        .interface = "lo", .ring_bytes = 4 << 20, .filter = "udp dst port 46004"});
    struct seen seen = {.text = "nothing"};
    struct why why;
    pthread_t thread;
    int64_t start = clock_mono_ns();
    cr_assert_eq(pthread_create(&thread, NULL, wake_later, s), 0);
    cr_assert_eq(source_dispatch(s, 100, 10000, on_frame, &seen, &why), SOURCE_IDLE);
    int64_t waited = clock_mono_ns() - start;
    pthread_join(thread, NULL);
    cr_assert_geq(waited, 90 * MILLISECOND);
    cr_assert_leq(waited, 3000 * MILLISECOND);

    /* The wake is used up: the next dispatch waits its time, and no longer. */
    start = clock_mono_ns();
    cr_assert_eq(source_dispatch(s, 100, 200, on_frame, &seen, &why), SOURCE_IDLE);
    cr_assert_geq(clock_mono_ns() - start, 190 * MILLISECOND);
    cr_assert_leq(clock_mono_ns() - start, 3000 * MILLISECOND);
    source_close(s);
}

Test(source_live, a_missing_interface_and_a_bad_filter_are_named)
{
    struct source *s;
    struct why why;
    struct source_live_config config = {.interface = "nosuch9"};
    cr_assert_eq(source_open_live(&config, &s, &why), ERR_NOT_FOUND);
    cr_assert(strstr(why.text, "interface nosuch9 does not exist; available: "), "%s", why.text);
    cr_assert(strstr(why.text, "lo"), "%s", why.text);

    config = (struct source_live_config){
        .interface = "lo", .ring_bytes = 1 << 20, .filter = "not a filter at all"};
    int err = source_open_live(&config, &s, &why);
    if (err == ERR_DENIED)
        cr_skip_test("capturing is not permitted here");
    cr_assert_eq(err, ERR_INVALID);
    cr_assert(strstr(why.text, "not a filter at all"), "%s", why.text);
}

Test(source_live, without_privileges_the_remedy_is_named)
{
    if (geteuid() == 0 && setuid(65534) != 0)
        cr_skip_test("needs to drop its privileges");
    struct source *s;
    struct why why;
    struct source_live_config config = {.interface = "lo"};
    if (source_open_live(&config, &s, &why) == 0)
        cr_skip_test("everybody may capture here");
    cr_assert(strstr(why.text, "CAP_NET_RAW"), "%s", why.text);
}
