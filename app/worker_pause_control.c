/* Pauses by whoever talks: keys that are pressed, words of SIP. Who may, and which of them only repeat what was said. */
#include "app/worker_pause_internal.h"

#include <assert.h>
#include <stdio.h>

#define KEYS_APART_NS (INT64_C(3) * 1000000000)
#define SAME_KEY_NS   (INT64_C(500) * 1000000)  /* told by INFO and by RTP */
#define SAME_WORD_NS  (INT64_C(2000) * 1000000) /* on the next hop, and in the response */

/* Who may: the side by the setting, the address by the list. A resume is on its way to the audit log first, or is none; a
 * pause protects somebody and does not wait for that. */
static bool may(struct worker *w, struct wpause *p, unsigned allowed, unsigned party,
                const struct endpoint *src, bool resume, const char *actor, const char *means,
                int64_t time_ns)
{
    char why[96];
    bool side = (allowed & worker_pause_side(party)) && worker_pause_side(party) != PAUSE_BOTH;
    bool here = pause_from_here(&w->config.pause, src->addr);
    snprintf(why, sizeof why, "%s%s", means,
             side && here ? ""
             : side       ? ": not from this address"
                          : ": not by this side");
    if (!side || !here)
        counters_add(w->counters, C_RECORDING_CONTROL_REFUSED, 1);
    bool audited = worker_pause_audit(w, p, resume, side && here, actor, why, time_ns);
    return side && here && (audited || !resume);
}

/* True: the sequence is complete. */
static bool type_key(struct pause_typed *t, const char *keys, char key, bool info, int64_t time_ns)
{
    bool twice = key == t->last && info != t->last_info && time_ns - t->last_ns < SAME_KEY_NS;
    if (t->at && time_ns - t->last_ns > KEYS_APART_NS)
        t->at = 0;
    if (twice)
        return false;
    if (keys[t->at] != key)
        t->at = 0;
    if (keys[t->at] != key)
        return false;
    if (t->at == 0)
        t->first_ns = time_ns;
    t->at++;
    t->last = key;
    t->last_info = info;
    t->last_ns = time_ns;
    if (keys[t->at])
        return false;
    t->at = 0;
    return true;
}

static void take_key(struct worker *w, struct wcall *wc, unsigned party, const struct endpoint *src,
                     char key, bool info, int64_t time_ns)
{
    const struct pause_config *c = &w->config.pause;
    struct wpause *p = c->dtmf_from && party <= CALL_CALLEE ? worker_pause_of(wc) : NULL;
    if (p == NULL || !type_key(&p->typed[party], c->keys, key, info, time_ns))
        return;
    struct pause_ask ask = {.resume = p->key_sides != 0,
                            .sides = p->key_sides ? p->key_sides : c->sides & (uint8_t)~p->sides,
                            .since_ns = p->typed[party].first_ns,
                            .actor = party == CALL_CALLER ? "dtmf:caller" : "dtmf:callee",
                            .keys = true};
    if (!may(w, p, c->dtmf_from, party, src, ask.resume, ask.actor, info ? "info" : "rfc4733",
             time_ns))
        return;
    worker_pause_hide(p, worker_pause_side(party), p->typed[party].first_ns, time_ns);
    if (ask.sides) /* else others paused it, and it stays theirs */
        (void)worker_pause_ask(w, wc, &ask, NULL);
}

void worker_pause_key(struct worker *w, struct wflow *f, char key, int64_t time_ns)
{
    if (w->config.pause.dtmf_from)
        take_key(w, f->call, f->party, &f->src, key, false, time_ns);
}

void worker_pause_control(struct worker *w, const struct event *event)
{
    struct wcall *wc = worker_find_call(w, event->call);
    char src[ENDPOINT_TEXT_SIZE], actor[ENDPOINT_TEXT_SIZE + 8];
    struct event_control e;
    assert(event->body.size == sizeof e);
    memcpy(&e, event->body.data, sizeof e);
    if (wc == NULL || e.party > CALL_CALLEE)
        return;
    if (e.kind == CONTROL_KEY) {
        take_key(w, wc, e.party, &e.src, e.key, true, event->time_ns);
        return;
    }
    struct wpause *p = worker_pause_of(wc);
    if (p == NULL || (p->said[e.party].time_ns && p->said[e.party].kind == e.kind &&
                      event->time_ns - p->said[e.party].time_ns < SAME_WORD_NS))
        return;
    p->said[e.party].time_ns = event->time_ns;
    p->said[e.party].kind = e.kind;
    bool resume = e.kind == CONTROL_RESUME;
    if (resume ? p->sides == 0 : (p->sides & w->config.pause.sides) == w->config.pause.sides)
        return; /* it is so */
    snprintf(actor, sizeof actor, "sip:%s", endpoint_text(&e.src, src));
    if (!may(w, p, w->config.pause.sip_from, e.party, &e.src, resume, actor, e.means,
             event->time_ns))
        return;
    const struct pause_ask ask = {.resume = resume,
                                  .sides = resume ? PAUSE_BOTH : w->config.pause.sides,
                                  .since_ns = event->time_ns,
                                  .actor = actor};
    (void)worker_pause_ask(w, wc, &ask, NULL);
}
