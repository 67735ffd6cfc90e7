/* What the packets carried. The figures would come from measures on the decoded sound
 * (record_sound.h); those are made after the call was judged, so no stream has any yet, and then
 * there is no label. */
#include "app/diagnose/parts.h"

#include <math.h>

struct heard_sound {
    double silent_ms;     /* longest silence in one piece */
    double clipped_ratio; /* samples at full scale */
    double frozen_ms;     /* longest repetition of one piece */
};

/* Seam: the measures of a stream; NAN: not measured. */
static struct heard_sound sound_of(const struct record_stream *s)
{
    (void)s;
    return (struct heard_sound){NAN, NAN, NAN};
}

static void label(struct look *k, const struct record_stream *s, enum diagnose_label which,
                  double value, double threshold, const char *name)
{
    if (!label_on(k, which) || isnan(value) || value < threshold)
        return;
    struct record_label *l = label_add_stream(k, which, s, (struct span){s->first_us, s->last_us});
    evidence_number(l, name, value);
    if (l)
        l->side = "before_tap";
}

void look_sound(struct look *k)
{
    const int64_t *threshold = k->config->threshold;
    for (uint32_t i = 0; i < k->r->stream_count; i++) {
        const struct record_stream *s = &k->r->streams[i];
        if (!is_sound_stream(s))
            continue;
        struct heard_sound h = sound_of(s);
        label(k, s, DIAGNOSE_silence, h.silent_ms, 1000.0 * (double)threshold[DIAGNOSE_silence],
              "silent_ms");
        label(k, s, DIAGNOSE_clipping, 100 * h.clipped_ratio, (double)threshold[DIAGNOSE_clipping],
              "clipped_percent");
        label(k, s, DIAGNOSE_frozen_audio, h.frozen_ms,
              1000.0 * (double)threshold[DIAGNOSE_frozen_audio], "frozen_ms");
    }
}
