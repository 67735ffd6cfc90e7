/* A key is heard 20 to 40 ms after it began; its packets, and those of 60 ms before, are still in
 * the hold of the spool (500 ms at least) and are overwritten there. */
#include "app/worker_mask.h"

#include <stdlib.h>

#include "app/key_mute.h"
#include "app/worker_internal.h"
#include "app/worker_keys.h"
#include "app/worker_pause.h"
#include "capture/rtp/red.h"
#include "capture/rtp/telephone_event.h"

#define BACK_NS (INT64_C(450) * 1000000)

enum rule_mask mask_of(const struct wcall *wc, const struct worker_config *config)
{
    if (wc->decision->mask == RULE_MASK_DROP)
        return RULE_MASK_DROP;
    if (wc->decision->mask == RULE_MASK_SETTING)
        return config->identity.mask_dtmf ? RULE_MASK_COUNT : RULE_MASK_KEEP;
    return (enum rule_mask)wc->decision->mask;
}

bool worker_masks(const struct worker *w, const struct wcall *wc)
{
    return mask_of(wc, &w->config) != RULE_MASK_KEEP;
}

/* ---- events ---- */

static bool hides_event(const struct worker *w, const struct wflow *f, struct slice payload)
{
    struct telephone_event e;
    if (f->withhold & WITHHOLD_MASKED)
        return true;
    if (f->secure || !telephone_event_next(&payload, &e))
        return false;
    char key = telephone_key(e.event);
    return key && strchr(w->config.pause.keys, key) != NULL;
}

static const struct rtp_codec *codec_by_type(const struct wflow *f, uint8_t payload_type)
{
    for (unsigned i = 0; i < f->codec_count; i++)
        if (f->codecs[i].payload_type == payload_type)
            return &f->codecs[i];
    return NULL;
}

bool worker_mask_is_event(const struct rtp_codec *codec, uint8_t payload_type, size_t size)
{
    if (codec && (codec->kind != CODEC_UNKNOWN || codec->clock_hz))
        return codec->kind == CODEC_EVENT;
    return telephone_event_unnamed(payload_type, size);
}

bool worker_mask_event(const struct worker *w, const struct wflow *f, const struct rtp_codec *outer,
                       const struct rtp_packet *p)
{
    if (!(f->withhold & (WITHHOLD_MASKED | WITHHOLD_KEYS)))
        return false;
    if (worker_mask_is_event(outer, p->payload_type, p->payload.size))
        return hides_event(w, f, p->payload);
    if (outer->kind != CODEC_REDUNDANCY || f->secure)
        return false;
    struct red_block blocks[RED_BLOCKS_MAX];
    unsigned count = red_blocks(p->payload, blocks);
    for (unsigned i = 0; i < count; i++) {
        const struct red_block *b = &blocks[i];
        if (worker_mask_is_event(codec_by_type(f, b->payload_type), b->payload_type,
                                 b->payload.size) &&
            hides_event(w, f, b->payload))
            return true;
    }
    return false;
}

/* ---- tones ---- */

struct held {
    const struct key_mute *mute;
    struct key_codecs codecs;
};

static int mute_packet(void *context, int64_t time_ns, enum spool_what what, uint8_t *payload,
                       uint16_t size)
{
    const struct held *h = context;
    (void)time_ns;
    if (what == SPOOL_RTP)
        key_mute_packet(h->mute, h->codecs, payload, size);
    return size;
}

static struct key_mute *mute_of(struct wflow *f)
{
    if (f->mask == NULL)
        f->mask = calloc(1, sizeof *f->mask);
    return f->mask;
}

static const struct tone_bank *bank_of(struct worker *w)
{
    if (w->key_bank == NULL &&
        (w->key_bank = aligned_alloc(64, (sizeof *w->key_bank + 63) / 64 * 64)) != NULL)
        tone_bank_init(w->key_bank);
    return w->key_bank;
}

void worker_mask_sound(struct worker *w, struct wflow *f, const struct rtp_packet *p,
                       const struct event *event)
{
    struct key_codecs codecs = {f->codecs, f->codec_count};
    bool reads = !f->secure && key_mute_reads(codecs, p);
    struct key_mute *k = reads ? mute_of(f) : NULL;
    const struct tone_bank *bank = k ? bank_of(w) : NULL;
    worker_keep_packet(w, f, event, worker_kept_part(f, p, event->body), true);
    if (bank == NULL)
        return;
    enum key_heard heard = key_mute_hear(k, bank, codecs, p);
    if (heard == KEY_HEARD_BEGUN) {
        counters_add(w->counters, C_DTMF_MUTED, 1);
        worker_key_silenced(w, f, event->time_ns);
    }
    struct held held = {k, codecs};
    if (f->spool && heard != KEY_HEARD_NONE)
        spool_flow_held(w->spool, f->spool,
                        heard == KEY_HEARD_AFTER ? event->time_ns : event->time_ns - BACK_NS,
                        mute_packet, &held);
}
