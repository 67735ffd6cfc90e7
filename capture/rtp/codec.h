/* What a payload type is called and how its clock runs: the static table of RFC 3551 and the names that SDP uses. */
#pragma once

#include "base/slice.h"

#define CODEC_NAME_SIZE 24
#define CODEC_FMTP_SIZE 256

/* One payload type of a stream. Fixed size: it travels in events. */
struct rtp_codec {
    uint32_t clock_hz; /* 0 unknown */
    uint32_t options;  /* bits of enum rtp_codec_option: what fmtp says about the payload, read once */
    uint8_t payload_type;
    uint8_t channels;
    uint8_t counter; /* index in the CODEC label set */
    uint8_t kind;    /* enum rtp_codec_kind */
    char name[CODEC_NAME_SIZE]; /* in the field's spelling: "PCMU", "G722", "opus", "telephone-event"; "" unknown */
    char fmtp[CODEC_FMTP_SIZE]; /* cut; "" none */
};

enum rtp_codec_kind { CODEC_AUDIO, CODEC_VIDEO, CODEC_EVENT /* telephone-event */, CODEC_NOISE /* CN */, CODEC_REDUNDANCY /* RED */, CODEC_UNKNOWN,
                     CODEC_REPAIR /* of another stream: RTX, FEC */ };

enum rtp_codec_option {
    CODEC_OCTET_ALIGN = 1 << 0, /* AMR: octet-align=1 */
    CODEC_HEADER_FULL = 1 << 1, /* EVS: hf-only=1 */
    CODEC_MODE_20 = 1 << 2,     /* iLBC: mode=20 */
};

/* The static assignment; false for dynamic and unassigned numbers. */
bool rtp_codec_static(uint8_t payload_type, struct rtp_codec *ret_codec);
/* From an rtpmap: canonical spelling and kind of a known name (any case; G729A is G729, G7231 is G723, ...), the name as it is
 * otherwise. clock_hz 0 and channels 0 take the codec's defaults. G.722 keeps its RTP clock of 8000. */
void rtp_codec_named(struct slice encoding, uint8_t payload_type, uint32_t clock_hz, uint8_t channels,
                     struct slice fmtp, struct rtp_codec *ret_codec);
/* Milliseconds of media that a payload of this size holds, from the codec's frame size; 0 when it cannot be told. */
double rtp_codec_payload_ms(const struct rtp_codec *codec, struct slice payload);
/* Comfort noise or SID by codec rule: CN, G.729B SID (length = 2 mod 10), G.723.1 SID, Opus DTX (<= 2 octets), AMR SID. */
bool rtp_codec_is_sid(const struct rtp_codec *codec, struct slice payload);

/* Frames by type, of codecs that change their bit rate within a call and say it in each payload: AMR, AMR-WB (RFC 4867 4.3.2), EVS
 * (TS 26.445 A.2.2.1.2; 13: the modes that interoperate with AMR-WB). */
#define RTP_MODES 16
struct rtp_modes {
    uint32_t frames[RTP_MODES];
};
bool rtp_codec_has_modes(const struct rtp_codec *codec);
/* `wire_bytes` is the payload's size on the wire: a cut capture is judged by it. The payload is in clear text. */
void rtp_modes_count(struct rtp_modes *modes, const struct rtp_codec *codec, struct slice payload, size_t wire_bytes);
