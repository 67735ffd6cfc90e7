/* Header names: one row each gives the long name and the look-up; compact forms (RFC 3261 7.3.3)
 * stand below. To add a header: a name in enum sip_header and a row here. */
#include "capture/sip/grammar.h"

#include <assert.h>

/* Length, first and last letter tell all names apart: the compiler refuses two equal case labels.
 */
#define HEADERS(X)                                                                                 \
    X(SIP_H_VIA, "Via", 'v', 'a')                                                                  \
    X(SIP_H_FROM, "From", 'f', 'm')                                                                \
    X(SIP_H_TO, "To", 't', 'o')                                                                    \
    X(SIP_H_CALL_ID, "Call-ID", 'c', 'd')                                                          \
    X(SIP_H_CSEQ, "CSeq", 'c', 'q')                                                                \
    X(SIP_H_CONTACT, "Contact", 'c', 't')                                                          \
    X(SIP_H_CONTENT_TYPE, "Content-Type", 'c', 'e')                                                \
    X(SIP_H_CONTENT_LENGTH, "Content-Length", 'c', 'h')                                            \
    X(SIP_H_CONTENT_ENCODING, "Content-Encoding", 'c', 'g')                                        \
    X(SIP_H_CONTENT_DISPOSITION, "Content-Disposition", 'c', 'n')                                  \
    X(SIP_H_USER_AGENT, "User-Agent", 'u', 't')                                                    \
    X(SIP_H_SERVER, "Server", 's', 'r')                                                            \
    X(SIP_H_EXPIRES, "Expires", 'e', 's')                                                          \
    X(SIP_H_MIN_EXPIRES, "Min-Expires", 'm', 's')                                                  \
    X(SIP_H_MAX_FORWARDS, "Max-Forwards", 'm', 's')                                                \
    X(SIP_H_ROUTE, "Route", 'r', 'e')                                                              \
    X(SIP_H_RECORD_ROUTE, "Record-Route", 'r', 'e')                                                \
    X(SIP_H_REQUIRE, "Require", 'r', 'e')                                                          \
    X(SIP_H_SUPPORTED, "Supported", 's', 'd')                                                      \
    X(SIP_H_REASON, "Reason", 'r', 'n')                                                            \
    X(SIP_H_RSEQ, "RSeq", 'r', 'q')                                                                \
    X(SIP_H_RACK, "RAck", 'r', 'k')                                                                \
    X(SIP_H_REPLACES, "Replaces", 'r', 's')                                                        \
    X(SIP_H_JOIN, "Join", 'j', 'n')                                                                \
    X(SIP_H_REFER_TO, "Refer-To", 'r', 'o')                                                        \
    X(SIP_H_REFERRED_BY, "Referred-By", 'r', 'y')                                                  \
    X(SIP_H_P_ASSERTED_IDENTITY, "P-Asserted-Identity", 'p', 'y')                                  \
    X(SIP_H_P_PREFERRED_IDENTITY, "P-Preferred-Identity", 'p', 'y')                                \
    X(SIP_H_REMOTE_PARTY_ID, "Remote-Party-ID", 'r', 'd')                                          \
    X(SIP_H_DIVERSION, "Diversion", 'd', 'n')                                                      \
    X(SIP_H_HISTORY_INFO, "History-Info", 'h', 'o')                                                \
    X(SIP_H_PRIVACY, "Privacy", 'p', 'y')                                                          \
    X(SIP_H_WWW_AUTHENTICATE, "WWW-Authenticate", 'w', 'e')                                        \
    X(SIP_H_PROXY_AUTHENTICATE, "Proxy-Authenticate", 'p', 'e')                                    \
    X(SIP_H_AUTHORIZATION, "Authorization", 'a', 'n')                                              \
    X(SIP_H_PROXY_AUTHORIZATION, "Proxy-Authorization", 'p', 'n')                                  \
    X(SIP_H_SESSION_EXPIRES, "Session-Expires", 's', 's')                                          \
    X(SIP_H_SESSION_ID, "Session-ID", 's', 'd')                                                    \
    X(SIP_H_EVENT, "Event", 'e', 't')                                                              \
    X(SIP_H_SUBSCRIPTION_STATE, "Subscription-State", 's', 'e')                                    \
    X(SIP_H_WARNING, "Warning", 'w', 'g')                                                          \
    X(SIP_H_RETRY_AFTER, "Retry-After", 'r', 'r')                                                  \
    X(SIP_H_IDENTITY, "Identity", 'i', 'y')                                                        \
    X(SIP_H_ALLOW, "Allow", 'a', 'w')                                                              \
    X(SIP_H_DATE, "Date", 'd', 'e')                                                                \
    X(SIP_H_TIMESTAMP, "Timestamp", 't', 'p')                                                      \
    X(SIP_H_SUBJECT, "Subject", 's', 't')

#define NAME_OF(id, name, first, last) [id] = name,
static const char *const names[] = {HEADERS(NAME_OF)};
static_assert(sizeof names / sizeof names[0] == SIP_H_OTHER, "every header has its name");

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

#define KEY(size, first, last) ((uint32_t)(size) << 16 | (uint32_t)(first) << 8 | (uint32_t)(last))
#define CASE_OF(id, name, first, last)                                                             \
    case KEY(sizeof(name) - 1, first, last):                                                       \
        return same_name(text.data, name, sizeof(name) - 1) ? id : SIP_H_OTHER;

enum sip_header sip_header_of(struct slice text)
{
    if (text.size == 1)
        return compact(text.data[0] | 0x20);
    if (text.size == 0 || text.size > UINT8_MAX)
        return SIP_H_OTHER;
    switch (KEY(text.size, text.data[0] | 0x20, text.data[text.size - 1] | 0x20)) {
        HEADERS(CASE_OF)
    default:
        return SIP_H_OTHER;
    }
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
