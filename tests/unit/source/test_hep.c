/* HEP over sockets of loopback: what is let in, what is not, and that a stream may be cut anywhere.
 */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "capture/source/hep_rate.h"
#include "capture/source/hep_stream.h"
#include "tests/support/guard.h"
#include "tests/unit/source/hep_sender.h"

static uint64_t refused(struct source *s, enum source_refusal reason)
{
    struct source_stats stats;
    source_stats(s, &stats);
    return stats.refused[reason];
}

static struct source *open_one(enum source_hep_carrier carrier, struct source_hep_config config)
{
    struct source_hep_listener listener = on_loopback(carrier, false);
    config.listeners = &listener;
    config.listener_count = 1;
    return open_hep(&config);
}

/* ---- what comes in ---- */

Test(hep_source, datagrams_on_both_families_are_frames_with_the_time_of_now)
{
    struct source_hep_listener listeners[] = {on_loopback(SOURCE_HEP_UDP, false),
                                              on_loopback(SOURCE_HEP_UDP, true)};
    struct source *s = open_hep(
        &(struct source_hep_config){.listeners = listeners, .listener_count = 2, .iface = 3});
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct seen_frames seen;
        struct buf b;
        seen_init(&seen);
        buf_init(&b, 1 << 16);
        put_hep(&b, "OPTIONS sip:a SIP/2.0\r\n\r\n", NULL);
        int64_t before = clock_wall_ns();
        int fd = connect_to(source_hep_port(s, v6), SOCK_DGRAM, v6);
        send_all(fd, buf_view(&b));
        receive(s, &seen, 1, 2000);
        cr_assert_eq(seen.count, 1);
        cr_assert(slice_equal(buf_view(&seen.bytes), buf_view(&b)));
        cr_assert_eq(seen.iface, 3);
        cr_assert_geq(seen.times[0], before - 1000000000);
        cr_assert_leq(seen.times[0], clock_wall_ns());
        close(fd);
        buf_fini(&b);
        seen_fini(&seen);
    }
    cr_assert(strstr(source_name(s), "udp:127.0.0.1:0,udp:[::1]:0"), "%s", source_name(s));
    source_close(s);
}

Test(hep_source, packets_back_to_back_on_a_connection_are_told_apart)
{
    struct source *s = open_one(SOURCE_HEP_TCP, (struct source_hep_config){0});
    struct seen_frames seen;
    struct buf b;
    seen_init(&seen);
    buf_init(&b, 1 << 20);
    char payload[64];
    for (int i = 0; i < 300; i++) {
        snprintf(payload, sizeof payload, "packet %d", i);
        put_hep(&b, payload, NULL);
    }
    int fd = connect_to(source_hep_port(s, 0), SOCK_STREAM, false);
    send_all(fd, buf_view(&b));
    receive(s, &seen, 300, 3000);
    cr_assert_eq(seen.count, 300);
    cr_assert(slice_equal(buf_view(&seen.bytes), buf_view(&b)));
    close(fd);
    buf_fini(&b);
    seen_fini(&seen);
    source_close(s);
}

/* The largest packet there is, behind and before small ones. */
static void put_large(struct buf *b)
{
    static char payload[65535 - 6 - 6 - 7 * 6 - 14];
    memset(payload, 'x', sizeof payload - 1);
    put_hep(b, "small", NULL);
    size_t start = b->size;
    put_hep(b, payload, NULL);
    cr_assert_geq(b->size - start, 65500);
    put_hep(b, "small again", NULL);
}

Test(hep_source, any_cut_of_the_stream_gives_the_same_packets)
{
    struct source *s = open_one(SOURCE_HEP_TCP, (struct source_hep_config){0});
    struct buf b;
    buf_init(&b, 1 << 20);
    put_hep(&b, "first", NULL);
    put_hep(&b, "second", NULL);
    for (size_t cut = 1; cut < b.size; cut += 3) {
        struct seen_frames seen;
        seen_init(&seen);
        int fd = connect_to(source_hep_port(s, 0), SOCK_STREAM, false);
        int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        send_all(fd, slice_sub(buf_view(&b), 0, cut));
        receive(s, &seen, 3, 1);
        send_all(fd, slice_from(buf_view(&b), cut));
        receive(s, &seen, 2, 2000);
        cr_assert_eq(seen.count, 2, "cut at %zu", cut);
        cr_assert(slice_equal(buf_view(&seen.bytes), buf_view(&b)));
        close(fd);
        seen_fini(&seen);
    }
    buf_fini(&b);
    source_close(s);
}

Test(hep_source, the_largest_packet_passes)
{
    struct source *s = open_one(SOURCE_HEP_TCP, (struct source_hep_config){0});
    struct seen_frames seen;
    struct buf b;
    seen_init(&seen);
    buf_init(&b, 1 << 20);
    put_large(&b);
    int fd = connect_to(source_hep_port(s, 0), SOCK_STREAM, false);
    send_all(fd, buf_view(&b));
    receive(s, &seen, 3, 2000);
    cr_assert_eq(seen.count, 3);
    cr_assert(slice_equal(buf_view(&seen.bytes), buf_view(&b)));
    close(fd);
    buf_fini(&b);
    seen_fini(&seen);
    source_close(s);
}

Test(hep_source, what_a_full_dispatch_leaves_behind_comes_with_the_next)
{
    static const enum source_hep_carrier carriers[] = {SOURCE_HEP_UDP, SOURCE_HEP_TCP};
    for (unsigned i = 0; i < 2; i++) {
        struct source *s = open_one(carriers[i], (struct source_hep_config){0});
        struct seen_frames seen;
        struct why why;
        struct buf b;
        seen_init(&seen);
        buf_init(&b, 1 << 20);
        put_hep(&b, "one of forty", NULL);
        int fd = connect_to(source_hep_port(s, 0), i ? SOCK_STREAM : SOCK_DGRAM, false);
        for (unsigned n = 0; n < 40; n++)
            send_all(fd, buf_view(&b));
        for (unsigned turns = 0; seen.count < 40 && turns < 200; turns++) {
            unsigned before = seen.count;
            source_dispatch(s, 3, 100, on_hep_frame, &seen, &why);
            cr_assert_leq(seen.count - before, 3);
        }
        cr_assert_eq(seen.count, 40);
        close(fd);
        buf_fini(&b);
        seen_fini(&seen);
        source_close(s);
    }
}

/* ---- what does not ---- */

Test(hep_source, a_connection_that_does_not_speak_hep_is_closed_and_counted)
{
    struct source *s = open_one(SOURCE_HEP_TCP, (struct source_hep_config){0});
    static const char *const strangers[] = {"GET / HTTP/1.1\r\n", "HEP2....", "HEP3\0\5xx"};
    for (unsigned i = 0; i < 3; i++) {
        struct seen_frames seen;
        seen_init(&seen);
        int fd = connect_to(source_hep_port(s, 0), SOCK_STREAM, false);
        send_all(fd, slice_of(strangers[i], 8));
        receive(s, &seen, 1, 150);
        cr_assert_eq(seen.count, 0);
        cr_assert(was_closed(fd));
        cr_assert_eq(refused(s, SOURCE_REFUSED_MALFORMED), i + 1);
        close(fd);
        seen_fini(&seen);
    }
    source_close(s);
}

Test(hep_source, junk_in_datagrams_is_counted_and_does_no_harm)
{
    struct source *s = open_one(SOURCE_HEP_UDP, (struct source_hep_config){0});
    struct seen_frames seen;
    struct buf b;
    seen_init(&seen);
    buf_init(&b, 1 << 16);
    put_hep(&b, "sound", NULL);
    int fd = connect_to(source_hep_port(s, 0), SOCK_DGRAM, false);
    send_all(fd, slice_str("junk"));
    cr_assert_eq(send(fd, "", 0, 0), 0);
    send_all(fd, slice_sub(buf_view(&b), 0, b.size - 1));
    send_all(fd, buf_view(&b));
    receive(s, &seen, 1, 2000);
    cr_assert_eq(seen.count, 1);
    cr_assert_eq(refused(s, SOURCE_REFUSED_MALFORMED), 3);
    close(fd);
    buf_fini(&b);
    seen_fini(&seen);
    source_close(s);
}

Test(hep_source, with_a_key_only_packets_that_hold_it_pass)
{
    struct source *s = open_one(SOURCE_HEP_UDP, (struct source_hep_config){.auth_key = "secret"});
    static const char *const keys[] = {NULL, "", "secreT", "secre", "secrets", "secret"};
    static const uint8_t hep2[] = {2, 16, 2, 17, 0x13, 0xc4, 0x13, 0xc4, 192, 0, 2, 1, 192, 0,  2,
                                   2, 0,  0, 0,  0,    0,    0,    0,    0,   0, 0, 0, 0,   'x'};
    struct seen_frames seen;
    seen_init(&seen);
    int fd = connect_to(source_hep_port(s, 0), SOCK_DGRAM, false);
    for (unsigned i = 0; i < 6; i++) {
        struct buf b;
        buf_init(&b, 1 << 16);
        put_hep(&b, "x", keys[i]);
        send_all(fd, buf_view(&b));
        buf_fini(&b);
    }
    send_all(fd, slice_of(hep2, sizeof hep2));
    receive(s, &seen, 2, 200);
    cr_assert_eq(seen.count, 1);
    cr_assert_eq(refused(s, SOURCE_REFUSED_AUTH), 6);
    close(fd);
    source_close(s);

    s = open_one(SOURCE_HEP_UDP, (struct source_hep_config){0});
    fd = connect_to(source_hep_port(s, 0), SOCK_DGRAM, false);
    send_all(fd, slice_of(hep2, sizeof hep2));
    receive(s, &seen, 2, 2000);
    cr_assert_eq(seen.count, 2);
    close(fd);
    seen_fini(&seen);
    source_close(s);
}

Test(hep_source, a_connection_without_the_key_is_closed)
{
    struct source *s = open_one(SOURCE_HEP_TCP, (struct source_hep_config){.auth_key = "secret"});
    struct seen_frames seen;
    struct buf b;
    seen_init(&seen);
    buf_init(&b, 1 << 16);
    put_hep(&b, "with", "secret");
    put_hep(&b, "without", NULL);
    put_hep(&b, "too late", "secret");
    int fd = connect_to(source_hep_port(s, 0), SOCK_STREAM, false);
    send_all(fd, buf_view(&b));
    receive(s, &seen, 2, 200);
    cr_assert_eq(seen.count, 1);
    cr_assert_eq(refused(s, SOURCE_REFUSED_AUTH), 1);
    cr_assert(was_closed(fd));
    close(fd);
    buf_fini(&b);
    seen_fini(&seen);
    source_close(s);
}

static size_t gzip(struct slice bytes, uint8_t *out, size_t room)
{
    z_stream z = {.avail_in = (unsigned)bytes.size, .next_out = out, .avail_out = (unsigned)room};
    uint8_t *in = malloc(bytes.size);
    memcpy(in, bytes.data, bytes.size);
    z.next_in = in;
    cr_assert_eq(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    free(in);
    return room - z.avail_out;
}

Test(hep_source, a_packet_in_gzip_is_unpacked_and_a_bomb_is_not)
{
    struct source *s = open_one(SOURCE_HEP_UDP, (struct source_hep_config){0});
    struct seen_frames seen;
    struct buf b, bomb;
    static uint8_t packed[65536];
    seen_init(&seen);
    buf_init(&b, 1 << 16);
    buf_init(&bomb, 1 << 25);
    put_hep(&b, "packed by heplify", NULL);
    memset(buf_reserve(&bomb, 20 << 20), 0, 20 << 20);
    bomb.size = 20 << 20;
    int fd = connect_to(source_hep_port(s, 0), SOCK_DGRAM, false);
    send_all(fd, slice_of(packed, gzip(buf_view(&bomb), packed, sizeof packed)));
    send_all(fd, slice_of(packed, gzip(buf_view(&b), packed, sizeof packed)));
    receive(s, &seen, 1, 2000);
    cr_assert_eq(seen.count, 1);
    cr_assert(slice_equal(buf_view(&seen.bytes), buf_view(&b)));
    cr_assert_eq(refused(s, SOURCE_REFUSED_MALFORMED), 1);
    close(fd);
    buf_fini(&b);
    buf_fini(&bomb);
    seen_fini(&seen);
    source_close(s);
}

/* ---- bounds ---- */

Test(hep_source, an_address_that_sends_too_fast_is_held_to_its_rate)
{
    struct source *s = open_one(SOURCE_HEP_UDP, (struct source_hep_config){.rate = 10});
    struct seen_frames seen;
    struct buf b;
    seen_init(&seen);
    buf_init(&b, 1 << 16);
    put_hep(&b, "x", NULL);
    int fd = connect_to(source_hep_port(s, 0), SOCK_DGRAM, false);
    for (unsigned i = 0; i < 100; i++)
        send_all(fd, buf_view(&b));
    receive(s, &seen, 101, 300);
    cr_assert_geq(seen.count, 10);
    cr_assert_leq(seen.count, 20); /* a second may have begun in between */
    cr_assert_eq(seen.count + refused(s, SOURCE_REFUSED_RATE), 100);
    close(fd);
    buf_fini(&b);
    seen_fini(&seen);
    source_close(s);
}

Test(hep_source, connections_beyond_the_cap_are_closed_and_counted_and_places_come_back)
{
    struct source *s = open_one(SOURCE_HEP_TCP, (struct source_hep_config){.peers_max = 2});
    struct seen_frames seen;
    struct buf b;
    int fds[4];
    seen_init(&seen);
    buf_init(&b, 1 << 16);
    put_hep(&b, "x", NULL);
    for (unsigned i = 0; i < 3; i++)
        fds[i] = connect_to(source_hep_port(s, 0), SOCK_STREAM, false);
    receive(s, &seen, 1, 100);
    cr_assert(was_closed(fds[2]));
    cr_assert_eq(refused(s, SOURCE_REFUSED_PEERS), 1);
    close(fds[0]);
    receive(s, &seen, 1, 100);
    fds[3] = connect_to(source_hep_port(s, 0), SOCK_STREAM, false);
    send_all(fds[3], buf_view(&b));
    send_all(fds[1], buf_view(&b));
    receive(s, &seen, 2, 2000);
    cr_assert_eq(seen.count, 2);
    for (unsigned i = 1; i < 4; i++)
        close(fds[i]);
    buf_fini(&b);
    seen_fini(&seen);
    source_close(s);
}

Test(hep_source, at_the_cap_a_connection_that_never_gave_a_packet_makes_way)
{
    struct source *s = open_one(SOURCE_HEP_TCP, (struct source_hep_config){.peers_max = 2});
    struct seen_frames seen;
    struct buf b;
    seen_init(&seen);
    buf_init(&b, 1 << 16);
    put_hep(&b, "x", NULL);
    int agent = connect_to(source_hep_port(s, 0), SOCK_STREAM, false);
    int silent = connect_to(source_hep_port(s, 0), SOCK_STREAM, false);
    send_all(agent, buf_view(&b));
    receive(s, &seen, UINT32_MAX, 6300);
    int late = connect_to(source_hep_port(s, 0), SOCK_STREAM, false);
    send_all(late, buf_view(&b));
    receive(s, &seen, 2, 2000);
    send_all(agent, buf_view(&b));
    receive(s, &seen, 3, 2000);
    cr_assert_eq(seen.count, 3);
    cr_assert(was_closed(silent));
    cr_assert_eq(refused(s, SOURCE_REFUSED_PEERS), 1);
    close(agent);
    close(silent);
    close(late);
    buf_fini(&b);
    seen_fini(&seen);
    source_close(s);
}

Test(hep_source, a_connection_that_never_completes_a_packet_is_closed)
{
    struct source *s = open_one(SOURCE_HEP_TCP, (struct source_hep_config){.idle_seconds = 1});
    struct seen_frames seen;
    seen_init(&seen);
    int fd = connect_to(source_hep_port(s, 0), SOCK_STREAM, false);
    send_all(fd, slice_str("HEP3"));
    receive(s, &seen, 1, 2600);
    cr_assert(was_closed(fd));
    close(fd);
    seen_fini(&seen);
    source_close(s);
}

Test(hep_source, datagrams_the_kernel_had_no_room_for_are_counted)
{
    struct source *s = open_one(SOURCE_HEP_UDP, (struct source_hep_config){.receive_bytes = 4096});
    struct seen_frames seen;
    struct source_stats stats;
    struct buf b;
    seen_init(&seen);
    buf_init(&b, 1 << 16);
    put_hep(&b, "one of very many", NULL);
    int fd = connect_to(source_hep_port(s, 0), SOCK_DGRAM, false);
    for (unsigned i = 0; i < 500; i++)
        send_all(fd, buf_view(&b));
    receive(s, &seen, 500, 300);
    source_stats(s, &stats);
    cr_assert_gt(stats.kernel_drops, 0);
    cr_assert_eq(stats.kernel_drops + seen.count, 500);
    close(fd);
    buf_fini(&b);
    seen_fini(&seen);
    source_close(s);
}

Test(hep_source, a_wake_ends_the_waiting)
{
    struct source *s = open_one(SOURCE_HEP_UDP, (struct source_hep_config){0});
    struct seen_frames seen;
    struct why why;
    seen_init(&seen);
    source_wake(s);
    int64_t start = clock_mono_ns();
    cr_assert_eq(source_dispatch(s, 10, 10000, on_hep_frame, &seen, &why), SOURCE_IDLE);
    cr_assert_leq(clock_mono_ns() - start, INT64_C(3000000000));
    seen_fini(&seen);
    source_close(s);
}

Test(hep_rate, each_address_has_its_own_allowance_each_second)
{
    struct hep_rate r;
    cr_assert_eq(hep_rate_init(&r, 3), 0);
    for (uint32_t second = UINT32_MAX - 1; second != 3; second++)
        for (unsigned i = 0; i < 5; i++) {
            cr_assert_eq(hep_rate_take(&r, addr_v4(1), second), i < 3);
            cr_assert_eq(hep_rate_take(&r, addr_v4(2), second), i < 3);
        }
    for (uint32_t a = 0; a < 100000; a++) /* many addresses find a place, and take no more room */
        cr_assert(hep_rate_take(&r, addr_v4(a), 9));
    hep_rate_fini(&r);
}

/* ---- opening ---- */

static void assert_refused(struct source_hep_listener listener, const char *certificate, int err,
                           const char *word)
{
    struct source *s = NULL;
    struct why why = {0};
    struct source_hep_config config = {.listeners = &listener,
                                       .listener_count = 1,
                                       .certificate = certificate,
                                       .private_key = certificate};
    cr_assert_eq(source_open_hep(&config, &s, &why), err, "%s", why.text);
    cr_assert(strstr(why.text, word), "%s", why.text);
    cr_assert_null(s);
}

Test(hep_source, what_cannot_be_opened_is_said_in_words)
{
    struct source *s = open_one(SOURCE_HEP_UDP, (struct source_hep_config){0});
    struct source_hep_listener taken = on_loopback(SOURCE_HEP_UDP, false);
    taken.at.port = source_hep_port(s, 0);
    assert_refused(taken, NULL, ERR_BUSY, "another program");
    struct source_hep_listener nowhere = {.carrier = SOURCE_HEP_TCP,
                                          .at = {.addr = addr_v4(0xc0000201)}};
    assert_refused(nowhere, NULL, ERR_NOT_FOUND, "tcp:192.0.2.1:0");
    assert_refused(on_loopback(SOURCE_HEP_TLS, false), NULL, ERR_INVALID, "certificate");
    assert_refused(on_loopback(SOURCE_HEP_TLS, false), "/nonexistent.pem", ERR_INVALID,
                   "/nonexistent.pem");
    source_close(s);
}

/* ---- TLS ---- */

static void make_certificate(char ret_folder[64])
{
    char command[512];
    strcpy(ret_folder, "/tmp/earshot-hep-XXXXXX");
    cr_assert_not_null(mkdtemp(ret_folder));
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
             "-subj /CN=localhost -keyout %s/key.pem -out %s/cert.pem 2>/dev/null",
             ret_folder, ret_folder);
    cr_assert_eq(system(command), 0);
}

static void remove_certificate(const char *folder)
{
    char path[96];
    snprintf(path, sizeof path, "%s/key.pem", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/cert.pem", folder);
    unlink(path);
    rmdir(folder);
}

static struct source *open_tls(const char *folder)
{
    char certificate[96], key[96];
    snprintf(certificate, sizeof certificate, "%s/cert.pem", folder);
    snprintf(key, sizeof key, "%s/key.pem", folder);
    return open_one(SOURCE_HEP_TLS,
                    (struct source_hep_config){.certificate = certificate, .private_key = key});
}

static unsigned send_by_tls(struct source *s, const char *version, struct slice bytes,
                            struct seen_frames *seen, unsigned count)
{
    char command[256];
    snprintf(command, sizeof command,
             "openssl s_client -quiet -no_ign_eof %s -connect 127.0.0.1:%u >/dev/null 2>&1",
             version, source_hep_port(s, 0));
    FILE *client = popen(command, "w");
    cr_assert_not_null(client);
    setvbuf(client, NULL, _IONBF, 0);
    receive(s, seen, UINT32_MAX, 300); /* the handshake */
    for (size_t at = 0; at < bytes.size; at += 7000) {
        struct slice part = slice_sub(bytes, at, at + 7000);
        if (fwrite(part.data, 1, part.size, client) != part.size)
            break;
        receive(s, seen, UINT32_MAX, 5);
    }
    receive(s, seen, count, 3000);
    pclose(client);
    return seen->count;
}

Test(hep_source, tls_carries_packets_and_older_versions_are_refused)
{
    char folder[64];
    struct buf b;
    signal(SIGPIPE, SIG_IGN);
    make_certificate(folder);
    struct source *s = open_tls(folder);
    buf_init(&b, 1 << 20);
    put_large(&b);
    for (unsigned i = 0; i < 100; i++)
        put_hep(&b, "by TLS", NULL);
    static const char *const versions[] = {"-tls1_3", "-tls1_2", "-tls1_1 -cipher ALL:@SECLEVEL=0"};
    for (unsigned i = 0; i < 3; i++) {
        struct seen_frames seen;
        seen_init(&seen);
        unsigned want = i < 2 ? 103 : 0;
        cr_assert_eq(send_by_tls(s, versions[i], buf_view(&b), &seen, want), want, "%s: %u",
                     versions[i], seen.count);
        if (want)
            cr_assert(slice_equal(buf_view(&seen.bytes), buf_view(&b)));
        seen_fini(&seen);
    }
    buf_fini(&b);
    source_close(s);
    remove_certificate(folder);
}

Test(hep_source, plain_bytes_on_a_tls_listener_end_the_connection)
{
    char folder[64];
    signal(SIGPIPE, SIG_IGN);
    make_certificate(folder);
    struct source *s = open_tls(folder);
    struct seen_frames seen;
    seen_init(&seen);
    int fd = connect_to(source_hep_port(s, 0), SOCK_STREAM, false);
    send_all(fd, slice_str("HEP3 in the clear, on a port that wants TLS"));
    receive(s, &seen, 1, 200);
    cr_assert_eq(seen.count, 0);
    char alert[64];
    (void)recv(fd, alert, sizeof alert, MSG_DONTWAIT);
    cr_assert(was_closed(fd));
    close(fd);
    seen_fini(&seen);
    source_close(s);
    remove_certificate(folder);
}

/* ---- framing ---- */

Test(hep_stream, every_cut_of_a_packet_waits_for_more_and_is_no_packet)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    put_hep(&b, "payload", "key");
    for (size_t n = 0; n <= b.size; n++) {
        struct slice copy = guard_copy(slice_sub(buf_view(&b), 0, n));
        cr_assert_eq(hep_stream_size(copy), n == b.size ? n : 0);
        cr_assert_eq(hep_admit(copy, slice_str("key")), n == b.size ? HEP_ADMITTED : HEP_MALFORMED,
                     "%zu", n);
        guard_free(copy);
    }
    buf_fini(&b);
}

Test(hep_stream, a_stream_that_is_no_hep_is_told_by_its_first_bytes)
{
    static const struct {
        const char *bytes;
        size_t size;
        size_t result;
    } cases[] = {
        {"", 0, 0},
        {"H", 1, 0},
        {"EEP", 3, 0},
        {"X", 1, SIZE_MAX},
        {"HEP2", 4, SIZE_MAX},
        {"HEP3\x00", 5, 0},
        {"HEP3\x00\x05", 6, SIZE_MAX},
        {"HEP3\x00\x06", 6, 6},
        {"HEP3\x00\x06HEP3", 10, 6},
        {"HEP3\xff\xff", 6, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice copy = guard_copy(slice_of(cases[i].bytes, cases[i].size));
        cr_assert_eq(hep_stream_size(copy), cases[i].result, "case %zu", i);
        guard_free(copy);
    }
}

Test(hep_stream, lengths_that_lie_are_malformed)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    put_hep(&b, "payload", NULL);
    for (size_t at = 4; at < b.size; at++) {
        /* Length of the packet and of each chunk, two bytes each. */
        for (unsigned v = 0; v < 256; v += 5) {
            uint8_t was = b.data[at];
            b.data[at] = (uint8_t)v;
            struct slice copy = guard_copy(buf_view(&b));
            (void)hep_admit(copy, slice_str("key"));
            if (at == 4 && v != was)
                cr_assert_eq(hep_admit(copy, slice_none()), HEP_MALFORMED);
            guard_free(copy);
            b.data[at] = was;
        }
    }
    buf_fini(&b);
}
