/* A table without chains: a place a hash. Who takes another one's place only makes it forget. */
#include "capture/call/tap.h"

#include <stdlib.h>

enum { SENDS, RECEIVES };

struct tap_host *tap_new(void)
{
    return calloc(TAP_HOSTS, sizeof(struct tap_host));
}

static uint64_t key_of(const struct calls *c, const struct endpoint *at)
{
    uint64_t words[3] = {at->addr.high, at->addr.low, at->space};
    return hash_words(&c->config.seed, words, 3) | 1;
}

static void note(struct calls *c, uint64_t call, const struct endpoint *at, int role)
{
    uint64_t key = key_of(c, at);
    struct tap_host *h = &c->tap[key >> 32 & (TAP_HOSTS - 1)];
    if (h->key != key)
        *h = (struct tap_host){.key = key};
    h->alone[!role] = 0;
    if (h->alone[role] && h->call[role] == call)
        return;
    h->call[role] = call;
    h->alone[role] += h->alone[role] < UINT16_MAX;
}

void tap_media(struct calls *c, const struct live *l, const struct flow *f)
{
    note(c, l->key, &f->src, SENDS);
    note(c, l->key, &f->dst, RECEIVES);
}

static uint16_t alone(const struct calls *c, const struct endpoint *at, int role)
{
    uint64_t key = key_of(c, at);
    const struct tap_host *h = &c->tap[key >> 32 & (TAP_HOSTS - 1)];
    return h->key == key ? h->alone[role] : 0;
}

static uint16_t more(uint16_t a, uint16_t b)
{
    return a > b ? a : b;
}

uint16_t tap_one_sided_calls(const struct calls *c, const struct live *l)
{
    uint16_t most = 0;
    if (l->call->media_seen[CALL_CALLER] == l->call->media_seen[CALL_CALLEE])
        return 0;
    for (uint32_t i = l->flows; i != NO_INDEX; i = c->flows[i].next) {
        const struct flow *f = &c->flows[i];
        if (f->rtp_seen)
            most = more(most, more(alone(c, &f->src, SENDS), alone(c, &f->dst, RECEIVES)));
    }
    return most;
}
