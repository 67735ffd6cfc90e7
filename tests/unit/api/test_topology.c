/* The graph: scales are kept apart, what finds no room is "other", ends of calls are told from what
 * passes them on. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/topology.h"
#include "base/buf.h"
#include "base/error.h"

static const struct hash_seed SEED = {1, 2};

static struct endpoint at(uint32_t host, uint16_t port)
{
    return (struct endpoint){.addr = addr_v4(host), .port = port};
}

static void written(const struct topology *t, unsigned nodes_max, struct buf *out)
{
    struct json j;
    buf_init(out, 8 << 20);
    json_init(&j, out);
    json_object(&j);
    cr_assert_eq(topology_json(&j, t, nodes_max, NULL), 0);
    json_end(&j);
    buf_char(out, '\0');
    cr_assert(!out->failed);
}

static bool says(const struct topology *t, unsigned nodes_max, const char *text)
{
    struct buf out;
    written(t, nodes_max, &out);
    bool found = strstr((const char *)out.data, text) != NULL;
    if (!found)
        cr_log_warn("%.3000s", (const char *)out.data);
    buf_fini(&out);
    return found;
}

/* A call with one hop and streams of these scales, all from caller to callee. */
static struct call_record *call_of(uint32_t a, uint32_t b, unsigned streams,
                                   const char *const scales[])
{
    struct call_record *r = record_new();
    r->src = at(a, 5060);
    r->dst = at(b, 5060);
    r->path.hops = arena_alloc(r->arena, sizeof *r->path.hops);
    r->path.hops[0] = (struct record_hop){.src = r->src, .dst = r->dst};
    r->path.hop_count = 1;
    r->streams = arena_alloc(r->arena, (streams + 1) * sizeof *r->streams);
    for (unsigned i = 0; i < streams; i++) {
        struct record_stream *s = &r->streams[r->stream_count++];
        record_stream_init(s);
        s->src = at(a, (uint16_t)(4000 + i));
        s->dst = at(b, 6000);
        s->first_us = 1000000;
        s->last_us = 61000000;
        s->quality.scale = scales[i];
        s->quality.mos_lq = scales[i] ? 4.0 + i * 0.25 : NAN;
    }
    return r;
}

static void add(struct topology *t, struct call_record *r)
{
    cr_assert_eq(topology_call(t, r), 0);
    record_free(r);
}

Test(topology, scores_of_two_scales_are_never_put_together)
{
    struct topology *t = topology_new(SEED);
    add(t, call_of(1, 2, 3, (const char *const[]){"NB", "WB", "NB"}));
    cr_assert(says(
        t, 10,
        "\"mos\":{\"NB\":{\"avg\":4.25,\"min\":4,\"streams\":2},\"WB\":{\"avg\":4.25,\"min\":4.25,"
        "\"streams\":1}}"));
    topology_free(t);
}

Test(topology, without_a_score_it_is_null)
{
    struct topology *t = topology_new(SEED);
    add(t, call_of(1, 2, 1, (const char *const[]){NULL}));
    cr_assert(
        says(t, 10, "\"minutes\":1,\"streams\":1,\"packets\":0,\"loss_ratio\":null,\"mos\":null"));
    topology_free(t);
}

Test(topology, a_call_that_is_tried_twice_on_a_way_counts_once)
{
    struct topology *t = topology_new(SEED);
    struct call_record *r = call_of(1, 2, 0, NULL);
    r->path.hops = arena_alloc(r->arena, 2 * sizeof *r->path.hops);
    r->path.hops[0] = r->path.hops[1] = (struct record_hop){.src = r->src, .dst = r->dst};
    r->path.hop_count = 2;
    add(t, r);
    cr_assert(says(t, 10, "\"edges\":[{\"kind\":\"sip\",\"src\":0,\"dst\":1,\"calls\":1,"));
    topology_free(t);
}

Test(topology, an_answer_for_a_contact_elsewhere_makes_a_proxy)
{
    static const struct {
        const char *target, *roles;
    } CASES[] = {
        {"sip:b@0.0.0.2:5070", "[\"ua\"]"},
        {"sip:b@0.0.0.9;transport=udp", "[\"proxy\"]"},
        {"sip:0.0.0.9", "[\"proxy\"]"},
        {"sip:b@[2001:db8::1]:5060", "[\"proxy\"]"},
        {"sip:b@pbx.example", "[\"ua\"]"},
        {"", "[\"ua\"]"},
        {"sip:b@", "[\"ua\"]"},
        {"sip:b@[", "[\"ua\"]"},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct topology *t = topology_new(SEED);
        struct call_record *r = call_of(1, 2, 0, NULL);
        struct record_leg leg = {
            .hop = 1, .target = slice_str(CASES[i].target), .answered_us = 1, .code = 200};
        char node[200];
        r->path.legs = &leg;
        r->path.leg_count = 1;
        add(t, r);
        snprintf(node, sizeof node, "\"addr\":\"0.0.0.2\",\"space\":0,\"roles\":%s",
                 CASES[i].roles);
        cr_assert(says(t, 10, node), "%s", CASES[i].target);
        topology_free(t);
    }
}

Test(topology, the_table_is_full_and_all_further_ones_are_other)
{
    struct topology *t = topology_new(SEED);
    for (uint32_t i = 0; i < TOPOLOGY_EDGES_MAX + 500; i++)
        add(t, call_of(100 + i, 7, 0, NULL));
    struct buf out;
    written(t, TOPOLOGY_NODES_MAX, &out);
    char *text = (char *)out.data;
    unsigned nodes = 0, edges = 0;
    for (char *p = text; (p = strstr(p, "\"addr\":")) != NULL; p++)
        nodes++;
    for (char *p = text; (p = strstr(p, "\"kind\":")) != NULL; p++)
        edges++;
    cr_assert_eq(nodes, TOPOLOGY_NODES_MAX);
    cr_assert_leq(edges, TOPOLOGY_EDGES_MAX);
    cr_assert(strstr(text, "\"roles\":[\"other\"]"));
    buf_fini(&out);
    /* every call is somewhere */
    char wanted[80];
    snprintf(wanted, sizeof wanted, "\"calls\":%d,\"answered\"",
             TOPOLOGY_EDGES_MAX + 500 - (TOPOLOGY_NODES_MAX - 2));
    cr_assert(says(t, TOPOLOGY_NODES_MAX, wanted), "%s", wanted);
    topology_free(t);
}

Test(topology, edges_have_a_ceiling_of_their_own)
{
    struct topology *t = topology_new(SEED);
    for (uint32_t i = 0; i < 200; i++)
        for (uint32_t k = 0; k < 100; k++)
            add(t, call_of(1000 + i, 5000 + k, 0, NULL));
    struct buf out;
    unsigned edges = 0;
    written(t, TOPOLOGY_NODES_MAX, &out);
    for (char *p = (char *)out.data; (p = strstr(p, "\"kind\":")) != NULL; p++)
        edges++;
    cr_assert_eq(edges, TOPOLOGY_EDGES_MAX - 1);
    buf_fini(&out);
    topology_free(t);
}

Test(topology, a_registration_that_never_succeeded_says_nothing)
{
    struct topology *t = topology_new(SEED);
    struct registration_record r;
    user_record_init(USER_REGISTRATION, &r);
    strcpy(r.ip, "192.0.2.9");
    strcpy(r.registrar, "[2001:db8::5]:5060");
    strcpy(r.user_agent, "Phone");
    cr_assert_eq(topology_registration(t, &r), 0);
    cr_assert(says(t, 10, "\"nodes\":[]"));
    r.successes = 1;
    cr_assert_eq(topology_registration(t, &r), 0);
    cr_assert(says(
        t, 10, "\"addr\":\"192.0.2.9\",\"space\":0,\"roles\":[\"ua\"],\"user_agent\":\"Phone\""));
    cr_assert(
        says(t, 10,
             "\"addr\":\"2001:db8::5\",\"space\":0,\"roles\":[\"registrar\"],\"user_agent\":null"));
    topology_free(t);
}
