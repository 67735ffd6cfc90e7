/* Detectors that look at what a source asks for outside calls, and what becomes of it. */
#include "capture/finding/parts.h"

#define SECOND   INT64_C(1000000000)
#define LOGIN_NS (4 * SECOND) /* a challenge that nobody answered by then was a refusal */
#define BURST_NS SECOND       /* many telephones start at once: their first success comes sooner */
#define ANSWERED 1

/* ---- A-S1: marks of scanners ---- */

static bool is_scanner_name(struct slice name)
{
    static const char *const parts[] = {"friendly-scanner", "sipvicious", "sipcli",
                                        "sipsak",           "sundayddr",  "VaxSIPUserAgent",
                                        "SimpleSIP",        "pplsip"};
    uint32_t firsts = 1U << ('f' - 'a') | 1U << ('s' - 'a') | 1U << ('v' - 'a') | 1U << ('p' - 'a');
    for (size_t i = 0; i + 6 <= name.size; i++) {
        unsigned letter = (unsigned)(name.data[i] | 0x20) - 'a';
        if (letter > 25 || !(firsts >> letter & 1))
            continue;
        for (unsigned k = 0; k < sizeof parts / sizeof *parts; k++)
            if (slice_starts_nocase(slice_from(name, i), parts[k]))
                return true;
    }
    return slice_is_nocase(name, "SIP Call");
}

static bool is_scanner_from(const struct sip_addr *from)
{
    return (slice_is(from->user, "100") && slice_is(from->host, "1.1.1.1")) ||
           (slice_is_nocase(from->user, "nm") && slice_is_nocase(from->host, "nm")) ||
           (from->display.size && text_has(from->display, "sipvicious"));
}

void see_scanner(struct findings *f, const struct sight *w)
{
    const struct sip_msg *m = w->s->m;
    struct slice name = sip_header(m, SIP_H_USER_AGENT);
    bool by_name = is_scanner_name(name);
    uint32_t count;
    if (!by_name && !is_scanner_from(&m->from))
        return;
    if (!rule_count(f, RULE_SCANNER, &w->src->scans, 1, &count))
        return;
    finding_hit(&f->engine, &(struct finding_hit){.rule = RULE_SCANNER,
                                                  .src = &w->s->d->src,
                                                  .dst = &w->s->d->dst,
                                                  .call = w->s->call,
                                                  .sample = by_name ? name : m->from.uri,
                                                  .count = count});
}

/* ---- A-S2: many requests without success ---- */

static void forget_requests(struct address *a)
{
    window_clear(&a->requests);
    a->requests_since_ns = 0;
}

void see_request_rate(struct findings *f, const struct sight *w)
{
    const struct sip_msg *m = w->s->m;
    uint32_t count;
    if (!m->request && m->status > 100 && m->status < 300)
        forget_requests(w->dst);
    if (!w->fresh)
        return;
    struct address *a = w->src;
    if (a->requests.sum == 0 || a->requests_since_ns == 0 ||
        f->engine.steady_ns - a->requests_steady_ns >
            2 * rule_of(f, RULE_REQUEST_RATE)->window_ns) {
        a->requests_since_ns = f->engine.time_ns;
        a->requests_steady_ns = f->engine.steady_ns;
    }
    bool met = rule_count(f, RULE_REQUEST_RATE, &a->requests, 1, &count);
    if (!met || f->engine.steady_ns - a->requests_steady_ns < BURST_NS)
        return;
    finding_hit(&f->engine, &(struct finding_hit){.rule = RULE_REQUEST_RATE,
                                                  .src = &w->s->d->src,
                                                  .dst = &w->s->d->dst,
                                                  .call = w->s->call,
                                                  .sample = m->method_text,
                                                  .count = count,
                                                  .since_ns = a->requests_since_ns});
}

/* ---- A-S3: looking for users ---- */

static uint32_t key_of(const struct findings *f, struct slice user)
{
    return (uint32_t)hash_bytes(&f->engine.seed, user.data, user.size) | 1;
}

static unsigned refused_users(struct findings *f, const struct address *a)
{
    int64_t window_ns = rule_of(f, RULE_ENUMERATION)->window_ns, now_ns = f->engine.steady_ns;
    return distinct_count(&a->users, 1U << REFUSED, now_ns, window_ns, 0) +
           distinct_count(&a->users, 1U << CHALLENGED, now_ns, window_ns, LOGIN_NS);
}

/* `more`: one that the finding has not heard of. */
static void tell_enumeration(struct findings *f, const struct sight *w, const struct address *a,
                             unsigned users, bool more)
{
    bool request = w->s->m->request;
    struct finding_hit h = {
        .rule = RULE_ENUMERATION,
        .src = request ? &w->s->d->src : &w->s->d->dst,
        .dst = request ? &w->s->d->dst : &w->s->d->src,
        .call = w->s->call,
        .sample = w->s->m->to.user,
        .count = users,
    };
    if (finding_find(&f->engine, &h) == NULL) {
        const struct finding *opened = NULL;
        for (unsigned i = 0; i < WATCHED_TRIED; i++) { /* the newest last */
            const char *user = a->tried[(a->tried_at + i) % WATCHED_TRIED];
            if (user[0] == '\0')
                continue;
            h.sample = slice_str(user);
            h.count = opened ? 0 : users;
            opened = finding_hit(&f->engine, &h);
        }
        return;
    }
    h.count = more;
    finding_hit(&f->engine, &h);
}

static bool is_refusal(unsigned status)
{
    return status == 401 || status == 403 || status == 404 || status == 407 || status == 484 ||
           status == 604;
}

/* An answer from a user that was asked for: true when it is one more that refused. */
static bool note_answer(struct findings *f, struct address *a, const struct sip_msg *m)
{
    const struct finding_rule_config *r = rule_of(f, RULE_ENUMERATION);
    uint32_t key = key_of(f, m->to.user);
    bool fresh;
    if (m->status > 100 && m->status < 300) {
        distinct_remove(&a->users, key);
        window_add(&a->accepted, f->engine.steady_ns, r->window_ns, 1);
        return false;
    }
    if (!is_refusal(m->status))
        return false;
    uint8_t mark = m->status == 401 || m->status == 407 ? CHALLENGED : REFUSED;
    distinct_put(&a->users, key, mark, f->engine.steady_ns, r->window_ns, &fresh);
    if (mark == REFUSED)
        distinct_mark(&a->users, key, REFUSED);
    if (fresh)
        slice_copy_to(m->to.user, a->tried[a->tried_at++ % WATCHED_TRIED], WATCHED_NAME_SIZE);
    return fresh;
}

void see_enumeration(struct findings *f, const struct sight *w)
{
    const struct finding_rule_config *r = rule_of(f, RULE_ENUMERATION);
    const struct sip_msg *m = w->s->m;
    struct address *a = m->request ? w->src : w->dst;
    if (!r->on || (m->request && !w->fresh) || m->to.user.size == 0)
        return;
    bool more = !m->request && note_answer(f, a, m);
    if (a->users.used < r->threshold || !(more || m->request))
        return;
    unsigned users = refused_users(f, a);
    uint32_t accepted = window_add(&a->accepted, f->engine.steady_ns, r->window_ns, 0);
    if (users >= r->threshold && users > accepted)
        tell_enumeration(f, w, a, users, more);
}

/* ---- A-S4: one source, many places ---- */

/* An address is named by the hash under which it is watched. */
static uint32_t place_key(const struct address *a)
{
    return (uint32_t)a->slot.hash | 1;
}

void see_sweep(struct findings *f, const struct sight *w)
{
    const struct finding_rule_config *r = rule_of(f, RULE_SWEEP);
    const struct sip_msg *m = w->s->m;
    bool fresh;
    if (!r->on)
        return;
    if (!m->request) {
        if (m->status < 300)
            distinct_mark(&w->dst->places, place_key(w->src), ANSWERED);
        return;
    }
    if (!w->fresh)
        return;
    struct address *a = w->src;
    distinct_put(&a->places, place_key(w->dst), 0, f->engine.steady_ns, r->window_ns, &fresh);
    if (!fresh || a->places.used < r->threshold)
        return;
    unsigned marks = a->server || a->success ? 1U : 1U | 1U << ANSWERED;
    unsigned places = distinct_count(&a->places, marks, f->engine.steady_ns, r->window_ns, 0);
    if (places < r->threshold)
        return;
    finding_hit(&f->engine, &(struct finding_hit){.rule = RULE_SWEEP,
                                                  .src = &w->s->d->src,
                                                  .dst = &w->s->d->dst,
                                                  .call = w->s->call,
                                                  .sample = m->method_text,
                                                  .count = places});
}
