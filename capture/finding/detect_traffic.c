/* Detectors that count messages: floods, and what is no proper SIP. */
#include "capture/finding/parts.h"

#define KNOWN_SECONDS 60 /* before it is said what is usual */
#define BAD_PART      5  /* a fifth of the messages */

/* ---- A-S7: floods ---- */

/* Over the limit; or many times what is usual and no trifle. */
static bool is_flood(const struct findings *f, const struct rate *r,
                     const struct finding_rule_config *rule, uint32_t floor)
{
    if (r->count >= rule->threshold)
        return true;
    return f->config.flood_factor && r->known >= KNOWN_SECONDS && r->count > floor &&
           (float)r->count >= r->usual * (float)f->config.flood_factor;
}

static __attribute__((noinline)) void tell_flood(struct findings *f, const struct sight *w,
                                                 enum finding_rule rule, const struct rate *r)
{
    const struct datagram *d = w->s->d;
    bool source = rule == RULE_FLOOD_SOURCE;
    finding_hit(&f->engine,
                &(struct finding_hit){.rule = rule,
                                      .about = source ? ABOUT_SOURCE : ABOUT_DESTINATION,
                                      .src = &d->src,
                                      .dst = &d->dst,
                                      .call = w->s->call,
                                      .sample = w->s->m ? w->s->m->method_text : slice_none(),
                                      .count = r->count});
}

static inline void count_rate(struct findings *f, const struct sight *w, struct address *a,
                              struct rate *r, enum finding_rule rule)
{
    uint32_t floor = f->usual_max[rule == RULE_FLOOD_DESTINATION];
    if (r->second != f->second)
        watched_touch(&f->watched, a);
    uint32_t count = rate_add(r, f->second, floor);
    if (__builtin_expect(count <= floor, 1))
        return;
    const struct finding_rule_config *config = rule_of(f, rule);
    if (config->on && !w->src->allowed && is_flood(f, r, config, floor))
        tell_flood(f, w, rule, r);
}

void see_flood(struct findings *f, const struct sight *w)
{
    count_rate(f, w, w->src, &w->src->sent, RULE_FLOOD_SOURCE);
    count_rate(f, w, w->dst, &w->dst->received, RULE_FLOOD_DESTINATION);
}

/* ---- A-S8: malformed ---- */

#define BAD_FLAGS                                                                                  \
    (SIP_FLAG_NO_CALL_ID | SIP_FLAG_NO_CSEQ | SIP_FLAG_NO_FROM | SIP_FLAG_NO_TO |                  \
     SIP_FLAG_NO_VIA | SIP_FLAG_MALFORMED_LINE | SIP_FLAG_CSEQ_MISMATCH |                          \
     SIP_FLAG_BAD_CONTENT_LENGTH | SIP_FLAG_HEADER_LIMIT | SIP_FLAG_OVERSIZE)

/* How it begins, as far as that is text. */
static struct slice first_words(struct slice message)
{
    size_t n = 0;
    while (n < message.size && n < FINDING_SAMPLE_SIZE - 1 && message.data[n] >= 0x20 &&
           message.data[n] < 0x7f)
        n++;
    return slice_sub(message, 0, n);
}

void see_malformed(struct findings *f, const struct sight *w)
{
    const struct finding_rule_config *r = rule_of(f, RULE_MALFORMED);
    bool bad = w->s->m == NULL || w->s->m->flags & BAD_FLAGS;
    struct address *a = w->src;
    uint32_t all = window_add(&a->messages, f->engine.steady_ns, r->window_ns, 1), count;
    if (!bad || a->allowed || !rule_count(f, RULE_MALFORMED, &a->malformed, 1, &count) ||
        count * BAD_PART < all)
        return;
    finding_hit(&f->engine, &(struct finding_hit){.rule = RULE_MALFORMED,
                                                  .src = &w->s->d->src,
                                                  .dst = &w->s->d->dst,
                                                  .call = w->s->call,
                                                  .sample = first_words(w->s->d->payload),
                                                  .count = count});
}
