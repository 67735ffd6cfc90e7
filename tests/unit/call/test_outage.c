/* Places that fall silent: which calls count for which place, and which of them are named. */
#include <stdio.h>

#include "capture/call/place.h"
#include "user_scene.h"

static struct finding newest[4]; /* of a subject each */
static unsigned subjects;

static void take(void *context, const struct event *e)
{
    const struct finding *f = (const void *)e->body.data;
    (void)context;
    if (e->kind != EVENT_FINDING || f->detector != FINDING_OUTAGE)
        return;
    unsigned i = 0;
    while (i < subjects && strcmp(newest[i].subject, f->subject) != 0)
        i++;
    cr_assert_lt(i, 4);
    newest[i] = *f;
    subjects += i == subjects;
}

static struct place_table *table;

static void place(enum place_kind kind, const char *name, const char *network)
{
    struct place_network n;
    unsigned number = 0;
    cr_assert(place_peer_parse(slice_str(network), &n));
    if (kind != PLACE_INSIDE)
        cr_assert_eq(place_add(table, kind, slice_str(name), &number), 0);
    cr_assert_eq(place_add_network(table, kind, number, &n), 0);
}

/* Ours is 10/8; the trunk's peer 192.0.2.1 stands in the same site as the telephones. */
static struct scene *begin(void)
{
    struct front_config config;
    struct place_network more;
    scene_config(&config);
    table = place_table_new();
    place(PLACE_INSIDE, "", "10.0.0.0/8");
    place(PLACE_TRUNK, "one", "192.0.2.1");
    place(PLACE_SITE, "north", "10.1.0.0/16");
    cr_assert(place_peer_parse(slice_str("192.0.2.0/24"), &more));
    cr_assert_eq(place_add_network(table, PLACE_SITE, 1, &more), 0);
    place_table_seal(table);
    finding_config_defaults(&config.findings);
    config.places = table;
    subjects = 0;
    struct scene *s = scene_new(&config);
    s->user = take;
    return s;
}

static void end(struct scene *s)
{
    scene_end(s);
    place_table_free(table);
}

/* An answered call from the site over the trunk, both ends heard for the first 3 s. */
static void talk(struct scene *s, unsigned n)
{
    char call[32], here[32], there[32], from[32];
    snprintf(call, sizeof call, "call-%u", n);
    snprintf(here, sizeof here, "10.1.0.1:%u", 4000 + 4 * n);
    snprintf(there, sizeof there, "192.0.2.1:%u", 4000 + 4 * n);
    snprintf(from, sizeof from, "a%u", n);
    const char *a = "10.1.0.1:5060", *b = "192.0.2.1:5060";
    double at = 10 * n;
    scene_sip(s, at,
              (struct sip_line){.src = a,
                                .dst = b,
                                .method = "INVITE",
                                .call = call,
                                .from_tag = from,
                                .sdp = sdp_audio("10.1.0.1", 4000 + 4 * n, "")});
    scene_sip(s, at + 1,
              (struct sip_line){.src = b,
                                .dst = a,
                                .status = 200,
                                .call = call,
                                .from_tag = from,
                                .to_tag = "b",
                                .sdp = sdp_audio("192.0.2.1", 4000 + 4 * n, "")});
    scene_sip(
        s, at + 2,
        (struct sip_line){
            .src = a, .dst = b, .method = "ACK", .call = call, .from_tag = from, .to_tag = "b"});
    scene_rtp(s, 1000 + at,
              (struct rtp_run){.src = here, .dst = there, .count = 3, .ssrc = 2 * n + 1});
    scene_rtp(s, 1500 + at,
              (struct rtp_run){.src = there, .dst = here, .count = 3, .ssrc = 2 * n + 2});
}

static struct scene *silent_calls(unsigned count)
{
    struct scene *s = begin();
    for (unsigned n = 0; n < count; n++)
        talk(s, n);
    scene_wait(s, 50000);
    scene_wait(s, 52000); /* more of what was told is told a second later */
    return s;
}

Test(outage, a_call_counts_once_for_a_place_that_both_its_ends_are_at)
{
    struct scene *s = silent_calls(2);
    cr_assert_eq(subjects, 0, "two calls are below the threshold of three: %s", newest[0].subject);
    end(s);
    s = silent_calls(3);
    cr_assert_eq(subjects, 2);
    for (unsigned i = 0; i < 2; i++)
        cr_assert(newest[i].count == 3 && newest[i].call_count == 3, "%s %d", newest[i].subject,
                  (int)newest[i].count);
    end(s);
}

Test(outage, of_many_calls_the_first_are_named_and_all_are_counted)
{
    struct scene *s = silent_calls(20);
    cr_assert_eq(subjects, 2);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(newest[i].count, 20);
        cr_assert_eq(newest[i].call_count, FINDING_EVIDENCE_MAX);
        for (unsigned k = 1; k < FINDING_EVIDENCE_MAX; k++)
            cr_assert(memcmp(newest[i].call[k], newest[i].call[k - 1], 16) != 0);
    }
    end(s);
}
