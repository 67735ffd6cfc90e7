/* RTP (RFC 3550 5.1) and RTCP (6.4) headers, parsed in place. */
#pragma once

#include "base/slice.h"

struct rtp_packet {
    uint8_t payload_type;
    bool marker;
    bool padding;
    uint8_t csrc_count;
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    struct slice extension; /* with its 4-octet header; empty when absent */
    struct slice payload;   /* without padding */
};

/* What a datagram between media endpoints is, by its first octets (RFC 7983, RFC 5761); MEDIA_KEEPALIVE: too short to be any
 * of them (RFC 6263 4.1; also two line ends). STUN and channel data may still be something else: their lengths tell. */
enum media_kind { MEDIA_RTP, MEDIA_RTCP, MEDIA_STUN, MEDIA_DTLS, MEDIA_ZRTP, MEDIA_TURN_CHANNEL, MEDIA_KEEPALIVE, MEDIA_OTHER };
enum media_kind media_kind_of(struct slice datagram);

/* `wire_size` is the datagram's size on the wire; with a capture that cut the payload (snaplen) the payload slice is what there
 * is, and the padding cannot be checked. False: not version 2, header longer than the datagram, padding 0 or too long. */
bool rtp_parse(struct slice datagram, size_t wire_size, struct rtp_packet *ret_packet);
/* Octets of payload on the wire, padding excluded as far as it is visible. */
size_t rtp_payload_wire(const struct rtp_packet *p, struct slice datagram, size_t wire_size);

/* ---- RTCP: a walk over a compound, reduced-size allowed (RFC 5506) ---- */
enum rtcp_type { RTCP_SR = 200, RTCP_RR = 201, RTCP_SDES = 202, RTCP_BYE = 203, RTCP_APP = 204, RTCP_RTPFB = 205, RTCP_PSFB = 206, RTCP_XR = 207 };

struct rtcp_packet {
    uint8_t type;    /* enum rtcp_type */
    uint8_t count;   /* RC, SC or subtype */
    uint32_t ssrc;   /* of the sender of the packet; first source of SDES and BYE */
    struct slice body; /* behind the SSRC (SDES, BYE: behind the 4-octet header) */
};

struct rtcp_walk {
    struct slice left;
    bool failed;     /* the compound was inconsistent from here on */
};

struct rtcp_walk rtcp_walk(struct slice datagram);
bool rtcp_next(struct rtcp_walk *w, struct rtcp_packet *ret_packet);
/* SRTCP (RFC 3711 3.4), told by what stands there and not by SDP: behind the first packet there is no RTCP, and a trailer with
 * the E bit and a plausible index. Then only the first header and its SSRC can be read. */
bool rtcp_is_protected(struct slice datagram);

struct rtcp_sender_info {
    uint64_t ntp;        /* 32.32 */
    uint32_t timestamp;
    uint32_t packets;
    uint32_t octets;
};

struct rtcp_block {
    uint32_t ssrc;          /* the stream that is reported on */
    uint8_t fraction_lost;  /* /256 */
    int32_t cumulative_lost; /* signed 24 bit, sign-extended */
    uint32_t highest_sequence;
    uint32_t jitter_ticks;
    uint32_t last_sr;
    uint32_t delay_since_sr; /* 1/65536 s */
};

/* SR only. */
bool rtcp_sender_info(const struct rtcp_packet *p, struct rtcp_sender_info *ret_info);
/* The n-th report block of an SR or RR; false past the last. */
bool rtcp_block(const struct rtcp_packet *p, unsigned n, struct rtcp_block *ret_block);
/* Whom and what a chunk of SDES describes; texts are at most 255 octets and borrow the datagram. */
struct rtcp_description {
    uint32_t ssrc;
    struct slice cname, tool;
};
/* The n-th chunk; false past the last, or when it does not end where it says. */
bool rtcp_description(const struct rtcp_packet *p, unsigned n, struct rtcp_description *ret_description);
/* BYE: the n-th source that leaves; false past the last. */
bool rtcp_leaves(const struct rtcp_packet *p, unsigned n, uint32_t *ret_ssrc);
/* BYE: why, as the sender says; empty when it does not. */
struct slice rtcp_bye_reason(const struct rtcp_packet *p);
/* APP: its four letters. */
bool rtcp_app_name(const struct rtcp_packet *p, struct slice *ret_name);
