/* The first metadata of a call is kept, and after it the newest that is complete. A call has a
 * limited number of readings, because each copy stays in its arena. */
#include "capture/call/siprec_note.h"

#include "capture/body/siprec.h"

#define READINGS_MAX  4
#define TEXT_KEPT_MAX 256

void count_xml(struct counters *counters, enum xml_verdict v)
{
    static const uint8_t reasons[] = {
        [XML_NOT_THIS] = LABEL_PARSE_UNSUPPORTED, [XML_SYNTAX] = LABEL_PARSE_SYNTAX,
        [XML_DOCTYPE] = LABEL_PARSE_UNSUPPORTED,  [XML_DEPTH] = LABEL_PARSE_LIMIT,
        [XML_SIZE] = LABEL_PARSE_LIMIT,           [XML_LIMIT] = LABEL_PARSE_LIMIT,
        [XML_MEMORY] = LABEL_PARSE_LIMIT,
    };
    if (v != XML_OK)
        counters_add(counters,
                     C_PARSE_ERRORS + LABEL_PROTO_XML * LABEL_COUNT_PARSE_REASON + reasons[v], 1);
}

static void keep(struct arena *a, struct slice *text)
{
    *text = arena_copy(a, slice_sub(*text, 0, TEXT_KEPT_MAX));
}

/* The tree is of the next document soon. */
static void keep_texts(struct arena *a, struct siprec *s)
{
    for (unsigned i = 0; i < s->session_count; i++) {
        keep(a, &s->sessions[i].id);
        keep(a, &s->sessions[i].sip_session_id);
        keep(a, &s->sessions[i].start_time);
        keep(a, &s->sessions[i].stop_time);
        keep(a, &s->sessions[i].group_ref);
    }
    for (unsigned i = 0; i < s->participant_count; i++) {
        keep(a, &s->participants[i].id);
        keep(a, &s->participants[i].aor);
        keep(a, &s->participants[i].name);
        keep(a, &s->participants[i].joined_at);
        keep(a, &s->participants[i].left_at);
    }
    for (unsigned i = 0; i < s->stream_count; i++) {
        keep(a, &s->streams[i].id);
        keep(a, &s->streams[i].label);
    }
}

/* What a SIPREC client calls it, and what drafts called it. */
static struct slice metadata_of(const struct sip_msg *m)
{
    struct slice body = sip_body_part(m, "application/rs-metadata+xml");
    return body.size ? body : sip_body_part(m, "application/rs-metadata");
}

void siprec_note(struct calls *c, struct live *l, const struct sip_msg *m)
{
    struct call *call = l->call;
    bool carries = m->request && (m->method == SIP_INVITE || m->method == SIP_UPDATE);
    if (!carries || m->body.size == 0 || l->siprec_readings == READINGS_MAX)
        return;
    struct slice body = metadata_of(m);
    if (body.size == 0)
        return;
    l->siprec_readings++;
    struct siprec s;
    enum xml_verdict v = siprec_read(c->xml, body, &s);
    count_xml(c->counters, v);
    if (v != XML_OK || (call->siprec && !s.complete))
        return;
    if (call->siprec == NULL)
        call->siprec = arena_alloc(call->arena, sizeof s);
    if (call->siprec == NULL)
        return;
    keep_texts(call->arena, &s);
    *call->siprec = s;
}
