/* Legs of one conversation are found by each kind of evidence, and calls that only look alike are
 * not taken for one. Conversations are made here with their truth (which call is whose leg), stored
 * among thousands of others, and asked for one by one. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/correlate.h"
#include "storage/store_db.h"
#include "tests/unit/storage/record_help.h"

#define SECOND   INT64_C(1000000)
#define CHARS    24
#define LABELLED 24 /* conversations of each kind */

static char dir[HELP_DIR_SIZE];
static struct counters *counters;
static struct store *store;
static struct store_reader *reader;
static unsigned serial;

static void setup(void)
{
    help_store_begin(dir, &counters, &store, &reader);
}

static void teardown(void)
{
    help_store_end(dir, counters, store, reader);
}

TestSuite(correlate, .init = setup, .fini = teardown, .timeout = 60);

/* ---- making calls ---- */

static uint64_t state = 1;

static uint32_t rnd(uint32_t below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % below;
}

static struct slice text(struct call_record *r, const char *format, ...)
{
    char out[256];
    va_list args;
    va_start(args, format);
    vsnprintf(out, sizeof out, format, args);
    va_end(args);
    return help_text(r->arena, out);
}

static void hex(char *out, unsigned digits)
{
    for (unsigned i = 0; i < digits; i++)
        out[i] = "0123456789abcdef"[rnd(16)];
    out[digits] = '\0';
}

static void key(struct call_record *r, const char *kind, const char *name, struct slice value)
{
    if (r->keys == NULL)
        r->keys = arena_alloc(r->arena, 16 * sizeof *r->keys);
    r->keys[r->key_count++] = (struct record_key){
        .kind = record_text(kind), .name = help_text(r->arena, name), .value = value};
}

static void endpoint(struct endpoint *e, uint32_t addr, uint16_t port)
{
    *e = (struct endpoint){.addr = addr_v4(addr), .port = port};
}

/* A call that has nothing in common with any other. */
static struct call_record *call_new(int64_t started_us, int64_t ended_us)
{
    char id[48];
    unsigned n = serial++;
    struct call_record *r = help_call(n, started_us);
    r->kind = "call";
    r->final = true;
    r->ended_us = ended_us;
    r->call_id_chars = CHARS;
    hex(id, 32);
    r->call_id = text(r, "%s@10.%u.%u.1", id, rnd(200), rnd(200));
    r->identity.caller.number = text(r, "+4930%07u", n);
    r->identity.callee.number = text(r, "+4940%07u", n);
    endpoint(&r->src, 0x0b000000 + n, 5060);
    endpoint(&r->dst, 0x0c000000 + n, 5060);
    return r;
}

static struct slice origin_new(struct call_record *r)
{
    return text(r, "%u%09u 192.0.2.%u", 1 + rnd(9), rnd(1000000000), rnd(250));
}

static void store_call_once(struct call_record *r)
{
    cr_assert_eq(store_put_call(store, r), 0);
    record_free(r);
}

/* ---- conversations: how leg n is tied to what came before it ---- */

struct conversation {
    unsigned legs;
    struct call_record *leg[4];
    char shared[80];
};

typedef void tie_fn(struct conversation *c, unsigned n);

static void same_call_id(struct conversation *c, unsigned n)
{
    c->leg[n]->call_id = text(c->leg[n], "%.*s", SLICE_ARGS(c->leg[0]->call_id));
}

/* Both halves, as each side writes them. */
static void session(struct conversation *c, unsigned n)
{
    if (n == 0) {
        hex(c->shared, 65);
        c->shared[32] = ';';
    }
    key(c->leg[n], "session_id", "", text(c->leg[n], "%s", c->shared));
}

/* The first leg ended before it knew the other half. */
static void session_half(struct conversation *c, unsigned n)
{
    if (n == 0) {
        hex(c->shared, 65);
        c->shared[32] = ';';
    }
    key(c->leg[n], "session_id", "", text(c->leg[n], n ? "%s" : "%.32s", c->shared));
}

static void header_equal(struct conversation *c, unsigned n)
{
    if (n == 0)
        hex(c->shared, 20);
    key(c->leg[n], "header", "X-CID", text(c->leg[n], "%s", c->shared));
}

static void header_names(struct conversation *c, unsigned n)
{
    if (n)
        key(c->leg[n], "header", "X-Call-ID",
            text(c->leg[n], "\"%.*s\";leg=%u", SLICE_ARGS(c->leg[n - 1]->call_id), n));
}

static void header_names_local(struct conversation *c, unsigned n)
{
    struct slice id = correlate_call_id_local(c->leg[0]->call_id);
    if (n)
        key(c->leg[n], "header", "In-Reply-To", text(c->leg[n], "%.*s", SLICE_ARGS(id)));
}

static void icid(struct conversation *c, unsigned n)
{
    if (n == 0)
        hex(c->shared, 24);
    key(c->leg[n], "icid", "", text(c->leg[n], "%s", c->shared));
}

static void call_id_ahead(struct conversation *c, unsigned n)
{
    struct slice id = correlate_call_id_local(c->leg[0]->call_id);
    if (n)
        c->leg[n]->call_id = text(c->leg[n], "%.*s_b2b-%u@198.51.100.7", SLICE_ARGS(id), n);
}

static void call_id_behind(struct conversation *c, unsigned n)
{
    struct slice id = correlate_call_id_local(c->leg[0]->call_id);
    if (n)
        c->leg[n]->call_id = text(c->leg[n], "b2b%u-%.*s@198.51.100.7", n, SLICE_ARGS(id));
}

static void replaces(struct conversation *c, unsigned n)
{
    if (n)
        key(c->leg[n], n % 2 ? "replaces" : "join", "",
            text(c->leg[n], "%.*s", SLICE_ARGS(c->leg[n - 1]->call_id)));
}

static void sdp_origin(struct conversation *c, unsigned n)
{
    if (n == 0)
        snprintf(c->shared, sizeof c->shared, "%.*s", SLICE_ARGS(origin_new(c->leg[0])));
    key(c->leg[n], "sdp_origin", "", text(c->leg[n], "%s", c->shared));
}

/* Announced by one leg, seen in packets of the next. */
static void media(struct conversation *c, unsigned n)
{
    struct call_record *r = c->leg[n];
    if (n == 0)
        snprintf(c->shared, sizeof c->shared, "203.0.113.%u:%u", 1 + rnd(200),
                 10000 + 2 * rnd(9000));
    if (n % 2 == 0) {
        key(r, "media", "", text(r, "%s", c->shared));
        return;
    }
    struct slice rest = slice_str(c->shared);
    r->streams = arena_alloc(r->arena, sizeof *r->streams);
    record_stream_init(&r->streams[r->stream_count++]);
    cr_assert(addr_parse(slice_cut(&rest, ':'), &r->streams[0].src.addr));
    cr_assert(slice_to_u16(rest, &r->streams[0].src.port));
    endpoint(&r->streams[0].dst, 0x0d000000 + rnd(1 << 20), 9000);
}

/* Numbers, times, and each leg leaves from where the one before arrived. */
static void numbers(struct conversation *c, unsigned n)
{
    struct call_record *r = c->leg[n], *a = c->leg[0];
    if (n == 0)
        return;
    r->identity.caller.number = text(r, "%.*s", SLICE_ARGS(a->identity.caller.number));
    r->identity.callee.number = text(r, "%.*s", SLICE_ARGS(a->identity.callee.number));
    r->src.addr = c->leg[n - 1]->dst.addr;
}

static const struct {
    const char *name;
    tie_fn *tie;
    enum correlate_evidence evidence;
} KINDS[] = {
    {"call_id", same_call_id, EVIDENCE_CALL_ID},
    {"session_id, both halves", session, EVIDENCE_SESSION_ID},
    {"session_id, one half late", session_half, EVIDENCE_SESSION_ID},
    {"header, equal", header_equal, EVIDENCE_HEADER},
    {"header, names a Call-ID", header_names, EVIDENCE_HEADER},
    {"header, Call-ID without host", header_names_local, EVIDENCE_HEADER},
    {"icid", icid, EVIDENCE_ICID},
    {"call_id_part, ahead", call_id_ahead, EVIDENCE_CALL_ID_PART},
    {"call_id_part, behind", call_id_behind, EVIDENCE_CALL_ID_PART},
    {"transfer", replaces, EVIDENCE_TRANSFER},
    {"sdp_origin", sdp_origin, EVIDENCE_SDP_ORIGIN},
    {"media", media, EVIDENCE_MEDIA},
    {"numbers", numbers, EVIDENCE_NUMBERS},
};
#define KIND_COUNT (sizeof KINDS / sizeof KINDS[0])

struct truth {
    unsigned legs;
    char uid[4][40];
};

/* Some cross midnight, some end late, legs begin up to a second apart. */
static struct truth converse(tie_fn *tie, unsigned number)
{
    struct conversation c = {.legs = 2 + number % 3};
    struct truth t = {.legs = c.legs};
    int64_t start = HELP_T0_US + (int64_t)rnd(3600) * SECOND;
    if (number % 6 == 5)
        start = HELP_T0_US - HELP_T0_US % HELP_DAY_US + HELP_DAY_US - SECOND / 2;
    int64_t end = start + (int64_t)(20 + rnd(400)) * SECOND;
    for (unsigned n = 0; n < c.legs; n++) {
        c.leg[n] = call_new(start + n * (SECOND / 3), end + rnd(SECOND));
        tie(&c, n);
        snprintf(t.uid[n], sizeof t.uid[n], "%s", c.leg[n]->uid);
    }
    for (unsigned n = 0; n < c.legs; n++)
        store_call_once(c.leg[n]);
    return t;
}

static bool has(const struct legs *l, const char *uid)
{
    for (unsigned i = 0; i < l->count; i++)
        if (strcmp(l->leg[i].record->uid, uid) == 0)
            return true;
    return false;
}

/* Other legs that were found, wrong ones into *wrong. */
static unsigned ask(const struct truth *t, unsigned from, enum correlate_level at_least,
                    enum correlate_evidence evidence, unsigned *wrong)
{
    struct call_record *r;
    struct legs *l;
    unsigned found = 0, right = 0;
    cr_assert_eq(store_call(reader, t->uid[from], &r), 0);
    cr_assert_eq(store_legs(reader, r, at_least, NULL, NULL, &l), 0);
    for (unsigned n = 0; n < t->legs; n++) {
        right += has(l, t->uid[n]);
        found += n != from && has(l, t->uid[n]);
    }
    for (unsigned i = 1; i < l->count; i++)
        cr_expect(l->leg[i].why.level[evidence], "found by something else");
    *wrong += l->count - right;
    store_legs_free(l);
    record_free(r);
    return found;
}

static void noise(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int64_t start = HELP_T0_US + (int64_t)rnd(3600) * SECOND;
        struct call_record *r = call_new(start, start + (int64_t)rnd(500) * SECOND);
        key(r, "sdp_origin", "", origin_new(r));
        key(r, "media", "", text(r, "10.0.%u.%u:%u", rnd(250), rnd(250), 10000 + rnd(20000)));
        store_call_once(r);
    }
}

Test(correlate, legs_are_found_by_each_kind_of_evidence)
{
    struct truth truth[KIND_COUNT][LABELLED];
    for (unsigned k = 0; k < KIND_COUNT; k++)
        for (unsigned i = 0; i < LABELLED; i++)
            truth[k][i] = converse(KINDS[k].tie, i);
    noise(2000);
    cr_assert_eq(store_commit(store), 0);
    for (unsigned k = 0; k < KIND_COUNT; k++) {
        unsigned found = 0, wanted = 0, wrong = 0;
        for (unsigned i = 0; i < LABELLED; i++)
            for (unsigned n = 0; n < truth[k][i].legs; n++) {
                found += ask(&truth[k][i], n, LEVEL_MEDIUM, KINDS[k].evidence, &wrong);
                wanted += truth[k][i].legs - 1;
            }
        printf("%-30s %d conversations: recall %.4f (%u of %u), %u wrong\n", KINDS[k].name,
               LABELLED, (double)found / wanted, found, wanted, wrong);
        cr_expect_geq((double)found / wanted, 0.98, "%s", KINDS[k].name);
        cr_expect_eq(wrong, 0, "%s: %u wrong legs", KINDS[k].name, wrong);
    }
}

/* The day as a version wrote it that had a row for each key. */
static void keys_as_rows(int64_t at_us)
{
    char path[HELP_DIR_SIZE + 64];
    sqlite3 *db;
    sqlite3_stmt *blocks, *put;
    snprintf(path, sizeof path, "%s/db/calls-%s.db", dir, day_of(at_us).text);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, "SELECT entries FROM key_blocks", -1, &blocks, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, "INSERT INTO keys(hash, started_us, call) VALUES (?,?,?)", -1, &put, NULL),
                 SQLITE_OK);
    while (sqlite3_step(blocks) == SQLITE_ROW) {
        struct slice bytes = column_bytes(blocks, 0);
        for (size_t i = 0; i < bytes.size; i += 24) {
            int64_t words[3];
            memcpy(words, bytes.data + i, sizeof words);
            for (int k = 0; k < 3; k++)
                sqlite3_bind_int64(put, k + 1, words[k]);
            cr_assert_eq(sqlite3_step(put), SQLITE_DONE);
            sqlite3_reset(put);
        }
    }
    sqlite3_finalize(blocks);
    sqlite3_finalize(put);
    cr_assert_eq(sqlite3_exec(db, "DELETE FROM key_runs; DELETE FROM key_blocks", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

Test(correlate, legs_of_a_day_that_has_a_row_for_each_key_are_found_too)
{
    unsigned wrong = 0;
    struct truth before = converse(icid, 0), after;
    cr_assert_eq(store_commit(store), 0);
    keys_as_rows(HELP_T0_US);
    after = converse(icid, 0);
    cr_assert_eq(store_commit(store), 0);
    cr_expect_eq(ask(&before, 0, LEVEL_MEDIUM, EVIDENCE_ICID, &wrong), before.legs - 1);
    cr_expect_eq(ask(&after, 0, LEVEL_MEDIUM, EVIDENCE_ICID, &wrong), after.legs - 1);
    cr_expect_eq(wrong, 0);
}

/* ---- calls that look alike ---- */

#define ALIKE 10000

/* A dialler: in one second, the same numbers, the same SDP origin, from the same machine to the
 * same one. The first half in pairs, of which every other pair also looks like a chain; the rest in
 * one group of 50 after the other, and some of hundreds. */
static struct call_record *alike(unsigned i)
{
    unsigned group = i < ALIKE / 2 ? i / 2 : i < ALIKE * 3 / 4 ? 100000 + i / 50 : 200000 + i / 500;
    int64_t start = HELP_T0_US + rnd(900000);
    struct call_record *r = call_new(start, start + (int64_t)(30 + rnd(270)) * SECOND);
    r->identity.caller.number = text(r, "+4989%u", group);
    r->identity.callee.number = text(r, "+800%u", group);
    key(r, "sdp_origin", "", text(r, "20890844526 192.0.2.%u", group % 7 + group / 7 * 10));
    key(r, "media", "", text(r, "10.1.%u.%u:%u", i / 250, i % 250, 10000 + i));
    endpoint(&r->src, 0x0a0a0a01, 5060);
    endpoint(&r->dst, 0x0a0a0a02, 5060);
    if (i < ALIKE / 2 && group % 2)
        endpoint(i % 2 ? &r->src : &r->dst, 0x0a0a0a03, 5060);
    return r;
}

Test(correlate, calls_that_only_look_alike_are_never_joined_at_high)
{
    char(*uid)[40] = calloc(ALIKE, sizeof *uid);
    unsigned wrong = 0, joined = 0;
    for (unsigned i = 0; i < ALIKE; i++) {
        struct call_record *r = alike(i);
        snprintf(uid[i], sizeof uid[i], "%s", r->uid);
        store_call_once(r);
    }
    cr_assert_eq(store_commit(store), 0);
    for (unsigned i = 0; i < ALIKE; i++) {
        struct call_record *r;
        struct legs *l;
        cr_assert_eq(store_call(reader, uid[i], &r), 0);
        cr_assert_eq(store_legs(reader, r, LEVEL_HIGH, NULL, NULL, &l), 0);
        wrong += l->count - 1;
        joined += l->count > 1;
        store_legs_free(l);
        record_free(r);
    }
    printf("%d calls alike in numbers, second and SDP origin: %u joined at high\n", ALIKE, joined);
    cr_expect_eq(wrong, 0);
    free(uid);
}

/* The same with the scores alone: each call with the 60 next to it. */
Test(correlate, no_pair_that_looks_alike_scores_high)
{
    struct call_record **r = calloc(ALIKE, sizeof(void *));
    unsigned pairs = 0, levels[4] = {0};
    struct correlation c;
    for (unsigned i = 0; i < ALIKE; i++)
        r[i] = alike(i);
    for (unsigned i = 0; i < ALIKE; i++)
        for (unsigned k = i + 1; k < ALIKE && k <= i + 60; k++, pairs++) {
            correlate_score(r[i], r[k], NULL, &c);
            levels[c.confidence]++;
        }
    printf("%u pairs: none %u, low %u, medium %u, high %u\n", pairs, levels[0], levels[1],
           levels[2], levels[3]);
    cr_expect_eq(levels[LEVEL_HIGH], 0);
    cr_expect_gt(levels[LEVEL_MEDIUM], ALIKE / 4, "they do look alike");
    for (unsigned i = 0; i < ALIKE; i++)
        record_free(r[i]);
    free(r);
}

/* A day's trunk: 500 pairs of numbers, 20 machines, ten minutes, nothing but numbers and times. */
Test(correlate, numbers_and_times_alone_seldom_join_strangers)
{
    char(*uid)[40] = calloc(ALIKE, sizeof *uid);
    unsigned joined = 0;
    for (unsigned i = 0; i < ALIKE; i++) {
        int64_t start = HELP_T0_US + (int64_t)rnd(600) * SECOND + rnd(SECOND);
        struct call_record *r = call_new(start, start + (int64_t)(10 + rnd(290)) * SECOND);
        unsigned pair = rnd(500);
        r->identity.caller.number = text(r, "+4989%u", pair);
        r->identity.callee.number = text(r, "+4930%u", pair);
        endpoint(&r->src, 0x0a0a0a00 + rnd(20), 5060);
        endpoint(&r->dst, 0x0a0a0a00 + rnd(20), 5060);
        snprintf(uid[i], sizeof uid[i], "%s", r->uid);
        store_call_once(r);
    }
    cr_assert_eq(store_commit(store), 0);
    for (unsigned i = 0; i < ALIKE; i++) {
        struct call_record *r;
        struct legs *l;
        cr_assert_eq(store_call(reader, uid[i], &r), 0);
        cr_assert_eq(store_legs(reader, r, LEVEL_MEDIUM, NULL, NULL, &l), 0);
        joined += l->count > 1;
        store_legs_free(l);
        record_free(r);
    }
    printf("%d strangers among 500 pairs of numbers: %u joined\n", ALIKE, joined);
    cr_expect_leq(joined, ALIKE / 1000);
    free(uid);
}
