/* How the call ended, against its media; holds that nobody waits for. */
#include "app/diagnose/parts.h"

#define SECOND_US INT64_C(1000000)

static void look_after_bye(struct look *k, const struct record_stream *s)
{
    int64_t bye_us = k->r->bye_us;
    if (!label_on(k, DIAGNOSE_rtp_after_bye) || bye_us == 0 || k->r->ended_us == 0 ||
        s->last_us - bye_us < k->config->threshold[DIAGNOSE_rtp_after_bye] * 1000)
        return;
    struct record_label *l =
        label_add_stream(k, DIAGNOSE_rtp_after_bye, s, (struct span){bye_us, s->last_us});
    evidence_number(l, "after_ms", (double)(s->last_us - bye_us) / 1000);
}

static int64_t last_media_us(const struct call_record *r)
{
    int64_t last = 0;
    for (uint32_t i = 0; i < r->stream_count; i++)
        last = r->streams[i].last_us > last ? r->streams[i].last_us : last;
    return last;
}

/* Ends that we were told of, or that we made ourselves, are none. */
static bool just_stopped(const struct call_record *r)
{
    static const char *const reasons[] = {"media_timeout", "max_duration"};
    if (r->bye_us || r->end_reason == NULL)
        return false;
    return strcmp(r->end_reason, reasons[0]) == 0 || strcmp(r->end_reason, reasons[1]) == 0;
}

static void look_no_bye(struct look *k)
{
    int64_t last_us = last_media_us(k->r);
    if (!label_on(k, DIAGNOSE_bye_missing) || !k->answered || !just_stopped(k->r) ||
        k->end_us - k->begin_us < k->config->threshold[DIAGNOSE_bye_missing] * SECOND_US)
        return;
    struct record_label *l = label_add(k, DIAGNOSE_bye_missing, WAYS,
                                       (struct span){last_us ? last_us : k->begin_us, k->end_us});
    evidence_text(k, l, "end_reason", k->r->end_reason);
}

static void look_holds(struct look *k)
{
    for (unsigned i = 0; i < k->hold_count && label_on(k, DIAGNOSE_hold_long); i++) {
        int64_t held_us = k->hold[i].to_us - k->hold[i].from_us;
        if (held_us < k->config->threshold[DIAGNOSE_hold_long] * SECOND_US)
            continue;
        struct record_label *l = label_add(k, DIAGNOSE_hold_long, WAYS, k->hold[i]);
        evidence_text(k, l, "held_by", k->held_by[i]);
        evidence_number(l, "held_ms", (double)held_us / 1000);
    }
}

void look_ends(struct look *k)
{
    for (uint32_t i = 0; i < k->r->stream_count; i++)
        if (is_sound_stream(&k->r->streams[i]))
            look_after_bye(k, &k->r->streams[i]);
    look_no_bye(k);
    look_holds(k);
}
