/* Who called whom: sources are asked in the order of the settings, the first that has a user wins,
 * and of several values in it the first that is a number. Privacy is told, never obeyed: a probe
 * serves the operator, who sees the network's own headers. */
#include "app/summarise_identity.h"

#include "app/passport.h"
#include "capture/sip/identity.h"
#include "capture/sip/uri.h"

#define TEXT_MAX 256

struct naming {
    struct call_record *r;
    const struct call *call; /* NULL: early row */
    const struct identity_config *config;
    bool hidden; /* Privacy, or an anonymous From */
};

static struct slice copy(struct naming *n, struct slice text)
{
    return arena_copy(n->r->arena, slice_sub(text, 0, TEXT_MAX));
}

/* ---- elements of a kind of header, all lines together ---- */

struct elements {
    const struct call_header *header;
    struct slice rest;
};

static struct elements elements_of(const struct naming *n)
{
    return (struct elements){.header = n->call ? n->call->identity : NULL};
}

static bool element_next(struct elements *e, enum sip_header id, struct slice *ret_item)
{
    while (!sip_list_next(&e->rest, ret_item)) {
        while (e->header && e->header->id != id)
            e->header = e->header->next;
        if (e->header == NULL)
            return false;
        e->rest = e->header->value;
        e->header = e->header->next;
    }
    return true;
}

static struct slice header_value(const struct naming *n, enum sip_header id)
{
    for (const struct call_header *h = n->call ? n->call->identity : NULL; h; h = h->next)
        if (h->id == id)
            return h->value;
    return slice_none();
}

/* ---- a number ---- */

static struct slice number_of(struct naming *n, const struct sip_uri *uri)
{
    char number[NUMBER_SIZE];
    if (uri->digits[0] == '\0')
        return slice_none();
    number_normalise(&n->config->rules, uri->digits, uri->context, number);
    return copy(n, slice_str(number));
}

static struct slice number_in(struct naming *n, struct slice uri)
{
    struct sip_uri parsed;
    return sip_uri_parse(uri, &parsed) ? number_of(n, &parsed) : slice_none();
}

/* Takes the URI unless a better one is there; true when it has a user at all. */
static bool offer(struct naming *n, struct slice uri, bool hidden, unsigned source,
                  struct record_number *out)
{
    struct sip_uri parsed;
    if (!sip_uri_parse(uri, &parsed) || parsed.user.size == 0)
        return false;
    if (out->source && (out->number.size || parsed.digits[0] == '\0'))
        return true;
    *out = (struct record_number){
        .number = number_of(n, &parsed),
        .raw = copy(n, parsed.number),
        .source = number_source_text(source),
        .privacy = hidden || n->hidden,
        .ported = parsed.ported,
        .routing_number = copy(n, parsed.routing_number),
    };
    return true;
}

/* ---- sources ---- */

static void from_list(struct naming *n, enum sip_header id, unsigned source,
                      struct record_number *out)
{
    struct elements e = elements_of(n);
    struct slice item;
    struct sip_addr addr;
    while (element_next(&e, id, &item))
        if (sip_addr_parse(item, &addr))
            offer(n, addr.uri, false, source, out);
}

static void from_remote_party(struct naming *n, struct record_number *out)
{
    struct elements e = elements_of(n);
    struct slice item;
    struct sip_remote_party p;
    while (element_next(&e, SIP_H_REMOTE_PARTY_ID, &item))
        if (sip_remote_party_parse(item, &p) && !p.called)
            offer(n, p.addr.uri, p.hidden, SOURCE_RPID, out);
}

static void from_diversion(struct naming *n, struct record_number *out)
{
    struct elements e = elements_of(n);
    struct slice item;
    struct sip_diversion d;
    if (element_next(&e, SIP_H_DIVERSION, &item) && sip_diversion_parse(item, &d))
        offer(n, d.from.uri, false, SOURCE_DIVERSION, out);
}

/* The early row has a user and a host, no URI. */
static void from_party(struct naming *n, const struct record_party *p, unsigned source,
                       struct record_number *out)
{
    if (p->uri.size)
        offer(n, p->uri, false, source, out);
    else if (p->user.size && out->source == NULL) {
        char uri[TEXT_MAX];
        snprintf(uri, sizeof uri, "sip:%.*s@%.*s", SLICE_ARGS(slice_sub(p->user, 0, 64)),
                 SLICE_ARGS(slice_sub(p->host, 0, 64)));
        offer(n, slice_str(uri), false, source, out);
    }
}

static void ask_source(struct naming *n, unsigned source, struct record_number *out)
{
    switch ((enum number_source)source) {
    case SOURCE_PAI:
        from_list(n, SIP_H_P_ASSERTED_IDENTITY, source, out);
        break;
    case SOURCE_PPI:
        from_list(n, SIP_H_P_PREFERRED_IDENTITY, source, out);
        break;
    case SOURCE_RPID:
        from_remote_party(n, out);
        break;
    case SOURCE_DIVERSION:
        from_diversion(n, out);
        break;
    case SOURCE_FROM:
        from_party(n, &n->r->from, source, out);
        break;
    case SOURCE_TO:
        from_party(n, &n->r->to, source, out);
        break;
    case SOURCE_REQUEST_URI:
        if (n->r->request_uri.size)
            offer(n, n->r->request_uri, false, source, out);
        break;
    case SOURCE_NONE:
    case SOURCE_COUNT:
        break;
    }
}

static void choose(struct naming *n, const uint8_t *sources, struct record_number *out)
{
    for (; *sources && out->source == NULL; sources++)
        ask_source(n, *sources, out);
}

/* ---- the way it took ---- */

static void fill_diversions(struct naming *n, struct record_identity *d)
{
    struct elements e = elements_of(n);
    struct slice item;
    struct sip_diversion v;
    if (header_value(n, SIP_H_DIVERSION).size == 0)
        return;
    d->diversions = arena_alloc(n->r->arena, RECORD_DIVERSIONS_MAX * sizeof *d->diversions);
    while (d->diversions && d->diversion_count < RECORD_DIVERSIONS_MAX &&
           element_next(&e, SIP_H_DIVERSION, &item)) {
        if (!sip_diversion_parse(item, &v))
            continue;
        d->diversions[d->diversion_count++] = (struct record_diversion){
            .number = number_in(n, v.from.uri),
            .uri = copy(n, v.from.uri),
            .reason = copy(n, v.reason),
            .counter = v.counter,
            .privacy = v.privacy.size && !slice_is_nocase(v.privacy, "off"),
        };
    }
}

static const char *why_text(char why)
{
    return why == 'r' ? "rc" : why == 'm' ? "mp" : why == 'n' ? "np" : NULL;
}

static void fill_history(struct naming *n, struct record_identity *d)
{
    struct elements e = elements_of(n);
    struct slice item;
    struct sip_history v;
    if (header_value(n, SIP_H_HISTORY_INFO).size == 0)
        return;
    d->history = arena_alloc(n->r->arena, RECORD_HISTORY_MAX * sizeof *d->history);
    while (d->history && d->history_count < RECORD_HISTORY_MAX &&
           element_next(&e, SIP_H_HISTORY_INFO, &item)) {
        if (!sip_history_parse(item, &v))
            continue;
        d->history[d->history_count++] = (struct record_history){
            .number = number_in(n, v.target.uri),
            .uri = copy(n, v.target.uri),
            .index = copy(n, v.index),
            .origin = copy(n, v.from),
            .why = why_text(v.why),
            .cause = v.cause,
            .privacy = v.hidden,
        };
    }
}

/* ---- who vouches ---- */

static void fill_passports(struct naming *n, struct record_identity *d)
{
    struct elements e = elements_of(n);
    struct slice item;
    struct sip_signed v;
    struct record_number from = {0}, to = {0};
    struct passport_call seen = {.started_us = n->r->started_us,
                                 .date = header_value(n, SIP_H_DATE)};
    if (header_value(n, SIP_H_IDENTITY).size == 0)
        return;
    /* RFC 8224 4.1: the asserted identity, else From; and To */
    from_list(n, SIP_H_P_ASSERTED_IDENTITY, SOURCE_PAI, &from);
    if (from.number.size == 0)
        from_party(n, &n->r->from, SOURCE_FROM, &from);
    from_party(n, &n->r->to, SOURCE_TO, &to);
    seen.caller = arena_str(n->r->arena, from.number);
    seen.callee = arena_str(n->r->arena, to.number);
    d->passports = arena_alloc(n->r->arena, RECORD_PASSPORTS_MAX * sizeof *d->passports);
    while (d->passports && d->passport_count < RECORD_PASSPORTS_MAX &&
           element_next(&e, SIP_H_IDENTITY, &item))
        if (sip_signed_parse(item, &v))
            passport_read(&v, &seen, n->config, n->r->arena, &d->passports[d->passport_count++]);
}

/* ---- the rest ---- */

static void fill_headers(struct naming *n, struct record_identity *d)
{
    if (n->call->chosen)
        d->headers = arena_alloc(n->r->arena, RECORD_HEADERS_MAX * sizeof *d->headers);
    for (const struct call_header *h = n->call->chosen;
         h && d->headers && d->header_count < RECORD_HEADERS_MAX; h = h->next)
        d->headers[d->header_count++] = (struct record_header){
            .name = arena_copy(n->r->arena, h->name),
            .value = arena_copy(n->r->arena, h->value),
            .cut = h->cut,
        };
}

static struct slice chosen_value(const struct record_identity *d, const char *name)
{
    for (uint32_t i = 0; i < d->header_count; i++)
        if (slice_is_nocase(d->headers[i].name, name))
            return slice_trim(d->headers[i].value);
    return slice_none();
}

/* What is no text of a tag is none. */
static void fill_tags(struct naming *n, const struct record_identity *d)
{
    struct record_tags *tags = n->config->tag_header_count && d->header_count ? arena_alloc(n->r->arena, sizeof *tags) : NULL;
    for (unsigned i = 0; tags && i < n->config->tag_header_count; i++) {
        const struct tag_header *t = &n->config->tag_headers[i];
        struct slice value = chosen_value(d, t->header);
        if (note_text_valid(value, RECORD_TAG_VALUE_MAX))
            (void)record_tags_set(tags, slice_str(t->key), value);
    }
    n->r->header_tags = tags && tags->count ? tags : NULL;
}

static void fill_reasons(struct naming *n, struct record_identity *d)
{
    if (n->call->reasons)
        d->reasons = arena_alloc(n->r->arena, RECORD_REASONS_MAX * sizeof *d->reasons);
    for (const struct call_reason *v = n->call->reasons;
         v && d->reasons && d->reason_count < RECORD_REASONS_MAX; v = v->next)
        d->reasons[d->reason_count++] = (struct record_reason){
            .time_us = v->time_ns / 1000,
            .party = call_party_text(v->sender),
            .message = arena_copy(n->r->arena, v->message),
            .protocol = arena_copy(n->r->arena, v->protocol),
            .text = arena_copy(n->r->arena, v->text),
            .cause = v->cause,
        };
}

static bool is_anonymous(const struct record_party *from)
{
    return slice_is_nocase(from->user, "anonymous") ||
           slice_is_nocase(from->host, "anonymous.invalid");
}

static struct slice referrer(struct naming *n)
{
    struct sip_addr addr;
    return sip_addr_parse(header_value(n, SIP_H_REFERRED_BY), &addr) ? copy(n, addr.uri)
                                                                     : slice_none();
}

void identity_fill(struct call_record *r, const struct call *call,
                   const struct identity_config *config)
{
    struct naming n = {.r = r, .call = call, .config = config};
    struct record_identity *d = &r->identity;
    struct slice privacy = header_value(&n, SIP_H_PRIVACY);
    bool anonymous = is_anonymous(&r->from);
    d->privacy = copy(&n, privacy);
    n.hidden = sip_privacy_hides(privacy) || anonymous;
    choose(&n, config->caller_from, &d->caller);
    n.hidden = false;
    choose(&n, config->callee_from, &d->callee);
    d->q850_text = slice_str(sip_q850_text((unsigned)r->q850_cause));
    if (call == NULL)
        return;
    d->referred_by = referrer(&n);
    fill_diversions(&n, d);
    fill_history(&n, d);
    fill_passports(&n, d);
    fill_headers(&n, d);
    fill_tags(&n, d);
    fill_reasons(&n, d);
}
