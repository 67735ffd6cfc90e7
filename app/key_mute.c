/* A packet is one piece of sound, or with RED (RFC 2198) several of different times. What is
 * silenced is told by its time, so a copy goes with what it is a copy of. */
#include "app/key_mute.h"

#include <string.h>

#include "capture/rtp/red.h"

#define AROUND (60 * TONE_RATE / 1000)

struct piece {
    enum key_sound sound;
    bool newest; /* no copy of what was sent before */
    uint32_t timestamp;
    struct slice payload;
};

/* A type that no SDP named may be one of the static table, as for whoever plays it. */
static const struct rtp_codec *codec_of(struct key_codecs codecs, uint8_t payload_type,
                                        struct rtp_codec *room)
{
    for (unsigned i = 0; i < codecs.count; i++)
        if (codecs.items[i].payload_type == payload_type)
            return &codecs.items[i];
    return rtp_codec_static(payload_type, room) ? room : NULL;
}

static bool piece_of(struct key_codecs codecs, uint8_t payload_type, struct slice payload,
                     uint32_t timestamp, struct piece *ret_piece)
{
    struct rtp_codec room;
    const struct rtp_codec *codec = codec_of(codecs, payload_type, &room);
    enum key_sound sound =
        codec ? key_sound_of(codec->name, codec->clock_hz, codec->channels) : KEY_SOUND_NONE;
    *ret_piece = (struct piece){sound, true, timestamp, payload};
    return sound != KEY_SOUND_NONE && payload.size > 0;
}

static unsigned pieces_of(struct key_codecs codecs, const struct rtp_packet *p,
                          struct piece ret_pieces[RED_BLOCKS_MAX])
{
    struct red_block blocks[RED_BLOCKS_MAX];
    struct rtp_codec room;
    const struct rtp_codec *outer = codec_of(codecs, p->payload_type, &room);
    if (outer == NULL || outer->kind != CODEC_REDUNDANCY)
        return piece_of(codecs, p->payload_type, p->payload, p->timestamp, ret_pieces);
    unsigned block_count = red_blocks(p->payload, blocks), count = 0;
    for (unsigned i = 0; i < block_count; i++) {
        const struct red_block *b = &blocks[i];
        if (!piece_of(codecs, b->payload_type, b->payload, p->timestamp - b->behind,
                      &ret_pieces[count]))
            continue;
        ret_pieces[count++].newest = i + 1 == block_count;
    }
    return count;
}

bool key_mute_reads(struct key_codecs codecs, const struct rtp_packet *p)
{
    struct piece pieces[RED_BLOCKS_MAX];
    return pieces_of(codecs, p, pieces) > 0;
}

/* ---- what is silenced ---- */

static uint32_t end_of(const struct piece *a)
{
    return a->timestamp + key_sound_samples(a->sound, a->payload.size);
}

static bool meets(const struct key_spans *v, const struct piece *a)
{
    for (unsigned i = 0; i < v->count; i++)
        if ((int32_t)(v->items[i].until - a->timestamp) > 0 &&
            (int32_t)(end_of(a) - v->items[i].from) > 0)
            return true;
    return false;
}

static bool is_silenced(const struct key_mute *k, const struct piece *a)
{
    return meets(&k->keys, a) || (!a->newest && meets(&k->missing, a));
}

static void add_span(struct key_spans *v, uint32_t from, uint32_t until)
{
    struct key_span *last = v->count ? &v->items[v->count - 1] : NULL;
    if (last && (int32_t)(last->until - from) >= 0 && (int32_t)(until - last->from) >= 0) {
        last->from = (int32_t)(last->from - from) > 0 ? from : last->from;
        last->until = (int32_t)(until - last->until) > 0 ? until : last->until;
        return;
    }
    if (v->count == KEY_MUTE_SPANS)
        memmove(v->items, v->items + 1, --v->count * sizeof *v->items);
    v->items[v->count++] = (struct key_span){from, until};
}

/* ---- what is heard ---- */

/* Of the next packet nothing is missing, whatever clock its sender counts by. */
static void follow(struct key_mute *k, const struct piece *a, bool next_packet)
{
    bool next = next_packet && a->newest;
    if (!k->begun || k->sound != a->sound || (!next && k->next_ts != a->timestamp))
        key_watch_reset(&k->watch);
    if (k->begun && !next && (int32_t)(a->timestamp - k->next_ts) > 0)
        add_span(&k->missing, k->next_ts, a->timestamp);
    k->begun = true;
    k->sound = a->sound;
    k->next_ts = end_of(a);
}

static bool hear_piece(struct key_mute *k, const struct tone_bank *bank, const struct piece *a,
                       bool next_packet)
{
    int from = 0, to = 0;
    follow(k, a, next_packet);
    if (!key_watch_payload(&k->watch, bank, a->sound, a->payload, &from, &to))
        return false;
    /* a block at the edge of the tone may not have been taken for a part of it */
    add_span(&k->keys, a->timestamp + (uint32_t)from - TONE_BLOCK - AROUND,
             a->timestamp + (uint32_t)to + TONE_BLOCK + AROUND);
    return true;
}

/* Nobody has heard it: it is new, or what it is a copy of was lost. */
static bool is_news(const struct key_mute *k, const struct piece *a)
{
    return a->newest || !k->begun || (int32_t)(a->timestamp - k->next_ts) >= 0;
}

enum key_heard key_mute_hear(struct key_mute *k, const struct tone_bank *bank,
                             struct key_codecs codecs, const struct rtp_packet *p)
{
    struct piece pieces[RED_BLOCKS_MAX];
    unsigned count = pieces_of(codecs, p, pieces);
    bool heard = false, silenced = false;
    if (k->begun && k->ssrc != p->ssrc)
        *k = (struct key_mute){0};
    bool next = k->begun && p->sequence == (uint16_t)(k->sequence + 1);
    k->ssrc = p->ssrc;
    k->sequence = p->sequence;
    for (unsigned i = 0; i < count; i++)
        if (is_news(k, &pieces[i]))
            heard |= hear_piece(k, bank, &pieces[i], next);
    for (unsigned i = 0; i < count; i++)
        silenced |= is_silenced(k, &pieces[i]);
    bool begun = heard && !k->sounding;
    k->sounding = heard;
    return begun      ? KEY_HEARD_BEGUN
           : heard    ? KEY_HEARD_ON
           : silenced ? KEY_HEARD_AFTER
                      : KEY_HEARD_NONE;
}

void key_mute_packet(const struct key_mute *k, struct key_codecs codecs, uint8_t *packet,
                     size_t size)
{
    struct piece pieces[RED_BLOCKS_MAX];
    struct rtp_packet p;
    if (!rtp_parse(slice_of(packet, size), size, &p) || p.ssrc != k->ssrc)
        return;
    unsigned count = pieces_of(codecs, &p, pieces);
    for (unsigned i = 0; i < count; i++)
        if (is_silenced(k, &pieces[i]))
            key_sound_mute(pieces[i].sound, packet + (pieces[i].payload.data - packet),
                           pieces[i].payload.size);
}
