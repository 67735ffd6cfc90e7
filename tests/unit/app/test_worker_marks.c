/* A mark never passes what a recovery would need: calls that go on, records that wait. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "app/worker_internal.h"

#define SECOND  INT64_C(1000000000)
#define SEGMENT (1u << 16)

struct told {
    uint32_t media; /* the mark that was told last */
    unsigned emitted;
};

static void count_record(void *context, struct call_record *record)
{
    ((struct told *)context)->emitted++;
    record_free(record);
}

/* Signalling has segments of its own. */
static void note_mark(void *context, uint32_t segment)
{
    if (segment % SPOOL_WRITERS < SPOOL_SIGNALLING_WRITER)
        ((struct told *)context)->media = segment;
}

struct scene {
    char dir[40];
    struct counters_set *counters;
    struct worker *w;
    struct told told;
    struct spool_flow *noise; /* media of nobody, which fills segments */
    int64_t now_ns;
};

/* What is in the write buffer stays there until it is full. */
static void begin(struct scene *s)
{
    const struct spool_config spool = {.data_dir = s->dir,
                                       .segment_bytes = SEGMENT,
                                       .buffer_bytes = SEGMENT / 4,
                                       .flush_ms = 3600000};
    const struct spool_flow_info info = {.flow = 1, .kind = SPOOL_MEDIA};
    struct worker_config config = {.probe = "p",
                                   .context = &s->told,
                                   .emit = count_record,
                                   .spool_mark = note_mark,
                                   .spool = &spool};
    struct why why = {0};
    *s = (struct scene){
        .dir = "/tmp/earshot-marks-XXXXXX", .now_ns = SECOND, .counters = counters_set_new()};
    cr_assert_not_null(mkdtemp(s->dir));
    cr_assert_eq(worker_new(&config, counters_block(s->counters), &s->w, &why), 0, "%s", why.text);
    s->noise = spool_flow_open(s->w->spool, &info, s->now_ns);
    cr_assert_not_null(s->noise);
}

static void end(struct scene *s)
{
    char command[80];
    spool_flow_close(s->w->spool, s->noise);
    worker_free(s->w);
    counters_set_free(s->counters);
    snprintf(command, sizeof command, "rm -rf %s", s->dir);
    cr_assert_eq(system(command), 0);
}

/* So long that a mark is due. */
static void tick(struct scene *s)
{
    s->now_ns += 6 * SECOND;
    worker_tick(s->w, s->now_ns);
}

/* Until another segment is written. */
static void fill(struct scene *s)
{
    static const uint8_t SOUND[1000];
    uint32_t before = spool_segment_now(s->w->spool);
    for (int n = 0; spool_segment_now(s->w->spool) == before; n++) {
        const struct spool_packet p = {.time_ns = s->now_ns,
                                       .wire_bytes = sizeof SOUND,
                                       .payload = slice_of(SOUND, sizeof SOUND)};
        cr_assert_lt(n, 1000, "the spool goes on");
        spool_flow_packet(s->w->spool, s->noise, &p);
        s->now_ns += SECOND;
        spool_tick(s->w->spool, s->now_ns);
    }
    tick(s);
}

static void start_call(struct scene *s, uint32_t number)
{
    struct call_brief brief = {.kind = CALL_SIP, .started_ns = s->now_ns};
    struct event e = {.kind = EVENT_CALL_STARTED,
                      .call = number,
                      .time_ns = s->now_ns,
                      .body = slice_of(&brief, sizeof brief)};
    worker_event(s->w, &e);
}

static void end_call(struct scene *s, uint32_t number)
{
    struct arena *arena = arena_new(4096, 1 << 20);
    struct call *call = arena_alloc(arena, sizeof *call);
    call->arena = arena;
    call->state = CALL_ENDED;
    call->started_ns = call->ended_ns = s->now_ns;
    struct event e = {
        .kind = EVENT_CALL_ENDED, .call = number, .time_ns = s->now_ns, .ended = {.call = call}};
    worker_event(s->w, &e);
}

Test(worker_marks, wait_where_the_oldest_call_began_that_goes_on)
{
    struct scene s;
    begin(&s);
    fill(&s);
    uint32_t first = spool_segment_now(s.w->spool), second;
    cr_expect_eq(s.told.media, first, "without a call it is the segment of now");
    start_call(&s, 1);
    fill(&s);
    second = spool_segment_now(s.w->spool);
    start_call(&s, 2);
    fill(&s);
    cr_expect_eq(s.told.media, first);
    end_call(&s, 1);
    worker_flush(s.w);
    tick(&s);
    cr_expect_eq(s.told.media, second, "then where the next one did");
    end_call(&s, 2);
    worker_flush(s.w);
    tick(&s);
    cr_expect_eq(s.told.media, spool_segment_now(s.w->spool));
    end(&s);
}

Test(worker_marks, wait_for_the_record_of_a_call_that_is_over)
{
    struct scene s;
    begin(&s);
    fill(&s);
    uint32_t first = spool_segment_now(s.w->spool);
    start_call(&s, 1);
    fill(&s);
    end_call(&s, 1);
    cr_assert_eq(s.told.emitted, 0, "not all of it is written");
    tick(&s);
    cr_expect_eq(s.told.emitted, 0);
    cr_expect_eq(s.told.media, first);
    worker_flush(s.w);
    cr_assert_eq(s.told.emitted, 1);
    tick(&s);
    cr_expect_gt(s.told.media, first);
    end(&s);
}
