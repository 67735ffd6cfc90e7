#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "api/record_json.h"

#define T0 (INT64_C(1795255200) * 1000000)

static struct call_record *answered_call(void)
{
    struct call_record *r = record_new();
    cr_assert_not_null(r);
    snprintf(r->uid, sizeof r->uid, "01234567-89ab-8def-8123-456789abcdef");
    r->kind = "call";
    r->state = "ended";
    r->outcome = "answered";
    r->end_reason = "bye";
    r->released_by = "caller";
    r->direction = "unknown";
    r->call_id = slice_str("a84b4c76e66710");
    r->from.user = slice_str("+431234");
    r->from.display = slice_str("A \"B\" <script>");
    r->src = (struct endpoint){.addr = addr_v4(0x0a010105), .port = 5060};
    r->sip_code = 200;
    r->started_us = T0 + 123456;
    r->answered_us = T0 + 3963456;
    r->ended_us = T0 + 65197456;
    r->duration_ms = 61234;
    r->setup_ms = 3840;
    r->mos_min = 3.9;
    r->r_min = 76.9;
    r->mos_scale = "NB";
    r->loss_ratio = 0.00325;
    r->codec = slice_str("PCMA");
    return r;
}

static void add_stream(struct call_record *r)
{
    r->streams = arena_alloc(r->arena, sizeof *r->streams);
    r->stream_count = 1;
    struct record_stream *s = r->streams;
    record_stream_init(s);
    s->sid = 1;
    s->party = "caller";
    s->media_type = "audio";
    s->ssrc = 0x1a2b3c4d;
    s->src = (struct endpoint){.addr = addr_v4(0x0a010105), .port = 4000};
    s->codec = slice_str("PCMA");
    s->clock_hz = 8000;
    s->payload_type = 8;
    s->ptime_ms = 20;
    s->packets = 3061;
    s->expected = 3071;
    s->lost = 10;
    s->rfc_expected = 3070;
    s->rfc_lost = -1;
    s->jitter_ms_mean = 1.9;
    s->quality.mos_lq = 4.31;
    s->quality.r = 90.5;
    s->quality.scale = "NB";
    s->quality.basis = "standard";
    s->confidence = "sdp";
}

static char text[16384];

static const char *print(const struct call_record *r, enum record_json_detail detail, bool links)
{
    struct buf b;
    struct json j;

    buf_init(&b, sizeof text - 1);
    json_init(&j, &b);
    record_json(&j, r, detail, links);
    snprintf(text, sizeof text, "%s", buf_text(&b));
    buf_fini(&b);
    return text;
}

#define HAS(part)     cr_expect_not_null(strstr(text, part), "%s is not in %s", part, text)
#define HAS_NOT(part) cr_expect_null(strstr(text, part), "%s is in %s", part, text)

Test(record_json, a_call_says_what_is_known)
{
    struct call_record *r = answered_call();

    add_stream(r);
    print(r, RECORD_JSON_FULL, true);
    HAS("{\"uid\":\"01234567-89ab-8def-8123-456789abcdef\",\"kind\":\"call\",\"started_at\":\"2026-"
        "11-21T10:00:00.123456Z\"");
    HAS("\"answered_at\":\"2026-11-21T10:00:03.963456Z\"");
    HAS("\"state\":\"ended\",\"outcome\":\"answered\",\"end_reason\":\"bye\",\"released_by\":"
        "\"caller\",\"partial\":false");
    HAS("\"from\":{\"user\":\"+431234\",\"display\":\"A \\\"B\\\" <script>\",\"host\":null");
    HAS("\"src\":\"10.1.1.5:5060\"");
    HAS("\"sip_code\":200,");
    HAS("\"duration_ms\":61234,");
    HAS("\"setup_ms\":3840,");
    HAS("\"quality\":{\"mos_min\":3.9,\"mos_avg\":null,\"r_min\":76.9,\"r_fb_min\":null,\"band\":"
        "\"fair\",\"loss_ratio\":0.00325,");
    HAS("\"streams\":[{\"sid\":1,\"party\":\"caller\",\"media_type\":\"audio\",\"ssrc\":"
        "\"0x1a2b3c4d\",\"src\":\"10.1.1.5:4000\",\"dst\":null");
    HAS("\"packets\":3061,");
    HAS("\"expected\":3071,\"lost\":10,\"loss_ratio\":0.003256,");
    HAS("\"jitter_ms\":{\"last\":null,\"avg\":1.9,\"max\":null,\"p95\":null}");
    HAS("\"rfc3550\":{\"expected\":3070,\"lost\":-1,\"jitter_ticks\":null}");
    HAS("\"mos\":{\"lq\":4.31,\"cq\":null,\"lq_total\":null,\"scale\":\"NB\",\"basis\":\"standard\"");
    HAS("\"band\":\"excellent\"");
    HAS("\"rtcp\":null,\"loss_split\":null");
    HAS("\"series_url\":\"/api/v1/calls/01234567-89ab-8def-8123-456789abcdef/streams/1/series\"");
    HAS("\"events\":[]");
    HAS("\"links\":{\"self\":\"/api/v1/calls/01234567-89ab-8def-8123-456789abcdef\"");
    record_free(r);
}

Test(record_json, signs_of_translation_are_a_list)
{
    struct call_record *r = answered_call();
    r->nat = 1 | 4;
    print(r, RECORD_JSON_FULL, true);
    HAS("\"nat\":[\"sdp_private\",\"via_received\"]");
    r->nat = 0;
    print(r, RECORD_JSON_FULL, true);
    HAS_NOT("\"nat\"");
    record_free(r);
}

Test(record_json, a_tenant_is_named_where_there_is_one)
{
    struct call_record *r = answered_call();
    print(r, RECORD_JSON_FULL, true);
    HAS("\"tenant\":null,");
    r->tenant = slice_str("acme");
    print(r, RECORD_JSON_FULL, true);
    HAS("\"tenant\":\"acme\",");
    record_free(r);
}

Test(record_json, what_is_not_known_is_null_and_never_zero)
{
    static const char *const UNKNOWN[] = {
        "ringing_at", "acked_at",   "outcome",    "end_reason",
        "call_id",    "user_agent", "src",        "vlan",
        "probe",      "sip_code",   "q850_cause", "duration_ms",
        "ring_ms",    "setup_ms",   "mos_min",    "post_dial_delay_ms",
        "r_min",      "loss_ratio", "max_gap_ms", "rtt_ms",
        "scale",      "codec",      "recording",  "started_at"};
    struct call_record *r = record_new();

    r->kind = "orphan";
    r->state = "ended";
    print(r, RECORD_JSON_LIST, false);
    for (size_t i = 0; i < sizeof UNKNOWN / sizeof UNKNOWN[0]; i++) {
        char part[64];
        snprintf(part, sizeof part, "\"%s\":null", UNKNOWN[i]);
        HAS(part);
    }
    HAS("\"kind\":\"orphan\"");
    HAS("\"streams\":[]");
    HAS_NOT("\"links\"");
    HAS_NOT("\"events\"");
    record_free(r);
}

Test(record_json, a_stream_of_nothing_known_has_nulls)
{
    struct call_record *r = record_new();

    r->streams = arena_alloc(r->arena, sizeof *r->streams);
    r->stream_count = 1;
    record_stream_init(r->streams);
    print(r, RECORD_JSON_LIST, false);
    HAS("\"loss_ratio\":null");
    HAS("\"rfc3550\":{\"expected\":null,\"lost\":null,\"jitter_ticks\":null}");
    HAS("\"mos\":{\"lq\":null,\"cq\":null,\"lq_total\":null,\"scale\":null");
    HAS("\"ptime_ms\":null");
    HAS("\"clock_hz\":null");
    HAS("\"codec\":null");
    HAS_NOT("series_url");
    record_free(r);
}

Test(record_json, a_recording_has_an_address_only_when_it_can_be_heard)
{
    struct call_record *r = answered_call();
    struct record_recording *g = &r->recording;

    snprintf(g->id, sizeof g->id, "11111111-89ab-8def-8123-456789abcdef");
    g->result = "recorded";
    g->state = "rendering";
    g->format = slice_str("wav");
    g->channels = 2;
    print(r, RECORD_JSON_LIST, true);
    HAS("\"state\":\"rendering\",\"rule\":null,\"action\":null,\"format\":\"wav\",\"channels\":[\"caller\",\"callee\"]");
    HAS("\"duration_ms\":null,\"size_bytes\":null,\"sha256\":null");
    HAS("\"url\":null");
    g->state = "ready";
    g->size_bytes = 100;
    g->duration_ms = 61210;
    g->sha256[31] = 0xab;
    print(r, RECORD_JSON_LIST, true); /* films alone */
    HAS_NOT("\"url\":\"/api/v1/recordings/11111111-89ab-8def-8123-456789abcdef/audio\"");
    g->path = slice_str("audio/2026/11/21/10/11111111-89ab-8def-8123-456789abcdef.wav");
    print(r, RECORD_JSON_LIST, true);
    HAS("\"duration_ms\":61210,\"size_bytes\":100,\"sha256\":"
        "\"00000000000000000000000000000000000000000000000000000000000000ab\"");
    HAS("\"url\":\"/api/v1/recordings/11111111-89ab-8def-8123-456789abcdef/audio\"");
    print(r, RECORD_JSON_LIST, false);
    HAS_NOT("/api/v1");
    *g = (struct record_recording){.result = "rule"};
    print(r, RECORD_JSON_LIST, true);
    HAS("\"recording\":{\"id\":null,\"call_uid\":\"01234567-89ab-8def-8123-456789abcdef\","
        "\"result\":\"rule\",\"state\":null");
    record_free(r);
}

Test(record_json, series_are_columns_with_gaps_as_null)
{
    static uint32_t packets[] = {50, 48}, lost[] = {0, 2}, discarded[] = {0, 0};
    static float gap[] = {21.5f, 60}, jitter[] = {NAN, 1.25f}, mos[] = {4.25f}, r[] = {NAN};
    static float f50[] = {3.5f};
    static uint32_t before[] = {7}, after[] = {SERIES_UNKNOWN};
    struct record_stream s;
    struct buf b;
    struct json j;

    record_stream_init(&s);
    s.series = (struct record_series){.start_us = T0,
                                      .step_ms = 1000,
                                      .step_count = 2,
                                      .packets = packets,
                                      .lost = lost,
                                      .discarded = discarded,
                                      .max_gap_ms = gap,
                                      .jitter_ms = jitter,
                                      .window_ms = 10000,
                                      .window_count = 1,
                                      .mos = mos,
                                      .r = r,
                                      .mos_f50 = f50,
                                      .lost_before = before,
                                      .lost_after = after};
    buf_init(&b, 4096);
    json_init(&j, &b);
    record_json_series(&j, &s);
    cr_expect_str_eq(buf_text(&b), "{\"t0\":\"2026-11-21T10:00:00.000000Z\",\"step_ms\":1000,"
                                   "\"packets\":[50,48],\"lost\":[0,2],\"discarded\":[0,0],"
                                   "\"jitter_ms\":[null,1.25],\"max_gap_ms\":[21.5,60],\"window_"
                                   "ms\":10000,\"mos\":[4.25],\"r\":[null],\"mos_f50\":[3.5],"
                                   "\"mos_f200\":[],\"ppl\":[],\"burst_r\":[],\"pdv_p95_ms\":[],"
                                   "\"lost_before_tap\":[7],\"lost_after_tap\":[null],"
                                   "\"lost_capture\":[],\"scale\":null}");
    buf_fini(&b);
}

Test(record_json, messages_survive_bytes_that_are_no_text)
{
    struct record_message m = {.n = 2,
                               .time_us = T0,
                               .transport = "udp",
                               .party = "callee",
                               .vlan_outer = 100,
                               .method = slice_str("INVITE"),
                               .status = 183,
                               .reason_phrase = slice_str("Session\xff"),
                               .cseq = 7,
                               .raw = slice_of("SIP\0\xfe", 5)};
    struct buf b;
    struct json j;

    buf_init(&b, 4096);
    json_init(&j, &b);
    record_json_message(&j, &m, true);
    snprintf(text, sizeof text, "%s", buf_text(&b));
    HAS("\"n\":2,\"at\":\"2026-11-21T10:00:00.000000Z\",\"src\":null,\"dst\":null,\"direction\":"
        "\"callee\",\"transport\":\"udp\",\"vlan\":100,\"vlan_inner\":null,\"method\":\"INVITE\",\"status\":183");
    HAS("\"size_bytes\":5,\"raw\":\"SIP\\u0000");
    buf_fini(&b);
}
