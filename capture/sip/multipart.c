/* Finds the part of a body that has a type: the body itself or a part of a multipart body (RFC
 * 2046 5.1).
 *
 *   preamble  --boundary  headers  blank line  part  --boundary ...  part  --boundary--  epilogue
 *
 * Liberal: line ends may be LF, the closing delimiter may be missing, part headers may be folded or
 * absent. A body without any Content-Type that begins with "v=0" is taken for SDP. Each level looks
 * at each byte at most twice. */
#include "capture/sip/grammar.h"

#define DEPTH_MAX    4
#define BOUNDARY_MAX 200

struct part {
    struct slice type; /* Content-Type, empty when absent */
    bool encoded;
    struct slice body;
};

static struct slice find(const struct part *part, struct slice type, unsigned depth,
                         struct slice *ret_content_type);

static bool type_is(struct slice content_type, struct slice type)
{
    struct slice bare = slice_sub(content_type, 0, slice_index(content_type, ';'));
    return slice_equal_nocase(sip_trim(bare), type);
}

/* Does a delimiter line begin here? "--abcd" is none of the boundary "abc". */
static bool at_delimiter(struct slice s, struct slice boundary)
{
    if (s.size < boundary.size + 2 || s.data[0] != '-' || s.data[1] != '-' ||
        memcmp(s.data + 2, boundary.data, boundary.size) != 0)
        return false;
    s = slice_from(s, boundary.size + 2);
    return s.size == 0 || sip_is_space(s.data[0]) || slice_starts(s, "--");
}

/* Index of the next delimiter at the beginning of a line, or the size. */
static size_t find_delimiter(struct slice s, struct slice boundary)
{
    size_t at = 0;
    while (at < s.size && !at_delimiter(slice_from(s, at), boundary)) {
        struct slice rest = slice_from(s, at);
        at += slice_index(rest, '\n') + 1;
    }
    return at < s.size ? at : s.size;
}

/* The line end in front of a delimiter belongs to the delimiter. */
static struct slice drop_line_end(struct slice s)
{
    if (s.size && s.data[s.size - 1] == '\n')
        s.size--;
    if (s.size && s.data[s.size - 1] == '\r')
        s.size--;
    return s;
}

static void part_header(const struct sip_header_line *h, struct part *part)
{
    if (h->id == SIP_H_CONTENT_TYPE && part->type.data == NULL)
        part->type = h->value;
    else if (h->id == SIP_H_CONTENT_ENCODING)
        part->encoded |= !slice_is_nocase(h->value, "identity");
    else if (slice_is_nocase(h->name, "Content-Transfer-Encoding"))
        part->encoded |=
            slice_is_nocase(h->value, "base64") || slice_is_nocase(h->value, "quoted-printable");
}

static struct part part_parse(struct slice text)
{
    struct part part = {0};
    struct slice line;
    struct sip_header_line h;
    uint32_t flags = 0;
    part.body = text;
    while (sip_line_next(&part.body, &line, &flags) == SIP_LINE) {
        if (sip_line_split(line, &h))
            part_header(&h, &part);
    }
    return part;
}

static struct slice find_in_parts(struct slice body, struct slice boundary, struct slice type,
                                  unsigned depth, struct slice *ret_content_type)
{
    struct slice rest = slice_from(body, find_delimiter(body, boundary));
    while (rest.size) {
        rest = slice_from(rest, boundary.size + 2);
        if (slice_starts(rest, "--"))
            break;
        rest = slice_from(rest, slice_index(rest, '\n') + 1);
        size_t end = find_delimiter(rest, boundary);
        struct slice text = slice_sub(rest, 0, end);
        struct part part = part_parse(end < rest.size ? drop_line_end(text) : text);
        struct slice found = find(&part, type, depth, ret_content_type);
        if (found.size)
            return found;
        rest = slice_from(rest, end);
    }
    return slice_none();
}

static struct slice find(const struct part *part, struct slice type, unsigned depth,
                         struct slice *ret_content_type)
{
    struct slice boundary;
    if (part->encoded)
        return slice_none();
    *ret_content_type = part->type;
    if (type_is(part->type, type))
        return part->body;
    if (part->type.size == 0)
        return slice_is_nocase(type, "application/sdp") && slice_starts(part->body, "v=0")
                   ? part->body
                   : slice_none();
    if (depth == DEPTH_MAX || !slice_starts_nocase(part->type, "multipart/"))
        return slice_none();
    struct slice params = slice_from(part->type, slice_index(part->type, ';'));
    if (!sip_param(params, "boundary", &boundary) || boundary.size == 0 ||
        boundary.size > BOUNDARY_MAX)
        return slice_none();
    return find_in_parts(part->body, boundary, type, depth + 1, ret_content_type);
}

struct slice sip_body_part_typed(const struct sip_msg *m, const char *type,
                                 struct slice *ret_content_type)
{
    struct part whole = {
        .type = m->content_type,
        .encoded = (m->flags & SIP_FLAG_BODY_ENCODED) != 0,
        .body = m->body,
    };
    return find(&whole, slice_str(type), 0, ret_content_type);
}

struct slice sip_body_part(const struct sip_msg *m, const char *type)
{
    struct slice content_type;
    return sip_body_part_typed(m, type, &content_type);
}
