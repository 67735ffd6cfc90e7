/* The upgrade, frames in all forms, and what cannot be read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "capture/net/websocket.h"
#include "tests/support/guard.h"

#define REQUEST                                                                                    \
    "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nuPgRaDe: WebSocket\r\n"     \
    "Sec-WebSocket-Protocol: sip\r\n\r\n"
#define ANSWER                                                                                     \
    "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-protocol:  sip \r\n"                        \
    "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"

enum { FIN = 0x80, MASKED = 0x80 };

/* Messages as text, each behind its '|'. */
static void take(void *context, struct slice message)
{
    struct buf *got = context;
    buf_char(got, '|');
    buf_slice(got, message);
}

static bool feed(struct ws *w, struct slice bytes, uint32_t lost, struct buf *got)
{
    struct slice copy = guard_copy(bytes);
    bool goes_on = ws_feed(w, copy, lost, take, got);
    guard_free(copy);
    return goes_on;
}

static void put_frame(struct buf *b, unsigned first, bool masked, struct slice payload)
{
    static const uint8_t mask[] = {0x37, 0xfa, 0x21, 0x3d};
    unsigned bit = masked ? MASKED : 0;
    buf_u8(b, (uint8_t)first);
    if (payload.size < 126) {
        buf_u8(b, (uint8_t)(bit | payload.size));
    } else if (payload.size < 65536) {
        buf_u8(b, (uint8_t)(bit | 126));
        buf_u16(b, (uint16_t)payload.size);
    } else {
        buf_u8(b, (uint8_t)(bit | 127));
        buf_u64(b, payload.size);
    }
    if (masked)
        buf_add(b, mask, sizeof mask);
    for (size_t i = 0; i < payload.size; i++)
        buf_u8(b, masked ? payload.data[i] ^ mask[i % 4] : payload.data[i]);
}

static void put_text(struct buf *b, unsigned first, bool masked, const char *text)
{
    put_frame(b, first, masked, slice_str(text));
}

/* ---- the upgrade ---- */

Test(websocket, the_upgrade_is_recognised)
{
    static const struct {
        const char *head;
        enum ws_guess guess;
    } cases[] = {
        {REQUEST, WS_YES},
        {"GET / HTTP/1.1\nUpgrade: h2c, websocket\n", WS_YES},
        {"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", WS_NO},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\nUpgrade: websocket\r\n", WS_NO},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: webso", WS_MORE},
        {"", WS_MORE},
        {"G", WS_MORE},
        {"GET /", WS_MORE},
        {"GET / SIP/2.0\r\n", WS_NO},
        {"INVITE sip:a SIP/2.0\r\n", WS_NO},
        {"PUT", WS_NO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice head = guard_copy(slice_str(cases[i].head));
        cr_expect_eq(ws_guess(head), cases[i].guess, "%s", cases[i].head);
        guard_free(head);
    }
    for (size_t n = 0; n < strlen(REQUEST); n++)
        cr_expect_neq(ws_guess(slice_of(REQUEST, n)), WS_NO, "%zu", n);
}

Test(websocket, a_request_line_without_end_is_given_up)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_str(&b, "GET /");
    while (b.size < 8191)
        buf_char(&b, 'x');
    cr_expect_eq(ws_guess(buf_view(&b)), WS_MORE);
    buf_char(&b, 'x');
    cr_expect_eq(ws_guess(buf_view(&b)), WS_NO);
    struct ws *w = ws_new(WS_CLIENT, false, 100);
    struct buf got;
    buf_init(&got, 1 << 16);
    cr_expect(feed(w, buf_view(&b), 0, &got));
    cr_expect_not(feed(w, buf_view(&b), 0, &got)); /* 16 KiB */
    cr_expect_eq(ws_bytes(w), 0);
    cr_expect_not(feed(w, slice_none(), 0, &got));
    ws_free(w);
    ws_free(NULL);
    buf_fini(&b);
    buf_fini(&got);
}

Test(websocket, a_refused_upgrade_may_be_tried_again)
{
    struct buf got;
    buf_init(&got, 1 << 16);
    struct ws *w = ws_new(WS_SERVER, false, 0);
    cr_expect(feed(w, slice_str("HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\nNope"), 0, &got));
    cr_expect(feed(w, slice_str("!HTTP/1.1 100 Go on\n\n" ANSWER "\x81\x02ok"), 0, &got));
    cr_expect(slice_is(buf_view(&got), "|ok"));
    ws_free(w);
    w = ws_new(WS_CLIENT, false, 0);
    cr_expect(feed(w, slice_str(REQUEST REQUEST "\x81\x02me"), 0, &got));
    cr_expect(slice_is(buf_view(&got), "|ok|me"));
    ws_free(w);
    w = ws_new(WS_SERVER, false, 0);
    cr_expect_not(feed(w, slice_str("HTTP/1.1 200 OK\r\n\r\n"), 0, &got));
    ws_free(w);
    w = ws_new(WS_CLIENT, false, 0);
    cr_expect_not(feed(w, slice_str("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0, &got));
    ws_free(w);
    buf_fini(&got);
}

/* ---- frames ---- */

static void put_all_kinds(struct buf *b, bool masked)
{
    struct buf large;
    buf_init(&large, 1 << 18);
    put_text(b, FIN | 1, masked, "text");
    put_text(b, FIN | 2, masked, "binary");
    put_text(b, FIN | 9, masked, "ping");
    put_text(b, FIN | 1, masked, "");
    put_text(b, 1, masked, "one ");
    put_text(b, FIN | 9, masked, "");
    put_text(b, 0, !masked, "two ");
    put_text(b, FIN | 10, masked, "pong");
    put_text(b, 0, masked, "");
    put_text(b, FIN | 0, masked, "three");
    while (large.size < 300)
        buf_str(&large, "0123456789");
    put_frame(b, FIN | 1, masked, buf_view(&large));
    put_text(b, FIN | 0x41, masked, "compressed");
    put_text(b, 0x41, masked, "compressed");
    put_text(b, 0, masked, "too");
    put_text(b, FIN | 9, masked, "");
    put_text(b, FIN, masked, "end");
    put_text(b, FIN | 1, masked, "last");
    buf_fini(&large);
}

#define ALL_KINDS "|text|binary||one two three|"

static void expect_all_kinds(struct buf *got, const struct ws *w)
{
    cr_assert(slice_starts(buf_view(got), ALL_KINDS "0123456789"), "%s", buf_text(got));
    cr_assert(slice_is(slice_from(buf_view(got), got->size - 5), "|last"));
    cr_assert_eq(got->size, strlen(ALL_KINDS) + 300 + 5);
    cr_assert_eq(ws_unread(w), 2);
}

Test(websocket, frames_of_all_kinds_in_any_cut)
{
    for (int side = 0; side < 2; side++) {
        struct buf b, got;
        buf_init(&b, 1 << 18);
        buf_init(&got, 1 << 18);
        buf_str(&b, side ? ANSWER : REQUEST);
        put_all_kinds(&b, side == 0);
        for (size_t cut = 0; cut < b.size; cut++) {
            struct ws *w = ws_new(side ? WS_SERVER : WS_CLIENT, false, 1000);
            buf_clear(&got);
            cr_assert(feed(w, slice_sub(buf_view(&b), 0, cut), 0, &got));
            for (size_t at = cut; at < b.size; at += cut ? b.size : 1)
                cr_assert(feed(w, slice_sub(buf_view(&b), at, cut ? b.size : at + 1), 0, &got));
            expect_all_kinds(&got, w);
            ws_free(w);
        }
        buf_fini(&b);
        buf_fini(&got);
    }
}

Test(websocket, lengths_of_16_and_64_bits)
{
    static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 100000};
    for (size_t i = 0; i < 16; i++) {
        struct buf payload, b, got;
        buf_init(&payload, 1 << 18);
        buf_init(&b, 1 << 18);
        buf_init(&got, 1 << 18);
        for (size_t k = 0; k < sizes[i / 2]; k++)
            buf_u8(&payload, (uint8_t)(k * 7));
        put_frame(&b, FIN | 2, i % 2, buf_view(&payload));
        put_text(&b, FIN | 1, i % 2, "!");
        struct ws *w = ws_new(WS_CLIENT, false, 0);
        cr_expect(feed(w, slice_str(REQUEST), 0, &got));
        cr_expect(feed(w, buf_view(&b), 0, &got));
        cr_assert_eq(got.size, payload.size + 3);
        cr_expect(payload.size == 0 || memcmp(got.data + 1, payload.data, payload.size) == 0);
        cr_expect_leq(ws_bytes(w), 4096); /* a large one is given back */
        ws_free(w);
        buf_fini(&payload);
        buf_fini(&b);
        buf_fini(&got);
    }
}

Test(websocket, whole_unmasked_messages_are_given_out_where_they_lie)
{
    struct ws *w = ws_new(WS_SERVER, true, 0);
    struct buf got;
    buf_init(&got, 1 << 16);
    cr_expect(feed(w, slice_str("\x81\x05hello\x81\x02me"), 0, &got));
    cr_expect(slice_is(buf_view(&got), "|hello|me"));
    cr_expect_eq(ws_bytes(w), 0);
    ws_free(w);
    buf_fini(&got);
}

Test(websocket, a_message_over_the_limit_is_passed_by)
{
    for (int fragmented = 0; fragmented < 2; fragmented++) {
        struct buf payload, b, got;
        buf_init(&payload, 1 << 18);
        buf_init(&b, 1 << 18);
        buf_init(&got, 1 << 18);
        while (payload.size < 90000)
            buf_str(&payload, "x");
        if (fragmented) {
            for (int i = 0; i < 3; i++)
                put_frame(&b, i == 2 ? FIN : i == 0, true, slice_sub(buf_view(&payload), 0, 30000));
        } else {
            put_frame(&b, FIN | 1, true, buf_view(&payload));
        }
        put_text(&b, FIN | 1, true, "next");
        struct ws *w = ws_new(WS_CLIENT, false, 80000);
        cr_expect(feed(w, slice_str(REQUEST), 0, &got));
        for (size_t at = 0; at < b.size; at += 1000) {
            cr_expect(feed(w, slice_sub(buf_view(&b), at, at + 1000), 0, &got));
            cr_expect_leq(ws_bytes(w), 80000);
        }
        cr_expect(slice_is(buf_view(&got), "|next"), "%s", buf_text(&got));
        cr_expect_eq(ws_unread(w), 1);
        ws_free(w);
        buf_fini(&payload);
        buf_fini(&b);
        buf_fini(&got);
    }
}

Test(websocket, what_cannot_go_on_is_said)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"\x81\x7f\x80\0\0\0\0\0\0\0", 10}, /* 2^63 */
        {"\x81\x7f\0\0\0\0\x80\0\0\0", 10}, /* 2^31 */
        {"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10},
        {"\x88\0\x81\x02no", 6}, /* close */
        {"\x88\x02\x03\xe8", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ws *w = ws_new(WS_SERVER, false, 0);
        struct buf got;
        buf_init(&got, 1 << 16);
        cr_expect(feed(w, slice_str(ANSWER), 0, &got));
        cr_expect_not(feed(w, slice_of(cases[i].bytes, cases[i].size), 0, &got), "%zu", i);
        cr_expect_not(feed(w, slice_str("\x81\x02no"), 0, &got));
        cr_expect_eq(got.size, 0);
        ws_free(w);
        buf_fini(&got);
    }
}

/* ---- holes and the middle ---- */

Test(websocket, a_hole_in_a_payload_costs_one_message)
{
    struct buf b, got;
    buf_init(&b, 1 << 16);
    buf_init(&got, 1 << 16);
    put_text(&b, FIN | 1, true, "first message");
    size_t begin = b.size + 6;
    put_text(&b, FIN | 1, true, "second message");
    size_t end = b.size;
    put_text(&b, FIN | 1, true, "third");
    for (size_t from = begin; from < end; from++) {
        for (size_t to = from + 1; to <= end; to++) {
            struct ws *w = ws_new(WS_CLIENT, true, 0);
            buf_clear(&got);
            cr_expect(feed(w, slice_sub(buf_view(&b), 0, from), 0, &got));
            cr_expect(feed(w, slice_from(buf_view(&b), to), (uint32_t)(to - from), &got));
            cr_expect(slice_is(buf_view(&got), "|first message|third"), "%s", buf_text(&got));
            cr_expect_eq(ws_unread(w), 1);
            ws_free(w);
        }
    }
    buf_fini(&b);
    buf_fini(&got);
}

Test(websocket, behind_an_unknown_hole_a_chunk_that_begins_with_a_frame_is_found)
{
    struct buf frame, got;
    buf_init(&frame, 1 << 16);
    buf_init(&got, 1 << 16);
    put_text(&frame, FIN | 1, true, "REGISTER sip:a SIP/2.0");
    struct ws *w = ws_new(WS_CLIENT, false, 0);
    cr_expect(feed(w, slice_str(REQUEST), 0, &got));
    cr_expect(feed(w, slice_str("\x81\x85"), 0, &got));
    cr_expect(feed(w, slice_str("in the middle of something"), UINT32_MAX, &got));
    cr_expect(feed(w, slice_from(buf_view(&frame), 9), 0, &got));
    cr_expect(feed(w, buf_view(&frame), 0, &got));
    cr_expect(slice_is(buf_view(&got), "|REGISTER sip:a SIP/2.0"), "%s", buf_text(&got));
    ws_free(w);
    buf_fini(&frame);
    buf_fini(&got);
}

Test(websocket, in_the_middle_of_anything_else_it_gives_up)
{
    struct buf got;
    buf_init(&got, 1 << 16);
    struct ws *w = ws_new(WS_SERVER, true, 0);
    int chunks = 1;
    while (feed(w, slice_str("\x17\x03\x03 anything"), 0, &got))
        chunks++;
    cr_expect_eq(chunks, 64);
    cr_expect_eq(got.size, 0);
    ws_free(w);
    buf_fini(&got);
}

Test(websocket, altered_streams_are_survived)
{
    uint32_t random = 77;
    for (int round = 0; round < 3000; round++) {
        struct buf b, got;
        buf_init(&b, 1 << 16);
        buf_init(&got, 1 << 16);
        put_all_kinds(&b, round % 2);
        for (int i = 0; i < 6; i++) {
            random = random * 1664525 + 1013904223;
            b.data[random % b.size] = (uint8_t)(random >> 24);
        }
        struct ws *w = ws_new(WS_CLIENT, true, 200);
        for (size_t at = 0; at < b.size; at += 90)
            feed(w, slice_sub(buf_view(&b), at, at + 90), (random >> at % 31) % 8 ? 0 : 5, &got);
        ws_free(w);
        buf_fini(&b);
        buf_fini(&got);
    }
}
