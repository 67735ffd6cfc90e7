/* Sources are found by flow and SSRC; the one that has been quiet for longest makes room for a
 * ninth. */
#include "decode/channel.h"

#define QUIET_NS    INT64_C(300000000)
#define SWITCH_NS   INT64_C(100000000)  /* within a flow */
#define RIVAL_NS    INT64_C(1000000000) /* of one who talked at the same time */
#define RIVAL_AFTER 25                  /* packets */
#define NEIGHBOURS  16                  /* a second packet is this near in sequence to the first */

void channel_init(struct channel *c, unsigned index, struct sound *sound)
{
    *c = (struct channel){.index = index, .sound = sound};
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

static void wait(struct source *s, const struct media *m)
{
    uint16_t apart = (uint16_t)(m->sequence - s->sequence);
    if (s->waiting && (apart == 0 || apart > NEIGHBOURS))
        s->waiting = 0;
    s->waiting++;
    s->sequence = m->sequence;
    s->rival |= s->waiting >= RIVAL_AFTER;
    source_wait(s, m);
}

/* Another SSRC between the same addresses. */
static bool takes_over(const struct source *now, const struct source *s, const struct media *m)
{
    int64_t quiet_ns = m->arrival_ns - now->last_arrival_ns;
    if (now->rival && !s->rival)
        return true;
    return quiet_ns >= (s->rival ? RIVAL_NS : SWITCH_NS) && s->waiting;
}

/* Decides whether a source other than the current one speaks from this packet on. */
static bool takes_turn(struct channel *c, struct source *s, const struct media *m)
{
    const struct source *now = c->current;
    if (now == NULL)
        return true;
    uint16_t apart = (uint16_t)(m->sequence - s->sequence);
    bool near = s->waiting && apart >= 1 && apart <= NEIGHBOURS;
    bool turn = now->flow == s->flow ? near && takes_over(now, s, m)
                                     : m->arrival_ns - now->last_arrival_ns > QUIET_NS ||
                                           (near && s->born > now->born);
    if (!turn && (now->flow == s->flow || s->born > now->born))
        wait(s, m);
    return turn;
}

/* What waited begins where the other one stopped. */
static void give_turn(struct channel *c, struct source *s)
{
    struct source *before = c->current;
    if (before) {
        source_rest(before);
        if (before->flow == s->flow)
            source_forget(s, before->last_arrival_ns);
    }
    s->waiting = 0;
    c->current = s;
}

static struct media media_of(struct source *s, const struct rtp_packet *packet, int64_t arrival_ns,
                             const struct render_codec *codec, bool red, bool withheld)
{
    return (struct media){.arrival_ns = arrival_ns,
                          .marker = packet->marker,
                          .timestamp = packet->timestamp,
                          .sequence = packet->sequence,
                          .format = source_format(s, codec),
                          .payload = packet->payload,
                          .withheld = withheld,
                          .red = red};
}

void channel_packet(struct channel *c, unsigned flow, const struct rtp_packet *packet,
                    int64_t arrival_ns, const struct render_codec *codec, bool red, bool withheld)
{
    struct source *s = c->current;
    if (s == NULL || s->ssrc != packet->ssrc || s->flow != flow)
        s = find(c, flow, packet->ssrc);
    if (s == NULL)
        s = start(c, flow, packet->ssrc);
    if (s == NULL)
        return;
    struct media m = media_of(s, packet, arrival_ns, codec, red, withheld);
    if (s != c->current) {
        bool turn = takes_turn(c, s, &m);
        s->last_arrival_ns = arrival_ns;
        if (!turn)
            return;
        give_turn(c, s);
    }
    s->last_arrival_ns = arrival_ns;
    source_push(s, &m);
}

/* Nothing follows: who began to talk after the current one fell silent has the last word. */
static void last_word(struct channel *c)
{
    for (int i = 0; i < CHANNEL_SOURCES; i++) {
        struct source *s = c->sources[i];
        if (s && s != c->current && s->waiting > 1 && !s->rival &&
            s->last_arrival_ns > c->current->last_arrival_ns)
            give_turn(c, s);
    }
}

void channel_fini(struct channel *c)
{
    if (c->current) {
        last_word(c);
        source_rest(c->current);
    }
    for (int i = 0; i < CHANNEL_SOURCES; i++)
        source_free(c->sources[i]);
    *c = (struct channel){0};
}
