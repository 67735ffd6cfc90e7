/* The ladder of a call: hosts as columns, and SIP messages and media starts and stops as rows in
 * time order. A host is an address; where some message goes between two ports of one address (both
 * parties on one machine), all hosts are address and port, else the arrows would have no length. */
#include <stdio.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "api/record_json.h"

#define HOSTS_MAX  64
#define LABEL_SIZE 96

struct ladder_event {
    int64_t time_us;
    struct endpoint src, dst;
    const char *kind;
    char label[LABEL_SIZE];
    char method[32]; /* "" for media */
    unsigned code;   /* 0: request or media */
    bool retransmit;
    uint32_t ref;   /* message n, or sid */
    uint32_t order; /* of arrival: ties */
};

struct ladder {
    struct ladder_event *events;
    uint32_t count, room;
    bool failed;
    bool by_port;
    struct endpoint hosts[HOSTS_MAX];
    unsigned host_count;
};

static struct ladder_event *add_event(struct ladder *l)
{
    if (l->count == l->room) {
        uint32_t room = l->room ? l->room * 2 : 64;
        struct ladder_event *p = realloc(l->events, room * sizeof *p);
        if (p == NULL) {
            l->failed = true;
            return NULL;
        }
        l->events = p;
        l->room = room;
    }
    struct ladder_event *e = &l->events[l->count];
    *e = (struct ladder_event){.order = l->count++};
    return e;
}

static void add_message(void *context, const struct record_message *m)
{
    struct ladder *l = context;
    struct ladder_event *e = add_event(l);

    if (e == NULL)
        return;
    e->time_us = m->time_us;
    e->src = m->src;
    e->dst = m->dst;
    e->kind = "sip";
    e->code = m->status;
    e->retransmit = m->retransmission;
    e->ref = m->n;
    slice_copy_to(m->method, e->method, sizeof e->method);
    if (m->status == 0) {
        slice_copy_to(m->method, e->label, sizeof e->label);
    } else {
        int n = snprintf(e->label, sizeof e->label, "%u ", m->status);
        slice_copy_to(m->reason_phrase, e->label + n, sizeof e->label - (size_t)n);
    }
    if (addr_equal(m->src.addr, m->dst.addr))
        l->by_port = true;
}

static void add_stream_event(struct ladder *l, const struct record_stream *s, int64_t time_us,
                             const char *kind)
{
    struct ladder_event *e = time_us ? add_event(l) : NULL;

    if (e == NULL)
        return;
    e->time_us = time_us;
    e->src = s->src;
    e->dst = s->dst;
    e->kind = kind;
    e->ref = s->sid;
    slice_copy_to(s->codec.size ? s->codec : slice_str("RTP"), e->label, sizeof e->label);
}

static int by_time(const void *a, const void *b)
{
    const struct ladder_event *x = a, *y = b;

    if (x->time_us != y->time_us)
        return x->time_us < y->time_us ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Column of an endpoint; the last column takes what no longer fits. */
static unsigned host_of(struct ladder *l, const struct endpoint *e)
{
    for (unsigned i = 0; i < l->host_count; i++)
        if (addr_equal(l->hosts[i].addr, e->addr) && (!l->by_port || l->hosts[i].port == e->port))
            return i;
    if (l->host_count == HOSTS_MAX)
        return HOSTS_MAX - 1;
    l->hosts[l->host_count] = *e;
    return l->host_count++;
}

static void hosts_json(struct json *j, const struct ladder *l)
{
    char text[ENDPOINT_TEXT_SIZE];

    json_key(j, "hosts");
    json_array(j);
    for (unsigned i = 0; i < l->host_count; i++) {
        json_object(j);
        json_kv_int(j, "id", i);
        json_kv_str(j, "addr",
                    l->by_port ? endpoint_text(&l->hosts[i], text)
                               : addr_text(l->hosts[i].addr, text));
        json_kv_null(j, "alias");
        json_end(j);
    }
    json_end(j);
}

static void event_json(struct json *j, struct ladder *l, const struct ladder_event *e,
                       int64_t start_us)
{
    json_object(j);
    json_kv_int(j, "t_us", e->time_us - start_us);
    json_kv_int(j, "src", host_of(l, &e->src));
    json_kv_int(j, "dst", host_of(l, &e->dst));
    json_kv_str(j, "kind", e->kind);
    json_kv_str(j, "label", e->label);
    if (e->code)
        json_kv_int(j, "code", e->code);
    else
        json_kv_null(j, "code");
    json_kv_str(j, "method", e->method[0] ? e->method : NULL);
    json_kv_bool(j, "retransmit", e->retransmit);
    json_kv_int(j, "ref", e->ref);
    json_end(j);
}

static void ladder_json(struct json *j, struct ladder *l, const struct call_record *r)
{
    json_object(j);
    json_kv_str(j, "call_uid", r->uid);
    json_kv_time(j, "t0", r->started_us);
    json_key(j, "events");
    json_array(j);
    for (uint32_t i = 0; i < l->count; i++)
        event_json(j, l, &l->events[i], r->started_us);
    json_end(j);
    hosts_json(j, l); /* after the events: they say which hosts there are */
    json_end(j);
}

void handle_ladder(struct exchange *x)
{
    struct ladder l = {0};
    struct json j;
    bool media;
    struct call_record *r;

    if (!exchange_flag(x, "rtp", true, &media) || (r = exchange_call(x)) == NULL)
        return;
    int err = store_messages(x->reader, r->uid, add_message, &l);
    for (uint32_t i = 0; media && i < r->stream_count; i++) {
        add_stream_event(&l, &r->streams[i], r->streams[i].first_us, "rtp_start");
        add_stream_event(&l, &r->streams[i], r->streams[i].last_us, "rtp_stop");
    }
    if (err == ERR_NOT_FOUND)
        err = 0; /* an orphan has none */
    if (l.failed)
        err = ERR_NOMEM;
    if (err == 0 && exchange_audit(x, "messages.read", r->uid, "ok", "ladder")) {
        if (l.count > 0)
            qsort(l.events, l.count, sizeof *l.events, by_time);
        json_init(&j, &x->rs->body);
        ladder_json(&j, &l, r);
        exchange_json_done(x);
    } else if (err) {
        exchange_store_problem(x, err, "call");
    }
    free(l.events);
    record_free(r);
}
