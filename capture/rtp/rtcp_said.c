/* Extended reports about one stream: the VoIP metrics and a few figures by name, and of each type
 * of block (and kind, early or late) the last one whole. A receiver sends a handful of types; those
 * beyond XR_BLOCKS are not kept. */
#include "capture/rtp/rtcp_tap_internal.h"

#include <math.h>
#include <stdlib.h>

/* RFC 7002: a discarded duplicate is no loss of anything. */
enum { DUPLICATE, EARLY, LATE, EARLY_OR_LATE };

void said_init(struct rtcp_tap *t)
{
    t->extended.discarded = t->extended.concealed_ms = -1;
    t->extended.mos = t->extended.network_rtt_ms = NAN;
    for (unsigned kind = 0; kind < XR_KINDS; kind++)
        t->discards[kind] = -1;
}

void said_free(struct rtcp_tap *t)
{
    for (struct rtcp_xr_seen *s = t->blocks, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    t->blocks = NULL;
}

static int64_t known(int64_t v)
{
    return v < 0 ? 0 : v;
}

/* Early and late ones come in blocks of their own, or together in one. */
static void note_discards(struct rtcp_tap *t, const struct xr_discards *d)
{
    unsigned kind = d->early && d->late ? EARLY_OR_LATE
                    : d->early          ? EARLY
                    : d->late           ? LATE
                                        : DUPLICATE;
    int64_t *sum = &t->discards[kind];
    if (d->count < 0)
        return;
    *sum = d->interval ? known(*sum) + d->count : d->count;
    if (t->discards[EARLY_OR_LATE] >= 0)
        t->extended.discarded = t->discards[EARLY_OR_LATE];
    else if (t->discards[EARLY] >= 0 || t->discards[LATE] >= 0)
        t->extended.discarded = known(t->discards[EARLY]) + known(t->discards[LATE]);
}

static void keep_block(struct rtcp_tap *t, const struct xr_block *b)
{
    struct xr_values v;
    if (!xr_values(b, &v))
        return;
    unsigned kept = 0;
    struct rtcp_xr_seen **at = &t->blocks;
    while (*at && ((*at)->last.type != v.type || (*at)->last.kind != v.kind)) {
        at = &(*at)->next;
        kept++;
    }
    if (*at == NULL)
        *at = kept < XR_BLOCKS ? calloc(1, sizeof **at) : NULL;
    if (*at == NULL)
        return;
    (*at)->reports++;
    (*at)->last = v;
}

void rtcp_tap_metrics(struct rtcp_tap *t, const struct xr_block *b)
{
    struct rtcp_extended *e = &t->extended;
    struct xr_discards discards;
    struct xr_delay delay;
    struct xr_mos mos;
    struct xr_concealment concealment;
    if (xr_voip(b, &e->voip))
        e->reports++;
    else if (b->type == XR_DISCARDS && xr_discards(b, &discards))
        note_discards(t, &discards);
    else if (xr_delay(b, &delay) && !isnan(delay.mean_ms))
        e->network_rtt_ms = delay.mean_ms;
    else if (xr_mos(b, 0, &mos) && !isnan(mos.mos))
        e->mos = mos.mos;
    else if (xr_concealment(b, &concealment) && concealment.concealed_ms >= 0)
        e->concealed_ms = concealment.concealed_ms;
    keep_block(t, b);
}

void rtcp_tap_extended(const struct rtcp_tap *t, struct rtcp_extended *ret_extended)
{
    *ret_extended = t->extended;
}

const struct rtcp_xr_seen *rtcp_tap_blocks(const struct rtcp_tap *t)
{
    return t->blocks;
}
