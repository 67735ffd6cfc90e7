/* Header names: one table gives the long name, the compact form (RFC 3261 7.3.3) and the look-up.
 * To add a header: a name in enum sip_header, a row in `names`, its place in `of_length`. */
#include "capture/sip/grammar.h"

#include <assert.h>

#define NAME_MAX 19

static const char *const names[] = {
    [SIP_H_VIA] = "Via",
    [SIP_H_FROM] = "From",
    [SIP_H_TO] = "To",
    [SIP_H_CALL_ID] = "Call-ID",
    [SIP_H_CSEQ] = "CSeq",
    [SIP_H_CONTACT] = "Contact",
    [SIP_H_CONTENT_TYPE] = "Content-Type",
    [SIP_H_CONTENT_LENGTH] = "Content-Length",
    [SIP_H_CONTENT_ENCODING] = "Content-Encoding",
    [SIP_H_CONTENT_DISPOSITION] = "Content-Disposition",
    [SIP_H_USER_AGENT] = "User-Agent",
    [SIP_H_SERVER] = "Server",
    [SIP_H_EXPIRES] = "Expires",
    [SIP_H_MIN_EXPIRES] = "Min-Expires",
    [SIP_H_MAX_FORWARDS] = "Max-Forwards",
    [SIP_H_ROUTE] = "Route",
    [SIP_H_RECORD_ROUTE] = "Record-Route",
    [SIP_H_REQUIRE] = "Require",
    [SIP_H_SUPPORTED] = "Supported",
    [SIP_H_REASON] = "Reason",
    [SIP_H_RSEQ] = "RSeq",
    [SIP_H_RACK] = "RAck",
    [SIP_H_REPLACES] = "Replaces",
    [SIP_H_JOIN] = "Join",
    [SIP_H_REFER_TO] = "Refer-To",
    [SIP_H_REFERRED_BY] = "Referred-By",
    [SIP_H_P_ASSERTED_IDENTITY] = "P-Asserted-Identity",
    [SIP_H_REMOTE_PARTY_ID] = "Remote-Party-ID",
    [SIP_H_DIVERSION] = "Diversion",
    [SIP_H_HISTORY_INFO] = "History-Info",
    [SIP_H_PRIVACY] = "Privacy",
    [SIP_H_WWW_AUTHENTICATE] = "WWW-Authenticate",
    [SIP_H_PROXY_AUTHENTICATE] = "Proxy-Authenticate",
    [SIP_H_AUTHORIZATION] = "Authorization",
    [SIP_H_PROXY_AUTHORIZATION] = "Proxy-Authorization",
    [SIP_H_SESSION_EXPIRES] = "Session-Expires",
    [SIP_H_SESSION_ID] = "Session-ID",
    [SIP_H_EVENT] = "Event",
    [SIP_H_SUBSCRIPTION_STATE] = "Subscription-State",
    [SIP_H_WARNING] = "Warning",
    [SIP_H_RETRY_AFTER] = "Retry-After",
    [SIP_H_IDENTITY] = "Identity",
    [SIP_H_ALLOW] = "Allow",
    [SIP_H_DATE] = "Date",
    [SIP_H_TIMESTAMP] = "Timestamp",
    [SIP_H_SUBJECT] = "Subject",
};

static_assert(sizeof names / sizeof names[0] == SIP_H_OTHER, "every header has its name");

/* The ids of each length, the frequent first; OTHER ends a row. SIP_H_VIA is 0, so rows are never
 * left open. */
#define ROW(...)                                                                                   \
    {                                                                                              \
        __VA_ARGS__, SIP_H_OTHER                                                                   \
    }
static const uint8_t of_length[NAME_MAX + 1][9] = {
    [0] = {SIP_H_OTHER},
    [1] = {SIP_H_OTHER},
    [2] = ROW(SIP_H_TO),
    [3] = ROW(SIP_H_VIA),
    [4] = ROW(SIP_H_FROM, SIP_H_CSEQ, SIP_H_DATE, SIP_H_RSEQ, SIP_H_RACK, SIP_H_JOIN),
    [5] = ROW(SIP_H_ALLOW, SIP_H_ROUTE, SIP_H_EVENT),
    [6] = ROW(SIP_H_SERVER, SIP_H_REASON),
    [7] = ROW(SIP_H_CALL_ID, SIP_H_CONTACT, SIP_H_EXPIRES, SIP_H_REQUIRE, SIP_H_PRIVACY,
              SIP_H_SUBJECT, SIP_H_WARNING),
    [8] = ROW(SIP_H_REFER_TO, SIP_H_REPLACES, SIP_H_IDENTITY),
    [9] = ROW(SIP_H_SUPPORTED, SIP_H_TIMESTAMP, SIP_H_DIVERSION),
    [10] = ROW(SIP_H_USER_AGENT, SIP_H_SESSION_ID),
    [11] = ROW(SIP_H_REFERRED_BY, SIP_H_RETRY_AFTER, SIP_H_MIN_EXPIRES),
    [12] = ROW(SIP_H_MAX_FORWARDS, SIP_H_CONTENT_TYPE, SIP_H_RECORD_ROUTE, SIP_H_HISTORY_INFO),
    [13] = ROW(SIP_H_AUTHORIZATION),
    [14] = ROW(SIP_H_CONTENT_LENGTH),
    [15] = ROW(SIP_H_SESSION_EXPIRES, SIP_H_REMOTE_PARTY_ID),
    [16] = ROW(SIP_H_WWW_AUTHENTICATE, SIP_H_CONTENT_ENCODING),
    [17] = {SIP_H_OTHER},
    [18] = ROW(SIP_H_PROXY_AUTHENTICATE, SIP_H_SUBSCRIPTION_STATE),
    [19] = ROW(SIP_H_P_ASSERTED_IDENTITY, SIP_H_PROXY_AUTHORIZATION, SIP_H_CONTENT_DISPOSITION),
};

static enum sip_header compact(uint8_t lower)
{
    switch (lower) {
    case 'v':
        return SIP_H_VIA;
    case 'f':
        return SIP_H_FROM;
    case 't':
        return SIP_H_TO;
    case 'i':
        return SIP_H_CALL_ID;
    case 'm':
        return SIP_H_CONTACT;
    case 'c':
        return SIP_H_CONTENT_TYPE;
    case 'l':
        return SIP_H_CONTENT_LENGTH;
    case 'e':
        return SIP_H_CONTENT_ENCODING;
    case 'k':
        return SIP_H_SUPPORTED;
    case 's':
        return SIP_H_SUBJECT;
    case 'r':
        return SIP_H_REFER_TO;
    case 'b':
        return SIP_H_REFERRED_BY;
    case 'x':
        return SIP_H_SESSION_EXPIRES;
    case 'o':
        return SIP_H_EVENT;
    case 'y':
        return SIP_H_IDENTITY;
    default:
        return SIP_H_OTHER;
    }
}

/* Only letters and '-' occur in the names. Among token bytes setting bit 5 maps nothing else onto
 * them, so no look at the case of each letter is needed. */
static bool same_name(const uint8_t *text, const char *name, size_t size)
{
    unsigned differ = 0;
    for (size_t i = 0; i < size; i++)
        differ |= (text[i] ^ (uint8_t)name[i]) & ~0x20u;
    return differ == 0;
}

enum sip_header sip_header_of(struct slice name)
{
    if (name.size == 1)
        return compact(name.data[0] | 0x20);
    if (name.size > NAME_MAX)
        return SIP_H_OTHER;
    const uint8_t *row = of_length[name.size];
    for (; *row != SIP_H_OTHER; row++) {
        const char *known = names[*row];
        if (((name.data[0] ^ (uint8_t)known[0]) & ~0x20u) == 0 &&
            same_name(name.data, known, name.size))
            return *row;
    }
    return SIP_H_OTHER;
}

const char *sip_header_name(enum sip_header id)
{
    return (unsigned)id < SIP_H_OTHER ? names[id] : "";
}

struct slice sip_header(const struct sip_msg *m, enum sip_header id)
{
    for (unsigned i = 0; i < m->header_count; i++) {
        if (m->headers[i].id == id)
            return m->headers[i].value;
    }
    return slice_none();
}

bool sip_header_item(const struct sip_msg *m, enum sip_header id, unsigned n,
                     struct slice *ret_item)
{
    if (n >= SIP_ITEMS_MAX)
        return false;
    for (unsigned i = 0; i < m->header_count; i++) {
        if (m->headers[i].id != id)
            continue;
        struct slice rest = m->headers[i].value, item;
        while (sip_list_next(&rest, &item)) {
            if (n-- == 0) {
                *ret_item = item;
                return true;
            }
        }
    }
    return false;
}

/* A line end and the white space around it become one SP (RFC 3261 7.3.1). */
size_t sip_unfold(struct slice value, char *out, size_t out_size)
{
    size_t n = 0;
    for (size_t i = 0; i < value.size && n + 1 < out_size; i++) {
        uint8_t c = value.data[i];
        if (c != '\r' && c != '\n') {
            out[n++] = (char)c;
            continue;
        }
        while (n && (out[n - 1] == ' ' || out[n - 1] == '\t'))
            n--;
        while (i + 1 < value.size && sip_is_space(value.data[i + 1]))
            i++;
        out[n++] = ' ';
    }
    if (out_size)
        out[n] = '\0';
    return n;
}
