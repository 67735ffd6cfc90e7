#include "capture/call/finding_note.h"

#include <stdio.h>

#include "capture/call/stranger.h"
#include "capture/call/uid.h"
#include "capture/finding/findings.h"

/* ---- out ---- */

static bool tell(void *context, const struct finding *finding)
{
    struct calls *c = context;
    struct event e = {.kind = EVENT_FINDING,
                      .call = NO_INDEX,
                      .flow = NO_INDEX,
                      .time_ns = c->time_ns,
                      .body = slice_of(finding, sizeof *finding)};
    return c->sink.push(c->sink.context, 0, &e);
}

/* Over the detector, whom it is about and when it began: reading a capture again gives it again. */
static void make_uid(void *context, const struct finding *f, uint8_t ret_uid[16])
{
    const struct calls *c = context;
    char about[2 * ADDR_TEXT_SIZE + FINDING_SUBJECT_SIZE];
    char src[ADDR_TEXT_SIZE], dst[ADDR_TEXT_SIZE];
    int n = snprintf(about, sizeof about, "%s %s %s", addr_text(f->src.addr, src),
                     addr_text(f->dst.addr, dst), f->subject);
    uid_of_message(c->config.id_secret, c->config.probe, slice_of(about, (size_t)n),
                   slice_str(finding_rule(f->rule)->name), f->src.space, 0, f->opened_ns, ret_uid);
}

struct findings *finding_note_new(struct calls *c)
{
    struct finding_sink sink = {.context = c, .tell = tell, .make_uid = make_uid};
    return findings_new(&c->config.findings, &c->config.seed, &sink, c->counters);
}

/* ---- in ---- */

static struct findings *now(struct calls *c)
{
    if (c->findings)
        findings_time(c->findings, c->time_ns, c->steady_ns);
    return c->findings;
}

/* Whoever cancels has sent the INVITE; a proxy does so on its own hop. */
static bool is_cancel_of_stranger(const struct sighting *s)
{
    if (!s->m->request || s->m->method != SIP_CANCEL || s->live == NULL ||
        s->live->call->hops == NULL || s->live->call->hops_over_limit)
        return false;
    for (const struct call_hop *h = s->live->call->hops; h; h = h->next)
        if (addr_equal(h->src.addr, s->d->src.addr))
            return false;
    return true;
}

void finding_note_message(struct calls *c, const struct sighting *s)
{
    struct findings *f = now(c);
    if (f == NULL)
        return;
    const uint8_t *call = s->live ? s->live->call->uid : NULL;
    findings_message(f, &(struct finding_message){
                            .d = s->d,
                            .m = s->m,
                            .call = call,
                            .via = s->via,
                            .in_dialog = s->to_tag != 0,
                            .of_callee = s->live && s->to_tag && s->transaction_of == CALL_CALLEE,
                        });
    if (is_cancel_of_stranger(s) && !s->retransmission)
        findings_teardown(f, &s->d->src, &s->d->dst, call, "CANCEL");
}

void finding_note_unreadable(struct calls *c, const struct datagram *d)
{
    struct findings *f = now(c);
    if (f)
        findings_unreadable(f, d);
}

void finding_note_ack_missing(struct calls *c, const struct call *call)
{
    struct findings *f = now(c);
    if (f)
        findings_ack_missing(f, &call->src, &call->dst, call->uid);
}

void finding_note_bye(struct calls *c, const struct call *call)
{
    struct findings *f = now(c);
    if (f)
        findings_teardown(f, &call->spoofed_bye_src, &call->dst, call->uid, "BYE");
}

void finding_note_media(struct calls *c, const struct live *l, unsigned rule,
                        const struct endpoint *src, const struct endpoint *dst, uint32_t count)
{
    struct findings *f = now(c);
    if (f)
        findings_media(f, (enum finding_rule)rule, src, dst, l->call->uid, count);
}

void finding_note_probe(struct calls *c, const struct endpoint *src, const struct endpoint *dst)
{
    struct findings *f = now(c);
    if (f)
        findings_probe(f, src, dst);
}

void finding_note_intrusion(struct calls *c, const struct live *l, const struct sighting *s,
                            const char *method)
{
    struct findings *f = stranger_to(c, l, s->d->src.addr) ? now(c) : NULL;
    if (f)
        findings_intrusion(f, &s->d->src, &s->d->dst, l->call->uid, method);
}

void finding_note_login(struct calls *c, const char *aor, const struct datagram *answer,
                        bool accepted)
{
    struct findings *f = now(c);
    if (f)
        findings_login(
            f, &(struct finding_login){
                   .aor = aor, .src = &answer->dst, .dst = &answer->src, .accepted = accepted});
}

void finding_note_peer(struct calls *c, const struct endpoint *src, const struct endpoint *dst,
                       unsigned misses, bool answered_before)
{
    struct findings *f = now(c);
    if (f)
        findings_peer(f, src, dst, misses, answered_before);
}

void finding_note_silent(struct calls *c, const char *place, int64_t since_ns, const uint8_t *call,
                         uint32_t calls)
{
    struct findings *f = now(c);
    if (f)
        findings_silent(f, place, since_ns, call, calls);
}

void finding_note_heard(struct calls *c, const char *place)
{
    struct findings *f = now(c);
    if (f)
        findings_heard(f, place);
}

void finding_note_dropped(struct calls *c, const struct call *call)
{
    char place[FINDING_PLACE_SIZE] = "";
    struct findings *f = now(c);
    if (f == NULL)
        return;
    if (call->place.trunk)
        snprintf(place, sizeof place, "trunk %s", call->place.trunk);
    else if (call->place.site)
        snprintf(place, sizeof place, "site %s", call->place.site);
    findings_dropped(f, call->uid, place, call->ended_ns);
}

void finding_note_tick(struct calls *c)
{
    struct findings *f = now(c);
    if (f)
        findings_tick(f);
}

void finding_note_finish(struct calls *c)
{
    struct findings *f = now(c);
    if (f)
        findings_finish(f);
}
