/* The lines of an SDP body (RFC 8866 5). What stands in front of the first m= goes to a record of
 * the session, from which each medium begins; so a c= or a direction of the session holds until the
 * medium says otherwise. */
#include "capture/sip/sdp_parts.h"

#define ATTRIBUTES_MAX 512

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool sdp_address(struct slice value, struct addr *ret_addr)
{
    sdp_word(&value); /* IN */
    sdp_word(&value); /* IP4, IP6: the literal itself tells */
    struct slice literal = sdp_word(&value);
    return addr_parse(slice_sub(literal, 0, slice_index(literal, '/')), ret_addr);
}

/* o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address> */
static void parse_origin(struct slice value, struct sdp *sdp)
{
    sdp->origin_username = sdp_word(&value);
    sdp->origin_id = sdp_word(&value);
    sdp->origin_version = sdp_word(&value);
    sdp_word(&value); /* IN */
    sdp_word(&value); /* IP4, IP6 */
    sdp->origin_address = sdp_word(&value);
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
    struct sdp_media *session;
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
    if (!sdp_media_line(value, s->session, s->media))
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

static void take_lines(struct state *s, const uint8_t *at, const uint8_t *end)
{
    /* Some senders end lines with a lone CR. */
    uint8_t line_end = memchr(at, '\n', (size_t)(end - at)) ? '\n' : '\r';
    while (at < end) {
        const uint8_t *stop = quick_find(at, end, line_end);
        const uint8_t *next = stop ? stop + 1 : end;
        if (stop == NULL)
            stop = end;
        while (stop > at && is_blank(stop[-1]))
            stop--;
        take_line(s, slice_of(at, (size_t)(stop - at)));
        at = next;
    }
}

enum sdp_verdict sdp_parse(struct slice text, struct sdp *ret_sdp)
{
    struct slice lines = skip_line_ends(text);
    if (!slice_starts(lines, "v="))
        return SDP_BAD;
    quick_clear(ret_sdp, offsetof(struct sdp, media));
    struct sdp_media session;
    quick_clear(&session, offsetof(struct sdp_media, formats));
    struct state s = {.sdp = ret_sdp, .media = &session, .session = &session};
    take_lines(&s, lines.data, lines.data + lines.size);
    return SDP_OK;
}
