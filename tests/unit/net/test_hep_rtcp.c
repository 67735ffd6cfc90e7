/* RTCP in JSON, as agents print it, becomes RTCP as it is on the wire. The expected bytes are
 * written by hand from RFC 3550 and RFC 3611. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/buf.h"
#include "capture/net/hep.h"
#include "tests/support/guard.h"
#include "tests/unit/net/packets.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const struct {
    const char *from;
    const char *json;
    const char *hex;
} cases[] = {
    {"rtpengine: SR with a block, SDES with the chunk at its item",
     "{ \"sender_information\":{\"ntp_timestamp_sec\":3667834977,\"ntp_timestamp_usec\":2355549043,"
     "\"octets\":82240,\"rtp_timestamp\":84679, \"packets\":514},\"ssrc\":3724882677,\"type\":200,"
     "\"report_count\":1,\"report_blocks\":[{\"source_ssrc\":2062957521,\"highest_seq_no\":4663,"
     "\"fraction_lost\":7,\"ia_jitter\":13,\"packets_lost\":9,\"lsr\":3093100159,\"dlsr\":296222}],"
     "\"sdes_report_count\":1,\"sdes_information\": [ {\"sdes_chunk_ssrc\":3724882677,\"type\":1,"
     "\"text\":\"a@b\"}] }",
     "81c8000c de0532f5 da9eb861 8c66d373 00014ac7 00000202 00014140"
     "7af63bd1 07000009 00001237 0000000d b85cf67f 0004851e"
     "81ca0003 de0532f5 01036140 62000000"},
    {"captagent: RR, one block, the count behind it",
     "{\"ssrc\":1,\"type\":201, \"report_blocks\":[{\"source_ssrc\":2,\"highest_seq_no\":3,"
     "\"fraction_lost\":255,\"ia_jitter\":4,\"packets_lost\":16777215,\"lsr\":5,\"dlsr\":6}],"
     "\"report_count\":1}",
     "81c90007 00000001 00000002 ffffffff 00000003 00000004 00000005 00000006"},
    {"heplify: RR, all keys there and 0",
     "{\"sender_information\":{\"ntp_timestamp_sec\":0,\"ntp_timestamp_usec\":0,\"rtp_timestamp\":"
     "0,"
     "\"packets\":0,\"octets\":0},\"ssrc\":1,\"type\":201,\"report_count\":0,\"report_blocks\":"
     "null,"
     "\"report_blocks_xr\":{\"type\":0,\"id\":0,\"fraction_lost\":0,\"fraction_discard\":0},"
     "\"sdes_ssrc\":0,\"sdes_report_count\":0,\"sdes_information\":null}",
     "80c90001 00000001"},
    {"rtpproxy: numbers in quotes, signed SSRC, no block",
     "{\"type\":200,\"ssrc\":-2,\"report_count\":0,\"report_blocks\":[],\"sender_information\":{"
     "\"packets\":2,\"ntp_timestamp_sec\":\"3373905459\",\"ntp_timestamp_usec\":\"4280379832\","
     "\"rtp_timestamp\":-210833031,\"octets\":40}} ",
     "80c80006 fffffffe c919b633 ff2169b8 f36ef179 00000002 00000028"},
    {"losses printed as negative, and what does not fit its field",
     "{\"ssrc\":1,\"type\":201,\"report_blocks\":["
     "{\"source_ssrc\":2,\"fraction_lost\":300,\"packets_lost\":-1},"
     "{\"source_ssrc\":3,\"fraction_lost\":-4,\"packets_lost\":99999999,\"lsr\":99999999999},"
     "{\"no\":\"source\"}, 7, null,"
     "{\"source_ssrc\":4,\"fraction_lost\":1.9,\"packets_lost\":4294967294}]}",
     "83c90013 00000001"
     "00000002 ffffffff 00000000 00000000 00000000 00000000"
     "00000003 007fffff 00000000 00000000 ffffffff 00000000"
     "00000004 01fffffe 00000000 00000000 00000000 00000000"},
    {"type 200 with nothing of the sender and no block tells nothing",
     "{\"ssrc\":1,\"type\":200,\"report_blocks\":[]}", ""},
    {"the type of a later packet of the compound hides no report",
     "{\"ssrc\":1,\"type\":202,\"sender_information\":{\"packets\":1},\"report_blocks\":[]}",
     "80c80006 00000001 00000000 00000000 00000000 00000001 00000000"},
    {"SDES alone: several items, one chunk",
     "{\"type\":202,\"sdes_ssrc\":9,\"sdes_information\":[{\"type\":1,\"text\":\"ab\"},"
     "{\"type\":6,\"text\":\"\"},{\"type\":0,\"text\":\"x\"},{\"type\":2}]}",
     "81ca0003 00000009 01026162 06000000"},
    {"captagent: extended report",
     "{\"Extended_report_information\":{\"identifier\":10, \"loss_rate\":1, \"discard_rate\":2, "
     "\"burst_rate\":3, \"gap_rate\":4, \"burst_duration\":5, \"gap_duration\":6, "
     "\"round_trip_delay\":7, \"end_sys_delay\":8, \"signal_lev\":-20, \"noise_lev\":10, "
     "\"RERL\":11, "
     "\"Gmin\":16, \"R_fact\":93, \"ext_R_fact\":127, \"MOS_LQ\":41, \"MOS_CQ\":40, "
     "\"RX_conf\":[{\"PLC\":0, \"JB_adapt\":0, \"JB_rate\":0}], \"JB_nom\":60, \"JB_max\":80, "
     "\"JB_abs_max\":120}}",
     "80cf000a 00000000 07000008 0000000a 01020304 00050006 00070008 ec0a0b10 5d7f2928 0000003c "
     "00500078"},
    {"heplify: short extended report",
     "{\"ssrc\":1,\"type\":207,\"report_blocks_xr\":{\"type\":7,\"id\":10,\"fraction_lost\":1,"
     "\"fraction_discard\":2,\"burst_density\":3,\"gap_density\":4,\"burst_duration\":5,"
     "\"gap_duration\":6,\"round_trip_delay\":7,\"end_system_delay\":8}}",
     "80cf000a 00000001 07000008 0000000a 01020304 00050006 00070008 7f7f7f10 7f7f7f7f 00000000 "
     "00000000"},
    {"no RTCP in it", "{\"hello\":\"world\"}", ""},
    {"no object", "[1,2,3]", ""},
    {"no JSON", "{\"ssrc\":1,", ""},
    {"a report without its sender", "{\"type\":201,\"report_blocks\":[{\"source_ssrc\":1}]}", ""},
};

static size_t room_for(const char *json, uint8_t *out, size_t room)
{
    struct slice copy = guard_copy(slice_str(json));
    size_t size = hep_rtcp_binary(copy, out, room);
    guard_free(copy);
    return size;
}

Test(hep_rtcp, what_agents_print_becomes_the_packets_it_tells_of)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf expected;
        uint8_t out[HEP_RTCP_ROOM];
        buf_init(&expected, 4096);
        put_hex(&expected, cases[i].hex);
        size_t size = room_for(cases[i].json, out, sizeof out);
        cr_assert_eq(size, expected.size, "%s: %zu bytes", cases[i].from, size);
        cr_assert(size == 0 || memcmp(out, expected.data, size) == 0, "%s", cases[i].from);
        buf_fini(&expected);
    }
}

Test(hep_rtcp, a_packet_without_room_is_left_out_whole)
{
    uint8_t out[HEP_RTCP_ROOM];
    size_t all = room_for(cases[0].json, out, sizeof out);
    cr_assert_eq(all, 52 + 16);
    for (size_t room = 0; room < all; room++) {
        memset(out, 0xee, sizeof out);
        size_t size = hep_rtcp_binary(slice_str(cases[0].json), out, room);
        cr_assert(size == (room >= 52 ? 52 : room >= 16 ? 16 : 0), "%zu: %zu", room, size);
        cr_assert_eq(out[room], 0xee);
    }
}

Test(hep_rtcp, more_blocks_and_texts_than_a_packet_can_hold_are_cut)
{
    struct buf b;
    uint8_t out[HEP_RTCP_ROOM];
    char text[256];
    memset(text, 'x', 255);
    text[255] = '\0';
    buf_init(&b, 1 << 16);
    buf_str(&b, "{\"ssrc\":1,\"type\":201,\"report_blocks\":[{\"source_ssrc\":1}");
    for (int i = 0; i < 60; i++)
        buf_str(&b, ",{\"source_ssrc\":1}");
    buf_str(&b, "],\"sdes_information\":[{\"type\":1,\"text\":\"a\"}");
    for (int i = 0; i < 30; i++)
        buf_printf(&b, ",{\"sdes_chunk_ssrc\":%d,\"type\":2,\"text\":\"%s\"}", i, text);
    buf_str(&b, "]}");
    size_t size = hep_rtcp_binary(buf_view(&b), out, sizeof out);
    cr_assert_eq(out[0], 0x80 | 31);
    cr_assert_eq(out[2] << 8 | out[3], 1 + 31 * 6);
    cr_assert_eq(out[8 + 31 * 24], 0x80 | 8);
    cr_assert_leq(size, sizeof out);
    buf_fini(&b);
}

Test(hep_rtcp, json_too_deep_or_too_large_is_no_rtcp)
{
    struct buf b;
    uint8_t out[HEP_RTCP_ROOM];
    buf_init(&b, 1 << 20);
    buf_str(&b, "{\"ssrc\":1,\"type\":201,\"x\":");
    for (int i = 0; i < 3000; i++)
        buf_char(&b, '[');
    cr_assert_eq(hep_rtcp_binary(buf_view(&b), out, sizeof out), 0);
    buf_clear(&b);
    buf_str(&b, "{\"ssrc\":1,\"type\":201");
    for (int i = 0; i < 17000; i++)
        buf_char(&b, ' ');
    buf_char(&b, '}');
    cr_assert_eq(hep_rtcp_binary(buf_view(&b), out, sizeof out), 0);
    buf_fini(&b);
}

Test(hep_rtcp, packets_as_they_were_on_the_wire_pass_as_they_are)
{
    uint8_t out[HEP_RTCP_ROOM];
    struct slice wire = slice_of("\x80\xc9\x00\x01\x00\x00\x00\x01", 8);
    struct slice got = hep_rtcp(wire, out, sizeof out);
    cr_assert(got.data == wire.data && got.size == 8);
    cr_assert_eq(hep_rtcp(slice_str(" {\"ssrc\":1,\"type\":201}"), out, sizeof out).size, 8);
    cr_assert_eq(hep_rtcp(slice_str("hello"), out, sizeof out).size, 0);
    cr_assert_eq(hep_rtcp(slice_none(), out, sizeof out).size, 0);
}
