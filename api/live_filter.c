/* The filters mean what they mean for /calls (storage/store_filters.c), of the call as it stands. */
#include "api/live_filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* ---- in ---- */

/* The texts of a query that a live call can be asked for. */
static unsigned texts_of(struct store_query *q, const char **texts[16 * STORE_VALUES_MAX])
{
    const char **const arrays[] = {q->call_id, q->from_user, q->to_user, q->number, q->ip,
                                   q->codec,   q->tenant,    q->trunk,   q->site,   q->direction};
    const char **const singles[] = {&q->number_prefix, &q->kind, &q->user_agent_contains, &q->text};
    unsigned n = 0;

    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        for (unsigned k = 0; k < STORE_VALUES_MAX && arrays[i][k]; k++)
            texts[n++] = &arrays[i][k];
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++)
        if (*singles[i])
            texts[n++] = singles[i];
    return n;
}

/* Copies of the texts, which lie in the request, into one block. */
static bool own_texts(struct live_filter *f)
{
    const char **texts[16 * STORE_VALUES_MAX];
    unsigned count = texts_of(&f->query, texts);
    size_t size = 0;

    for (unsigned i = 0; i < count; i++)
        size += strlen(*texts[i]) + 1;
    char *at = f->texts = malloc(size ? size : 1);
    for (unsigned i = 0; i < count && at; i++) {
        size_t n = strlen(*texts[i]) + 1;
        memcpy(at, *texts[i], n);
        *texts[i] = at;
        at += n;
    }
    return at != NULL;
}

static bool parse_kinds(const struct http_query *params, unsigned *ret_kinds,
                        struct call_filter_error *e)
{
    for (unsigned i = 0; i < params->count; i++) {
        const struct http_param *p = &params->param[i];
        if (strcmp(p->name, "event") != 0)
            continue;
        unsigned k = 0;
        while (k < LIVE_EVENT_KINDS && strcmp(LIVE_EVENT_NAMES[k], p->value) != 0)
            k++;
        if (k == LIVE_EVENT_KINDS && strcmp(p->value, "stats") != 0)
            return filter_refuse(e, "invalid_value", "event",
                                 "`event` is one of call.started, call.answered, call.updated, "
                                 "call.ended, quality.alert, "
                                 "recording.paused, recording.resumed, stats.");
        *ret_kinds |= 1u << k;
    }
    return true;
}

bool live_filter_parse(const struct http_request *rq, struct live_filter *ret_filter,
                       struct call_filter_error *ret_error)
{
    struct call_filter cf;
    unsigned kinds = 0;

    if (!live_call_filter_parse(rq, &cf, ret_error) || !parse_kinds(&rq->query, &kinds, ret_error))
        return false;
    *ret_filter = (struct live_filter){.query = cf.query, .kinds = kinds};
    if (own_texts(ret_filter))
        return true;
    return filter_refuse(ret_error, "out_of_memory", NULL, "There is no memory for this filter.");
}

void live_filter_fini(struct live_filter *f)
{
    free(f->texts);
    f->texts = NULL;
}

/* ---- the question ---- */

static bool listed(const char *const list[STORE_VALUES_MAX], const char *text)
{
    for (unsigned i = 0; text && i < STORE_VALUES_MAX && list[i]; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

/* Nothing was asked, or one of what was. */
static bool fits(const char *const list[STORE_VALUES_MAX], const char *text)
{
    return list[0] == NULL || listed(list, text);
}

static bool fits_either(const char *const list[STORE_VALUES_MAX], const char *a, const char *b)
{
    return list[0] == NULL || listed(list, a) || listed(list, b);
}

static bool fits_prefix(const char *prefix, const char *a, const char *b)
{
    size_t n = prefix ? strlen(prefix) : 0;

    return n == 0 || strncmp(a, prefix, n) == 0 || strncmp(b, prefix, n) == 0;
}

static bool contains(const char *text, const char *part)
{
    return strcasestr(text, part) != NULL;
}

static bool fits_text(const char *part, const struct live_call *c)
{
    return part == NULL || contains(c->call_id, part) || contains(c->from_user, part) ||
           contains(c->to_user, part) || contains(c->user_agent, part);
}

static bool listed_ip(const char *const list[STORE_VALUES_MAX], const struct endpoint *e)
{
    char text[ADDR_TEXT_SIZE];

    return listed(list, addr_text(e->addr, text));
}

static bool fits_ip(const char *const list[STORE_VALUES_MAX], const struct live_call *c)
{
    if (list[0] == NULL || listed_ip(list, &c->src) || listed_ip(list, &c->dst))
        return true;
    for (unsigned i = 0; i < c->stream_count; i++)
        if (listed_ip(list, &c->streams[i].src) || listed_ip(list, &c->streams[i].dst))
            return true;
    return false;
}

static bool fits_codec(const char *const list[STORE_VALUES_MAX], const struct live_call *c)
{
    for (unsigned i = 0; i < c->stream_count; i++)
        for (unsigned k = 0; k < STORE_VALUES_MAX && list[k]; k++)
            if (strcasecmp(list[k], c->streams[i].codec) == 0)
                return true;
    return list[0] == NULL;
}

static bool fits_code(const int list[STORE_VALUES_MAX], int code)
{
    for (unsigned i = 0; i < STORE_VALUES_MAX && list[i]; i++)
        if (list[i] == code)
            return true;
    return list[0] == 0;
}

bool live_filter_wants(const struct live_filter *f, const struct live_event *e)
{
    const struct store_query *q = &f->query;
    const struct live_call *c = &e->call;

    if (f->kinds && !(f->kinds >> e->kind & 1))
        return false;
    return (q->any_kind || strcmp(q->kind ? q->kind : "call", c->kind) == 0) &&
           fits(q->tenant, c->tenant) && fits(q->trunk, c->trunk) &&
           fits_either(q->site, c->from_site, c->to_site) && fits(q->direction, c->direction) &&
           fits(q->call_id, c->call_id) && fits(q->from_user, c->from_user) &&
           fits(q->to_user, c->to_user) && fits_either(q->number, c->from_user, c->to_user) &&
           fits_prefix(q->number_prefix, c->from_user, c->to_user) &&
           fits_code(q->sip_code, c->sip_code) && (q->partial < 0 || q->partial == c->partial) &&
           fits_ip(q->ip, c) && fits_codec(q->codec, c) &&
           (q->user_agent_contains == NULL || contains(c->user_agent, q->user_agent_contains)) &&
           fits_text(q->text, c);
}
