/* SDP (RFC 8866) as far as media needs it, parsed in place. Bounded: what passes the limits is
 * dropped and `limited` is set. */
#pragma once

#include "base/addr.h"

#define SDP_MEDIA_MAX   32
#define SDP_FORMATS_MAX 24
#define SDP_CRYPTO_MAX  4
#define SDP_CANDIDATES_MAX 16

enum sdp_media_type {
    SDP_AUDIO,
    SDP_VIDEO,
    SDP_IMAGE,
    SDP_TEXT,
    SDP_APPLICATION,
    SDP_MESSAGE,
    SDP_OTHER
};
enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

struct sdp_format {
    uint8_t payload_type; /* 0..127 */
    uint8_t channels;     /* 1 when not said */
    uint32_t clock_hz;    /* 0: neither rtpmap nor static table knows */
    struct slice
        encoding;      /* "PCMA"; from a=rtpmap, else of the static table (RFC 3551), else empty */
    struct slice fmtp; /* "mode=20"; empty: none */
};

enum sdp_candidate_type { SDP_HOST, SDP_SRFLX, SDP_PRFLX, SDP_RELAY };

/* a=candidate (RFC 8839 5.1) over UDP with a literal address: others are passed over. */
struct sdp_candidate {
    struct addr address;
    struct addr base_address; /* raddr: what it stands for; any: not said */
    uint16_t port;
    uint16_t base_port; /* rport */
    uint8_t component;  /* 1 RTP, 2 RTCP */
    uint8_t type;       /* enum sdp_candidate_type */
};

struct sdp_media {
    enum sdp_media_type type;
    struct slice type_text;
    struct slice proto; /* "RTP/AVP" */
    uint16_t port;      /* 0: rejected or removed */
    uint16_t port_count;
    struct addr
        address;      /* its own c=, or the session's; any (0.0.0.0) means hold of the old style */
    bool has_address; /* false: a name that is no literal, or none */
    enum sdp_direction direction;
    uint16_t ptime_ms; /* 0: not said */
    uint16_t maxptime_ms;
    struct addr rtcp_address; /* a=rtcp, else any */
    uint16_t rtcp_port;       /* a=rtcp, else 0 */
    bool rtcp_mux;
    bool secure; /* SAVP, SAVPF, DTLS */
    bool has_fingerprint;
    uint8_t crypto_count;
    struct slice crypto[SDP_CRYPTO_MAX]; /* value of a=crypto */
    struct slice mid;
    struct slice label;
    struct slice ice_ufrag; /* its own, or the session's */
    bool bundle_only;       /* a=bundle-only: port 0 means the port of its group */
    bool cut;               /* more candidates than SDP_CANDIDATES_MAX */
    uint32_t ssrc;          /* first a=ssrc */
    bool has_ssrc;
    uint8_t candidate_count;
    uint8_t format_count;
    struct sdp_format formats[SDP_FORMATS_MAX];
    struct sdp_candidate candidates[SDP_CANDIDATES_MAX];
};

struct sdp {
    struct slice origin_username;
    struct slice origin_id;      /* sess-id */
    struct slice origin_version; /* sess-version */
    struct slice origin_address; /* as it stands, of any type */
    struct slice session_name;
    uint8_t media_count;
    bool limited;
    bool bundle;               /* a=group:BUNDLE */
    struct slice bundle_mids; /* of the first such group: "0 1" */
    struct sdp_media media[SDP_MEDIA_MAX];
};

enum sdp_verdict { SDP_OK, SDP_BAD };

/* SDP_BAD when there is no "v=" at the start; anything odd behind it is skipped. */
enum sdp_verdict sdp_parse(struct slice text, struct sdp *ret_sdp);
/* Does this m= line share the transport of the BUNDLE group (RFC 9143)? */
bool sdp_bundled(const struct sdp *sdp, const struct sdp_media *m);
