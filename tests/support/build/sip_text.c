/* SIP messages and SDP bodies of a step, as ordinary user agents write them. */
#include "tests/support/build/internal.h"

#define BIG_BODY 8700 /* bytes of padding that make an INVITE of about 9 kB */

static const char *phrase(uint16_t code)
{
    switch (code) {
    case 100:
        return "Trying";
    case 180:
        return "Ringing";
    case 183:
        return "Session Progress";
    case 200:
        return "OK";
    case 302:
        return "Moved Temporarily";
    case 404:
        return "Not Found";
    case 407:
        return "Proxy Authentication Required";
    case 480:
        return "Temporarily Unavailable";
    case 486:
        return "Busy Here";
    case 487:
        return "Request Terminated";
    case 503:
        return "Service Unavailable";
    case 603:
        return "Decline";
    default:
        return "Unknown";
    }
}

static const char *bracket(const struct traffic_config *c, bool open)
{
    return !c->ipv6 ? "" : open ? "[" : "]";
}

static void put_uri(const struct traffic_config *c, const struct side *s, struct buf *out)
{
    buf_printf(out, "sip:%s@%s%s%s:%u", s->user, bracket(c, true), s->ip_text, bracket(c, false),
               s->sip_port);
}

/* ---- SDP ---- */

static void put_direction(uint8_t sdp, struct buf *out)
{
    static const char *const text[] = {"", "sendrecv", "sendonly", "recvonly"};
    buf_printf(out, "a=%s\r\n", text[sdp]);
}

/* Attributes that nobody asked for, as some gateways send them. */
static void put_padding(struct buf *out)
{
    for (int line = 0; line < BIG_BODY / 82; line++)
        buf_printf(out, "a=x-padding:%03d %s\r\n", line,
                   "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwx0");
}

static void put_sdp(const struct traffic_config *c, const struct audio *a, const struct side *s,
                    const struct step *step, struct buf *out)
{
    const char *family = c->ipv6 ? "IP6" : "IP4";
    buf_printf(out, "v=0\r\no=- %u %u IN %s %s\r\ns=call\r\nc=IN %s %s\r\nt=0 0\r\n",
               4000u + s->rtp_port, step->cseq + 1u, family, s->ip_text, family, s->ip_text);
    buf_printf(out, "m=audio %u RTP/AVP %u%s 101\r\n", s->rtp_port, a->payload_type,
               a->noise ? " 13" : "");
    buf_printf(out, "a=rtpmap:%u %s\r\n", a->payload_type, a->rtpmap);
    if (a->noise)
        buf_str(out, "a=rtpmap:13 CN/8000\r\n");
    buf_printf(out, "a=rtpmap:101 telephone-event/%u\r\na=fmtp:101 0-16\r\n", a->clock_hz);
    buf_printf(out, "a=ptime:%u\r\n", a->ptime_ms);
    put_direction(step->sdp, out);
    if (step->flags & STEP_BIG)
        put_padding(out);
}

/* ---- headers ---- */

static void put_start_line(const struct traffic_config *c, const struct side *callee,
                           const struct step *s, struct buf *out)
{
    if (s->code) {
        buf_printf(out, "SIP/2.0 %u %s\r\n", s->code, phrase(s->code));
        return;
    }
    buf_printf(out, "%s ", s->method);
    put_uri(c, callee, out);
    buf_str(out, " SIP/2.0\r\n");
}

static void put_dialog(const struct traffic_config *c, const struct call *call,
                       const struct step *s, struct buf *out)
{
    const struct side *from = &call->side[s->by_caller ? 0 : 1];
    const struct side *to = &call->side[s->by_caller ? 1 : 0];
    bool tagged = s->code ? s->code != 100 : !(s->flags & STEP_INITIAL);

    buf_printf(out, "Via: SIP/2.0/UDP %s%s%s:%u;branch=z9hG4bK%s%u.%u\r\n", bracket(c, true),
               from->ip_text, bracket(c, false), from->sip_port, from->tag, s->cseq, s->branch);
    if (s->code == 0)
        buf_str(out, "Max-Forwards: 70\r\n");
    buf_printf(out, "From: \"%s\" <", from->user);
    put_uri(c, from, out);
    buf_printf(out, ">;tag=%s\r\nTo: <", from->tag);
    put_uri(c, to, out);
    buf_char(out, '>');
    if (tagged)
        buf_printf(out, ";tag=%s%s", s->flags & STEP_CHALLENGE ? "challenge" : "", to->tag);
    buf_printf(out, "\r\nCall-ID: %s\r\nCSeq: %u %s\r\n", call->call_id, s->cseq, s->method);
}

static void put_extras(const struct traffic_config *c, const struct call *call,
                       const struct step *s, const struct side *sender, struct buf *out)
{
    if (s->code == 407)
        buf_str(out, "Proxy-Authenticate: Digest realm=\"example.org\", nonce=\"6f8a1c2b\", "
                     "algorithm=MD5, qop=\"auth\"\r\n");
    if (s->flags & STEP_CREDENTIALS)
        buf_printf(out,
                   "Proxy-Authorization: Digest username=\"%s\", realm=\"example.org\", "
                   "nonce=\"6f8a1c2b\", uri=\"sip:%s@example.org\", qop=auth, nc=00000001, "
                   "cnonce=\"0a4f113b\", response=\"d41d8cd98f00b204e9800998ecf8427e\"\r\n",
                   call->side[0].user, call->side[1].user);
    if (s->flags & STEP_REDIRECT) {
        buf_str(out, "Contact: <sip:voicemail@example.org>\r\n");
    } else if (strcmp(s->method, "INVITE") == 0 && s->code != 100 && s->code < 300) {
        buf_str(out, "Contact: <");
        put_uri(c, sender, out);
        buf_str(out, ">\r\n");
    }
    buf_printf(out, "%s: Earshot traffic\r\n", s->code ? "Server" : "User-Agent");
}

void sip_compose(const struct traffic_config *c, const struct audio *a, const struct call *call,
                 const struct step *s, struct buf *out)
{
    bool caller_sends = s->by_caller == (s->code == 0);
    const struct side *sender = &call->side[caller_sends ? 0 : 1];
    struct buf body;

    buf_init(&body, DATAGRAM_MAX);
    if (s->sdp)
        put_sdp(c, a, sender, s, &body);
    buf_clear(out);
    put_start_line(c, &call->side[s->by_caller ? 1 : 0], s, out);
    put_dialog(c, call, s, out);
    put_extras(c, call, s, sender, out);
    if (s->sdp)
        buf_str(out, "Content-Type: application/sdp\r\n");
    buf_printf(out, "Content-Length: %zu\r\n\r\n", body.size);
    buf_slice(out, buf_view(&body));
    buf_fini(&body);
}
