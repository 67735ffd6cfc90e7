/* Copies of what the front found, and the times of a contact centre, which are reckoned here. */
#include "app/summarise_related.h"

#include "app/summarise.h"
#include "capture/sip/uri.h"

static void fill_links(struct arena *a, const struct call *c, struct record_related *v)
{
    v->links = arena_alloc(a, (c->link_count + 1u) * sizeof *v->links);
    for (const struct call_link *l = c->links; l && v->links && v->link_count < c->link_count;
         l = l->next) {
        struct record_link *out = &v->links[v->link_count++];
        out->kind = call_link_kind_text((enum call_link_kind)l->kind);
        out->time_us = us(l->time_ns);
        out->evidence = slice_str(l->evidence);
        uid_text(l->uid, out->uid);
    }
}

static void fill_transfers(struct arena *a, const struct call *c, struct record_related *v)
{
    v->transfers = arena_alloc(a, (c->transfer_count + 1u) * sizeof *v->transfers);
    for (const struct call_transfer *t = c->transfers;
         t && v->transfers && v->transfer_count < c->transfer_count; t = t->next) {
        struct record_transfer *out = &v->transfers[v->transfer_count++];
        *out = (struct record_transfer){
            .time_us = us(t->time_ns),
            .done_us = us(t->done_ns),
            .referrer = call_party_text((enum call_party)t->referrer),
            .attended = t->replaces.size > 0,
            .refer_to = arena_copy(a, t->refer_to),
            .replaces = arena_copy(a, t->replaces),
            .code = t->code,
            .notify_code = t->notify_code,
            .outcome = call_transfer_outcome_text((enum call_transfer_outcome)t->outcome),
        };
        if (t->led)
            uid_text(t->uid, out->uid);
    }
}

static void fill_conference(struct arena *a, const struct call_conference *in,
                            struct record_conference *v)
{
    v->focus_uri = arena_copy(a, in->focus_uri);
    v->limited = in->limited;
    v->participants = arena_alloc(a, (in->count + 1) * sizeof *v->participants);
    for (uint32_t i = 0; i < in->count && v->participants; i++) {
        const struct call_participant *p = &in->participants[i];
        struct record_participant *out = &v->participants[v->participant_count++];
        out->user = arena_copy(a, p->user);
        out->uri = arena_copy(a, p->uri);
        out->joined_us = us(p->joined_ns);
        out->left_us = us(p->left_ns);
        if (p->has_call)
            uid_text(p->uid, out->uid);
    }
}

void related_fill(struct call_record *r, const struct call *call, const struct call_brief *brief)
{
    struct record_related *v = &r->related;
    if (call ? call->grouped : brief->grouped)
        uid_text(call ? call->group : brief->group, v->group_id);
    if (call == NULL)
        return;
    if (call->links)
        fill_links(r->arena, call, v);
    if (call->transfers)
        fill_transfers(r->arena, call, v);
    if (call->conference)
        fill_conference(r->arena, call->conference, &v->conference);
}

/* ---- a contact centre ---- */

struct centre {
    const struct centre_config *config;
    const struct call *call;
    struct call_record *r;
    int64_t agent_us; /* when an agent came in; 0: with the answer, or never */
};

static const char *agent_number(const struct centre *n, struct slice number)
{
    return centre_name_of(n->config->agents, n->config->agent_count, number);
}

static const char *queue_number(const struct centre *n, struct slice number)
{
    return centre_name_of(n->config->queues, n->config->queue_count, number);
}

static struct slice user_of(struct slice uri)
{
    struct sip_uri parsed;
    return sip_uri_parse(uri, &parsed) ? parsed.number : slice_none();
}

/* Who answered, as its Contact says. */
static const char *agent_of_branch(const struct centre *n)
{
    const struct record_path *p = &n->r->path;
    for (uint32_t i = 0; i < p->leg_count; i++)
        if (p->legs[i].winner)
            return agent_number(n, user_of(p->legs[i].target));
    return NULL;
}

/* The queue passed the caller on. */
static const char *agent_of_transfer(struct centre *n)
{
    const struct record_related *v = &n->r->related;
    for (uint32_t i = 0; i < v->transfer_count; i++) {
        const struct record_transfer *t = &v->transfers[i];
        const char *name = agent_number(n, user_of(t->refer_to));
        if (name == NULL || t->outcome == NULL || strcmp(t->outcome, "success") != 0)
            continue;
        n->agent_us = t->done_us;
        return name;
    }
    return NULL;
}

/* By number: the callee; a branch that answered for a queue; whom the queue passed the call to; the
 * caller, of a call to somebody else. */
static const char *agent_by_number(struct centre *n, bool queued)
{
    const char *name = agent_number(n, n->r->identity.callee.number);
    if (name == NULL)
        name = agent_number(n, n->r->to.user);
    if (name == NULL)
        name = agent_of_branch(n);
    if (name == NULL)
        name = agent_of_transfer(n);
    if (name || queued)
        return name;
    name = agent_number(n, n->r->identity.caller.number);
    return name ? name : agent_number(n, n->r->from.user);
}

static void name_queue(struct centre *n, struct record_centre *v)
{
    const struct call_centre *said = n->call->centre;
    const struct call_record *r = n->r;
    if (said && said->queue.size) {
        v->queue = arena_copy(r->arena, said->queue);
        return;
    }
    const char *name = queue_number(n, r->identity.callee.number);
    if (name == NULL)
        name = queue_number(n, r->to.user);
    if (name == NULL)
        name = queue_number(n, user_of(r->request_uri));
    v->queue = arena_copy(r->arena, slice_str(name ? name : ""));
}

static void name_agent(struct centre *n, struct record_centre *v)
{
    const struct call_centre *said = n->call->centre;
    if (said && said->agent.size) {
        v->agent = arena_copy(n->r->arena, said->agent);
        n->agent_us = us(said->agent_ns);
        return;
    }
    const char *name = agent_by_number(n, v->queue.size > 0);
    v->agent = arena_copy(n->r->arena, slice_str(name ? name : ""));
}

/* When somebody began to talk: with the answer, or once an agent was there. 0: never. */
static int64_t served_us(const struct centre *n, const struct record_centre *v)
{
    const struct call_record *r = n->r;
    if (r->answered_us == 0 || v->queue.size == 0 || !n->config->queue_answers)
        return r->answered_us;
    if (v->agent.size == 0)
        return 0;
    return n->agent_us > r->answered_us ? n->agent_us : r->answered_us;
}

/* Time on hold from `from_us` on, by the time line. */
static int64_t held_since_us(const struct call_record *r, int64_t from_us)
{
    int64_t sum = 0, since = 0;
    for (uint32_t i = 0; i <= r->event_count; i++) {
        bool end = i == r->event_count;
        int64_t at = end ? r->ended_us : r->events[i].time_us;
        at = at > from_us ? at : from_us;
        if (!end && slice_is(r->events[i].kind, "hold") && since == 0)
            since = at;
        else if (since && (end || slice_is(r->events[i].kind, "resume"))) {
            sum += at > since ? at - since : 0;
            since = 0;
        }
    }
    return sum;
}

static void reckon(const struct centre *n, struct record_centre *v)
{
    const struct call_record *r = n->r;
    int64_t served = served_us(n, v);
    int64_t until = served ? served : r->ended_us;
    if (until > r->started_us && !(r->partial && r->processed_us == 0))
        v->wait_ms = (until - r->started_us) / 1000;
    if (served && r->ended_us) {
        int64_t hold = held_since_us(r, served);
        v->hold_ms = hold / 1000;
        v->talk_ms = (r->ended_us - served - hold) / 1000;
    }
    bool gave_up = r->outcome && (strcmp(r->outcome, "cancelled") == 0 ||
                                  strcmp(r->outcome, "no_answer") == 0 || r->answered_us);
    v->abandoned = v->queue.size > 0 && served == 0 && r->ended_us && gave_up;
}

void centre_fill(struct call_record *r, const struct call *call, const struct centre_config *config)
{
    struct centre n = {.config = config, .call = call, .r = r};
    struct record_centre *v = &r->related.centre;
    bool any = config->queue_count || config->agent_count || (call && call->centre);
    if (call == NULL || !any || call->kind != CALL_SIP)
        return;
    name_queue(&n, v);
    name_agent(&n, v);
    if (v->queue.size || v->agent.size)
        reckon(&n, v);
}
