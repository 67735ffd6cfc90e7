#include "app/decoder/sound_packing.h"

#include <stdlib.h>

#include "capture/rtp/rtp.h"
#include "decode/g726_packing.h"

struct looking {
    struct sound_packing *found;
    struct g726_packing *looks[PACKING_STREAMS];
};

static const struct render_codec *codec_of(const struct render_packet *packet, uint8_t payload_type)
{
    for (unsigned i = 0; i < packet->codec_count; i++)
        if (packet->codecs[i].payload_type == payload_type)
            return &packet->codecs[i];
    return NULL;
}

/* Its number among the streams that are looked at; PACKING_STREAMS: it is none. */
static unsigned stream_of(struct looking *l, const struct rtp_packet *p,
                          const struct render_codec *codec)
{
    struct sound_packing *found = l->found;
    for (unsigned i = 0; i < found->count; i++)
        if (found->streams[i].ssrc == p->ssrc &&
            found->streams[i].payload_type == p->payload_type &&
            strcmp(found->streams[i].name, codec->name) == 0)
            return i;
    if (found->count == PACKING_STREAMS)
        return PACKING_STREAMS;
    unsigned at = found->count++;
    found->streams[at] = (struct sound_packed){.ssrc = p->ssrc, .payload_type = p->payload_type};
    memcpy(found->streams[at].name, codec->name, sizeof codec->name);
    l->looks[at] = g726_packing_new(codec->name);
    return at;
}

static void look_at(struct looking *l, const struct render_packet *packet)
{
    struct rtp_packet p;
    if (packet->withheld || !rtp_parse(packet->datagram, packet->datagram.size, &p))
        return;
    const struct render_codec *codec = codec_of(packet, p.payload_type);
    const char *other = codec ? g726_other_name(codec->name) : NULL;
    unsigned at = other ? stream_of(l, &p, codec) : PACKING_STREAMS;
    if (at == PACKING_STREAMS || l->looks[at] == NULL)
        return;
    enum g726_verdict verdict = g726_packing_look(l->looks[at], p.payload);
    if (verdict == G726_OPEN)
        return;
    if (verdict == G726_OTHERWISE)
        l->found->streams[at].other = other;
    g726_packing_free(l->looks[at]);
    l->looks[at] = NULL;
}

static bool any(const struct sound_packing *p)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->streams[i].other)
            return true;
    return false;
}

struct sound_packing *sound_packing_look(const struct render_flow *flow)
{
    struct looking l = {.found = calloc(1, sizeof *l.found)};
    struct render_packet packet;
    int got;
    while (l.found && (got = flow->next(flow->context, &packet)) != 0)
        if (got > 0)
            look_at(&l, &packet);
    for (unsigned i = 0; i < PACKING_STREAMS; i++)
        g726_packing_free(l.looks[i]);
    if (l.found && !any(l.found)) {
        free(l.found);
        return NULL;
    }
    return l.found;
}

bool sound_packing_has(const struct sound_packing *p, uint32_t ssrc)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->streams[i].other && p->streams[i].ssrc == ssrc)
            return true;
    return false;
}

void sound_packing_name(const struct sound_packing *p, uint32_t ssrc, struct render_codec *codecs,
                        unsigned count)
{
    for (unsigned k = 0; k < count; k++)
        for (unsigned i = 0; i < p->count; i++) {
            const struct sound_packed *s = &p->streams[i];
            if (s->other && s->ssrc == ssrc && s->payload_type == codecs[k].payload_type &&
                strcmp(s->name, codecs[k].name) == 0) {
                slice_copy_to(slice_str(s->other), codecs[k].name, sizeof codecs[k].name);
                break;
            }
        }
}
