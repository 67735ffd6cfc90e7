/* What was seen is remembered by sender, dialog and CSeq, as far back as INFOS_RECENT; a copy on
 * another hop follows within milliseconds. */
#include "capture/call/info.h"

#include <stdio.h>

#include "capture/body/dtmf_info.h"
#include "capture/body/kpml.h"
#include "capture/call/call.h"
#include "capture/call/control.h"
#include "capture/call/emit.h"
#include "capture/call/siprec_note.h"
#include "capture/call/table.h"

#define INFOS_RECENT      16
#define EVENTS_FOR_OTHERS 50 /* of the time line: a flood of INFO leaves room for holds and such   \
                              */
#define TYPE_KEPT_MAX 64

struct info_seen {
    uint64_t recent[INFOS_RECENT];
    uint8_t at;
    struct {
        uint32_t cseq;
        bool challenged; /* the next one is the same with credentials */
    } newest[2];         /* by party */
};

static struct info_seen *seen_of(struct live *l)
{
    if (l->info == NULL)
        l->info = arena_alloc(l->call->arena, sizeof *l->info);
    return l->info;
}

/* ---- once ---- */

static bool seen_before(const struct calls *c, struct info_seen *v, const struct sighting *s)
{
    uint64_t words[4] = {s->from_tag, s->to_tag, s->m->cseq, s->sender};
    uint64_t digest = hash_words(&c->config.seed, words, 4) | 1;
    for (unsigned i = 0; i < INFOS_RECENT; i++)
        if (v->recent[i] == digest)
            return true;
    v->recent[v->at] = digest;
    v->at = (uint8_t)((v->at + 1) % INFOS_RECENT);
    return false;
}

/* The INFO that was challenged comes with the next number. */
static bool answers_challenge(struct info_seen *v, const struct sighting *s)
{
    bool answers = v->newest[s->sender].challenged && s->m->cseq == v->newest[s->sender].cseq + 1;
    v->newest[s->sender].challenged = false;
    if (s->m->cseq > v->newest[s->sender].cseq)
        v->newest[s->sender].cseq = s->m->cseq;
    return answers;
}

static void note_challenge(struct live *l, const struct sighting *s)
{
    unsigned status = s->m->status;
    uint8_t party = s->transaction_of;
    if (l->info && (status == 401 || status == 407) && l->info->newest[party].cseq == s->m->cseq)
        l->info->newest[party].challenged = true;
}

/* ---- what it says ---- */

static void note(struct calls *c, struct live *l, const char *kind, const char *detail)
{
    if (l->call->event_count < CALL_EVENTS_MAX - EVENTS_FOR_OTHERS)
        emit_note(c, l, kind, detail);
}

static bool read_digit(const struct sip_msg *m, struct dtmf_info *ret)
{
    static const char *const types[] = {"application/dtmf-relay", "application/dtmf"};
    if ((m->flags & SIP_FLAG_BODY_ENCODED) || m->body.size == 0)
        return false;
    for (size_t i = 0; i < 2; i++) {
        struct slice body = sip_body_part(m, types[i]);
        if (body.size && dtmf_info_read(slice_str(types[i]), body, ret))
            return true;
    }
    return false;
}

static void keep_digit(struct calls *c, struct live *l, const struct call_digit *digit)
{
    struct call_digits *v = l->call->digits;
    if (v == NULL)
        v = l->call->digits = arena_alloc(l->call->arena, sizeof *v);
    if (v == NULL)
        return;
    struct call_digit *kept =
        v->count < CALL_DIGITS_MAX ? arena_alloc(l->call->arena, sizeof *kept) : NULL;
    if (kept == NULL) {
        v->over_limit += v->over_limit < UINT32_MAX;
        counters_add(c->counters, C_DTMF_OVER_LIMIT, 1);
        return;
    }
    *kept = *digit;
    *(v->last ? &v->last->next : &v->first) = kept;
    v->last = kept;
    v->count++;
}

static void take_digit(struct calls *c, struct live *l, const struct sighting *s,
                       const struct dtmf_info *d, enum call_digit_source source)
{
    struct call_digit digit = {.time_ns = s->d->time_ns,
                               .digit = c->config.mask_dtmf ? '*' : d->digit,
                               .duration_ms = d->duration_ms,
                               .party = s->sender,
                               .source = (uint8_t)source};
    char text[48], duration[16] = "";
    if (d->duration_ms)
        snprintf(duration, sizeof duration, ", %u ms", d->duration_ms);
    snprintf(text, sizeof text, "%c%s, %s, %s", digit.digit, duration,
             call_digit_source_text(source), call_party_text(s->sender));
    note(c, l, "dtmf", text);
    counters_add(c->counters, C_DTMF_EVENTS + source, 1);
    keep_digit(c, l, &digit);
    control_key(c, l, s, d->digit);
}

/* A header that starts or stops a recording, as telephones with a button for it send it; else what
 * the body is. */
static void take_other(struct calls *c, struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    char text[TYPE_KEPT_MAX + 16];
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header_line *h = &m->headers[i];
        if (slice_is_nocase(h->name, "Record") || slice_is_nocase(h->name, "X-Record")) {
            size_t n = (size_t)snprintf(text, sizeof text, "Record: ");
            slice_copy_to(slice_sub(h->value, 0, TYPE_KEPT_MAX), text + n, sizeof text - n);
            note(c, l, "info", text);
            return;
        }
    }
    struct slice type = slice_sub(m->content_type, 0, slice_index(m->content_type, ';'));
    slice_copy_to(slice_trim(slice_sub(type, 0, TYPE_KEPT_MAX)), text, sizeof text);
    note(c, l, "info", text[0] ? text : NULL);
}

/* ---- KPML ---- */

static struct slice kpml_of(const struct sip_msg *m)
{
    if (m->method != SIP_NOTIFY || !m->request || (m->flags & SIP_FLAG_BODY_ENCODED))
        return slice_none();
    return sip_body_part(m, "application/kpml-response+xml");
}

static void take_kpml(struct calls *c, struct live *l, const struct sighting *s, struct slice body)
{
    struct kpml k;
    enum xml_verdict verdict = kpml_read(c->xml, body, &k);
    count_xml(c->counters, verdict);
    if (verdict != XML_OK)
        return;
    for (unsigned i = 0; i < k.count; i++)
        take_digit(c, l, s, &(struct dtmf_info){.digit = k.digits[i]}, CALL_DIGIT_KPML);
}

/* "kpml;call-id=...;local-tag=...;remote-tag=...", values with or without quotes. */
static struct slice event_parameter(struct slice event, const char *name)
{
    struct slice v = slice_parameter(event, name);
    if (v.size >= 2 && v.data[0] == '"' && v.data[v.size - 1] == '"')
        v = slice_sub(v, 1, v.size - 1);
    return v;
}

static struct live *named_call(struct calls *c, struct sip_msg *scratch, const struct sighting *s)
{
    struct slice event = sip_header(s->m, SIP_H_EVENT);
    struct slice tags[2] = {event_parameter(event, "local-tag"),
                            event_parameter(event, "remote-tag")};
    uint8_t party;
    scratch->call_id = event_parameter(event, "call-id");
    for (unsigned i = 0; i < 2 && scratch->call_id.size && tags[0].size && tags[1].size; i++) {
        scratch->from.tag = tags[i];
        scratch->to.tag = tags[1 - i];
        struct sighting named = {.d = s->d, .m = scratch};
        table_hash_names(c, &named);
        struct live *l = table_find(c, &named, &party);
        if (l)
            return l;
    }
    return NULL;
}

/* Whose keys they are: who tells them is an end of the call, or nobody knows. */
static uint8_t party_at(const struct call *call, const struct endpoint *at)
{
    bool caller = addr_equal(call->src.addr, at->addr), callee = addr_equal(call->dst.addr, at->addr);
    return caller == callee ? CALL_PARTY_UNKNOWN : caller ? CALL_CALLER : CALL_CALLEE;
}

void info_beside(struct calls *c, struct sip_msg *scratch, const struct sighting *s)
{
    struct slice body = kpml_of(s->m);
    struct live *l = body.size ? named_call(c, scratch, s) : NULL;
    struct info_seen *v = l ? seen_of(l) : NULL;
    if (v == NULL || seen_before(c, v, s))
        return;
    struct sighting told = *s;
    told.sender = party_at(l->call, &s->d->src);
    take_kpml(c, l, &told, body);
}

/* ---- in ---- */

static void kpml_note(struct calls *c, struct live *l, const struct sighting *s)
{
    if (!s->m->request) {
        note_challenge(l, s);
        return;
    }
    struct slice body = kpml_of(s->m);
    struct info_seen *v = body.size ? seen_of(l) : NULL;
    if (v && !seen_before(c, v, s) && !answers_challenge(v, s))
        take_kpml(c, l, s, body);
}

void info_note(struct calls *c, struct live *l, const struct sighting *s)
{
    struct dtmf_info d;
    if (s->m->method == SIP_NOTIFY)
        kpml_note(c, l, s);
    if (s->m->method != SIP_INFO)
        return;
    if (!s->m->request) {
        note_challenge(l, s);
        return;
    }
    struct info_seen *v = seen_of(l);
    if (v == NULL || seen_before(c, v, s) || answers_challenge(v, s))
        return;
    if (read_digit(s->m, &d))
        take_digit(c, l, s, &d, CALL_DIGIT_INFO);
    else
        take_other(c, l, s);
}

const char *call_digit_source_text(enum call_digit_source v)
{
    static const char *const texts[] = {"rfc4733", "info", "inband", "kpml"};
    return texts[v];
}
