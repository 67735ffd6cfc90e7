/* GET /calls: each filter is one line of FILTERS; how a value is read depends on its kind alone.
 * Nothing of it ever becomes SQL text: names are compared with the table, values are bound. */
#include "api/call_filter.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/sip_text.h"
#include "base/counters.h"

#define SECOND_US       INT64_C(1000000)
#define DEFAULT_SPAN_US (15 * 60 * SECOND_US)
#define MAX_SPAN_US     (400 * 24 * 3600 * SECOND_US)
#define HEADER_SPAN_US  (31 * 24 * 3600 * SECOND_US) /* messages are read one by one */

enum filter_kind { TEXTS, TEXT, IPS, OUTCOMES, DIRECTIONS, STATES, FORMATS, LABELS, CODES, LONG, REAL, FLAG, CHOICE, TAGS, WORDS, PLACE, ELSEWHERE };

/* name, kind, member of store_query, smallest, largest (of numbers). Names with "__" are suffix
 * operators. */
#define FILTERS(X)                                                                                 \
    X("call_id", TEXTS, call_id, 0, 0)                                                             \
    X("from_user", TEXTS, from_user, 0, 0)                                                         \
    X("to_user", TEXTS, to_user, 0, 0)                                                             \
    X("number", TEXTS, number, 0, 0)                                                               \
    X("number__prefix", TEXT, number_prefix, 0, 0)                                                 \
    X("ip", IPS, ip, 0, 0)                                                                         \
    X("outcome", OUTCOMES, outcome, 0, 0)                                                          \
    X("codec", TEXTS, codec, 0, 0)                                                                 \
    X("kind", CHOICE, kind, 0, 0)                                                                  \
    X("sip_code", CODES, sip_code, 100, 699)                                                       \
    X("q850", CODES, q850, 1, 127)                                                                 \
    X("duration_ms__gte", LONG, duration_ms_gte, 0, 1e12)                                          \
    X("duration_ms__lte", LONG, duration_ms_lte, 0, 1e12)                                          \
    X("mos_min__lte", REAL, mos_min_lte, 1, 5)                                                     \
    X("scale", CHOICE, mos_scale, 0, 0)                                                            \
    X("r_fb_min__lte", REAL, r_fb_min_lte, -200, 200)                                              \
    X("loss_ratio__gte", REAL, loss_ratio_gte, 0, 1)                                               \
    X("jitter_ms__gte", REAL, jitter_ms_gte, 0, 1e9)                                               \
    X("one_way", FLAG, one_way, 0, 0)                                                              \
    X("no_rtp", FLAG, no_rtp, 0, 0)                                                                \
    X("has_recording", FLAG, has_recording, 0, 0)                                                  \
    X("encrypted", FLAG, encrypted, 0, 0)                                                          \
    X("partial", FLAG, partial, 0, 0)                                                              \
    X("tenant", TEXTS, tenant, 0, 0)                                                               \
    X("trunk", TEXTS, trunk, 0, 0)                                                                 \
    X("site", TEXTS, site, 0, 0)                                                                   \
    X("direction", DIRECTIONS, direction, 0, 0)                                                    \
    X("source", CHOICE, source, 0, 0)                                                              \
    X("import", TEXTS, import_id, 0, 0)                                                            \
    X("tag", TAGS, tag, 0, 0)                                                                      \
    X("label", LABELS, label, 0, 0)                                                                \
    X("user_agent__contains", TEXT, user_agent_contains, 0, 0)                                     \
    X("q", TEXT, text, 0, 0)                                                                       \
    X("text", WORDS, words, 0, 0)                                                                  \
    X("text_in", PLACE, words_in, 0, 0)

/* Of GET /recordings: what the call was, and what the recording is. */
#define RECORDING_FILTERS(X)                                                                       \
    X("call_uid", TEXTS, uid, 0, 0)                                                                \
    X("state", STATES, recording_state, 0, 0)                                                      \
    X("format", FORMATS, recording_format, 0, 0)                                                   \
    X("duration_ms__gte", LONG, recording_ms_gte, 0, 1e12)                                         \
    X("duration_ms__lte", LONG, recording_ms_lte, 0, 1e12)                                         \
    X("call_id", TEXTS, call_id, 0, 0)                                                             \
    X("from_user", TEXTS, from_user, 0, 0)                                                         \
    X("to_user", TEXTS, to_user, 0, 0)                                                             \
    X("number", TEXTS, number, 0, 0)                                                               \
    X("number__prefix", TEXT, number_prefix, 0, 0)                                                 \
    X("tenant", TEXTS, tenant, 0, 0)                                                               \
    X("trunk", TEXTS, trunk, 0, 0)                                                                 \
    X("site", TEXTS, site, 0, 0)                                                                   \
    X("direction", DIRECTIONS, direction, 0, 0)                                                    \
    X("tag", TAGS, tag, 0, 0)                                                                      \
    X("one_way", FLAG, one_way, 0, 0)                                                              \
    X("q", TEXT, text, 0, 0)                                                                       \
    X("text", WORDS, words, 0, 0)                                                                  \
    X("text_in", PLACE, words_in, 0, 0)

/* Of GET /live/events: what can be said of a call that goes on. What is read elsewhere is only let through, any number of times. */
#define LIVE_FILTERS(X)                                                                            \
    X("call_id", TEXTS, call_id, 0, 0)                                                             \
    X("from_user", TEXTS, from_user, 0, 0)                                                         \
    X("to_user", TEXTS, to_user, 0, 0)                                                             \
    X("number", TEXTS, number, 0, 0)                                                               \
    X("number__prefix", TEXT, number_prefix, 0, 0)                                                 \
    X("ip", IPS, ip, 0, 0)                                                                         \
    X("codec", TEXTS, codec, 0, 0)                                                                 \
    X("kind", CHOICE, kind, 0, 0)                                                                  \
    X("sip_code", CODES, sip_code, 100, 699)                                                       \
    X("partial", FLAG, partial, 0, 0)                                                              \
    X("tenant", TEXTS, tenant, 0, 0)                                                               \
    X("trunk", TEXTS, trunk, 0, 0)                                                                 \
    X("site", TEXTS, site, 0, 0)                                                                   \
    X("direction", DIRECTIONS, direction, 0, 0)                                                    \
    X("user_agent__contains", TEXT, user_agent_contains, 0, 0)                                     \
    X("q", TEXT, text, 0, 0)                                                                       \
    X("event", ELSEWHERE, uid, 0, 0)

struct filter {
    const char *name;
    enum filter_kind kind;
    size_t offset;
    double min, max;
};

#define AS_FILTER(name, kind, member, min, max)                                                    \
    {name, kind, offsetof(struct store_query, member), min, max},
#define AS_NAME(name, kind, member, min, max) name,

static const struct filter CALLS[] = {FILTERS(AS_FILTER) {0}};
static const struct filter RECORDINGS[] = {RECORDING_FILTERS(AS_FILTER) {0}};
static const struct filter LIVE[] = {LIVE_FILTERS(AS_FILTER) {0}};

const char *const CALL_FILTER_PARAMS[] = {FILTERS(AS_NAME) "header",
                                          "header_value__contains",
                                          "from",
                                          "to",
                                          "order",
                                          "limit",
                                          "cursor",
                                          "count",
                                          "view",
                                          NULL};
const char *const TAG_FILTER_PARAMS[] = {FILTERS(AS_NAME) "from", "to", NULL};
const char *const RECORDING_FILTER_PARAMS[] = {RECORDING_FILTERS(AS_NAME) "from", "to", "order", "limit", "cursor", "count", NULL};
const char *const LIVE_EVENT_PARAMS[] = {LIVE_FILTERS(AS_NAME) "min_interval_ms", "last_event_id", NULL};

static const char *const OUTCOME_NAMES[] = {
    "answered", "busy", "no_answer", "cancelled", "rejected", "redirected", "failed", "lost", NULL};
static const char *const DIRECTION_NAMES[] = {"in", "out", "internal", "unknown", NULL};
static const char *const STATE_NAMES[] = {"spooling", "rendering", "ready", "damaged", "deleted", NULL};
static const char *const FORMAT_NAMES[] = {"wav", "flac", "ogg", "mp3", NULL};
static const char *const KIND_NAMES[] = {"call", "orphan", "page", "encrypted", "mgcp", "h323", NULL};
static const char *const SOURCE_NAMES[] = {"capture", "import", NULL};
static const char *const SCALE_NAMES[] = {"NB", "WB", "FB", NULL};

static bool number_in(const struct filter *f, const char *value, double *ret_number)
{
    char *end;

    if (strspn(value, "0123456789.-+eE") != strlen(value) || *value == '\0')
        return false;
    *ret_number = strtod(value, &end);
    return *end == '\0' && *ret_number >= f->min && *ret_number <= f->max;
}

/* Adds a text to an array of STORE_VALUES_MAX. */
static bool add_text(const char **array, const char *value)
{
    for (unsigned i = 0; i < STORE_VALUES_MAX; i++)
        if (array[i] == NULL) {
            array[i] = value;
            return true;
        }
    return false;
}

static bool add_code(int *array, int value)
{
    for (unsigned i = 0; i < STORE_VALUES_MAX; i++)
        if (array[i] == 0) {
            array[i] = value;
            return true;
        }
    return false;
}

static bool apply_ip(struct call_filter *cf, const char *value, struct call_filter_error *e)
{
    struct addr a;

    if (!addr_parse(slice_str(value), &a))
        return filter_refuse(e, "invalid_value", "ip", "`ip` is an IPv4 or IPv6 address.");
    for (unsigned i = 0; i < STORE_VALUES_MAX; i++)
        if (cf->query.ip[i] == NULL) {
            cf->query.ip[i] = addr_text(a, cf->ip[i]);
            return true;
        }
    return filter_too_many(e, "ip");
}

static bool apply_flag(int *member, const char *name, const char *value,
                       struct call_filter_error *e)
{
    if (*member != -1)
        return filter_only_once(e, name);
    bool flag;
    if (!filter_flag(name, value, &flag, e))
        return false;
    *member = flag;
    return true;
}

/* The names that a parameter takes; NULL: any text. */
static const char *const *names_of(const struct filter *f)
{
    switch (f->kind) {
    case OUTCOMES:
        return OUTCOME_NAMES;
    case DIRECTIONS:
        return DIRECTION_NAMES;
    case STATES:
        return STATE_NAMES;
    case FORMATS:
        return FORMAT_NAMES;
    case CHOICE:
        return strcmp(f->name, "kind") == 0 ? KIND_NAMES : strcmp(f->name, "source") == 0 ? SOURCE_NAMES : SCALE_NAMES;
    default:
        return NULL;
    }
}

static bool is_label(const char *value)
{
    unsigned label = label_find(LABELS_DIAGNOSIS, slice_str(value));
    return strcmp(label_text(LABELS_DIAGNOSIS, label), value) == 0;
}

static bool apply_text(const struct filter *f, void *member, const char *value,
                       struct call_filter_error *e)
{
    const char **text = member;
    const char *const *names = names_of(f);

    if (names && (value = filter_choose(names, f->name, value, e)) == NULL)
        return false;
    if (f->kind == LABELS && !is_label(value))
        return filter_refuse(e, "invalid_value", f->name,
                             "`label` is one of those of the diagnosis: loss, one_way, long_gap "
                             "and others.");
    if (value[0] == '\0')
        return filter_refuse(e, "invalid_value", f->name, "`%s` is empty.", f->name);
    if (f->kind == TEXTS || f->kind == OUTCOMES || f->kind == DIRECTIONS ||
        f->kind == STATES || f->kind == FORMATS || f->kind == LABELS)
        return add_text(text, value) || filter_too_many(e, f->name);
    *text = value;
    return true;
}

static bool apply_number(const struct filter *f, void *member, const char *value,
                         struct call_filter_error *e)
{
    double number;

    if (!number_in(f, value, &number) || (f->kind != REAL && number != floor(number)))
        return filter_refuse(e, "invalid_value", f->name, "`%s` is a number from %.0f to %.0f.", f->name,
                      f->min, f->max);
    if (f->kind == CODES)
        return add_code(member, (int)number) || filter_too_many(e, f->name);
    if (f->kind == LONG)
        *(int64_t *)member = (int64_t)number;
    else
        *(double *)member = number;
    return true;
}

/* "key:value", as it is compared. */
static bool apply_tag(const char **texts, const char *value, struct call_filter_error *e)
{
    struct slice rest = slice_str(value);
    struct slice key = slice_cut(&rest, ':');

    if (!record_tag_key_valid(key) || !record_tag_value_valid(rest))
        return filter_refuse(e, "invalid_value", "tag", "`tag` is a key, a colon and a value.");
    return add_text(texts, value) || filter_too_many(e, "tag");
}

static bool apply_words(struct call_filter *cf, const char *value, struct call_filter_error *e)
{
    switch (word_query_make(slice_str(value), cf->words)) {
    case WORD_QUERY_GOOD:
        cf->query.words = cf->words;
        return true;
    case WORD_QUERY_EMPTY:
        return filter_refuse(e, "invalid_value", "text", "`text` has no word.");
    case WORD_QUERY_TOO_MANY:
        return filter_refuse(e, "invalid_value", "text", "`text` has at most 16 words and phrases.");
    case WORD_QUERY_SHORT_PREFIX:
        return filter_refuse(e, "invalid_value", "text", "Ahead of a star in `text` there are at least two letters.");
    case WORD_QUERY_NO_TEXT:
        break;
    }
    return filter_refuse(e, "invalid_value", "text", "`text` is UTF-8.");
}

static bool apply_place(struct call_filter *cf, const char *value, struct call_filter_error *e)
{
    bool notes = strcmp(value, "annotations") == 0;
    cf->query.words_in = notes ? STORE_WORDS_ANNOTATIONS : STORE_WORDS_TRANSCRIPT;
    return notes || strcmp(value, "transcripts") == 0 ||
           filter_refuse(e, "invalid_value", "text_in", "`text_in` is annotations or transcripts.");
}

static bool is_single(enum filter_kind kind)
{
    return kind == TEXT || kind == LONG || kind == REAL || kind == CHOICE || kind == WORDS || kind == PLACE;
}

static bool apply(const struct filter *f, struct call_filter *cf, const char *value,
                  struct call_filter_error *e)
{
    void *member = (char *)&cf->query + f->offset;

    switch (f->kind) {
    case IPS:
        return apply_ip(cf, value, e);
    case FLAG:
        return apply_flag(member, f->name, value, e);
    case TEXTS:
    case TEXT:
    case OUTCOMES:
    case DIRECTIONS:
    case STATES:
    case FORMATS:
    case LABELS:
    case CHOICE:
        return apply_text(f, member, value, e);
    case TAGS:
        return apply_tag(member, value, e);
    case WORDS:
        return apply_words(cf, value, e);
    case PLACE:
        return apply_place(cf, value, e);
    case CODES:
    case LONG:
    case REAL:
        return apply_number(f, member, value, e);
    case ELSEWHERE:
        return true;
    }
    return false;
}

static const struct filter *filter_find(const struct filter *table, const char *name)
{
    for (const struct filter *f = table; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

static bool given_before(const struct http_query *params, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (strcmp(params->param[i].name, params->param[index].name) == 0)
            return true;
    return false;
}

static bool parse_filters(const struct http_query *params, const struct filter *table, struct call_filter *cf,
                          struct call_filter_error *e)
{
    for (unsigned i = 0; i < params->count; i++) {
        const struct http_param *p = &params->param[i];
        const struct filter *f = filter_find(table, p->name);
        if ((f == NULL || is_single(f->kind)) && given_before(params, i))
            return filter_only_once(e, p->name);
        if (f && !apply(f, cf, p->value, e))
            return false;
    }
    if (cf->query.words_in != STORE_WORDS_ANY && cf->query.words == NULL)
        return filter_refuse(e, "missing_parameter", "text", "`text_in` needs `text`: the words that are looked for.");
    if (!isnan(cf->query.mos_min_lte) && cf->query.mos_scale == NULL)
        return filter_refuse(e, "missing_parameter", "scale",
                      "`mos_min__lte` needs `scale`: scores of two scales do not compare.");
    return true;
}

static bool parse_order(const struct http_query *params, struct call_filter *cf,
                        struct call_filter_error *e)
{
    static const struct {
        const char *name;
        enum store_order order;
    } ORDERS[] = {{"-started_at", STORE_NEWEST},
                  {"started_at", STORE_OLDEST},
                  {"mos_min", STORE_MOS_MIN},
                  {"duration_ms", STORE_DURATION},
                  {"-duration_ms", STORE_LONGEST}};
    const char *value = http_query_value(params, "order");

    for (size_t i = 0; i < sizeof ORDERS / sizeof ORDERS[0]; i++)
        if (value == NULL || strcmp(ORDERS[i].name, value) == 0) {
            cf->query.order = ORDERS[i].order;
            return true;
        }
    return filter_refuse(e, "invalid_value", "order",
                  "`order` is one of started_at, -started_at, mos_min, duration_ms.");
}

static bool parse_page(const struct http_query *params, struct call_filter *cf,
                       struct call_filter_error *e)
{
    const char *count = http_query_value(params, "count");

    if (!filter_limit(params, &cf->query.limit, e))
        return false;
    if (!page_count_parse(count, &cf->count))
        return filter_refuse(e, "invalid_value", "count", "`count` is exact, estimate or none.");
    return true;
}

/* What stands in messages is found by what a row leaves out. */
static bool parse_view(const struct http_query *params, struct call_filter *cf, struct call_filter_error *e)
{
    static const char *const VIEWS[] = {"brief", "full", NULL};
    const char *view = http_query_value(params, "view");

    if (view && (view = filter_choose(VIEWS, "view", view, e)) == NULL)
        return false;
    cf->brief = view && strcmp(view, "brief") == 0;
    cf->query.brief = cf->brief && cf->header == NULL;
    return true;
}

static bool parse_span(const struct http_request *rq, struct call_filter *cf,
                       struct call_filter_error *e)
{
    struct store_query *q = &cf->query;

    q->to_us = rq->now_us;
    if (!filter_time(&rq->query, "to", &q->to_us, e))
        return false;
    q->from_us = q->import_id[0] ? 1 : q->to_us - DEFAULT_SPAN_US;
    if (!filter_time(&rq->query, "from", &q->from_us, e))
        return false;
    if (q->from_us >= q->to_us)
        return filter_refuse(e, "invalid_span", "from", "`from` must be earlier than `to`.");
    if (q->to_us - q->from_us > MAX_SPAN_US && q->import_id[0] == NULL) /* an index finds those, whenever they were */
        return filter_refuse(e, "invalid_span", "from", "At most 400 days can be searched at once.");
    return true;
}

/* What stands in messages is no column: the span is short, and nothing is counted. */
static bool parse_header(const struct http_query *params, struct call_filter *cf,
                         struct call_filter_error *e)
{
    cf->header = http_query_value(params, "header");
    cf->header_value = http_query_value(params, "header_value__contains");
    if (cf->header == NULL && cf->header_value)
        return filter_refuse(e, "missing_parameter", "header",
                      "`header_value__contains` needs `header`: the field that it stands in.");
    if (cf->header == NULL)
        return true;
    if (!sip_name_is_valid(slice_str(cf->header)))
        return filter_refuse(e, "invalid_value", "header", "`header` is the name of a header field.");
    if (cf->header_value && *cf->header_value == '\0')
        return filter_refuse(e, "invalid_value", "header_value__contains",
                      "`header_value__contains` is empty.");
    if (cf->count != PAGE_COUNT_NONE)
        return filter_refuse(e, "invalid_value", "count",
                      "Nothing is counted with `header`: follow the pages.");
    if (cf->query.to_us - cf->query.from_us > HEADER_SPAN_US)
        return filter_refuse(e, "invalid_span", "from", "With `header` at most 31 days can be searched.");
    return true;
}

static bool parse_cursor(const struct http_request *rq, const uint8_t key[32],
                         struct call_filter *cf, struct call_filter_error *e)
{
    const char *text = http_query_value(&rq->query, "cursor");
    struct store_query *q = &cf->query;
    struct page_cursor c;

    if (text == NULL)
        return true;
    if (!page_cursor_parse(text, &rq->query, key, &c))
        return page_cursor_refuse(e);
    if (!page_cursor_window(&c, &rq->query, &q->from_us, &q->to_us, e))
        return false;
    q->after_us = c.after_us;
    q->after_value = c.after_value;
    snprintf(q->after_uid, sizeof q->after_uid, "%s", c.after_uid);
    return true;
}

bool call_filter_parse(const struct http_request *rq, const uint8_t cursor_key[32],
                       struct call_filter *ret_filter, struct call_filter_error *ret_error)
{
    memset(ret_filter, 0, sizeof *ret_filter);
    store_query_defaults(&ret_filter->query);
    return parse_filters(&rq->query, CALLS, ret_filter, ret_error) &&
           parse_order(&rq->query, ret_filter, ret_error) &&
           parse_page(&rq->query, ret_filter, ret_error) && parse_span(rq, ret_filter, ret_error) &&
           parse_cursor(rq, cursor_key, ret_filter, ret_error) &&
           parse_header(&rq->query, ret_filter, ret_error) && parse_view(&rq->query, ret_filter, ret_error);
}

bool recording_filter_parse(const struct http_request *rq, const uint8_t cursor_key[32],
                            struct call_filter *ret_filter, struct call_filter_error *ret_error)
{
    struct store_query *q = &ret_filter->query;

    memset(ret_filter, 0, sizeof *ret_filter);
    store_query_defaults(q);
    q->any_kind = true;
    bool good = parse_filters(&rq->query, RECORDINGS, ret_filter, ret_error) && parse_order(&rq->query, ret_filter, ret_error) &&
                parse_page(&rq->query, ret_filter, ret_error) && parse_span(rq, ret_filter, ret_error) &&
                parse_cursor(rq, cursor_key, ret_filter, ret_error);
    if (good && q->order != STORE_NEWEST && q->order != STORE_OLDEST)
        return filter_refuse(ret_error, "invalid_value", "order", "`order` is one of started_at, -started_at.");
    q->has_recording = q->recording_state[0] ? -1 : 1;
    return good;
}

bool live_call_filter_parse(const struct http_request *rq, struct call_filter *ret_filter, struct call_filter_error *ret_error)
{
    memset(ret_filter, 0, sizeof *ret_filter);
    store_query_defaults(&ret_filter->query);
    ret_filter->query.any_kind = http_query_value(&rq->query, "kind") == NULL;
    return parse_filters(&rq->query, LIVE, ret_filter, ret_error);
}
