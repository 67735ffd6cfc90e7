/* The filter is kept as the text of a query, so one parser reads it here and there (call_filter.c), and a restart finds it in a
 * small file. */
#include "api/export_ask.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/auth.h"

#define BODY_MAX  (16u << 10)
#define DEPTH_MAX 4

const char *const EXPORT_KIND_NAMES[EXPORT_KINDS + 1] = {"csv", "ndjson", "audio", "pcap", "full", NULL};
const char *const EXPORT_CONTAINER_NAMES[EXPORT_CONTAINERS + 1] = {"none", "zip", "tar", NULL};
static const char *const RTP_NAMES[] = {[CALL_PCAP_FULL] = "full", [CALL_PCAP_HEADERS] = "headers", [CALL_PCAP_NONE] = "none", NULL};
static const char *const LEGS_NAMES[] = {"own", "all", NULL};
/* Of GET /calls, but about its pages. */
static const char *const NO_FILTERS[] = {"limit", "cursor", "count", "view", NULL};

struct reading {
    struct export_ask *ask;
    struct export_ask_error *error;
    uint32_t calls_max;
    bool kind_given, container_given;
    struct buf filter;
};

__attribute__((format(printf, 4, 5))) static bool refuse(struct export_ask_error *e, const char *code, const char *field, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    e->code = code;
    snprintf(e->field, sizeof e->field, "%s", field);
    vsnprintf(e->detail, sizeof e->detail, format, args);
    va_end(args);
    return false;
}

static bool is_one_of(const char *const names[], struct slice name)
{
    for (unsigned i = 0; names[i]; i++)
        if (slice_is(name, names[i]))
            return true;
    return false;
}

/* ---- the filter ---- */

static void put_escaped(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("-._~:", c));
        if (plain)
            buf_u8(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* A text, a number, true or false. */
static bool put_value(struct reading *r, struct slice name, const struct json_value *value)
{
    struct slice text;
    double real;
    bool flag;
    char number[40];
    if (json_value_bool(value, &flag))
        text = slice_str(flag ? "true" : "false");
    else if (json_value_real(value, &real) && isfinite(real))
        text = slice_of(number, (size_t)snprintf(number, sizeof number, "%.15g", real));
    else if (!json_value_text(value, &text) || memchr(text.data, '\0', text.size))
        return refuse(r->error, "invalid_value", "filter", "`filter.%.40s` is a text, a number, true or false, or a list of such.", (const char *)name.data);
    if (r->filter.size)
        buf_char(&r->filter, '&');
    put_escaped(&r->filter, name);
    buf_char(&r->filter, '=');
    put_escaped(&r->filter, text);
    return true;
}

static bool take_filter_member(void *context, struct slice name, const struct json_value *value)
{
    struct reading *r = context;
    char field[80];
    snprintf(field, sizeof field, "filter.%.*s", (int)(name.size < 60 ? name.size : 60), (const char *)name.data);
    if (!is_one_of(CALL_FILTER_PARAMS, name) || is_one_of(NO_FILTERS, name))
        return refuse(r->error, "unknown_parameter", field, "`%s` is no filter of GET /api/v1/calls.", field + strlen("filter."));
    size_t count = json_value_count(value);
    if (count == 0)
        return put_value(r, name, value);
    for (size_t i = 0; i < count; i++)
        if (!put_value(r, name, json_value_at(value, i)))
            return false;
    return true;
}

static bool take_filter(struct reading *r, const struct json_value *value)
{
    if (!json_value_is_object(value))
        return refuse(r->error, "invalid_value", "filter", "`filter` is an object with the parameters of GET /api/v1/calls.");
    buf_init(&r->filter, EXPORT_FILTER_SIZE - 1);
    bool good = json_value_members(value, take_filter_member, r);
    if (good && r->filter.failed)
        good = refuse(r->error, "invalid_value", "filter", "`filter` is too long.");
    if (good)
        slice_copy_to(buf_view(&r->filter), r->ask->filter, sizeof r->ask->filter);
    buf_fini(&r->filter);
    return good;
}

/* ---- the body ---- */

/* Of a list of names; where it is none of them, one that says which there are. */
static bool take_name(struct reading *r, const char *field, const char *const names[], const struct json_value *value, unsigned *ret_index)
{
    struct slice text = slice_none();
    char list[120] = "";
    size_t n = 0;
    (void)json_value_text(value, &text);
    for (unsigned i = 0; names[i]; i++) {
        if (text.data && slice_is(text, names[i])) {
            *ret_index = i;
            return true;
        }
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? names[i + 1] ? ", " : " or " : "", names[i]);
    }
    return refuse(r->error, "invalid_value", field, "`%s` is %s.", field, list);
}

static bool take_max_calls(struct reading *r, const struct json_value *value)
{
    int64_t n = 0;
    if (!json_value_is_whole(value) || !json_value_int(value, &n) || n < 1 || n > r->calls_max)
        return refuse(r->error, "invalid_value", "max_calls", "`max_calls` is a number from 1 to %u.", r->calls_max);
    r->ask->max_calls = (uint32_t)n;
    return true;
}

static bool take_member(void *context, struct slice name, const struct json_value *value)
{
    struct reading *r = context;
    unsigned index = 0;
    bool good = true;
    if (slice_is(name, "filter"))
        return take_filter(r, value);
    if (slice_is(name, "max_calls"))
        return take_max_calls(r, value);
    if (slice_is(name, "kind")) {
        good = r->kind_given = take_name(r, "kind", EXPORT_KIND_NAMES, value, &index);
        r->ask->kind = (enum export_kind)index;
    } else if (slice_is(name, "container")) {
        good = r->container_given = take_name(r, "container", EXPORT_CONTAINER_NAMES, value, &index);
        r->ask->container = (enum export_container)index;
    } else if (slice_is(name, "rtp")) {
        good = take_name(r, "rtp", RTP_NAMES, value, &index);
        r->ask->rtp = (enum call_pcap_rtp)index;
    } else if (slice_is(name, "legs")) {
        good = take_name(r, "legs", LEGS_NAMES, value, &index);
        r->ask->all_legs = index == 1;
    } else {
        good = refuse(r->error, "unknown_member", "", "The members are `filter`, `kind`, `container`, `rtp`, `legs` and `max_calls`.");
    }
    return good;
}

static bool read_members(struct reading *r, const struct json_value *object)
{
    *r->ask = (struct export_ask){.max_calls = EXPORT_CALLS_DEFAULT};
    if (!json_value_is_object(object))
        return refuse(r->error, "invalid_body", "", "The body is a JSON object.");
    if (!json_value_members(object, take_member, r))
        return false;
    return r->kind_given || refuse(r->error, "missing_member", "kind", "`kind` says what is wanted: csv, ndjson, audio, pcap or full.");
}

bool export_ask_parse(struct slice body, uint32_t calls_max, struct export_ask *ret_ask, struct export_ask_error *ret_error)
{
    struct reading r = {.ask = ret_ask, .error = ret_error, .calls_max = calls_max};
    struct json_value *root = json_read(body, BODY_MAX, DEPTH_MAX);
    struct http_query params;
    bool good = read_members(&r, root);
    json_read_free(root);
    if (!good)
        return false;
    char *text = export_filter_params(ret_ask, &params);
    free(text);
    if (text == NULL)
        return refuse(ret_error, "invalid_value", "filter", "`filter` has too many values, or one that is too long.");
    bool table = ret_ask->kind == EXPORT_CSV || ret_ask->kind == EXPORT_NDJSON;
    if (!r.container_given)
        ret_ask->container = table ? EXPORT_BARE : EXPORT_ZIP;
    if (ret_ask->container == EXPORT_BARE && !table)
        return refuse(ret_error, "invalid_value", "container", "An export of kind %s is many files: `container` is zip or tar.", EXPORT_KIND_NAMES[ret_ask->kind]);
    if (!export_has_pcap(ret_ask) && (ret_ask->all_legs || ret_ask->rtp != CALL_PCAP_FULL))
        return refuse(ret_error, "invalid_value", ret_ask->all_legs ? "legs" : "rtp", "`legs` and `rtp` are for captures: kind pcap or full.");
    return true;
}

bool export_ask_read(const struct json_value *object, uint32_t calls_max, struct export_ask *ret_ask, struct export_ask_error *ret_error)
{
    struct reading r = {.ask = ret_ask, .error = ret_error, .calls_max = calls_max};
    return read_members(&r, object);
}

/* ---- and back ---- */

char *export_filter_params(const struct export_ask *ask, struct http_query *ret_params)
{
    char *text = strdup(ask->filter);
    ret_params->count = 0;
    if (text == NULL || http_query_parse(text, ret_params) == NULL)
        return text;
    ret_params->count = 0;
    free(text);
    return NULL;
}

static unsigned times_given(const struct http_query *q, unsigned index, bool *ret_first)
{
    unsigned n = 0;
    *ret_first = true;
    for (unsigned i = 0; i < q->count; i++) {
        if (strcmp(q->param[i].name, q->param[index].name) != 0)
            continue;
        *ret_first &= i >= index;
        n++;
    }
    return n;
}

static void filter_json(struct json *j, const struct export_ask *ask)
{
    struct http_query q;
    bool first;
    char *text = export_filter_params(ask, &q);
    json_key(j, "filter");
    json_object(j);
    for (unsigned i = 0; i < q.count; i++) {
        unsigned times = times_given(&q, i, &first);
        if (!first)
            continue;
        json_key(j, q.param[i].name);
        if (times > 1)
            json_array(j);
        for (unsigned k = i; k < q.count; k++)
            if (strcmp(q.param[k].name, q.param[i].name) == 0)
                json_str(j, q.param[k].value);
        if (times > 1)
            json_end(j);
    }
    json_end(j);
    free(text);
}

void export_ask_json(struct json *j, const struct export_ask *ask)
{
    json_kv_str(j, "kind", EXPORT_KIND_NAMES[ask->kind]);
    json_kv_str(j, "container", EXPORT_CONTAINER_NAMES[ask->container]);
    if (export_has_pcap(ask)) {
        json_kv_str(j, "rtp", RTP_NAMES[ask->rtp]);
        json_kv_str(j, "legs", LEGS_NAMES[ask->all_legs]);
    }
    json_kv_int(j, "max_calls", ask->max_calls);
    filter_json(j, ask);
}

bool export_has_audio(const struct export_ask *ask)
{
    return ask->kind == EXPORT_AUDIO || ask->kind == EXPORT_FULL;
}

bool export_has_pcap(const struct export_ask *ask)
{
    return ask->kind == EXPORT_PCAP || ask->kind == EXPORT_FULL;
}

/* What was said is told by who finds words of it. */
static bool searches_transcripts(const struct http_query *q)
{
    const char *in = http_query_value(q, "text_in");
    return http_query_value(q, "text") && (in == NULL || strcmp(in, "annotations") != 0);
}

/* Who searches by a header field reads messages. */
unsigned export_scopes(const struct export_ask *ask)
{
    bool sound = export_has_audio(ask) || (export_has_pcap(ask) && ask->rtp == CALL_PCAP_FULL);
    struct http_query q;
    char *text = export_filter_params(ask, &q);
    bool messages = export_has_pcap(ask) || http_query_value(&q, "header");
    sound |= searches_transcripts(&q);
    free(text);
    return (unsigned)SCOPE_EXPORT | SCOPE_META | (sound ? SCOPE_AUDIO : 0) | (messages ? SCOPE_MESSAGES : 0);
}
