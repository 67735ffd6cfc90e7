/* A connection: which records can be read now, which wait, and when it is over.
 *
 * Two things can be missing: a key, or a message of the other side that a tap delivers late (a
 * client's second flight means nothing before the server's hello). Then this record and all of its
 * side wait, in one queue in order of arrival, until pump() finds that they may go on. */
#include <stdlib.h>

#include "base/crypto.h"
#include "capture/net/tls_parts.h"

#define ALERT_NO_RENEGOTIATION 100

/* ---- the end ---- */

uint32_t tls_conn_count_sealed(struct tls_conn *c, unsigned role, uint8_t content, size_t fragment)
{
    size_t overhead = c->suite.id ? tls_suite_overhead(&c->suite) : 0;
    if (content != TLS_APPLICATION || fragment <= overhead)
        return 0;
    c->info.bytes[role] += fragment - overhead;
    return (uint32_t)(fragment - overhead);
}

static void count_result(struct tls *t, enum tls_state state)
{
    static const char *const names[] = {
        [TLS_HANDSHAKE] = "handshake", [TLS_WAITING] = "blind",
        [TLS_OPEN] = "open",           [TLS_BLIND] = "blind",
        [TLS_WRONG_KEY] = "wrong_key", [TLS_UNSUPPORTED] = "unsupported",
        [TLS_BROKEN] = "broken",
    };
    tls_count(t, C_TLS_CONNECTIONS + label_find(LABELS_TLS_RESULT, slice_str(names[state])), 1);
}

static struct tls_waiting *unlink_waiting(struct tls *t, struct tls_conn *c,
                                          struct tls_waiting **link)
{
    struct tls_waiting *w = *link;
    *link = w->next;
    if (c->last == &w->next)
        c->last = link;
    c->queued[w->role]--;
    c->queued_bytes -= sizeof *w + w->size;
    tls_release(t, c, sizeof *w + w->size);
    return w;
}

static void drop_queue(struct tls *t, struct tls_conn *c)
{
    while (c->first)
        free(unlink_waiting(t, c, &c->first));
}

void tls_side_wipe(struct tls *t, struct tls_conn *c, unsigned role)
{
    struct tls_side *s = &c->side[role];
    tls_opener_fini(&s->opener);
    crypto_wipe(&s->secret, sizeof s->secret);
    s->keyed = s->proven = false;
    tls_side_drop_part(t, c, role);
    tls_handshake_forget(t, c, role);
}

void tls_conn_end(struct tls *t, struct tls_conn *c, enum tls_state state)
{
    if (tls_conn_ended(c))
        return;
    c->info.state = state;
    count_result(t, state);
    drop_queue(t, c);
    tls_side_wipe(t, c, TLS_CLIENT);
    tls_side_wipe(t, c, TLS_SERVER);
    crypto_wipe(c->master, sizeof c->master);
    c->has_master = false;
    tls_conn_unfile(c, TLS_BY_RANDOM);
    tls_conn_unfile(c, TLS_BY_SESSION);
}

/* ---- keys ---- */

void tls_side_change(struct tls_conn *c, unsigned role, enum tls_epoch epoch)
{
    struct tls_side *s = &c->side[role];
    s->epoch = epoch;
    s->keyed = s->proven = false;
    c->changed = true;
}

static bool find_master(struct tls *t, struct tls_conn *c)
{
    const struct tls_secret_bytes *s = tls_secret_find(&t->secrets, c->client_random, TLS_MASTER);
    if (s == NULL && c->info.resumed && c->has_offered_id)
        s = tls_secret_find(&t->sessions, c->offered_id, TLS_MASTER);
    if (s == NULL && c->info.resumed && c->has_offered_ticket)
        s = tls_secret_find(&t->sessions, c->offered_ticket, TLS_MASTER);
    if (s)
        memcpy(c->master, s->bytes, TLS_MASTER_SIZE);
    else if (c->info.resumed && (c->has_offered_id || c->has_offered_ticket))
        tls_conn_file(t, c, TLS_BY_SESSION);
    c->has_master = s != NULL;
    return s != NULL;
}

/* A master secret that has proven itself is kept for the sessions that go on with it. */
static void remember_session(struct tls *t, const struct tls_conn *c)
{
    struct slice master = slice_of(c->master, TLS_MASTER_SIZE);
    if (c->info.version != TLS_1_2 || !c->has_master)
        return;
    if (c->has_given_id)
        tls_session_add(t, c->given_id, master);
    if (c->has_given_ticket)
        tls_session_add(t, c->given_ticket, master);
}

static bool set_keys_12(struct tls *t, struct tls_conn *c, unsigned role)
{
    if (!c->has_master && !find_master(t, c))
        return false;
    if (!tls_opener_12(&c->side[role].opener, &c->suite, c->encrypt_then_mac, c->master,
                       c->client_random, c->server_random, role))
        tls_conn_end(t, c, TLS_BLIND);
    return true;
}

/* Early data that was refused, or whose secret we lack, cannot be told from what follows it but by
 * trying. */
static void pass_over_early(struct tls *t, struct tls_conn *c, struct tls_side *s)
{
    if (c->early_accepted && tls_secret_find(&t->secrets, c->client_random, TLS_CLIENT_EARLY))
        return;
    s->epoch = TLS_IN_HANDSHAKE;
    s->early_skip = TLS_EARLY_SKIP_MAX;
}

/* The lines of both sides come one by one: who went on with the first would say all that one side
 * said ahead of all that the other did. */
static bool both_speak(const struct tls *t, const struct tls_conn *c)
{
    return tls_secret_find(&t->secrets, c->client_random, TLS_CLIENT_TRAFFIC) &&
           tls_secret_find(&t->secrets, c->client_random, TLS_SERVER_TRAFFIC);
}

static bool set_keys_13(struct tls *t, struct tls_conn *c, unsigned role)
{
    struct tls_side *s = &c->side[role];
    if (s->epoch == TLS_EARLY)
        pass_over_early(t, c, s);
    if (s->epoch == TLS_SEALED && !both_speak(t, c))
        return false;
    enum tls_secret which = s->epoch == TLS_EARLY ? TLS_CLIENT_EARLY
                            : s->epoch == TLS_IN_HANDSHAKE
                                ? (role ? TLS_SERVER_HANDSHAKE : TLS_CLIENT_HANDSHAKE)
                                : (role ? TLS_SERVER_TRAFFIC : TLS_CLIENT_TRAFFIC);
    const struct tls_secret_bytes *secret = tls_secret_find(&t->secrets, c->client_random, which);
    if (secret == NULL)
        return false;
    s->secret = *secret;
    if (!tls_opener_13(&s->opener, &c->suite, &s->secret))
        tls_conn_end(t, c, TLS_WRONG_KEY);
    return true;
}

/* ---- one record ---- */

static void deliver(struct tls_conn *c, unsigned role, struct slice plain, int64_t time_ns)
{
    c->info.bytes[role] += plain.size;
    if (plain.size)
        c->plain(c->context, role, plain, time_ns);
}

static void change_cipher_spec(struct tls_conn *c, unsigned role)
{
    if (c->info.version != TLS_1_2)
        return; /* 1.3: for the sake of middleboxes, means nothing */
    if (role == TLS_SERVER && !c->flight_done) {
        c->info.resumed = true; /* RFC 5246 7.3: the abbreviated handshake */
        c->flight_done = true;
    }
    tls_side_change(c, role, TLS_SEALED);
}

static void alert(struct tls_conn *c, unsigned role, struct slice body)
{
    if (role == TLS_SERVER && body.size == 2 && body.data[1] == ALERT_NO_RENEGOTIATION) {
        c->server_hello = c->flight_done = true; /* so the client need not wait for it */
        c->changed = true;
    }
}

static void content(struct tls *t, struct tls_conn *c, unsigned role, uint8_t type,
                    struct slice body, int64_t time_ns)
{
    switch (type) {
    case TLS_CHANGE_CIPHER_SPEC:
        change_cipher_spec(c, role);
        break;
    case TLS_ALERT:
        alert(c, role, body);
        break;
    case TLS_HANDSHAKE_MESSAGE:
        tls_handshake(t, c, role, body);
        break;
    case TLS_APPLICATION:
        deliver(c, role, body, time_ns);
        break;
    default:
        break;
    }
}

static void in_clear(struct tls *t, struct tls_conn *c, unsigned role, struct slice record,
                     int64_t time_ns)
{
    if (record.data[0] != TLS_APPLICATION) {
        content(t, c, role, record.data[0], slice_from(record, TLS_HEADER_SIZE), time_ns);
    } else if (!c->retried || role != TLS_CLIENT) { /* early data before a retry is refused */
        tls_count_bad(t, "syntax");
        tls_conn_end(t, c, TLS_BROKEN);
    }
}

static void not_opened(struct tls *t, struct tls_conn *c, struct tls_side *s)
{
    if (s->early_skip && !s->proven)
        s->early_skip--;
    else
        tls_conn_end(t, c, s->proven ? TLS_BROKEN : TLS_WRONG_KEY);
}

static void opened(struct tls *t, struct tls_conn *c, unsigned role)
{
    struct tls_side *s = &c->side[role];
    s->opener.sequence++;
    if (!s->proven && role == TLS_SERVER)
        remember_session(t, c);
    s->proven = true;
    if (s->epoch != TLS_SEALED || c->first)
        return;
    c->info.state = TLS_OPEN;
    if (!c->open_counted)
        count_result(t, TLS_OPEN);
    c->open_counted = true;
}

/* Never sealed in 1.3, where records of all types look like TLS_APPLICATION. */
static bool is_bare(uint8_t type)
{
    return type == TLS_CHANGE_CIPHER_SPEC || type == TLS_ALERT;
}

static void sealed(struct tls *t, struct tls_conn *c, unsigned role, struct slice record,
                   int64_t time_ns)
{
    uint8_t type;
    struct slice plain;
    if (c->suite.version_1_3 && is_bare(record.data[0]))
        return;
    if (!tls_open(&c->side[role].opener, record, t->room, &type, &plain)) {
        not_opened(t, c, &c->side[role]);
        return;
    }
    opened(t, c, role);
    content(t, c, role, type, plain, time_ns);
}

static void missing(struct tls *t, struct tls_conn *c, unsigned role, int64_t time_ns)
{
    if (c->side[role].epoch != TLS_SEALED) {
        tls_conn_end(t, c, TLS_BROKEN);
        return;
    }
    c->side[role].opener.sequence++;
    tls_handshake_forget(t, c, role);
    c->plain(c->context, role, slice_none(), time_ns);
}

static void process(struct tls *t, struct tls_conn *c, unsigned role, struct slice record,
                    int64_t time_ns)
{
    if (record.data[0] == TLS_MISSING)
        missing(t, c, role, time_ns);
    else if (c->side[role].epoch == TLS_IN_CLEAR)
        in_clear(t, c, role, record, time_ns);
    else
        sealed(t, c, role, record, time_ns);
}

/* ---- now or later ---- */

static bool waits_for_other_side(const struct tls_conn *c, unsigned role)
{
    if (role == TLS_SERVER)
        return !c->client_hello;
    if (!c->client_hello)
        return false;
    if (c->side[role].epoch == TLS_EARLY && !c->extensions_seen)
        return true;
    return !c->server_hello || (c->info.version == TLS_1_2 && !c->flight_done);
}

/* May the record be processed? Ends the connection when the keys cannot be used. */
static bool ready(struct tls *t, struct tls_conn *c, unsigned role, uint8_t type)
{
    struct tls_side *s = &c->side[role];
    if (waits_for_other_side(c, role))
        return false;
    if (s->epoch == TLS_IN_CLEAR || s->keyed)
        return true;
    if (c->suite.version_1_3 && is_bare(type))
        return true;
    s->keyed = c->suite.version_1_3 ? set_keys_13(t, c, role) : set_keys_12(t, c, role);
    if (!s->keyed)
        c->info.state = TLS_WAITING;
    return s->keyed && !tls_conn_ended(c);
}

static void enqueue(struct tls *t, struct tls_conn *c, unsigned role, struct slice record,
                    int64_t time_ns)
{
    struct tls_waiting *w = NULL;
    size_t size = sizeof *w + record.size;
    if (c->queued_bytes + size <= t->config.conn_waiting_max)
        w = malloc(size);
    uint32_t counted =
        tls_conn_count_sealed(c, role, record.data[0], record.size - TLS_HEADER_SIZE);
    if (w == NULL) {
        tls_conn_end(t, c, TLS_BLIND);
        return;
    }
    *w = (struct tls_waiting){.time_ns = time_ns,
                              .size = (uint32_t)record.size,
                              .counted = counted,
                              .role = (uint8_t)role};
    memcpy(w->record, record.data, record.size);
    *c->last = w;
    c->last = &w->next;
    c->queued[role]++;
    c->queued_bytes += size;
    tls_hold(t, c, size);
}

void tls_conn_record(struct tls *t, struct tls_conn *c, unsigned role, struct slice record,
                     int64_t time_ns)
{
    if (c->queued[role] == 0 && ready(t, c, role, record.data[0])) {
        process(t, c, role, record, time_ns);
        if (c->changed)
            tls_conn_pump(t, c);
    } else if (!tls_conn_ended(c)) {
        enqueue(t, c, role, record, time_ns);
    }
}

/* One walk along the queue, until something changes. */
static void walk_queue(struct tls *t, struct tls_conn *c)
{
    bool stuck[2] = {false, false};
    struct tls_waiting **link = &c->first;
    while (*link && !c->changed) {
        struct tls_waiting *w = *link;
        if (stuck[w->role] || !ready(t, c, w->role, w->record[0])) {
            if (tls_conn_ended(c))
                return;
            stuck[w->role] = true;
            if (stuck[!w->role] || c->queued[!w->role] == 0)
                return;
            link = &w->next;
            continue;
        }
        unlink_waiting(t, c, link);
        c->info.bytes[w->role] -= w->counted; /* what it says is counted instead */
        process(t, c, w->role, slice_of(w->record, w->size), w->time_ns);
        free(w);
        if (tls_conn_ended(c))
            return;
    }
}

void tls_conn_pump(struct tls *t, struct tls_conn *c)
{
    do {
        c->changed = false;
        walk_queue(t, c);
    } while (c->changed && !tls_conn_ended(c));
}

/* ---- for the transport ---- */

struct tls_conn *tls_conn_new(struct tls *t, tls_plain_fn *fn, void *context)
{
    (void)t;
    struct tls_conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->plain = fn;
    c->context = context;
    c->last = &c->first;
    for (unsigned role = 0; role < 2; role++) {
        buf_init(&c->side[role].part, TLS_PART_MAX);
        buf_init(&c->side[role].message, TLS_MESSAGE_MAX + TLS_FRAGMENT_MAX);
    }
    return c;
}

void tls_conn_free(struct tls *t, struct tls_conn *c)
{
    if (c == NULL)
        return;
    if (!tls_conn_ended(c) && !c->open_counted)
        count_result(t, c->info.state);
    if (!tls_conn_ended(c))
        c->info.state = TLS_BLIND;
    drop_queue(t, c);
    tls_side_wipe(t, c, TLS_CLIENT);
    tls_side_wipe(t, c, TLS_SERVER);
    tls_conn_unfile(c, TLS_BY_RANDOM);
    tls_conn_unfile(c, TLS_BY_SESSION);
    crypto_wipe(c->master, sizeof c->master);
    free(c);
}

/* The first record tells who is who. Picked up later than that, nothing can be read. */
static void identify(struct tls *t, struct tls_conn *c, unsigned side)
{
    const uint8_t *head = c->head[side];
    unsigned type = head[0] == TLS_HANDSHAKE_MESSAGE && head[1] == 3 ? head[5] : 0;
    c->client_known = true;
    if (type == 1 || type == 2)
        c->client = (uint8_t)(type == 1 ? side : !side);
    else
        tls_conn_end(t, c, TLS_BLIND);
}

static unsigned role_of(const struct tls_conn *c, unsigned side)
{
    return side == c->client ? TLS_CLIENT : TLS_SERVER;
}

/* Collects the first bytes of a side; false: who is the client is still open, all is kept. */
static bool take_head(struct tls *t, struct tls_conn *c, unsigned side, struct slice *bytes,
                      uint32_t lost, int64_t time_ns)
{
    size_t n = sizeof c->head[side] - c->head_size[side];
    if (n > bytes->size)
        n = bytes->size;
    memcpy(c->head[side] + c->head_size[side], bytes->data, n);
    c->head_size[side] = (uint8_t)(c->head_size[side] + n);
    *bytes = slice_from(*bytes, n);
    if (c->head_size[side] < sizeof c->head[side] && lost == 0)
        return false;
    if (lost) {
        c->client_known = true;
        tls_conn_end(t, c, TLS_BLIND);
    } else {
        identify(t, c, side);
    }
    for (unsigned i = 0; i < 2; i++) {
        unsigned s = i ? side : !side;
        tls_side_feed(t, c, role_of(c, s), slice_of(c->head[s], c->head_size[s]), 0, time_ns);
    }
    return true;
}

void tls_conn_feed(struct tls *t, struct tls_conn *c, unsigned side, struct slice bytes,
                   uint32_t lost, int64_t time_ns)
{
    side = side != 0;
    if (!c->client_known) {
        if (bytes.size == 0 && lost == 0)
            return;
        if (!take_head(t, c, side, &bytes, lost, time_ns))
            return;
        lost = 0;
    }
    tls_side_feed(t, c, role_of(c, side), bytes, lost, time_ns);
    tls_wake_sessions(t);
}

const struct tls_info *tls_conn_info(const struct tls_conn *c)
{
    return &c->info;
}

unsigned tls_conn_client(const struct tls_conn *c)
{
    return c->client_known ? c->client : 0;
}
