#include "capture/call/registrar.h"

#include "capture/call/finding_note.h"
#include "capture/call/place.h"
#include "capture/call/placing.h"

#define EVERY_NS USER_SECOND

size_t registrar_bytes(void)
{
    return sizeof(struct registration);
}

static uint64_t hash_text(const struct users *u, struct slice s)
{
    return s.size ? hash_bytes(&u->c->config.seed, s.data, s.size) | 1 : 0;
}

/* ---- out ---- */

static int64_t attempts_due(const struct registration *e)
{
    int64_t due_ns = NEVER;
    for (unsigned i = 0; i < REGISTRAR_ATTEMPTS_MAX; i++)
        if (e->attempt[i].stage > ATTEMPT_ASKED)
            due_ns = user_earlier(due_ns, e->attempt[i].last_steady_ns + AUTH_WAIT_NS);
    return due_ns;
}

/* The earliest of: a contact ends, a client will not come back, something is to be told. */
static void schedule(struct users *u, struct registration *e)
{
    int64_t expiry_ns = registrar_next_expiry(&e->r);
    if (expiry_ns != NEVER)
        expiry_ns -= user_packet_time(u, 0);
    int64_t due_ns = user_earlier(user_told_due(&e->entry, EVERY_NS), attempts_due(e));
    user_set_timer(u, &e->entry, user_earlier(due_ns, expiry_ns));
}

static void tell(struct users *u, struct registration *e, bool urgent)
{
    if (user_may_tell(u, &e->entry, urgent, EVERY_NS))
        user_push(u, EVENT_REGISTRATION, &e->r, sizeof e->r);
    schedule(u, e);
}

void registrar_last(struct users *u, struct entry *entry)
{
    struct registration *e = (struct registration *)(void *)entry;
    e->r.last = true;
    user_push(u, EVENT_REGISTRATION, &e->r, sizeof e->r);
}

/* ---- what became of an attempt ---- */

/* An attempt is over: counted and told. `code` 0: nobody answered; rrd_ns -1: not measured. */
static void done(struct users *u, const struct registration *e, enum registration_result result,
                 uint16_t code, int64_t rrd_ns)
{
    unsigned trunk = placing_trunk(u->c, &e->r.source, &e->r.registrar);
    struct user_register_done d = {.at_ns = u->c->time_ns,
                                   .rrd_ns = rrd_ns,
                                   .trunk = place_name(u->c->config.places, PLACE_TRUNK, trunk),
                                   .code = code,
                                   .success = code >= 200 && code < 300};
    counters_add(u->c->counters,
                 C_REGISTRATIONS + trunk * LABEL_COUNT_REGISTRATION + (unsigned)result, 1);
    user_push(u, EVENT_REGISTER_DONE, &d, sizeof d);
}

static void note_code(struct user_registration *r, uint16_t code)
{
    unsigned i = 0;
    while (i < r->code_count && r->failed[i].code != code)
        i++;
    if (i == USER_CODES_MAX) { /* its last place is for all others */
        i--;
        code = 1;
    } else if (i == r->code_count) {
        r->code_count++;
    }
    r->failed[i].code = code;
    r->failed[i].count++;
}

static enum registration_result result_of(uint16_t code)
{
    switch (code) {
    case 0:
        return RESULT_TIMEOUT;
    case 401:
    case 402:
    case 407:
        return RESULT_UNAUTHORIZED;
    case 423:
        return RESULT_TOO_BRIEF;
    default:
        return code < 400 ? RESULT_REDIRECTED : RESULT_FAILED;
    }
}

/* `code` 0: nobody answered. */
static void lose(struct users *u, struct registration *e, uint16_t code)
{
    struct user_registration *r = &e->r;
    enum registration_result result = result_of(code);
    note_code(r, code);
    r->code = code;
    r->failures += result == RESULT_FAILED || result == RESULT_TIMEOUT;
    r->timeouts += result == RESULT_TIMEOUT;
    done(u, e, result, code, -1);
    if (r->contact_count == 0) {
        r->state = REGISTRATION_FAILED;
        r->ended_ns = u->c->time_ns;
        slots_touch(&u->table[PART_REGISTRATION], e, SLOT_CHEAP);
    }
}

static void measure(struct users *u, struct user_registration *r, int64_t sent_ns, int64_t first_ns,
                    int64_t now_ns)
{
    r->rrd_ns = now_ns - sent_ns;
    r->rrd_full_ns = now_ns - first_ns;
    r->rrd_sum_ns += r->rrd_full_ns;
    r->rrd_count++;
    if (r->rrd_full_ns > r->rrd_max_ns)
        r->rrd_max_ns = r->rrd_full_ns;
    counters_observe(u->c->counters, C_REGISTRATION_DELAY, (double)r->rrd_full_ns / 1e9);
}

static void settle(struct users *u, struct registration *e, bool removal, bool before,
                   int64_t rrd_ns, int64_t now_ns)
{
    struct user_registration *r = &e->r;
    r->successes++;
    r->removals += removal;
    r->refreshes += before && !removal && r->contact_count > 0;
    done(u, e, removal ? RESULT_REMOVED : before ? RESULT_REFRESHED : RESULT_REGISTERED, r->code,
         rrd_ns);
    if (r->contact_count) {
        if (!before)
            r->registered_ns = now_ns;
        r->state = REGISTRATION_REGISTERED;
        r->ended_ns = 0;
    } else {
        r->state = REGISTRATION_REMOVED;
        r->ended_ns = now_ns;
    }
    slots_touch(&u->table[PART_REGISTRATION], e, r->contact_count ? SLOT_DEAR : SLOT_CHEAP);
}

/* ---- entries and attempts ---- */

static struct registration *find(struct users *u, const struct sighting *s, bool may_add)
{
    char aor[USER_AOR_SIZE];
    uint32_t space = s->d->src.space;
    user_aor(&s->m->to, aor, sizeof aor);
    if (aor[0] == '\0')
        return NULL;
    uint64_t hash = user_hash(u, aor, space, 0);
    struct map_probe p = slots_probe(&u->table[PART_REGISTRATION], hash);
    for (struct registration *e; (e = slots_next(&u->table[PART_REGISTRATION], &p)) != NULL;)
        if (e->r.space == space && strcmp(e->r.aor, aor) == 0)
            return e;
    struct registration *e = may_add ? user_add(u, PART_REGISTRATION, hash, SLOT_CHEAP) : NULL;
    if (e == NULL)
        return NULL;
    memcpy(e->r.aor, aor, sizeof aor);
    e->r.space = space;
    e->r.first_ns = s->d->time_ns;
    e->r.rrd_ns = e->r.rrd_full_ns = -1;
    return e;
}

static struct register_attempt *attempt_of(struct registration *e, uint64_t request)
{
    for (unsigned i = 0; i < REGISTRAR_ATTEMPTS_MAX; i++)
        if (e->attempt[i].stage != ATTEMPT_NONE && e->attempt[i].request == request)
            return &e->attempt[i];
    return NULL;
}

/* The one that this REGISTER goes on with: the same Call-ID, after a challenge or a 423. */
static struct register_attempt *waiting(struct registration *e, uint64_t call_id)
{
    for (unsigned i = 0; i < REGISTRAR_ATTEMPTS_MAX; i++)
        if (e->attempt[i].stage > ATTEMPT_ASKED && e->attempt[i].call_id == call_id)
            return &e->attempt[i];
    return NULL;
}

static void give_up(struct users *u, struct registration *e, struct register_attempt *a)
{
    if (a->stage > ATTEMPT_ASKED)
        lose(u, e, a->code);
    a->stage = ATTEMPT_NONE;
}

static struct register_attempt *new_attempt(struct users *u, struct registration *e, int64_t now_ns)
{
    struct register_attempt *a = &e->attempt[0];
    for (unsigned i = 0; i < REGISTRAR_ATTEMPTS_MAX && a->stage != ATTEMPT_NONE; i++) {
        struct register_attempt *b = &e->attempt[i];
        if (b->stage == ATTEMPT_NONE || b->last_steady_ns < a->last_steady_ns)
            a = b;
    }
    give_up(u, e, a);
    *a = (struct register_attempt){.first_ns = now_ns};
    e->r.attempts++;
    return a;
}

/* ---- requests ---- */

static struct slice credentials(const struct sip_msg *m)
{
    struct slice own = sip_header(m, SIP_H_AUTHORIZATION);
    return own.size ? own : sip_header(m, SIP_H_PROXY_AUTHORIZATION);
}

/* RFC 7616 3.3: parts of credentials or of a challenge that say how good they are. */
static void note_scheme(struct user_registration *r, struct slice header)
{
    struct slice rest = slice_trim(header), value;
    struct slice scheme = slice_cut(&rest, ' ');
    bool digest = slice_is_nocase(scheme, "Digest");
    slice_copy_to(scheme, r->auth_scheme, sizeof r->auth_scheme);
    r->auth_algorithm[0] = r->auth_qop[0] = '\0';
    if (sip_auth_param(header, "algorithm", &value))
        slice_copy_to(value, r->auth_algorithm, sizeof r->auth_algorithm);
    else if (digest)
        slice_copy_to(slice_str("MD5"), r->auth_algorithm, sizeof r->auth_algorithm);
    if (sip_auth_param(header, "qop", &value))
        slice_copy_to(value, r->auth_qop, sizeof r->auth_qop);
}

/* A nonce may serve again with a count that grows (RFC 7616 3.4); without one, or with the same, whoever saw it could have sent it. */
static void note_nonce(struct users *u, struct user_registration *r, struct slice given)
{
    struct slice value;
    uint32_t count = 0;
    if (!sip_auth_param(given, "nonce", &value))
        return;
    uint64_t nonce = hash_text(u, value);
    if (sip_auth_param(given, "nc", &value))
        for (size_t i = 0; i < value.size && i < 8; i++) {
            uint8_t c = value.data[i] | 0x20;
            count = count << 4 | (c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) : c & 15u);
        }
    r->nonce_reuses += nonce == r->nonce_used && count <= r->nonce_count;
    r->nonce_used = nonce;
    r->nonce_count = count;
}

static void note_credentials(struct users *u, struct user_registration *r, struct register_attempt *a,
                             const struct sip_msg *m)
{
    struct slice given = credentials(m), value;
    if (given.size == 0)
        return;
    if (sip_auth_param(given, "username", &value))
        user_text(value, r->auth_user, sizeof r->auth_user);
    if (sip_auth_param(given, "realm", &value))
        user_text(value, r->auth_realm, sizeof r->auth_realm);
    r->credentials = true;
    note_scheme(r, given);
    note_nonce(u, r, given);
    a->answered_challenge = a->nonce && sip_auth_param(given, "nonce", &value) &&
                            hash_text(u, value) == a->nonce;
}

static void ask(struct users *u, const struct user_sight *w)
{
    const struct sighting *s = w->s;
    const struct sip_msg *m = s->m;
    struct register_attempt asked = {0};
    if (!registrar_asked(m, &asked))
        return; /* asks what is bound */
    struct registration *e = find(u, s, true);
    if (e == NULL)
        return;
    uint64_t call_id = hash_text(u, m->call_id);
    struct register_attempt *a = waiting(e, call_id);
    if (a == NULL) {
        a = new_attempt(u, e, s->d->time_ns);
        registrar_source(&e->r, s->d);
    }
    a->call_id = call_id;
    a->request = w->t ? w->t->request : 0;
    if (w->t)
        w->t->credentials = credentials(m).size > 0;
    a->stage = ATTEMPT_ASKED;
    a->last_steady_ns = u->c->steady_ns;
    a->expires_s = asked.expires_s;
    a->star = asked.star;
    a->contact = asked.contact;
    note_credentials(u, &e->r, a, m);
    e->r.registrar = s->d->dst;
    e->r.last_ns = s->d->time_ns;
    user_text(user_software(m), e->r.user_agent, sizeof e->r.user_agent);
    user_own(u, PART_REGISTRATION, e, w->t);
    slots_touch(&u->table[PART_REGISTRATION], e, (enum slot_worth)e->entry.slot.worth);
    tell(u, e, false);
}

/* ---- responses ---- */

static bool is_stale(struct slice challenge)
{
    struct slice value;
    return sip_auth_param(challenge, "stale", &value) && slice_is_nocase(value, "true");
}

static void challenge(struct users *u, struct registration *e, struct register_attempt *a,
                      const struct sip_msg *m)
{
    struct slice header = sip_header(m, m->status == 401 ? SIP_H_WWW_AUTHENTICATE : SIP_H_PROXY_AUTHENTICATE);
    struct slice nonce;
    e->r.challenges++;
    e->r.stales += is_stale(header);
    if (!e->r.credentials)
        note_scheme(&e->r, header);
    if (a == NULL)
        return;
    bool refused = a->answered_challenge && !is_stale(header);
    a->stage = refused ? ATTEMPT_NONE : ATTEMPT_CHALLENGED;
    a->last_steady_ns = u->c->steady_ns;
    a->answered_challenge = false;
    a->nonce = sip_auth_param(header, "nonce", &nonce) ? hash_text(u, nonce) : 0;
    if (refused)
        lose(u, e, m->status);
    else
        a->code = m->status;
}

static void accept(struct users *u, struct registration *e, struct register_attempt *a,
                   const struct user_sight *w)
{
    int64_t now_ns = w->s->d->time_ns;
    bool before = e->r.state == REGISTRATION_REGISTERED;
    bool removal = a && (a->star || a->expires_s == 0);
    registrar_bind(&e->r, w->s->m, a, now_ns);
    e->r.code = w->s->m->status;
    if (w->t)
        measure(u, &e->r, w->t->sent_ns, a ? a->first_ns : w->t->sent_ns, now_ns);
    settle(u, e, removal, before, w->t ? e->r.rrd_full_ns : -1, now_ns);
    if (a)
        a->stage = ATTEMPT_NONE;
}

/* Was a password accepted, or was it wrong? */
static void judge_login(struct users *u, struct registration *e, const struct user_sight *w)
{
    const struct sip_msg *m = w->s->m;
    bool wrong = w->t && w->t->credentials &&
                 (m->status == 403 ||
                  (m->status == 401 && !is_stale(sip_header(m, SIP_H_WWW_AUTHENTICATE))) ||
                  (m->status == 407 && !is_stale(sip_header(m, SIP_H_PROXY_AUTHENTICATE))));
    e->r.auth_failures += wrong;
    if (wrong || (m->status >= 200 && m->status < 300))
        finding_note_login(u->c, e->r.aor, w->s->d, !wrong);
}

static void answer(struct users *u, struct registration *e, const struct user_sight *w)
{
    const struct sip_msg *m = w->s->m;
    struct register_attempt *a = w->t ? attempt_of(e, w->t->request) : NULL;
    uint8_t state = e->r.state;
    judge_login(u, e, w);
    if (m->status < 300) {
        accept(u, e, a, w);
        user_text(sip_header(m, SIP_H_SERVER), e->r.server, sizeof e->r.server);
    } else if (m->status == 401 || m->status == 407) {
        challenge(u, e, a, m);
    } else if (m->status == 423) {
        e->r.too_brief++;
        if (a) {
            a->stage = ATTEMPT_TOO_BRIEF;
            a->code = 423;
        }
    } else {
        if (a)
            a->stage = ATTEMPT_NONE;
        lose(u, e, m->status);
    }
    tell(u, e, e->r.state != state);
}

/* Contacts of an answer whose question was not seen. */
static void learn(struct users *u, const struct user_sight *w)
{
    const struct sighting *s = w->s;
    struct slice item;
    bool lists = s->m->status >= 200 && s->m->status < 300 &&
                 sip_header_item(s->m, SIP_H_CONTACT, 0, &item);
    struct registration *e = lists ? find(u, s, true) : NULL;
    if (e == NULL)
        return;
    e->r.registrar = s->d->src;
    e->r.source = s->d->dst;
    e->r.transport = s->d->transport;
    answer(u, e, w);
}

void registrar_see(struct users *u, const struct user_sight *w)
{
    struct registration *e;
    switch (w->verdict) {
    case TRANSACTION_NEW:
        ask(u, w);
        break;
    case TRANSACTION_REPEAT:
        e = w->t->hop ? NULL : user_owner(u, PART_REGISTRATION, w->t);
        if (e)
            e->r.retransmissions++;
        break;
    case TRANSACTION_FINAL:
        e = user_owner(u, PART_REGISTRATION, w->t);
        if (e)
            answer(u, e, w);
        break;
    case TRANSACTION_STRAY:
        if (!w->s->m->request)
            learn(u, w);
        break;
    default:
        break;
    }
}

/* ---- time ---- */

void registrar_timeout(struct users *u, struct transaction *t)
{
    struct registration *e = user_owner(u, PART_REGISTRATION, t);
    if (e == NULL)
        return;
    struct register_attempt *a = attempt_of(e, t->request);
    uint8_t state = e->r.state;
    if (a)
        a->stage = ATTEMPT_NONE;
    lose(u, e, 0);
    tell(u, e, e->r.state != state);
}

void registrar_due(struct users *u, struct entry *entry)
{
    struct registration *e = (struct registration *)(void *)entry;
    struct user_registration *r = &e->r;
    uint8_t state = r->state;
    bool changed = entry->dirty;
    int64_t now_ns = u->c->steady_ns;
    for (unsigned i = 0; i < REGISTRAR_ATTEMPTS_MAX; i++) {
        struct register_attempt *a = &e->attempt[i];
        if (a->stage <= ATTEMPT_ASKED || a->last_steady_ns + AUTH_WAIT_NS > now_ns)
            continue;
        give_up(u, e, a);
        changed = true;
    }
    bool gone = registrar_expire(r, u->c->time_ns) > 0;
    if (gone && r->contact_count == 0 && r->state == REGISTRATION_REGISTERED) {
        r->state = REGISTRATION_EXPIRED;
        r->ended_ns = r->expires_ns;
        slots_touch(&u->table[PART_REGISTRATION], e, SLOT_CHEAP);
    }
    if (changed || gone)
        tell(u, e, r->state != state);
    else
        schedule(u, e);
}
