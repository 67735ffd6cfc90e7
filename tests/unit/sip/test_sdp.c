/* SDP bodies. */
#include "capture/sip/sdp.h"
#include "tests/unit/sip/expect.h"

#define HEAD "v=0\r\no=- 1 2 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

static const struct sdp *sdp_of(const char *text)
{
    static struct sdp s;
    memset(&s, 0xa5, sizeof s);
    cr_assert(sdp_parse(slice_str(text), &s) == SDP_OK, "%s", text);
    return &s;
}

static const struct sdp_media *medium(const char *lines)
{
    static char text[8192];
    snprintf(text, sizeof text, HEAD "%s", lines);
    const struct sdp *s = sdp_of(text);
    cr_assert(s->media_count >= 1);
    return &s->media[0];
}

static void expect_address(struct addr a, const char *text)
{
    char out[ADDR_TEXT_SIZE];
    cr_expect_str_eq(addr_text(a, out), text);
}

Test(sdp, an_offer_is_read_whole)
{
    const struct sdp *s = sdp_of("v=0\r\n"
                                 "o=alice 2890844526 2890844527 IN IP4 host.example.com\r\n"
                                 "s=a call\r\n"
                                 "c=IN IP4 192.0.2.1\r\n"
                                 "t=0 0\r\n"
                                 "a=group:BUNDLE 0 1\r\n"
                                 "m=audio 4000 RTP/AVP 8 0 101\r\n"
                                 "a=rtpmap:101 telephone-event/8000\r\n"
                                 "a=fmtp:101 0-16\r\n"
                                 "a=ptime:30\r\n"
                                 "a=maxptime:60\r\n"
                                 "a=rtcp:4005 IN IP4 192.0.2.7\r\n"
                                 "a=ssrc:4294967295 cname:x\r\n"
                                 "a=ssrc:7 cname:y\r\n"
                                 "a=mid:0\r\n"
                                 "a=label:left\r\n"
                                 "a=sendonly\r\n"
                                 "m=video 4002/2 RTP/SAVPF 96\r\n"
                                 "c=IN IP6 2001:db8::1\r\n"
                                 "a=rtpmap:96 H264/90000\r\n"
                                 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n"
                                 "a=fingerprint:sha-256 AA:BB\r\n"
                                 "a=rtcp-mux\r\n");
    EXPECT_TEXT(s->origin_username, "alice");
    EXPECT_TEXT(s->origin_id, "2890844526");
    EXPECT_TEXT(s->origin_version, "2890844527");
    EXPECT_TEXT(s->session_name, "a call");
    cr_expect(s->bundle && !s->limited && s->media_count == 2);

    const struct sdp_media *a = &s->media[0], *v = &s->media[1];
    cr_expect(a->type == SDP_AUDIO && a->port == 4000 && a->port_count == 1 && a->has_address);
    EXPECT_TEXT(a->proto, "RTP/AVP");
    expect_address(a->address, "192.0.2.1");
    cr_expect(a->direction == SDP_SENDONLY && a->ptime_ms == 30 && a->maxptime_ms == 60);
    cr_expect(a->rtcp_port == 4005 && !a->rtcp_mux && !a->secure && !a->has_fingerprint);
    expect_address(a->rtcp_address, "192.0.2.7");
    cr_expect(a->has_ssrc && a->ssrc == 4294967295u && a->crypto_count == 0);
    EXPECT_TEXT(a->mid, "0");
    EXPECT_TEXT(a->label, "left");
    cr_expect_eq(a->format_count, 3);
    EXPECT_TEXT(a->formats[0].encoding, "PCMA");
    EXPECT_TEXT(a->formats[1].encoding, "PCMU");
    EXPECT_TEXT(a->formats[2].encoding, "telephone-event");
    EXPECT_TEXT(a->formats[2].fmtp, "0-16");
    cr_expect(a->formats[2].clock_hz == 8000 && a->formats[2].channels == 1);

    cr_expect(v->type == SDP_VIDEO && v->port == 4002 && v->port_count == 2 && v->secure);
    expect_address(v->address, "2001:db8::1");
    cr_expect(v->direction == SDP_SENDRECV && v->rtcp_mux && v->has_fingerprint && !v->has_ssrc);
    cr_expect_eq(v->crypto_count, 1);
    EXPECT_TEXT(v->crypto[0], "1 AES_CM_128_HMAC_SHA1_80 inline:abc");
    cr_expect_eq(v->formats[0].clock_hz, 90000);
}

Test(sdp, m_lines_are_read_in_all_their_shapes)
{
    static const struct {
        const char *line;
        enum sdp_media_type type;
        unsigned port, count, formats;
        const char *proto;
        bool secure;
    } cases[] = {
        {"m=audio 4000 RTP/AVP 0", SDP_AUDIO, 4000, 1, 1, "RTP/AVP", false},
        {"m=AUDIO  4000\t RTP/AVP  0   8 ", SDP_AUDIO, 4000, 1, 2, "RTP/AVP", false},
        {"m=audio 4000/3 RTP/SAVP 0", SDP_AUDIO, 4000, 3, 1, "RTP/SAVP", true},
        {"m=audio 4000/0 RTP/AVP 0", SDP_AUDIO, 4000, 1, 1, "RTP/AVP", false},
        {"m=audio 4000/x RTP/AVP 0", SDP_AUDIO, 4000, 1, 1, "RTP/AVP", false},
        {"m=audio 0 RTP/AVP 0", SDP_AUDIO, 0, 1, 1, "RTP/AVP", false},
        {"m=audio 65535 RTP/AVPF 0", SDP_AUDIO, 65535, 1, 1, "RTP/AVPF", false},
        {"m=audio 70000 RTP/AVP 0", SDP_AUDIO, 0, 1, 1, "RTP/AVP", false},
        {"m=audio 4294967296 RTP/AVP 0", SDP_AUDIO, 0, 1, 1, "RTP/AVP", false},
        {"m=audio 18446744073709555616 RTP/AVP 0", SDP_AUDIO, 0, 1, 1, "RTP/AVP", false},
        {"m=audio -1 RTP/AVP 0", SDP_AUDIO, 0, 1, 1, "RTP/AVP", false},
        {"m=audio 4000 RTP/AVP 0 0 128 255 256 99999999999 x 127", SDP_AUDIO, 4000, 1, 2, "RTP/AVP",
         false},
        {"m=video 9 UDP/TLS/RTP/SAVPF 96 97", SDP_VIDEO, 9, 1, 2, "UDP/TLS/RTP/SAVPF", true},
        {"m=image 49172 udptl t38", SDP_IMAGE, 49172, 1, 0, "udptl", false},
        {"m=text 11000 RTP/AVP 98", SDP_TEXT, 11000, 1, 1, "RTP/AVP", false},
        {"m=message 7394 TCP/MSRP *", SDP_MESSAGE, 7394, 1, 0, "TCP/MSRP", false},
        {"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", SDP_APPLICATION, 9, 1, 0,
         "UDP/DTLS/SCTP", true},
        {"m=application 5070 TCP/TLS/BFCP *", SDP_APPLICATION, 5070, 1, 0, "TCP/TLS/BFCP", true},
        {"m=hologram 5 x y", SDP_OTHER, 5, 1, 0, "x", false},
        {"m=audio", SDP_AUDIO, 0, 1, 0, "", false},
        {"m=X", SDP_OTHER, 0, 1, 0, "", false},
        {"m=", SDP_OTHER, 0, 1, 0, "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct sdp_media *m = medium(cases[i].line);
        cr_expect(m->type == cases[i].type && m->port == cases[i].port &&
                      m->port_count == cases[i].count && m->format_count == cases[i].formats &&
                      m->secure == cases[i].secure,
                  "%s", cases[i].line);
        EXPECT_TEXT(m->proto, cases[i].proto);
    }
}

Test(sdp, connection_addresses_are_read)
{
    static const struct {
        const char *line, *address; /* NULL: none */
    } cases[] = {
        {"c=IN IP4 224.2.1.1/127/3", "224.2.1.1"},
        {"c=IN IP6 ff15::101/3", "ff15::101"},
        {"c=IN IP4 0.0.0.0", "0.0.0.0"},
        {"c=IN IP6 ::", "::"},
        {"c=in ip4  192.0.2.44 ", "192.0.2.44"},
        {"c=IN IP4 media.example.com", NULL},
        {"c=IN IP4 1.2.3", NULL},
        {"c=IN IP4 256.1.1.1", NULL},
        {"c=IN IP4", NULL},
        {"c=", NULL},
    };
    char lines[128];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(lines, sizeof lines, "m=audio 4000 RTP/AVP 0\r\n%s\r\nc=IN IP4 198.51.100.1\r\n",
                 cases[i].line);
        const struct sdp_media *m = medium(lines);
        cr_expect(m->has_address == (cases[i].address != NULL), "%s", cases[i].line);
        if (cases[i].address)
            expect_address(m->address, cases[i].address);
        else
            cr_expect(addr_is_any(m->address));
    }
}

Test(sdp, what_the_session_says_holds_until_a_medium_says_otherwise)
{
    const struct sdp *s =
        sdp_of("v=0\r\nc=IN IP4 192.0.2.1\r\na=recvonly\r\na=fingerprint:sha-1 AB\r\n"
               "a=ptime:40\r\n"
               "m=audio 1 RTP/AVP 0\r\n"
               "m=audio 2 RTP/AVP 0\r\nc=IN IP4 192.0.2.2\r\na=sendrecv\r\na=ptime:20\r\n"
               "m=audio 3 RTP/AVP 0\r\na=inactive\r\n");
    cr_assert_eq(s->media_count, 3);
    cr_expect(s->media[0].direction == SDP_RECVONLY && s->media[1].direction == SDP_SENDRECV &&
              s->media[2].direction == SDP_INACTIVE);
    expect_address(s->media[0].address, "192.0.2.1");
    expect_address(s->media[1].address, "192.0.2.2");
    expect_address(s->media[2].address, "192.0.2.1");
    cr_expect(s->media[0].ptime_ms == 40 && s->media[1].ptime_ms == 20 &&
              s->media[2].has_fingerprint);
    s = sdp_of("v=0\r\nm=audio 1 RTP/AVP 0\r\n");
    cr_expect(!s->media[0].has_address && s->media[0].direction == SDP_SENDRECV);
}

Test(sdp, rtpmaps_are_read_in_all_their_shapes)
{
    static const struct {
        const char *lines, *encoding;
        unsigned clock_hz, channels;
    } cases[] = {
        {"a=rtpmap:96 opus/48000/2", "opus", 48000, 2},
        {"a=rtpmap: 96  opus/48000 ", "opus", 48000, 1},
        {"a=RTPMAP:96 AMR-WB/16000/1", "AMR-WB", 16000, 1},
        {"a=rtpmap:96 iLBC", "iLBC", 0, 1},
        {"a=rtpmap:96 L16/x/2", "L16", 0, 1},
        {"a=rtpmap:96 L16/4294967296", "L16", 0, 1},
        {"a=rtpmap:96 L16/44100/256", "L16", 44100, 1},
        {"a=rtpmap:96 /8000", "", 0, 1},
        {"a=rtpmap:96", "", 0, 1},
        {"a=rtpmap:", "", 0, 1},
        {"a=rtpmap", "", 0, 1},
        {"a=rtpmap:97 opus/48000", "", 0, 1},
        {"a=rtpmap:224 opus/48000", "", 0, 1},
    };
    char lines[128];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(lines, sizeof lines, "m=audio 4000 RTP/AVP 96\r\n%s\r\n", cases[i].lines);
        const struct sdp_format *f = &medium(lines)->formats[0];
        cr_expect(f->clock_hz == cases[i].clock_hz && f->channels == cases[i].channels, "%s",
                  lines);
        EXPECT_TEXT(f->encoding, cases[i].encoding);
    }
}

Test(sdp, static_payload_types_need_no_rtpmap)
{
    static const struct {
        unsigned number;
        const char *encoding;
        unsigned clock_hz, channels;
    } cases[] = {
        {0, "PCMU", 8000, 1},   {1, "", 0, 1},          {2, "G726-32", 8000, 1},
        {3, "GSM", 8000, 1},    {4, "G723", 8000, 1},   {8, "PCMA", 8000, 1},
        {9, "G722", 8000, 1},   {10, "L16", 44100, 2},  {11, "L16", 44100, 1},
        {13, "CN", 8000, 1},    {15, "G728", 8000, 1},  {18, "G729", 8000, 1},
        {26, "JPEG", 90000, 1}, {34, "H263", 90000, 1}, {35, "", 0, 1},
        {96, "", 0, 1},         {127, "", 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "m=audio 4000 RTP/AVP %u\r\n", cases[i].number);
        const struct sdp_format *f = &medium(line)->formats[0];
        EXPECT_TEXT(f->encoding, cases[i].encoding);
        cr_expect(f->clock_hz == cases[i].clock_hz && f->channels == cases[i].channels, "%s", line);
    }
    const struct sdp_format *f =
        &medium("m=audio 1 RTP/AVP 0\r\na=rtpmap:0 G711/16000/2\r\n")->formats[0];
    EXPECT_TEXT(f->encoding, "G711");
    cr_expect(f->clock_hz == 16000 && f->channels == 2);
}

Test(sdp, attributes_without_sense_are_passed_over)
{
    const struct sdp_media *m =
        medium("m=audio 4000 RTP/AVP 0\r\n"
               "a=\r\na\r\na=:\r\n=\r\nnonsense\r\na=ptime:\r\na=ptime:x\r\na=ptime:70000\r\n"
               "a=fmtp:0\r\na=rtcp:\r\na=rtcp:70000\r\na=ssrc:x\r\na=fingerprint:\r\n"
               "a=mid\r\na=crypto\r\na=unknown:1\r\n\r\n\r\n");
    cr_expect(m->ptime_ms == 0 && m->rtcp_port == 0 && !m->has_ssrc && !m->has_fingerprint);
    cr_expect(m->mid.size == 0 && m->formats[0].fmtp.size == 0);
    m = medium("m=audio 4000 RTP/AVP 0\r\na=ptime:20.5\r\na=fmtp:0 a=b; c=\"d e\" \r\na=fmtp:0 "
               "second\r\n");
    cr_expect_eq(m->ptime_ms, 20);
    EXPECT_TEXT(m->formats[0].fmtp, "a=b; c=\"d e\"");
}

static void expect_candidate(const struct sdp_candidate *c, unsigned component, unsigned type,
                             const char *address, unsigned port, const char *base,
                             unsigned base_port)
{
    cr_expect(c->component == component && c->type == type, "%s", address);
    cr_expect(c->port == port && c->base_port == base_port, "%s", address);
    expect_address(c->address, address);
    if (base)
        expect_address(c->base_address, base);
    else
        cr_expect(addr_is_any(c->base_address));
}

Test(sdp, candidates_are_read_in_all_their_shapes)
{
    const struct sdp_media *m = medium(
        "m=audio 4000 RTP/AVP 0\r\n"
        "a=ice-ufrag: 8hhY \r\n"
        "a=candidate:1 1 UDP 2130706431 10.0.1.1 8998 typ host\r\n"
        "a=candidate:2 2 udp 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.1.1 rport 8998\r\n"
        "a=candidate:3 1 udp 1 2001:db8::1 1 typ prflx raddr fd00::1 rport 2 generation 0\r\n"
        "a=candidate:4 1 UDP 16777215 192.0.2.9 65535 TYP RELAY network-id 1 raddr 0.0.0.0 rport "
        "0\r\n");
    EXPECT_TEXT(m->ice_ufrag, "8hhY");
    cr_assert_eq(m->candidate_count, 4);
    const struct sdp_candidate *c = m->candidates;
    expect_candidate(&c[0], 1, SDP_HOST, "10.0.1.1", 8998, NULL, 0);
    expect_candidate(&c[1], 2, SDP_SRFLX, "192.0.2.3", 45664, "10.0.1.1", 8998);
    expect_candidate(&c[2], 1, SDP_PRFLX, "2001:db8::1", 1, "fd00::1", 2);
    expect_candidate(&c[3], 1, SDP_RELAY, "192.0.2.9", 65535, "0.0.0.0", 0);
}

Test(sdp, candidates_that_nothing_can_be_sent_to_are_passed_over)
{
    static const char *const lines[] = {
        "a=candidate:1 1 TCP 1 10.0.1.1 9 typ host tcptype active\r\n",
        "a=candidate:1 1 UDP 1 4f2c.local 8998 typ host\r\n",
        "a=candidate:1 3 UDP 1 10.0.1.1 8998 typ host\r\n",
        "a=candidate:1 0 UDP 1 10.0.1.1 8998 typ host\r\n",
        "a=candidate:1 1 UDP 1 10.0.1.1 0 typ host\r\n",
        "a=candidate:1 1 UDP 1 10.0.1.1 70000 typ host\r\n",
        "a=candidate:1 1 UDP 1 0.0.0.0 8998 typ host\r\n",
        "a=candidate:1 1 UDP 1 10.0.1.1 8998 typ other\r\n",
        "a=candidate:1 1 UDP 1 10.0.1.1 8998 host\r\n",
        "a=candidate:1 1 UDP 1 10.0.1.1\r\n",
        "a=candidate:\r\n",
        "a=candidate\r\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[256];
        snprintf(text, sizeof text, "m=audio 4000 RTP/AVP 0\r\n%s", lines[i]);
        cr_expect_eq(medium(text)->candidate_count, 0, "%s", lines[i]);
    }
}

Test(sdp, groups_tell_which_lines_are_bundled)
{
    const struct sdp *s =
        sdp_of("v=0\r\na=group:LS 1 2\r\na=group:BUNDLE 0 video\r\na=ice-ufrag:all\r\n"
               "m=audio 4000 RTP/AVP 0\r\na=mid:0\r\n"
               "m=video 0 RTP/AVP 96\r\na=mid:video\r\na=bundle-only\r\na=ice-ufrag:own\r\n"
               "m=video 4002 RTP/AVP 96\r\na=mid:1\r\n"
               "m=video 4004 RTP/AVP 96\r\n");
    cr_assert_eq(s->media_count, 4);
    cr_expect(sdp_bundled(s, &s->media[0]) && sdp_bundled(s, &s->media[1]));
    cr_expect(!sdp_bundled(s, &s->media[2]) && !sdp_bundled(s, &s->media[3]));
    cr_expect(!s->media[0].bundle_only && s->media[1].bundle_only);
    EXPECT_TEXT(s->media[0].ice_ufrag, "all");
    EXPECT_TEXT(s->media[1].ice_ufrag, "own");
    s = sdp_of("v=0\r\nm=audio 4000 RTP/AVP 0\r\na=mid:0\r\n");
    cr_expect(!s->bundle && !sdp_bundled(s, &s->media[0]));
}

Test(sdp, any_line_end_will_do)
{
    static const char *const ends[] = {"\r\n", "\n", "\r", "\r\r\n"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "v=0%ss=-%sc=IN IP4 192.0.2.1%sm=audio 4000 RTP/AVP 0 8%sa=sendonly", ends[i],
                 ends[i], ends[i], ends[i]);
        const struct sdp *s = sdp_of(text);
        cr_assert(s->media_count == 1, "end %zu", i);
        cr_expect(s->media[0].format_count == 2 && s->media[0].direction == SDP_SENDONLY);
        EXPECT_TEXT(s->session_name, "-");
    }
}

Test(sdp, a_body_that_does_not_begin_with_its_version_is_bad)
{
    static const char *const texts[] = {"", "v", "v:0\r\n", "o=- 1 1\r\nv=0\r\n", "\r\n", " v=0"};
    struct sdp s;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_expect(sdp_parse(slice_str(texts[i]), &s) == SDP_BAD, "%s", texts[i]);
    cr_expect(sdp_parse(slice_none(), &s) == SDP_BAD);
    cr_expect(sdp_parse(slice_str("\r\nv=0"), &s) == SDP_OK && s.media_count == 0);
}

/* `front`, then before0after before1after ... */
static const struct sdp *repeated(const char *front, const char *before, const char *after,
                                  int times)
{
    static char text[1 << 20];
    size_t n = (size_t)snprintf(text, sizeof text, HEAD "%s", front);
    for (int i = 0; i < times; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%d%s", before, i, after);
    return sdp_of(text);
}

Test(sdp, what_passes_the_limits_is_dropped_and_said)
{
    const struct sdp *s = repeated("", "m=audio ", " RTP/AVP 0\r\n", SDP_MEDIA_MAX);
    cr_expect(s->media_count == SDP_MEDIA_MAX && !s->limited);
    s = repeated("", "m=audio ", " RTP/AVP 0\r\na=sendonly\r\nc=IN IP4 192.0.2.3\r\n", 10000);
    cr_expect(s->media_count == SDP_MEDIA_MAX && s->limited);
    cr_expect_eq(s->media[SDP_MEDIA_MAX - 1].port, SDP_MEDIA_MAX - 1);
    s = repeated("m=audio 4000 RTP/AVP", " ", "", SDP_FORMATS_MAX);
    cr_expect(s->media[0].format_count == SDP_FORMATS_MAX && !s->limited);
    s = repeated("m=audio 4000 RTP/AVP", " ", "", SDP_FORMATS_MAX + 1);
    cr_expect(s->media[0].format_count == SDP_FORMATS_MAX && s->limited);
    s = repeated("m=audio 4000 RTP/AVP 0\r\n", "a=candidate:", " 1 UDP 1 192.0.2.1 9 typ host\r\n",
                 SDP_CANDIDATES_MAX);
    cr_expect(s->media[0].candidate_count == SDP_CANDIDATES_MAX && !s->limited);
    s = repeated("m=audio 4000 RTP/AVP 0\r\n", "a=candidate:", " 1 UDP 1 192.0.2.1 9 typ host\r\n",
                 SDP_CANDIDATES_MAX + 1);
    cr_expect(s->media[0].candidate_count == SDP_CANDIDATES_MAX && s->limited);
    s = repeated("m=audio 4000 RTP/AVP 0\r\n", "a=x:", "\r\n", 512);
    cr_expect_not(s->limited);
    s = repeated("m=audio 4000 RTP/AVP 0\r\n", "a=x:", "\r\n", 10000);
    cr_expect(s->limited && s->media_count == 1);
    s = repeated("m=audio 4000 RTP/SAVP 0\r\n", "a=crypto:", " AES inline:x\r\n", 10);
    cr_expect_eq(s->media[0].crypto_count, SDP_CRYPTO_MAX);
}
