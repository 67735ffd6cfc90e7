/* Start lines, heads and lengths inside a byte stream. The grammar is that of message.c; what is
 * added here is the third answer, "not enough bytes to tell", and caution: bytes of a body must
 * not pass for a start line. */
#include "capture/sip/framer_head.h"

#include "capture/sip/grammar.h"

#define METHOD_MAX 64

static const char version[] = "SIP/2.0 ";

/* MORE when all of it agrees but is too short. */
static enum framer_start status_line(struct slice at)
{
    if ((at.data[0] | 0x20) != 's')
        return FRAMER_START_NO;
    size_t n = at.size < sizeof version - 1 ? at.size : sizeof version - 1;
    if (strncasecmp((const char *)at.data, version, n) != 0)
        return FRAMER_START_NO;
    return n < sizeof version - 1 ? FRAMER_START_MORE : FRAMER_START_YES;
}

/* Behind a method of n bytes and a space. */
static enum framer_start rest_of_line(struct slice at, size_t n)
{
    size_t most = at.size < FRAMER_LINE_MAX ? at.size : FRAMER_LINE_MAX;
    const uint8_t *end = quick_find(at.data + n, at.data + most, '\n');
    if (end == NULL)
        return most < FRAMER_LINE_MAX ? FRAMER_START_MORE : FRAMER_START_NO;
    while (sip_is_space(end[-1]))
        end--;
    const uint8_t *last = end - (sizeof version - 2); /* without its space */
    if (last <= at.data + n || !sip_is_space(last[-1]))
        return FRAMER_START_NO;
    bool same = strncasecmp((const char *)last, version, sizeof version - 2) == 0;
    return same ? FRAMER_START_YES : FRAMER_START_NO;
}

static enum framer_start request_line(struct slice at, bool known_only)
{
    if (!sip_token_byte[at.data[0]])
        return FRAMER_START_NO;
    size_t n = sip_token_length(at, METHOD_MAX);
    if (n == at.size)
        return n < METHOD_MAX ? FRAMER_START_MORE : FRAMER_START_NO;
    if (at.data[n] != ' ')
        return FRAMER_START_NO;
    if (known_only && sip_method_of(slice_sub(at, 0, n)) == SIP_UNKNOWN)
        return FRAMER_START_NO;
    size_t next = n;
    while (next < at.size && at.data[next] == ' ')
        next++;
    if (next < at.size && at.data[next] == ':') /* "Subject : is SIP/2.0" */
        return FRAMER_START_NO;
    return rest_of_line(at, n);
}

enum framer_start framer_start(struct slice at, bool known_only)
{
    if (at.size == 0)
        return FRAMER_START_MORE;
    enum framer_start status = status_line(at);
    return status == FRAMER_START_NO ? request_line(at, known_only) : status;
}

/* The longest known method at the end of s. */
static size_t known_suffix(struct slice s)
{
    size_t best = 0;
    for (unsigned m = 0; m < SIP_UNKNOWN; m++) {
        struct slice name = slice_str(sip_method_name((enum sip_method)m));
        if (name.size > best && name.size <= s.size &&
            slice_equal(slice_from(s, s.size - name.size), name))
            best = name.size;
    }
    return best;
}

/* The line without its last word and the spaces before that; empty when it has only one. */
static struct slice without_word(struct slice line)
{
    while (line.size && line.data[line.size - 1] != ' ')
        line.size--;
    while (line.size && line.data[line.size - 1] == ' ')
        line.size--;
    return line;
}

static size_t glued_response(struct slice line)
{
    const uint8_t *hit = memmem(line.data, line.size, version, sizeof version - 1);
    if (hit == NULL || hit == line.data || sip_is_space(hit[-1]))
        return 0;
    return (size_t)(hit - line.data);
}

size_t framer_glued(struct slice at)
{
    struct slice line = slice_sub(at, 0, slice_index(slice_sub(at, 0, FRAMER_LINE_MAX), '\n'));
    if (line.size == 0 || line.size >= at.size || line.size == FRAMER_LINE_MAX)
        return 0;
    size_t response = glued_response(line);
    if (response)
        return response;
    while (line.size && sip_is_space(line.data[line.size - 1]))
        line.size--;
    if (line.size < sizeof version || line.data[line.size - 4] != '/')
        return 0;
    struct slice before = without_word(without_word(line)); /* the URI, the version */
    size_t n = known_suffix(before);
    size_t place = before.size - n;
    if (n == 0 || place == 0 || sip_is_space(line.data[place - 1]))
        return 0;
    return framer_start(slice_from(at, place), true) == FRAMER_START_YES ? place : 0;
}

size_t framer_find_start(struct slice at, size_t from, size_t to, bool glued)
{
    while (from < to) {
        struct slice rest = slice_from(at, from);
        if (framer_start(rest, false) == FRAMER_START_YES)
            return from;
        size_t inside = glued ? framer_glued(rest) : 0;
        if (inside && from + inside < to)
            return from + inside;
        from += slice_index(slice_from(at, from), '\n') + 1;
    }
    return to;
}

size_t framer_start_in_sdp(struct slice at, size_t *looked)
{
    for (;;) {
        struct slice rest = slice_from(at, *looked);
        size_t line = slice_index(rest, '\n');
        if (line == rest.size)
            return 0;
        if (framer_start(rest, false) == FRAMER_START_YES)
            return *looked;
        *looked += line + 1;
    }
}

size_t framer_split_start(struct slice at, size_t from, size_t place)
{
    size_t p = place;
    while (p > from && place - p < METHOD_MAX && at.data[p - 1] != '\n')
        p--;
    struct slice line = slice_from(at, p);
    bool across = sip_token_length(line, METHOD_MAX) > place - p;
    return across && framer_start(line, true) == FRAMER_START_YES ? p : place;
}

static bool foreign_version(struct slice s)
{
    return slice_starts(s, "HTTP/") || slice_starts(s, "RTSP/");
}

bool framer_foreign(struct slice at)
{
    struct slice line = sip_trim(slice_sub(at, 0, slice_index(at, '\n')));
    size_t size = sizeof "HTTP/1.1" - 1;
    return foreign_version(line) || (line.size > size && line.data[line.size - size - 1] == ' ' &&
                                     foreign_version(slice_from(line, line.size - size)));
}

/* "l", "Content-Length": not more than a first look. */
static bool may_be_length(const uint8_t *line, size_t size)
{
    uint8_t first = *line | 0x20;
    if (first == 'l')
        return size > 1 && (line[1] == ':' || line[1] == ' ' || line[1] == '\t');
    return first == 'c' && size > sizeof "Content-Length" - 1 && (line[8] | 0x20) == 'l';
}

size_t framer_head_end(struct slice at, struct framer_walk *walk)
{
    const uint8_t *end = at.data + at.size, *from = at.data + walk->scanned, *hit;
    while ((hit = quick_find(from, end, '\n')) != NULL) {
        const uint8_t *line = at.data + walk->line;
        size_t size = (size_t)(hit - line);
        if (size == 0 || (size == 1 && *line == '\r'))
            return (size_t)(hit + 1 - at.data);
        if (walk->length == 0 && may_be_length(line, size))
            walk->length = walk->line;
        from = hit + 1;
        walk->line = (size_t)(from - at.data);
    }
    walk->scanned = at.size;
    return 0;
}

bool framer_content_length(struct slice head, const struct framer_walk *walk, uint32_t *ret_length)
{
    struct slice rest = slice_from(head, walk->length), line;
    struct sip_header_line header;
    uint32_t flags;
    while (walk->length && sip_line_next(&rest, &line, &flags) == SIP_LINE) {
        if (sip_line_split(line, &header) && header.id == SIP_H_CONTENT_LENGTH)
            return slice_to_u32(header.value, ret_length);
    }
    return false;
}

bool framer_says_sdp(struct slice head)
{
    struct slice rest = slice_from(head, slice_index(head, '\n') + 1), line;
    struct sip_header_line header;
    uint32_t flags;
    while (sip_line_next(&rest, &line, &flags) == SIP_LINE) {
        if (sip_line_split(line, &header) && header.id == SIP_H_CONTENT_TYPE)
            return slice_starts_nocase(header.value, "application/sdp");
    }
    return false;
}
