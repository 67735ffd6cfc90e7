/* A message is told from where it comes and where it goes, what kind it is, and then shown to the
 * detectors that want that kind. Most messages are neither: they count in two rates and are done.
 */
#include "capture/finding/findings.h"

#include <stdlib.h>

#include "capture/finding/parts.h"

#define SECOND        INT64_C(1000000000)
#define ADDRESSES_MIN 16
#define USUAL_PART    5 /* a fifth of the limit of a flood */

enum { KIND_REQUEST = 1, KIND_RESPONSE = 2, KIND_IN_CALL = 4 };

static const struct {
    enum finding_detector detector;
    unsigned kinds;
    detector_fn *see;
} DETECTORS[] = {
    {FINDING_SCANNER, KIND_REQUEST, see_scanner},
    {FINDING_REQUEST_RATE, KIND_REQUEST | KIND_RESPONSE, see_request_rate},
    {FINDING_ENUMERATION, KIND_REQUEST | KIND_RESPONSE, see_enumeration},
    {FINDING_SWEEP, KIND_REQUEST | KIND_RESPONSE, see_sweep},
    {FINDING_DIGEST_LEAK, KIND_IN_CALL, see_digest_leak},
};

/* ---- making ---- */

void finding_config_defaults(struct finding_config *config)
{
    *config = (struct finding_config){
        .enabled = true,
        .flood_factor = 10,
        .quiet_ns = 300 * SECOND,
        .again_ns = 3600 * SECOND,
        .addresses_max = 8192,
        .findings_max = 1000,
    };
    for (unsigned i = 0; i < FINDING_RULES; i++)
        config->rule[i] = (struct finding_rule_config){true, finding_rule(i)->threshold,
                                                       finding_rule(i)->window_ns};
}

struct findings *findings_new(const struct finding_config *config, const struct hash_seed *seed,
                              const struct finding_sink *sink, struct counters *counters)
{
    struct findings *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->config = *config;
    if (f->config.addresses_max < ADDRESSES_MIN)
        f->config.addresses_max = ADDRESSES_MIN;
    f->usual_max[0] = config->rule[RULE_FLOOD_SOURCE].threshold / USUAL_PART;
    f->usual_max[1] = config->rule[RULE_FLOOD_DESTINATION].threshold / USUAL_PART;
    if (finding_engine_init(&f->engine, &f->config, seed, sink, counters) != 0 ||
        watched_init(&f->watched, seed, f->config.addresses_max) != 0) {
        findings_free(f);
        return NULL;
    }
    return f;
}

void findings_free(struct findings *f)
{
    if (f == NULL)
        return;
    watched_fini(&f->watched);
    finding_engine_fini(&f->engine);
    free(f);
}

/* ---- time ---- */

void findings_time(struct findings *f, int64_t time_ns, int64_t steady_ns)
{
    f->engine.time_ns = time_ns;
    f->engine.steady_ns = steady_ns;
    if (steady_ns < f->second * SECOND || steady_ns >= (f->second + 1) * SECOND)
        f->second = steady_ns / SECOND;
}

void findings_tick(struct findings *f)
{
    finding_engine_tick(&f->engine);
}

void findings_finish(struct findings *f)
{
    finding_engine_finish(&f->engine);
}

/* ---- rules ---- */

bool rule_count(struct findings *f, enum finding_rule rule, struct window *w, uint32_t n,
                uint32_t *ret_count)
{
    const struct finding_rule_config *r = rule_of(f, rule);
    if (!r->on)
        return false;
    *ret_count = window_add(w, f->engine.steady_ns, r->window_ns, n);
    return *ret_count >= r->threshold;
}

/* ---- messages ---- */

struct address *findings_watch(struct findings *f, const struct endpoint *at)
{
    bool is_new;
    struct address *a = watched_address(&f->watched, at, &is_new);
    if (a && is_new)
        a->allowed = allow_address(&f->config, at->addr);
    return a;
}

void findings_expect(struct findings *f, const struct datagram *d)
{
    watched_expect(&f->watched, &d->src, &d->dst);
}

void findings_fetch(const struct findings *f)
{
    watched_fetch(&f->watched);
}

/* Retransmissions are no new requests: the same branch, and a CSeq for the old RFC. */
static bool seen_before(struct address *src, const struct finding_message *s)
{
    uint64_t id = s->via ^ (uint64_t)s->m->cseq << 32 ^ s->m->method;
    for (unsigned i = 0; i < WATCHED_RECENT; i++)
        if (src->recent[i] == id)
            return true;
    src->recent[src->recent_at++ % WATCHED_RECENT] = id;
    return false;
}

/* Ways to look for somebody: what a stranger sends first. */
static bool is_attempt(const struct sip_msg *m)
{
    return m->method == SIP_INVITE || m->method == SIP_REGISTER || m->method == SIP_OPTIONS;
}

static bool has_second_via(const struct sip_msg *m)
{
    struct slice item;
    return sip_header_item(m, SIP_H_VIA, 1, &item);
}

/* What a proxy hands on is not its own doing. */
static bool is_relayed(const struct sight *w)
{
    const struct address *asker = w->s->m->request ? w->src : w->dst;
    return asker->server && has_second_via(w->s->m);
}

static void note_roles(const struct sight *w)
{
    const struct sip_msg *m = w->s->m;
    bool login = m->status == 401 || m->status == 407;
    if (m->status < 300)
        w->src->server = true;
    if (!w->s->of_callee && (login || (m->method == SIP_REGISTER && m->status < 300)))
        w->src->challenges = true;
    if (m->status >= 200 && m->status < 300 && m->method != SIP_OPTIONS)
        w->dst->success = true;
}

static unsigned kind_of(const struct sight *w)
{
    const struct finding_message *s = w->s;
    if (s->of_callee && s->call && (s->m->request || s->m->status >= 400))
        return KIND_IN_CALL;
    if (!is_attempt(s->m) || (s->m->request && s->in_dialog))
        return 0;
    return s->m->request ? KIND_REQUEST : KIND_RESPONSE;
}

static void show(struct findings *f, struct sight *w)
{
    const struct sip_msg *m = w->s->m;
    if (!m->request)
        note_roles(w);
    unsigned kind = kind_of(w);
    const struct address *asker = m->request ? w->src : w->dst;
    if (kind == 0 || (asker->allowed && kind != KIND_IN_CALL) ||
        (kind != KIND_IN_CALL && is_relayed(w)))
        return;
    if (kind == KIND_REQUEST && allow_software(&f->config, sip_header(m, SIP_H_USER_AGENT)))
        return;
    if (f->config.number_count &&
        (allow_user(&f->config, m->from.user) || allow_user(&f->config, m->to.user)))
        return;
    w->fresh = kind == KIND_REQUEST && !seen_before(w->src, w->s);
    for (unsigned i = 0; i < sizeof DETECTORS / sizeof *DETECTORS; i++)
        if (DETECTORS[i].kinds & kind)
            DETECTORS[i].see(f, w);
}

void findings_message(struct findings *f, const struct finding_message *s)
{
    struct sight w = {.s = s};
    w.src = findings_watch(f, &s->d->src);
    w.dst = findings_watch(f, &s->d->dst);
    if (w.src == NULL || w.dst == NULL)
        return;
    see_flood(f, &w);
    see_malformed(f, &w);
    show(f, &w);
}

void findings_unreadable(struct findings *f, const struct datagram *d)
{
    struct finding_message s = {.d = d};
    struct sight w = {.s = &s};
    w.src = findings_watch(f, &d->src);
    w.dst = findings_watch(f, &d->dst);
    if (w.src == NULL || w.dst == NULL)
        return;
    see_flood(f, &w);
    see_malformed(f, &w);
}

/* ---- facts that others found ---- */

void findings_teardown(struct findings *f, const struct endpoint *src, const struct endpoint *dst,
                       const uint8_t *call, const char *method)
{
    struct address *a = findings_watch(f, src);
    uint32_t count;
    if (a == NULL || a->allowed || !rule_count(f, RULE_SPOOFED_TEARDOWN, &a->teardowns, 1, &count))
        return;
    finding_hit(&f->engine, &(struct finding_hit){.rule = RULE_SPOOFED_TEARDOWN,
                                                  .src = src,
                                                  .dst = dst,
                                                  .call = call,
                                                  .sample = slice_str(method),
                                                  .count = count});
}

void findings_ack_missing(struct findings *f, const struct endpoint *src,
                          const struct endpoint *dst, const uint8_t *call)
{
    struct address *a = findings_watch(f, src);
    uint32_t count;
    if (a == NULL || a->allowed || !rule_count(f, RULE_MISSING_ACK, &a->ackless, 1, &count))
        return;
    finding_hit(
        &f->engine,
        &(struct finding_hit){
            .rule = RULE_MISSING_ACK, .src = src, .dst = dst, .call = call, .count = count});
}

void findings_peer(struct findings *f, const struct endpoint *src, const struct endpoint *dst,
                   unsigned misses, bool answered_before)
{
    const struct finding_rule_config *r = rule_of(f, RULE_TRUNK_DOWN);
    struct finding_hit h = {
        .rule = RULE_TRUNK_DOWN, .about = ABOUT_PAIR, .src = src, .dst = dst, .lasts = true};
    if (!r->on || allow_address(&f->config, src->addr) || allow_address(&f->config, dst->addr))
        return;
    if (misses == 0) {
        finding_over(&f->engine, &h);
        return;
    }
    uint32_t enough = answered_before || r->threshold > 10 ? r->threshold : 10;
    if (misses < enough)
        return;
    h.count = misses;
    finding_hit(&f->engine, &h);
}
