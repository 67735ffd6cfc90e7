/* Between net/hep.c, which knows the format, and the front, which knows the time. */
#include "capture/hep_unpack.h"

#include <stdlib.h>

enum { LABEL_MALFORMED = 0 };

struct hep_unpack {
    struct counters *counters;
    uint8_t payload[HEP_SIZE_MAX]; /* that was compressed */
    uint8_t rtcp[HEP_RTCP_ROOM];   /* that was JSON */
};

struct hep_unpack *hep_unpack_new(struct counters *counters)
{
    struct hep_unpack *u = malloc(sizeof *u);
    if (u)
        u->counters = counters;
    return u;
}

void hep_unpack_free(struct hep_unpack *u)
{
    free(u);
}

/* Payloads that agents pack or rewrite become what was on the wire. */
static void read_payload(struct hep_unpack *u, struct hep_packet *p)
{
    struct datagram *d = &p->d;
    if (p->compressed)
        d->payload = slice_of(u->payload, hep_inflate(d->payload, u->payload, sizeof u->payload));
    if (p->type == HEP_RTCP)
        d->payload = hep_rtcp(d->payload, u->rtcp, sizeof u->rtcp);
    d->payload_wire = (uint32_t)d->payload.size;
}

static int64_t time_of(struct hep_unpack *u, const struct hep_packet *p, int64_t now_ns)
{
    bool suspect;
    int64_t time_ns = hep_time(p, now_ns, &suspect);
    if (suspect)
        counters_add(u->counters,
                     C_PARSE_ERRORS + LABEL_PROTO_HEP * LABEL_COUNT_PARSE_REASON + LABEL_PARSE_CLOCK, 1);
    return time_ns < now_ns ? time_ns : now_ns;
}

bool hep_unpack(struct hep_unpack *u, struct slice bytes, const struct datagram *carrier,
                int64_t now_ns, struct hep_packet *ret_packet)
{
    struct hep_packet *p = ret_packet;
    if (!hep_parse(bytes, p)) {
        counters_add(u->counters, C_HEP_REFUSED + LABEL_MALFORMED, 1);
        return false;
    }
    counters_add(u->counters, C_DECODED + LABEL_PROTO_HEP, 1);
    counters_add(u->counters, C_HEP_PACKETS + hep_type_label(p->type), 1);
    read_payload(u, p);
    p->d.time_ns = time_of(u, p, now_ns);
    p->d.wrapping = WRAP_HEP;
    p->d.wrap_id = p->agent;
    p->d.wrap_src = carrier ? carrier->src.addr : (struct addr){0};
    p->d.wrap_dst = carrier ? carrier->dst.addr : (struct addr){0};
    return true;
}
