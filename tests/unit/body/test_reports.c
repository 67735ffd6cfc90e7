/* What endpoints say about their media: RFC 6035 reports and headers of BYE. */
#include "tests/unit/body/bodies.h"

#include <math.h>

#include "capture/body/rtp_stat.h"
#include "capture/body/vq_report.h"

static const char session[] =
    "VQSessionReport: CallTerm\r\nCallID:6dg37f1890463\r\nLocalID:Alice <sip:alice@example.org>\r\n"
    "RemoteID:Bill <sip:bill@example.net>\r\nOrigID:Alice <sip:alice@example.org>\r\nLocalGroup:example-phone-55671\r\n"
    "RemoteGroup:example-gateway-09871\r\nLocalAddr:IP=10.10.1.100 PORT=5000 SSRC=1a3b5c7d\r\nLocalMAC:00:1f:5b:cc:21:0f\r\n"
    "RemoteAddr:IP=2001:db8::9 PORT=5002 SSRC=0x2468abcd\r\nRemoteMAC:00:26:08:8e:95:02\r\nLocalMetrics:\r\n"
    "Timestamps:START=2004-10-10T18:23:43Z STOP=2004-10-01T18:26:02Z\r\n"
    "SessionDesc:PT=18 PD=G729 SR=8000 FD=20 FO=20 FPP=2 PPS=50\r\n FMTP=\"annexb=no; x=1\" PLC=3 SSUP=on\r\n"
    "JitterBuffer:JBA=3 JBR=2 JBN=40 JBM=80 JBX=120\r\nPacketLoss:NLR=5.0 JDR=2.0\r\n"
    "BurstGapLoss:BLD=0 BD=60 GLD=2.0 GD=500 GMIN=16\r\nDelay:RTD=200 ESD=140 SOWD=100 IAJ=2 MAJ=10\r\n"
    "Signal:SL=-18 NL=-50 RERL=127\r\nQualityEst:RLQ=90 RCQ=127 EXTRI=127 MOSLQ=4.2 MOSCQ=127 QoEEstAlg=P.564\r\n"
    "RemoteMetrics:\r\nPacketLoss: nlr=0.0 JDR=0.0\r\nQualityEst:MOSCQ=3.8\r\n"
    "DialogID:1890463548@alice.example.org;to-tag=8472761;from-tag=9123dh311\r\n";

Test(reports, a_session_report_is_read)
{
    struct vq_report r;
    cr_assert(vq_report_read(slice_str(session), &r));
    cr_expect_eq(r.kind, VQ_SESSION);
    cr_expect(r.call_term);
    IS(r.call_id, "6dg37f1890463");
    IS(r.local_id, "Alice <sip:alice@example.org>");
    IS(r.local_group, "example-phone-55671");
    IS(r.local_mac, "00:1f:5b:cc:21:0f");
    IS(r.local.ip, "10.10.1.100");
    cr_expect_eq(r.local.port, 5000);
    IS(r.local.ssrc, "1a3b5c7d");
    IS(r.remote.ip, "2001:db8::9");
    IS(r.dialog_id, "1890463548@alice.example.org");
    IS(r.to_tag, "8472761");
    IS(r.from_tag, "9123dh311");
    const struct vq_metrics *m = &r.local_metrics;
    IS(m->start, "2004-10-10T18:23:43Z");
    IS(m->codec, "G729");
    IS(m->fmtp, "annexb=no; x=1");
    cr_expect_eq(m->plc, 3);
    cr_expect(m->silence_suppression);
    cr_expect_eq(m->jb_abs_max_ms, 120);
    cr_expect_eq(m->loss_percent, 5);
    cr_expect_eq(m->gap_min, 16);
    cr_expect_eq(m->symmetric_one_way_ms, 100);
    cr_expect_eq(m->jitter_max_ms, 10);
    cr_expect_eq(m->signal_dbm0, -18);
    cr_expect_eq(m->r_lq, 90);
    cr_expect_float_eq(m->mos_lq, 4.2, 1e-9);
    IS(m->algorithm, "P.564");
    cr_expect(r.remote_metrics.given);
    cr_expect_eq(r.remote_metrics.loss_percent, 0);
    cr_expect_float_eq(r.remote_metrics.mos_cq, 3.8, 1e-9);
    EVERY_TRUNCATION(slice_str(session), cut, cr_expect_eq(vq_report_read(cut, &r), n_ >= strlen("VQSessionReport")));
}

Test(reports, what_is_unavailable_is_unknown)
{
    struct vq_report r;
    cr_assert(vq_report_read(slice_str(session), &r));
    const struct vq_metrics *m = &r.local_metrics;
    cr_expect(isnan(m->rerl_db) && isnan(m->r_cq) && isnan(m->ext_r_in) && isnan(m->mos_cq));
    cr_expect(isnan(m->one_way_ms) && isnan(m->ext_r_out), "absent");
    cr_assert(vq_report_read(slice_str("VQIntervalReport\nLocalMetrics:\nSignal:SL=127 NL=127\nQualityEst:MOSLQ=0 MOSCQ=5.0 RLQ=121\n"
                                       "PacketLoss:NLR=101 JDR=x\nDelay:RTD=-1\n"),
                             &r));
    m = &r.local_metrics;
    cr_expect(isnan(m->signal_dbm0) && isnan(m->noise_dbm0) && isnan(m->mos_lq) && isnan(m->mos_cq) && isnan(m->r_lq));
    cr_expect(isnan(m->loss_percent) && isnan(m->discard_percent) && isnan(m->round_trip_ms));
    cr_expect(!r.remote_metrics.given && isnan(r.remote_metrics.mos_lq));
}

Test(reports, intervals_alerts_and_others_are_told)
{
    struct vq_report r;
    cr_assert(vq_report_read(slice_str("\r\nvqintervalreport:\r\nMetrics:\r\nQualityEst: mosLQ=3.8\r\n"), &r));
    cr_expect_eq(r.kind, VQ_INTERVAL);
    cr_expect_float_eq(r.local_metrics.mos_lq, 3.8, 1e-9);
    cr_assert(vq_report_read(slice_str("VQAlertReport: Type=NLR Severity=Critical Dir=local\r\n"), &r));
    cr_expect_eq(r.kind, VQ_ALERT);
    IS(r.alert, "Type=NLR Severity=Critical Dir=local");
    cr_expect(!vq_report_read(slice_str("v=0\r\n"), &r));
    cr_expect(!vq_report_read(slice_none(), &r));
    cr_assert(vq_report_read(slice_str("VQSessionReport\r\nPacketLoss:NLR=1\r\n"), &r));
    cr_expect(!r.local_metrics.given, "no metrics without a heading");
}

Test(reports, an_ssrc_has_every_reading_that_it_may_have)
{
    static const struct {
        const char *text;
        unsigned count;
        uint32_t first, second;
    } cases[] = {
        {"0x10", 1, 16},     {"1a3b5c7d", 1, 0x1a3b5c7d}, {"12345678", 2, 12345678, 0x12345678}, {"4294967295", 1, 4294967295},
        {"5", 1, 5},         {"xyz", 0},                  {"", 0},                               {"0x123456789", 0},
        {"4294967296", 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t v[2] = {0};
        cr_expect_eq(vq_ssrc_values(slice_str(cases[i].text), v), cases[i].count, "%s", cases[i].text);
        cr_expect(v[0] == cases[i].first && v[1] == cases[i].second, "%s", cases[i].text);
    }
}

static struct rtp_stat stat_of(const char *name, const char *value)
{
    struct rtp_stat s;
    rtp_stat_init(&s);
    cr_expect(rtp_stat_read(slice_str(name), slice_str(value), &s), "%s", value);
    return s;
}

Test(reports, both_ways_in_one_header)
{
    struct rtp_stat s = stat_of("X-RTP-Stat", "EX=BareSip;CS=12;CD=41;PR=2050;PS=2048;PL=3,5;PD=1,0;JI=1.5,2.0;"
                                              "IP=10.0.0.2:4000,10.0.0.3:[junk;EN=PCMA/8000/1;DE=opus/48000/2");
    cr_expect(s.setup_ms == 12 && s.duration_s == 41 && s.packets_received == 2050 && s.packets_sent == 2048);
    cr_expect(s.lost_received == 3 && s.lost_sent == 5 && s.discarded == 1);
    cr_expect_float_eq(s.jitter_received_ms, 1.5, 1e-9);
    cr_expect_float_eq(s.jitter_sent_ms, 2, 1e-9);
    IS(s.local, "10.0.0.2:4000");
    IS(s.encoder, "PCMA");
    IS(s.decoder, "opus");
    cr_expect(s.octets_sent == -1 && isnan(s.latency_ms) && isnan(s.mos_lq));
    s = stat_of("p-rtp-stat", "PS=207,OS=49680,,PR=314,OR=50240,PL=0,JI=60,LA=40,DU=12");
    cr_expect(s.packets_sent == 207 && s.octets_sent == 49680 && s.packets_received == 314 && s.octets_received == 50240);
    cr_expect(s.lost_received == 0 && s.lost_sent == -1 && s.jitter_received_ms == 60 && s.latency_ms == 40 && s.duration_s == 12);
    s = stat_of("X-RTP-Stat", " PR=0;ER=0;PL=0;RB=0/0;DE=PCMU;EN=PCMU;JI=0;DL=7,9;IP=10.1.0.33:16384,132.52.127.200:20048");
    cr_expect_eq(s.latency_ms, 7);
    IS(s.remote, "132.52.127.200:20048");
    s = stat_of("X-RTP-Stat", "MOS=3.8;Jitter=7;PL=-1,-1;RTPStat=RTP: 258452 bytes, 1509 packets");
    cr_expect_float_eq(s.mos_lq, 3.8, 1e-9);
    cr_expect(s.lost_received == -1 && s.jitter_received_ms == 7);
}

Test(reports, one_header_each_way)
{
    struct rtp_stat s = stat_of("RTP-RxStat", "Dur=10,Pkt=454,Oct=72640,LatePkt=2,LostPkt=1,AvgJit=0.185022,"
                                              "VQMetrics=\"MLQK=4.5000;MLQKav=4.4;CCR=0.01\"");
    cr_expect(rtp_stat_read(slice_str("RTP-TxStat"), slice_str("Dur=10,Pkt=443,Oct=70880"), &s));
    cr_expect(s.duration_s == 10 && s.packets_received == 454 && s.octets_received == 72640 && s.lost_received == 1);
    cr_expect(s.discarded == 2 && s.packets_sent == 443 && s.octets_sent == 70880);
    cr_expect_float_eq(s.jitter_received_ms, 0.185022, 1e-9);
    cr_expect_float_eq(s.mos_lq, 4.5, 1e-9);
}

Test(reports, nothing_known_is_no_report)
{
    struct rtp_stat s;
    rtp_stat_init(&s);
    cr_expect(!rtp_stat_read(slice_str("X-RTP-Stat"), slice_str("hello"), &s));
    cr_expect(!rtp_stat_read(slice_str("X-RTP-Stat"), slice_none(), &s));
    cr_expect(!rtp_stat_read(slice_str("X-Other"), slice_str("PS=1"), &s));
    cr_expect(rtp_stat_header(slice_str("x-rtp-stat")) && !rtp_stat_header(slice_str("Via")));
    struct slice value = slice_str("Dur=10,Pkt=454,VQMetrics=\"MLQK=4.5000;MLQKav=4.4\",PL=1,2");
    EVERY_TRUNCATION(value, cut, rtp_stat_read(slice_str("RTP-RxStat"), cut, &s), rtp_stat_read(slice_str("X-RTP-Stat"), cut, &s));
}
