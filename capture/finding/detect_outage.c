/* Places that fell silent, and many calls that end by time-out together: each is one finding,
 * however many calls it takes. The calls ahead of the one that meets the rule are remembered, so
 * they are among its evidence. */
#include "capture/finding/parts.h"

static const struct endpoint nowhere;

/* ---- silence ---- */

static struct finding_hit silence_of(const char *place)
{
    return (struct finding_hit){.rule = RULE_OUTAGE,
                                .about = ABOUT_USER,
                                .src = &nowhere,
                                .dst = &nowhere,
                                .user = place,
                                .lasts = true};
}

void findings_silent(struct findings *f, const char *place, int64_t since_ns, const uint8_t *call,
                     uint32_t calls)
{
    struct finding_hit h = silence_of(place);
    if (!rule_of(f, RULE_OUTAGE)->on)
        return;
    h.since_ns = since_ns;
    h.call = call;
    h.count = calls;
    finding_hit(&f->engine, &h);
}

void findings_heard(struct findings *f, const char *place)
{
    struct finding_hit h = silence_of(place);
    finding_over(&f->engine, &h);
}

/* ---- calls that drop ---- */

static void hit_drop(struct findings *f, const struct dropped *d, uint32_t count, int64_t since_ns)
{
    finding_hit(&f->engine, &(struct finding_hit){.rule = RULE_MASS_DROP,
                                                  .about = ABOUT_USER,
                                                  .src = &nowhere,
                                                  .dst = &nowhere,
                                                  .user = "calls",
                                                  .call = d->call,
                                                  .sample = slice_str(d->place),
                                                  .count = count,
                                                  .since_ns = since_ns});
}

/* Of the newest `kept`, which begin at `first` of the ring. */
static int64_t earliest(const struct drops *d, unsigned first, unsigned kept)
{
    int64_t first_ns = INT64_MAX;
    for (unsigned i = 0; i < kept; i++) {
        int64_t last_ns = d->recent[(first + i) % DROPS_KEPT].last_ns;
        first_ns = last_ns < first_ns ? last_ns : first_ns;
    }
    return first_ns;
}

/* All that were not told yet, the newest of them with what is remembered. */
static void tell_drops(struct findings *f)
{
    struct drops *d = &f->drops;
    unsigned kept = d->untold < DROPS_KEPT ? d->untold : DROPS_KEPT;
    unsigned first = (d->at + DROPS_KEPT - kept) % DROPS_KEPT;
    bool open = finding_find(&f->engine, &(struct finding_hit){.rule = RULE_MASS_DROP,
                                                               .about = ABOUT_USER,
                                                               .src = &nowhere,
                                                               .dst = &nowhere,
                                                               .user = "calls"});
    int64_t since_ns = earliest(d, first, kept);
    for (unsigned i = 0; i < kept; i++)
        hit_drop(f, &d->recent[(first + i) % DROPS_KEPT], open ? 1 : i ? 0 : d->untold, since_ns);
    for (uint32_t i = kept; open && i < d->untold; i++) /* of an open one each counts by itself */
        hit_drop(f, &d->recent[first], 1, since_ns);
    d->untold = 0;
}

void findings_dropped(struct findings *f, const uint8_t *call, const char *place, int64_t last_ns)
{
    struct drops *d = &f->drops;
    uint32_t count = 0;
    bool met = rule_count(f, RULE_MASS_DROP, &d->window, 1, &count);
    struct dropped *new = &d->recent[d->at];
    memcpy(new->call, call, sizeof new->call);
    slice_copy_to(slice_str(place), new->place, sizeof new->place);
    new->last_ns = last_ns;
    d->at = (d->at + 1) % DROPS_KEPT;
    d->untold = d->untold + 1 < count ? d->untold + 1 : count;
    if (met)
        tell_drops(f);
}
