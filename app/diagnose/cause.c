/* Why nothing of one direction was heard: what the evidence shows, from the surest to the one that
 * remains. */
#include "app/diagnose/parts.h"

#include <stdio.h>

static bool is_one_of(const char *direction, const char *a, const char *b)
{
    return strcmp(direction, a) == 0 || strcmp(direction, b) == 0;
}

/* By SDP this side does not send, or the other does not want to hear. */
static bool muted_by_sdp(struct look *k, enum way w, struct record_label *l)
{
    const struct record_announced *own = announced_last(k, w);
    const struct record_announced *other = announced_last(k, way_back(w));
    if (own && is_one_of(own->direction, "recvonly", "inactive"))
        evidence_text(k, l, "sdp_direction", own->direction);
    else if (other && is_one_of(other->direction, "sendonly", "inactive"))
        evidence_text(k, l, "sdp_direction", other->direction);
    else
        return false;
    return true;
}

/* It sent, but nothing but comfort noise. */
static bool muted_by_noise(struct look *k, enum way w, struct record_label *l)
{
    const struct record_stream *s = way_stream(k, w);
    if (s == NULL || s->last_us < k->begin_us || s->noise_packets == 0 ||
        s->packets > s->noise_packets + s->event_packets)
        return false;
    evidence_number(l, "noise_packets", (double)s->noise_packets);
    return true;
}

static bool is_declined(const struct call_record *r)
{
    for (uint32_t i = 0; i < r->line_count; i++)
        if (slice_is(r->lines[i].type, "audio"))
            return strcmp(r->lines[i].state, "declined") == 0;
    return false;
}

static bool wrong_codec(struct look *k, enum way w, struct record_label *l)
{
    const struct record_stream *s = way_stream(k, w);
    if (s && s->last_us > k->begin_us && !type_is_announced(k, s)) {
        evidence_number(l, "payload_type", s->payload_type);
        evidence_number(l, "packets", (double)s->packets);
        return true;
    }
    return s == NULL && is_declined(k->r);
}

/* The receiver asked for its packets at an address that only its own network knows. */
static bool private_address(struct look *k, enum way receiver, struct record_label *l)
{
    char text[ENDPOINT_TEXT_SIZE];
    const struct record_announced *a = announced_last(k, receiver);
    const struct record_stream *s = way_stream(k, receiver);
    if (a == NULL || !addr_is_private(a->at.addr))
        return false;
    bool sends_from_outside = s && !addr_is_private(s->src.addr) && !addr_is_loopback(s->src.addr);
    if (!a->abroad && !sends_from_outside)
        return false;
    evidence_text(k, l, "announced", endpoint_text(&a->at, text));
    if (sends_from_outside)
        evidence_text(k, l, "sends_from", endpoint_text(&s->src, text));
    return true;
}

/* Somebody said that what was sent to the listener did not arrive; or the speaker is not there at
 * all, as those say who answer for it. */
static bool refused(struct look *k, enum way w, struct record_label *l)
{
    char text[ENDPOINT_TEXT_SIZE], by[ADDR_TEXT_SIZE];
    const enum way tried[] = {w, way_back(w)};
    for (unsigned i = 0; i < 2; i++) {
        const struct record_stream *s = way_stream(k, tried[i]);
        const struct record_unreachable *u = s ? unreached(k, s) : NULL;
        if (u == NULL)
            continue;
        evidence_text(k, l, "refused_at", endpoint_text(&u->dst, text));
        evidence_text(k, l, "unreachable", u->reason);
        evidence_text(k, l, "said_by", addr_text(u->by, by));
        evidence_number(l, "icmp", u->count);
        return true;
    }
    return false;
}

static bool muted(struct look *k, enum way w, struct record_label *l)
{
    return muted_by_sdp(k, w, l) || muted_by_noise(k, w, l);
}

static bool unreachable(struct look *k, enum way w, struct record_label *l)
{
    return private_address(k, way_back(w), l);
}

/* From the surest on. */
static const struct {
    const char *name;
    bool (*shows)(struct look *k, enum way w, struct record_label *l);
} causes[] = {
    {"codec", wrong_codec},
    {"refused", refused},
    {"private_address", unreachable},
};

/* Of both directions: who is muted needs no other reason, so the other one's counts. */
const char *cause_of_silence(struct look *k, enum way w, struct record_label *l)
{
    enum way first = w == WAYS ? WAY_CALLER : w, last = w == WAYS ? WAY_CALLEE : w;
    bool is_muted[WAYS] = {muted(k, WAY_CALLER, NULL), muted(k, WAY_CALLEE, NULL)};
    if (is_muted[first] && is_muted[last]) {
        (void)muted(k, first, l);
        return "muted";
    }
    for (unsigned i = 0; i < sizeof causes / sizeof *causes; i++)
        for (enum way v = first; v <= last; v++) {
            if (is_muted[v] || !causes[i].shows(k, v, l))
                continue;
            if (w == WAYS)
                evidence_text(k, l, "speaker", way_party(v));
            return causes[i].name;
        }
    return "firewall";
}
