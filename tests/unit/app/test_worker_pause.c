/* Who ends which pause: each side has an end of its own, keys end what keys began. */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "app/worker_internal.h"
#include "app/worker_pause.h"
#include "base/error.h"

#define SECOND INT64_C(1000000000)

struct scene {
    struct worker worker;
    struct counters counters;
    struct call_brief brief;
    struct rule_decision decision;
    struct wcall call;
    struct wflow flow; /* of the caller; not in the spool */
};

static struct scene *scene_new(void)
{
    struct scene *s = calloc(1, sizeof *s);
    s->worker.counters = &s->counters;
    s->worker.spool = (struct spool *)s; /* there is one: no flow of this call is in it */
    s->worker.config.pause =
        (struct pause_config){.keys = "*9", .dtmf_from = PAUSE_CALLER, .sides = PAUSE_BOTH};
    s->decision.keep = RULE_KEEP_ALL;
    s->brief.started_ns = SECOND;
    s->call = (struct wcall){.brief = &s->brief, .decision = &s->decision};
    s->flow = (struct wflow){.call = &s->call, .party = CALL_CALLER};
    return s;
}

static void scene_free(struct scene *s)
{
    worker_pause_free(&s->worker, &s->call);
    cr_expect_null(s->worker.pauses, "nothing is to end by itself");
    free(s);
}

static void at(struct scene *s, int64_t seconds)
{
    s->worker.now_ns = seconds * SECOND;
    worker_pause_tick(&s->worker, s->worker.now_ns);
}

static unsigned paused(struct scene *s)
{
    struct pause_state state;
    worker_pause_state(&s->call, &state);
    return state.sides;
}

static int64_t resumes_at(struct scene *s)
{
    struct pause_state state;
    worker_pause_state(&s->call, &state);
    return state.resume_ns / SECOND;
}

static void pause_by_api(struct scene *s, uint8_t sides, int64_t seconds)
{
    const struct pause_ask ask = {
        .sides = sides, .duration_ns = seconds * SECOND, .actor = "token:crm"};
    cr_assert_eq(worker_pause_ask(&s->worker, &s->call, &ask, NULL), 0);
}

static void press(struct scene *s, const char *keys, int64_t seconds)
{
    at(s, seconds);
    for (unsigned i = 0; keys[i]; i++)
        worker_pause_key(&s->worker, &s->flow, keys[i], s->worker.now_ns + i * SECOND / 10);
}

Test(worker_pause, the_end_of_one_side_leaves_the_other_paused, .timeout = 60)
{
    struct scene *s = scene_new();
    at(s, 10);
    pause_by_api(s, PAUSE_CALLER, 0);
    pause_by_api(s, PAUSE_CALLEE, 10);
    cr_expect_eq(resumes_at(s), 20);
    at(s, 19);
    cr_expect_eq(paused(s), PAUSE_BOTH);
    at(s, 20);
    cr_expect_eq(paused(s), PAUSE_CALLER);
    cr_expect_eq(resumes_at(s), 0);
    at(s, 4000);
    cr_expect_eq(paused(s), PAUSE_CALLER, "somebody paused it without an end");
    scene_free(s);
}

Test(worker_pause, a_pause_without_end_leaves_the_end_of_the_other_side, .timeout = 60)
{
    struct scene *s = scene_new();
    at(s, 10);
    pause_by_api(s, PAUSE_CALLEE, 10);
    pause_by_api(s, PAUSE_CALLER, 0);
    at(s, 20);
    cr_expect_eq(paused(s), PAUSE_CALLER);
    scene_free(s);
}

Test(worker_pause, each_side_ends_at_its_own_time_and_both_at_the_same, .timeout = 60)
{
    struct scene *s = scene_new();
    at(s, 10);
    pause_by_api(s, PAUSE_CALLER, 5);
    pause_by_api(s, PAUSE_CALLEE, 10);
    at(s, 16);
    cr_expect_eq(paused(s), PAUSE_CALLEE);
    cr_expect_eq(resumes_at(s), 20);
    pause_by_api(s, PAUSE_BOTH, 20);
    at(s, 35);
    cr_expect_eq(paused(s), PAUSE_BOTH);
    at(s, 36);
    cr_expect_eq(paused(s), 0);
    scene_free(s);
}

Test(worker_pause, keys_end_what_keys_began_and_nothing_else, .timeout = 60)
{
    struct scene *s = scene_new();
    press(s, "*9", 10);
    cr_expect_eq(paused(s), PAUSE_BOTH);
    press(s, "*9", 20);
    cr_expect_eq(paused(s), 0);
    pause_by_api(s, PAUSE_CALLER, 0);
    press(s, "*9", 30);
    cr_expect_eq(paused(s), PAUSE_BOTH, "the keys pause what is left");
    press(s, "*9", 40);
    cr_expect_eq(paused(s), PAUSE_CALLER, "and resume that alone");
    pause_by_api(s, PAUSE_BOTH, 0);
    press(s, "*9", 50);
    press(s, "*9", 60);
    cr_expect_eq(paused(s), PAUSE_BOTH);
    scene_free(s);
}

static void resume_late(struct scene *s, uint8_t sides, int64_t not_before_ms)
{
    const struct pause_ask ask = {
        .resume = true, .sides = sides, .since_ns = not_before_ms * 1000000, .actor = "token:crm"};
    cr_assert_eq(worker_pause_ask(&s->worker, &s->call, &ask, NULL), 0);
}

/* The caller's and the callee's flow, once a packet of that time has come. */
static void arrive(struct scene *s, int64_t time_ms, bool caller, bool callee)
{
    worker_pause_arrive(&s->worker, &s->flow, time_ms * 1000000);
    cr_expect_eq((s->flow.withhold & WITHHOLD_PAUSED) != 0, caller, "caller at %jd ms", time_ms);
    cr_expect_eq((s->flow.next->withhold & WITHHOLD_PAUSED) != 0, callee, "callee at %jd ms", time_ms);
}

Test(worker_pause, what_is_under_way_at_a_resume_stays_out_on_each_side, .timeout = 60)
{
    struct scene *s = scene_new();
    struct wflow callee = {.call = &s->call, .party = CALL_CALLEE};
    s->flow.next = &callee;
    s->call.flows = &s->flow;
    at(s, 10);
    pause_by_api(s, PAUSE_BOTH, 0);
    resume_late(s, PAUSE_CALLER, 10300);
    resume_late(s, PAUSE_CALLEE, 10305);
    arrive(s, 10299, true, true);
    arrive(s, 10301, false, true);
    arrive(s, 10305, false, false);
    at(s, 20);
    pause_by_api(s, PAUSE_BOTH, 0);
    resume_late(s, PAUSE_CALLER, 20300);
    resume_late(s, PAUSE_BOTH, 20200);
    arrive(s, 20199, true, true);
    arrive(s, 20200, true, false);
    pause_by_api(s, PAUSE_BOTH, 0);
    resume_late(s, PAUSE_BOTH, 20250);
    arrive(s, 20299, true, true);
    arrive(s, 20300, false, false);
    at(s, 30);
    pause_by_api(s, PAUSE_CALLEE, 0);
    resume_late(s, PAUSE_CALLEE, 40000);
    arrive(s, 31999, false, true);
    arrive(s, 32000, false, false);
    scene_free(s);
}

Test(worker_pause, what_the_api_pauses_too_is_not_the_keys_any_more, .timeout = 60)
{
    struct scene *s = scene_new();
    press(s, "*9", 10);
    pause_by_api(s, PAUSE_CALLEE, 0);
    press(s, "*9", 20);
    cr_expect_eq(paused(s), PAUSE_CALLEE);
    scene_free(s);
}
