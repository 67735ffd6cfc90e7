/* The message as it was and what it says: digits, nature, cause. Only what follows ITU-T Q.763 is
 * read; of ANSI, whose messages have other fixed parts, nothing is: half-read numbers would be
 * wrong ones. */
#include "capture/call/isup_note.h"

#include "capture/body/isup.h"

#define BODY_KEPT_MAX 272 /* an ISUP message fits one signalling unit (Q.763 1.7) */

static void count_unread(struct calls *c, unsigned reason)
{
    counters_add(c->counters, C_PARSE_ERRORS + LABEL_PROTO_ISUP * LABEL_COUNT_PARSE_REASON + reason,
                 1);
}

/* application/isup;version=itu-t92+;base=itu-t92+ (RFC 3204) */
static bool is_ansi(struct slice content_type)
{
    static const char *const names[] = {"base", "version"};
    struct slice params = slice_from(content_type, slice_index(content_type, ';')), value;
    for (unsigned i = 0; i < 2; i++)
        if (sip_param(params, names[i], &value) && slice_starts_nocase(value, "ansi"))
            return true;
    return false;
}

static bool read_message(struct calls *c, struct slice body, struct slice type, struct isup *ret)
{
    bool known = isup_type_text(body.data[0]) != NULL && !is_ansi(type);
    if (known && isup_read(body, ret))
        return true;
    count_unread(c, known ? LABEL_PARSE_SYNTAX : LABEL_PARSE_UNSUPPORTED);
    return false;
}

/* ---- into the call ---- */

static bool said_before(const struct call_isups *v, const struct sighting *s, struct slice body)
{
    for (const struct call_isup *said = v->first; said; said = said->next)
        if (said->cseq == s->m->cseq && said->status == s->m->status && said->party == s->sender &&
            said->method == s->m->method &&
            slice_equal(said->body, slice_sub(body, 0, BODY_KEPT_MAX)))
            return true;
    return false;
}

static void fill_number(struct arena *a, const struct isup_number *in, struct call_isup_number *out)
{
    if (!in->given)
        return;
    *out = (struct call_isup_number){
        .given = true,
        .digits = arena_copy(a, slice_str(in->digits)),
        .nature = in->nature,
        .plan = in->plan,
        .presentation = in->presentation,
        .screening = in->screening,
    };
}

static void fill(struct arena *a, const struct isup *m, const struct sighting *s, struct slice body,
                 struct call_isup *out)
{
    out->time_ns = s->d->time_ns;
    out->cseq = s->m->cseq;
    out->method = (uint8_t)s->m->method;
    out->status = s->m->status;
    out->party = s->sender;
    out->type = isup_type_text(m->type);
    out->category = m->category;
    out->cause = m->cause;
    out->location = m->location;
    out->body = arena_copy(a, slice_sub(body, 0, BODY_KEPT_MAX));
    fill_number(a, &m->calling, &out->calling);
    fill_number(a, &m->called, &out->called);
}

static void keep(struct call *call, const struct isup *m, const struct sighting *s,
                 struct slice body)
{
    struct call_isups *v = call->isup;
    if (v == NULL)
        v = call->isup = arena_alloc(call->arena, sizeof *v);
    if (v == NULL || said_before(v, s, body))
        return;
    struct call_isup *kept =
        v->count < CALL_ISUP_MAX ? arena_alloc(call->arena, sizeof *kept) : NULL;
    if (kept == NULL) {
        v->over_limit += v->over_limit < UINT32_MAX;
        return;
    }
    fill(call->arena, m, s, body, kept);
    *(v->last ? &v->last->next : &v->first) = kept;
    v->last = kept;
    v->count++;
}

void isup_note(struct calls *c, struct live *l, const struct sighting *s)
{
    struct isup m;
    struct slice type;
    if (s->m->body.size == 0)
        return;
    struct slice body = sip_body_part_typed(s->m, "application/isup", &type);
    if (body.size == 0 || !read_message(c, body, type, &m))
        return;
    keep(l->call, &m, s, body);
    if (m.type == ISUP_REL && m.cause && l->call->q850_cause == 0)
        l->call->q850_cause = m.cause;
}
