/* Where media came from and went to, against what was announced. */
#include "app/diagnose/parts.h"

/* The newest address that the sender named, NULL: none, or the stream comes from one of them. */
static const struct record_announced *named_otherwise(const struct look *k,
                                                      const struct record_stream *s)
{
    const struct record_announced *named = NULL;
    for (uint32_t i = 0; i < k->r->diagnosis.announced_count; i++) {
        const struct record_announced *a = &k->r->diagnosis.announced[i];
        if (strcmp(a->party, s->party) != 0 || a->at.port == 0 || addr_is_any(a->at.addr))
            continue;
        if (addr_equal(a->at.addr, s->src.addr))
            return NULL;
        named = a;
    }
    return named;
}

static void look_nat(struct look *k, const struct record_stream *s)
{
    char text[ENDPOINT_TEXT_SIZE];
    const struct record_announced *named = named_otherwise(k, s);
    if (!label_on(k, DIAGNOSE_nat_mismatch) || named == NULL || way_of(s) == WAYS ||
        strcmp(s->confidence, "learned") != 0 ||
        s->packets < (uint64_t)k->config->threshold[DIAGNOSE_nat_mismatch])
        return;
    struct record_label *l = label_add_stream(k, DIAGNOSE_nat_mismatch, s, life(s));
    evidence_text(k, l, "announced", endpoint_text(&named->at, text));
    evidence_text(k, l, "seen", endpoint_text(&s->src, text));
    if (l && addr_is_private(named->at.addr))
        l->cause = "private_address";
}

static void look_moves(struct look *k)
{
    char text[ENDPOINT_TEXT_SIZE];
    struct record_label *l = NULL;
    const struct record_event *first = NULL, *last = NULL;
    int64_t moves = 0;
    for (uint32_t i = 0; i < k->r->event_count; i++) {
        if (!slice_is(k->r->events[i].kind, "media_moved"))
            continue;
        last = &k->r->events[i];
        first = first ? first : last;
        moves++;
    }
    if (first && label_on(k, DIAGNOSE_media_moved) &&
        moves >= k->config->threshold[DIAGNOSE_media_moved])
        l = label_add(k, DIAGNOSE_media_moved, WAYS, (struct span){first->time_us, last->time_us});
    if (l == NULL)
        return;
    slice_copy_to(last->detail, text, sizeof text);
    evidence_number(l, "moves", (double)moves);
    evidence_text(k, l, "to", text);
}

void look_address(struct look *k)
{
    for (uint32_t i = 0; i < k->r->stream_count; i++)
        if (is_sound_stream(&k->r->streams[i]))
            look_nat(k, &k->r->streams[i]);
    look_moves(k);
}
