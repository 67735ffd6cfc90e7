/* TLS against libssl: what the ends said must come out, whatever the suite, the cuts, the order of
 * the two sides and the time at which the keys come. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "capture/net/tls.h"
#include "tests/support/guard.h"
#include "tests/unit/net/tls_talk.h"

#define HOW(n, v, c) .name = n, .version = v, .cipher = c

/* ---- listening to a talk ---- */

enum keys { KEYS_FIRST, KEYS_AS_WRITTEN, KEYS_LAST, KEYS_SOMETIME, KEYS_NEVER, KEYS_WRONG };

struct play {
    enum keys keys;
    bool swapped;    /* the transport numbers the server 0 */
    bool interleave; /* the sides come in any order, each in its own */
    size_t cut;      /* segments of at most so many bytes; 0: as they were sent */
    unsigned seed;
};

struct listener {
    struct tls *tls;
    struct tls_conn *conn;
    struct buf heard[2];
    struct buf turns; /* a byte a piece of plain text: who said it */
    unsigned gaps;
    struct counters *counters;
    struct tls_config config;
};

static void on_plain(void *context, unsigned side, struct slice plain, int64_t time_ns)
{
    struct listener *l = context;
    (void)time_ns;
    if (plain.size == 0)
        l->gaps++;
    buf_slice(&l->heard[side], plain);
    buf_u8(&l->turns, (uint8_t)side);
}

static void listener_begin(struct listener *l)
{
    for (unsigned i = 0; i < 2; i++) {
        buf_fini(&l->heard[i]);
        buf_init(&l->heard[i], 16 << 20);
    }
    buf_fini(&l->turns);
    buf_init(&l->turns, 1 << 20);
    l->gaps = 0;
    l->conn = tls_conn_new(l->tls, on_plain, l);
    cr_assert(l->conn != NULL);
}

static void listener_init(struct listener *l)
{
    static struct counters cells;
    l->counters = &cells;
    l->config.seed = (struct hash_seed){1, 2};
    cr_assert(eq(int, tls_new(&l->config, l->counters, &l->tls), 0));
    listener_begin(l);
}

static void listener_fini(struct listener *l)
{
    tls_conn_free(l->tls, l->conn);
    cr_assert(eq(sz, tls_waiting_bytes(l->tls), 0));
    tls_free(l->tls);
    buf_fini(&l->heard[0]);
    buf_fini(&l->heard[1]);
    buf_fini(&l->turns);
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 8;
}

static void give_line(struct listener *l, const struct talk *t, const struct talk_event *e,
                      bool wrong)
{
    char line[512];
    slice_copy_to(talk_bytes(t, e), line, sizeof line);
    if (wrong)
        line[e->size - 1] = line[e->size - 1] == '0' ? '1' : '0';
    struct slice copy = guard_copy(slice_of(line, e->size));
    cr_assert(tls_key_line(l->tls, copy), "%s", line);
    guard_free(copy);
}

static void give_lines(struct listener *l, const struct talk *t, bool wrong)
{
    for (unsigned i = 0; i < t->event_count; i++)
        if (t->events[i].side == TALK_KEY_LINE)
            give_line(l, t, &t->events[i], wrong);
}

static void give_bytes(struct listener *l, const struct talk *t, const struct talk_event *e,
                       const struct play *p, unsigned *seed)
{
    struct slice rest = talk_bytes(t, e);
    while (rest.size) {
        size_t n = p->cut ? 1 + next_random(seed) % p->cut : rest.size;
        bool guarded = p->cut == 0 || p->cut >= 300; /* two system calls each */
        struct slice part = slice_sub(rest, 0, n);
        struct slice copy = guarded ? guard_copy(part) : part;
        tls_conn_feed(l->tls, l->conn, e->side ^ p->swapped, copy, 0, 1000);
        if (guarded)
            guard_free(copy);
        rest = slice_from(rest, n);
    }
}

/* The next event of one of the sides, the other's may be far behind. */
static const struct talk_event *any_next(const struct talk *t, unsigned at[2], unsigned *seed)
{
    for (unsigned tries = 0; tries < 64; tries++) {
        unsigned side = next_random(seed) % 16 < 8 ? 0 : 1;
        unsigned i = at[side];
        while (i < t->event_count && t->events[i].side != side)
            i++;
        at[side] = i;
        if (i < t->event_count) {
            at[side]++;
            return &t->events[i];
        }
    }
    return NULL;
}

static void play(struct listener *l, const struct talk *t, const struct play *p)
{
    unsigned seed = p->seed;
    unsigned at[2] = {0, 0};
    unsigned sometime = next_random(&seed) % (t->event_count + 1);
    if (p->keys == KEYS_FIRST || p->keys == KEYS_WRONG)
        give_lines(l, t, p->keys == KEYS_WRONG);
    for (unsigned i = 0; i < t->event_count; i++) {
        const struct talk_event *e = &t->events[i];
        if (p->keys == KEYS_SOMETIME && i == sometime)
            give_lines(l, t, false);
        if (e->side == TALK_KEY_LINE && p->keys == KEYS_AS_WRITTEN)
            give_line(l, t, e, false);
        if (e->side != TALK_KEY_LINE && p->interleave)
            e = any_next(t, at, &seed);
        if (e && e->side != TALK_KEY_LINE)
            give_bytes(l, t, e, p, &seed);
    }
    if (p->interleave)
        for (const struct talk_event *e; (e = any_next(t, at, &seed));)
            give_bytes(l, t, e, p, &seed);
    if (p->keys == KEYS_LAST || (p->keys == KEYS_SOMETIME && sometime == t->event_count))
        give_lines(l, t, false);
}

static void expect_heard(const struct listener *l, const struct talk *t, const char *name)
{
    const struct tls_info *info = tls_conn_info(l->conn);
    cr_assert(eq(int, (int)info->state, TLS_OPEN), "%s", name);
    for (unsigned side = 0; side < 2; side++) {
        cr_assert(slice_equal(buf_view(&l->heard[side]), buf_view(&t->said[side])),
                  "%s: side %u heard %zu of %zu bytes", name, side, l->heard[side].size,
                  t->said[side].size);
        cr_assert(eq(u64, info->bytes[side], t->said[side].size), "%s", name);
    }
    cr_assert(eq(int, info->version, SSL_version(t->end[0])));
    cr_assert(eq(int, info->suite, SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(t->end[0]))));
    cr_assert(strcmp(info->server_name, "proxy.example.org") == 0);
    cr_assert(eq(sz, tls_waiting_bytes(l->tls), 0));
}

/* All ways to listen to one talk. */
static void expect_heard_always(const struct talk *t, const char *name, bool in_any_order)
{
    static const struct play plays[] = {
        {.keys = KEYS_FIRST},
        {.keys = KEYS_AS_WRITTEN},
        {.keys = KEYS_LAST, .swapped = true},
        {.keys = KEYS_SOMETIME, .cut = 1400, .seed = 1},
        {.keys = KEYS_SOMETIME, .cut = 40, .seed = 2},
        {.keys = KEYS_SOMETIME, .cut = 3, .seed = 3, .swapped = true},
        {.keys = KEYS_FIRST, .cut = 1},
        {.keys = KEYS_FIRST, .interleave = true, .cut = 900, .seed = 4},
        {.keys = KEYS_SOMETIME, .interleave = true, .seed = 5},
        {.keys = KEYS_LAST, .interleave = true, .cut = 77, .seed = 6, .swapped = true},
        {.keys = KEYS_SOMETIME, .interleave = true, .cut = 300, .seed = 7},
    };
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++) {
        if (plays[i].interleave && !in_any_order)
            continue;
        struct listener l = {0};
        listener_init(&l);
        play(&l, t, &plays[i]);
        char what[80];
        snprintf(what, sizeof what, "%s, play %zu", name, i);
        expect_heard(&l, t, what);
        listener_fini(&l);
    }
}

static void small_talk(struct talk *t)
{
    talk_handshake(t);
    talk_babble(t, 0, 1, 0);
    talk_babble(t, 1, 700, 1);
    talk_babble(t, 0, 20000, 2);
    for (unsigned i = 0; i < 6; i++)
        talk_babble(t, i % 2, 100 + i, 3 + i);
}

/* ---- suites ---- */

static const struct talk_how suites[] = {
    {HOW("RSA AES128-GCM", TLS1_2_VERSION, "AES128-GCM-SHA256")},
    {HOW("RSA AES256-GCM", TLS1_2_VERSION, "AES256-GCM-SHA384")},
    {HOW("ECDHE AES128-GCM", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256")},
    {HOW("ECDHE AES256-GCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384"), .ecdsa = true},
    {HOW("AES128-CCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-CCM"), .ecdsa = true},
    {HOW("AES256-CCM", TLS1_2_VERSION, "AES256-CCM")},
    {HOW("AES128-CCM8", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-CCM8"), .ecdsa = true},
    {HOW("AES256-CCM8", TLS1_2_VERSION, "AES256-CCM8")},
    {HOW("ChaCha20 RSA", TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305")},
    {HOW("ChaCha20 ECDSA", TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305"), .ecdsa = true},
    {HOW("AES128-SHA", TLS1_2_VERSION, "AES128-SHA")},
    {HOW("AES256-SHA, MAC then encrypt", TLS1_2_VERSION, "AES256-SHA"),
     .options = SSL_OP_NO_ENCRYPT_THEN_MAC},
    {HOW("AES128-SHA256", TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA256")},
    {HOW("AES256-SHA256, MAC then encrypt", TLS1_2_VERSION, "AES256-SHA256"),
     .options = SSL_OP_NO_ENCRYPT_THEN_MAC},
    {HOW("AES256-SHA384", TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384")},
    {HOW("AES256-SHA384, MAC then encrypt", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384"),
     .ecdsa = true, .options = SSL_OP_NO_ENCRYPT_THEN_MAC},
    {HOW("no extended master secret", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256"),
     .options = SSL_OP_NO_EXTENDED_MASTER_SECRET},
    {HOW("1.3 AES128-GCM", TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"), .ecdsa = true},
    {HOW("1.3 AES256-GCM", TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384"), .ecdsa = true},
    {HOW("1.3 ChaCha20", TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256"), .ecdsa = true},
    {HOW("1.3 AES128-CCM", TLS1_3_VERSION, "TLS_AES_128_CCM_SHA256"), .ecdsa = true},
    {HOW("1.3 AES128-CCM8", TLS1_3_VERSION, "TLS_AES_128_CCM_8_SHA256"), .ecdsa = true},
    {HOW("1.3 padding", TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"), .ecdsa = true,
     .block_padding = 512},
    {HOW("1.3 without middlebox records", TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"), .ecdsa = true},
    {HOW("1.3 hello retry", TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384"), .ecdsa = true,
     .groups = {"X25519:P-384", "P-384"}},
};
#define SUITES (sizeof suites / sizeof *suites)

static void every_suite(size_t from, size_t to)
{
    for (size_t i = from; i < to && i < SUITES; i++) {
        struct talk t;
        talk_init(&t, &suites[i]);
        if (strstr(suites[i].name, "without middlebox"))
            SSL_CTX_clear_options(t.context[0], SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
        talk_begin(&t, false);
        small_talk(&t);
        expect_heard_always(&t, suites[i].name, true);
        talk_fini(&t);
    }
}

/* In three parts, which run side by side. */
Test(tls, what_was_said_is_heard_1)
{
    every_suite(0, 8);
}

Test(tls, what_was_said_is_heard_2)
{
    every_suite(8, 17);
}

Test(tls, what_was_said_is_heard_3)
{
    every_suite(17, SUITES);
}

Test(tls, a_key_update_is_followed)
{
    struct talk t;
    talk_init(&t,
              &(struct talk_how){HOW("", TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384"), .ecdsa = true});
    talk_begin(&t, false);
    small_talk(&t);
    for (unsigned i = 0; i < 5; i++) {
        talk_key_update(&t, i % 2);
        talk_babble(&t, 0, 300, i);
    }
    expect_heard_always(&t, "key update", true);
    talk_fini(&t);
}

Test(tls, a_renegotiation_is_followed)
{
    struct talk t;
    talk_init(&t, &(struct talk_how){HOW("", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256")});
    talk_begin(&t, false);
    small_talk(&t);
    talk_renegotiate(&t);
    talk_babble(&t, 0, 300, 1);
    talk_babble(&t, 1, 300, 2);
    expect_heard_always(&t, "renegotiation", false);
    struct listener l = {0};
    listener_init(&l);
    play(&l, &t, &(struct play){.keys = KEYS_AS_WRITTEN});
    cr_assert(tls_conn_info(l.conn)->renegotiated);
    listener_fini(&l);
    talk_fini(&t);
}

/* ---- resumption ---- */

static struct talk_how plain_how(int version)
{
    return version == TLS1_3_VERSION
               ? (struct talk_how){HOW("1.3", version, "TLS_AES_128_GCM_SHA256"), .ecdsa = true}
               : (struct talk_how){HOW("1.2", version, "ECDHE-ECDSA-AES128-GCM-SHA256"),
                                   .ecdsa = true};
}

Test(tls, with_late_keys_the_sides_still_speak_in_turn)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct talk_how how = plain_how(versions[i]);
        struct listener l[2] = {0};
        struct talk t;
        talk_init(&t, &how);
        talk_begin(&t, false);
        small_talk(&t);
        for (unsigned late = 0; late < 2; late++) {
            listener_init(&l[late]);
            play(&l[late], &t, &(struct play){.keys = late ? KEYS_LAST : KEYS_FIRST});
            expect_heard(&l[late], &t, how.name);
        }
        cr_assert(slice_equal(buf_view(&l[0].turns), buf_view(&l[1].turns)), "%s", how.name);
        listener_fini(&l[0]);
        listener_fini(&l[1]);
        talk_fini(&t);
    }
}

/* TLS 1.2, the key of the first comes when both wait, and no line for the second (as with GnuTLS).
 */
static void late_session(const struct talk_how *how)
{
    struct talk t[2];
    struct listener l = {0};
    struct play never = {.keys = KEYS_NEVER};
    talk_init(&t[0], how);
    talk_begin(&t[0], false);
    small_talk(&t[0]);
    listener_init(&l);
    play(&l, &t[0], &never);
    struct tls_conn *first = l.conn;
    t[1] = t[0]; /* the record of the first is kept there */
    buf_init(&t[0].bytes, 16 << 20);
    talk_begin(&t[0], true);
    small_talk(&t[0]);
    cr_assert(SSL_session_reused(t[0].end[0]));
    listener_begin(&l);
    play(&l, &t[0], &never);
    cr_assert(eq(int, (int)tls_conn_info(l.conn)->state, TLS_WAITING));
    struct tls_conn *second = l.conn;
    l.conn = first;
    give_lines(&l, &t[1], false);
    cr_assert(eq(int, (int)tls_conn_info(first)->state, TLS_OPEN));
    cr_assert(eq(int, (int)tls_conn_info(second)->state, TLS_OPEN), "%s", how->name);
    cr_assert(tls_conn_info(second)->resumed);
    tls_conn_free(l.tls, first);
    l.conn = second;
    listener_fini(&l);
    buf_fini(&t[1].bytes);
    talk_fini(&t[0]);
}

Test(tls, a_late_key_opens_what_was_resumed_with_it)
{
    late_session(&(struct talk_how){HOW("ticket", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"),
                                    .ecdsa = true});
    late_session(&(struct talk_how){HOW("id", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"),
                                    .ecdsa = true, .options = SSL_OP_NO_TICKET});
}

static void resumed_talk(const struct talk_how *how)
{
    struct talk t;
    talk_init(&t, how);
    talk_begin(&t, false);
    small_talk(&t);
    struct listener l = {0};
    listener_init(&l);
    play(&l, &t, &(struct play){.keys = KEYS_FIRST});
    expect_heard(&l, &t, how->name);
    tls_conn_free(l.tls, l.conn);

    talk_begin(&t, true);
    small_talk(&t);
    cr_assert(SSL_session_reused(t.end[0]), "%s", how->name);
    expect_heard_always(&t, how->name, true);
    /* TLS 1.2: the master secret of the first goes on in the second. */
    bool without_line = how->version == TLS1_2_VERSION;
    listener_begin(&l);
    play(&l, &t, &(struct play){.keys = without_line ? KEYS_NEVER : KEYS_LAST});
    expect_heard(&l, &t, how->name);
    cr_assert(tls_conn_info(l.conn)->resumed);
    listener_fini(&l);
    talk_fini(&t);
}

Test(tls, resumed_sessions_are_heard)
{
    static const struct talk_how hows[] = {
        {HOW("by ticket", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"), .ecdsa = true},
        {HOW("by id", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384"), .ecdsa = true,
         .options = SSL_OP_NO_TICKET},
        {HOW("by PSK", TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384"), .ecdsa = true},
        {HOW("by PSK, stateful", TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256"), .ecdsa = true,
         .options = SSL_OP_NO_TICKET},
    };
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++)
        resumed_talk(&hows[i]);
}

static void early_talk(bool accepted)
{
    struct talk t;
    talk_init(&t, &(struct talk_how){HOW("", TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"),
                                     .ecdsa = true, .early = true});
    talk_begin(&t, false);
    small_talk(&t);
    if (!accepted)
        SSL_CTX_set_max_early_data(t.context[1], 0);
    talk_begin(&t, true);
    cr_assert(eq(int, talk_early(&t, "INVITE sip:early"), accepted));
    talk_babble(&t, 0, 100, 1);
    talk_babble(&t, 1, 100, 2);
    expect_heard_always(&t, accepted ? "early" : "early, refused", true);
    talk_fini(&t);
}

Test(tls, early_data_is_heard_when_it_is_accepted)
{
    early_talk(true);
    early_talk(false);
}

/* ---- an RSA key ---- */

Test(tls, an_rsa_key_opens_what_was_agreed_on_with_it)
{
    static const struct talk_how hows[] = {
        {HOW("AES128-SHA", TLS1_2_VERSION, "AES128-SHA")},
        {HOW("AES256-GCM", TLS1_2_VERSION, "AES256-GCM-SHA384")},
        {HOW("plain master secret", TLS1_2_VERSION, "AES256-SHA256"),
         .options = SSL_OP_NO_EXTENDED_MASTER_SECRET},
    };
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
        struct talk t;
        struct why why;
        struct listener l = {0};
        struct buf pem;
        buf_init(&pem, 65536);
        talk_init(&t, &hows[i]);
        talk_begin(&t, false);
        small_talk(&t);
        talk_private_key(&t, &pem);
        listener_init(&l);
        cr_assert(eq(int, tls_private_key(l.tls, buf_view(&pem), &why), 0), "%s", why.text);
        play(&l, &t, &(struct play){.keys = KEYS_NEVER, .interleave = true, .seed = 9});
        expect_heard(&l, &t, hows[i].name);
        cr_assert(strcmp(tls_conn_info(l.conn)->certificate_name, "sip.example.org") == 0);
        tls_conn_free(l.tls, l.conn);
        talk_begin(&t, true); /* resumed: no key exchange */
        small_talk(&t);
        listener_begin(&l);
        play(&l, &t, &(struct play){.keys = KEYS_NEVER});
        expect_heard(&l, &t, hows[i].name);
        listener_fini(&l);
        talk_fini(&t);
        buf_fini(&pem);
    }
}

Test(tls, a_private_key_that_cannot_help_is_refused)
{
    struct talk t;
    struct why why;
    struct listener l = {0};
    struct buf pem;
    buf_init(&pem, 65536);
    talk_init(&t,
              &(struct talk_how){HOW("", TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"), .ecdsa = true});
    talk_private_key(&t, &pem);
    listener_init(&l);
    cr_assert(eq(int, tls_private_key(l.tls, buf_view(&pem), &why), ERR_UNSUPPORTED));
    cr_assert(eq(int, tls_private_key(l.tls, slice_str("no key"), &why), ERR_INVALID));
    cr_assert(strlen(why.text) > 10);
    listener_fini(&l);
    talk_fini(&t);
    buf_fini(&pem);
}

/* ---- what cannot be read ---- */

static uint64_t results(const struct listener *l, const char *result)
{
    return atomic_load(
        &l->counters->cell[C_TLS_CONNECTIONS + label_find(LABELS_TLS_RESULT, slice_str(result))]);
}

static void heard_nothing(enum keys keys, enum tls_state state, const char *result)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct talk t;
        struct talk_how how = plain_how(version);
        talk_init(&t, &how);
        talk_begin(&t, false);
        small_talk(&t);
        struct listener l = {.config.conn_waiting_max = 20000};
        listener_init(&l);
        uint64_t before = results(&l, result);
        play(&l, &t, &(struct play){.keys = keys, .cut = 500, .seed = 1});
        const struct tls_info *info = tls_conn_info(l.conn);
        cr_assert(eq(int, (int)info->state, (int)state));
        cr_assert(eq(int, info->version, version));
        cr_assert(strcmp(info->server_name, "proxy.example.org") == 0);
        if (version == TLS1_2_VERSION)
            cr_assert(strcmp(info->certificate_name, "alt.example.org") == 0);
        /* 1.3 hides the handshake among what the application says. */
        cr_assert(ge(u64, info->bytes[0], t.said[0].size));
        cr_assert(le(u64, info->bytes[0], t.said[0].size + 600));
        cr_assert(eq(sz, l.heard[0].size + l.heard[1].size, 0));
        cr_assert(eq(sz, tls_waiting_bytes(l.tls), 0));
        cr_assert(eq(u64, results(&l, result), before + 1));
        listener_fini(&l);
        cr_assert(eq(u64, results(&l, result), before + 1));
        talk_fini(&t);
    }
}

Test(tls, without_keys_names_and_bytes_are_seen)
{
    heard_nothing(KEYS_NEVER, TLS_BLIND, "blind");
}

Test(tls, a_wrong_key_is_told_once)
{
    heard_nothing(KEYS_WRONG, TLS_WRONG_KEY, "wrong_key");
}

Test(tls, a_connection_whose_beginning_was_missed_is_blind)
{
    struct talk t;
    struct talk_how how = plain_how(TLS1_2_VERSION);
    talk_init(&t, &how);
    talk_begin(&t, false);
    small_talk(&t);
    for (unsigned from = 1; from < t.event_count; from++) {
        struct listener l = {0};
        unsigned seed = from;
        bool hello = false;
        listener_init(&l);
        give_lines(&l, &t, false);
        for (unsigned i = from; i < t.event_count; i++) {
            if (t.events[i].side == TALK_KEY_LINE)
                continue;
            hello = hello || (i == from && t.events[i].side == 1 && i < 3);
            give_bytes(&l, &t, &t.events[i], &(struct play){.cut = 0}, &seed);
        }
        cr_assert(eq(sz, l.heard[0].size + l.heard[1].size, 0));
        if (!hello)
            cr_assert(eq(int, (int)tls_conn_info(l.conn)->state, TLS_BLIND), "from %u", from);
        listener_fini(&l);
    }
    talk_fini(&t);
}

Test(tls, other_versions_and_suites_are_told)
{
    static const struct talk_how hows[] = {
        {HOW("1.0", TLS1_VERSION, "AES128-SHA")},
        {HOW("ARIA", TLS1_2_VERSION, "ECDHE-ARIA128-GCM-SHA256")},
        {HOW("no cipher", TLS1_2_VERSION, "NULL-SHA256")},
    };
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
        struct talk t;
        struct listener l = {0};
        talk_init(&t, &hows[i]);
        talk_begin(&t, false);
        small_talk(&t);
        listener_init(&l);
        play(&l, &t, &(struct play){.keys = KEYS_FIRST});
        cr_assert(eq(int, (int)tls_conn_info(l.conn)->state, TLS_UNSUPPORTED), "%s", hows[i].name);
        cr_assert(ne(int, tls_conn_info(l.conn)->suite, 0));
        listener_fini(&l);
        talk_fini(&t);
    }
}

/* ---- loss ---- */

#define LOSS_RECORDS 24

/* Records of one side that the loss does not touch must be heard. */
static void expect_around_loss(const struct talk *t, unsigned first_event, size_t from, size_t size)
{
    struct listener l = {0};
    struct buf want;
    struct play as_sent = {0};
    unsigned seed = 1;
    size_t at = 0;
    uint32_t lost = 0;
    buf_init(&want, 1 << 20);
    listener_init(&l);
    give_lines(&l, t, false);
    for (unsigned i = 0; i < first_event; i++)
        if (t->events[i].side != TALK_KEY_LINE)
            give_bytes(&l, t, &t->events[i], &as_sent, &seed);
    for (unsigned i = first_event; i < t->event_count; i++) {
        struct slice bytes = talk_bytes(t, &t->events[i]);
        size_t skip = from > at ? from - at : 0, to = from + size > at ? from + size - at : 0;
        if (skip >= bytes.size || to == 0)
            buf_printf(&want, "record %02u;", i - first_event);
        struct slice head = slice_sub(bytes, 0, skip);
        struct slice tail = slice_from(bytes, to > skip ? to : skip);
        if (head.size)
            tls_conn_feed(l.tls, l.conn, 1, head, lost, 1);
        lost = head.size ? 0 : lost;
        lost += (uint32_t)(bytes.size - head.size - tail.size);
        if (tail.size) {
            tls_conn_feed(l.tls, l.conn, 1, tail, lost, 1);
            lost = 0;
        }
        at += bytes.size;
    }
    cr_assert(eq(int, (int)tls_conn_info(l.conn)->state, TLS_OPEN), "%zu bytes at %zu", size, from);
    cr_assert(slice_equal(buf_view(&l.heard[1]), buf_view(&want)), "%zu bytes at %zu: %.*s", size,
              from, SLICE_ARGS(buf_view(&l.heard[1])));
    cr_assert(ge(u32, l.gaps, 1));
    buf_fini(&want);
    listener_fini(&l);
}

Test(tls, after_a_loss_the_next_whole_record_is_heard)
{
    static const struct talk_how hows[] = {
        {HOW("1.3", TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"), .ecdsa = true},
        {HOW("GCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"), .ecdsa = true},
        {HOW("ChaCha", TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305"), .ecdsa = true},
        {HOW("CBC", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384"), .ecdsa = true},
    };
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
        struct talk t;
        talk_init(&t, &hows[i]);
        talk_begin(&t, false);
        talk_handshake(&t);
        unsigned first = t.event_count;
        size_t start = t.bytes.size;
        for (unsigned r = 0; r < LOSS_RECORDS; r++) {
            char text[16];
            int n = snprintf(text, sizeof text, "record %02u;", r);
            talk_say(&t, 1, text, (size_t)n);
        }
        size_t total = t.bytes.size - start;
        size_t last = t.events[t.event_count - 1].size; /* something must be there to land on */
        for (size_t from = 0; from + 1 + last <= total; from += 17)
            for (size_t size = 1; from + size + last <= total; size += 71)
                expect_around_loss(&t, first, from, size);
        talk_fini(&t);
    }
}

Test(tls, a_loss_in_the_handshake_or_of_unknown_size_ends_it)
{
    struct talk t;
    struct talk_how how = plain_how(TLS1_3_VERSION);
    talk_init(&t, &how);
    talk_begin(&t, false);
    small_talk(&t);
    for (unsigned at = 1; at < t.event_count; at++) {
        static const uint32_t losses[] = {1, 100, 70000, UINT32_MAX};
        for (unsigned k = 0; k < 4; k++) {
            struct listener l = {0};
            unsigned seed = 1;
            listener_init(&l);
            give_lines(&l, &t, false);
            for (unsigned i = 0; i < t.event_count; i++) {
                if (t.events[i].side == TALK_KEY_LINE)
                    continue;
                if (i == at) /* what is fed next is not where it claims to be */
                    tls_conn_feed(l.tls, l.conn, t.events[i].side, slice_none(), losses[k], 1);
                give_bytes(&l, &t, &t.events[i], &(struct play){.cut = 300}, &seed);
            }
            if (losses[k] > 65536 && t.events[at].side != TALK_KEY_LINE)
                cr_assert(ge(int, (int)tls_conn_info(l.conn)->state, TLS_BLIND));
            listener_fini(&l);
        }
    }
    talk_fini(&t);
}

/* ---- bounds ---- */

Test(tls, when_memory_is_short_who_waits_longest_goes_blind)
{
    struct talk t;
    struct talk_how how = plain_how(TLS1_3_VERSION);
    struct play blind = {.keys = KEYS_NEVER, .cut = 1000, .seed = 1};
    talk_init(&t, &how);
    talk_begin(&t, false);
    small_talk(&t);
    struct listener l = {.config.waiting_bytes_max = 100000};
    listener_init(&l);
    struct tls_conn *conns[8] = {l.conn};
    for (unsigned i = 0; i < 8; i++) {
        if (i)
            conns[i] = tls_conn_new(l.tls, on_plain, &l);
        l.conn = conns[i];
        play(&l, &t, &blind);
        cr_assert(le(sz, tls_waiting_bytes(l.tls), 100000));
    }
    cr_assert(eq(int, (int)tls_conn_info(conns[0])->state, TLS_BLIND));
    cr_assert(eq(int, (int)tls_conn_info(conns[7])->state, TLS_WAITING));
    give_lines(&l, &t, false);
    cr_assert(eq(int, (int)tls_conn_info(conns[7])->state, TLS_OPEN));
    cr_assert(eq(int, (int)tls_conn_info(conns[6])->state, TLS_OPEN)); /* the same client random */
    for (unsigned i = 0; i < 7; i++)
        tls_conn_free(l.tls, conns[i]);
    listener_fini(&l);
    talk_fini(&t);
}

static bool line_for(struct tls *t, unsigned i)
{
    char line[300];
    int n = snprintf(line, sizeof line, "CLIENT_RANDOM %064x %096x", i, i + 1);
    return tls_key_line(t, slice_of(line, (size_t)n));
}

Test(tls, secrets_have_a_ceiling_and_the_oldest_goes)
{
    struct listener l = {.config.secrets_max = 100};
    listener_init(&l);
    for (unsigned i = 0; i < 1000; i++) {
        cr_assert(line_for(l.tls, i));
        cr_assert(line_for(l.tls, i));
        cr_assert(eq(u32, tls_secret_count(l.tls), i < 100 ? i + 1 : 100));
    }
    listener_fini(&l);
}

Test(tls, lines_that_are_none_are_refused)
{
    static const struct {
        const char *line;
        bool good;
    } cases[] = {
        {"", true},
        {"# SSL/TLS secrets log file", true},
        {"RSA 0011223344556677 00", true},
        {"EXPORTER_SECRET 00 00", true},
        {"CLIENT_RANDOM", false},
        {"CLIENT_RANDOM 00", false},
        {"CLIENT_RANDOM 00 00", false},
        {"NONSENSE 00 00", false},
        {"CLIENT_RANDOM  00", false},
    };
    struct listener l = {0};
    listener_init(&l);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice copy = guard_copy(slice_str(cases[i].line));
        cr_assert(eq(int, tls_key_line(l.tls, copy), cases[i].good), "%s", cases[i].line);
        guard_free(copy);
    }
    char whole[300];
    int n = snprintf(whole, sizeof whole, "CLIENT_RANDOM %064x %096x", 1, 2);
    for (int cut = 1; cut < n; cut++) {
        struct slice copy = guard_copy(slice_of(whole, (size_t)cut));
        cr_assert(not(tls_key_line(l.tls, copy)), "%d", cut);
        guard_free(copy);
    }
    cr_assert(eq(u32, tls_secret_count(l.tls), 0));
    whole[20] = 'g';
    cr_assert(not(tls_key_line(l.tls, slice_of(whole, (size_t)n))));
    snprintf(whole, sizeof whole, "CLIENT_RANDOM %064X %096X\r\n", 0xabcdef, 0xfedcba);
    cr_assert(tls_key_line(l.tls, slice_str(whole)));
    listener_fini(&l);
}

Test(tls, a_guess_needs_five_bytes)
{
    static const struct {
        const char *bytes;
        size_t size;
        int guess;
    } cases[] = {
        {"\x16\x03\x01\x02\x00\x01", 6, 1},
        {"\x16\x03\x01\x02\x00", 5, 1},
        {"\x16\x03\x01", 3, -1},
        {"\x16", 1, -1},
        {"", 0, -1},
        {"INVITE sip:", 11, 0},
        {"\x16\x02", 2, 0},
        {"\x17\x03\x03\xff\xff", 5, 0},
        {"\x17\x03\x03\x00\x00", 5, 0},
        {"\x17\x03\x03\x00\x40zz", 7, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice copy = guard_copy(slice_of(cases[i].bytes, cases[i].size));
        cr_assert(eq(int, tls_guess(copy), cases[i].guess), "case %zu", i);
        guard_free(copy);
    }
}
