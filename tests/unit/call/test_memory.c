/* What a live signalling-only call costs (docs: at most 4 kB): its slot, its endpoints, its arena.
 * Codec lists and map entries are some 200 bytes more and lie outside what is summed here, so the
 * bound that is tested is 3.5 kB. */
#include "tests/unit/call/story.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/arena.h"
#include "capture/call/live.h"

#define LIVE_MAX 3584

struct held {
    size_t most; /* bytes of the largest arena */
    unsigned calls;
};

static bool weigh(void *context, unsigned worker, const struct event *e)
{
    struct held *h = context;
    (void)worker;
    if (e->kind != EVENT_CALL_ENDED)
        return true;
    size_t held = arena_held(e->ended.call->arena);
    h->most = held > h->most ? held : h->most;
    h->calls++;
    call_free(e->ended.call);
    return true;
}

/* A scene whose front tells `h` alone. */
static struct scene *scene_weighed(struct held *h)
{
    struct front_config config;
    struct scene *s = scene_new(NULL);
    scene_config(&config);
    struct event_sink sink = {.context = h, .workers = 1, .push = weigh};
    front_free(s->front);
    cr_assert_eq(front_new(&config, &sink, s->counters, &s->front), 0);
    return s;
}

#define CALL_ID "a84b4c76e66710@softswitch-12.carrier.example.net"
#define CONTACT "Contact: <sip:4930123456@10.0.0.1:5060;transport=udp>\r\n"
#define AGENT   "User-Agent: Grandstream GXP2170 1.0.11.6\r\n"
#define WHO                                                                                        \
    "P-Asserted-Identity: \"Sales\" <sip:+4930123456@carrier.example.net>\r\n"                     \
    "Diversion: <sip:+4930123400@carrier.example.net>;reason=unconditional\r\n"                    \
    "Privacy: none\r\n"
#define SERVER "Contact: <sip:4989654321@10.0.0.2:5060>\r\nServer: Asterisk PBX 18.10.0\r\n"

static void weigh_story(const char *name, const struct story_line *line, size_t most)
{
    struct held h = {0};
    struct scene *s = scene_weighed(&h);
    story_tell(s, line, CALL_ID);
    scene_finish(s);
    size_t bytes = sizeof(struct live) + 4 * sizeof(struct point) + h.most;
    cr_assert_eq(h.calls, 1, "%s", name);
    cr_expect_leq(bytes, most, "%s: %zu bytes, arena %zu", name, bytes, h.most);
    scene_end(s);
}

Test(memory, a_live_call_without_media_takes_less_than_four_kilobytes)
{
    const char *a = sdp_audio("10.0.0.1", 4000, NULL), *b = sdp_audio("10.0.0.2", 5000, NULL);
    const struct story_line plain[] = {
        {0, 'A', 'B', "INVITE", .more = CONTACT AGENT "Max-Forwards: 70\r\n", .sdp = a},
        {50, 'B', 'A', "100"},
        {90, 'B', 'A', "180", .tag = "as5fcb0b2e", .more = SERVER},
        {900, 'B', 'A', "200", .tag = "as5fcb0b2e", .more = SERVER, .sdp = b},
        {910, 'A', 'B', "ACK", "2", "as5fcb0b2e"},
        {0}};
    const struct story_line asked[] = {
        {0, 'A', 'B', "INVITE", .more = CONTACT AGENT, .sdp = a},
        {50, 'B', 'A', "407", .tag = "as11", .more = SERVER},
        {60, 'A', 'B', "ACK", .tag = "as11"},
        {90, 'A', 'B', "INVITE", "2", .cseq = 2, .more = CONTACT AGENT, .sdp = a},
        {150, 'B', 'A', "100", "2", .cseq = 2},
        {190, 'B', 'A', "183", "2", "as5fcb0b2e", 2, SERVER, b},
        {900, 'B', 'A', "200", "2", "as5fcb0b2e", 2, SERVER, b},
        {910, 'A', 'B', "ACK", "3", "as5fcb0b2e", 2},
        {0}};
    const struct story_line proxied[] = {
        {0, 'A', 'P', "INVITE", .more = CONTACT AGENT, .sdp = a},
        {2, 'P', 'B', "INVITE", "2", .more = CONTACT AGENT, .sdp = a},
        {90, 'B', 'P', "180", "2", "as5fcb0b2e", 1, SERVER},
        {92, 'P', 'A', "180", "1", "as5fcb0b2e", 1, SERVER},
        {900, 'B', 'P', "200", "2", "as5fcb0b2e", 1, SERVER, b},
        {902, 'P', 'A', "200", "1", "as5fcb0b2e", 1, SERVER, b},
        {0}};
    /* much of everything: what comes on top of the first chunk is small */
    const struct story_line rich[] = {
        {0, 'A', 'P', "INVITE", .more = CONTACT AGENT WHO, .sdp = a},
        {2, 'P', 'Q', "INVITE", "2", .more = CONTACT AGENT WHO, .sdp = a},
        {4, 'Q', 'B', "INVITE", "3", .more = CONTACT AGENT WHO, .sdp = a},
        {6, 'Q', 'C', "INVITE", "4", .more = CONTACT AGENT WHO, .sdp = a},
        {90, 'B', 'Q', "180", "3", "as5fcb0b2e", 1, SERVER},
        {95, 'C', 'Q', "180", "4", "as00112233", 1, SERVER},
        {900, 'B', 'Q', "200", "3", "as5fcb0b2e", 1, SERVER, b},
        {910, 'Q', 'P', "200", "2", "as5fcb0b2e", 1, SERVER, b},
        {920, 'P', 'A', "200", "1", "as5fcb0b2e", 1, SERVER, b},
        {0}};
    weigh_story("rich", rich, 4096);
    weigh_story("plain", plain, LIVE_MAX);
    weigh_story("asked for credentials", asked, LIVE_MAX);
    weigh_story("both sides of a proxy", proxied, LIVE_MAX);
}
