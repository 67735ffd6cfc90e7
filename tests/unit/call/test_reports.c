/* Quality reports of endpoints: whose call they are about, and what becomes of many. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "scene.h"

#include "base/counters.h"

TestSuite(reports, .timeout = 60);

#define BODY                                                                                       \
    "VQSessionReport: CallTerm\r\nCallID: call-1\r\nLocalID: <sip:alice@example.com>\r\n"          \
    "RemoteID: <sip:bob@example.com>\r\nOrigID: <sip:alice@example.com>\r\n"                       \
    "LocalAddr: IP=10.0.0.1 PORT=4000 SSRC=0x1111\r\n"                                             \
    "RemoteAddr: IP=10.0.0.2 PORT=5000 SSRC=0x2222\r\nLocalMetrics:\r\n"                           \
    "QualityEst: MOSLQ=4.2 MOSCQ=3.9\r\n"
#define DIALOG "DialogID: call-1;to-tag=b;from-tag=a\r\n"

static void publish(struct scene *s, double at_ms, int cseq, const char *body)
{
    char branch[32];
    snprintf(branch, sizeof branch, "z9hG4bKvq%d", cseq);
    scene_sip(s, at_ms, (struct sip_line){.src = UA, .dst = UB, .method = "PUBLISH", .call = "vq", .cseq = cseq, .from_tag = "p",
                                          .branch = branch, .headers = "Event: vq-rtcpxr\r\n",
                                          .type = "application/vq-rtcpxr", .sdp = body});
}

static struct scene *call_with(const char *body)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    publish(s, 5000, 1, body);
    scene_bye(s, 6000, "call-1");
    scene_finish(s);
    return s;
}

static uint64_t counted(const struct scene *s, unsigned source, unsigned result)
{
    return scene_count(s, C_QUALITY_REPORTS + source * LABEL_COUNT_REPORT_RESULT + result);
}

Test(reports, one_in_a_publish_is_of_the_call_that_it_names)
{
    static const char said[] = "vq_rtcpxr/session/caller 0x1111<-0x2222 near 4.20 nan";
    static const struct {
        const char *body;
        const char *said;
    } cases[] = {
        {BODY DIALOG, said},
        {BODY "DialogID: call-1;to-tag=a;from-tag=b\r\n", said}, /* the callee's view */
        {BODY, said},                                             /* by the addresses */
        {"VQSessionReport\r\nLocalMetrics:\r\nQualityEst:MOSLQ=4\r\n" DIALOG, "vq_rtcpxr/session/unknown 0x0<-0x0 near 4.00 nan"},
        {"VQSessionReport\r\nLocalMetrics:\r\nQualityEst:MOSLQ=4\r\nDialogID: other;to-tag=b;from-tag=a\r\n", ""},
        {"VQSessionReport\r\nCallID: call-1\r\nLocalAddr: IP=10.0.0.1 PORT=4000\r\n", "vq_rtcpxr/session/unknown 0x0<-0x0"},
        {"VQSessionReport\r\nCallID: other\r\nLocalAddr: IP=10.0.0.1 PORT=4000\r\n", ""}, /* one address is not enough */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene *s = call_with(cases[i].body);
        cr_expect_str_eq(s->call[0].reports, cases[i].said, "case %zu: %s", i, s->call[0].reports);
        cr_expect_eq(counted(s, 0, cases[i].said[0] ? 0 : 3), 1, "case %zu", i);
        scene_end(s);
    }
}

Test(reports, times_are_read_as_they_are_written)
{
    static const struct {
        const char *start;
        int64_t seconds; /* 0: none */
    } cases[] = {
        {"2004-10-29T11:45:12Z", 1099050312},
        {"2004-10-29T13:45:12+02:00", 1099050312},
        {"2004-10-29T11:45:12", 1099050312}, /* without a zone */
        {"2004-10-29T11:45:12.500Z", 1099050312},
        {"2004-02-31T11:45:12Z", 0},
        {"2004-10-29T99:45:12Z", 0},
        {"-204-10-29T11:45:12Z", 0},
        {"1969-10-29T11:45:12Z", 0},
        {"9999-10-29T11:45:12Z", 0}, /* no number of nanoseconds */
        {"2004-10-29T11:45:12Zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[600];
        snprintf(body, sizeof body, "%sTimestamps:START=%s STOP=2004-10-29T11:46:00Z\r\n%s", BODY, cases[i].start, DIALOG);
        struct scene *s = call_with(body);
        cr_expect_eq(s->call[0].report_started_ns / INT64_C(1000000000), cases[i].seconds, "%s: %lld", cases[i].start,
                     (long long)s->call[0].report_started_ns);
        scene_end(s);
    }
}

Test(reports, eight_stay_and_the_same_one_is_no_other)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    for (int n = 0; n < 12; n++) {
        char body[600];
        snprintf(body, sizeof body, "%s%sQualityEst: RLQ=%d\r\n", BODY, DIALOG, 40 + n);
        publish(s, 2000 + n, n + 1, body);
        publish(s, 3000 + n, n + 101, body);
    }
    scene_bye(s, 6000, "call-1");
    publish(s, 60000, 900, BODY DIALOG);
    scene_finish(s);
    cr_expect_eq(s->call[0].reports_over_limit, 8);
    cr_expect_eq(counted(s, 0, 0), 8);
    cr_expect_eq(counted(s, 0, 1), 8, "repeated");
    cr_expect_eq(counted(s, 0, 2), 8, "over the limit");
    cr_expect_eq(counted(s, 0, 3), 1, "late");
    scene_end(s);
}

Test(reports, headers_of_bye_and_of_its_answer_are_reports_of_their_senders)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    struct sip_line bye = {.src = UA, .dst = UB, .method = "BYE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bKbye",
                           .headers = "X-RTP-Stat: PS=10;PR=11;PL=1,2;MOS=4.1\r\n"};
    scene_sip(s, 4000, bye);
    bye.branch = "z9hG4bKbye2"; /* the same on the next hop */
    scene_sip(s, 4001, bye);
    scene_sip(s, 4010, (struct sip_line){.src = UB, .dst = UA, .status = 200, .of = "BYE", .cseq = 2, .to_tag = "b",
                                         .branch = "z9hG4bKbye", .headers = "RTP-TxStat: Pkt=7\r\n"});
    scene_finish(s);
    cr_expect_str_eq(s->call[0].reports,
                     "rtp_stat/session/caller 0x0<-0x0 near 4.10 1.00 far nan 2.00, "
                     "rtp_stat/session/callee 0x0<-0x0 far nan nan", "%s", s->call[0].reports);
    cr_expect_eq(counted(s, 1, 0), 2);
    cr_expect_eq(counted(s, 1, 1), 1);
    scene_end(s);
}
