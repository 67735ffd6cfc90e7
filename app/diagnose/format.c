/* What the packets are, against what was announced and against the other direction. */
#include "app/diagnose/parts.h"

#include <math.h>

static void look_payload(struct look *k, const struct record_stream *s)
{
    if (!label_on(k, DIAGNOSE_payload_mismatch) || type_is_announced(k, s) ||
        s->packets < (uint64_t)k->config->threshold[DIAGNOSE_payload_mismatch])
        return;
    struct record_label *l = label_add_stream(k, DIAGNOSE_payload_mismatch, s, life(s));
    if (l)
        l->cause = "codec";
    evidence_number(l, "payload_type", s->payload_type);
    evidence_number(l, "packets", (double)s->packets);
}

static char *codec_text(const struct record_stream *s, char out[32])
{
    slice_copy_to(s->codec, out, 32);
    return out;
}

static struct span both(const struct record_stream *a, const struct record_stream *b)
{
    return (struct span){a->first_us > b->first_us ? a->first_us : b->first_us,
                         a->last_us < b->last_us ? a->last_us : b->last_us};
}

static void look_pair(struct look *k, const struct record_stream *a, const struct record_stream *b)
{
    char text[32];
    uint64_t least = (uint64_t)k->config->threshold[DIAGNOSE_codec_asymmetry];
    struct span at = both(a, b);
    if (at.to_us <= at.from_us)
        return;
    if (label_on(k, DIAGNOSE_codec_asymmetry) && a->codec.size && b->codec.size &&
        !slice_equal(a->codec, b->codec) && a->packets >= least && b->packets >= least) {
        struct record_label *l = label_add(k, DIAGNOSE_codec_asymmetry, WAYS, at);
        evidence_text(k, l, "caller", codec_text(a, text));
        evidence_text(k, l, "callee", codec_text(b, text));
    }
    if (label_on(k, DIAGNOSE_ptime_asymmetry) &&
        fabs(a->ptime_ms - b->ptime_ms) >= (double)k->config->threshold[DIAGNOSE_ptime_asymmetry]) {
        struct record_label *l = label_add(k, DIAGNOSE_ptime_asymmetry, WAYS, at);
        evidence_number(l, "caller_ms", a->ptime_ms);
        evidence_number(l, "callee_ms", b->ptime_ms);
    }
}

void look_format(struct look *k)
{
    const struct record_stream *a = way_stream(k, WAY_CALLER), *b = way_stream(k, WAY_CALLEE);
    for (uint32_t i = 0; i < k->r->stream_count; i++)
        if (is_sound_stream(&k->r->streams[i]))
            look_payload(k, &k->r->streams[i]);
    if (a && b)
        look_pair(k, a, b);
}
