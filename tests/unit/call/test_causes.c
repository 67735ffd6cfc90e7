/* Reason headers: what they say, and that they cannot make a call grow. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "capture/call/causes.h"

static struct sip_msg msg;

static void take(struct call *call, const char *lines)
{
    char text[512];
    snprintf(text, sizeof text, "BYE sip:b SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n%s\r\n", lines);
    cr_assert_eq(sip_parse(slice_str(text), &msg), SIP_OK);
    causes_take(call, &msg);
}

Test(causes, the_q850_cause_is_found_among_reasons)
{
    static const struct {
        const char *lines;
        int cause;
    } cases[] = {
        {"Reason: Q.850;cause=16;text=\"Normal, clearing\"\r\n", 16},
        {"Reason: SIP;cause=200;text=\"a\", q.850 ; cause = 17\r\n", 17},
        {"Reason: SIP;cause=487\r\nReason: Q.850;cause=102\r\n", 102},
        {"Reason: SIP;cause=487\r\n", 0},
        {"Reason: Q.850;text=x\r\n", 0},
        {"Reason: Q.850;cause=128\r\n", 0},
        {"Reason: Q.850;cause=99999999999999999999\r\n", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct call call = {.arena = arena_new(1024, 65536)};
        take(&call, cases[i].lines);
        cr_expect_eq(call.q850_cause, cases[i].cause, "%s", cases[i].lines);
        arena_free(call.arena);
    }
}

Test(causes, the_newest_text_stays_and_a_thousand_of_them_take_no_more_room_than_one)
{
    struct call call = {.arena = arena_new(1024, 2048)};
    char line[64];
    take(&call, "Reason: Q.850;cause=16;text=first\r\n");
    size_t held = arena_held(call.arena);
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof line, "Reason: Q.850;cause=17;text=number%d\r\n", i);
        take(&call, line);
    }
    cr_expect_eq(arena_held(call.arena), held);
    cr_expect(slice_is(call.causes[0].text, "number999"));
    arena_free(call.arena);
}
