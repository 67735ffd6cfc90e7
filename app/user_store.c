/* One function a kind of event: its struct becomes the record that is stored, names and units as
 * the API has them. A record's key is what the front tells things apart by; `weak` is what never
 * met success. */
#include "app/user_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/finding_store.h"
#include "app/list_text.h"
#include "app/summarise.h"
#include "base/json.h"
#include "capture/net/datagram.h"

#define TAKE_TEXT(record, field, text) copy_text((record)->field, sizeof(record)->field, text)

static void copy_text(char *out, size_t size, const char *text)
{
    slice_copy_to(slice_str(text ? text : ""), out, size);
}

static double ms(int64_t duration_ns)
{
    return duration_ns < 0 ? NAN : (double)duration_ns / 1e6;
}

static double mean_ms(int64_t sum_ns, uint32_t count)
{
    return count ? (double)sum_ns / count / 1e6 : NAN;
}

/* "alice" of "alice@example.com"; a number alone is its own user. */
static void take_user(const char *aor, char *out, size_t size)
{
    struct slice rest = slice_str(aor);
    slice_copy_to(slice_cut(&rest, '@'), out, size);
}

static bool is_known(const struct endpoint *e)
{
    return !addr_is_any(e->addr) || e->port != 0;
}

static void take_ip(const struct endpoint *e, char out[48])
{
    char text[ADDR_TEXT_SIZE];
    copy_text(out, 48, is_known(e) ? addr_text(e->addr, text) : "");
}

static void take_endpoint(const struct endpoint *e, char out[64])
{
    char text[ENDPOINT_TEXT_SIZE];
    copy_text(out, 64, is_known(e) ? endpoint_text(e, text) : "");
}

static void *new_record(enum user_kind kind, size_t size)
{
    void *record = malloc(user_table(kind)->size > size ? user_table(kind)->size : size);
    if (record)
        user_record_init(kind, record);
    return record;
}

/* ---- lists as JSON ---- */

static void contact_json(struct json *j, const void *thing, unsigned i)
{
    const struct user_contact *c = &((const struct user_registration *)thing)->contact[i];
    json_object(j);
    json_kv_text(j, "uri", slice_str(c->uri));
    json_kv_str(j, "instance", c->instance[0] ? c->instance : NULL);
    json_kv_time(j, "since_at", us(c->since_ns));
    json_kv_time(j, "expires_at", us(c->expires_ns));
    json_kv_double(j, "q", c->q_milli / 1000.0, 3);
    json_end(j);
}

static void source_json(struct json *j, const void *thing, unsigned i)
{
    const struct user_source *s = &((const struct user_registration *)thing)->recent[i];
    char text[ENDPOINT_TEXT_SIZE];
    json_object(j);
    json_kv_str(j, "at", endpoint_text(&s->at, text));
    json_kv_str(j, "transport", transport_text(s->transport));
    json_kv_time(j, "first_at", us(s->first_ns));
    json_kv_time(j, "last_at", us(s->last_ns));
    json_kv_int(j, "attempts", s->count);
    json_end(j);
}

static void code_json(struct json *j, const void *thing, unsigned i)
{
    const struct user_code *c = &((const struct user_registration *)thing)->failed[i];
    json_object(j);
    if (c->code)
        json_kv_int(j, "sip_code", c->code);
    else
        json_kv_null(j, "sip_code");
    json_kv_int(j, "count", c->count);
    json_end(j);
}

/* ---- the kinds ---- */

static void registration_counts(struct registration_record *r, const struct user_registration *u)
{
    r->count = 1;
    r->attempts = u->attempts;
    r->successes = u->successes;
    r->failures = u->failures;
    r->timeouts = u->timeouts;
    r->refreshes = u->refreshes;
    r->removals = u->removals;
    r->challenges = u->challenges;
    r->too_brief = u->too_brief;
    r->retransmissions = u->retransmissions;
    r->source_changes = u->source_changes;
    r->contacts_over = u->contacts_over;
    r->rrd_ms = ms(u->rrd_ns);
    r->rrd_full_ms = ms(u->rrd_full_ns);
    r->rrd_avg_ms = mean_ms(u->rrd_sum_ns, u->rrd_count);
    r->rrd_max_ms = u->rrd_count ? ms(u->rrd_max_ns) : NAN;
}

static void registration_times(struct registration_record *r, const struct user_registration *u)
{
    r->first_us = us(u->first_ns);
    r->updated_us = us(u->last_ns > u->ended_ns ? u->last_ns : u->ended_ns);
    r->registered_us = us(u->registered_ns);
    r->expires_us = us(u->expires_ns);
    r->ended_us = us(u->ended_ns);
    r->expires_s = u->expires_s;
}

static void take_registration(const struct event *event, user_take_fn *take, void *context)
{
    const struct user_registration *u = (const void *)event->body.data;
    struct registration_record *r = new_record(USER_REGISTRATION, 0);
    if (r == NULL)
        return;
    snprintf(r->key, sizeof r->key, "%u %s", u->space, u->aor);
    r->weak = u->successes == 0;
    TAKE_TEXT(r, aor, u->aor);
    take_user(u->aor, r->user, sizeof r->user);
    r->space = u->space;
    TAKE_TEXT(r, state, registration_state_text(u->state));
    take_ip(&u->source, r->ip);
    r->port = u->source.port;
    take_endpoint(&u->registrar, r->registrar);
    TAKE_TEXT(r, transport, transport_text(u->transport));
    TAKE_TEXT(r, user_agent, u->user_agent);
    TAKE_TEXT(r, server, u->server);
    TAKE_TEXT(r, auth_user, u->auth_user);
    TAKE_TEXT(r, auth_realm, u->auth_realm);
    TAKE_TEXT(r, auth_scheme, u->auth_scheme);
    TAKE_TEXT(r, auth_algorithm, u->auth_algorithm);
    TAKE_TEXT(r, auth_qop, u->auth_qop);
    r->auth_failures = u->auth_failures;
    r->nonce_reuses = u->nonce_reuses;
    r->stales = u->stales;
    r->unchallenged = u->successes > 0 && u->challenges == 0 && !u->credentials;
    r->sip_code = u->code;
    registration_times(r, u);
    registration_counts(r, u);
    list_text(r->contacts, sizeof r->contacts, u, u->contact_count, contact_json);
    list_text(r->sources, sizeof r->sources, u, u->source_count, source_json);
    list_text(r->failure_codes, sizeof r->failure_codes, u, u->code_count, code_json);
    take(context, USER_REGISTRATION, r);
}

static void take_mwi(struct subscription_record *r, const struct user_subscription *u)
{
    struct json j;
    struct buf b;
    buf_init(&b, sizeof r->mwi - 1);
    json_init(&j, &b);
    json_object(&j);
    json_kv_bool(&j, "waiting", u->mwi_waiting);
    json_kv_int(&j, "new", u->mwi_new);
    json_kv_int(&j, "old", u->mwi_old);
    json_kv_int(&j, "urgent_new", u->mwi_urgent_new);
    json_kv_int(&j, "urgent_old", u->mwi_urgent_old);
    json_kv_str(&j, "account", u->mwi_account[0] ? u->mwi_account : NULL);
    json_end(&j);
    if (!b.failed)
        slice_copy_to(buf_view(&b), r->mwi, sizeof r->mwi);
    buf_fini(&b);
}

static void subscription_course(struct subscription_record *r, const struct user_subscription *u)
{
    r->count = 1;
    r->sip_code = u->code;
    TAKE_TEXT(r, reason, u->reason);
    r->expires_s = u->expires_s;
    r->started_us = us(u->started_ns);
    r->confirmed_us = us(u->confirmed_ns);
    r->updated_us = us(u->last_ns > u->ended_ns ? u->last_ns : u->ended_ns);
    r->expires_us = us(u->expires_ns);
    r->ended_us = us(u->ended_ns);
    r->refreshes = u->refreshes;
    r->notifies = u->notifies;
    r->notify_failures = u->notify_failures;
    TAKE_TEXT(r, body_type, u->body_type);
    r->body_bytes = u->body_bytes;
    r->refer_code = u->refer_code;
    TAKE_TEXT(r, dialog_state, u->dialog_state);
    r->dialog_count = u->dialog_count;
    if (u->has_mwi)
        take_mwi(r, u);
}

static void take_subscription(const struct event *event, user_take_fn *take, void *context)
{
    const struct user_subscription *u = (const void *)event->body.data;
    struct subscription_record *r = new_record(USER_SUBSCRIPTION, 0);
    if (r == NULL)
        return;
    uid_text(u->uid, r->uid);
    TAKE_TEXT(r, key, r->uid);
    r->weak = u->confirmed_ns == 0;
    TAKE_TEXT(r, call_id, u->call_id);
    r->space = u->space;
    TAKE_TEXT(r, state, subscription_state_text(u->state));
    r->partial = u->partial;
    TAKE_TEXT(r, event, u->event);
    TAKE_TEXT(r, event_id, u->event_id);
    TAKE_TEXT(r, subscriber, u->subscriber);
    take_user(u->subscriber, r->subscriber_user, sizeof r->subscriber_user);
    TAKE_TEXT(r, resource, u->resource);
    take_user(u->resource, r->resource_user, sizeof r->resource_user);
    take_ip(&u->subscriber_at, r->ip);
    r->port = u->subscriber_at.port;
    take_endpoint(&u->notifier_at, r->notifier);
    TAKE_TEXT(r, transport, transport_text(u->transport));
    TAKE_TEXT(r, user_agent, u->user_agent);
    subscription_course(r, u);
    take(context, USER_SUBSCRIPTION, r);
}

static void message_content(struct message_record *r, const struct user_message *u)
{
    r->size_bytes = u->size_bytes;
    TAKE_TEXT(r, content_type, u->content_type);
    TAKE_TEXT(r, sms_type, u->sms_type);
    TAKE_TEXT(r, sms_from, u->sms_from);
    TAKE_TEXT(r, sms_to, u->sms_to);
    TAKE_TEXT(r, imdn, message_imdn_text(u->imdn));
    TAKE_TEXT(r, imdn_id, u->imdn_id);
    r->composing = u->composing;
    TAKE_TEXT(r, file_name, u->file_name);
    TAKE_TEXT(r, file_type, u->file_type);
    TAKE_TEXT(r, file_hash, u->file_hash);
    TAKE_TEXT(r, file_url, u->file_url);
    r->file_bytes = u->file_bytes <= INT64_MAX ? (int64_t)u->file_bytes : 0;
}

static void message_way(struct message_record *r, const struct user_message *u)
{
    static const uint8_t none[sizeof u->call_uid];
    uid_text(u->uid, r->uid);
    TAKE_TEXT(r, key, r->uid);
    r->weak = u->kind != MESSAGE_SESSION && u->code / 100 != 2;
    if (memcmp(u->call_uid, none, sizeof none) != 0)
        uid_text(u->call_uid, r->call_uid);
    TAKE_TEXT(r, call_id, u->call_id);
    r->space = u->space;
    TAKE_TEXT(r, kind, message_kind_text(u->kind));
    r->count = 1;
    TAKE_TEXT(r, from_aor, u->from);
    take_user(u->from, r->from_user, sizeof r->from_user);
    TAKE_TEXT(r, from_display, u->from_display);
    TAKE_TEXT(r, to_aor, u->to);
    take_user(u->to, r->to_user, sizeof r->to_user);
    take_ip(&u->src, r->ip);
    r->port = u->src.port;
    take_endpoint(&u->dst, r->dst);
    TAKE_TEXT(r, transport, transport_text(u->transport));
    r->sent_us = us(u->at_ns);
    r->answered_us = us(u->answered_ns);
    r->sip_code = u->code;
    r->timed_out = u->timed_out;
    r->delay_ms = ms(u->delay_ns);
    r->retransmissions = u->retransmissions;
    r->challenges = u->challenges;
    TAKE_TEXT(r, user_agent, u->user_agent);
}

static void take_message(const struct event *event, user_take_fn *take, void *context)
{
    const struct user_message *u = (const void *)event->body.data;
    struct slice body = slice_sub(event->body, sizeof *u, sizeof *u + u->body_kept);
    struct message_record *r = new_record(USER_MESSAGE, 0);
    if (r == NULL)
        return;
    message_way(r, u);
    message_content(r, u);
    r->body_kept = body.size > 0;
    slice_copy_to(body, r->body, sizeof r->body);
    /* Most have no body: what waits for the writer is small. */
    void *cut = realloc(r, offsetof(struct message_record, body) + body.size + 1);
    take(context, USER_MESSAGE, cut ? cut : r);
}

static void take_peer(const struct event *event, user_take_fn *take, void *context)
{
    const struct user_peer *u = (const void *)event->body.data;
    struct peer_record *r = new_record(USER_PEER, 0);
    if (r == NULL)
        return;
    take_ip(&u->src, r->src_ip);
    take_ip(&u->dst, r->dst_ip);
    snprintf(r->key, sizeof r->key, "%u %s %s", u->src.space, r->src_ip, r->dst_ip);
    r->weak = u->answers == 0;
    r->src_port = u->src.port;
    r->dst_port = u->dst.port;
    r->space = u->src.space;
    TAKE_TEXT(r, transport, transport_text(u->transport));
    TAKE_TEXT(r, state, peer_state_text(u->state));
    r->since_us = us(u->since_ns);
    r->sip_code = u->code;
    r->rtt_ms = ms(u->rtt_ns);
    r->rtt_min_ms = ms(u->rtt_min_ns);
    r->rtt_max_ms = ms(u->rtt_max_ns);
    r->rtt_avg_ms = mean_ms(u->rtt_sum_ns, u->answers);
    TAKE_TEXT(r, user_agent, u->user_agent);
    TAKE_TEXT(r, server, u->server);
    r->first_us = us(u->first_ns);
    r->asked_us = us(u->asked_ns);
    r->answered_us = us(u->answered_ns);
    r->updated_us = r->asked_us > r->answered_us ? r->asked_us : r->answered_us;
    r->requests = u->requests;
    r->answers = u->answers;
    r->missed = u->missed;
    r->misses_in_a_row = u->misses;
    r->changes = u->changes;
    take(context, USER_PEER, r);
}

static struct presence_record *presence_of(enum user_kind kind, const struct user_presence *u)
{
    struct presence_record *r = new_record(kind, 0);
    if (r == NULL)
        return NULL;
    snprintf(r->key, sizeof r->key, "%u %s", u->space, u->aor);
    if (kind == USER_PRESENCE_CHANGE)
        snprintf(r->key, sizeof r->key, "%u %s %lld", u->space, u->aor, (long long)u->at_ns);
    TAKE_TEXT(r, aor, u->aor);
    take_user(u->aor, r->user, sizeof r->user);
    r->space = u->space;
    TAKE_TEXT(r, status, presence_status_text(u->status));
    TAKE_TEXT(r, before, presence_status_text(u->before));
    TAKE_TEXT(r, source, presence_source_text(u->source));
    r->open = u->open;
    TAKE_TEXT(r, activity, u->activity);
    TAKE_TEXT(r, note, u->note);
    TAKE_TEXT(r, contact, u->contact);
    take_ip(&u->src, r->ip);
    r->updated_us = us(u->at_ns);
    r->since_us = us(u->since_ns);
    r->idle_since_us = us(u->idle_since_ns);
    r->expires_us = us(u->expires_ns);
    r->changes = u->changes;
    r->updates = u->updates;
    return r;
}

/* The last word on somebody whose place is needed is no news. */
static void take_presence(const struct event *event, user_take_fn *take, void *context)
{
    const struct user_presence *u = (const void *)event->body.data;
    enum user_kind kinds[] = {USER_PRESENCE, USER_PRESENCE_CHANGE};
    for (int i = 0; i < (u->last ? 1 : 2); i++) {
        struct presence_record *r = presence_of(kinds[i], u);
        if (r)
            take(context, kinds[i], r);
    }
}

static void take_agent(const struct event *event, user_take_fn *take, void *context)
{
    const struct user_agent_seen *u = (const void *)event->body.data;
    struct agent_record *r = new_record(USER_AGENT, 0);
    if (r == NULL)
        return;
    snprintf(r->key, sizeof r->key, "%s%s", u->other ? "*" : "=", u->other ? "" : u->name);
    TAKE_TEXT(r, name, u->other ? "other" : u->name);
    TAKE_TEXT(r, product, u->product);
    TAKE_TEXT(r, version, u->version);
    r->other = u->other;
    take_ip(&u->at, r->ip);
    r->port = u->at.port;
    r->first_us = us(u->first_ns);
    r->updated_us = us(u->last_ns);
    r->requests = (int64_t)u->requests;
    r->responses = (int64_t)u->responses;
    take(context, USER_AGENT, r);
}

/* What nobody has answered yet will be accepted or fail within seconds; and what has only failed was told when it did. */
static bool is_worth_a_row(const struct event *event)
{
    if (event->kind == EVENT_REGISTRATION) {
        const struct user_registration *u = (const void *)event->body.data;
        return u->successes > 0 || (u->state == REGISTRATION_TRYING) == u->last;
    }
    if (event->kind == EVENT_SUBSCRIPTION) {
        const struct user_subscription *u = (const void *)event->body.data;
        return u->confirmed_ns != 0 || (u->state == SUBSCRIPTION_ASKED) == u->last;
    }
    return true;
}

static void take_finding(const struct event *event, user_take_fn *take, void *context)
{
    struct finding_record *r = new_record(USER_FINDING, 0);
    if (r == NULL)
        return;
    finding_record_fill(r, (const void *)event->body.data);
    take(context, USER_FINDING, r);
}

void user_store_event(const struct event *event, user_take_fn *take, void *context)
{
    if (is_worth_a_row(event))
        user_store_records(event, take, context);
}

void user_store_records(const struct event *event, user_take_fn *take, void *context)
{
    static const struct {
        size_t size;
        void (*take)(const struct event *event, user_take_fn *take, void *context);
    } KINDS[] = {
        [EVENT_REGISTRATION] = {sizeof(struct user_registration), take_registration},
        [EVENT_SUBSCRIPTION] = {sizeof(struct user_subscription), take_subscription},
        [EVENT_MESSAGE_SEEN] = {sizeof(struct user_message), take_message},
        [EVENT_PEER] = {sizeof(struct user_peer), take_peer},
        [EVENT_PRESENCE] = {sizeof(struct user_presence), take_presence},
        [EVENT_AGENT] = {sizeof(struct user_agent_seen), take_agent},
        [EVENT_FINDING] = {sizeof(struct finding), take_finding},
    };
    if (event->kind >= sizeof KINDS / sizeof *KINDS || KINDS[event->kind].take == NULL)
        return;
    assert(event->body.size >= KINDS[event->kind].size);
    assert((uintptr_t)event->body.data % 8 ==
           0); /* a ring keeps bodies aligned as its records are */
    KINDS[event->kind].take(event, take, context);
}
