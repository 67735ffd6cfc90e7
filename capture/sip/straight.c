/* Addresses and Via elements as nearly every device writes them, read in one pass over the few
 * bytes that separate:
 *
 *   ["display" SP] <sip:[user@]host[:port][;params]>[;tag=value]
 *   SIP/2.0/UDP host[:port];name[=value];...
 *
 * What is different in any way (other schemes, passwords, IPv6, quotes in a value, spaces, a comma)
 * is left to address.c, via.c and odd.c: false says nothing about the text. True means that it is
 * not odd, and the result is what these would give. */
#include "capture/sip/grammar.h"

#ifdef __SSE2__

/* The places in a text of at least 16 bytes where a byte stands that separates or is strange. */
struct marks {
    const uint8_t
        *block; /* 16 bytes, of which `hits` has a bit for each such byte that was not passed yet */
    const uint8_t *end;
    unsigned hits;
};

/* Controls, space, '!' and '"'; ','; ':' to '@'; '[' to ']'. */
static inline unsigned marks_in(__m128i v)
{
    const __m128i quote = _mm_set1_epi8('"');
    __m128i colon = _mm_sub_epi8(v, _mm_set1_epi8(':')),
            bracket = _mm_sub_epi8(v, _mm_set1_epi8('['));
    __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, quote), v),
                                _mm_cmpeq_epi8(v, _mm_set1_epi8(',')));
    hits = _mm_or_si128(hits, _mm_cmpeq_epi8(_mm_min_epu8(colon, _mm_set1_epi8('@' - ':')), colon));
    hits = _mm_or_si128(hits, _mm_cmpeq_epi8(_mm_min_epu8(bracket, _mm_set1_epi8(2)), bracket));
    return (unsigned)_mm_movemask_epi8(hits);
}

static inline struct marks marks_of(struct slice text)
{
    return (struct marks){text.data, text.data + text.size, marks_in(quick_load(text.data))};
}

/* The next one, or the end. The last block overlaps the one before it: nothing beyond the end is
 * touched. */
static inline const uint8_t *marks_next(struct marks *m)
{
    while (m->hits == 0) {
        size_t left = (size_t)(m->end - m->block);
        if (left <= 16)
            return m->end;
        if (left >= 32) {
            m->block += 16;
            m->hits = marks_in(quick_load(m->block));
        } else {
            m->block = m->end - 16;
            m->hits = marks_in(quick_load(m->block)) >> (32 - left) << (32 - left);
        }
    }
    const uint8_t *hit = m->block + __builtin_ctz(m->hits);
    m->hits &= m->hits - 1;
    return hit;
}

/* The text must go on there, and with that byte. */
static inline bool is_at(const struct marks *m, const uint8_t *at, uint8_t byte)
{
    return at < m->end && *at == byte;
}

/* "display" SP < , or < alone; *ret_open is its place. */
static inline bool straight_display(struct marks *m, struct slice value, struct slice *ret_display,
                                    const uint8_t **ret_open)
{
    const uint8_t *at = marks_next(m);
    if (at != value.data)
        return false;
    if (*at == '"') {
        do {
            at = marks_next(m);
            if (at == m->end || *at == '\\')
                return false;
        } while (*at != '"');
        *ret_display = sip_between(value.data + 1, at);
        const uint8_t *behind = at + 1;
        at = marks_next(m);
        if (is_at(m, at, ' ') && at == behind)
            at = marks_next(m), behind++;
        if (at != behind)
            return false;
    } else {
        *ret_display = slice_of(value.data, 0);
    }
    *ret_open = at;
    return is_at(m, at, '<');
}

/* host[:port][;params]> behind `host`, whose next mark is `at`; *ret_close is the place of '>'. */
static inline bool straight_host(struct marks *m, const uint8_t *host, const uint8_t *at,
                                 struct sip_addr *a, const uint8_t **ret_close)
{
    a->host = sip_between(host, at);
    a->port = slice_none();
    if (at == host)
        return false;
    if (is_at(m, at, ':')) {
        const uint8_t *port = at + 1;
        at = marks_next(m);
        a->port = sip_between(port, at);
    }
    if (is_at(m, at, ';'))
        do
            at = marks_next(m);
        while (is_at(m, at, ';') || is_at(m, at, '='));
    *ret_close = at;
    return is_at(m, at, '>');
}

/* Nothing, or ;tag=value and no more, behind '>'. */
static inline bool straight_tag(struct marks *m, const uint8_t *close, struct sip_addr *a)
{
    const uint8_t *at = marks_next(m), *params = close + 2;
    a->tag = slice_none();
    a->params = slice_of(m->end, 0);
    if (at == m->end)
        return close + 1 == m->end;
    if (at != close + 1 || *at != ';')
        return false;
    at = marks_next(m);
    if (at != params + 3 || !is_at(m, at, '=') || !same_name(params, "tag", 3))
        return false;
    a->tag = sip_between(at + 1, m->end);
    a->params = sip_between(params, m->end);
    return a->tag.size > 0 && marks_next(m) == m->end;
}

bool sip_addr_straight(struct slice value, struct sip_addr *ret_addr)
{
    if (value.size < 16)
        return false;
    struct sip_addr a;
    struct marks m = marks_of(value);
    const uint8_t *open, *close;
    if (!straight_display(&m, value, &a.display, &open))
        return false;
    const uint8_t *uri = open + 1, *at = marks_next(&m);
    if (at != uri + 3 || !is_at(&m, at, ':') || !same_name(uri, "sip", 3))
        return false;
    const uint8_t *host = uri + 4;
    a.user = slice_none();
    at = marks_next(&m);
    if (is_at(&m, at, '@')) {
        a.user = sip_between(host, at);
        host = at + 1;
        at = marks_next(&m);
    }
    if (!straight_host(&m, host, at, &a, &close) || !straight_tag(&m, close, &a))
        return false;
    a.scheme = slice_of(uri, 3);
    a.uri = sip_between(uri, close);
    *ret_addr = a;
    return true;
}

static inline void straight_param(struct sip_via *via, struct slice name, struct slice value)
{
    if (SAME(name, "branch")) {
        via->branch = value;
    } else if (SAME(name, "received")) {
        via->received = value; /* without brackets: those are marks */
    } else if (SAME(name, "rport")) {
        via->has_rport = true;
        via->rport = value;
    }
}

/* ;name[=value]... to the end; `at` is the first ';'. */
static inline bool straight_params(struct marks *m, const uint8_t *at, struct sip_via *via)
{
    while (at < m->end) {
        const uint8_t *name = at + 1;
        if (*at != ';')
            return false;
        at = marks_next(m);
        if (at == name)
            return false;
        struct slice key = sip_between(name, at), value = slice_none();
        if (is_at(m, at, '=')) {
            const uint8_t *from = at + 1;
            at = marks_next(m);
            value = sip_between(from, at);
        }
        straight_param(via, key, value);
    }
    return true;
}

bool sip_via_straight(struct slice value, struct sip_via *ret_via)
{
    if (value.size < 16 || !same_eight(value.data, "SIP/2.0/"))
        return false;
    struct sip_via via;
    quick_clear(&via, sizeof via);
    struct marks m = marks_of(value);
    const uint8_t *at = marks_next(&m), *transport = value.data + 8;
    via.transport = sip_between(transport, at);
    if (at == transport || !is_at(&m, at, ' '))
        return false;
    const uint8_t *host = at + 1;
    at = marks_next(&m);
    via.host = sip_between(host, at);
    if (at == host)
        return false;
    if (is_at(&m, at, ':')) {
        const uint8_t *port = at + 1;
        at = marks_next(&m);
        via.port = sip_between(port, at);
    }
    if (!straight_params(&m, at, &via))
        return false;
    *ret_via = via;
    return true;
}

#else

bool sip_addr_straight(struct slice value, struct sip_addr *ret_addr)
{
    (void)value, (void)ret_addr;
    return false;
}

bool sip_via_straight(struct slice value, struct sip_via *ret_via)
{
    (void)value, (void)ret_via;
    return false;
}

#endif
