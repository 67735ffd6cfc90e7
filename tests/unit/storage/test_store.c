/* The store's promises: every field comes back; lists filter, order and page
 * right over days; readers see what was committed, at once; a crash costs at
 * most the transaction under way. */
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/storage/record_help.h"

static char dir[HELP_DIR_SIZE];
static struct counters *counters;
static struct store *store;
static struct store_reader *reader;

static void setup(void) {
  help_store_begin(dir, &counters, &store, &reader);
}

static void teardown(void) {
  help_store_end(dir, counters, store, reader);
}

TestSuite(store, .init = setup, .fini = teardown, .timeout = 60);

static void put(struct call_record *r) {
  cr_assert_eq(store_put_call(store, r), 0);
  record_free(r);
}

struct seen {
  unsigned count;
  char uid[64][40];
};

static void note(void *context, const struct call_record *r) {
  struct seen *seen = context;
  snprintf(seen->uid[seen->count++ % 64], 40, "%s", r->uid);
}

static struct seen list(const struct store_query *q, bool *more) {
  struct seen seen = {0};
  bool ignored;
  cr_assert_eq(store_calls(reader, q, note, &seen, more ? more : &ignored), 0);
  return seen;
}

Test(store, gives_back_every_field) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct call_record *r = help_record(seed), *back = NULL;
    cr_assert_eq(store_put_call(store, r), 0);
    cr_assert_eq(store_commit(store), 0);
    cr_assert_eq(store_call(reader, r->uid, &back), 0);
    const char *field = help_record_differs(r, back, true);
    cr_assert_null(field, "seed %d: %s", (int)seed, field);
    record_free(back);
    char id[40];
    snprintf(id, sizeof id, "rec-%d", (int)seed);
    cr_assert_eq(store_recording(reader, id, &back), 0);
    cr_assert_str_eq(back->uid, r->uid);
    record_free(back);
    record_free(r);
  }
}

Test(store, gives_back_an_empty_record) {
  struct call_record *r = record_new(), *back;
  snprintf(r->uid, sizeof r->uid, "x");
  r->started_us = HELP_T0_US;
  cr_assert_eq(store_put_call(store, r), 0);
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(store_call(reader, "x", &back), 0);
  cr_assert_null(help_record_differs(r, back, true));
  cr_assert_eq(store_call(reader, "y", &back), ERR_NOT_FOUND);
  record_free(back);
  record_free(r);
}

Test(store, lists_an_ended_call_as_soon_as_it_is_committed) {
  struct store_query q;
  store_query_defaults(&q);
  put(help_call(1, HELP_T0_US));
  cr_assert_eq(list(&q, NULL).count, 0);
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(list(&q, NULL).count, 1);
}

Test(store, a_row_written_again_replaces_the_one_before) {
  struct call_record *r = help_record(5), *back;
  struct store_query q;

  store_query_defaults(&q);
  r->state = "answered";
  r->outcome = NULL;
  r->end_reason = NULL;
  cr_assert_eq(store_put_call(store, r), 0);
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(list(&q, NULL).count, 0); /* goes on: not listed */
  r->state = "ended";
  r->outcome = "answered";
  r->stream_count = 1;
  cr_assert_eq(store_put_call(store, r), 0);
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(list(&q, NULL).count, 1);
  cr_assert_eq(store_call(reader, r->uid, &back), 0);
  cr_assert_eq(back->stream_count, 1);
  cr_assert_null(help_record_differs(r, back, true));
  record_free(back);
  record_free(r);
}

/* Also what indices are over. */
Test(store, a_row_written_again_is_found_by_its_new_names) {
  struct call_record *r = help_record(5);
  struct store_query old, new;

  store_query_defaults(&old);
  store_query_defaults(&new);
  old.call_id[0] = "before@example";
  new.call_id[0] = "behind@example";
  r->call_id = slice_str(old.call_id[0]);
  cr_assert_eq(store_put_call(store, r), 0);
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(list(&old, NULL).count, 1);
  r->call_id = slice_str(new.call_id[0]);
  cr_assert_eq(store_put_call(store, r), 0);
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(list(&old, NULL).count, 0);
  cr_assert_eq(list(&new, NULL).count, 1);
  record_free(r);
}

Test(store, a_recording_changes_its_columns_only) {
  struct call_record *r = help_record(6), *other = help_record(7), *back;

  cr_assert_eq(store_put_call(store, r), 0);
  cr_assert_eq(store_commit(store), 0);
  r->recording = other->recording;
  r->recording.state = "ready";
  cr_assert_eq(store_put_recording(store, r->uid, r->started_us, &r->recording),
               0);
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(store_recording(reader, "rec-7", &back), 0);
  cr_assert_null(help_record_differs(r, back, true));
  record_free(back);
  cr_assert_eq(store_recording(reader, "rec-6", &back), ERR_NOT_FOUND);
  record_free(other);
  record_free(r);
}

/* ---- filters ---- */

#define HOUR_US INT64_C(3600000000)

/* Number 3 is the odd one in every respect. */
static void make_odd(struct call_record *r) {
  r->outcome = "busy";
  r->sip_code = 486;
  r->q850_cause = 17;
  r->mos_scale = "WB";
  r->one_way = r->no_rtp = r->partial = true;
  r->streams->srtp = true;
  r->streams->codec = help_text(r->arena, "opus");
  r->streams->dst.addr =
      (struct addr){.high = UINT64_C(0x20010db800000000), .low = 1};
  r->user_agent = help_text(r->arena, "PBX 100 real");
  snprintf(r->recording.id, sizeof r->recording.id, "rec");
  r->recording.state = "ready";
}

/* Ten calls an hour apart, over midnight, and an orphan. */
static void put_ten(void) {
  for (unsigned n = 0; n < 10; n++) {
    struct call_record *r =
        help_call(n, HELP_T0_US + 6 * HOUR_US + n * HOUR_US);
    r->mos_min = 4.0 - 0.1 * n;
    r->r_fb_min = 90 - n;
    r->mos_scale = "NB";
    r->loss_ratio = 0.001 * n;
    r->jitter_ms_max = n;
    r->codec = help_text(r->arena, "PCMA");
    r->user_agent = help_text(r->arena, "phone/1.0 100%_real");
    r->duration_ms = 1000 * (int64_t)n;
    r->stream_count = 1;
    r->streams = arena_alloc(r->arena, sizeof *r->streams);
    record_stream_init(r->streams);
    r->streams->src =
        (struct endpoint){.addr = addr_v4(0xc0000200 + n), .port = 4000};
    r->streams->codec = help_text(r->arena, "PCMA");
    if (n == 3)
      make_odd(r);
    if (n == 4)
      r->recording.state = "deleted";
    put(r);
  }
  struct call_record *orphan = help_call(100, HELP_T0_US + 1);
  orphan->kind = "orphan";
  orphan->outcome = NULL;
  put(orphan);
  cr_assert_eq(store_commit(store), 0);
}

/* A case names only what it asks for; the rest is store_query_defaults(). */
#pragma GCC diagnostic ignored "-Woverride-init"
#define Q(...)                                                                 \
  {                                                                            \
    .kind = "call", .duration_ms_gte = -1, .duration_ms_lte = -1,              \
    .mos_min_lte = NAN, .r_fb_min_lte = NAN, .loss_ratio_gte = NAN,            \
    .jitter_ms_gte = NAN, .one_way = -1, .no_rtp = -1, .has_recording = -1,    \
    .encrypted = -1, .partial = -1, .limit = 100, __VA_ARGS__                  \
  }
#define T_FROM (HELP_T0_US + 9 * HOUR_US)
#define T_TO (HELP_T0_US + 10 * HOUR_US)

static const struct {
  const char *what;
  unsigned count;
  struct store_query q;
} FILTER_CASES[] = {
    {"all", 10, Q(.limit = 100)},
    {"orphans", 1, Q(.kind = "orphan")},
    {"from", 7, Q(.from_us = T_FROM)},
    {"to, exclusive", 3, Q(.to_us = T_FROM)},
    {"from and to", 1, Q(.from_us = T_FROM, .to_us = T_TO)},
    {"call id", 1, Q(.call_id = {"call-3@example"})},
    {"two call ids", 2, Q(.call_id = {"call-3@example", "call-5@example"})},
    {"call ids have case", 0, Q(.call_id = {"CALL-3@example"})},
    {"from user", 1, Q(.from_user = {"+43103"})},
    {"to user", 1, Q(.to_user = {"+49203"})},
    {"wrong side", 0, Q(.to_user = {"+43103"})},
    {"number, either side", 2, Q(.number = {"+43103", "+49204"})},
    {"prefix", 10, Q(.number_prefix = "+4310")},
    {"prefix of the other side", 1, Q(.number_prefix = "+49207")},
    {"a prefix is no pattern", 0, Q(.number_prefix = "%")},
    {"signalling address", 1, Q(.ip = {"10.0.0.4"})},
    {"media address", 1, Q(.ip = {"192.0.2.3"})},
    {"IPv6 in another form", 1, Q(.ip = {"2001:DB8:0:0::1"})},
    {"two addresses", 2, Q(.ip = {"10.1.0.1", "192.0.2.9"})},
    {"no address", 0, Q(.ip = {"' OR 1=1 --"})},
    {"outcome", 1, Q(.outcome = {"busy"})},
    {"two outcomes", 10, Q(.outcome = {"busy", "answered"})},
    {"codec of a stream", 1, Q(.codec = {"OPUS"})},
    {"codec", 10, Q(.codec = {"PCMA"})},
    {"code", 1, Q(.sip_code = {486})},
    {"codes", 10, Q(.sip_code = {486, 200})},
    {"cause", 1, Q(.q850 = {17})},
    {"at least that long", 4, Q(.duration_ms_gte = 6000)},
    {"at most that long", 4, Q(.duration_ms_lte = 3000)},
    {"MOS", 3, Q(.mos_min_lte = 3.35)},
    {"MOS of a scale", 1, Q(.mos_min_lte = 3.75, .mos_scale = "WB")},
    {"comparison score", 2, Q(.r_fb_min_lte = 82)},
    {"loss", 2, Q(.loss_ratio_gte = 0.0075)},
    {"jitter", 1, Q(.jitter_ms_gte = 9)},
    {"one way", 1, Q(.one_way = 1)},
    {"not one way", 9, Q(.one_way = 0)},
    {"no rtp", 1, Q(.no_rtp = 1)},
    {"recorded", 1, Q(.has_recording = 1)},
    {"not recorded", 9, Q(.has_recording = 0)},
    {"encrypted", 1, Q(.encrypted = 1)},
    {"partial", 1, Q(.partial = 1)},
    {"user agent", 9, Q(.user_agent_contains = "PHONE")},
    {"wildcards are text", 9, Q(.user_agent_contains = "100%_real")},
    {"text in call id", 1, Q(.text = "call-7@")},
    {"text in number", 1, Q(.text = "49208")},
    {"and", 1,
     Q(.outcome = {"answered"}, .number_prefix = "+4310", .jitter_ms_gte = 9)},
    {"and none", 0, Q(.outcome = {"busy"}, .jitter_ms_gte = 9)},
    {"a number limit", 10, Q(.only_prefix = {"+4310"})},
    {"what is asked for is no limit", 0, Q(.uid = {"x", "y", "+4310", "+4920"}, .only_prefix = {"+99"})},
};

Test(store, filters_pick_the_right_calls) {
  put_ten();
  for (size_t i = 0; i < sizeof FILTER_CASES / sizeof *FILTER_CASES; i++) {
    const struct store_query *q = &FILTER_CASES[i].q;
    uint64_t count = 99;
    unsigned listed = list(q, NULL).count;
    cr_expect_eq(listed, FILTER_CASES[i].count, "%s: %u", FILTER_CASES[i].what,
                 listed);
    cr_assert_eq(store_count(reader, q, &count), 0);
    cr_expect_eq(count, FILTER_CASES[i].count, "count: %s",
                 FILTER_CASES[i].what);
  }
}

/* ---- order and pages ---- */

#define PAGED 300

struct page {
  struct store_query *q;
  unsigned count;
  double value;
  int64_t started_us;
  char uid[40];
  char all[PAGED + 100][40];
};

static void note_page(void *context, const struct call_record *r) {
  struct page *p = context;
  bool by_mos = p->q->order == STORE_MOS_MIN;
  cr_assert_lt(p->count, PAGED + 100);
  snprintf(p->all[p->count++], 40, "%s", r->uid);
  snprintf(p->uid, sizeof p->uid, "%s", r->uid);
  p->started_us = r->started_us;
  p->value = by_mos               ? r->mos_min
             : r->duration_ms < 0 ? NAN
                                  : (double)r->duration_ms;
}

/* All calls of the query through pages of `limit`. */
static void walk(struct store_query *q, unsigned limit, struct page *p) {
  bool more = true;
  memset(p, 0, sizeof *p);
  p->q = q;
  q->limit = limit;
  q->after_uid[0] = '\0';
  for (unsigned pages = 0; more && pages < 500; pages++) {
    unsigned before = p->count;
    cr_assert_eq(store_calls(reader, q, note_page, p, &more), 0);
    cr_assert(p->count - before == limit || !more);
    snprintf(q->after_uid, sizeof q->after_uid, "%s", p->uid);
    q->after_us = p->started_us;
    q->after_value = p->value;
  }
}

/* More days than connections stay open, equal times, equal and missing values.
 */
static void put_many(void) {
  struct help_random rnd = {3};
  for (unsigned n = 0; n < PAGED; n++) {
    int64_t day = (int64_t)help_below(&rnd, 12),
            ms = (int64_t)help_below(&rnd, 5);
    struct call_record *r =
        help_call(n, HELP_T0_US + day * HELP_DAY_US + ms * 1000);
    r->mos_min = help_below(&rnd, 4) ? (double)help_below(&rnd, 20) / 5 : NAN;
    r->duration_ms = help_below(&rnd, 4) ? (int64_t)help_below(&rnd, 30) : -1;
    put(r);
  }
  cr_assert_eq(store_commit(store), 0);
}

Test(store, pages_of_any_size_give_the_same_list) {
  static const unsigned SIZES[] = {1, 7, 50, PAGED - 1, PAGED};
  static struct page whole, paged;
  struct store_query q;

  put_many();
  for (int order = STORE_NEWEST; order <= STORE_LONGEST; order++) {
    store_query_defaults(&q);
    q.order = (enum store_order)order;
    walk(&q, 1000, &whole);
    cr_assert_eq(whole.count, PAGED);
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
      walk(&q, SIZES[i], &paged);
      cr_assert_eq(paged.count, PAGED, "order %d size %u", order, SIZES[i]);
      cr_assert_eq(memcmp(paged.all, whole.all, sizeof whole.all), 0);
    }
  }
}

struct sorted {
  enum store_order order;
  double value;
  unsigned count;
};

static double order_value(enum store_order order, const struct call_record *r) {
  switch (order) {
  case STORE_NEWEST:
    return -(double)r->started_us;
  case STORE_OLDEST:
    return (double)r->started_us;
  case STORE_MOS_MIN:
    return isnan(r->mos_min) ? 99 : r->mos_min;
  case STORE_LONGEST:
    return r->duration_ms < 0 ? 1e9 : -(double)r->duration_ms;
  case STORE_DURATION:
  default:
    return r->duration_ms < 0 ? 1e9 : (double)r->duration_ms;
  }
}

static void note_sorted(void *context, const struct call_record *r) {
  struct sorted *s = context;
  double value = order_value(s->order, r);
  cr_assert_geq(value, s->value);
  s->value = value;
  s->count++;
}

Test(store, lists_are_in_order) {
  struct store_query q;
  bool more;

  put_many();
  for (int order = STORE_NEWEST; order <= STORE_LONGEST; order++) {
    struct sorted s = {.order = (enum store_order)order, .value = -1e300};
    store_query_defaults(&q);
    q.order = s.order;
    cr_assert_eq(store_calls(reader, &q, note_sorted, &s, &more), 0);
    cr_assert(more && s.count == 100);
  }
}

/* Of hours, along the index of scores; and the same by looking at all. */
Test(store, the_worst_of_a_span_are_the_worst_of_all_that_lie_in_it) {
  static struct page whole, span;
  struct store_query q;
  int64_t from_us = HELP_T0_US - 2 * HOUR_US, to_us = HELP_T0_US + 2000;
  unsigned expected = 0;

  put_many();
  store_query_defaults(&q);
  q.order = STORE_MOS_MIN;
  q.from_us = from_us;
  q.to_us = to_us;
  walk(&q, 7, &span);
  q.from_us = HELP_T0_US - 1; /* too short for that index */
  walk(&q, 1000, &whole);
  cr_assert_gt(whole.count, 3);
  cr_assert_eq(span.count, whole.count);
  cr_assert_eq(memcmp(span.all, whole.all, sizeof whole.all), 0);
  q.from_us = q.to_us = 0;
  walk(&q, 1000, &whole);
  for (unsigned i = 0; i < whole.count; i++)
    if (expected < span.count && strcmp(whole.all[i], span.all[expected]) == 0)
      expected++;
  cr_assert_eq(expected, span.count, "another order: %u of %u", expected, span.count);
}

/* Few are looked up, many are met on the way. */
Test(store, a_prefix_finds_the_same_whether_few_or_many_have_it) {
  struct store_query q;
  uint64_t count;

  for (unsigned n = 0; n < 2500; n++) {
    struct call_record *r = help_call(n, HELP_T0_US + n * 1000);
    char text[24];
    snprintf(text, sizeof text, n % 2 ? "+4320%04u" : "+1%04u", n);
    r->from.user = help_text(r->arena, text);
    r->to.user = help_text(r->arena, n % 500 ? "100" : "+4320");
    r->identity.caller.number = r->identity.callee.number = slice_none();
    put(r);
  }
  cr_assert_eq(store_commit(store), 0);
  store_query_defaults(&q);
  q.number_prefix = "+4320";
  cr_assert_eq(store_count(reader, &q, &count), 0);
  cr_assert_eq(count, 1255, "few: %lu", (unsigned long)count); /* half, and five called so */
  q.number_prefix = "+43200001";
  cr_assert_eq(store_count(reader, &q, &count), 0);
  cr_assert_eq(count, 1);
  q.number_prefix = "1";
  cr_assert_eq(store_count(reader, &q, &count), 0);
  cr_assert_eq(count, 2495, "many: %lu", (unsigned long)count);
}

static uint64_t estimate(struct store_query *q, bool expect_exact) {
  uint64_t count = 0;
  bool exact;
  cr_assert_eq(store_estimate(reader, q, &count, &exact), 0);
  cr_assert_eq(exact, expect_exact);
  return count;
}

static void put_day(unsigned day, unsigned calls, unsigned *n) {
  for (unsigned i = 0; i < calls; i++, ++*n) {
    struct call_record *r = help_call(*n, HELP_T0_US + day * INT64_C(86400000000) + i * 1000);
    r->outcome = i % 5 == 0 ? "busy" : "answered";
    put(r);
  }
  cr_assert_eq(store_commit(store), 0);
}

/* 40 days are more than it looks at, and 100 calls more than it looks at of one. */
Test(store, an_estimate_is_the_share_of_a_sample_and_exact_where_there_are_few) {
  struct store_query q, busy;
  unsigned n = 0;
  store_query_defaults(&q);
  cr_assert_eq(estimate(&q, true), 0, "nothing at all");
  for (unsigned day = 0; day < 20; day++)
    put_day(day, 100, &n);
  busy = q;
  busy.outcome[0] = "busy";
  cr_assert_eq(estimate(&q, true), 2000);
  cr_assert_eq(estimate(&busy, true), 400);
  for (unsigned day = 20; day < 40; day++)
    put_day(day, 150, &n);
  uint64_t all = estimate(&q, false), some = estimate(&busy, false);
  cr_assert(all > 4500 && all < 5500, "about 5000: %lu", (unsigned long)all);
  cr_assert(some > 850 && some < 1150, "about 1000: %lu", (unsigned long)some);
  q.outcome[0] = "lost";
  cr_assert_eq(estimate(&q, false), 0, "what nobody has is in no sample");
}

/* One day with more than are counted. */
Test(store, an_estimate_of_a_large_day_knows_times_and_limits) {
  struct store_query q;
  unsigned n = 0;
  put_day(0, STORE_ESTIMATE_EXACT + 4000, &n);
  store_query_defaults(&q);
  uint64_t all = estimate(&q, false);
  cr_assert(all > 23000 && all < 25000, "about 24000: %lu", (unsigned long)all);
  q.only_trunk[0] = "none";
  cr_assert_eq(estimate(&q, true), 0, "who has a limit learns nothing of how many others began");
  q.only_trunk[0] = "little";
  for (unsigned i = 0; i < 137; i++, n++) {
    struct call_record *r = help_call(n, HELP_T0_US + 40000000 + i);
    r->trunk = slice_str("little");
    put(r);
  }
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(estimate(&q, true), 137);
  q.only_trunk[0] = NULL;
  q.to_us = HELP_T0_US + (STORE_ESTIMATE_EXACT + 2000) * INT64_C(1000);
  all = estimate(&q, false);
  cr_assert(all > 21000 && all < 23000, "about 22000: %lu", (unsigned long)all);
  q.to_us = HELP_T0_US + 6000 * INT64_C(1000);
  cr_assert_eq(estimate(&q, true), 6000);
}

Test(store, calls_are_whole_once_their_last_row_is_there) {
  struct call_record *whole = help_call(1, HELP_T0_US), *early = help_call(2, HELP_T0_US);
  struct store_asked_whole asked[5] = {{.about_us = HELP_T0_US},
                                       {.about_us = HELP_T0_US + HELP_DAY_US},
                                       {.uid = "nobody", .about_us = HELP_T0_US},
                                       {.uid = "nobody", .about_us = HELP_T0_US - 3 * HELP_DAY_US},
                                       {.uid = "nobody", .about_us = HELP_T0_US - 1 * HELP_DAY_US}};
  whole->state = early->state = "ended";
  whole->chain_count = 1;
  whole->chains = arena_alloc(whole->arena, sizeof *whole->chains);
  whole->chains[0] = (struct record_chain){.packets = 3};
  early->chain_count = 0;
  snprintf(asked[0].uid, 40, "%s", early->uid);
  snprintf(asked[1].uid, 40, "%s", whole->uid); /* begun on another day than its first packet says */
  put(whole);
  put(early);
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(store_calls_whole(reader, asked, 5, HELP_T0_US - 2 * HELP_DAY_US), 0);
  cr_expect(!asked[0].whole, "it has no chains yet");
  cr_expect(asked[1].whole);
  cr_expect(!asked[2].whole, "of a day that is there");
  cr_expect(asked[3].whole, "retention took its day");
  cr_expect(!asked[4].whole, "too young for that");
}

/* ---- messages, jobs, tokens, secrets ---- */

struct messages {
  unsigned count;
  const struct record_message *expected;
};

static void note_message(void *context, const struct record_message *m) {
  struct messages *all = context;
  const struct record_message *e = &all->expected[all->count++];
  cr_assert(m->n == e->n && m->time_us == e->time_us && m->status == e->status);
  cr_assert(m->cseq == e->cseq && m->transport == e->transport);
  cr_assert(endpoint_equal(&m->src, &e->src) &&
            endpoint_equal(&m->dst, &e->dst));
  cr_assert(m->retransmission == e->retransmission && m->has_sdp == e->has_sdp);
  cr_assert(slice_equal(m->method, e->method) &&
            slice_equal(m->reason_phrase, e->reason_phrase));
  cr_assert(slice_equal(m->raw, e->raw));
  cr_assert(m->party == e->party && m->vlan_outer == e->vlan_outer &&
            m->vlan_inner == e->vlan_inner);
}

Test(store, gives_back_messages_byte_for_byte) {
  uint8_t raw[3000];
  struct help_random rnd = {8};
  struct record_message m[40];
  struct messages seen = {.expected = m};

  for (size_t i = 0; i < sizeof raw; i++)
    raw[i] = (uint8_t)help_next(&rnd);
  for (uint32_t i = 0; i < 40; i++)
    m[i] = (struct record_message){
        .n = i + 1,
        .time_us = HELP_T0_US + i,
        .src = {.addr = addr_v4(i), .port = 5060},
        .dst = {.addr = {1, i}, .port = 5061, .space = 7},
        .transport = record_text(i % 2 ? "udp" : "tcp"),
        .method = slice_str("INVITE"),
        .status = (uint16_t)(i * 17),
        .reason_phrase = slice_of(raw + i, 9),
        .cseq = i * 1000003,
        .retransmission = i % 3 == 0,
        .has_sdp = i % 3 == 1,
        .raw = slice_of(raw, 70 * i),
        .party = record_text(i % 2 ? "caller" : "unknown"),
        .vlan_outer = (uint16_t)(i * 100),
        .vlan_inner = (uint16_t)(i * 101)};
  cr_assert_eq(store_put_messages(store, "a", HELP_T0_US, m, 7), 0);
  cr_assert_eq(store_put_messages(store, "a", HELP_T0_US, m, 40), 0);
  cr_assert_eq(store_put_messages(store, "b", HELP_T0_US - HELP_DAY_US, m, 1),
               0);
  cr_assert_eq(store_commit(store), 0);
  struct call_record call = {.uid = "a", .started_us = HELP_T0_US};
  cr_assert_eq(store_messages(reader, &call, note_message, &seen), 0);
  cr_assert_eq(seen.count, 40);
  call.started_us = HELP_T0_US - HELP_DAY_US;
  cr_assert_eq(store_messages(reader, &call, note_message, &seen), ERR_NOT_FOUND);
  seen.count = 0;
  call.uid[0] = 'b';
  cr_assert_eq(store_messages(reader, &call, note_message, &seen), 0);
  cr_assert_eq(seen.count, 1);
  call.uid[0] = 'c';
  cr_assert_eq(store_messages(reader, &call, note_message, &seen), ERR_NOT_FOUND);
}

struct jobs {
  unsigned count;
  struct store_job job[8];
};

static void note_job(void *context, const struct store_job *job) {
  struct jobs *all = context;
  all->job[all->count++] = *job;
}

static struct jobs jobs_now(void) {
  struct jobs all = {0};
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(store_jobs(reader, note_job, &all), 0);
  return all;
}

static unsigned keys_of(const char *uid) {
  struct arena *arena = arena_new(4096, 4096);
  struct call_record r = {.arena = arena};
  snprintf(r.uid, sizeof r.uid, "%s", uid);
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(store_media_keys(reader, &r), 0);
  unsigned count = r.secrets.count;
  arena_free(arena);
  return count;
}

Test(store, keys_stay_while_a_job_of_their_call_needs_them) {
  static const char *const KINDS[] = {"render", "tracks", "on_demand"};
  struct media_key key = {.cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 16};
  const struct record_secrets keys = {.count = 1, .items = &key};
  for (unsigned k = 0; k < 3; k++) {
    cr_assert_eq(store_put_media_keys(store, "a", HELP_T0_US, &keys), 0);
    cr_assert_eq(store_put_job(store, KINDS[k], "a", HELP_T0_US), 0);
    cr_assert_eq(store_end_media_keys(store, "a"), 0);
    cr_assert_eq(keys_of("a"), 1, "%s", KINDS[k]);
    cr_assert_eq(store_end_job_for(store, KINDS[k], "a"), 0);
    cr_assert_eq(store_end_media_keys(store, "a"), 0);
    cr_assert_eq(keys_of("a"), 0, "%s", KINDS[k]);
  }
  cr_assert_eq(store_put_media_keys(store, "a", HELP_T0_US, &keys), 0);
  cr_assert_eq(store_put_job(store, "delete", "a", HELP_T0_US), 0);
  cr_assert_eq(store_end_media_keys(store, "a"), 0);
  cr_assert_eq(keys_of("a"), 0, "that its files go needs none");
}

Test(store, jobs_wait_until_they_are_done) {
  cr_assert_eq(store_put_job(store, "render", "a", 5), 0);
  cr_assert_eq(store_put_job(store, "render", "b", 6), 0);
  cr_assert_eq(store_put_job(store, "render", "a", 5), 0);
  struct jobs all = jobs_now();
  cr_assert_eq(all.count, 2);
  cr_assert_str_eq(all.job[0].kind, "render");
  cr_assert_str_eq(all.job[0].uid, "a");
  cr_assert(all.job[0].started_us == 5);
  cr_assert_str_eq(all.job[1].uid, "b");
  cr_assert_eq(store_end_job_for(store, "tracks", "a"), 0);
  cr_assert_eq(store_end_job_for(store, "render", "b"), 0);
  all = jobs_now();
  cr_assert_eq(all.count, 1);
  cr_assert_str_eq(all.job[0].uid, "a");
  cr_assert_eq(store_end_job_for(store, "render", "a"), 0);
  cr_assert_eq(jobs_now().count, 0);
}

/* Files are committed one by one; here those of the day cannot be, as when a crash comes between. */
Test(store, a_job_outlives_the_commit_that_would_end_it) {
  struct rlimit all, little = {.rlim_cur = 128 << 10};
  cr_assert_eq(store_put_job(store, "render", "a", 5), 0);
  cr_assert_eq(jobs_now().count, 1);
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &all);
  little.rlim_max = all.rlim_max;
  for (uint64_t seed = 1; seed <= 200; seed++)
    put(help_record(seed));
  cr_assert_eq(store_end_job_for(store, "render", "a"), 0);
  setrlimit(RLIMIT_FSIZE, &little);
  cr_assert_neq(store_commit(store), 0, "the day must not fit");
  setrlimit(RLIMIT_FSIZE, &all);
  cr_assert_eq(jobs_now().count, 1, "what was to be done is forgotten, and not done");
  cr_assert_eq(store_end_job_for(store, "render", "a"), 0);
  cr_assert_eq(store_put_job(store, "render", "a", 5), 0);
  cr_assert_eq(jobs_now().count, 1, "wanted again");
}

Test(store, tokens_come_back) {
  struct store_token back,
      t = {.id = "k1", .name = "ops", .role = "viewer", .created_us = 7};
  unsigned count = 9;

  t.expires_us = 9;
  memset(t.hash, 0xa5, sizeof t.hash);
  cr_assert_eq(store_token_count(reader, &count), 0);
  cr_assert_eq(count, 0);
  cr_assert_eq(store_put_token(store, &t), 0);
  t.revoked = true;
  cr_assert_eq(store_put_token(store, &t), 0);
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(store_token(reader, "k1", &back), 0);
  cr_assert_str_eq(back.id, "k1");
  cr_assert_str_eq(back.name, "ops");
  cr_assert_str_eq(back.role, "viewer");
  cr_assert(back.created_us == 7 && back.expires_us == 9 && back.revoked);
  cr_assert_arr_eq(back.hash, t.hash, 32);
  cr_assert_eq(store_token_count(reader, &count), 0);
  cr_assert_eq(count, 1);
  cr_assert_eq(store_token(reader, "k2", &back), ERR_NOT_FOUND);
}

Test(store, a_secret_is_made_once) {
  uint8_t a[32], b[32], c[32];
  struct why why;

  cr_assert_eq(store_secret(store, "id_secret", a), 0);
  cr_assert_eq(store_secret(store, "id_secret", b), 0);
  cr_assert_eq(store_secret(store, "cursor_key", c), 0);
  cr_assert_arr_eq(a, b, 32);
  cr_assert(memcmp(a, c, 32) != 0);
  store_close(store);
  cr_assert_eq(store_open(dir, counters, &store, &why), 0);
  cr_assert_eq(store_secret(store, "id_secret", b), 0);
  cr_assert_arr_eq(a, b, 32);
}

/* ---- days ---- */

static struct call_record *imported(unsigned n, int64_t started_us, const char *id, int64_t at_us) {
  struct call_record *r = help_call(n, started_us);
  snprintf(r->import.id, sizeof r->import.id, "%s", id);
  r->import.at_us = at_us;
  return r;
}

Test(store, imported_calls_are_found_by_their_import_and_by_their_source) {
  struct store_query q;

  put(help_call(1, HELP_T0_US));
  put(imported(2, HELP_T0_US + 1, "a", HELP_T0_US + 9));
  put(imported(3, HELP_T0_US + 3 * HELP_DAY_US, "a", HELP_T0_US + 9));
  put(imported(4, HELP_T0_US + 2, "b", HELP_T0_US + 9));
  cr_assert_eq(store_commit(store), 0);
  store_query_defaults(&q);
  cr_expect_eq(list(&q, NULL).count, 4);
  q.import_id[0] = "a";
  cr_expect_eq(list(&q, NULL).count, 2);
  q.import_id[1] = "b";
  cr_expect_eq(list(&q, NULL).count, 3);
  store_query_defaults(&q);
  q.source = "import";
  cr_expect_eq(list(&q, NULL).count, 3);
  q.source = "capture";
  cr_expect_eq(list(&q, NULL).count, 1);
}

Test(store, a_day_stays_for_calls_that_were_imported_lately_and_for_nothing_else) {
  int64_t before = HELP_T0_US + 2 * HELP_DAY_US, lately = HELP_T0_US + 90 * HELP_DAY_US, when = 1;
  struct store_query q;
  bool captured = false;

  put(help_call(1, HELP_T0_US));
  put(imported(2, HELP_T0_US + 1, "a", lately));
  put(help_call(3, HELP_T0_US + 3 * HELP_DAY_US));
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(store_day_content(reader, "20260101", &when, &captured), ERR_NOT_FOUND);
  cr_expect_eq(help_drop_days(store, before, 0, lately - 1), 0);
  store_query_defaults(&q);
  cr_expect_eq(list(&q, NULL).count, 2, "the one that was captured has gone");
  q.import_id[0] = "a";
  cr_expect_eq(list(&q, NULL).count, 1);
  cr_expect_eq(help_drop_days(store, before, 0, lately + 1), 1);
  cr_expect_eq(list(&q, NULL).count, 0);
}

static unsigned number_of(const char *sql) {
  char path[128];
  sqlite3 *db;
  sqlite3_stmt *statement;
  snprintf(path, sizeof path, "%s/db/calls-20261121.db", dir);
  cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
  cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
  cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
  unsigned rows = (unsigned)sqlite3_column_int(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return rows;
}

/* Each time a few calls, so that nobody waits long for the writer; whatever ends it in between, it can be begun again. */
Test(store, what_was_captured_goes_from_a_day_in_pieces) {
  enum { CALLS = 9 };
  int64_t lately = HELP_T0_US + 90 * HELP_DAY_US;
  const struct record_tags tags = {.count = 1, .tag = {{.key = "k", .value = "v"}}};
  struct store_day_drop d = {.day_us = HELP_T0_US, .imported_since_us = lately, .calls = 2};
  for (unsigned n = 0; n < CALLS; n++) {
    struct call_record *r = n % 3 == 2 ? imported(n, HELP_T0_US + n, "a", lately) : help_record(n);
    if (n % 3 < 2)
      r->import = (struct record_import){0};
    r->started_us = HELP_T0_US + n;
    cr_assert_eq(store_put_tags(store, r->uid, r->started_us, &tags), 0);
    put(r);
  }
  cr_assert_eq(store_put_tags(store, "nobody", HELP_T0_US, &tags), 0);
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(store_drop_day(store, &d), 0);
  cr_expect(d.more && d.stays && !d.gone);
  cr_expect_eq(number_of("SELECT count(*) FROM calls"), CALLS - 2, "two of them, the third stays");
  cr_expect_eq(number_of("SELECT count(*) FROM tags"), CALLS + 1 - 2);
  cr_expect_eq(number_of("SELECT count(*) FROM streams WHERE id / 4096 NOT IN (SELECT id FROM calls)"), 0);
  d = (struct store_day_drop){.day_us = HELP_T0_US, .imported_since_us = lately, .calls = 4}; /* begun anew */
  unsigned pieces = 0;
  do {
    cr_assert_eq(store_drop_day(store, &d), 0);
    pieces++;
  } while (d.more);
  cr_expect_eq(pieces, 3, "%u pieces", pieces);
  cr_expect_eq(number_of("SELECT count(*) FROM calls WHERE import_id = 'a'"), CALLS / 3);
  cr_expect_eq(number_of("SELECT count(*) FROM calls"), CALLS / 3);
  cr_expect_eq(number_of("SELECT count(*) FROM tags"), CALLS / 3, "nor those of nobody");
  cr_expect_eq(number_of("SELECT count(*) FROM streams WHERE id / 4096 NOT IN (SELECT id FROM calls)"), 0);
}

Test(store, days_are_dropped_whole_and_readers_notice) {
  struct record_message m = {.n = 1, .transport = "udp", .raw = slice_str("x")};
  int64_t calls_before = HELP_T0_US + 5 * HELP_DAY_US;
  struct call_record *back;
  struct store_query q;

  store_query_defaults(&q);
  for (unsigned n = 0; n < 20; n++) {
    struct call_record *r = help_call(n, HELP_T0_US + n * HELP_DAY_US);
    cr_assert_eq(store_put_messages(store, r->uid, r->started_us, &m, 1), 0);
    put(r);
  }
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(list(&q, NULL).count, 20);
  cr_assert_eq(
      help_drop_days(store, calls_before, calls_before + 5 * HELP_DAY_US, 0), 15);
  cr_assert_eq(list(&q, NULL).count, 15);
  cr_assert_eq(
      store_call(reader, "00000000-0000-8000-8000-000000000004", &back),
      ERR_NOT_FOUND);
  cr_assert_eq(
      store_call(reader, "00000000-0000-8000-8000-000000000005", &back), 0);
  record_free(back);
  /* The same day comes again: a new file under an old name. */
  put(help_call(77, HELP_T0_US));
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(list(&q, NULL).count, 16);
}

Test(store, files_belong_to_us_alone) {
  static const struct {
    const char *name;
    unsigned mode;
  } CASES[] = {{"db", 0700},
               {"db/earshot.db", 0600},
               {"db/calls-20261121.db", 0600},
               {"db/calls-20261121.db-wal", 0600}};
  char path[128];
  struct stat st;

  put(help_call(1, HELP_T0_US));
  cr_assert_eq(store_commit(store), 0);
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    snprintf(path, sizeof path, "%s/%s", dir, CASES[i].name);
    cr_assert_eq(stat(path, &st), 0, "%s", path);
    cr_assert_eq(st.st_mode & 0777, CASES[i].mode, "%s", path);
  }
}

Test(store, calls_that_a_crash_left_open_are_ended) {
  struct call_record *r = help_call(1, HELP_T0_US), *back;
  unsigned count = 0;

  r->state = "answered";
  r->outcome = r->end_reason = NULL;
  r->ended_us = 0;
  r->duration_ms = -1;
  r->stream_count = 1;
  r->streams = arena_alloc(r->arena, sizeof *r->streams);
  record_stream_init(r->streams);
  r->streams->last_us = r->answered_us + 5000000;
  cr_assert_eq(store_put_call(store, r), 0);
  put(help_call(2, HELP_T0_US));
  cr_assert_eq(store_commit(store), 0);
  cr_assert_eq(store_end_open_calls(store, &count), 0);
  cr_assert_eq(count, 1);
  cr_assert_eq(store_call(reader, r->uid, &back), 0);
  cr_assert_str_eq(back->state, "ended");
  cr_assert_str_eq(back->end_reason, "restart");
  cr_assert_str_eq(back->outcome, "answered");
  cr_assert(back->partial && back->duration_ms == 5000);
  cr_assert_eq(back->ended_us, r->streams->last_us);
  record_free(back);
  record_free(r);
  cr_assert_eq(store_end_open_calls(store, &count), 0);
  cr_assert_eq(count, 0);
}
