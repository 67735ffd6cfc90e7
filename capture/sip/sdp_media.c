/* m= lines (RFC 8866 5.14) and the static payload types of RFC 3551 6. Each m= line gives an entry,
 * also a broken one: offer and answer are matched by position. */
#include "capture/sip/sdp_parts.h"

/* Number 2 is reserved by now but still stands for G726-32 in the field, mostly without an rtpmap.
 */
static const struct {
    const char *encoding;
    uint8_t size;
    uint8_t channels;
    uint32_t clock_hz;
} payload_types[] = {
#define STATIC(encoding, clock_hz, channels)                                                       \
    {                                                                                              \
        encoding, sizeof(encoding) - 1, channels, clock_hz                                         \
    }
    [0] = STATIC("PCMU", 8000, 1),   [2] = STATIC("G726-32", 8000, 1),
    [3] = STATIC("GSM", 8000, 1),    [4] = STATIC("G723", 8000, 1),
    [5] = STATIC("DVI4", 8000, 1),   [6] = STATIC("DVI4", 16000, 1),
    [7] = STATIC("LPC", 8000, 1),    [8] = STATIC("PCMA", 8000, 1),
    [9] = STATIC("G722", 8000, 1),   [10] = STATIC("L16", 44100, 2),
    [11] = STATIC("L16", 44100, 1),  [12] = STATIC("QCELP", 8000, 1),
    [13] = STATIC("CN", 8000, 1),    [14] = STATIC("MPA", 90000, 1),
    [15] = STATIC("G728", 8000, 1),  [16] = STATIC("DVI4", 11025, 1),
    [17] = STATIC("DVI4", 22050, 1), [18] = STATIC("G729", 8000, 1),
    [25] = STATIC("CelB", 90000, 1), [26] = STATIC("JPEG", 90000, 1),
    [28] = STATIC("nv", 90000, 1),   [31] = STATIC("H261", 90000, 1),
    [32] = STATIC("MPV", 90000, 1),  [33] = STATIC("MP2T", 90000, 1),
    [34] = STATIC("H263", 90000, 1),
};

static void format_init(struct sdp_format *f, uint8_t payload_type)
{
    f->payload_type = payload_type;
    f->channels = 1;
    f->clock_hz = 0;
    f->encoding = f->fmtp = slice_none();
    if (payload_type >= sizeof payload_types / sizeof payload_types[0] ||
        payload_types[payload_type].size == 0)
        return;
    f->encoding = slice_of(payload_types[payload_type].encoding, payload_types[payload_type].size);
    f->clock_hz = payload_types[payload_type].clock_hz;
    f->channels = payload_types[payload_type].channels;
}

static enum sdp_media_type type_of(struct slice text)
{
    if (SAME(text, "audio"))
        return SDP_AUDIO;
    if (SAME(text, "video"))
        return SDP_VIDEO;
    if (SAME(text, "image"))
        return SDP_IMAGE;
    if (SAME(text, "text"))
        return SDP_TEXT;
    if (SAME(text, "application"))
        return SDP_APPLICATION;
    return SAME(text, "message") ? SDP_MESSAGE : SDP_OTHER;
}

static bool contains_nocase(struct slice text, const char *word)
{
    for (size_t i = 0; i < text.size; i++) {
        if (slice_starts_nocase(slice_from(text, i), word))
            return true;
    }
    return false;
}

/* RTP/SAVP, RTP/SAVPF, UDP/TLS/RTP/SAVPF, UDP/DTLS/SCTP, TCP/TLS/... */
static bool is_secure(struct slice proto)
{
    if (slice_is(proto, "RTP/AVP"))
        return false;
    return contains_nocase(proto, "SAVP") || contains_nocase(proto, "TLS");
}

/* <port>[/<number>]; a port that is none counts as 0: nothing can be sent there. */
static void parse_port(struct slice text, struct sdp_media *m)
{
    uint32_t number;
    if (sdp_number(&text, UINT16_MAX, &number))
        m->port = (uint16_t)number;
    text = slice_from(text, slice_index(text, '/') + 1);
    if (sdp_number(&text, UINT16_MAX, &number) && number > 0)
        m->port_count = (uint16_t)number;
}

static bool has_format(const struct sdp_media *m, uint8_t payload_type)
{
    for (unsigned i = 0; i < m->format_count; i++) {
        if (m->formats[i].payload_type == payload_type)
            return true;
    }
    return false;
}

/* Formats that are no payload type ("t38", "*", a port) say nothing that media needs. */
static bool parse_formats(struct slice rest, struct sdp_media *m)
{
    for (struct slice word = sdp_word(&rest); word.size; word = sdp_word(&rest)) {
        uint8_t number;
        if (!sdp_payload_type(word, &number) || has_format(m, number))
            continue;
        if (m->format_count == SDP_FORMATS_MAX)
            return false;
        format_init(&m->formats[m->format_count++], number);
    }
    return true;
}

static void inherit(const struct sdp_media *session, struct sdp_media *m)
{
    m->address = session->address;
    m->has_address = session->has_address;
    m->direction = session->direction;
    m->ptime_ms = session->ptime_ms;
    m->maxptime_ms = session->maxptime_ms;
    m->has_fingerprint = session->has_fingerprint;
    m->ice_ufrag = session->ice_ufrag;
}

bool sdp_media_line(struct slice value, const struct sdp_media *session,
                    struct sdp_media *ret_media)
{
    struct sdp_media *m = ret_media;
    quick_clear(m, offsetof(struct sdp_media, formats));
    inherit(session, m);
    m->port_count = 1;
    m->type_text = sdp_word(&value);
    m->type = type_of(m->type_text);
    parse_port(sdp_word(&value), m);
    m->proto = sdp_word(&value);
    m->secure = is_secure(m->proto);
    return parse_formats(value, m);
}
