/* The lines of an SDP body (RFC 8866 5). What stands in front of the first m= goes to a record of
 * the session, from which each medium begins; so a c= or a direction of the session holds until the
 * medium says otherwise. */
#include "capture/sip/sdp_parts.h"

#define ATTRIBUTES_MAX 512

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct slice sdp_word(struct slice *line)
{
    size_t start = 0;
    while (start < line->size && is_blank(line->data[start]))
        start++;
    size_t end = start;
    while (end < line->size && !is_blank(line->data[end]))
        end++;
    struct slice word = slice_sub(*line, start, end);
    *line = slice_from(*line, end);
    return word;
}

bool sdp_number(struct slice text, uint32_t max, uint32_t *ret_value)
{
    uint64_t value = 0;
    size_t n = 0;
    while (n < text.size && text.data[n] >= '0' && text.data[n] <= '9') {
        value = value * 10 + (text.data[n++] - '0');
        if (value > max)
            return false;
    }
    if (n == 0)
        return false;
    *ret_value = (uint32_t)value;
    return true;
}

bool sdp_address(struct slice value, struct addr *ret_addr)
{
    sdp_word(&value); /* IN */
    sdp_word(&value); /* IP4, IP6: the literal itself tells */
    struct slice literal = sdp_word(&value);
    return addr_parse(slice_sub(literal, 0, slice_index(literal, '/')), ret_addr);
}

/* o=<username> <sess-id> <sess-version> ... */
static void parse_origin(struct slice value, struct sdp *sdp)
{
    sdp->origin_username = sdp_word(&value);
    sdp->origin_id = sdp_word(&value);
    sdp->origin_version = sdp_word(&value);
}

/* The first c= of a medium counts; further ones are layers of a multicast. `own` says whether it
 * had one. */
static void parse_connection(struct slice value, struct sdp_media *media, bool *own)
{
    if (*own)
        return;
    *own = true;
    media->has_address = sdp_address(value, &media->address);
    if (!media->has_address)
        media->address = (struct addr){0};
}

struct state {
    struct sdp *sdp;
    struct sdp_media
        *media; /* the current one: of the session until the first m=, NULL behind the limit */
    struct sdp_media session;
    bool own_address;
    unsigned attributes;
};

static void begin_media(struct state *s, struct slice value)
{
    struct sdp *sdp = s->sdp;
    s->own_address = false;
    if (sdp->media_count == SDP_MEDIA_MAX) {
        sdp->limited = true;
        s->media = NULL;
        return;
    }
    s->media = &sdp->media[sdp->media_count++];
    if (!sdp_media_line(value, &s->session, s->media))
        sdp->limited = true;
}

static void attribute(struct state *s, struct slice value)
{
    if (s->attributes == ATTRIBUTES_MAX) {
        s->sdp->limited = true;
        return;
    }
    s->attributes++;
    if (s->media)
        sdp_attribute(value, s->sdp, s->media);
}

static void take_line(struct state *s, struct slice line)
{
    if (line.size < 2 || line.data[1] != '=')
        return;
    struct slice value = slice_of(line.data + 2, line.size - 2);
    switch (line.data[0]) {
    case 'a':
        attribute(s, value);
        break;
    case 'm':
        begin_media(s, value);
        break;
    case 'c':
        if (s->media)
            parse_connection(value, s->media, &s->own_address);
        break;
    case 'o':
        parse_origin(value, s->sdp);
        break;
    case 's':
        s->sdp->session_name = value;
        break;
    default:
        break;
    }
}

static struct slice skip_line_ends(struct slice s)
{
    while (s.size && (*s.data == '\r' || *s.data == '\n'))
        s = slice_of(s.data + 1, s.size - 1);
    return s;
}

static struct slice drop_trailing(struct slice line)
{
    while (line.size && (line.data[line.size - 1] == '\r' || is_blank(line.data[line.size - 1])))
        line.size--;
    return line;
}

enum sdp_verdict sdp_parse(struct slice text, struct sdp *ret_sdp)
{
    struct slice rest = skip_line_ends(text);
    if (!slice_starts(rest, "v="))
        return SDP_BAD;
    memset(ret_sdp, 0, offsetof(struct sdp, media));
    struct state s = {.sdp = ret_sdp};
    s.media = &s.session;
    /* Some senders end lines with a lone CR. */
    uint8_t line_end = slice_index(rest, '\n') < rest.size ? '\n' : '\r';
    while (rest.size) {
        size_t end = slice_index(rest, line_end);
        take_line(&s, drop_trailing(slice_of(rest.data, end)));
        rest = slice_from(rest, end + 1);
    }
    return SDP_OK;
}
