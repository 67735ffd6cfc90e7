/* Sources are found by flow and SSRC; the one that has been quiet for longest makes room for a
 * ninth. */
#include "decode/channel.h"

#define QUIET_NS   INT64_C(300000000)
#define NEIGHBOURS 16 /* a second packet is this near in sequence to the first */

void channel_init(struct channel *c, unsigned index, struct sound *sound)
{
    *c = (struct channel){.index = index, .sound = sound};
}

void channel_fini(struct channel *c)
{
    if (c->current)
        source_rest(c->current);
    for (int i = 0; i < CHANNEL_SOURCES; i++)
        source_free(c->sources[i]);
    *c = (struct channel){0};
}

static struct source *find(const struct channel *c, unsigned flow, uint32_t ssrc)
{
    for (int i = 0; i < CHANNEL_SOURCES; i++) {
        struct source *s = c->sources[i];
        if (s && s->ssrc == ssrc && s->flow == flow)
            return s;
    }
    return NULL;
}

/* A free place, else that of the one that has been quiet for longest. */
static struct source **place_for_new(struct channel *c)
{
    struct source **quietest = NULL;
    for (int i = 0; i < CHANNEL_SOURCES; i++) {
        struct source **s = &c->sources[i];
        if (*s == NULL)
            return s;
        if (*s != c->current &&
            (quietest == NULL || (*s)->last_arrival_ns < (*quietest)->last_arrival_ns))
            quietest = s;
    }
    source_free(*quietest);
    *quietest = NULL;
    return quietest;
}

static struct source *start(struct channel *c, unsigned flow, uint32_t ssrc)
{
    struct source **at = place_for_new(c);
    *at = source_new(c->sound, c->index, flow, ssrc);
    if (*at)
        (*at)->born = ++c->born;
    return *at;
}

static void wait_for_second(struct source *s, const struct media *m)
{
    s->waiting = true;
    s->first_sequence = m->sequence;
    source_wait(s, m);
}

/* Decides whether a source other than the current one speaks from this packet on. */
static bool takes_turn(struct channel *c, struct source *s, const struct media *m)
{
    const struct source *now = c->current;
    if (now == NULL || m->arrival_ns - now->last_arrival_ns > QUIET_NS)
        return true;
    if (s->born < now->born)
        return false;
    uint16_t apart = (uint16_t)(m->sequence - s->first_sequence);
    if (s->waiting && apart >= 1 && apart <= NEIGHBOURS)
        return true;
    wait_for_second(s, m);
    return false;
}

static struct media media_of(struct source *s, const struct rtp_packet *packet, int64_t arrival_ns,
                             const struct render_codec *codec)
{
    return (struct media){.arrival_ns = arrival_ns,
                          .timestamp = packet->timestamp,
                          .sequence = packet->sequence,
                          .format = source_format(s, codec),
                          .payload = packet->payload};
}

void channel_packet(struct channel *c, unsigned flow, const struct rtp_packet *packet,
                    int64_t arrival_ns, const struct render_codec *codec)
{
    struct source *s = c->current;
    if (s == NULL || s->ssrc != packet->ssrc || s->flow != flow)
        s = find(c, flow, packet->ssrc);
    if (s == NULL)
        s = start(c, flow, packet->ssrc);
    if (s == NULL)
        return;
    struct media m = media_of(s, packet, arrival_ns, codec);
    if (s != c->current) {
        bool turn = takes_turn(c, s, &m);
        s->last_arrival_ns = arrival_ns;
        if (!turn)
            return;
        if (c->current)
            source_rest(c->current);
        s->waiting = false;
        c->current = s;
    }
    s->last_arrival_ns = arrival_ns;
    source_push(s, &m);
}
