/* A connection is found again by its ends and its first moment, the key under which it stands in
 * the map of calls. It has no timer: TCP says when it is over. */
#include "capture/call/encrypted.h"

#include "capture/call/attempt.h"
#include "capture/call/emit.h"
#include "capture/call/table.h"
#include "capture/net/datagram.h"

static uint64_t key_of(const struct calls *c, const struct encrypted_flow *flow)
{
    uint64_t words[3] = {endpoint_hash(&c->config.seed, &flow->client),
                         endpoint_hash(&c->config.seed, &flow->server), (uint64_t)flow->first_ns};
    return hash_words(&c->config.seed, words, 3);
}

static struct live *find(struct calls *c, const struct encrypted_flow *flow, uint64_t key)
{
    struct map_probe p = map_probe(&c->by_key, key);
    for (uint32_t i; (i = map_next(&c->by_key, &p)) != MAP_NONE;) {
        struct live *l = &c->live[i];
        if (l->key == key && l->call->kind == CALL_ENCRYPTED &&
            endpoint_equal(&l->call->src, &flow->client) &&
            endpoint_equal(&l->call->dst, &flow->server))
            return l;
    }
    return NULL;
}

static void describe(struct call *call, const struct encrypted_flow *flow)
{
    struct call_tls *t = call->tls;
    const struct tls_info *info = &flow->tls;
    if (t == NULL)
        t = call->tls = arena_alloc(call->arena, sizeof *t);
    if (t == NULL)
        return;
    t->version = info->version;
    t->suite = info->suite;
    t->wrong_key = info->state == TLS_WRONG_KEY;
    t->bytes[0] = info->bytes[0];
    t->bytes[1] = info->bytes[1];
    if (t->server_name.size == 0)
        t->server_name = arena_copy(call->arena, slice_str(info->server_name));
    if (t->certificate_name.size == 0)
        t->certificate_name = arena_copy(call->arena, slice_str(info->certificate_name));
}

void encrypted_flow(struct calls *c, const struct encrypted_flow *flow)
{
    uint64_t key = key_of(c, flow);
    struct live *l = find(c, flow, key);
    bool blind = flow->visibility == VISIBLE_BLIND;
    if (l == NULL && !blind)
        return;
    if (l == NULL)
        l = table_new_encrypted(c, &flow->client, &flow->server, key, flow->first_ns);
    if (l == NULL)
        return;
    describe(l->call, flow);
    l->call->ended_ns = flow->last_ns;
    if (!flow->over && blind)
        return;
    attempt_end(c, l, CALL_OUTCOME_NONE, CALL_END_NONE, CALL_PARTY_UNKNOWN, flow->last_ns);
    table_close(c, l);
}
