/* Stories are told with the words of scene.c. */
#include "tests/unit/call/story.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const char letters[] = "?ABCDEFGPQX";

const char *story_address(char who)
{
    static const char *const at[] = {
        "10.0.0.99:5060", "10.0.0.1:5060", "10.0.0.2:5060",  "10.0.0.3:5060",
        "10.0.0.4:5060",  "10.0.0.5:5060", "10.0.0.6:5060",  "10.0.0.7:5060",
        "10.0.0.8:5060",  "10.0.0.9:5060", "10.0.0.66:5060",
    };
    const char *hit = strchr(letters, who);
    cr_assert(hit && *hit, "who is %c?", who);
    return at[hit - letters];
}

void story_tell(struct scene *s, const struct story_line *line, const char *call)
{
    for (; line->from; line++) {
        struct sip_line l = {story_address(line->from), story_address(line->to), .call = call};
        l.cseq = line->cseq;
        l.branch = line->branch ? line->branch : "1";
        l.to_tag = line->tag;
        l.headers = line->more;
        l.sdp = line->sdp;
        l.status = atoi(line->what);
        const char *of = strchr(line->what, ' ');
        if (l.status == 0)
            l.method = line->what;
        else if (of)
            l.of = of + 1;
        scene_sip(s, line->at_ms, l);
    }
}

static double last_of(const struct story_line *line)
{
    double at_ms = 0;
    for (; line->from; line++)
        at_ms = line->at_ms > at_ms ? line->at_ms : at_ms;
    return at_ms;
}

void story_check(const struct story *story)
{
    struct scene *s = scene_new(NULL);
    story_tell(s, story->line, NULL);
    scene_wait(s, last_of(story->line) + 40000);
    cr_expect_eq(s->ended_count > 0, story->over, "%s: over by itself", story->name);
    scene_finish(s);
    cr_assert_eq(s->call_count, 1, "%s: %u calls", story->name, s->call_count);
    const struct seen_call *c = &s->call[0];
    if (story->hops)
        cr_expect_str_eq(c->hops, story->hops, "%s: hops %s", story->name, c->hops);
    if (story->legs)
        cr_expect_str_eq(c->legs, story->legs, "%s: legs %s", story->name, c->legs);
    if (story->tries)
        cr_expect_str_eq(c->tries, story->tries, "%s: tries %s", story->name, c->tries);
    cr_expect_eq(c->call.outcome, story->outcome, "%s: outcome %d", story->name, c->call.outcome);
    cr_expect_eq(c->call.sip_code, story->code, "%s: code %u", story->name, c->call.sip_code);
    cr_expect_eq(c->call.route_advances, story->advances, "%s: %u advances", story->name,
                 c->call.route_advances);
    cr_expect_eq(scene_count(s, C_CALL_ATTEMPTS), 1, "%s", story->name);
    scene_end(s);
}
