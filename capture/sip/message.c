/* One datagram, one message: start line, header section, body (RFC 3261 7 and 18.3).
 *
 *   sip_looks_like -> first_line       a token, then "SIP/2.0 " or METHOD SP ... SP SIP/2.0; any
 * version looks like SIP, what is not 2.0 is bad sip_parse      -> start line -> each header line
 * once: known ones are read on the way, all are listed -> body
 *
 * Only the scalar fields of struct sip_msg are cleared; of the header table just the rows in use
 * are written. */
#include "capture/sip/grammar.h"

#include <assert.h>

#define METHOD_MAX     64
#define START_LINE_MAX 8192
#define LEADING_MAX    16 /* line ends in front of the start line (RFC 3261 7.5) */
#define VERSION_SIZE   7  /* "SIP/2.0" */

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

static bool is_version(const uint8_t *p)
{
    return p[3] == '/' && is_digit(p[4]) && p[5] == '.' && is_digit(p[6]) && (p[0] | 0x20) == 's' &&
           (p[1] | 0x20) == 'i' && (p[2] | 0x20) == 'p';
}

static bool is_two(const uint8_t *version)
{
    return version[4] == '2' && version[6] == '0';
}

static struct slice skip_leading(struct slice s)
{
    size_t n = 0;
    while (n < s.size && n < LEADING_MAX && (s.data[n] == '\r' || s.data[n] == '\n'))
        n++;
    return slice_from(s, n);
}

/* The line without its end and trailing white space; false when it is longer than START_LINE_MAX.
 */
static bool first_line(struct slice s, struct slice *ret_line)
{
    struct slice window = slice_sub(s, 0, START_LINE_MAX);
    size_t end = slice_index(window, '\n');
    if (end == window.size && s.size > window.size)
        return false;
    *ret_line = sip_trim(slice_sub(window, 0, end));
    return true;
}

/* Length of the method when `line` is METHOD SP ... SP SIP/2.0, else 0. */
static size_t request_method(struct slice s, struct slice *ret_line)
{
    size_t n = sip_token_length(s, METHOD_MAX);
    if (n == 0 || n >= s.size || s.data[n] != ' ' || !first_line(s, ret_line))
        return 0;
    struct slice line = *ret_line;
    if (line.size < n + 1 + VERSION_SIZE || !is_version(line.data + line.size - VERSION_SIZE))
        return 0;
    return sip_is_space(line.data[line.size - VERSION_SIZE - 1]) ? n : 0;
}

static bool is_response(struct slice s)
{
    return s.size > VERSION_SIZE && is_version(s.data) && s.data[VERSION_SIZE] == ' ';
}

/* A method may begin with any byte of a token (RFC 4475 3.1.1.2); binary protocols are told apart
 * by their first byte all the same. */
static bool begins_with_token(struct slice s)
{
    return s.size && sip_token_byte[s.data[0]];
}

bool sip_looks_like(struct slice datagram)
{
    struct slice s = skip_leading(datagram), line;
    return begins_with_token(s) && (is_response(s) || request_method(s, &line) > 0);
}

/* What is sent to keep a binding open: nothing, line ends (RFC 5626 3.5.1), zeros. */
static bool is_keepalive(struct slice s)
{
    bool line_ends = true, zeros = true;
    for (size_t i = 0; i < s.size && (line_ends || zeros); i++) {
        line_ends &= s.data[i] == '\r' || s.data[i] == '\n';
        zeros &= s.data[i] == 0;
    }
    return line_ends || zeros;
}

static bool parse_request_line(struct slice line, size_t method_size, struct sip_msg *m)
{
    m->request = true;
    m->method_text = slice_sub(line, 0, method_size);
    m->method = sip_method_of(m->method_text);
    m->request_uri = sip_trim(slice_sub(line, method_size, line.size - VERSION_SIZE));
    if (sip_odd_request_line(line, method_size, VERSION_SIZE))
        m->flags |= SIP_FLAG_SYNTAX;
    return m->request_uri.size > 0 && is_two(line.data + line.size - VERSION_SIZE);
}

static bool parse_status_line(struct slice line, struct sip_msg *m)
{
    struct slice rest = sip_skip_spaces(slice_from(line, VERSION_SIZE));
    if (!is_two(line.data) || rest.size < 3 || (rest.size > 3 && !sip_is_space(rest.data[3])))
        return false;
    if (!slice_to_u16(slice_sub(rest, 0, 3), &m->status) || m->status < 100 || m->status > 699)
        return false;
    m->reason_phrase = sip_trim(slice_from(rest, 3));
    return true;
}

/* 1*DIGIT LWS Method. A number that does not fit counts as missing: two different ones must not
 * become equal. */
static void parse_cseq(struct slice value, struct sip_msg *m)
{
    size_t n = 0;
    while (n < value.size && !sip_is_space(value.data[n]))
        n++;
    if (!slice_to_u32(slice_sub(value, 0, n), &m->cseq))
        m->flags |= SIP_FLAG_NO_CSEQ;
    m->cseq_method = sip_trim(slice_from(value, n));
}

static void parse_top_via(struct slice value, struct sip_msg *m)
{
    struct slice item;
    if (sip_via_straight(value, &m->via))
        return;
    if (sip_odd_list(value))
        m->flags |= SIP_FLAG_SYNTAX;
    if (!sip_list_next(&value, &item) || !sip_via_parse_any(item, &m->via))
        m->flags |= SIP_FLAG_NO_VIA;
}

#define BIT(id) (UINT64_C(1) << (id))
static_assert(SIP_H_OTHER < 64, "a bit for each header");
static const uint64_t once =
    BIT(SIP_H_FROM) | BIT(SIP_H_TO) | BIT(SIP_H_CALL_ID) | BIT(SIP_H_CSEQ) |
    BIT(SIP_H_CONTENT_TYPE) | BIT(SIP_H_CONTENT_LENGTH) | BIT(SIP_H_CONTENT_DISPOSITION) |
    BIT(SIP_H_USER_AGENT) | BIT(SIP_H_SERVER) | BIT(SIP_H_EXPIRES) | BIT(SIP_H_MIN_EXPIRES) |
    BIT(SIP_H_MAX_FORWARDS) | BIT(SIP_H_RSEQ) | BIT(SIP_H_RACK) | BIT(SIP_H_REPLACES) |
    BIT(SIP_H_JOIN) | BIT(SIP_H_REFER_TO) | BIT(SIP_H_REFERRED_BY) | BIT(SIP_H_SESSION_EXPIRES) |
    BIT(SIP_H_SESSION_ID) | BIT(SIP_H_EVENT) | BIT(SIP_H_SUBSCRIPTION_STATE) |
    BIT(SIP_H_RETRY_AFTER) | BIT(SIP_H_DATE) | BIT(SIP_H_TIMESTAMP) | BIT(SIP_H_SUBJECT);

struct section {
    uint64_t seen;       /* BIT of each id that stood */
    struct slice length; /* of the first Content-Length */
};

static void parse_party(struct slice value, enum sip_flag missing, struct sip_addr *ret_addr,
                        struct sip_msg *m)
{
    if (sip_addr_straight(value, ret_addr))
        return;
    if (!sip_addr_parse_any(value, ret_addr))
        m->flags |= missing;
    else if (sip_odd_address(value))
        m->flags |= SIP_FLAG_SYNTAX;
}

static void read_known(const struct sip_header_line *h, struct section *section, struct sip_msg *m)
{
    switch (h->id) {
    case SIP_H_VIA:
        parse_top_via(h->value, m);
        break;
    case SIP_H_FROM:
        parse_party(h->value, SIP_FLAG_NO_FROM, &m->from, m);
        break;
    case SIP_H_TO:
        parse_party(h->value, SIP_FLAG_NO_TO, &m->to, m);
        break;
    case SIP_H_CONTACT:
        if (!sip_addr_straight(h->value, &(struct sip_addr){0}) && sip_odd_address(h->value))
            m->flags |= SIP_FLAG_SYNTAX;
        break;
    case SIP_H_DATE:
        if (sip_odd_date(h->value))
            m->flags |= SIP_FLAG_SYNTAX;
        break;
    case SIP_H_CALL_ID:
        m->call_id = h->value;
        break;
    case SIP_H_CSEQ:
        parse_cseq(h->value, m);
        break;
    case SIP_H_CONTENT_TYPE:
        m->content_type = h->value;
        break;
    case SIP_H_CONTENT_LENGTH:
        section->length = h->value;
        break;
    case SIP_H_CONTENT_ENCODING:
        if (!slice_is_nocase(h->value, "identity"))
            m->flags |= SIP_FLAG_BODY_ENCODED;
        break;
    default:
        break;
    }
}

static void take_line(struct slice line, struct section *section, struct sip_msg *m)
{
    struct sip_header_line spare;
    bool room = m->header_count < SIP_HEADERS_MAX;
    struct sip_header_line *h = room ? &m->headers[m->header_count] : &spare;
    if (!sip_line_split(line, h)) {
        m->flags |= SIP_FLAG_MALFORMED_LINE;
        return;
    }
    if (h->id != SIP_H_OTHER) {
        uint64_t bit = BIT(h->id);
        if (!(section->seen & bit))
            read_known(h, section, m);
        else if (once & bit)
            m->flags |= SIP_FLAG_DUPLICATE;
        section->seen |= bit;
    }
    if (h->value.size > SIP_VALUE_MAX) { /* read whole: two that differ at their end stay two */
        h->value.size = SIP_VALUE_MAX;
        m->flags |= SIP_FLAG_OVERSIZE;
    }
    if (room)
        m->header_count++;
    else
        m->flags |= SIP_FLAG_HEADER_LIMIT;
}

/* *rest is behind the start line; afterwards it is the body and what may follow it. */
static void parse_section(struct slice *rest, struct section *section, struct sip_msg *m)
{
    struct slice line;
    enum sip_line kind;
    while ((kind = sip_line_next(rest, &line, &m->flags)) == SIP_LINE)
        take_line(line, section, m);
    if (kind == SIP_LINE_CUT)
        m->flags |= SIP_FLAG_TRUNCATED;
}

/* RFC 3261 18.3: without Content-Length a datagram's body goes to its end. */
static void bound_body(struct slice rest, const struct section *section, struct sip_msg *m)
{
    uint32_t promised;
    m->body = rest;
    if (!(section->seen & BIT(SIP_H_CONTENT_LENGTH)))
        return;
    if (!slice_to_u32(section->length, &promised))
        m->flags |= SIP_FLAG_BAD_CONTENT_LENGTH;
    else if (promised > rest.size)
        m->flags |= SIP_FLAG_TRUNCATED;
    else
        m->body.size = promised;
}

static bool same_method(const struct sip_msg *m)
{
    return slice_equal(m->cseq_method, m->method_text) ||
           slice_equal_nocase(m->cseq_method, m->method_text);
}

/* Flags for what is missing, and the method of a response. */
static void check(const struct section *section, struct sip_msg *m)
{
    if (m->call_id.size == 0)
        m->flags |= SIP_FLAG_NO_CALL_ID;
    if (!(section->seen & BIT(SIP_H_CSEQ)))
        m->flags |= SIP_FLAG_NO_CSEQ;
    if (!(section->seen & BIT(SIP_H_FROM)))
        m->flags |= SIP_FLAG_NO_FROM;
    if (!(section->seen & BIT(SIP_H_TO)))
        m->flags |= SIP_FLAG_NO_TO;
    if (!(section->seen & BIT(SIP_H_VIA)))
        m->flags |= SIP_FLAG_NO_VIA;
    if (!m->request) {
        m->method_text = m->cseq_method;
        m->method = sip_method_of(m->cseq_method);
    } else if (m->cseq_method.size && !same_method(m)) {
        m->flags |= SIP_FLAG_CSEQ_MISMATCH;
    }
}

static enum sip_verdict parse_start(struct slice s, struct slice *ret_rest, struct sip_msg *m)
{
    struct slice line;
    if (is_response(s)) {
        if (!first_line(s, &line) || !parse_status_line(line, m))
            return SIP_BAD;
    } else {
        size_t method_size = request_method(s, &line);
        if (method_size == 0)
            return SIP_NOT_SIP;
        if (!parse_request_line(line, method_size, m))
            return SIP_BAD;
    }
    /* The line was trimmed at its end only, so the line end is the first one behind it. */
    size_t newline = line.size + slice_index(slice_from(s, line.size), '\n');
    if (newline < s.size && s.data[newline - 1] != '\r')
        m->flags |= SIP_FLAG_BARE_LF;
    if (m->request && line.size < s.size && s.data[line.size] == ' ')
        m->flags |= SIP_FLAG_SYNTAX;
    *ret_rest = slice_from(s, newline + 1);
    return SIP_OK;
}

/* Up to the header section. */
static enum sip_verdict begin(struct slice datagram, struct sip_msg *m, struct slice *ret_start,
                              struct slice *ret_rest)
{
    struct slice s = skip_leading(datagram);
    if (!begins_with_token(s))
        return is_keepalive(datagram) ? SIP_KEEPALIVE : SIP_NOT_SIP;
    quick_clear(m, offsetof(struct sip_msg, headers));
    m->method = SIP_UNKNOWN;
    *ret_start = s;
    return parse_start(s, ret_rest, m);
}

static enum sip_verdict finish(struct slice start, struct slice rest, const struct section *section,
                               struct sip_msg *m)
{
    m->header_bytes = (uint32_t)(rest.data - start.data);
    bound_body(rest, section, m);
    m->whole = slice_of(start.data, m->header_bytes + m->body.size);
    check(section, m);
    bool lost = (m->flags & SIP_FLAG_NO_CALL_ID) && (m->flags & SIP_FLAG_NO_CSEQ);
    return lost ? SIP_BAD : SIP_OK;
}

enum sip_verdict sip_parse(struct slice datagram, struct sip_msg *ret_msg)
{
    struct slice start, rest;
    enum sip_verdict verdict = begin(datagram, ret_msg, &start, &rest);
    if (verdict != SIP_OK)
        return verdict;
    struct section section = {0};
    parse_section(&rest, &section, ret_msg);
    return finish(start, rest, &section, ret_msg);
}

/* ---- outline ---- */

/* Most lines are passed by for their first byte. */
static bool may_be_outlined(struct slice line)
{
    switch (line.data[0] | 0x20) {
    case 'f':
    case 't':
    case 'c':
    case 'i':
    case 'l':
    case 'e':
        return true;
    default:
        return line.data[0] <= ' ';
    }
}

static void outline_line(struct slice line, struct section *section, struct sip_msg *m)
{
    struct sip_header_line h;
    if (!sip_line_split(line, &h) || h.id == SIP_H_OTHER || section->seen & BIT(h.id))
        return;
    section->seen |= BIT(h.id);
    if (h.id == SIP_H_FROM)
        m->from.tag = sip_addr_tag(h.value);
    else if (h.id == SIP_H_TO)
        m->to.tag = sip_addr_tag(h.value);
    else if (h.id != SIP_H_CONTACT)
        read_known(&h, section, m);
}

enum sip_verdict sip_outline(struct slice datagram, struct sip_msg *ret_msg)
{
    struct slice start, rest, line;
    enum sip_verdict verdict = begin(datagram, ret_msg, &start, &rest);
    if (verdict != SIP_OK)
        return verdict;
    struct section section = {0};
    while (sip_line_next(&rest, &line, &ret_msg->flags) == SIP_LINE)
        if (may_be_outlined(line))
            outline_line(line, &section, ret_msg);
    return finish(start, rest, &section, ret_msg);
}
