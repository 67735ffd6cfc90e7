/* Copies, within bounds; identity.h says what and why. */
#include "capture/call/identity.h"

#include <stdio.h>

#include "capture/sip/identity.h"

#define REASON_TEXT_MAX 128

/* The Date is what a PASSporT without its payload was signed at. */
static bool says_who(enum sip_header id, bool is_signed)
{
    switch (id) {
    case SIP_H_P_ASSERTED_IDENTITY:
    case SIP_H_P_PREFERRED_IDENTITY:
    case SIP_H_REMOTE_PARTY_ID:
    case SIP_H_DIVERSION:
    case SIP_H_HISTORY_INFO:
    case SIP_H_PRIVACY:
    case SIP_H_REFERRED_BY:
    case SIP_H_IDENTITY:
        return true;
    case SIP_H_DATE:
        return is_signed;
    default:
        return false;
    }
}

/* ---- one header ---- */

static struct call_header *add(struct call *call, struct call_header **end, struct slice value,
                               size_t most)
{
    char text[CALL_HEADER_ONE_MAX + 1];
    struct call_header *h = arena_alloc(call->arena, sizeof *h);
    if (h == NULL)
        return NULL;
    size_t n = sip_unfold(value, text, most + 1);
    h->cut = value.size > n && n == most;
    h->value = arena_copy(call->arena, slice_of(text, n));
    *end = h;
    return h;
}

/* What is kept already: kinds as bits, headers, bytes, and where the next one goes. */
struct kept {
    uint64_t kinds;
    unsigned count;
    size_t bytes;
    struct call_header **end;
};

static struct kept what_is_kept(struct call *call)
{
    struct kept k = {.end = &call->identity};
    for (; *k.end; k.end = &(*k.end)->next) {
        k.kinds |= UINT64_C(1) << (*k.end)->id;
        k.bytes += (*k.end)->value.size;
        k.count++;
    }
    return k;
}

static void keep_identity(struct call *call, const struct sip_msg *m)
{
    struct kept k = what_is_kept(call);
    bool is_signed = sip_header(m, SIP_H_IDENTITY).size > 0;
    for (unsigned i = 0; i < m->header_count && k.count < CALL_HEADERS_MAX; i++) {
        const struct sip_header_line *line = &m->headers[i];
        size_t room = CALL_HEADER_BYTES - k.bytes;
        if (!says_who(line->id, is_signed) || k.kinds >> line->id & 1 || room == 0)
            continue;
        struct call_header *h =
            add(call, k.end, line->value, room < CALL_HEADER_ONE_MAX ? room : CALL_HEADER_ONE_MAX);
        if (h == NULL)
            return;
        h->id = (uint8_t)line->id;
        k.bytes += h->value.size;
        k.end = &h->next;
        k.count++;
    }
}

/* ---- chosen ones ---- */

static bool is_named(const struct sip_header_line *line, const char *name)
{
    if (slice_is_nocase(line->name, name))
        return true;
    return line->id != SIP_H_OTHER && strcasecmp(sip_header_name(line->id), name) == 0;
}

/* All lines of that name, commas between. */
static size_t gather(const struct sip_msg *m, const char *name, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < m->header_count; i++) {
        if (!is_named(&m->headers[i], name))
            continue;
        if (n)
            n += (size_t)snprintf(out + n, size - n, ", ");
        n = n < size ? n + sip_unfold(m->headers[i].value, out + n, size - n) : size - 1;
    }
    return n < size ? n : size - 1;
}

static void keep_chosen(const struct front_config *config, struct call *call,
                        const struct sip_msg *m)
{
    struct call_header **end = &call->chosen;
    char text[CALL_CHOSEN_BYTES + 2]; /* one more than is kept shows that there was more */
    for (unsigned i = 0; i < config->header_count; i++) {
        size_t n = gather(m, config->headers[i], text, sizeof text);
        struct call_header *h = n ? add(call, end, slice_of(text, n), CALL_CHOSEN_BYTES) : NULL;
        if (h == NULL)
            continue;
        h->id = SIP_H_OTHER;
        h->name = arena_copy(call->arena, slice_str(config->headers[i]));
        end = &h->next;
    }
}

/* ---- reasons ---- */

static struct slice message_of(struct call *call, const struct sip_msg *m)
{
    char code[8];
    if (m->request)
        return arena_copy(call->arena, slice_sub(m->method_text, 0, 32));
    snprintf(code, sizeof code, "%u", m->status);
    return arena_copy(call->arena, slice_str(code));
}

/* The same message on the next hop says it again. */
static bool said_before(const struct call_reason *said, const struct sip_reason *r, uint8_t sender)
{
    return said->cause == r->cause && said->sender == sender &&
           slice_equal_nocase(said->protocol, slice_sub(r->protocol, 0, 32));
}

static void keep_reason(struct call *call, const struct sighting *s, const struct sip_reason *r)
{
    struct call_reason **end = &call->reasons;
    unsigned count = 0;
    for (; *end; end = &(*end)->next)
        if (said_before(*end, r, s->sender) || ++count == CALL_REASONS_MAX)
            return;
    struct call_reason *said = arena_alloc(call->arena, sizeof *said);
    if (said == NULL)
        return;
    said->time_ns = s->d->time_ns;
    said->sender = s->sender;
    said->cause = r->cause;
    said->message = message_of(call, s->m);
    said->protocol = arena_copy(call->arena, slice_sub(r->protocol, 0, 32));
    said->text = arena_copy(call->arena, slice_sub(r->text, 0, REASON_TEXT_MAX));
    *end = said;
}

static void keep_reasons(struct call *call, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    for (unsigned i = 0; i < m->header_count; i++) {
        if (m->headers[i].id != SIP_H_REASON)
            continue;
        struct slice rest = m->headers[i].value, item;
        struct sip_reason reason;
        for (unsigned n = 0; n < CALL_REASONS_MAX && sip_list_next(&rest, &item); n++)
            if (sip_reason_parse(item, &reason))
                keep_reason(call, s, &reason);
    }
}

void identity_note(const struct front_config *config, struct call *call, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    if (m->request && m->method == SIP_INVITE && s->to_tag == 0) {
        bool first = call->processed_ns == 0;
        keep_identity(call, m);
        if (first)
            keep_chosen(config, call, m);
    }
    keep_reasons(call, s);
}
