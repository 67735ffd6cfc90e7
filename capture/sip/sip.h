/* SIP messages (RFC 3261), parsed in place: everything in struct sip_msg is a slice of the datagram
 * and dies with it. The parser is liberal: what phones accept it accepts, and it says what was odd
 * in `flags`. It neither allocates nor logs nor loops without progress; a message is looked at
 * once. */
#pragma once

#include "base/slice.h"

/* The 14 methods of the field, in the order of the METHOD label set (base/labels.def). */
enum sip_method {
    SIP_INVITE,
    SIP_ACK,
    SIP_BYE,
    SIP_CANCEL,
    SIP_PRACK,
    SIP_UPDATE,
    SIP_INFO,
    SIP_REFER,
    SIP_REGISTER,
    SIP_OPTIONS,
    SIP_SUBSCRIBE,
    SIP_NOTIFY,
    SIP_PUBLISH,
    SIP_MESSAGE,
    SIP_UNKNOWN,
};

enum sip_header {
    SIP_H_VIA,
    SIP_H_FROM,
    SIP_H_TO,
    SIP_H_CALL_ID,
    SIP_H_CSEQ,
    SIP_H_CONTACT,
    SIP_H_CONTENT_TYPE,
    SIP_H_CONTENT_LENGTH,
    SIP_H_CONTENT_ENCODING,
    SIP_H_CONTENT_DISPOSITION,
    SIP_H_USER_AGENT,
    SIP_H_SERVER,
    SIP_H_EXPIRES,
    SIP_H_MIN_EXPIRES,
    SIP_H_MAX_FORWARDS,
    SIP_H_ROUTE,
    SIP_H_RECORD_ROUTE,
    SIP_H_REQUIRE,
    SIP_H_SUPPORTED,
    SIP_H_REASON,
    SIP_H_RSEQ,
    SIP_H_RACK,
    SIP_H_REPLACES,
    SIP_H_JOIN,
    SIP_H_REFER_TO,
    SIP_H_REFERRED_BY,
    SIP_H_P_ASSERTED_IDENTITY,
    SIP_H_P_PREFERRED_IDENTITY,
    SIP_H_REMOTE_PARTY_ID,
    SIP_H_DIVERSION,
    SIP_H_HISTORY_INFO,
    SIP_H_PRIVACY,
    SIP_H_WWW_AUTHENTICATE,
    SIP_H_PROXY_AUTHENTICATE,
    SIP_H_AUTHORIZATION,
    SIP_H_PROXY_AUTHORIZATION,
    SIP_H_SESSION_EXPIRES,
    SIP_H_SESSION_ID,
    SIP_H_EVENT,
    SIP_H_SUBSCRIPTION_STATE,
    SIP_H_WARNING,
    SIP_H_RETRY_AFTER,
    SIP_H_IDENTITY,
    SIP_H_ALLOW,
    SIP_H_DATE,
    SIP_H_TIMESTAMP,
    SIP_H_SUBJECT,
    SIP_H_OTHER,
};

enum sip_flag {
    SIP_FLAG_TRUNCATED =
        1 << 0, /* ends inside the header section, or Content-Length promises more than there is */
    SIP_FLAG_NO_CALL_ID = 1 << 1,
    SIP_FLAG_NO_CSEQ = 1 << 2,
    SIP_FLAG_NO_FROM = 1 << 3,
    SIP_FLAG_NO_TO = 1 << 4,
    SIP_FLAG_NO_VIA = 1 << 5,
    SIP_FLAG_BAD_CONTENT_LENGTH = 1 << 6,
    SIP_FLAG_HEADER_LIMIT =
        1 << 7, /* more headers than SIP_HEADERS_MAX: the rest was scanned, not listed */
    SIP_FLAG_BARE_LF = 1 << 8,        /* line ends without CR */
    SIP_FLAG_MALFORMED_LINE = 1 << 9, /* a header line without a colon or with an empty name */
    SIP_FLAG_DUPLICATE = 1 << 10, /* a header that may stand once stands twice (the first counts) */
    SIP_FLAG_OVERSIZE = 1 << 11,  /* a value longer than SIP_VALUE_MAX was cut */
    SIP_FLAG_BODY_ENCODED = 1 << 12,  /* Content-Encoding: not looked into */
    SIP_FLAG_CSEQ_MISMATCH = 1 << 13, /* method of the CSeq differs from the request line */
    SIP_FLAG_SYNTAX = 1 << 14, /* start line, address, Via or Date is not as the grammar has it; it
                                  was read as a phone would read it */
};

#define SIP_HEADERS_MAX 128
#define SIP_VALUE_MAX   8192
#define SIP_ITEMS_MAX   256 /* elements that sip_header_item() counts to */

struct sip_header_line {
    enum sip_header id;
    struct slice name;  /* as written */
    struct slice value; /* trimmed; folded lines still hold their line ends: sip_unfold() */
};

/* name-addr or addr-spec with its parameters (RFC 3261 20.10). */
struct sip_addr {
    struct slice display; /* without quotes, escapes kept */
    struct slice uri;     /* "sip:alice@example.com;user=phone" */
    struct slice scheme;  /* "sip" */
    struct slice user;    /* "alice", or the number of a tel: URI; escapes kept */
    struct slice host;    /* host without port and brackets */
    struct slice port;
    struct slice tag;
    struct slice params; /* header parameters behind the URI, leading ';' dropped */
};

struct sip_via {
    struct slice transport; /* "UDP" */
    struct slice host;
    struct slice port;
    struct slice branch;
    struct slice received;
    struct slice rport; /* value; empty when absent or without value */
    bool has_rport;
};

struct sip_msg {
    struct slice whole; /* start line to the end of the body */
    bool request;
    enum sip_method method; /* of the request line, or of the CSeq for responses */
    struct slice method_text;
    struct slice request_uri; /* requests */
    uint16_t status;          /* responses, 100..699 */
    struct slice reason_phrase;

    struct slice call_id;
    uint32_t cseq;
    struct slice cseq_method;
    struct sip_addr from;
    struct sip_addr to;
    struct sip_via via; /* the topmost */
    uint32_t flags;     /* enum sip_flag */
    uint32_t header_bytes;

    struct slice body; /* bounded by Content-Length and by the datagram */
    struct slice content_type;

    uint16_t header_count;
    struct sip_header_line headers[SIP_HEADERS_MAX];
};

enum sip_verdict {
    SIP_OK,        /* a message: *ret is filled, see flags for what is odd */
    SIP_NOT_SIP,   /* does not begin like one */
    SIP_KEEPALIVE, /* CRLF, CRLFCRLF, or all zeros: keep-alive */
    SIP_BAD, /* begins like SIP but cannot be related to anything (no Call-ID and no CSeq, or a
                broken start line, another version) */
};

/* Does it begin like SIP? Cheap: looked at for every datagram on every port. */
bool sip_looks_like(struct slice datagram);
/* Whole datagram = one message. */
enum sip_verdict sip_parse(struct slice datagram, struct sip_msg *ret_msg);
/* What a line of a list of messages shows, read in a fraction of the time: the verdict is that of
 * sip_parse(), and filled as there are `request`, the start line's fields, CSeq, `call_id`, the
 * tags of From and To (of these nothing else), body and content_type, so that sip_body_part()
 * works. No header is listed, and of the flags only what the body needs is there. */
enum sip_verdict sip_outline(struct slice datagram, struct sip_msg *ret_msg);

/* First header of that id, or an empty slice (then .data is NULL). */
struct slice sip_header(const struct sip_msg *m, enum sip_header id);
/* The n-th (from 0) element of all lines of that id taken together, comma lists split outside
 * quotes and angle brackets; false when there are fewer. */
bool sip_header_item(const struct sip_msg *m, enum sip_header id, unsigned n,
                     struct slice *ret_item);
/* Takes the next element off the front of one value, split in the same way; empty elements are
 * passed over. The way to walk long lists: each byte is looked at once. False when nothing is left.
 */
bool sip_list_next(struct slice *rest, struct slice *ret_item);
/* Name in long form ("Call-ID"), for any id but OTHER. */
const char *sip_header_name(enum sip_header id);
enum sip_method sip_method_of(struct slice text);
const char *sip_method_name(enum sip_method m);

bool sip_addr_parse(struct slice value, struct sip_addr *ret_addr);
/* Its tag alone; empty where sip_addr_parse() is false or finds none. */
struct slice sip_addr_tag(struct slice value);
bool sip_via_parse(struct slice value, struct sip_via *ret_via);
/* Value of ;name=value in a parameter list, quotes removed. False when the parameter is absent;
 * present without value: empty. */
bool sip_param(struct slice params, const char *name, struct slice *ret_value);
/* Writes a folded value as one line into `out` (NUL-terminated, cut to size); returns its length.
 */
size_t sip_unfold(struct slice value, char *out, size_t out_size);
/* Value of name="..." or name=... in a comma separated credential list (Authorization,
 * WWW-Authenticate). */
bool sip_auth_param(struct slice credentials, const char *name, struct slice *ret_value);

/* What a cause of Q.850 means, "" for one that has no name. */
const char *sip_q850_text(unsigned cause);

/* The part of the body whose type is `type` ("application/sdp"): the body itself, or a part of a
 * multipart body at any depth up to 4 (RFC 2046). Empty when there is none. */
struct slice sip_body_part(const struct sip_msg *m, const char *type);
/* The same with its whole Content-Type, parameters included. */
struct slice sip_body_part_typed(const struct sip_msg *m, const char *type,
                                 struct slice *ret_content_type);
