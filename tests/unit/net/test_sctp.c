/* SCTP: chunks to messages, in any order, copied, lost, lying, and too many. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "capture/net/sctp.h"
#include "tests/support/guard.h"

#define SECOND INT64_C(1000000000)
#define TAG    0x11112222u

enum { END = 1, BEGIN = 2, UNORDERED = 4, WHOLE = BEGIN | END };

struct fixture {
    struct counters *counters;
    struct sctp *sctp;
    struct buf got; /* each message behind its '|' */
    unsigned count;
    uint32_t protocol;
    struct datagram last;
    struct buf packet;
    bool reversed;
};

static void take(void *context, const struct datagram *message, uint32_t payload_protocol)
{
    struct fixture *f = context;
    buf_char(&f->got, '|');
    buf_slice(&f->got, message->payload);
    f->count++;
    f->protocol = payload_protocol;
    f->last = *message;
    cr_assert_eq(message->payload_wire, message->payload.size);
}

static struct fixture *fixture_new(const struct sctp_config *config)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct sctp_config defaults = {.seed = {.k0 = 1, .k1 = 2}};
    f->counters = calloc(1, sizeof *f->counters);
    cr_assert_eq(sctp_new(config ? config : &defaults, take, f, f->counters, &f->sctp), 0);
    buf_init(&f->got, 1 << 24);
    buf_init(&f->packet, 1 << 17);
    return f;
}

static void fixture_free(struct fixture *f)
{
    sctp_free(f->sctp);
    free(f->counters);
    buf_fini(&f->got);
    buf_fini(&f->packet);
    free(f);
}

static void begin(struct fixture *f, uint32_t tag)
{
    buf_clear(&f->packet);
    buf_u16(&f->packet, f->reversed ? 5062 : 5060);
    buf_u16(&f->packet, f->reversed ? 5060 : 5062);
    buf_u32(&f->packet, tag);
    buf_u32(&f->packet, 0xdeadbeef);
}

static void put_chunk(struct fixture *f, uint8_t type, uint8_t flags, struct slice body)
{
    buf_u8(&f->packet, type);
    buf_u8(&f->packet, flags);
    buf_u16(&f->packet, (uint16_t)(4 + body.size));
    buf_slice(&f->packet, body);
    while (f->packet.size % 4)
        buf_u8(&f->packet, 0);
}

static void put_data(struct fixture *f, uint8_t flags, uint32_t tsn, uint16_t stream,
                     uint16_t sequence, struct slice bytes)
{
    struct buf b;
    buf_init(&b, 1 << 17);
    buf_u32(&b, tsn);
    buf_u16(&b, stream);
    buf_u16(&b, sequence);
    buf_u32(&b, 77);
    buf_slice(&b, bytes);
    put_chunk(f, 0, flags, buf_view(&b));
    buf_fini(&b);
}

static void put_i_data(struct fixture *f, uint8_t flags, uint32_t tsn, uint16_t stream,
                       uint32_t message, uint32_t number, struct slice bytes)
{
    struct buf b;
    buf_init(&b, 1 << 17);
    buf_u32(&b, tsn);
    buf_u16(&b, stream);
    buf_u16(&b, 0);
    buf_u32(&b, message);
    buf_u32(&b, flags & BEGIN ? 78 : number);
    buf_slice(&b, bytes);
    put_chunk(f, 64, flags, buf_view(&b));
    buf_fini(&b);
}

static void send_bytes(struct fixture *f, struct slice bytes, uint32_t wire, int64_t time_ns)
{
    struct slice copy = guard_copy(bytes);
    struct datagram d = {.src = {.addr = addr_v4(1), .port = 9899},
                         .dst = {.addr = addr_v4(2), .port = 9899},
                         .payload = copy,
                         .payload_wire = wire,
                         .time_ns = time_ns,
                         .proto = PROTO_SCTP,
                         .ttl = 60};
    if (f->reversed)
        d.src.addr = addr_v4(2), d.dst.addr = addr_v4(1);
    sctp_packet(f->sctp, &d);
    guard_free(copy);
}

static void send_at(struct fixture *f, int64_t time_ns)
{
    send_bytes(f, buf_view(&f->packet), (uint32_t)f->packet.size, time_ns);
}

static void send_one(struct fixture *f, uint32_t tag, uint8_t flags, uint32_t tsn, const char *text)
{
    begin(f, tag);
    put_data(f, flags, tsn, 3, 9, slice_str(text));
    send_at(f, 0);
}

static void expect_got(struct fixture *f, const char *text)
{
    cr_expect(slice_is(buf_view(&f->got), text), "%s, not %s", buf_text(&f->got), text);
}

static uint64_t errors(const struct fixture *f, const char *reason)
{
    return f->counters
        ->cell[C_PARSE_ERRORS +
               label_find(LABELS_PROTO, slice_str("other")) * LABEL_COUNT_PARSE_REASON +
               label_find(LABELS_PARSE_REASON, slice_str(reason))];
}

static uint64_t dropped(const struct fixture *f)
{
    return f->counters->cell[C_DROPS + label_find(LABELS_STAGE, slice_str("reassembly"))];
}

static uint64_t timeouts(const struct fixture *f)
{
    return f->counters->cell[C_REASSEMBLY_TIMEOUTS + label_find(LABELS_LAYER, slice_str("sctp"))];
}

/* ---- plain ---- */

Test(sctp, a_message_in_one_chunk_has_the_ports_of_the_sctp_header)
{
    struct fixture *f = fixture_new(NULL);
    send_one(f, TAG, WHOLE, 1, "INVITE");
    expect_got(f, "|INVITE");
    cr_expect_eq(f->protocol, 77);
    cr_expect_eq(f->last.src.port, 5060);
    cr_expect_eq(f->last.dst.port, 5062);
    cr_expect_eq(f->last.proto, PROTO_SCTP);
    cr_expect_eq(f->last.transport, TRANSPORT_SCTP);
    cr_expect_eq(f->last.ttl, 60);
    cr_expect_eq(sctp_count(f->sctp), 1);
    cr_expect_eq(f->counters->cell[C_TABLE_SIZE + label_find(LABELS_TABLE, slice_str("sctp"))], 1);
    cr_expect_eq(f->counters->cell[C_TABLE_LIMIT + label_find(LABELS_TABLE, slice_str("sctp"))],
                 4096);
    fixture_free(f);
}

Test(sctp, several_chunks_in_a_packet)
{
    struct fixture *f = fixture_new(NULL);
    begin(f, TAG);
    put_chunk(f, 3, 0, slice_str("a sack, passed by"));
    put_data(f, WHOLE, 10, 1, 1, slice_str("a"));
    put_data(f, WHOLE | 8, 11, 1, 2, slice_str("bc"));
    put_i_data(f, WHOLE, 12, 1, 3, 0, slice_str("def"));
    put_chunk(f, 200, 0, slice_str("unknown"));
    put_data(f, BEGIN, 13, 1, 4, slice_str("gh"));
    put_data(f, END, 14, 1, 4, slice_str("ij"));
    send_at(f, 0);
    expect_got(f, "|a|bc|def|ghij");
    cr_expect_eq(errors(f, "length"), 0);
    fixture_free(f);
}

Test(sctp, the_padding_of_the_last_chunk_may_be_missing)
{
    struct fixture *f = fixture_new(NULL);
    begin(f, TAG);
    put_data(f, WHOLE, 10, 1, 1, slice_str("a"));
    send_bytes(f, slice_sub(buf_view(&f->packet), 0, f->packet.size - 3),
               (uint32_t)f->packet.size - 3, 0);
    expect_got(f, "|a");
    cr_expect_eq(errors(f, "length"), 0);
    fixture_free(f);
}

Test(sctp, the_same_tsn_again_is_ignored)
{
    struct fixture *f = fixture_new(NULL);
    send_one(f, TAG, WHOLE, 0xfffffffe, "a");
    send_one(f, TAG, WHOLE, 0xfffffffe, "a");
    send_one(f, TAG, WHOLE, 1, "c");
    send_one(f, TAG, WHOLE, 0xffffffff, "b");
    send_one(f, TAG, WHOLE, 1, "c");
    send_one(f, TAG, WHOLE, 0xffffffff, "b");
    send_one(f, TAG, WHOLE, 900, "d");
    send_one(f, TAG, WHOLE, 1, "c");
    send_one(f, TAG, WHOLE, 2, "e");
    send_one(f, TAG, WHOLE, 30000, "f");
    send_one(f, TAG, WHOLE, 900, "d"); /* too old to be remembered: seen */
    send_one(f, TAG, WHOLE, 30000, "f");
    expect_got(f, "|a|c|b|d|e|f");
    send_one(f, TAG, WHOLE, 0x70000000, "g");
    send_one(f, TAG, WHOLE, 30001, "h"); /* so far back that it is a new beginning */
    expect_got(f, "|a|c|b|d|e|f|g|h");
    fixture_free(f);
}

Test(sctp, every_tsn_of_a_long_run_counts_once)
{
    struct fixture *f = fixture_new(NULL);
    uint32_t random = 3, tsn = 0xfffff000;
    for (unsigned i = 0; i < 3000; i++) {
        random = random * 1664525 + 1013904223;
        tsn += 1 + (random >> 16) % 200;
        send_one(f, TAG, WHOLE, tsn, "x");
        send_one(f, TAG, WHOLE, tsn, "x");
        send_one(f, TAG, WHOLE, tsn - 1000, "");
        cr_assert_eq(f->count, i + 1);
    }
    fixture_free(f);
}

Test(sctp, other_tags_are_other_associations)
{
    struct fixture *f = fixture_new(NULL);
    send_one(f, TAG, WHOLE, 1, "a");
    send_one(f, TAG + 1, WHOLE, 1, "b");
    f->reversed = true;
    send_one(f, TAG, WHOLE, 1, "c");
    send_one(f, 0, WHOLE, 1, "d");
    f->reversed = false;
    send_one(f, 0, WHOLE, 1, "e");
    expect_got(f, "|a|b|c|d|e");
    cr_expect_eq(sctp_count(f->sctp), 5);
    fixture_free(f);
}

/* ---- fragments ---- */

enum { PIECES = 5 };

static void send_piece(struct fixture *f, unsigned i, bool interleaved)
{
    static const char *const pieces[PIECES] = {"one ", "two ", "three ", "four ", "five"};
    uint8_t flags = i == 0 ? BEGIN : i == PIECES - 1 ? END : 0;
    begin(f, TAG);
    if (interleaved)
        put_i_data(f, flags, 0xfffffffd + 7 * i, 3, 9, i, slice_str(pieces[i]));
    else
        put_data(f, flags, 0xfffffffd + i, 3, 9, slice_str(pieces[i]));
    send_at(f, 0);
}

Test(sctp, fragments_in_all_orders_give_the_message_once)
{
    for (unsigned k = 0; k < 2 * 120; k++) {
        struct fixture *f = fixture_new(NULL);
        unsigned left[PIECES] = {0, 1, 2, 3, 4}, code = k / 2;
        for (unsigned n = PIECES; n > 0; n--) {
            unsigned at = code % n;
            code /= n;
            cr_assert_eq(f->count, 0);
            send_piece(f, left[at], k % 2);
            if (n % 2)
                send_piece(f, left[at], k % 2);
            left[at] = left[n - 1];
        }
        expect_got(f, "|one two three four five");
        cr_expect_eq(f->protocol, k % 2 ? 78 : 77);
        fixture_free(f);
    }
}

Test(sctp, a_large_message_of_large_fragments_is_whole)
{
    struct fixture *f = fixture_new(NULL);
    struct buf message;
    buf_init(&message, 1 << 18);
    for (uint32_t i = 0; i < 120000; i++)
        buf_u8(&message, (uint8_t)(i * i >> 3));
    for (uint32_t i = 0; i < 6; i++) {
        begin(f, TAG);
        put_data(f,
                 i == 0   ? BEGIN
                 : i == 5 ? END
                          : 0,
                 5 + i, 1, 1, slice_sub(buf_view(&message), i * 20000, (i + 1) * 20000));
        send_at(f, i * SECOND / 2);
    }
    cr_assert_eq(f->count, 1);
    cr_expect(slice_equal(slice_from(buf_view(&f->got), 1), buf_view(&message)));
    cr_expect_eq(f->last.time_ns, 5 * SECOND / 2);
    buf_fini(&message);
    fixture_free(f);
}

Test(sctp, messages_that_follow_each_other_do_not_mix)
{
    struct fixture *f = fixture_new(NULL);
    send_one(f, TAG, BEGIN | UNORDERED, 1, "a");
    send_one(f, TAG, BEGIN | UNORDERED, 3, "c");
    send_one(f, TAG, END | UNORDERED, 4, "d");
    send_one(f, TAG, END | UNORDERED, 2, "b");
    expect_got(f, "|cd|ab");
    send_one(f, TAG, 0, 6, "lost");
    send_one(f, TAG, END, 7, "its beginning");
    send_one(f, TAG, WHOLE, 8, "e");
    expect_got(f, "|cd|ab|e");
    fixture_free(f);
}

Test(sctp, fragments_of_different_streams_are_no_message)
{
    struct fixture *f = fixture_new(NULL);
    begin(f, TAG);
    put_data(f, BEGIN, 1, 1, 1, slice_str("a"));
    put_data(f, END, 2, 2, 1, slice_str("b"));
    put_data(f, BEGIN | UNORDERED, 3, 1, 1, slice_str("c"));
    put_data(f, END | UNORDERED, 4, 1, 2, slice_str("d")); /* its number says nothing */
    send_at(f, 0);
    expect_got(f, "|cd");
    cr_expect_eq(errors(f, "syntax"), 1);
    fixture_free(f);
}

/* Fragments of many messages in a random order that the sender could have made: bundled, repeated,
 * I-DATA of all streams among each other. */
struct piece {
    uint32_t tsn, message, number;
    uint8_t flags;
    bool interleaved;
};

Test(sctp, any_order_of_any_fragments_gives_all_messages_once)
{
    uint32_t random = 12345;
    for (int round = 0; round < 300; round++) {
        struct fixture *f = fixture_new(NULL);
        struct piece pieces[256];
        unsigned n = 0, messages = 20;
        uint32_t tsn = 0xffffffc0;
        bool interleaved = round % 2;
        for (uint32_t m = 0; m < messages; m++) {
            random = random * 1664525 + 1013904223;
            uint32_t parts = 1 + (random >> 20) % 8;
            for (uint32_t i = 0; i < parts; i++)
                pieces[n++] = (struct piece){
                    tsn++, m, i, (uint8_t)((i == 0 ? BEGIN : 0) | (i == parts - 1 ? END : 0)),
                    interleaved};
        }
        for (unsigned i = n - 1; i > 0; i--) {
            random = random * 1664525 + 1013904223;
            unsigned j = (random >> 8) % (i + 1);
            struct piece kept = pieces[i];
            pieces[i] = pieces[j];
            pieces[j] = kept;
        }
        for (unsigned i = 0; i < n;) {
            begin(f, TAG);
            random = random * 1664525 + 1013904223;
            for (unsigned k = 1 + (random >> 24) % 4; k > 0 && i < n; k--, i++) {
                const struct piece *p = &pieces[i];
                char text[16];
                snprintf(text, sizeof text, "%u.%u,", p->message, p->number);
                if (p->interleaved)
                    put_i_data(f, p->flags, p->tsn, (uint16_t)(p->message % 3), p->message / 3,
                               p->number, slice_str(text));
                else
                    put_data(f, p->flags, p->tsn, (uint16_t)(p->message % 3),
                             (uint16_t)(p->message / 3), slice_str(text));
            }
            send_at(f, i);
            if (random >> 30 == 0)
                send_at(f, i);
        }
        cr_assert_eq(f->count, messages);
        for (uint32_t m = 0; m < messages; m++) {
            char text[128], *at = text;
            uint32_t parts = 0;
            for (unsigned i = 0; i < n; i++)
                parts += pieces[i].message == m;
            *at++ = '|';
            for (uint32_t i = 0; i < parts; i++)
                at += sprintf(at, "%u.%u,", m, i);
            cr_assert(strstr(buf_text(&f->got), text), "%s in %s", text, buf_text(&f->got));
        }
        cr_assert_eq(dropped(f) + timeouts(f), 0);
        fixture_free(f);
    }
}

/* ---- beginning and end ---- */

static void send_control(struct fixture *f, uint32_t tag, uint8_t type, uint8_t flags,
                         uint32_t initiate_tag)
{
    struct buf b;
    buf_init(&b, 64);
    buf_u32(&b, initiate_tag);
    buf_u32(&b, 65536);
    buf_u32(&b, 0);
    buf_u32(&b, 1);
    begin(f, tag);
    put_chunk(f, type, flags, buf_view(&b));
    send_at(f, 0);
    buf_fini(&b);
}

Test(sctp, abort_and_shutdown_complete_end_it)
{
    for (int i = 0; i < 4; i++) {
        struct fixture *f = fixture_new(NULL);
        send_one(f, TAG, BEGIN, 1, "a");
        f->reversed = i % 2;
        send_control(f, TAG, i / 2 ? 6 : 14, i % 2, 0);
        cr_expect_eq(sctp_count(f->sctp), 0);
        f->reversed = false;
        send_one(f, TAG, END, 2, "b");
        cr_expect_eq(f->count, 0);
        send_one(f, TAG, WHOLE, 1, "c");
        expect_got(f, "|c");
        fixture_free(f);
    }
}

Test(sctp, init_begins_a_new_association)
{
    struct fixture *f = fixture_new(NULL);
    send_one(f, TAG, WHOLE, 1, "a");
    send_one(f, TAG, BEGIN, 2, "half");
    f->reversed = true; /* the one that receives with this tag asks anew */
    send_control(f, 0, 1, 0, TAG);
    f->reversed = false;
    send_one(f, TAG, END, 3, "other half");
    send_one(f, TAG, WHOLE, 1, "b");
    expect_got(f, "|a|b");
    fixture_free(f);
}

/* ---- bounds ---- */

Test(sctp, an_unfinished_message_is_given_up_in_time)
{
    struct fixture *f = fixture_new(NULL);
    send_one(f, TAG, BEGIN, 1, "a");
    send_one(f, TAG, 0, 2, "b");
    sctp_tick(f->sctp, 5 * SECOND);
    cr_expect_eq(timeouts(f), 0);
    sctp_tick(f->sctp, 5 * SECOND + 1);
    cr_expect_eq(timeouts(f), 1);
    send_one(f, TAG, END, 3, "c");
    cr_expect_eq(f->count, 0);
    sctp_tick(f->sctp, 700 * SECOND);
    cr_expect_eq(sctp_count(f->sctp), 0);
    fixture_free(f);
}

Test(sctp, the_association_idle_longest_goes)
{
    struct sctp_config config = {.associations_max = 3};
    struct fixture *f = fixture_new(&config);
    send_one(f, 1, BEGIN, 1, "a");
    send_one(f, 2, BEGIN, 1, "b");
    send_one(f, 3, BEGIN, 1, "c");
    send_one(f, 1, WHOLE, 5, "again");
    send_one(f, 4, BEGIN, 1, "d");
    cr_expect_eq(sctp_count(f->sctp), 3);
    cr_expect_eq(dropped(f), 1);
    send_one(f, 1, END, 2, "a");
    send_one(f, 2, END, 2, "b");
    send_one(f, 4, END, 2, "d");
    expect_got(f, "|again|aa|dd");
    for (uint32_t tag = 100; tag < 10000; tag++)
        send_one(f, tag, BEGIN, 1, "x");
    cr_expect_eq(sctp_count(f->sctp), 3);
    fixture_free(f);
}

Test(sctp, the_oldest_fragments_go_when_memory_ends)
{
    struct sctp_config config = {.bytes_max = 100 * 2048, .message_max = 10000};
    struct fixture *f = fixture_new(&config);
    for (uint32_t i = 0; i < 150; i++)
        send_one(f, TAG, BEGIN, 3 * i, "begin ");
    cr_expect_eq(dropped(f), 50);
    for (uint32_t i = 149; i >= 50; i--) /* the first of them makes room for its end */
        send_one(f, TAG, END, 3 * i + 1, "end");
    cr_expect_eq(f->count, 99);
    cr_expect_eq(dropped(f), 51);
    fixture_free(f);
}

Test(sctp, messages_over_the_limit_are_dropped)
{
    struct sctp_config config = {.message_max = 8};
    struct fixture *f = fixture_new(&config);
    send_one(f, TAG, WHOLE, 1, "123456789");
    send_one(f, TAG, BEGIN, 2, "12345");
    send_one(f, TAG, END, 3, "6789");
    send_one(f, TAG, BEGIN, 4, "1234");
    send_one(f, TAG, END, 5, "5678");
    expect_got(f, "|12345678");
    cr_expect_eq(errors(f, "limit"), 2);
    fixture_free(f);
}

Test(sctp, a_flood_of_small_fragments_is_bounded)
{
    struct fixture *f = fixture_new(NULL);
    for (uint32_t i = 0; i < 20000; i++)
        send_one(f, TAG, 0, 2 * i, "x");
    cr_expect_eq(dropped(f), 20000 - 512);
    begin(f, TAG);
    for (uint32_t i = 0; i < 100; i++)
        put_data(f, 0, 100000 + 2 * i, 1, 1, slice_str("x"));
    send_at(f, 0);
    cr_expect_eq(errors(f, "limit"), 36);
    fixture_free(f);
}

/* ---- lies ---- */

Test(sctp, every_truncation_is_survived)
{
    struct fixture *f = fixture_new(NULL);
    begin(f, TAG);
    put_data(f, WHOLE, 1, 1, 1, slice_str("first"));
    put_i_data(f, BEGIN, 2, 1, 1, 0, slice_str("second"));
    put_chunk(f, 1, 0, slice_str("an init chunk......."));
    put_data(f, WHOLE, 3, 1, 1, slice_str("third"));
    for (size_t n = 0; n < f->packet.size; n++) {
        uint64_t length = errors(f, "length"), truncated = errors(f, "truncated");
        send_bytes(f, slice_sub(buf_view(&f->packet), 0, n), (uint32_t)n, 0);
        send_bytes(f, slice_sub(buf_view(&f->packet), 0, n), (uint32_t)f->packet.size, 0);
        cr_assert(n >= f->packet.size - 3 || errors(f, "truncated") == truncated + 1, "%zu", n);
        cr_assert_leq(errors(f, "length"), length + 1, "%zu", n);
    }
    expect_got(f, "|first|third");
    fixture_free(f);
}

Test(sctp, chunk_lengths_that_lie_are_counted)
{
    static const char *const packets[] = {
        "\0\0\0\0",                                     /* 0 */
        "\0\0\0\3",                                     /* less than its header */
        "\0\3\0\x10\0\0\0\1\0\1\0\1\0\0\0\0",           /* no data */
        "\0\3\0\xff\0\0\0\1\0\1\0\1\0\0\0\0a\0\0\0",    /* more than the packet */
        "\x40\3\0\x14\0\0\0\1\0\1\0\1\0\0\0\0\0\0\0\0", /* I-DATA without data */
        "\1\0\0\4",                                     /* INIT without a tag */
        "\0\3\0\x0a\0\0\0\1\0\1\0\0",                   /* ends in the header */
    };
    static const size_t sizes[] = {4, 4, 16, 20, 20, 4, 12};
    struct fixture *f = fixture_new(NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        begin(f, TAG);
        buf_add(&f->packet, packets[i], sizes[i]);
        send_at(f, 0);
        cr_expect_eq(errors(f, "length"), i + 1, "%zu", i);
    }
    cr_expect_eq(f->count, 0);
    fixture_free(f);
}
