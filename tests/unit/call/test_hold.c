/* Hold: who put whom on it, in all the ways that phones know, how often and for how long. */
#include "tests/unit/call/scene.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MS INT64_C(1000000)

/* One change of the session: offer of `by`, answer of the other 10 ms later. */
struct change {
    double at_ms; /* 0: no more */
    enum call_party by;
    const char *offer, *answer; /* "a=sendonly", "c=0": an address of zeros, "m=0": port 0 */
    int status;                 /* default 200 */
    const char *method;         /* default INVITE */
};

struct hold_story {
    const char *name;
    struct change change[8];
    unsigned holds;
    int64_t held_ms;
    const char *notes; /* hold and resume alone */
};

static const char *sdp_of(bool caller, const char *what)
{
    char attribute[64] = "";
    bool zeros = what && strcmp(what, "c=0") == 0, none = what && strcmp(what, "m=0") == 0;
    if (what && !zeros && !none)
        snprintf(attribute, sizeof attribute, "%s\r\n", what);
    const char *address = zeros ? "0.0.0.0" : caller ? "10.0.0.1" : "10.0.0.2";
    return sdp_audio(address, none ? 0 : caller ? 4000 : 5000, attribute);
}

static void play(struct scene *s, const struct change *c, int cseq)
{
    bool caller = c->by == CALL_CALLER;
    const char *src = caller ? UA : UB, *dst = caller ? UB : UA;
    const char *from = caller ? "a" : "b", *to = caller ? "b" : "a";
    const char *method = c->method ? c->method : "INVITE";
    int status = c->status ? c->status : 200;
    char branch[24];
    snprintf(branch, sizeof branch, "z9hG4bKc%d", cseq);
    scene_sip(s, c->at_ms,
              (struct sip_line){src, dst, method, .cseq = cseq, .from_tag = from, .to_tag = to,
                                .branch = branch, .sdp = sdp_of(caller, c->offer)});
    scene_sip(s, c->at_ms + 10,
              (struct sip_line){dst, src, .status = status, .of = method, .cseq = cseq,
                                .from_tag = from, .to_tag = to, .branch = branch,
                                .sdp = status < 300 ? sdp_of(!caller, c->answer) : NULL});
}

static void only_holds(const char *notes, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (const char *word = notes; *word;) {
        size_t length = strcspn(word, " ");
        if (strncmp(word, "hold", 4) == 0 || strncmp(word, "resume", 6) == 0)
            n += (size_t)snprintf(out + n, size - n, "%s%.*s", n ? " " : "", (int)length, word);
        word += length + (word[length] == ' ');
    }
}

static void check(const struct hold_story *story)
{
    char notes[400];
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    for (int i = 0; i < 8 && story->change[i].at_ms > 0; i++)
        play(s, &story->change[i], 10 + i);
    scene_sip(s, 60000,
              (struct sip_line){UA, UB, "BYE", .cseq = 50, .to_tag = "b", .branch = "z9hG4bKz"});
    scene_wait(s, 70000);
    cr_assert_eq(s->ended_count, 1, "%s", story->name);
    only_holds(s->call[0].notes, notes, sizeof notes);
    cr_expect_str_eq(notes, story->notes, "%s: %s", story->name, s->call[0].notes);
    cr_expect_eq(s->call[0].call.holds, story->holds, "%s: %u holds", story->name,
                 s->call[0].call.holds);
    cr_expect_eq(s->call[0].call.held_ns / MS, story->held_ms, "%s: %lld ms", story->name,
                 (long long)(s->call[0].call.held_ns / MS));
    scene_end(s);
}

#define A CALL_CALLER
#define B CALL_CALLEE

Test(hold, every_style_by_either_side)
{
    static const struct hold_story stories[] = {
        {"none", {{2000, A, NULL, NULL}}, 0, 0, ""},
        {"sendonly",
         {{2000, A, "a=sendonly", "a=recvonly"}, {5000, A, NULL, NULL}},
         1,
         3000,
         "hold(caller) resume(caller)"},
        {"inactive",
         {{2000, A, "a=inactive", "a=inactive"}, {5000, A, "a=sendrecv", NULL}},
         1,
         3000,
         "hold(caller) resume(caller)"},
        {"zeros",
         {{2000, A, "c=0", NULL}, {5000, A, NULL, NULL}},
         1,
         3000,
         "hold(caller) resume(caller)"},
        {"zeros, answered by zeros",
         {{2000, A, "c=0", "c=0"}, {5000, A, NULL, NULL}},
         1,
         3000,
         "hold(caller) resume(caller)"},
        {"by the callee",
         {{2000, B, "a=sendonly", "a=recvonly"}, {5000, B, NULL, NULL}},
         1,
         3000,
         "hold(callee) resume(callee)"},
        {"by UPDATE",
         {{2000, A, "a=sendonly", "a=recvonly", .method = "UPDATE"},
          {5000, A, NULL, NULL, .method = "UPDATE"}},
         1,
         3000,
         "hold(caller) resume(caller)"},
        {"recvonly alone is none", {{2000, A, "a=recvonly", "a=sendonly"}}, 0, 0, ""},
        {"a line that is gone is none", {{2000, A, "m=0", "m=0"}}, 0, 0, ""},
        {"never taken back", {{2000, A, "a=sendonly", "a=recvonly"}}, 1, 58000, "hold(caller)"},
        {"twice",
         {{2000, A, "a=sendonly", "a=recvonly"},
          {3000, A, NULL, NULL},
          {4000, A, "a=inactive", "a=inactive"},
          {6000, A, NULL, NULL}},
         2,
         3000,
         "hold(caller) resume(caller) hold(caller) resume(caller)"},
        {"said again",
         {{2000, A, "a=sendonly", "a=recvonly"},
          {3000, A, "a=sendonly", "a=recvonly"},
          {4000, A, "a=inactive", "a=inactive"},
          {6000, A, NULL, NULL}},
         1,
         4000,
         "hold(caller) resume(caller)"},
    };
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++)
        check(&stories[i]);
}

Test(hold, both_sides)
{
    static const struct hold_story stories[] = {
        {"one within the other",
         {{2000, A, "a=sendonly", "a=recvonly"},
          {3000, B, "a=inactive", "a=inactive"},
          {4000, B, "a=recvonly", "a=sendonly"},
          {6000, A, NULL, NULL}},
         1,
         4000,
         "hold(caller) resume(caller)"},
        {"the second one lasts longer",
         {{2000, A, "a=sendonly", "a=recvonly"},
          {3000, B, "a=inactive", "a=inactive"},
          {4000, A, NULL, "a=sendonly"},
          {7000, B, NULL, NULL}},
         1,
         5000,
         "hold(caller) resume(callee)"},
        {"the other side refreshes the session",
         {{2000, A, "a=sendonly", "a=recvonly"},
          {3000, B, NULL, "a=sendonly"},
          {6000, A, NULL, NULL}},
         1,
         4000,
         "hold(caller) resume(caller)"},
        {"an answer puts on hold",
         {{2000, A, NULL, "a=sendonly"}, {4000, B, NULL, NULL}},
         1,
         1990,
         "hold(callee) resume(callee)"},
    };
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++)
        check(&stories[i]);
}

Test(hold, what_is_refused_changes_nothing)
{
    static const struct hold_story stories[] = {
        {"the hold",
         {{2000, A, "a=sendonly", NULL, .status = 488}},
         0,
         10,
         "hold(caller) resume(caller)"},
        {"its end",
         {{2000, A, "a=sendonly", "a=recvonly"},
          {3000, A, NULL, NULL, .status = 491},
          {5000, A, NULL, NULL}},
         1,
         2990,
         "hold(caller) resume(caller) hold(caller) resume(caller)"},
        {"a glare of both",
         {{2000, A, "a=sendonly", NULL, .status = 491},
          {2100, B, "a=sendonly", "a=recvonly"},
          {4100, B, NULL, NULL}},
         1,
         2010,
         "hold(caller) resume(caller) hold(callee) resume(callee)"},
        {"something else",
         {{2000, A, "a=sendonly", "a=recvonly"},
          {3000, A, "a=sendonly", NULL, .status = 488},
          {5000, A, NULL, NULL}},
         1,
         3000,
         "hold(caller) resume(caller)"},
    };
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++)
        check(&stories[i]);
}

/* ---- offers under way at the same time ---- */

struct told {
    double at_ms;
    const char *src, *dst;
    const char *method; /* NULL: a response */
    int status, cseq;
    const char *branch, *sdp;
};

static void tell(struct scene *s, const struct told *m)
{
    bool of_a = m->cseq < 50; /* transactions of the caller */
    scene_sip(s, m->at_ms,
              (struct sip_line){m->src, m->dst, m->method, .status = m->status, .of = "INVITE",
                                .cseq = m->cseq, .from_tag = of_a ? "a" : "b",
                                .to_tag = of_a ? "b" : "a", .branch = m->branch, .sdp = m->sdp});
}

static void expect_held(const struct told *told, size_t count, unsigned holds, int64_t held_ms,
                        const char *wanted)
{
    char notes[400];
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    for (size_t i = 0; i < count; i++)
        tell(s, &told[i]);
    scene_sip(s, 60000,
              (struct sip_line){UA, UB, "BYE", .cseq = 49, .to_tag = "b", .branch = "z9hG4bKz"});
    scene_wait(s, 70000);
    cr_assert_eq(s->ended_count, 1);
    only_holds(s->call[0].notes, notes, sizeof notes);
    cr_expect_str_eq(notes, wanted, "%s", s->call[0].notes);
    cr_expect_eq(s->call[0].call.holds, holds, "%u holds", s->call[0].call.holds);
    cr_expect_eq(s->call[0].call.held_ns / MS, held_ms, "%lld ms",
                 (long long)(s->call[0].call.held_ns / MS));
    scene_end(s);
}

/* RFC 3261 14.1: both are refused, and each party is what it was. */
Test(hold, glare_at_the_end_of_a_hold_leaves_it)
{
    const struct told told[] = {
        {2000, UA, UB, "INVITE", 0, 10, "z9hG4bK1", sdp_of(true, "a=sendonly")},
        {2010, UB, UA, NULL, 200, 10, "z9hG4bK1", sdp_of(false, "a=recvonly")},
        {4000, UA, UB, "INVITE", 0, 11, "z9hG4bK2", sdp_of(true, NULL)},
        {4001, UB, UA, "INVITE", 0, 50, "z9hG4bK3", sdp_of(false, NULL)},
        {4010, UB, UA, NULL, 491, 11, "z9hG4bK2", NULL},
        {4011, UA, UB, NULL, 491, 50, "z9hG4bK3", NULL},
        {7000, UA, UB, "INVITE", 0, 12, "z9hG4bK4", sdp_of(true, NULL)},
        {7010, UB, UA, NULL, 200, 12, "z9hG4bK4", sdp_of(false, NULL)},
    };
    expect_held(told, sizeof told / sizeof told[0], 1, 4990,
                "hold(caller) resume(caller) hold(caller) resume(caller)");
}

/* The tap sees the offer ahead of a proxy and behind it, and so its refusal. */
Test(hold, what_is_refused_behind_a_proxy_is_none)
{
    static const char proxy[] = "10.0.0.9:5060";
    const struct told told[] = {
        {2000, UA, proxy, "INVITE", 0, 10, "z9hG4bK1", sdp_of(true, "a=sendonly")},
        {2001, proxy, UB, "INVITE", 0, 10, "z9hG4bK1p", sdp_of(true, "a=sendonly")},
        {2010, UB, proxy, NULL, 488, 10, "z9hG4bK1p", NULL},
        {2011, proxy, UA, NULL, 488, 10, "z9hG4bK1", NULL},
    };
    expect_held(told, sizeof told / sizeof told[0], 0, 10, "hold(caller) resume(caller)");
}

/* Both ways is the answer to such an offer alone (RFC 3264 6.1). */
Test(hold, an_answer_tells_of_the_offer_that_was_not_captured)
{
    struct told told[] = {
        {2000, UA, UB, "INVITE", 0, 10, "z9hG4bK1", sdp_of(true, "a=sendonly")},
        {2010, UB, UA, NULL, 200, 10, "z9hG4bK1", sdp_of(false, "a=recvonly")},
        {4010, UB, UA, NULL, 200, 11, "z9hG4bK2", sdp_of(false, NULL)},
    };
    expect_held(told, 3, 1, 2010, "hold(caller) resume(caller)");
    told[2].sdp = sdp_of(false, "a=recvonly"); /* it goes on */
    expect_held(told, 3, 1, 58000, "hold(caller)");
}
