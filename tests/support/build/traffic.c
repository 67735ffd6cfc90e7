/* The conductor: a heap of actors, each with the time of what it says next. A call that has ended
 * gives its slot to the next one, so that as many as asked for run at once.
 *
 *     actor id = slot * PARTS + part;  part: signalling, RTP and RTCP of each side, or "begin"
 */
#include <assert.h>
#include <stdlib.h>

#include "tests/support/build/internal.h"

enum { PART_SIP, PART_RTP, PART_RTP_BACK, PART_RTCP, PART_RTCP_BACK, PART_BEGIN, PARTS };

/* ---- heap: earliest first, by id where times are equal ---- */

static bool before(struct actor a, struct actor b)
{
    return a.us < b.us || (a.us == b.us && a.id < b.id);
}

static void sink(struct traffic *t, uint32_t at, struct actor a)
{
    for (uint32_t child; (child = 2 * at + 1) < t->heap_size; at = child) {
        if (child + 1 < t->heap_size && before(t->heap[child + 1], t->heap[child]))
            child++;
        if (!before(t->heap[child], a))
            break;
        t->heap[at] = t->heap[child];
    }
    t->heap[at] = a;
}

static void push(struct traffic *t, int64_t us, uint32_t id)
{
    struct actor a = {us, id};
    uint32_t at = t->heap_size++;
    assert(t->heap_size <= t->slots * PARTS);
    for (; at > 0 && before(a, t->heap[(at - 1) / 2]); at = (at - 1) / 2)
        t->heap[at] = t->heap[(at - 1) / 2];
    t->heap[at] = a;
}

static void replace_first(struct traffic *t, int64_t us)
{
    sink(t, 0, (struct actor){us, t->heap[0].id});
}

static void drop_first(struct traffic *t)
{
    struct actor last = t->heap[--t->heap_size];
    if (t->heap_size)
        sink(t, 0, last);
}

/* ---- calls ---- */

static void join(struct traffic *t, struct call *call, int64_t us, uint32_t id)
{
    call->actors++;
    push(t, us, id);
}

static void begin_call(struct traffic *t, uint32_t slot, int64_t us)
{
    struct call *call = t->calls[slot];
    uint32_t id = slot * PARTS;
    call_plan(t, call, t->started++, us);
    if (call->step_count)
        join(t, call, call->steps[0].us, id + PART_SIP);
    for (int i = 0; i < 2; i++) {
        struct stream *s = &call->stream[i];
        if (!s->on)
            continue;
        stream_start(t, call, s);
        join(t, call, s->next.time_us, id + PART_RTP + (uint32_t)i);
        if (t->config.rtcp)
            join(t, call, s->rtcp_us, id + PART_RTCP + (uint32_t)i);
    }
}

/* The first actor has said its last word. */
static void leave(struct traffic *t, uint32_t slot)
{
    struct call *call = t->calls[slot];
    int64_t us = t->heap[0].us;
    drop_first(t);
    if (--call->actors > 0)
        return;
    truth_of_call(&t->config, call);
    if (t->started < t->config.calls)
        push(t, us + rng_between(&t->rng, 20000, 200000), slot * PARTS + PART_BEGIN);
}

/* ---- frames ---- */

static size_t next_fragment(struct traffic *t)
{
    size_t size = wire_fragment(&t->fragment_head, t->fragment_id, t->datagram, t->datagram_size,
                                &t->fragment_at, t->frame);
    t->fragments = t->fragment_at < t->datagram_size;
    return size;
}

/* What stands at datagram + 8 goes out, in fragments if it must. */
static size_t send_datagram(struct traffic *t, const struct wire_head *h, struct side *from,
                            size_t payload_size, int64_t us)
{
    t->datagram_size = payload_size + 8;
    t->fragment_head = *h;
    t->fragment_id = from->ip_id++;
    t->fragment_at = 0;
    t->fragment_us = us;
    wire_udp(h, t->datagram, t->datagram_size);
    return next_fragment(t);
}

static size_t play_sip(struct traffic *t, struct call *call, uint32_t slot)
{
    const struct step *s = &call->steps[call->step++];
    int sender = s->by_caller == (s->code == 0) ? 0 : 1;
    sip_compose(&t->config, &t->audio, call, s, &t->text);
    assert(!t->text.failed && t->text.size + 8 <= DATAGRAM_MAX);
    memcpy(t->datagram + 8, t->text.data, t->text.size);
    size_t size =
        send_datagram(t, &call->sip_head[sender], &call->side[sender], t->text.size, s->us);
    if (call->step < call->step_count)
        replace_first(t, call->steps[call->step].us);
    else
        leave(t, slot);
    return size;
}

static size_t play_rtp(struct traffic *t, struct call *call, uint32_t slot, struct stream *s)
{
    size_t size = stream_emit(t, call, s, t->frame);
    if (!s->over) {
        replace_first(t, s->next.time_us);
        return size;
    }
    truth_of_stream(&t->config, call, s);
    leave(t, slot);
    return size;
}

/* No report when the stream is about to end: media is the last that is heard of a call. */
static size_t play_rtcp(struct traffic *t, struct call *call, uint32_t slot, struct stream *s)
{
    const struct stream *back = s == &call->stream[0] ? &call->stream[1] : &call->stream[0];
    int64_t end_us = s->first_us + (int64_t)s->slots * s->audio->ptime_ms * 1000 - 200000;
    if (s->rtcp_us >= end_us) {
        leave(t, slot);
        return 0;
    }
    int64_t us = s->rtcp_us;
    size_t size = rtcp_compose(&t->config, s, back, us, t->datagram + 8);
    size = send_datagram(t, &s->rtcp_head, s->from, size, us);
    s->rtcp_us += RTCP_EVERY_US;
    replace_first(t, s->rtcp_us);
    return size;
}

/* The first actor's turn; 0 when it had nothing to put on the wire. */
static size_t play(struct traffic *t, int64_t us, uint32_t id)
{
    uint32_t slot = id / PARTS, part = id % PARTS;
    struct call *call = t->calls[slot];
    switch (part) {
    case PART_SIP:
        return play_sip(t, call, slot);
    case PART_RTP:
    case PART_RTP_BACK:
        return play_rtp(t, call, slot, &call->stream[part - PART_RTP]);
    case PART_RTCP:
    case PART_RTCP_BACK:
        return play_rtcp(t, call, slot, &call->stream[part - PART_RTCP]);
    default:
        drop_first(t);
        if (t->started < t->config.calls)
            begin_call(t, slot, us);
        return 0;
    }
}

bool traffic_next(struct traffic *t, struct frame *ret_frame)
{
    int64_t us = t->fragment_us;
    size_t size = t->fragments ? next_fragment(t) : 0;
    while (size == 0) {
        if (t->heap_size == 0)
            return false;
        us = t->heap[0].us;
        size = play(t, us, t->heap[0].id);
    }
    t->frames++;
    *ret_frame = (struct frame){.bytes = slice_of(t->frame, size),
                                .wire_bytes = (uint32_t)size,
                                .link_type = t->config.link_type,
                                .time_ns = us * 1000};
    return true;
}

uint64_t traffic_frames(const struct traffic *t)
{
    return t->frames;
}

/* ---- configuration ---- */

void traffic_defaults(struct traffic_config *c)
{
    *c = (struct traffic_config){.calls = 1,
                                 .concurrent = 1,
                                 .duration_s = 10,
                                 .codec = "PCMU",
                                 .ptime_ms = 20,
                                 .burst = 1,
                                 .outcome = OUTCOME_ANSWERED,
                                 .link_type = LINK_ETHERNET,
                                 .seed = 1,
                                 .start_s = 1763719200};
}

static const char *nonsense(const struct traffic_config *c)
{
    if (c->calls == 0 || c->calls > TRAFFIC_CALLS_MAX)
        return "the number of calls is from 1 to 1000000";
    if (c->concurrent == 0 || c->concurrent > TRAFFIC_CONCURRENT_MAX)
        return "the number of concurrent calls is from 1 to 100000";
    if (!(c->duration_s >= 1 && c->duration_s <= 7 * 86400))
        return "the duration is from 1 s to a week";
    if (!(c->ramp_s >= 0 && c->ramp_s <= 86400))
        return "the first calls begin within a day";
    if (!(c->loss_pct >= 0 && c->loss_pct <= 60) || !(c->burst >= 1 && c->burst <= 50))
        return "loss is from 0 to 60 percent, in bursts of 1 to 50 packets on average";
    if (!(c->jitter_ms >= 0 && c->jitter_ms <= 1000))
        return "jitter is from 0 to 1000 ms";
    if (!(c->reorder_pct >= 0 && c->reorder_pct <= 100 && c->duplicate_pct >= 0 &&
          c->duplicate_pct <= 100))
        return "percentages are from 0 to 100";
    if (c->vlan_pct > 0 && c->link_type != LINK_ETHERNET)
        return "VLAN tags need Ethernet";
    if (c->restart && c->ssrc_change)
        return "a stream restarts or changes its SSRC, not both";
    if (c->early && c->late_offer)
        return "early media needs an early offer";
    if (c->media_only && c->sip_only)
        return "there is nothing to send with neither signalling nor media";
    return NULL;
}

static uint32_t odds_of(double probability)
{
    return probability >= 1 ? UINT32_MAX : (uint32_t)(probability * 4294967296.0);
}

/* Gilbert: a bad state in which every packet is lost, left with 1 in `burst`. */
static void set_odds(struct odds *o, const struct traffic_config *c)
{
    double loss = c->loss_pct / 100;
    o->loss_leave = odds_of(1 / c->burst);
    o->loss_enter = odds_of(loss / (c->burst * (1 - loss)));
    o->reorder = odds_of(c->reorder_pct / 100);
    o->duplicate = odds_of(c->duplicate_pct / 100);
    o->jitter_us = (uint32_t)(c->jitter_ms * 1000);
}

static void first_calls(struct traffic *t)
{
    int64_t ramp_us = (int64_t)(t->config.duration_s * 1e5);
    if (ramp_us > 5000000)
        ramp_us = 5000000;
    if (t->config.ramp_s > 0)
        ramp_us = (int64_t)(t->config.ramp_s * 1e6);
    for (uint32_t i = 0; i < t->slots; i++)
        push(t, t->config.start_s * 1000000 + ramp_us * i / t->slots, i * PARTS + PART_BEGIN);
}

static int allocate(struct traffic *t)
{
    t->heap = calloc((size_t)t->slots * PARTS, sizeof *t->heap);
    t->calls = calloc(t->slots, sizeof *t->calls);
    if (t->heap == NULL || t->calls == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < t->slots; i++) {
        t->calls[i] = calloc(1, sizeof **t->calls);
        if (t->calls[i] == NULL)
            return ERR_NOMEM;
    }
    return 0;
}

int traffic_new(const struct traffic_config *c, struct traffic **ret_traffic, struct why *why)
{
    const char *wrong = nonsense(c);
    if (wrong) {
        why_set(why, "%s", wrong);
        return ERR_INVALID;
    }
    struct traffic *t = calloc(1, sizeof *t);
    if (t == NULL)
        return ERR_NOMEM;
    t->config = *c;
    t->slots = c->calls < c->concurrent ? c->calls : c->concurrent;
    t->rng.state = c->seed;
    buf_init(&t->text, DATAGRAM_MAX);
    set_odds(&t->odds, c);
    int err = audio_make(&t->audio, c, why);
    if (err == 0)
        err = allocate(t);
    if (err) {
        traffic_free(t);
        return err;
    }
    first_calls(t);
    *ret_traffic = t;
    return 0;
}

void traffic_free(struct traffic *t)
{
    if (t == NULL)
        return;
    for (uint32_t i = 0; t->calls && i < t->slots; i++)
        free(t->calls[i]);
    free(t->calls);
    free(t->heap);
    audio_free(&t->audio);
    buf_fini(&t->text);
    free(t);
}
