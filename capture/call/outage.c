/* A place is silent when at least so many answered calls of it go on and it was not heard for the
 * rule's window. It is so until it is heard again, also when its calls have ended by time-out
 * meanwhile. */
#include "capture/call/outage.h"

#include <stdio.h>
#include <stdlib.h>

#include "capture/call/finding_note.h"
#include "capture/call/place.h"
#include "capture/finding/findings.h"

#define SECOND      INT64_C(1000000000)
#define LOOKS       6 /* in a window */
#define PLACES      (PLACE_TRUNKS_MAX + 1 + PLACE_SITES_MAX + 1)
#define FIRST_SITE  (PLACE_TRUNKS_MAX + 1)
#define CALL_PLACES 4

struct spot {
    int64_t heard_ns; /* steady; 0: never */
    uint32_t calls;   /* answered, at the newest look */
    uint32_t call[FINDING_EVIDENCE_MAX]; /* the first of them: in c->live, as of that look */
    bool silent;
};

struct outage {
    int64_t looked_ns;
    struct spot spot[PLACES];
};

struct outage *outage_new(void)
{
    return calloc(1, sizeof(struct outage));
}

void outage_free(struct outage *o)
{
    free(o);
}

/* ---- where a call belongs ---- */

/* Index of the trunk if this party is at its far end; 0: none. */
static unsigned trunk_of(const struct live *l, unsigned party)
{
    unsigned trunk = l->label / LABEL_COUNT_DIRECTION;
    unsigned direction = l->label % LABEL_COUNT_DIRECTION;
    unsigned far = direction == CALL_DIR_IN ? CALL_CALLER : CALL_CALLEE;
    bool crosses = direction == CALL_DIR_IN || direction == CALL_DIR_OUT;
    return crosses && trunk <= PLACE_TRUNKS_MAX && party == far ? trunk : 0;
}

static unsigned site_of(const struct live *l, unsigned party)
{
    return l->site[party] ? FIRST_SITE + l->site[party] : 0;
}

static void hear(struct outage *o, const struct live *l, unsigned party, int64_t ns)
{
    unsigned at[2] = {trunk_of(l, party), site_of(l, party)};
    for (unsigned i = 0; i < 2; i++)
        if (at[i] && ns > o->spot[at[i]].heard_ns)
            o->spot[at[i]].heard_ns = ns;
}

void outage_sip(struct calls *c, const struct live *l, unsigned party)
{
    if (c->outage && party <= CALL_CALLEE)
        hear(c->outage, l, party, c->steady_ns);
}

/* ---- looking ---- */

/* On hold nobody need send anything. */
static bool goes_on(const struct live *l)
{
    return l->call && l->state == DIALOG_ANSWERED && !live_is_bare(l) && !l->holding[CALL_CALLER] &&
           !l->holding[CALL_CALLEE];
}

static unsigned add_once(unsigned *at, unsigned n, unsigned place)
{
    for (unsigned i = 0; i < n; i++)
        if (at[i] == place)
            return n;
    at[n] = place;
    return n + 1;
}

/* The places that ought to be heard in this call, each once; 0 ends the list. Only sides whose
 * media has been seen: where signalling alone is captured, or one direction, silence says nothing.
 */
static void places_of(const struct live *l, unsigned ret_at[CALL_PLACES + 1])
{
    unsigned n = 0;
    for (unsigned party = CALL_CALLER; party <= CALL_CALLEE; party++) {
        unsigned trunk = trunk_of(l, party), site = site_of(l, party);
        if (!l->call->media_seen[party])
            continue;
        if (trunk)
            n = add_once(ret_at, n, trunk);
        if (site)
            n = add_once(ret_at, n, site);
    }
    ret_at[n] = 0;
}

static void hear_flows(struct calls *c, const struct live *l)
{
    for (uint32_t i = l->flows; i != NO_INDEX; i = c->flows[i].next) {
        const struct flow *f = &c->flows[i];
        if (f->party <= CALL_CALLEE) {
            hear(c->outage, l, f->party, f->last_ns);
            continue;
        }
        hear(c->outage, l, CALL_CALLER, f->last_ns); /* whoever it is: somebody is there */
        hear(c->outage, l, CALL_CALLEE, f->last_ns);
    }
}

static void count_call(struct spot *s, uint32_t call)
{
    if (s->calls < FINDING_EVIDENCE_MAX)
        s->call[s->calls] = call;
    s->calls++;
}

static void look_at_calls(struct calls *c)
{
    unsigned at[CALL_PLACES + 1];
    for (unsigned i = 0; i < PLACES; i++)
        c->outage->spot[i].calls = 0;
    for (uint32_t i = 0; i < c->live_used; i++) {
        const struct live *l = &c->live[i];
        if (!goes_on(l))
            continue;
        hear_flows(c, l);
        places_of(l, at);
        for (unsigned k = 0; at[k]; k++)
            count_call(&c->outage->spot[at[k]], i);
    }
}

/* ---- telling ---- */

static const char *name_of(const struct calls *c, unsigned at, char out[FINDING_PLACE_SIZE])
{
    const struct place_table *t = c->config.places;
    bool site = at > FIRST_SITE;
    const char *name = place_name(t, site ? PLACE_SITE : PLACE_TRUNK, site ? at - FIRST_SITE : at);
    snprintf(out, FINDING_PLACE_SIZE, "%s %s", site ? "site" : "trunk", name ? name : "");
    return out;
}

static void tell_silent(struct calls *c, unsigned at)
{
    char name[FINDING_PLACE_SIZE];
    const struct spot *s = &c->outage->spot[at];
    int64_t since_ns = s->heard_ns + (c->time_ns - c->steady_ns);
    name_of(c, at, name);
    for (uint32_t i = 0; i < s->calls && i < FINDING_EVIDENCE_MAX; i++)
        finding_note_silent(c, name, since_ns, c->live[s->call[i]].call->uid,
                            i ? 0 : s->calls); /* all but the first are evidence alone */
}

static void judge(struct calls *c, unsigned at, uint32_t least, int64_t window_ns)
{
    char name[FINDING_PLACE_SIZE];
    struct spot *s = &c->outage->spot[at];
    bool quiet = s->heard_ns && c->steady_ns - s->heard_ns >= window_ns;
    if (s->silent && !quiet) {
        s->silent = false;
        finding_note_heard(c, name_of(c, at, name));
    } else if (!s->silent && quiet && s->calls >= least) {
        s->silent = true;
        tell_silent(c, at);
    }
}

void outage_tick(struct calls *c)
{
    const struct finding_rule_config *r = &c->config.findings.rule[RULE_OUTAGE];
    if (c->outage == NULL || !c->config.findings.enabled || !r->on ||
        c->steady_ns - c->outage->looked_ns < r->window_ns / LOOKS)
        return;
    c->outage->looked_ns = c->steady_ns;
    look_at_calls(c);
    for (unsigned i = 1; i < PLACES; i++)
        judge(c, i, r->threshold, r->window_ns);
}
