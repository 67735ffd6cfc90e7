/* Any cut, order, copy and overlap of two streams gives these streams; what never came is missing
 * exactly there. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/net/tcp_wire.h"

#define STREAM_MAX 30000u
#define EVENTS_MAX 4096u

struct event {
    unsigned side;
    uint32_t seq; /* relative; 1 is the first byte */
    uint32_t size;
    uint32_t cut;
    uint8_t flags;
    uint32_t ack;
    unsigned place; /* sorted by it */
};

struct plan {
    const char *name;
    uint32_t segment_min, segment_max;
    unsigned window; /* how far an event may move */
    unsigned copies; /* percent of segments sent again, from and to anywhere near */
    unsigned lost;   /* percent */
    unsigned cut;    /* percent of segments cut by the capture */
    bool midstream, fin;
    uint32_t cap; /* of a direction; 0: default */
};

struct run {
    uint64_t random;
    struct event event[EVENTS_MAX];
    unsigned events;
    uint32_t size[2];
    uint8_t stream[2][STREAM_MAX];
    bool there[2][STREAM_MAX];
    bool fin_there[2];
};

static uint32_t pick(struct run *r, uint32_t n)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return (uint32_t)((r->random >> 16) % n);
}

/* Messages with a body, some keep-alives. */
static void write_stream(struct run *r, unsigned side)
{
    uint32_t size = 0, room = 2000 + pick(r, STREAM_MAX - 6000);
    while (size < room) {
        uint32_t body = pick(r, 900);
        if (pick(r, 4) == 0)
            size += (uint32_t)sprintf((char *)&r->stream[side][size], "\r\n\r\n");
        size += (uint32_t)sprintf((char *)&r->stream[side][size],
                                  "INVITE sip:%u SIP/2.0\r\nCSeq: %u\r\nContent-Length: %u\r\n\r\n",
                                  pick(r, 1000000), size, body);
        for (uint32_t i = 0; i < body; i++)
            r->stream[side][size++] = (uint8_t)('A' + pick(r, 26));
    }
    r->size[side] = size;
}

static void add(struct run *r, struct event e, unsigned window)
{
    cr_assert_lt(r->events, EVENTS_MAX);
    e.place = r->events * 2 + (window ? pick(r, window * 2) : 0);
    r->event[r->events++] = e;
}

static void add_copy(struct run *r, const struct plan *plan, const struct event *of)
{
    struct event e = *of;
    uint32_t back = pick(r, 300), more = pick(r, 300), end = e.seq + e.size;
    e.seq = e.seq > back ? e.seq - back : 1;
    end = end + more <= r->size[e.side] + 1 ? end + more : r->size[e.side] + 1;
    e.size = end - e.seq;
    e.cut = plan->cut ? pick(r, e.size + 1) : 0;
    e.flags = 0;
    add(r, e, plan->window);
}

static void cut_streams(struct run *r, const struct plan *plan)
{
    uint32_t at[2] = {1, 1};
    while (at[0] <= r->size[0] || at[1] <= r->size[1]) {
        unsigned side = pick(r, 2);
        uint32_t left = r->size[side] + 1 - at[side];
        if (left == 0)
            continue;
        uint32_t size = plan->segment_min + pick(r, plan->segment_max - plan->segment_min + 1);
        struct event e = {.side = side, .seq = at[side], .size = size < left ? size : left};
        e.ack = pick(r, 2) ? at[1 - side] : 0;
        if (pick(r, 100) < plan->cut)
            e.cut = pick(r, e.size + 1);
        if (plan->fin && e.size == left)
            e.flags = TCP_FIN;
        at[side] += e.size;
        if (pick(r, 100) >= plan->lost)
            add(r, e, plan->window);
        if (pick(r, 100) < plan->copies)
            add_copy(r, plan, &e);
    }
}

static int by_place(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    return x->place != y->place ? (x->place < y->place ? -1 : 1)
                                : (x->seq > y->seq) - (x->seq < y->seq);
}

static void play(struct wire *w, struct run *r)
{
    for (unsigned i = 0; i < r->events; i++) {
        const struct event *e = &r->event[i];
        w->ack = e->ack;
        wire_bytes(w, e->side, e->seq, e->flags, slice_of(&r->stream[e->side][e->seq - 1], e->size),
                   e->cut);
        for (uint32_t k = 0; k < e->size - e->cut; k++)
            r->there[e->side][e->seq - 1 + k] = true;
        r->fin_there[e->side] |= (e->flags & TCP_FIN) != 0;
        wire_pass(w, pick(r, 2) * MS);
    }
    tcp_finish(w->tcp);
}

/* `exact`: a byte is missing where it never came, and nowhere else. */
static void check_side(struct wire *w, const struct run *r, const struct plan *plan, unsigned side,
                       bool exact)
{
    /* With no SYN, end[0] is who was seen first. */
    unsigned end = side ^ !endpoint_equal(&w->log[0].peers.end[0], &w->end[CLIENT]);
    struct slice got = buf_view(&w->log[0].bytes[end]);
    uint32_t size = r->size[side], missing = 0;
    while (!r->fin_there[side] && exact && size > 0 && !r->there[side][size - 1])
        size--;
    if (plan->midstream) {
        cr_assert(slice_starts(got, "~"), "%s", plan->name);
        got = slice_from(got, 1);
    }
    if (exact)
        cr_assert_eq(got.size, size, "%s: %zu instead of %u", plan->name, got.size, size);
    cr_assert_leq(got.size, size);
    for (uint32_t i = 0; i < got.size; i++) {
        bool lost = got.data[i] == '?';
        missing += lost;
        if (exact)
            cr_assert_eq(lost, !r->there[side][i], "%s: byte %u", plan->name, i);
        cr_assert(lost || got.data[i] == r->stream[side][i], "%s: byte %u", plan->name, i);
    }
    cr_assert_eq(w->log[0].peers.lost[end], missing);
    cr_assert_eq(w->log[0].peers.bytes[end], got.size);
}

static void try_plan(const struct plan *plan, uint64_t seed)
{
    struct tcp_config config = {.seed = {seed, 2}, .stream_bytes_max = plan->cap};
    struct wire *w = wire_new(&config);
    struct run *r = calloc(1, sizeof *r);
    r->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    w->isn[CLIENT] -= pick(r, STREAM_MAX); /* the wrap lies anywhere in the stream */
    w->isn[SERVER] -= pick(r, STREAM_MAX);
    write_stream(r, CLIENT);
    write_stream(r, SERVER);
    cut_streams(r, plan);
    qsort(r->event, r->events, sizeof *r->event, by_place);
    if (!plan->midstream)
        wire_open(w);
    play(w, r);
    cr_assert_eq(w->conns, 1, "%s", plan->name);
    bool exact = plan->cut == 0 && plan->cap == 0;
    check_side(w, r, plan, CLIENT, exact);
    check_side(w, r, plan, SERVER, exact);
    cr_assert_eq(tcp_bytes(w->tcp), 0);
    free(r);
    wire_free(w);
}

Test(tcp_property,
     any_cut_order_copy_overlap_and_loss_gives_the_stream_with_holes_where_nothing_came)
{
    static const struct plan plans[] = {
        {"in order", 1, 1460, 0, 0, 0, 0, false, true, 0},
        {"small", 20, 60, 0, 20, 0, 0, false, true, 0},
        {"shuffled", 1, 1460, 8, 0, 0, 0, false, true, 0},
        {"copies", 1, 1460, 0, 60, 0, 0, false, true, 0},
        {"shuffled copies", 1, 1460, 12, 60, 0, 0, false, true, 0},
        {"without fin", 100, 500, 30, 60, 0, 0, false, false, 0},
        {"offloaded", 1000, 20000, 6, 30, 0, 0, false, true, 0},
        {"in the middle", 50, 800, 5, 30, 0, 0, true, true, 0},
        {"lost", 1, 1460, 0, 0, 10, 0, false, true, 0},
        {"lost, shuffled, copies", 1, 700, 10, 40, 20, 0, false, true, 0},
        {"most lost", 1, 700, 10, 10, 80, 0, false, false, 0},
        {"cut by the capture", 1, 1460, 10, 40, 10, 50, false, true, 0},
        {"little memory", 1, 1460, 30, 40, 10, 0, false, true, 4096},
        {"little memory, cut", 1, 9000, 30, 40, 10, 30, false, true, 2048},
    };
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        for (uint64_t seed = 1; seed <= 30; seed++)
            try_plan(&plans[i], seed * 100 + i);
}
