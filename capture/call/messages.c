/* Messages: one for each MESSAGE, whatever hops, copies and challenges it takes, told when its final response came, after
 * timer F without one, or 64 s after a challenge that nobody answered. What the body is about (sms, receipts, typing,
 * files) comes from message_kind.c; the text itself is kept only by setting. An INVITE that offers MSRP is told here
 * too: the session, or the file that it offers (RFC 4975, RFC 5547). */
#include "capture/call/messages.h"

#include <stdlib.h>

#include "capture/call/uid.h"

#define BODIES_BYTES_MAX ((size_t)8 << 20) /* of all that wait for their answer */

size_t messages_bytes(void)
{
    return sizeof(struct message);
}

/* ---- out ---- */

static void push_with_text(struct users *u, struct message *e)
{
    size_t size = sizeof e->m + e->m.body_kept;
    uint8_t *both = malloc(size);
    if (both == NULL) {
        e->m.body_kept = 0;
        user_push(u, EVENT_MESSAGE_SEEN, &e->m, sizeof e->m);
        return;
    }
    memcpy(both, &e->m, sizeof e->m);
    memcpy(both + sizeof e->m, e->text, e->m.body_kept);
    user_push(u, EVENT_MESSAGE_SEEN, both, size);
    free(both);
}

void messages_last(struct users *u, struct entry *entry)
{
    struct message *e = (struct message *)(void *)entry;
    e->m.last = true;
    counters_add(u->c->counters, C_MESSAGES + e->m.kind, 1);
    if (e->m.body_kept)
        push_with_text(u, e);
    else
        user_push(u, EVENT_MESSAGE_SEEN, &e->m, sizeof e->m);
}

void messages_forget(struct users *u, struct entry *entry)
{
    struct message *e = (struct message *)(void *)entry;
    u->body_bytes -= e->m.body_kept;
    e->m.body_kept = 0;
    free(e->text);
    e->text = NULL;
}

static void end(struct users *u, struct message *e)
{
    messages_last(u, &e->entry);
    user_drop(u, PART_MESSAGE, e);
}

/* ---- requests ---- */

static uint64_t key_hash(const struct users *u, const struct sighting *s)
{
    const struct hash_seed *seed = &u->c->config.seed;
    uint64_t words[4] = {hash_bytes(seed, s->m->call_id.data, s->m->call_id.size), s->from_tag,
                         s->d->src.space, s->m->method};
    return hash_words(seed, words, 4);
}

/* The one that was challenged and is sent again. */
static struct message *find_challenged(struct users *u, uint64_t hash)
{
    struct map_probe p = slots_probe(&u->table[PART_MESSAGE], hash);
    for (struct message *e; (e = slots_next(&u->table[PART_MESSAGE], &p)) != NULL;)
        if (e->entry.slot.hash == hash && e->challenged)
            return e;
    return NULL;
}

static void keep_text(struct users *u, struct message *e, struct slice body)
{
    size_t size = body.size < USER_BODY_KEPT_MAX ? body.size : USER_BODY_KEPT_MAX;
    if (!u->c->config.keep_message_body || size == 0 || u->body_bytes + size > BODIES_BYTES_MAX)
        return;
    e->text = malloc(size);
    if (e->text == NULL)
        return;
    memcpy(e->text, body.data, size);
    e->m.body_kept = (uint32_t)size;
    u->body_bytes += size;
}

static void fill(struct users *u, struct user_message *m, const struct sighting *s)
{
    const struct sip_msg *msg = s->m;
    const struct live *l = user_call(u, s);
    user_text(msg->call_id, m->call_id, sizeof m->call_id);
    user_aor(&msg->from, m->from, sizeof m->from);
    user_aor(&msg->to, m->to, sizeof m->to);
    user_text(msg->from.display, m->from_display, sizeof m->from_display);
    user_text(user_software(msg), m->user_agent, sizeof m->user_agent);
    user_text(user_content_type(msg), m->content_type, sizeof m->content_type);
    m->size_bytes = (uint32_t)msg->body.size;
    m->src = s->d->src;
    m->dst = s->d->dst;
    m->space = s->d->src.space;
    m->transport = s->d->transport;
    m->at_ns = s->d->time_ns;
    m->delay_ns = -1;
    if (l)
        memcpy(m->call_uid, l->call->uid, sizeof m->call_uid);
    uid_of_message(u->c->config.id_secret, u->c->config.probe, msg->call_id, msg->from.tag,
                   m->space, msg->cseq, m->at_ns, m->uid);
}

static void ask(struct users *u, const struct user_sight *w)
{
    const struct sighting *s = w->s;
    uint64_t hash = key_hash(u, s);
    struct message *e = find_challenged(u, hash);
    if (e == NULL) {
        e = user_add(u, PART_MESSAGE, hash, SLOT_CHEAP);
        if (e == NULL)
            return;
        fill(u, &e->m, s);
        message_classify(u, &e->m, s);
        if (s->m->method == SIP_MESSAGE)
            keep_text(u, e, s->m->body);
    }
    e->challenged = false;
    user_set_timer(u, &e->entry, NEVER);
    if (w->t == NULL) { /* no memory to wait for the answer */
        end(u, e);
        return;
    }
    user_own(u, PART_MESSAGE, e, w->t);
}

/* ---- responses ---- */

static void answer(struct users *u, struct message *e, const struct user_sight *w)
{
    uint16_t code = w->s->m->status;
    e->m.code = code;
    e->m.answered_ns = w->s->d->time_ns;
    e->m.delay_ns = w->s->d->time_ns - e->m.at_ns;
    if (code != 401 && code != 407) {
        end(u, e);
        return;
    }
    e->m.challenges++;
    e->challenged = true;
    user_set_timer(u, &e->entry, u->c->steady_ns + AUTH_WAIT_NS);
}

void messages_see(struct users *u, const struct user_sight *w)
{
    struct message *e = w->verdict == TRANSACTION_STRAY ? NULL : user_owner(u, PART_MESSAGE, w->t);
    switch (w->verdict) {
    case TRANSACTION_NEW:
        if (w->s->m->request)
            ask(u, w);
        break;
    case TRANSACTION_REPEAT:
        if (e && !w->t->hop)
            e->m.retransmissions++;
        break;
    case TRANSACTION_FINAL:
        if (e)
            answer(u, e, w);
        break;
    default:
        break;
    }
}

/* ---- time ---- */

void messages_timeout(struct users *u, struct transaction *t)
{
    struct message *e = user_owner(u, PART_MESSAGE, t);
    if (e == NULL)
        return;
    e->m.timed_out = true;
    end(u, e);
}

/* Challenged, and the client did not come back. */
void messages_due(struct users *u, struct entry *entry)
{
    end(u, (struct message *)(void *)entry);
}
