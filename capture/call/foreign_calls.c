/* Sorts: whose is it, is it followed, and if not, was its flow counted before. */
#include "capture/call/foreign_calls.h"

#include <stdlib.h>

#include "base/error.h"
#include "capture/call/h323_calls.h"
#include "capture/call/mgcp_calls.h"
#include "capture/foreign/mgcp.h"
#include "capture/foreign/seen.h"

struct foreign_calls {
    struct calls *calls;
    struct mgcp_calls *mgcp;
    struct seen *flows; /* value: was it counted? */
    uint32_t streams;
};

int foreign_calls_new(struct calls *c, struct foreign_calls **ret_foreign)
{
    struct foreign_calls *f = calloc(1, sizeof *f);
    if (f == NULL)
        return ERR_NOMEM;
    f->calls = c;
    f->flows = seen_new(FOREIGN_FLOWS_MAX, FOREIGN_FLOW_NS);
    f->mgcp = mgcp_calls_new(c);
    if (f->flows == NULL || f->mgcp == NULL) {
        foreign_calls_free(f);
        return ERR_NOMEM;
    }
    *ret_foreign = f;
    return 0;
}

void foreign_calls_free(struct foreign_calls *f)
{
    if (f == NULL)
        return;
    mgcp_calls_free(f->mgcp);
    seen_free(f->flows);
    free(f);
}

/* ---- flows ---- */

/* Either way round it is the same. */
static uint64_t flow_key(const struct foreign_calls *f, const struct datagram *d,
                         enum foreign_proto proto)
{
    const struct hash_seed *seed = &f->calls->config.seed;
    uint64_t a = endpoint_hash(seed, &d->src), b = endpoint_hash(seed, &d->dst);
    uint64_t words[3] = {a < b ? a : b, a < b ? b : a, proto};
    return hash_words(seed, words, 3);
}

/* A flow counts when something of it is not followed, once. */
static void note_flow(struct foreign_calls *f, const struct datagram *d, enum foreign_proto proto,
                      bool followed)
{
    bool pushed;
    struct seen_item *flow =
        seen_put(f->flows, flow_key(f, d, proto), f->calls->steady_ns, &pushed);
    if (pushed)
        counters_add(f->calls->counters, C_FOREIGN_FORGOTTEN, 1);
    if (followed || flow->value[0])
        return;
    flow->value[0] = 1;
    counters_add(f->calls->counters, C_UNSUPPORTED + proto - FOREIGN_H323, 1);
}

/* Gateways may use any port: there a response is known by the commands on its flow. */
static bool is_mgcp_answer(struct foreign_calls *f, const struct datagram *d)
{
    return mgcp_is_response(d->payload) &&
           seen_find(f->flows, flow_key(f, d, FOREIGN_MGCP), f->calls->steady_ns) != NULL;
}

bool foreign_calls_datagram(struct foreign_calls *f, const struct datagram *d)
{
    if (!foreign_worth_a_look(d))
        return false;
    enum foreign_proto proto = foreign_datagram(d);
    if (proto == FOREIGN_NONE && is_mgcp_answer(f, d))
        proto = FOREIGN_MGCP;
    if (proto == FOREIGN_NONE)
        return false;
    note_flow(f, d, proto, proto == FOREIGN_MGCP && mgcp_calls_datagram(f->mgcp, d));
    return true;
}

/* ---- streams ---- */

/* Either direction of an H.225 connection. */
struct h225_stream {
    struct endpoint end; /* sender of the first framer's bytes */
    struct h225_framer framer[2];
};

struct arrival {
    struct foreign_calls *foreign;
    const struct datagram *d;
};

static void on_q931(void *context, struct slice q931)
{
    struct arrival *a = context;
    struct h225_msg m;
    if (q931.size == 0) /* an empty frame keeps the connection alive */
        return;
    bool followed = h225_parse(q931, &m) && h323_calls_message(a->foreign->calls, a->d, &m);
    note_flow(a->foreign, a->d, FOREIGN_H323, followed);
}

static bool open_stream(struct foreign_calls *f, const struct datagram *bytes, void **user)
{
    struct h225_stream *s = f->streams < FOREIGN_STREAMS_MAX ? calloc(1, sizeof *s) : NULL;
    if (s == NULL) {
        note_flow(f, bytes, FOREIGN_H323, false);
        return false;
    }
    s->end = bytes->src;
    f->streams++;
    *user = s;
    return true;
}

bool foreign_calls_stream(struct foreign_calls *f, const struct datagram *bytes, bool first,
                          void **user)
{
    if (first && *user == NULL) {
        enum foreign_proto proto =
            foreign_stream_guess(bytes->payload, bytes->src.port, bytes->dst.port);
        if (proto == FOREIGN_NONE)
            return false;
        if (proto != FOREIGN_H323) {
            note_flow(f, bytes, proto, false);
            return false;
        }
        if (!open_stream(f, bytes, user))
            return false;
    }
    struct h225_stream *s = *user;
    if (s == NULL)
        return false;
    struct arrival a = {f, bytes};
    unsigned side = !endpoint_equal(&s->end, &bytes->src);
    h225_feed(&s->framer[side], bytes->payload, on_q931, &a);
    return true;
}

void foreign_calls_stream_closed(struct foreign_calls *f, void *user)
{
    struct h225_stream *s = user;
    if (s == NULL)
        return;
    h225_framer_fini(&s->framer[0]);
    h225_framer_fini(&s->framer[1]);
    free(s);
    f->streams--;
}
