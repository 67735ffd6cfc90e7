/* Media of strangers, and strangers who ask for a part in calls of others. What is a stranger's is
 * decided in capture/call/flow_path.c and relate.c; here it is only counted. */
#include <assert.h>

#include "capture/finding/parts.h"

/* ---- A-S9: RTP injection ---- */

static_assert(RULE_RTP_SSRC == RULE_RTP_SOURCE + 1 && RULE_RTP_SEQUENCE == RULE_RTP_SOURCE + 2,
              "the order of address.injected");

/* Who forges the addresses of a party is known by nothing: that finding is about the pair. */
void findings_media(struct findings *f, enum finding_rule rule, const struct endpoint *src,
                    const struct endpoint *dst, const uint8_t *call, uint32_t count)
{
    struct address *a = findings_watch(f, src);
    uint32_t sum;
    if (a == NULL || a->allowed ||
        !rule_count(f, rule, &a->injected[rule - RULE_RTP_SOURCE], count, &sum))
        return;
    bool forged = rule != RULE_RTP_SOURCE;
    finding_hit(&f->engine, &(struct finding_hit){.rule = rule,
                                                  .about = forged ? ABOUT_PAIR : ABOUT_SOURCE,
                                                  .src = src,
                                                  .dst = dst,
                                                  .call = call,
                                                  .sample = slice_str(finding_rule(rule)->name),
                                                  .count = sum});
}

/* A spray goes over the ports of one host: another host begins anew, unless one is under way. */
static bool is_of_host(struct address *a, struct addr host, const struct findings *f,
                       int64_t window_ns)
{
    if (addr_equal(a->probed_host, host))
        return true;
    if (distinct_count(&a->probed, 1, f->engine.steady_ns, window_ns, 0) > 2)
        return false;
    a->probed_host = host;
    a->probed = (struct distinct){0};
    return true;
}

void findings_probe(struct findings *f, const struct endpoint *src, const struct endpoint *dst)
{
    const struct finding_rule_config *r = rule_of(f, RULE_RTP_SPRAY);
    struct address *a = r->on ? findings_watch(f, src) : NULL;
    bool fresh;
    if (a == NULL || a->allowed || !is_of_host(a, dst->addr, f, r->window_ns))
        return;
    distinct_put(&a->probed, dst->port + 1u, 0, f->engine.steady_ns, r->window_ns, &fresh);
    uint32_t count = distinct_count(&a->probed, 1, f->engine.steady_ns, r->window_ns, 0);
    if (!fresh || count < r->threshold)
        return;
    finding_hit(&f->engine, &(struct finding_hit){.rule = RULE_RTP_SPRAY,
                                                  .src = src,
                                                  .dst = dst,
                                                  .sample = slice_str("rtp_spray"),
                                                  .count = count});
}

/* ---- G06: Replaces and Join ---- */

void findings_intrusion(struct findings *f, const struct endpoint *src, const struct endpoint *dst,
                        const uint8_t *call, const char *method)
{
    struct address *a = findings_watch(f, src);
    uint32_t count;
    if (a == NULL || a->allowed || a->server || a->success || a->challenges ||
        !rule_count(f, RULE_INTRUSION, &a->intrusions, 1, &count))
        return;
    finding_hit(&f->engine, &(struct finding_hit){.rule = RULE_INTRUSION,
                                                  .src = src,
                                                  .dst = dst,
                                                  .call = call,
                                                  .sample = slice_str(method),
                                                  .count = count});
}
