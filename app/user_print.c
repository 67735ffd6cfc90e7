#include "app/user_print.h"

#include <stdlib.h>

#include "api/user_json.h"
#include "app/user_store.h"
#include "base/clock.h"

#define LINES_MAX ((size_t)64 << 20)

void user_print_init(struct user_print *p, bool json)
{
    p->json = json;
    for (unsigned i = 0; i < PRINT_KINDS; i++)
        buf_init(&p->lines[i], LINES_MAX);
}

void user_print_fini(struct user_print *p)
{
    for (unsigned i = 0; i < PRINT_KINDS; i++)
        buf_fini(&p->lines[i]);
}

/* ---- JSON ---- */

static const char *const names[USER_KINDS] = {
    [USER_REGISTRATION] = "registration", [USER_SUBSCRIPTION] = "subscription",
    [USER_PEER] = "peer",                 [USER_AGENT] = "agent",
    [USER_PRESENCE] = "presence",         [USER_MESSAGE] = "message",
    [USER_PRESENCE_CHANGE] = "presence_change",
};

static enum user_print_kind place_of(enum user_kind kind)
{
    switch (kind) {
    case USER_REGISTRATION:
        return PRINT_REGISTRATIONS;
    case USER_MESSAGE:
        return PRINT_MESSAGES;
    case USER_PEER:
    case USER_AGENT:
        return PRINT_PEERS;
    default:
        return PRINT_SUBSCRIPTIONS;
    }
}

/* What has no room is left out as a whole line, so that the rest stays readable. */
static void take_json(void *context, enum user_kind kind, void *record)
{
    struct user_print *p = context;
    struct buf *out = &p->lines[place_of(kind)];
    if (kind == USER_PRESENCE && !p->last) { /* its change is told */
        free(record);
        return;
    }
    struct json j;
    size_t before = out->size;
    json_init(&j, out);
    json_object(&j);
    json_key(&j, names[kind]);
    user_json(&j, kind, record, true);
    json_end(&j);
    buf_char(out, '\n');
    if (out->failed) {
        out->size = before;
        out->failed = false;
        p->cut = true;
    }
    free(record);
}

/* ---- tables ---- */

static const char *time_text(int64_t time_ns, char out[CLOCK_TEXT_SIZE])
{
    if (time_ns == 0)
        return "-";
    clock_rfc3339_us(time_ns / 1000, out);
    out[19] = '\0';
    return out;
}

static const char *ms_text(int64_t duration_ns, char out[24])
{
    if (duration_ns < 0)
        return "-";
    snprintf(out, 24, "%.1f ms", (double)duration_ns / 1e6);
    return out;
}

/* Nothing from the wire reaches a terminal but what can be printed. */
static const char *plain(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; text[n] && n + 1 < size; n++)
        out[n] = (unsigned char)text[n] < 0x20 || text[n] == 0x7f ? '?' : text[n];
    out[n] = '\0';
    return n ? out : "-";
}

static void registration_row(struct buf *out, const struct user_registration *r)
{
    char aor[64], agent[40], at[ENDPOINT_TEXT_SIZE], until[CLOCK_TEXT_SIZE], rrd[24];
    buf_printf(out, "%-32s %-10s %-22s %8u %8u %8u  %-12s %-20s %s\n", plain(r->aor, aor, sizeof aor),
               registration_state_text(r->state), endpoint_text(&r->source, at), r->contact_count, r->attempts, r->failures,
               ms_text(r->rrd_full_ns, rrd), time_text(r->expires_ns, until), plain(r->user_agent, agent, sizeof agent));
}

static void subscription_row(struct buf *out, const struct user_subscription *s)
{
    char who[64], whom[64], event[32], reason[32];
    buf_printf(out, "%-32s %-32s %-18s %-10s %8u  %s\n", plain(s->subscriber, who, sizeof who), plain(s->resource, whom, sizeof whom),
               plain(s->event, event, sizeof event), subscription_state_text(s->state), s->notifies, plain(s->reason, reason, sizeof reason));
}

static void presence_row(struct buf *out, const struct user_presence *s)
{
    char who[64], what[32], at[CLOCK_TEXT_SIZE];
    buf_printf(out, "%-32s %-32s %-18s %-10s\n", plain(s->aor, who, sizeof who), time_text(s->at_ns, at),
               plain(s->activity, what, sizeof what), presence_status_text(s->status));
}

static void message_row(struct buf *out, const struct user_message *m)
{
    char from[64], to[64], type[40], at[CLOCK_TEXT_SIZE], delay[24];
    buf_printf(out, "%-20s %-28s %-28s %-9s %-28s %7u %4u  %s\n", time_text(m->at_ns, at), plain(m->from, from, sizeof from),
               plain(m->to, to, sizeof to), message_kind_text(m->kind), plain(m->content_type, type, sizeof type), m->size_bytes, m->code,
               ms_text(m->delay_ns, delay));
}

static void peer_row(struct buf *out, const struct user_peer *p)
{
    char src[ENDPOINT_TEXT_SIZE], dst[ENDPOINT_TEXT_SIZE], rtt[24];
    buf_printf(out, "%-24s %-24s %-8s %8u %8u %5u  %s\n", endpoint_text(&p->src, src), endpoint_text(&p->dst, dst), peer_state_text(p->state),
               p->requests, p->missed, p->code, ms_text(p->rtt_ns, rtt));
}

static void agent_row(struct buf *out, const struct user_agent_seen *a)
{
    char name[80];
    buf_printf(out, "%-58s %8llu messages\n", plain(a->name, name, sizeof name), (unsigned long long)(a->requests + a->responses));
}

static void take_row(struct user_print *p, const struct event *e)
{
    const void *body = e->body.data;
    switch ((enum event_kind)e->kind) {
    case EVENT_REGISTRATION:
        registration_row(&p->lines[PRINT_REGISTRATIONS], body);
        break;
    case EVENT_SUBSCRIPTION:
        subscription_row(&p->lines[PRINT_SUBSCRIPTIONS], body);
        break;
    case EVENT_PRESENCE:
        presence_row(&p->lines[PRINT_SUBSCRIPTIONS], body);
        break;
    case EVENT_MESSAGE_SEEN:
        message_row(&p->lines[PRINT_MESSAGES], body);
        break;
    case EVENT_PEER:
        peer_row(&p->lines[PRINT_PEERS], body);
        break;
    case EVENT_AGENT:
        agent_row(&p->lines[PRINT_PEERS], body);
        break;
    default:
        break;
    }
}

/* ---- in and out ---- */

static bool is_last(const struct event *e)
{
    const void *body = e->body.data;
    switch ((enum event_kind)e->kind) {
    case EVENT_REGISTRATION:
        return ((const struct user_registration *)body)->last;
    case EVENT_SUBSCRIPTION:
        return ((const struct user_subscription *)body)->last;
    case EVENT_MESSAGE_SEEN:
        return ((const struct user_message *)body)->last;
    case EVENT_PEER:
        return ((const struct user_peer *)body)->last;
    case EVENT_PRESENCE:
        return ((const struct user_presence *)body)->last;
    case EVENT_AGENT:
        return ((const struct user_agent_seen *)body)->last;
    default:
        return false;
    }
}

static bool is_wanted(const struct user_print *p, const struct event *e)
{
    static const uint8_t places[] = {
        [EVENT_REGISTRATION] = PRINT_REGISTRATIONS, [EVENT_SUBSCRIPTION] = PRINT_SUBSCRIPTIONS,
        [EVENT_MESSAGE_SEEN] = PRINT_MESSAGES,      [EVENT_PEER] = PRINT_PEERS,
        [EVENT_PRESENCE] = PRINT_SUBSCRIPTIONS,     [EVENT_AGENT] = PRINT_PEERS,
    };
    return e->kind < sizeof places && e->kind >= EVENT_REGISTRATION && p->wanted[places[e->kind]];
}

void user_print_event(struct user_print *p, const struct event *event)
{
    if (!is_wanted(p, event) || (!is_last(event) && event->kind != EVENT_PRESENCE))
        return;
    p->last = is_last(event);
    if (p->json)
        user_store_records(event, take_json, p);
    else if (p->last)
        take_row(p, event);
}

bool user_print_end(struct user_print *p, FILE *out)
{
    static const char *const heads[PRINT_KINDS] = {
        [PRINT_REGISTRATIONS] =
            "user                             state      source                 contacts attempts failures  delay        until                software\n",
        [PRINT_SUBSCRIPTIONS] = "subscriber or user               about                            event              state      notified  reason\n",
        [PRINT_MESSAGES] = "sent                 from                         to                           kind      type                            bytes code  delay\n",
        [PRINT_PEERS] = "asks                     is asked                 state       asked   missed  code  round trip\n",
    };
    bool whole = !p->cut;
    for (unsigned i = 0; i < PRINT_KINDS; i++) {
        struct buf *b = &p->lines[i];
        whole = whole && !b->failed;
        if (b->size == 0 || b->failed)
            continue;
        if (!p->json)
            fprintf(out, "\n%s", heads[i]);
        fwrite(b->data, 1, b->size, out);
    }
    return whole;
}
