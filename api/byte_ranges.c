/* The body of several ranges is never built: a position in it is found among heads and pieces of
 * the file. */
#include "api/byte_ranges.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct part {
    char head[224];
    size_t head_size;
    struct byte_range range;
};

struct multipart {
    unsigned count;
    struct part part[BYTE_RANGES_MAX];
    char tail[96];
    size_t tail_size;
};

/* One of the list; WHOLE: it is none. */
static enum http_range parse_one(struct slice text, uint64_t size, struct byte_range *ret)
{
    char one[64] = "bytes=";

    text = slice_trim(text);
    if (text.size == 0 || text.size >= sizeof one - 6)
        return HTTP_RANGE_WHOLE;
    slice_copy_to(text, one + 6, sizeof one - 6);
    return http_range_parse(one, size, &ret->first, &ret->count);
}

enum http_range byte_ranges_parse(const char *header, uint64_t size, struct byte_ranges *ret_ranges)
{
    struct slice rest = slice_str(header ? header : "");
    uint64_t sum = 0;
    unsigned asked = 0;

    ret_ranges->count = 0;
    if (header == NULL || strncasecmp(header, "bytes=", 6) != 0 || rest.size == 6 ||
        rest.data[rest.size - 1] == ',')
        return HTTP_RANGE_WHOLE;
    rest = slice_from(rest, 6);
    while (rest.size) {
        struct byte_range r = {0};
        enum http_range kind = parse_one(slice_cut(&rest, ','), size, &r);
        if (kind == HTTP_RANGE_WHOLE || ++asked > BYTE_RANGES_MAX)
            return HTTP_RANGE_WHOLE;
        if (kind == HTTP_RANGE_UNSATISFIABLE)
            continue;
        ret_ranges->range[ret_ranges->count++] = r;
        sum += r.count;
    }
    if (ret_ranges->count > 1 && sum > size)
        return HTTP_RANGE_WHOLE;
    return ret_ranges->count ? HTTP_RANGE_PART : HTTP_RANGE_UNSATISFIABLE;
}

struct multipart *multipart_new(const struct byte_ranges *ranges, uint64_t size, const char *type,
                                const char *boundary)
{
    struct multipart *m = calloc(1, sizeof *m);

    if (m == NULL)
        return NULL;
    m->count = ranges->count;
    for (unsigned i = 0; i < m->count; i++) {
        struct part *p = &m->part[i];
        p->range = ranges->range[i];
        p->head_size = (size_t)snprintf(
            p->head, sizeof p->head,
            "%s--%.64s\r\nContent-Type: %.40s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n",
            i ? "\r\n" : "", boundary, type, (unsigned long long)p->range.first,
            (unsigned long long)(p->range.first + p->range.count - 1), (unsigned long long)size);
    }
    m->tail_size = (size_t)snprintf(m->tail, sizeof m->tail, "\r\n--%.64s--\r\n", boundary);
    return m;
}

void multipart_free(struct multipart *m)
{
    free(m);
}

uint64_t multipart_size(const struct multipart *m)
{
    uint64_t sum = m->tail_size;

    for (unsigned i = 0; i < m->count; i++)
        sum += m->part[i].head_size + m->part[i].range.count;
    return sum;
}

static ssize_t copy_text(const char *text, size_t size, uint64_t from, void *out, size_t max)
{
    size_t n = size - (size_t)from < max ? size - (size_t)from : max;

    memcpy(out, text + from, n);
    return (ssize_t)n;
}

static ssize_t read_range(const struct byte_range *r, int fd, uint64_t from, void *out, size_t max)
{
    uint64_t left = r->count - from;
    ssize_t n = pread(fd, out, left < max ? (size_t)left : max, (off_t)(r->first + from));

    return n > 0 ? n : -1;
}

ssize_t multipart_read(const struct multipart *m, int fd, uint64_t position, void *out, size_t max)
{
    for (unsigned i = 0; i < m->count; i++) {
        const struct part *p = &m->part[i];
        if (position < p->head_size)
            return copy_text(p->head, p->head_size, position, out, max);
        position -= p->head_size;
        if (position < p->range.count)
            return read_range(&p->range, fd, position, out, max);
        position -= p->range.count;
    }
    return position < m->tail_size ? copy_text(m->tail, m->tail_size, position, out, max) : 0;
}
