/* Which rule a call falls under: a pure function of the set and of the facts. Rules are tried in order; the first whose matchers all hold
 * decides. One thing may not be known yet, how long the call will last: a rule that asks for it and holds in everything
 * else is open. An open rule decides for now; what the next rule that surely holds would keep is kept too, so nothing is missing whichever
 * it will be. When the call has ended nothing is open.
 *
 * A sample is drawn by a hash of the call's id, which is itself a keyed hash that nobody outside can choose, and of the rule's name,
 * so that two rules draw independently and one rule draws the same calls each time. */
#include "app/rules.h"

#include <ctype.h>

#include "base/hash.h"
#include "capture/sip/sip.h"

#define MILLION     1000000u
#define MINUTE_US   INT64_C(60000000)
#define DAY_MINUTES 1440
#define SAMPLE_KEY  UINT64_C(0x72756c65732d6f66) /* any constant: it parts these hashes from others */

bool rule_pattern(struct slice p, struct slice t, bool fold)
{
    size_t i = 0, k = 0, star = SIZE_MAX, from = 0;
    while (k < t.size) {
        bool there = i < p.size && p.data[i] != '*';
        bool same = there && (p.data[i] == '?' || p.data[i] == t.data[k] || (fold && tolower(p.data[i]) == tolower(t.data[k])));
        if (same) {
            i++;
            k++;
        } else if (i < p.size && p.data[i] == '*') {
            star = i++;
            from = k;
        } else if (star != SIZE_MAX) { /* the last * takes one more */
            i = star + 1;
            k = ++from;
        } else {
            return false;
        }
    }
    while (i < p.size && p.data[i] == '*')
        i++;
    return i == p.size;
}

/* ---- single matchers; a list that is not given holds ---- */

static bool in_patterns(const struct rule_list *l, struct slice text, bool fold)
{
    for (unsigned i = 0; text.size && i < l->count; i++)
        if (rule_pattern(l->texts[i], text, fold))
            return true;
    return false;
}

static bool in_numbers(const struct rule_list *l, const struct slice *ways)
{
    for (unsigned i = 0; i < RULE_NUMBERS_MAX; i++)
        if (in_patterns(l, ways[i], false))
            return true;
    return false;
}

static bool in_names(const struct rule_list *l, struct slice name)
{
    for (unsigned i = 0; name.size && i < l->count; i++)
        if (slice_equal(l->texts[i], name))
            return true;
    return false;
}

static uint64_t mask_of(unsigned bits)
{
    return bits == 0 ? 0 : bits >= 64 ? UINT64_MAX : ~(UINT64_MAX >> bits);
}

static bool in_network(const struct place_network *n, struct addr a)
{
    uint64_t high = mask_of(n->length), low = n->length > 64 ? mask_of(n->length - 64u) : 0;
    return (a.high & high) == (n->addr.high & high) && (a.low & low) == (n->addr.low & low);
}

static bool in_networks(const struct rule_list *l, struct addr a)
{
    for (unsigned i = 0; !addr_is_any(a) && i < l->count; i++)
        if (in_network(&l->networks[i], a))
            return true;
    return false;
}

static bool in_vlans(const struct rule_list *l, uint16_t vlan)
{
    for (unsigned i = 0; i < l->count; i++)
        if (l->vlans[i] == vlan)
            return true;
    return false;
}

/* "example.com", or it and all below: "*.example.com". */
static bool in_domain(struct slice domain, struct slice host)
{
    size_t cut = slice_starts(domain, "*.") ? 2 : slice_starts(domain, ".") ? 1 : 0;
    struct slice end = slice_from(domain, cut);
    if (slice_equal_nocase(end, host))
        return true;
    return cut && host.size > end.size && host.data[host.size - end.size - 1] == '.' &&
           slice_equal_nocase(end, slice_from(host, host.size - end.size));
}

static bool in_domains(const struct rule_list *l, struct slice host)
{
    for (unsigned i = 0; host.size && i < l->count; i++)
        if (in_domain(l->texts[i], host))
            return true;
    return false;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool in_hours(const struct rule_list *l, int64_t local_us)
{
    int64_t minutes = floor_div(local_us, MINUTE_US);
    int minute = (int)(minutes - floor_div(minutes, DAY_MINUTES) * DAY_MINUTES);
    for (unsigned i = 0; i < l->count; i++) {
        const struct rule_hours *h = &l->hours[i];
        bool in = h->from < h->to ? minute >= h->from && minute < h->to : minute >= h->from || minute < h->to;
        if (in)
            return true;
    }
    return false;
}

/* The first day of 1970 was a Thursday. */
static bool in_weekdays(uint8_t days, int64_t local_us)
{
    int64_t day = floor_div(local_us, MINUTE_US * DAY_MINUTES);
    int64_t weekday = day + 3 - floor_div(day + 3, 7) * 7;
    return days >> weekday & 1;
}

static bool in_sample(const struct rule *r, const uint8_t uid[16])
{
    const struct hash_seed seed = {hash_bytes(&(struct hash_seed){SAMPLE_KEY, 0}, r->name, strlen(r->name)), SAMPLE_KEY};
    return hash_bytes(&seed, uid, 16) % MILLION < r->sample_of_million;
}

/* ---- a rule ---- */

bool rule_expired(const struct rule *r, int64_t now_us, int64_t local_us)
{
    return r->valid_us && (r->valid_is_day ? local_us : now_us) >= r->valid_us;
}

static bool holds(const struct rule *r, enum rule_key key, const struct rule_facts *f)
{
    const struct rule_list *l = &r->list[key];
    switch (key) {
    case RULE_KEY_number:
        return in_numbers(l, f->caller) || in_numbers(l, f->callee);
    case RULE_KEY_caller:
        return in_numbers(l, f->caller);
    case RULE_KEY_callee:
        return in_numbers(l, f->callee);
    case RULE_KEY_direction:
        return r->directions >> f->direction & 1;
    case RULE_KEY_trunk:
        return in_names(l, f->trunk);
    case RULE_KEY_site:
        return in_names(l, f->caller_site) || in_names(l, f->callee_site);
    case RULE_KEY_caller_site:
        return in_names(l, f->caller_site);
    case RULE_KEY_callee_site:
        return in_names(l, f->callee_site);
    case RULE_KEY_tenant:
        return in_names(l, f->tenant);
    case RULE_KEY_network:
        return in_networks(l, f->caller_addr) || in_networks(l, f->callee_addr);
    case RULE_KEY_caller_network:
        return in_networks(l, f->caller_addr);
    case RULE_KEY_callee_network:
        return in_networks(l, f->callee_addr);
    case RULE_KEY_vlan:
        return in_vlans(l, f->vlan);
    case RULE_KEY_domain:
        return in_domains(l, f->caller_domain) || in_domains(l, f->callee_domain);
    case RULE_KEY_caller_domain:
        return in_domains(l, f->caller_domain);
    case RULE_KEY_callee_domain:
        return in_domains(l, f->callee_domain);
    case RULE_KEY_header:
        return (f->headers & r->headers) == r->headers;
    case RULE_KEY_user_agent:
        return in_patterns(l, f->user_agent, true);
    case RULE_KEY_hours:
        return in_hours(l, f->local_us);
    case RULE_KEY_weekdays:
        return in_weekdays(r->weekdays, f->local_us);
    case RULE_KEY_sample:
        return in_sample(r, f->uid);
    case RULE_KEY_longer_than:
        return f->lasted_ns >= r->longer_than_ns || !f->ended;
    default:
        return true;
    }
}

static struct rule_trace try_rule(const struct rule *r, const struct rule_facts *f)
{
    if (rule_expired(r, f->now_us, f->local_us + (f->now_us - f->at_us)))
        return (struct rule_trace){RULE_EXPIRED, RULE_KEY_valid_until};
    for (unsigned k = 0; k < RULE_KEY_valid_until; k++)
        if (r->text[k] && !holds(r, (enum rule_key)k, f))
            return (struct rule_trace){RULE_MISSED, (uint8_t)k};
    bool open = r->longer_than_ns && !f->ended && f->lasted_ns < r->longer_than_ns;
    return (struct rule_trace){open ? RULE_OPEN : RULE_MATCHED, RULE_KEY_longer_than};
}

static struct rule_decision said_by(const struct rule *r, const struct rule_decision *otherwise)
{
    struct rule_decision d = r->says;
    if (r->text[RULE_KEY_min_duration] == NULL)
        d.min_ns = otherwise->min_ns;
    if (d.look_back_ns == 0)
        d.look_back_ns = otherwise->look_back_ns;
    memcpy(d.rule, r->name, sizeof d.rule);
    return d;
}

struct rule_decision rules_match(const struct rules *set, const struct rule_facts *f, const struct rule_decision *otherwise,
                                 struct rule_trace *trace)
{
    struct rule_decision rest = *otherwise;
    if (set && set->default_given) {
        rest.action = set->default_action;
        rest.keep = (uint8_t)rule_action_keeps(rest.action);
    }
    struct rule_decision d = rest;
    bool decided = false, sure = false, open = false;
    uint8_t keep = 0;
    for (unsigned i = 0; set && i < set->count && !sure; i++) {
        struct rule_trace t = try_rule(set->rule[i], f);
        if (trace)
            trace[i] = t;
        if (t.verdict != RULE_MATCHED && t.verdict != RULE_OPEN)
            continue;
        struct rule_decision said = said_by(set->rule[i], otherwise);
        keep = said.keep > keep ? said.keep : keep;
        if (!decided)
            d = said;
        decided = true;
        sure = t.verdict == RULE_MATCHED;
        open |= !sure;
    }
    if (!sure)
        keep = rest.keep > keep ? rest.keep : keep;
    d.open = open;
    d.keep = keep;
    return d;
}

/* ---- what an INVITE says ---- */

static bool header_meets(const struct rule_header *h, const struct sip_msg *m)
{
    char value[SIP_VALUE_MAX];
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header_line *line = &m->headers[i];
        bool named = slice_is_nocase(line->name, h->name) ||
                     (line->id != SIP_H_OTHER && slice_is_nocase(slice_str(sip_header_name(line->id)), h->name));
        if (!named)
            continue;
        if (h->op == RULE_HEADER_THERE)
            return true;
        struct slice text = slice_of(value, sip_unfold(line->value, value, sizeof value));
        if (h->op == RULE_HEADER_IS ? slice_is_nocase(slice_trim(text), h->value) : strcasestr(value, h->value) != NULL)
            return true;
    }
    return false;
}

uint64_t rules_headers(const struct rules *set, struct slice message)
{
    struct sip_msg m;
    uint64_t met = 0;
    if (set == NULL || set->header_count == 0 || sip_parse(message, &m) != SIP_OK || !m.request || m.method != SIP_INVITE)
        return 0;
    for (unsigned i = 0; i < set->header_count; i++)
        met |= (uint64_t)header_meets(&set->header[i], &m) << i;
    return met;
}
