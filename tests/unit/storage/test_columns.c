/* What is held in memory for lists leaves nothing out: whatever was put, changed, rolled back or deleted, a reader that has it
 * says what a reader without it says, over many questions. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "storage/store_columns.h"
#include "storage/store_db.h"
#include "tests/unit/storage/record_help.h"

#define QUESTIONS 30
#define CALLS     9000 /* of two days: more than a few, in many blocks */

static uint64_t state;
static unsigned below(unsigned n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}
static bool one_in(unsigned n)
{
    return below(n) == 0;
}

static const char *const OUTCOMES[] = {"answered", "busy", "failed", "no_answer"};
static const char *const AGENTS[] = {"Acme PBX 1", "Acme PBX 2", "Other/7", "a telephone whose name is longer than anything that is kept of a name, and "
                                                                           "that is found all the same, as one whose name is not known"};
static const char *const SCALES[] = {"NB", "WB"};

static const char *const CODECS[] = {"PCMU", "opus", "a,name,with,commas"};

static struct addr address(unsigned n)
{
    char text[24];
    struct addr a;
    snprintf(text, sizeof text, "10.9.%u.%u", n / 250, n % 250);
    cr_assert(addr_parse(slice_str(text), &a));
    return a;
}

static struct call_record *random_call(unsigned n)
{
    struct call_record *r = help_call(n, HELP_T0_US + (n % 2 ? HELP_DAY_US : 0) + (int64_t)below(7200) * 1000000);
    r->started_us = HELP_T0_US + (n % 2 ? HELP_DAY_US : 0) + (int64_t)(n / 2) * 1000003; /* stays */
    r->state = one_in(40) ? "answered" : "ended";
    r->kind = one_in(50) ? "orphan" : "call";
    r->outcome = OUTCOMES[below(4)];
    r->direction = one_in(2) ? "in" : "out";
    r->sip_code = one_in(3) ? 486 : 200;
    r->duration_ms = one_in(10) ? -1 : (int64_t)below(900);
    r->mos_min = one_in(5) ? NAN : 1 + below(3500) / 1000.0;
    r->mos_scale = isnan(r->mos_min) ? NULL : SCALES[below(2)];
    r->r_fb_min = one_in(5) ? NAN : below(1000) / 10.0;
    r->loss_ratio = one_in(5) ? NAN : below(300) / 1000.0;
    r->jitter_ms_max = one_in(5) ? NAN : below(800) / 10.0;
    r->one_way = one_in(100);
    r->partial = one_in(30);
    r->stream_count = one_in(20) ? 7 : below(3);
    r->streams = arena_alloc(r->arena, 7 * sizeof *r->streams);
    for (uint32_t i = 0; i < r->stream_count; i++) {
        record_stream_init(&r->streams[i]);
        r->streams[i].src.addr = address(below(300));
        r->streams[i].dst.addr = address(below(300));
        r->streams[i].codec = help_text(r->arena, CODECS[below(3)]);
    }
    if (n > 300 && n % 5 == 0 && n < CALLS - 2000) { /* they stay when what was captured goes */
        strcpy(r->import.id, "import");
        r->import.at_us = 5;
    }
    r->user_agent = help_text(r->arena, AGENTS[below(4)]);
    return r;
}

static void random_question(struct store_query *q)
{
    store_query_defaults(q);
    q->limit = 1 + below(60);
    q->order = (enum store_order)below(5);
    if (one_in(4))
        q->outcome[0] = OUTCOMES[below(4)];
    if (one_in(8))
        q->outcome[1] = OUTCOMES[below(4)];
    if (one_in(6))
        q->one_way = below(2) == 0;
    if (one_in(8))
        q->encrypted = 1;
    if (one_in(8))
        q->partial = below(2) == 0;
    if (one_in(6))
        q->duration_ms_gte = below(900);
    if (one_in(6))
        q->duration_ms_lte = below(900);
    if (one_in(4))
        q->mos_min_lte = 1 + below(3500) / 1000.0;
    if (one_in(6))
        q->mos_scale = SCALES[below(2)];
    if (one_in(6))
        q->r_fb_min_lte = below(1000) / 10.0;
    if (one_in(5))
        q->loss_ratio_gte = below(300) / 1000.0;
    if (one_in(5))
        q->jitter_ms_gte = below(800) / 10.0;
    if (one_in(6))
        q->user_agent_contains = one_in(2) ? "acme pbx" : "NAME IS";
    if (one_in(8))
        q->sip_code[0] = 486;
    if (one_in(8))
        q->direction[0] = "in";
    if (one_in(10))
        q->text = "oTHer";
    if (one_in(3)) {
        q->from_us = HELP_T0_US + (int64_t)below(CALLS / 2) * 1000003;
        q->to_us = q->from_us + (int64_t)below(2000) * 1000003 + (one_in(2) ? HELP_DAY_US : 0);
    }
    static char ip[24];
    snprintf(ip, sizeof ip, "10.9.0.%u", below(250));
    if (one_in(6))
        q->ip[0] = ip;
    if (one_in(8))
        q->codec[0] = one_in(2) ? "OPUS" : "a,name,with,commas";
    q->any_kind = one_in(5);
    if (one_in(6))
        q->kind = one_in(3) ? "mgcp" : "orphan"; /* of the one there are none */
}

struct seen {
    unsigned count;
    char uid[64][40];
    double value[64];
    int64_t started_us[64];
};

static void note(void *context, const struct call_record *r)
{
    struct seen *seen = context;
    snprintf(seen->uid[seen->count], 40, "%s", r->uid);
    seen->started_us[seen->count++] = r->started_us;
}

static void compare(struct store_reader *plain, struct store_reader *fast, struct store_query *q, unsigned round)
{
    for (unsigned page = 0; page < 3; page++) {
        struct seen a = {0}, b = {0};
        bool more_a = false, more_b = false;
        cr_assert_eq(store_calls(plain, q, note, &a, &more_a), 0);
        cr_assert_eq(store_calls(fast, q, note, &b, &more_b), 0);
        cr_assert_eq(a.count, b.count, "round %u, page %u: %u and %u", round, page, a.count, b.count);
        cr_assert_eq(more_a, more_b, "round %u, page %u", round, page);
        for (unsigned i = 0; i < a.count; i++)
            cr_assert_str_eq(a.uid[i], b.uid[i], "round %u, page %u, row %u", round, page, i);
        if (!more_a || q->order > STORE_OLDEST)
            break;
        snprintf(q->after_uid, sizeof q->after_uid, "%s", a.uid[a.count - 1]);
        q->after_us = a.started_us[a.count - 1];
    }
    uint64_t count_a = 0, count_b = 0;
    q->after_uid[0] = '\0';
    cr_assert_eq(store_count(plain, q, &count_a), 0);
    cr_assert_eq(store_count(fast, q, &count_b), 0);
    cr_assert_eq(count_a, count_b, "round %u: %d and %d are counted", round, (int)count_a, (int)count_b);
}

static void put(struct store *store, unsigned n)
{
    struct call_record *r = random_call(n);
    cr_assert_eq(store_put_call(store, r), 0);
    record_free(r);
}

/* A store, a reader with what is in memory and one without. */
struct both {
    char dir[HELP_DIR_SIZE];
    struct counters *counters;
    struct columns *columns;
    struct store *store;
    struct store_reader *plain, *fast;
};

static void begin(struct both *b, uint64_t seed, size_t bytes)
{
    struct why why = {""};
    state = seed;
    crypto_start();
    help_dir_make(b->dir);
    b->counters = calloc(1, sizeof *b->counters);
    b->columns = columns_new(bytes);
    cr_assert_eq(store_open(b->dir, b->counters, &b->store, &why), 0, "%s", why.text);
    store_shares(b->store, b->columns);
    cr_assert_eq(store_reader_open(b->dir, &b->plain), 0);
    cr_assert_eq(store_reader_open(b->dir, &b->fast), 0);
    store_reader_shares(b->fast, b->columns);
}

static void end(struct both *b)
{
    store_reader_close(b->plain);
    store_reader_close(b->fast);
    store_close(b->store);
    columns_free(b->columns);
    free(b->counters);
    help_dir_remove(b->dir);
}

static void ask(struct both *b, unsigned questions, unsigned round)
{
    for (unsigned i = 0; i < questions; i++) {
        struct store_query q;
        random_question(&q);
        compare(b->plain, b->fast, &q, round);
    }
}

static void run(uint64_t seed, unsigned rounds, size_t bytes, bool held)
{
    struct both b;
    begin(&b, seed, bytes);
    for (unsigned n = 0; n < CALLS; n++)
        put(b.store, n);
    cr_assert_eq(store_commit(b.store), 0);
    for (unsigned round = 0; round < rounds; round++) {
        ask(&b, QUESTIONS, round);
        for (unsigned i = below(20) + (one_in(10) ? 2000 : 0); i > 0; i--) /* changed, and new ones */
            put(b.store, below(CALLS + 100 * round));
        cr_assert_eq(store_commit(b.store), 0);
    }
    help_drop_days(b.store, HELP_T0_US + 5 * HELP_DAY_US, 0, 1);
    cr_assert_eq(store_commit(b.store), 0);
    ask(&b, QUESTIONS, rounds);
    cr_assert_eq(columns_bytes(b.columns) > 0, held);
    cr_assert_leq(columns_bytes(b.columns), bytes);
    end(&b);
}

Test(columns, leave_nothing_out, .timeout = 300)
{
    run(1, 5, 64u << 20, true);
}

Test(columns, leave_nothing_out_where_there_is_room_for_one_of_two_days, .timeout = 300)
{
    run(2, 1, 400000, true);
}

Test(columns, without_room_lists_go_without, .timeout = 300)
{
    run(3, 1, 1000, false);
}

/* A commit that changes more blocks than are remembered one by one; one that is rolled back; a day that goes and is made again. */
Test(columns, many_changes_at_once_none_and_a_day_anew, .timeout = 300)
{
    struct both b;
    begin(&b, 4, 64u << 20);
    for (unsigned n = 1; n < 34001; n += 2) /* of one day */
        put(b.store, n);
    cr_assert_eq(store_commit(b.store), 0);
    ask(&b, 12, 0);
    for (unsigned n = 1; n < 34001; n += 100)
        put(b.store, n);
    cr_assert_eq(store_commit(b.store), 0);
    ask(&b, 12, 1);
    for (unsigned n = 1; n < 2001; n += 2)
        put(b.store, n);
    b.store->error = ERR_IO;
    cr_assert_neq(store_commit(b.store), 0);
    ask(&b, 12, 2);
    help_drop_days(b.store, HELP_T0_US + 5 * HELP_DAY_US, 0, 0);
    for (unsigned n = 1; n < 301; n += 2)
        put(b.store, n);
    cr_assert_eq(store_commit(b.store), 0);
    ask(&b, 12, 3);
    end(&b);
}

static void put_on(struct store *store, unsigned day, unsigned n)
{
    struct call_record *r = random_call(n);
    snprintf(r->uid, sizeof r->uid, "%08x-0000-8000-8000-%012x", day, n);
    r->started_us = HELP_T0_US - (int64_t)day * HELP_DAY_US + n;
    cr_assert_eq(store_put_call(store, r), 0);
    record_free(r);
}

/* More days than are remembered. */
Test(columns, of_more_days_than_there_are_places_for, .timeout = 300)
{
    struct both b;
    begin(&b, 5, 64u << 20);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned day = 0; day < 70; day++)
            for (unsigned i = 0; i < 10; i++)
                put_on(b.store, day, below(100));
        cr_assert_eq(store_commit(b.store), 0);
        ask(&b, 6, round);
        put_on(b.store, below(70), below(100));
        cr_assert_eq(store_commit(b.store), 0);
        ask(&b, 3, round);
    }
    end(&b);
}
