/* Subscriptions (RFC 6665): who wants to know what about whom, and what was told. Found by Call-ID, the subscriber's tag
 * and the event, so each dialog made by one SUBSCRIBE is the same thing; a NOTIFY outside of any dialog (message
 * waiting, as many PBXs send it) by whom it is about.
 *
 *   SUBSCRIBE --> ASKED --2xx--> PENDING --NOTIFY active--> ACTIVE --terminated, expiry--> TERMINATED
 *                   +--4xx 5xx 6xx, no answer, 481 to a refresh or a NOTIFY---------------------^
 *
 * TERMINATED stays 5 s for copies and is then told for the last time. */
#include "capture/body/dialog_info.h"
#include "capture/body/mwi.h"
#include "capture/body/sipfrag.h"
#include "capture/call/uid.h"
#include "capture/call/user_parts.h"

#define EVERY_NS   USER_SECOND
#define LINGER_NS  (5 * USER_SECOND)
#define UNSUBSCRIBED_NS (32 * USER_SECOND) /* for the last NOTIFY */
#define GRACE_NS   (5 * USER_SECOND)       /* behind the expiry */
#define EXPIRES_DEFAULT_S 3600

struct subscription {
    struct entry entry;
    int64_t over_steady_ns; /* when it was terminated; 0: not */
    uint32_t asked_s;
    struct user_subscription s;
};

size_t subscriptions_bytes(void)
{
    return sizeof(struct subscription);
}

/* ---- out ---- */

static void schedule(struct users *u, struct subscription *e)
{
    int64_t due_ns = user_told_due(&e->entry, EVERY_NS);
    if (e->over_steady_ns)
        due_ns = user_earlier(due_ns, e->over_steady_ns + LINGER_NS);
    else if (e->s.expires_ns)
        due_ns = user_earlier(due_ns, e->s.expires_ns + GRACE_NS - user_packet_time(u, 0));
    user_set_timer(u, &e->entry, due_ns);
}

static void tell(struct users *u, struct subscription *e, bool urgent)
{
    if (user_may_tell(u, &e->entry, urgent, EVERY_NS))
        user_push(u, EVENT_SUBSCRIPTION, &e->s, sizeof e->s);
    schedule(u, e);
}

void subscriptions_last(struct users *u, struct entry *entry)
{
    struct subscription *e = (struct subscription *)(void *)entry;
    e->s.last = true;
    user_push(u, EVENT_SUBSCRIPTION, &e->s, sizeof e->s);
}

static void terminate(struct users *u, struct subscription *e, struct slice reason)
{
    if (e->over_steady_ns)
        return;
    e->over_steady_ns = u->c->steady_ns;
    e->s.state = SUBSCRIPTION_TERMINATED;
    e->s.ended_ns = u->c->time_ns;
    user_text(reason, e->s.reason, sizeof e->s.reason);
    slots_touch(&u->table[PART_SUBSCRIPTION], e, SLOT_CHEAP);
}

/* ---- the table ---- */

struct package { /* of the Event header */
    struct slice name, id;
};

static struct package package_of(const struct sip_msg *m)
{
    struct slice value = sip_header(m, SIP_H_EVENT);
    struct package p = {.name = slice_trim(slice_sub(value, 0, slice_index(value, ';')))};
    sip_param(slice_from(value, slice_index(value, ';') + 1), "id", &p.id);
    return p;
}

static uint64_t key_hash(const struct users *u, const struct sighting *s, const struct package *p,
                         uint64_t subscriber_tag)
{
    const struct hash_seed *seed = &u->c->config.seed;
    struct slice whose = s->m->call_id;
    char resource[USER_AOR_SIZE];
    if (subscriber_tag == 0) { /* no dialog: one for each resource */
        user_aor(&s->m->to, resource, sizeof resource);
        whose = slice_str(resource);
    }
    uint64_t words[5] = {hash_bytes(seed, whose.data, whose.size), subscriber_tag,
                         hash_bytes(seed, p->name.data, p->name.size),
                         hash_bytes(seed, p->id.data, p->id.size), s->d->src.space};
    return hash_words(seed, words, 5);
}

static struct subscription *find(struct users *u, uint64_t hash)
{
    struct map_probe p = slots_probe(&u->table[PART_SUBSCRIPTION], hash);
    for (struct subscription *e; (e = slots_next(&u->table[PART_SUBSCRIPTION], &p)) != NULL;)
        if (e->entry.slot.hash == hash)
            return e;
    return NULL;
}

static struct subscription *add(struct users *u, const struct sighting *s, const struct package *p,
                                uint64_t hash)
{
    const struct front_config *k = &u->c->config;
    struct subscription *e = user_add(u, PART_SUBSCRIPTION, hash, SLOT_CHEAP);
    if (e == NULL)
        return NULL;
    struct user_subscription *out = &e->s;
    user_text(s->m->call_id, out->call_id, sizeof out->call_id);
    user_text(p->name, out->event, sizeof out->event);
    user_text(p->id, out->event_id, sizeof out->event_id);
    out->space = s->d->src.space;
    out->transport = s->d->transport;
    out->started_ns = s->d->time_ns;
    uid_of_message(k->id_secret, k->probe, s->m->call_id, s->m->from.tag, out->space, s->m->cseq,
                   s->d->time_ns, out->uid);
    return e;
}

/* ---- SUBSCRIBE ---- */

static struct subscription *begin(struct users *u, const struct sighting *s, const struct package *p,
                                  uint64_t hash)
{
    struct subscription *e = add(u, s, p, hash);
    if (e == NULL)
        return NULL;
    e->s.partial = s->to_tag != 0;
    e->s.subscriber_at = s->d->src;
    e->s.notifier_at = s->d->dst;
    user_aor(&s->m->from, e->s.subscriber, sizeof e->s.subscriber);
    user_aor(&s->m->to, e->s.resource, sizeof e->s.resource);
    return e;
}

static void subscribe(struct users *u, const struct user_sight *w)
{
    const struct sighting *s = w->s;
    struct package p = package_of(s->m);
    uint64_t hash = key_hash(u, s, &p, s->from_tag);
    struct subscription *e = find(u, hash);
    bool again = e != NULL;
    if (e && e->over_steady_ns && s->to_tag == 0) { /* begins anew */
        subscriptions_last(u, &e->entry);
        user_drop(u, PART_SUBSCRIPTION, e);
        again = false;
    }
    if (!again)
        e = begin(u, s, &p, hash);
    if (e == NULL)
        return;
    e->asked_s = user_seconds(sip_header(s->m, SIP_H_EXPIRES), EXPIRES_DEFAULT_S);
    e->s.refreshes += again && s->to_tag != 0;
    e->s.last_ns = s->d->time_ns;
    user_text(user_software(s->m), e->s.user_agent, sizeof e->s.user_agent);
    user_own(u, PART_SUBSCRIPTION, e, w->t);
    tell(u, e, false);
}

static void grant(struct users *u, struct subscription *e, const struct sip_msg *m, int64_t now_ns)
{
    uint32_t granted_s = user_seconds(sip_header(m, SIP_H_EXPIRES), e->asked_s);
    e->s.expires_s = granted_s;
    if (e->s.confirmed_ns == 0)
        e->s.confirmed_ns = now_ns;
    if (e->s.state == SUBSCRIPTION_ASKED)
        e->s.state = SUBSCRIPTION_PENDING;
    e->s.expires_ns = now_ns + (granted_s ? granted_s * USER_SECOND : UNSUBSCRIBED_NS);
    slots_touch(&u->table[PART_SUBSCRIPTION], e, SLOT_DEAR);
}

static void answered(struct users *u, struct subscription *e, const struct user_sight *w)
{
    const struct sip_msg *m = w->s->m;
    uint8_t state = e->s.state;
    if (m->status == 401 || m->status == 407 || m->status == 423) {
        e->s.code = m->status;
        tell(u, e, false);
        return;
    }
    e->s.code = m->status;
    if (m->status < 300 && !e->over_steady_ns)
        grant(u, e, m, w->s->d->time_ns);
    else if (m->status == 481)
        terminate(u, e, slice_str("gone"));
    else if (m->status >= 300 && e->s.confirmed_ns == 0)
        terminate(u, e, slice_str("refused"));
    tell(u, e, e->s.state != state);
}

/* ---- NOTIFY ---- */

static void note_mwi(struct user_subscription *out, struct slice body)
{
    struct mwi mwi;
    if (!mwi_read(body, &mwi))
        return;
    const struct mwi_count *voice = &mwi.counts[MWI_VOICE];
    out->has_mwi = true;
    out->mwi_waiting = mwi.waiting;
    out->mwi_new = voice->fresh;
    out->mwi_old = voice->old;
    out->mwi_urgent_new = voice->urgent_fresh;
    out->mwi_urgent_old = voice->urgent_old;
    user_aor_of_uri(mwi.account, out->mwi_account, sizeof out->mwi_account);
}

static void note_dialogs(struct users *u, struct user_subscription *out, struct slice body)
{
    struct dialog_info info;
    enum dialog_info_state liveliest = DIALOG_INFO_TERMINATED;
    if (dialog_info_read(u->xml, body, &info) != XML_OK)
        return;
    for (unsigned i = 0; i < info.dialog_count; i++) {
        enum dialog_info_state state = info.dialogs[i].state;
        if (state == DIALOG_INFO_UNKNOWN || state == DIALOG_INFO_TERMINATED)
            continue;
        if (liveliest == DIALOG_INFO_TERMINATED || state > liveliest)
            liveliest = state;
    }
    out->dialog_count = (uint16_t)info.dialog_count;
    slice_copy_to(slice_str(dialog_info_state_text(liveliest)), out->dialog_state,
                  sizeof out->dialog_state);
}

static void note_body(struct users *u, struct user_subscription *out, const struct sighting *s)
{
    struct slice type = user_content_type(s->m), body = s->m->body;
    struct sipfrag frag;
    if (body.size == 0)
        return;
    user_text(type, out->body_type, sizeof out->body_type);
    out->body_bytes = (uint32_t)body.size;
    if (s->m->flags & SIP_FLAG_BODY_ENCODED)
        return;
    if (slice_is_nocase(type, "application/simple-message-summary"))
        note_mwi(out, body);
    else if (slice_is_nocase(type, "application/dialog-info+xml"))
        note_dialogs(u, out, body);
    else if (slice_starts_nocase(type, "message/sipfrag") && sipfrag_read(body, &frag))
        out->refer_code = frag.status;
}

static void note_state(struct users *u, struct subscription *e, const struct sighting *s)
{
    struct slice value = sip_header(s->m, SIP_H_SUBSCRIPTION_STATE), param;
    struct slice word = slice_trim(slice_sub(value, 0, slice_index(value, ';')));
    struct slice params = slice_from(value, slice_index(value, ';') + 1);
    if (slice_is_nocase(word, "terminated")) {
        terminate(u, e, sip_param(params, "reason", &param) ? param : slice_none());
        return;
    }
    if (e->over_steady_ns)
        return;
    e->s.state = slice_is_nocase(word, "pending") ? SUBSCRIPTION_PENDING : SUBSCRIPTION_ACTIVE;
    slots_touch(&u->table[PART_SUBSCRIPTION], e, SLOT_DEAR);
    uint32_t left_s;
    if (!sip_param(params, "expires", &param) || !slice_to_u32(param, &left_s))
        return;
    e->s.expires_ns = s->d->time_ns + left_s * USER_SECOND;
    if (e->s.expires_s == 0)
        e->s.expires_s = left_s;
}

/* Whose SUBSCRIBE we did not see, or who is told without one. */
static struct subscription *learn(struct users *u, const struct sighting *s, const struct package *p,
                                  uint64_t hash)
{
    struct subscription *e = add(u, s, p, hash);
    if (e == NULL)
        return NULL;
    e->s.partial = true;
    e->s.subscriber_at = s->d->dst;
    e->s.notifier_at = s->d->src;
    user_aor(&s->m->to, e->s.subscriber, sizeof e->s.subscriber);
    user_aor(s->to_tag ? &s->m->from : &s->m->to, e->s.resource, sizeof e->s.resource);
    return e;
}

static void notify(struct users *u, const struct user_sight *w)
{
    const struct sighting *s = w->s;
    struct package p = package_of(s->m);
    uint64_t hash = key_hash(u, s, &p, s->to_tag);
    struct subscription *e = find(u, hash);
    if (e == NULL)
        e = learn(u, s, &p, hash);
    if (e == NULL)
        return;
    uint8_t state = e->s.state;
    bool waiting = e->s.mwi_waiting;
    e->s.notifies++;
    e->s.last_ns = s->d->time_ns;
    if (e->s.confirmed_ns == 0)
        e->s.confirmed_ns = s->d->time_ns;
    note_body(u, &e->s, s);
    note_state(u, e, s);
    user_own(u, PART_SUBSCRIPTION, e, w->t);
    char resource[USER_AOR_SIZE];
    memcpy(resource, e->s.resource, sizeof resource);
    tell(u, e, e->s.state != state || e->s.mwi_waiting != waiting);
    presence_notified(u, s, resource);
}

static void notify_answered(struct users *u, struct subscription *e, uint16_t status)
{
    if (status < 300 || status == 401 || status == 407)
        return;
    e->s.notify_failures++;
    if (status == 481)
        terminate(u, e, slice_str("rejected"));
    tell(u, e, status == 481);
}

/* ---- in ---- */

void subscriptions_see(struct users *u, const struct user_sight *w)
{
    bool subscribes = w->s->m->method == SIP_SUBSCRIBE;
    struct subscription *e;
    switch (w->verdict) {
    case TRANSACTION_NEW:
        if (subscribes)
            subscribe(u, w);
        else
            notify(u, w);
        break;
    case TRANSACTION_FINAL:
        e = user_owner(u, PART_SUBSCRIPTION, w->t);
        if (e && subscribes)
            answered(u, e, w);
        else if (e)
            notify_answered(u, e, w->s->m->status);
        break;
    default:
        break;
    }
}

void subscriptions_timeout(struct users *u, struct transaction *t)
{
    struct subscription *e = user_owner(u, PART_SUBSCRIPTION, t);
    if (e == NULL)
        return;
    if (t->method == SIP_NOTIFY)
        e->s.notify_failures++;
    else if (e->s.confirmed_ns == 0)
        terminate(u, e, slice_str("no_answer"));
    tell(u, e, e->over_steady_ns != 0);
}

void subscriptions_due(struct users *u, struct entry *entry)
{
    struct subscription *e = (struct subscription *)(void *)entry;
    bool over = e->over_steady_ns != 0;
    if (over && e->over_steady_ns + LINGER_NS <= u->c->steady_ns) {
        subscriptions_last(u, entry);
        user_drop(u, PART_SUBSCRIPTION, e);
        return;
    }
    if (!over && e->s.expires_ns && e->s.expires_ns + GRACE_NS <= u->c->time_ns) {
        terminate(u, e, slice_str("expired"));
        e->s.ended_ns = e->s.expires_ns;
    }
    if (entry->dirty || (e->over_steady_ns && !over))
        tell(u, e, !over && e->over_steady_ns != 0);
    else
        schedule(u, e);
}
