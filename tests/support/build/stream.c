/* One direction of media. Time is cut into slots of a packet's length; in each slot the sender
 * speaks, presses a key, sends comfort noise or is silent, and the network loses, delays, swaps or
 * copies what was sent. A sequence number is spent on whatever was sent, lost or not, so the truth
 * is what was counted here.
 *
 *     make_packet()  one packet of the sender that the network did not lose
 *     follow()       what comes after the present one: a copy, one that was overtaken, a new one
 */
#include "tests/support/build/internal.h"

#define PT_NOISE  13
#define PT_EVENT  101
#define KEYS      3
#define KEY_SLOTS 12 /* of which KEY_SENT have packets, the rest speech */
#define KEY_SENT  7
#define KEY_LONG  5

static bool at_edge(const struct stream *s, uint32_t slot)
{
    uint32_t from = s->joint && slot >= s->joint ? s->joint : 0;
    uint32_t to = s->joint && slot < s->joint ? s->joint : s->slots;
    return slot < from + PROTECTED_SLOTS || slot + PROTECTED_SLOTS >= to;
}

static bool network_loses(struct stream *s, const struct odds *o)
{
    if (o->loss_enter == 0)
        return false;
    uint32_t draw = (uint32_t)rng_next(&s->rng);
    s->bad_state = s->bad_state ? draw >= o->loss_leave : draw < o->loss_enter;
    return s->bad_state;
}

static void draw_numbers(struct stream *s)
{
    s->ssrc = (uint32_t)rng_next(&s->rng) | 1;
    s->seq = (uint16_t)rng_next(&s->rng);
    s->ts_base = (uint32_t)rng_next(&s->rng);
    s->audio_at = rng_below(&s->rng, s->audio->packets);
    s->speech_ms = s->audio_at * s->audio->ptime_ms;
    if (s->config->wrap) {
        s->seq = (uint16_t)(0 - rng_between(&s->rng, 20, 150));
        s->ts_base = (uint32_t)(0 - rng_between(&s->rng, 20, 150) * s->audio->ts_step);
    }
}

/* Sequence numbers and time stamps jump far; with a new SSRC a new stream begins. */
static void cross_joint(const struct call *call, struct stream *s)
{
    if (s->config->ssrc_change) {
        truth_of_stream(s->config, call, s);
        s->sent = s->lost = s->duplicates = s->octets = 0;
        s->sent_cycles = 0;
        s->sr_us = 0;
        draw_numbers(s);
        return;
    }
    s->seq = (uint16_t)(s->seq + rng_between(&s->rng, 10000, 50000));
    s->ts_base = (uint32_t)rng_next(&s->rng);
}

/* ---- what the sender does in a slot ---- */

enum act { ACT_SPEAK, ACT_KEY, ACT_NOISE, ACT_SILENT };

static bool pausing(struct stream *s, uint32_t slot, enum act *ret)
{
    uint32_t second = 1000 / s->audio->ptime_ms;
    if (!s->config->dtx || at_edge(s, slot))
        return false;
    if (slot >= s->pause_end) {
        s->spurt_end = slot + (uint32_t)rng_between(&s->rng, second / 2, second * 2);
        s->pause_end = s->spurt_end + (uint32_t)rng_between(&s->rng, second / 3, second * 3 / 2);
    }
    if (slot < s->spurt_end)
        return false;
    *ret = slot == s->spurt_end && s->audio->noise ? ACT_NOISE : ACT_SILENT;
    return true;
}

static enum act act_of(struct stream *s, uint32_t slot)
{
    enum act act = ACT_SPEAK;
    if (s->dtmf_from && slot >= s->dtmf_from && slot < s->dtmf_from + KEYS * KEY_SLOTS)
        return (slot - s->dtmf_from) % KEY_SLOTS < KEY_SENT ? ACT_KEY : ACT_SPEAK;
    if (slot >= s->hold_from && slot < s->hold_to)
        return ACT_SILENT;
    return pausing(s, slot, &act) ? act : ACT_SPEAK;
}

/* RFC 4733: the time stamp stays at the beginning of the key, the duration grows. */
static void fill_key(struct stream *s, struct packet *p, uint32_t slot)
{
    uint32_t n = (slot - s->dtmf_from) % KEY_SLOTS;
    uint32_t parts = n + 1 < KEY_LONG ? n + 1 : KEY_LONG;
    p->pt = PT_EVENT;
    p->ts = s->ts_base + (slot - n) * s->audio->ts_step;
    p->marker = n == 0;
    p->small[0] = (uint8_t)(1 + (slot - s->dtmf_from) / KEY_SLOTS);
    p->small[1] = (uint8_t)((n + 1 >= KEY_LONG ? 0x80 : 0) | 10);
    put16(p->small + 2, parts * s->audio->ts_step);
    p->size = 4;
    s->spurt_starts = true;
}

static void fill_noise(struct stream *s, struct packet *p)
{
    p->pt = PT_NOISE;
    p->small[0] = 60; /* dB below overload */
    p->size = 1;
    s->spurt_starts = true;
}

static void fill_speech(struct stream *s, struct packet *p, uint32_t slot)
{
    const struct audio *a = s->audio;
    p->pt = a->payload_type;
    p->payload = a->bytes + (size_t)((s->audio_at + slot) % a->packets) * a->payload_bytes;
    p->size = (uint16_t)a->payload_bytes;
    p->marker =
        s->config->marker == MARKER_ALL || (s->spurt_starts && s->config->marker == MARKER_SPURTS);
    s->spurt_starts = false;
}

static void fill(struct stream *s, struct packet *p, uint32_t slot, enum act act)
{
    *p = (struct packet){.ts = s->ts_base + slot * s->audio->ts_step,
                         .time_us = s->first_us + (int64_t)slot * s->audio->ptime_ms * 1000,
                         .guarded = at_edge(s, slot)};
    if (act == ACT_KEY)
        fill_key(s, p, slot);
    else if (act == ACT_NOISE)
        fill_noise(s, p);
    else
        fill_speech(s, p, slot);
}

static bool make_packet(struct traffic *t, const struct call *call, struct stream *s,
                        struct packet *p)
{
    while (s->slot < s->slots) {
        uint32_t slot = s->slot++;
        if (s->joint && slot == s->joint)
            cross_joint(call, s);
        enum act act = act_of(s, slot);
        if (act == ACT_SILENT) {
            s->spurt_starts = true;
            continue;
        }
        fill(s, p, slot, act);
        p->seq = s->seq++;
        if (!network_loses(s, &t->odds) || p->guarded) {
            if (t->odds.jitter_us)
                p->time_us += rng_below(&s->rng, t->odds.jitter_us);
            return true;
        }
        s->lost++;
    }
    return false;
}

/* ---- what the network does with it ---- */

static bool happens(struct stream *s, uint32_t odds)
{
    return odds && (uint32_t)rng_next(&s->rng) < odds;
}

/* Packets of a stream never share a microsecond and keep their order but for those swapped. */
static void not_before(struct stream *s, struct packet *p)
{
    if (p->time_us <= s->last_us)
        p->time_us = s->last_us + 5;
}

static void follow(struct traffic *t, const struct call *call, struct stream *s)
{
    struct packet p;
    if (s->copy_due) { /* s->next again, a moment later */
        s->copy_due = false;
        s->has_copy = true;
        s->next.time_us = s->last_us + rng_between(&s->rng, 20, 400);
        return;
    }
    s->has_copy = false;
    if (s->has_held) {
        s->next = s->held;
        s->has_held = false;
        s->next.time_us = s->last_us + rng_between(&s->rng, 20, 400);
        return;
    }
    if (!make_packet(t, call, s, &p)) {
        s->over = true;
        return;
    }
    s->next = p;
    if (!p.guarded && happens(s, t->odds.reorder) && make_packet(t, call, s, &s->next)) {
        s->held = p;
        s->has_held = true;
    }
    s->copy_due = !s->next.guarded && happens(s, t->odds.duplicate);
    not_before(s, &s->next);
}

void stream_start(struct traffic *t, struct call *call, struct stream *s)
{
    s->spurt_starts = true;
    draw_numbers(s);
    s->last_us = s->first_us - 5;
    follow(t, call, s);
}

static void count(struct stream *s, const struct packet *p)
{
    s->last_us = p->time_us;
    if (s->has_copy) {
        s->duplicates++;
        return;
    }
    if (s->sent && p->seq < 0x4000 && s->sent_seq > 0xc000)
        s->sent_cycles += 0x10000;
    if (s->sent == 0 || (int16_t)(p->seq - s->sent_seq) > 0)
        s->sent_seq = p->seq;
    s->sent++;
    s->octets += p->size;
}

size_t stream_emit(struct traffic *t, struct call *call, struct stream *s, uint8_t *out)
{
    const struct packet *p = &s->next;
    uint8_t *rtp = out + s->head.size;
    rtp[0] = 0x80;
    rtp[1] = (uint8_t)(p->marker << 7 | p->pt);
    put16(rtp + 2, p->seq);
    put32(rtp + 4, p->ts);
    put32(rtp + 8, s->ssrc);
    memcpy(rtp + 12, p->payload ? p->payload : p->small, p->size);
    size_t size = wire_seal(&s->head, s->from->ip_id++, out, (size_t)p->size + 12);
    if (s->has_copy && s->head.v6)
        out[s->head.ip_at + 7]--; /* a copy came another way: IPv6 has no packet number to tell */
    count(s, p);
    follow(t, call, s);
    return size;
}
