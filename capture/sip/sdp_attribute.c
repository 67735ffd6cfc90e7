/* a= lines that media needs (RFC 8866 6, RFC 3605, 4568, 5576, 5761, 5888, 8122, 8839, 9143).
 * Others are passed over. To add one: a function here and a row in `known`. */
#include "capture/sip/sdp_parts.h"

static struct sdp_format *format_of(struct slice word, struct sdp_media *m)
{
    uint8_t number;
    if (!sdp_payload_type(word, &number))
        return NULL;
    for (unsigned i = 0; i < m->format_count; i++) {
        if (m->formats[i].payload_type == number)
            return &m->formats[i];
    }
    return NULL;
}

/* Takes "/<number>" off the front. */
static bool slash_number(struct slice *rest, uint32_t max, uint32_t *ret_value)
{
    if (rest->size == 0 || rest->data[0] != '/')
        return false;
    *rest = slice_from(*rest, 1);
    return sdp_number(rest, max, ret_value);
}

/* rtpmap:<payload type> <encoding>[/<clock>[/<channels>]] */
static void on_rtpmap(struct slice value, struct sdp_media *m)
{
    struct sdp_format *f = format_of(sdp_word(&value), m);
    struct slice map = slice_trim(value);
    size_t n = 0;
    while (n < map.size && map.data[n] > ' ' && map.data[n] != '/')
        n++;
    if (f == NULL || n == 0)
        return;
    f->encoding = slice_sub(map, 0, n);
    f->channels = 1;
    map = slice_from(map, n);
    uint32_t number;
    if (slash_number(&map, UINT32_MAX, &number))
        f->clock_hz = number;
    if (slash_number(&map, UINT8_MAX, &number) && number > 0)
        f->channels = (uint8_t)number;
}

static void on_fmtp(struct slice value, struct sdp_media *m)
{
    struct sdp_format *f = format_of(sdp_word(&value), m);
    if (f && f->fmtp.size == 0)
        f->fmtp = slice_trim(value);
}

static void on_ptime(struct slice value, struct sdp_media *m)
{
    uint32_t number;
    if (sdp_number(&value, UINT16_MAX, &number))
        m->ptime_ms = (uint16_t)number;
}

static void on_maxptime(struct slice value, struct sdp_media *m)
{
    uint32_t number;
    if (sdp_number(&value, UINT16_MAX, &number))
        m->maxptime_ms = (uint16_t)number;
}

/* rtcp:<port> [IN IP4 <address>] */
static void on_rtcp(struct slice value, struct sdp_media *m)
{
    uint32_t number;
    if (!sdp_number(&value, UINT16_MAX, &number))
        return;
    m->rtcp_port = (uint16_t)number;
    struct addr address;
    if (sdp_address(value, &address))
        m->rtcp_address = address;
}

static void on_rtcp_mux(struct slice value, struct sdp_media *m)
{
    (void)value;
    m->rtcp_mux = true;
}

static void on_ssrc(struct slice value, struct sdp_media *m)
{
    uint32_t number;
    if (!m->has_ssrc && sdp_number(&value, UINT32_MAX, &number)) {
        m->ssrc = number;
        m->has_ssrc = true;
    }
}

static void on_crypto(struct slice value, struct sdp_media *m)
{
    if (m->crypto_count < SDP_CRYPTO_MAX)
        m->crypto[m->crypto_count++] = value;
}

static void on_fingerprint(struct slice value, struct sdp_media *m)
{
    m->has_fingerprint = value.size > 0;
}

static void on_ice_ufrag(struct slice value, struct sdp_media *m)
{
    m->ice_ufrag = slice_trim(value);
}

static void on_bundle_only(struct slice value, struct sdp_media *m)
{
    (void)value;
    m->bundle_only = true;
}

static bool candidate_type(struct slice word, uint8_t *ret_type)
{
    static const char *const types[] = {"host", "srflx", "prflx", "relay"};
    for (uint8_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (slice_is_nocase(word, types[i])) {
            *ret_type = i;
            return true;
        }
    }
    return false;
}

static bool candidate_port(struct slice word, uint16_t *ret_port)
{
    uint32_t number;
    bool is = sdp_number(&word, UINT16_MAX, &number);
    if (is)
        *ret_port = (uint16_t)number;
    return is;
}

/* Behind the type: pairs of a name and a value. */
static void candidate_base(struct slice rest, struct sdp_candidate *c)
{
    struct slice value;
    for (struct slice name = sdp_word(&rest); name.size; name = sdp_word(&rest)) {
        value = sdp_word(&rest);
        if (slice_is_nocase(name, "raddr") && !addr_parse(value, &c->base_address))
            c->base_address = (struct addr){0};
        else if (slice_is_nocase(name, "rport"))
            candidate_port(value, &c->base_port);
    }
}

/* candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type> ... */
static void on_candidate(struct slice value, struct sdp_media *m)
{
    struct sdp_candidate c = {0};
    uint32_t component;
    sdp_word(&value);
    struct slice word = sdp_word(&value);
    if (!sdp_number(&word, UINT8_MAX, &component) || component == 0 || component > 2)
        return;
    c.component = (uint8_t)component;
    if (!slice_is_nocase(sdp_word(&value), "udp"))
        return;
    sdp_word(&value);
    if (!addr_parse(sdp_word(&value), &c.address) || addr_is_any(c.address) ||
        !candidate_port(sdp_word(&value), &c.port) || c.port == 0)
        return;
    if (!slice_is_nocase(sdp_word(&value), "typ") || !candidate_type(sdp_word(&value), &c.type))
        return;
    candidate_base(value, &c);
    if (m->candidate_count == SDP_CANDIDATES_MAX)
        m->cut = true;
    else
        m->candidates[m->candidate_count++] = c;
}

static void on_mid(struct slice value, struct sdp_media *m)
{
    m->mid = value;
}

static void on_label(struct slice value, struct sdp_media *m)
{
    m->label = value;
}

static void on_sendrecv(struct slice value, struct sdp_media *m)
{
    (void)value;
    m->direction = SDP_SENDRECV;
}

static void on_sendonly(struct slice value, struct sdp_media *m)
{
    (void)value;
    m->direction = SDP_SENDONLY;
}

static void on_recvonly(struct slice value, struct sdp_media *m)
{
    (void)value;
    m->direction = SDP_RECVONLY;
}

static void on_inactive(struct slice value, struct sdp_media *m)
{
    (void)value;
    m->direction = SDP_INACTIVE;
}

static const struct {
    const char *name;
    size_t size;
    void (*take)(struct slice value, struct sdp_media *m);
} known[] = {
#define ATTRIBUTE(name, take)                                                                      \
    {                                                                                              \
        name, sizeof(name) - 1, take                                                               \
    }
    ATTRIBUTE("rtpmap", on_rtpmap),
    ATTRIBUTE("fmtp", on_fmtp),
    ATTRIBUTE("ptime", on_ptime),
    ATTRIBUTE("maxptime", on_maxptime),
    ATTRIBUTE("sendrecv", on_sendrecv),
    ATTRIBUTE("sendonly", on_sendonly),
    ATTRIBUTE("recvonly", on_recvonly),
    ATTRIBUTE("inactive", on_inactive),
    ATTRIBUTE("rtcp", on_rtcp),
    ATTRIBUTE("rtcp-mux", on_rtcp_mux),
    ATTRIBUTE("rtcp-mux-only", on_rtcp_mux),
    ATTRIBUTE("ssrc", on_ssrc),
    ATTRIBUTE("crypto", on_crypto),
    ATTRIBUTE("fingerprint", on_fingerprint),
    ATTRIBUTE("mid", on_mid),
    ATTRIBUTE("label", on_label),
    ATTRIBUTE("candidate", on_candidate),
    ATTRIBUTE("ice-ufrag", on_ice_ufrag),
    ATTRIBUTE("bundle-only", on_bundle_only),
};

/* group:BUNDLE <mid> <mid> ... : the first one counts. */
static void on_group(struct slice value, struct sdp *sdp)
{
    if (sdp->bundle || !slice_is_nocase(sdp_word(&value), "BUNDLE"))
        return;
    sdp->bundle = true;
    sdp->bundle_mids = value;
}

bool sdp_bundled(const struct sdp *sdp, const struct sdp_media *m)
{
    struct slice mids = sdp->bundle_mids;
    if (m->mid.size == 0)
        return false;
    for (struct slice mid = sdp_word(&mids); mid.size; mid = sdp_word(&mids)) {
        if (slice_equal(mid, m->mid))
            return true;
    }
    return false;
}

void sdp_attribute(struct slice value, struct sdp *sdp, struct sdp_media *media)
{
    size_t colon = slice_index(value, ':');
    struct slice name = slice_sub(value, 0, colon);
    value = slice_from(value, colon + 1);
    while (value.size && *value.data == ' ')
        value = slice_from(value, 1);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].size == name.size && known[i].name[0] == (name.data[0] | 0x20) &&
            same_name(name.data, known[i].name, name.size)) {
            known[i].take(value, media);
            sdp->limited |= media->cut;
            return;
        }
    }
    if (slice_is(name, "group"))
        on_group(value, sdp);
}
