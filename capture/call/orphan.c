/* What is RTP?
 *
 * Version 2 alone is a guess with one chance in four. Asked for are at least ORPHAN_STEPS steps
 * from packet to packet of one SSRC on which the sequence number goes on by a little and the
 * timestamp does not jump, and twice as many of them as of other steps; duplicates and late packets
 * count neither way. The payload type must be assigned (RFC 3551) or dynamic; with the unassigned
 * ones between, three times the steps are asked for. 72 to 76 would be RTCP. */
#include "capture/call/orphan.h"

#include "capture/call/expire.h"
#include "capture/call/sealed.h"
#include "capture/call/table.h"
#include "capture/rtp/codec.h"
#include "capture/rtp/rtp.h"

#define ORPHAN_STEPS    3
#define SEQUENCE_AHEAD  50   /* a step that long is a loss, a longer one a jump */
#define SEQUENCE_BEHIND -100 /* a late packet */
#define TIMESTAMP_AHEAD (90000 * 10)

static bool port_is_foreign(uint16_t port)
{
    static const uint16_t foreign[] = {1194, 1645, 1646, 1701, 1812, 1813, 1900, 2123, 2152, 3478,
                                       3544, 3702, 4500, 4789, 5060, 5061, 5353, 5355, 6081, 6343};
    if (port < 1024)
        return true;
    for (unsigned i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        if (foreign[i] == port)
            return true;
    }
    return false;
}

bool orphan_may_wait(const struct datagram *d, bool rtcp)
{
    struct rtp_packet p;
    if (port_is_foreign(d->src.port) || port_is_foreign(d->dst.port))
        return false;
    return rtcp || (rtp_parse(d->payload, d->payload_wire, &p) &&
                    (p.payload_type < 72 || p.payload_type > 76));
}

static void start_looking(struct flow *f, const struct rtp_packet *p)
{
    f->looked = true;
    f->good = f->odd = 0;
    f->look_ssrc = p->ssrc;
    f->sequence = p->sequence;
    f->timestamp = p->timestamp;
    f->payload_type = p->payload_type;
}

static void count_step(uint8_t *steps)
{
    if (*steps < UINT8_MAX)
        ++*steps;
}

void orphan_look(struct flow *f, const struct datagram *d, bool rtcp)
{
    struct rtp_packet p;
    if (rtcp || !rtp_parse(d->payload, d->payload_wire, &p))
        return;
    f->rtcp_only = false;
    if (!f->looked || (p.ssrc != f->look_ssrc && f->good < ORPHAN_STEPS)) {
        start_looking(f, &p);
        return;
    }
    if (p.ssrc != f->look_ssrc)
        return;
    int16_t ahead = (int16_t)(uint16_t)(p.sequence - f->sequence);
    int32_t later = (int32_t)(p.timestamp - f->timestamp);
    if (ahead <= 0 && ahead >= SEQUENCE_BEHIND)
        return;
    bool good =
        ahead > 0 && ahead <= SEQUENCE_AHEAD && later >= 0 && later <= TIMESTAMP_AHEAD * ahead;
    count_step(good ? &f->good : &f->odd);
    f->sequence = p.sequence;
    f->timestamp = p.timestamp;
}

static bool looks_like_rtp(const struct flow *f)
{
    struct rtp_codec codec;
    bool assigned = f->payload_type >= 96 || rtp_codec_static(f->payload_type, &codec);
    return f->good >= (assigned ? ORPHAN_STEPS : 3 * ORPHAN_STEPS) && f->good >= 2 * f->odd;
}

/* ---- joining ---- */

static bool is_orphans(const struct calls *c, const struct flow *f)
{
    return f && f->state == FLOW_BOUND && c->live[f->live].class == LIVE_ORPHAN &&
           !live_is_over(&c->live[f->live]);
}

static void describe(struct calls *c, const struct flow *f, uint8_t party, struct flow_media *media)
{
    struct rtp_codec codec;
    memset(media, 0, sizeof *media);
    media->party = party;
    media->confidence = FLOW_GUESSED;
    media->keep = true;
    media->media_type = SDP_AUDIO;
    media->secure = sealed_seen(c->sealed, &f->src, &f->dst, c->steady_ns);
    if (f->looked && rtp_codec_static(f->payload_type, &codec) && codec.kind == CODEC_VIDEO)
        media->media_type = SDP_VIDEO;
}

static bool join(struct calls *c, struct flow *f, struct live *l, uint8_t party)
{
    struct flow_media media;
    describe(c, f, party, &media);
    l->call->encrypted_media |= media.secure;
    return flow_bind(c, f, l, &media);
}

static uint8_t other_side(uint8_t party)
{
    return party == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
}

static struct flow *neighbour(struct calls *c, const struct endpoint *src,
                              const struct endpoint *dst, int step)
{
    struct endpoint a = *src, b = *dst;
    a.port = (uint16_t)(a.port + step);
    b.port = (uint16_t)(b.port + step);
    return flows_find(c, &a, &b);
}

bool orphan_join_rtcp(struct calls *c, struct flow *f)
{
    static const int steps[] = {-1, 0};
    for (unsigned i = 0; i < 2; i++) {
        struct flow *along = steps[i] ? neighbour(c, &f->src, &f->dst, steps[i]) : NULL;
        if (is_orphans(c, along))
            return join(c, f, &c->live[along->live], along->party);
        struct flow *against = neighbour(c, &f->dst, &f->src, steps[i]);
        if (is_orphans(c, against))
            return join(c, f, &c->live[against->live], other_side(against->party));
    }
    return false;
}

static void join_waiting_rtcp(struct calls *c, const struct flow *f, struct live *l)
{
    struct flow *along = neighbour(c, &f->src, &f->dst, 1);
    struct flow *against = neighbour(c, &f->dst, &f->src, 1);
    if (along && along->state == FLOW_HELD && along->rtcp_only)
        join(c, along, l, f->party);
    if (against && against->state == FLOW_HELD && against->rtcp_only)
        join(c, against, l, other_side(f->party));
}

bool orphan_promote(struct calls *c, struct flow *f)
{
    if (f->state != FLOW_HELD || !c->config.orphans || !looks_like_rtp(f))
        return false;
    struct flow *back = flows_find(c, &f->dst, &f->src);
    bool joins = is_orphans(c, back);
    struct live *l = joins ? &c->live[back->live] : table_new_orphan(c, f);
    if (l == NULL)
        return false;
    if (!join(c, f, l, joins ? other_side(back->party) : CALL_CALLER)) {
        if (!joins)
            table_close(c, l);
        return false;
    }
    join_waiting_rtcp(c, f, l);
    if (!joins)
        expire_schedule(c, l);
    return true;
}
