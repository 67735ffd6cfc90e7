/* Tables of places take turns: one thread asks and takes, as the front does, another puts, a third reads names of what the first was
 * told, as workers do. A name stays what it was, whatever tables came since. Plain, so that it runs under ThreadSanitizer too. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/counters.h"
#include "capture/call/place.h"

#define TURNS 2000

struct stage {
    struct place_names *names;
    struct place_turn turn;
    struct counters_set *counters;
    atomic_uint taken;
    _Atomic(const char *) told; /* the name that a call was given */
    atomic_bool over;
};

static struct place_table *table_of(struct stage *s, unsigned round)
{
    struct place_table *t = place_table_new_of(s->names);
    struct place_network net;
    char name[16];
    unsigned number;
    assert(t);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "t%u", (round + i) % 64);
        assert(place_add(t, PLACE_TRUNK, slice_str(name), &number) == 0 && place_peer_parse(slice_str("192.0.2.1"), &net));
        net.port = (uint16_t)(5060 + i);
        assert(place_add_network(t, PLACE_TRUNK, number, &net) == 0);
        counters_name_trunk(s->counters, number, place_name(t, PLACE_TRUNK, number));
    }
    place_table_seal(t);
    return t;
}

static void *puts_tables(void *context)
{
    struct stage *s = context;
    for (unsigned round = 0; round < TURNS; round++)
        place_turn_put(&s->turn, table_of(s, round));
    atomic_store(&s->over, true);
    return NULL;
}

static void *reads_names(void *context)
{
    struct stage *s = context;
    while (!atomic_load(&s->over)) {
        const char *name = atomic_load(&s->told);
        assert(name == NULL || (name[0] == 't' && strlen(name) < 4));
        for (unsigned i = 1; i < 64; i++)
            assert(counters_trunk(s->counters, i) == NULL || counters_trunk(s->counters, i)[0] == 't');
    }
    return NULL;
}

static void ask(struct stage *s)
{
    struct place_question q = {.caller.at.port = 5060, .callee.at.port = 5061};
    assert(addr_parse(slice_str("10.0.0.1"), &q.caller.at.addr) && addr_parse(slice_str("192.0.2.1"), &q.callee.at.addr));
    struct place_answer a = place_ask(s->turn.now, &q);
    assert(s->turn.now == NULL || a.trunk);
    atomic_store(&s->told, place_name(s->turn.now, PLACE_TRUNK, a.trunk));
}

int main(void)
{
    struct stage s = {.names = place_names_new(), .counters = counters_set_new()};
    pthread_t putter, reader;
    unsigned taken = 0;
    assert(s.names && s.counters);
    assert(pthread_create(&putter, NULL, puts_tables, &s) == 0 && pthread_create(&reader, NULL, reads_names, &s) == 0);
    while (!atomic_load(&s.over)) {
        taken += place_turn_take(&s.turn);
        ask(&s);
    }
    pthread_join(putter, NULL);
    pthread_join(reader, NULL);
    taken += place_turn_take(&s.turn);
    ask(&s);
    assert(strcmp(atomic_load(&s.told), "t16") == 0); /* of the last round: 1999 + 1, modulo 64 */
    printf("%u of %d tables were taken\n", taken, TURNS);
    place_turn_fini(&s.turn);
    place_names_free(s.names);
    counters_set_free(s.counters);
    return taken ? 0 : 1;
}
