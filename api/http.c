/* The small pieces of HTTP that are ours: query strings, paths, byte ranges, entity tags. All of
 * them take hostile text. */
#include "api/byte_ranges.h"
#include "api/live_watch.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void http_response_init(struct http_response *r)
{
    *r = (struct http_response){.status = 200, .fd = -1, .stream = HTTP_STREAM_NONE};
    buf_init(&r->body, HTTP_BODY_MAX);
}

void http_response_fini(struct http_response *r)
{
    buf_fini(&r->body);
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
    multipart_free(r->multipart);
    r->multipart = NULL;
    live_watch_close(r->watcher);
    r->watcher = NULL;
    if (r->upload.context)
        r->upload.drop(r->upload.context);
    r->upload = (struct http_upload){0};
    if (r->producer.free)
        r->producer.free(r->producer.context);
    r->producer = (struct http_producer){0};
}

void http_header(struct http_response *r, const char *name, const char *format, ...)
{
    assert(r->header_count < HTTP_HEADERS_MAX);
    struct http_header *h = &r->header[r->header_count++];
    va_list args;

    snprintf(h->name, sizeof h->name, "%s", name);
    va_start(args, format);
    vsnprintf(h->value, sizeof h->value, format, args);
    va_end(args);
    for (char *p = h->value; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* In place; NULL or the complaint. */
static const char *percent_decode(char *text)
{
    char *out = text;

    for (const char *in = text; *in; in++) {
        char c = *in == '+' ? ' ' : *in;
        if (*in == '%') {
            int high = hex_digit(in[1]);
            int low = high < 0 ? -1 : hex_digit(in[2]);
            if (low < 0)
                return "a percent sign without two hex digits";
            c = (char)(high << 4 | low);
            if (c == '\0')
                return "a NUL byte";
            in += 2;
        }
        *out++ = c;
    }
    *out = '\0';
    return NULL;
}

const char *http_query_parse(char *text, struct http_query *ret_query)
{
    char *rest = text;

    ret_query->count = 0;
    while (rest && *rest) {
        char *pair = strsep(&rest, "&");
        if (*pair == '\0')
            continue;
        if (ret_query->count == HTTP_PARAMS_MAX)
            return "too many parameters";
        char *value = pair;
        char *name = strsep(&value, "=");
        if (value == NULL)
            return "a parameter without a value";
        const char *wrong = percent_decode(name);
        if (wrong == NULL)
            wrong = percent_decode(value);
        if (wrong)
            return wrong;
        if (strlen(value) > HTTP_PARAM_BYTES_MAX)
            return "a value that is too long";
        ret_query->param[ret_query->count++] = (struct http_param){.name = name, .value = value};
    }
    return NULL;
}

const char *http_query_value(const struct http_query *q, const char *name)
{
    for (unsigned i = 0; i < q->count; i++)
        if (strcmp(q->param[i].name, name) == 0)
            return q->param[i].value;
    return NULL;
}

/* No path of ours needs an escape, a semicolon or a backslash, so none is taken: what two layers
 * could read differently is refused. */
static bool is_harmless_escape(const char *p)
{
    return strncasecmp(p, "%40", 3) == 0 || strncasecmp(p, "%2b", 3) == 0 ||
           strncasecmp(p, "%3a", 3) == 0;
}

bool http_path_is_canonical(const char *path)
{
    if (path[0] != '/')
        return false;
    for (const char *p = path; *p; p++) {
        if (is_harmless_escape(p))
            continue;
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || strchr("%;\\", *p))
            return false;
        if (*p == '/' && (p[1] == '/' || (p[1] == '.' && strchr("/.", p[2]))))
            return false; /* "//", "/.", "/./", "/.." */
    }
    return true;
}

/* Digits up to `stop`; numbers above 2^63 stay there: far beyond any file. False without a digit.
 */
static bool range_number(const char **at, uint64_t *ret_value)
{
    uint64_t v = 0;
    const char *p = *at;

    for (; *p >= '0' && *p <= '9'; p++)
        v = v > (UINT64_MAX >> 1) / 10 - 1 ? UINT64_MAX >> 1 : v * 10 + (uint64_t)(*p - '0');
    if (p == *at)
        return false;
    *at = p;
    *ret_value = v;
    return true;
}

static enum http_range range_suffix(const char *p, uint64_t size, uint64_t *ret_first,
                                    uint64_t *ret_count)
{
    uint64_t n;

    if (!range_number(&p, &n) || *p != '\0')
        return HTTP_RANGE_WHOLE;
    if (n == 0 || size == 0)
        return HTTP_RANGE_UNSATISFIABLE;
    *ret_count = n < size ? n : size;
    *ret_first = size - *ret_count;
    return HTTP_RANGE_PART;
}

enum http_range http_range_parse(const char *header, uint64_t size, uint64_t *ret_first,
                                 uint64_t *ret_count)
{
    uint64_t first, last = UINT64_MAX;

    if (header == NULL || strncasecmp(header, "bytes=", 6) != 0)
        return HTTP_RANGE_WHOLE;
    const char *p = header + 6;
    p += strspn(p, " \t");
    if (*p == '-')
        return range_suffix(p + 1, size, ret_first, ret_count);
    if (!range_number(&p, &first) || *p++ != '-')
        return HTTP_RANGE_WHOLE;
    if (*p != '\0' && (!range_number(&p, &last) || last < first))
        return HTTP_RANGE_WHOLE;
    if (*p != '\0')
        return HTTP_RANGE_WHOLE;
    if (first >= size)
        return HTTP_RANGE_UNSATISFIABLE;
    *ret_first = first;
    *ret_count = (last < size ? last + 1 : size) - first;
    return HTTP_RANGE_PART;
}

bool http_content_is(const struct http_request *rq, const char *type)
{
    struct slice rest = slice_str(rq->content_type ? rq->content_type : "");

    return slice_equal_nocase(slice_trim(slice_cut(&rest, ';')), slice_str(type));
}

bool http_etag_matches(const char *if_none_match, const char *etag)
{
    struct slice rest = slice_str(if_none_match);

    while (rest.size > 0) {
        struct slice one = slice_trim(slice_cut(&rest, ','));
        if (slice_starts(one, "W/"))
            one = slice_from(one, 2);
        if (slice_is(one, "*") || slice_is(one, etag))
            return true;
    }
    return false;
}

bool http_takes_gzip(const char *accept)
{
    struct slice rest = slice_str(accept ? accept : "");

    while (rest.size > 0) {
        struct slice one = slice_cut(&rest, ',');
        struct slice name = slice_trim(slice_cut(&one, ';'));
        struct slice weight = slice_trim(one);
        if (slice_equal_nocase(name, slice_str("gzip")))
            return !slice_equal(weight, slice_str("q=0")) && !slice_starts(weight, "q=0.0");
    }
    return false;
}
