/* The decision is made from the record as it stands, so that it rests on the same names, numbers and places that are shown. */
#include "app/worker_rules.h"

#include "app/worker_pause.h"

#include <stdlib.h>

#include "app/rules_config.h"
#include "app/summarise.h"
#include "app/worker_internal.h"
#include "capture/sip/sip.h"
#include "capture/sip/uri.h"

static const struct hash_seed FACTS_SEED = {1, 2}; /* told apart from before, never looked up */

static bool has_media(const struct wcall *wc)
{
    for (const struct wstream *s = wc->streams; s; s = s->next)
        if (s->flow->keep)
            return true;
    return false;
}

void worker_rules_flow(struct wflow *f)
{
    f->kept = f->call->decision->keep;
}

/* What the rules add to the facts of the record. */
static void add_facts(struct rule_facts *f, const struct wrules *k)
{
    f->headers = k->headers;
    f->callee[3] = slice_str(k->target);
    if (f->vlan == 0)
        f->vlan = k->vlan;
}

static void note_change(struct wrules *k, const struct rule_decision *d, int64_t now_ns)
{
    if (k->change_count == RULE_CHANGES_MAX)
        return;
    struct wrule_change *c = &k->change[k->change_count++];
    c->at_ns = now_ns;
    c->action = d->action;
    memcpy(c->rule, d->rule, sizeof c->rule);
}

/* The stretch that ends here counts when its rule was sure of it and there was something to keep. */
static void end_stretch(struct wcall *wc)
{
    struct wrules *k = wc->rules;
    const struct rule_decision *d = wc->decision;
    if (k->kept || d->open || rule_action_keeps(d->action) != RULE_KEEP_ALL || !has_media(wc))
        return;
    k->kept = true;
    k->first = *d;
}

static void take(struct wcall *wc, const struct rule_decision *d, int64_t now_ns)
{
    struct wrules *k = wc->rules;
    bool same = d->action == wc->decision->action && strcmp(d->rule, wc->decision->rule) == 0;
    if (!same) {
        end_stretch(wc);
        if (has_media(wc))
            note_change(k, d, now_ns);
    }
    k->decision = *d;
    wc->decision = &k->decision;
    for (struct wflow *f = wc->flows; f; f = f->next)
        worker_rules_flow(f);
}

static void ask(struct worker *w, struct wcall *wc, int64_t now_ns)
{
    struct call_record *r = summarise_head(wc, NULL, &w->config);
    struct rule_facts facts;
    if (r == NULL)
        return;
    rules_facts(&facts, r);
    facts.ended = false;
    facts.now_us = now_ns / 1000;
    facts.lasted_ns = wc->brief->answered_ns ? now_ns - wc->brief->answered_ns : 0;
    add_facts(&facts, wc->rules);
    struct rule_decision d = rules_match(wc->rules->set, &facts, &w->config.otherwise, NULL);
    take(wc, &d, now_ns);
    for (struct wflow *f = wc->flows; f; f = f->next)
        worker_withhold(w, f); /* keys may be masked now */
    record_free(r);
}

static uint64_t facts_of(const struct call_brief *b)
{
    struct {
        struct call_place place;
        uint64_t answered, direction;
        uint16_t text[BRIEF_TEXTS];
        char texts[CALL_BRIEF_TEXTS_MAX];
    } all;
    memset(&all, 0, sizeof all);
    all.place = b->place;
    all.answered = b->answered_ns != 0;
    all.direction = b->direction;
    memcpy(all.text, b->text, sizeof all.text);
    if (b->size > sizeof *b)
        memcpy(all.texts, b + 1, b->size - sizeof *b);
    return hash_bytes(&FACTS_SEED, &all, sizeof all);
}

void worker_rules_begin(struct worker *w, struct wcall *wc, int64_t now_ns)
{
    struct rules *set = w->config.book ? rules_book_take(w->config.book) : rules_hold(w->config.rules);
    wc->decision = &w->config.otherwise;
    if (set && (set->count || set->default_given))
        wc->rules = calloc(1, sizeof *wc->rules);
    if (wc->rules == NULL) {
        rules_let_go(set);
        return;
    }
    wc->rules->set = set;
    wc->rules->facts = facts_of(wc->brief);
    ask(w, wc, now_ns);
}

void worker_rules_changed(struct worker *w, struct wcall *wc, int64_t now_ns)
{
    if (wc->rules == NULL)
        return;
    uint64_t facts = facts_of(wc->brief);
    if (facts == wc->rules->facts)
        return;
    wc->rules->facts = facts;
    ask(w, wc, now_ns);
}

/* The target of an INVITE that opens a dialog; inside one the Request-URI is the other side's contact. */
static void note_target(struct wrules *k, struct slice message)
{
    struct sip_msg m;
    struct sip_uri uri;
    if (sip_outline(message, &m) != SIP_OK || !m.request || m.method != SIP_INVITE || m.to.tag.size)
        return;
    if (sip_uri_parse(m.request_uri, &uri) && uri.user.size && uri.user.size < sizeof k->target)
        slice_copy_to(uri.user, k->target, sizeof k->target);
}

void worker_rules_message(struct worker *w, struct wcall *wc, struct slice message, uint16_t vlan, int64_t now_ns)
{
    struct wrules *k = wc->rules;
    if (k == NULL || !slice_starts(message, "INVITE ") || !rules_ask_invites(k->set))
        return;
    struct wrules before = *k;
    k->headers |= rules_headers(k->set, message);
    note_target(k, message);
    if (k->vlan == 0)
        k->vlan = vlan;
    if (k->headers != before.headers || k->vlan != before.vlan || strcmp(k->target, before.target) != 0)
        ask(w, wc, now_ns);
}

void worker_rules_free(struct wcall *wc)
{
    if (wc->rules)
        rules_let_go(wc->rules->set);
    free(wc->rules);
}

/* ---- the end ---- */

struct rule_decision worker_rules_final(const struct wcall *wc, const struct call_record *r, const struct worker_config *config)
{
    const struct wrules *k = wc->rules;
    if (k == NULL)
        return *wc->decision;
    struct rule_facts facts;
    rules_facts(&facts, r);
    facts.ended = true;
    add_facts(&facts, k);
    struct rule_decision d = rules_match(k->set, &facts, &config->otherwise, NULL);
    bool keeps = rule_action_keeps(d.action) == RULE_KEEP_ALL;
    return !keeps && k->kept ? k->first : d;
}

void worker_rules_events(struct call_record *r, const struct wcall *wc)
{
    const struct wrules *k = wc->rules;
    if (k == NULL || k->change_count == 0)
        return;
    struct record_event *all = arena_alloc(r->arena, (r->event_count + k->change_count) * sizeof *all);
    if (all == NULL)
        return;
    if (r->event_count)
        memcpy(all, r->events, r->event_count * sizeof *all);
    for (unsigned i = 0; i < k->change_count; i++) {
        const struct wrule_change *c = &k->change[i];
        char text[RULE_NAME_SIZE + 40];
        snprintf(text, sizeof text, "%s%s%s", rule_action_text(c->action), c->rule[0] ? " by " : " by default", c->rule);
        all[r->event_count++] = (struct record_event){.time_us = c->at_ns / 1000,
                                                      .kind = slice_str("recording_rule"),
                                                      .detail = arena_copy(r->arena, slice_str(text))};
    }
    r->events = all;
}
