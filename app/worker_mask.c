/* A key is heard 20 to 40 ms after it began; its packets, and those of 60 ms before, are still in
 * the hold of the spool (500 ms at least) and are overwritten there. */
#include "app/worker_mask.h"

#include <stdlib.h>

#include "app/worker_internal.h"
#include "app/worker_keys.h"
#include "app/worker_pause.h"
#include "capture/rtp/red.h"
#include "decode/key_watch.h"

#define AROUND_MS 60
#define BACK_NS   (INT64_C(450) * 1000000)

/* Of a flow whose sound is watched. */
struct wmask {
    uint32_t ssrc;
    uint32_t next_ts;  /* of the packet that goes on where the last one ended */
    uint32_t until_ts; /* sound before this is silenced */
    bool begun, muting, sounding;
    enum key_sound sound;
    struct key_watch watch;
};

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

bool worker_mask_event(const struct worker *w, const struct wflow *f, const struct rtp_codec *outer,
                       const struct rtp_packet *p)
{
    if (!(f->withhold & (WITHHOLD_MASKED | WITHHOLD_KEYS)))
        return false;
    if (outer->kind == CODEC_EVENT)
        return hides_event(w, f, p->payload);
    if (outer->kind != CODEC_REDUNDANCY || f->secure)
        return false;
    struct red_block blocks[RED_BLOCKS_MAX];
    unsigned count = red_blocks(p->payload, blocks);
    for (unsigned i = 0; i < count; i++) {
        const struct rtp_codec *codec = codec_by_type(f, blocks[i].payload_type);
        if (codec && codec->kind == CODEC_EVENT && hides_event(w, f, blocks[i].payload))
            return true;
    }
    return false;
}

/* ---- tones ---- */

struct muting {
    enum key_sound sound;
    uint32_t ssrc, from_ts, until_ts;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int mute_packet(void *context, int64_t time_ns, enum spool_what what, uint8_t *payload, uint16_t size)
{
    const struct muting *m = context;
    struct rtp_packet p;
    (void)time_ns;
    if (what != SPOOL_RTP || size < 12 || be32(payload + 8) != m->ssrc ||
        !rtp_parse(slice_of(payload, size), size, &p) || p.payload.size == 0)
        return size;
    uint32_t from = p.timestamp, to = from + key_sound_samples(m->sound, p.payload.size);
    if ((int32_t)(m->until_ts - from) > 0 && (int32_t)(to - m->from_ts) > 0)
        key_sound_mute(m->sound, payload + (p.payload.data - payload), p.payload.size);
    return size;
}

static struct wmask *mask_state(struct wflow *f)
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

static void follow(struct wmask *k, enum key_sound sound, const struct rtp_packet *p)
{
    if (!k->begun || k->ssrc != p->ssrc || k->sound != sound) {
        *k = (struct wmask){.ssrc = p->ssrc, .sound = sound, .begun = true};
    } else if (k->next_ts != p->timestamp) {
        key_watch_reset(&k->watch);
        k->muting = k->muting && (int32_t)(k->until_ts - p->timestamp) > 0;
    }
    k->next_ts = p->timestamp + key_sound_samples(sound, p->payload.size);
}

void worker_mask_sound(struct worker *w, struct wflow *f, const struct rtp_codec *codec,
                       const struct rtp_packet *p, const struct event *event)
{
    enum key_sound sound =
        f->secure ? KEY_SOUND_NONE : key_sound_of(codec->name, codec->clock_hz, codec->channels);
    struct wmask *k = sound && codec->payload_type == p->payload_type ? mask_state(f) : NULL;
    const struct tone_bank *bank = k ? bank_of(w) : NULL;
    int from = 0, to = 0;
    worker_keep_packet(w, f, event, worker_kept_part(f, p, event->body), true);
    if (bank == NULL)
        return;
    const uint32_t around = AROUND_MS * TONE_RATE / 1000;
    bool was = k->muting;
    follow(k, sound, p);
    bool heard = key_watch_payload(&k->watch, bank, sound, p->payload, &from, &to);
    if (heard && !k->sounding) {
        counters_add(w->counters, C_DTMF_MUTED, 1);
        worker_key_silenced(w, f, event->time_ns);
    }
    k->sounding = heard;
    struct muting m = {
        .sound = sound, .ssrc = p->ssrc, .from_ts = p->timestamp, .until_ts = k->until_ts};
    if (heard) {
        /* a block at the edge of the tone may not have been taken for a part of it */
        m.from_ts = p->timestamp + (uint32_t)from - TONE_BLOCK - around;
        m.until_ts = k->until_ts = p->timestamp + (uint32_t)to + TONE_BLOCK + around;
        k->muting = true;
    } else if (!was || (int32_t)(k->until_ts - p->timestamp) <= 0) {
        k->muting = false;
        return;
    }
    if (f->spool)
        spool_flow_held(w->spool, f->spool, heard ? event->time_ns - BACK_NS : event->time_ns,
                        mute_packet, &m);
}
