/* What the files of this room share: white space, quoted strings, lists, parameters, host:port.
 * Nobody else includes it. Every function takes bytes off the front of a slice or returns a place
 * in it, so each loop over them ends. */
#pragma once

#include "capture/sip/quick.h"
#include "capture/sip/sip.h"

/* White space inside a value. Folded lines keep their line ends, so these count too (RFC 3261 25.1,
 * LWS). */
static inline bool sip_is_space(uint8_t c)
{
    return c <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

static inline struct slice sip_between(const uint8_t *from, const uint8_t *to)
{
    return slice_of(from, (size_t)(to - from));
}

/* [from, to) without white space at either end. */
static inline struct slice sip_trim_between(const uint8_t *from, const uint8_t *to)
{
    while (from < to && sip_is_space(*from))
        from++;
    while (from < to && sip_is_space(to[-1]))
        to--;
    return sip_between(from, to);
}

static inline struct slice sip_trim(struct slice s)
{
    return s.size ? sip_trim_between(s.data, s.data + s.size) : s;
}

static inline struct slice sip_skip_spaces(struct slice s)
{
    while (s.size && sip_is_space(*s.data))
        s = slice_of(s.data + 1, s.size - 1);
    return s;
}

/* Bytes that make up methods and header names (RFC 3261 25.1, token). */
extern const bool sip_token_byte[256];

/* Length of the token at the front, at most `max`. */
static inline size_t sip_token_length(struct slice s, size_t max)
{
    size_t n = 0;
    while (n < s.size && n < max && sip_token_byte[s.data[n]])
        n++;
    return n;
}

/* The text inside the quotes when s[open] is '"'; *ret_end is the index behind the closing quote.
 * Without a closing quote: the rest, and false. */
bool sip_quoted(struct slice s, size_t open, struct slice *ret_inside, size_t *ret_end);

/* Takes the next ;name=value off the front; false at the end. `value` is empty with .data NULL when
 * there is no '='. */
bool sip_param_next(struct slice *rest, struct slice *ret_name, struct slice *ret_value);

/* "host", "host:port", "[v6]:port", bare v6. White space around the colon is fine. */
void sip_host_port(struct slice text, struct slice *ret_host, struct slice *ret_port);

/* What is written as nearly everybody writes it, in one pass (straight.c). True: not odd, and *ret is what sip_addr_parse() or
 * sip_via_parse() would give. False says nothing. */
bool sip_addr_straight(struct slice value, struct sip_addr *ret_addr);
bool sip_via_straight(struct slice value, struct sip_via *ret_via);
/* What is written in any other way: for those two, and for tests that compare. */
bool sip_addr_parse_any(struct slice value, struct sip_addr *ret_addr);
bool sip_via_parse_any(struct slice value, struct sip_via *ret_via);

/* Against the grammar? odd.c says what counts. One name-addr or addr-spec with its parameters (a
 * comma list of them too); parameters or Via elements without an empty one; the request line
 * without its end; a Date. */
bool sip_odd_address(struct slice value);
bool sip_odd_list(struct slice value);
bool sip_odd_request_line(struct slice line, size_t method_size, size_t version_size);
bool sip_odd_date(struct slice value);

/* The id of a header name, long or compact, any case. */
enum sip_header sip_header_of(struct slice name);

enum sip_line {
    SIP_LINE,       /* a line with its continuation lines, without the last line end */
    SIP_LINE_BLANK, /* the blank line behind the headers; *rest begins with the body */
    SIP_LINE_CUT,   /* no whole line is left: the section ends here */
};

/* Takes the next logical line of a header section off the front; adds SIP_FLAG_BARE_LF to *flags. A
 * line whose end is missing is not given out: half a Call-ID is worse than none. */
static inline enum sip_line sip_line_next(struct slice *rest, struct slice *ret_line,
                                          uint32_t *flags)
{
    const uint8_t *start = rest->data, *end = start + rest->size, *at = start, *stop;
    do {
        stop = quick_find(at, end, '\n');
        if (stop == NULL) {
            *rest = slice_of(end, 0);
            return SIP_LINE_CUT;
        }
        bool bare = stop == at || stop[-1] != '\r';
        at = stop + 1;
        if (bare)
            *flags |= SIP_FLAG_BARE_LF;
        else
            stop--;
    } while (at < end && (*at == ' ' || *at == '\t') && stop > start);
    *rest = sip_between(at, end);
    *ret_line = sip_between(start, stop);
    return stop > start ? SIP_LINE : SIP_LINE_BLANK;
}

/* "Name : value" of a logical line; false without a colon or name. */
static inline bool sip_line_split(struct slice line, struct sip_header_line *ret_header)
{
    const uint8_t *end = line.data + line.size, *colon = quick_find(line.data, end, ':');
    if (colon == NULL)
        return false;
    struct slice name = sip_trim_between(line.data, colon);
    ret_header->id = sip_header_of(name);
    ret_header->name = name;
    ret_header->value = sip_trim_between(colon + 1, end);
    return name.size > 0;
}
