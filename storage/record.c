/* Records: memory, the "not known" values, and the closed set of texts that a record may hold. The
 * texts are interned so that records compare and copy by pointer; docs/contract names their
 * meaning. */
#include "storage/record.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/crypto.h"

#define RECORD_ARENA_FIRST   4096
#define RECORD_ARENA_CEILING (64u << 20)

/* What full scale means for a band: R of a wideband or fullband score is brought to the narrowband
 * scale. */
#define R_SCALE_WB 1.29
#define R_SCALE_FB 1.48

static const char *const TEXTS[] = {
    /* kind, state */
    "call", "orphan", "page", "mgcp", "h323", "trying", "ringing", "answered", "ended",
    /* outcome */
    "busy", "no_answer", "cancelled", "rejected", "redirected", "failed", "lost",
    /* end_reason */
    "bye", "cancel", "sip_timeout", "media_timeout", "max_duration", "cut", "restart",
    /* released_by, party, direction */
    "caller", "callee", "network", "unknown", "in", "out", "internal",
    /* recording result and state */
    "recorded", "rule", "no_rtp", "encrypted", "undecodable", "paused_all", "over_limit", "disk",
    "capture_drop", "on_demand_dropped", "spooling", "rendering", "ready", "damaged", "deleted",
    /* scale, basis, playout, delay basis, loss basis */
    "NB", "WB", "FB", "standard", "provisional", "operator", "none", "F50", "F200", "AD", "xr",
    "rtcp", "partial", "assumed", "tap", "tap+beyond", "capture_suspect",
    /* ends of branches and tries */
    "timeout", "challenged", "adjusted",
    /* concealment and jitter buffer, as XR tells */
    "enhanced", "disabled", "adaptive", "fixed",
    /* quality band */
    "excellent", "good", "fair", "poor", "bad",
    /* media type, confidence, transport */
    "audio", "video", "text", "image", "application", "message", "repair", "other", "sdp", "sdp_source",
    "learned", "guessed", "udp", "tcp", "tls", "sctp", "ws", "wss",
    "red", "inband",
    /* wrapping */
    "ipip", "gre", "erspan", "vxlan", "geneve", "gtpu", "tzsp", "l2tp", "esp", "teredo", "hep",
    /* where a number comes from, how a target was changed, what a PASSporT is worth */
    "pai", "ppi", "rpid", "diversion", "from", "to", "request_uri", "rc", "mp", "np", "verified",
    "bad_signature", "no_certificate", "stale", "number_mismatch", "unreadable",
    /* what calls have to do with each other */
    "transfer_blind", "transfer_attended", "replaces", "join", "conference", "success",
    /* kinds of keys */
    "session_id", "header", "icid", "sdp_origin", "media",
    /* how a key was told */
    "rfc4733", "info", "inband", "kpml",
    /* what is heard besides keys */
    "cng", "ced", "ansam", "v21_preamble", "ringback", "sit",
    /* reports of endpoints: how they came, what they are about, why it is that stream */
    "vq_rtcpxr", "rtp_stat", "session", "interval", "alert", "local", "remote", "ssrc",
    "addresses", "party", "fixed", "adaptive",
    /* what rules of recording want */
    "record", "metadata-only", "headers-only", "skip", "on-demand", "on-demand-keep", "keep",
    "count", "drop", "min_duration",
    /* kinds of files */
    "part", "track", "mix", "pcm_s16le", "pcm_mulaw", "pcm_alaw", "flac", "opus", "mp3",
    /* pages of a fax */
    "MH", "MR", "MMR", "JPEG", "JBIG", "confirmed", "retrain",
    /* why files were deleted */
    "age", "quota", "low_disk", "request",
    /* diagnosis: labels, directions, causes, sides, directions of SDP */
    "one_way", "capture_one_sided", "payload_mismatch", "loss", "burst_loss", "jitter", "long_gap", "late_media", "silence", "clipping", "frozen_audio", "echo", "clock_drift", "hold_long", "media_moved", "nat_mismatch", "codec_asymmetry", "ptime_asymmetry", "dscp_remark", "dscp_mismatch", "rtp_after_bye", "bye_missing",
    "caller_to_callee", "callee_to_caller", "private_address", "refused", "firewall", "codec", "muted",
    "sip", "port", "host", "net", "prohibited",
    "before_tap", "after_tap", "at_tap", "sendrecv", "sendonly", "recvonly", "inactive"};

/* Where each stands: by a hash, and behind it where that place was taken. */
#define PLACES 1024
static uint16_t places[PLACES]; /* 1 + index; 0: nothing */
static pthread_once_t placed = PTHREAD_ONCE_INIT;
static_assert(sizeof TEXTS / sizeof *TEXTS < PLACES / 2, "places are too few to find by");

static unsigned place_of(struct slice text)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < text.size; i++)
        h = (h ^ text.data[i]) * 16777619u;
    return (h ^ h >> 15) % PLACES;
}

static void place_all(void)
{
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        unsigned at = place_of(slice_str(TEXTS[i]));
        while (places[at])
            at = (at + 1) % PLACES;
        places[at] = (uint16_t)(i + 1);
    }
}

const char *record_text_of(struct slice text)
{
    pthread_once(&placed, place_all);
    for (unsigned at = place_of(text); places[at]; at = (at + 1) % PLACES)
        if (slice_is(text, TEXTS[places[at] - 1]))
            return TEXTS[places[at] - 1];
    return NULL;
}

const char *record_text(const char *text)
{
    return text ? record_text_of(slice_str(text)) : NULL;
}

static bool is_spooling(const struct record_recording *g)
{
    return g->state && strcmp(g->state, "spooling") == 0;
}

bool record_is_imported(const struct call_record *r)
{
    return r->import.id[0] != '\0';
}

int64_t record_age_from_us(const struct call_record *r)
{
    return record_is_imported(r) && r->import.at_us > r->started_us ? r->import.at_us : r->started_us;
}

bool record_waits_for_request(const struct call_record *r)
{
    return is_spooling(&r->recording) && r->recording.result == NULL;
}

bool record_to_be_dropped(const struct call_record *r)
{
    const struct record_recording *g = &r->recording;
    return is_spooling(g) && g->result && strcmp(g->result, "recorded") != 0;
}

void record_on_demand(struct call_record *r, int64_t now_us)
{
    struct record_recording *g = &r->recording;
    g->requested_us = now_us;
    g->from_us = g->look_back_ms ? now_us - g->look_back_ms * 1000 : 0;
    g->result = "recorded";
    memcpy(g->id, r->uid, sizeof g->id);
}

const char *record_nat_text(unsigned n)
{
    static const char *const SIGNS[RECORD_NAT_SIGNS] = {"sdp_private", "media_source",
                                                        "via_received", "contact_private"};
    assert(n < RECORD_NAT_SIGNS);
    return SIGNS[n];
}

const char *record_quality_band(double r, const char *scale)
{
    static const struct {
        double at_least;
        const char *band;
    } BANDS[] = {{90, "excellent"}, {80, "good"}, {70, "fair"}, {60, "poor"}, {-INFINITY, "bad"}};

    if (isnan(r) || scale == NULL)
        return "unknown";
    if (strcmp(scale, "WB") == 0)
        r /= R_SCALE_WB;
    else if (strcmp(scale, "FB") == 0)
        r /= R_SCALE_FB;
    for (size_t i = 0;; i++)
        if (r >= BANDS[i].at_least)
            return BANDS[i].band;
}

static void quality_init(struct record_quality *q)
{
    *q = (struct record_quality){.r = NAN,
                                  .ie = NAN,
                                  .bpl = NAN,
                                 .mos_lq = NAN,
                                 .mos_cq = NAN,
                                 .r_fb = NAN,
                                 .ppl = NAN,
                                 .burst_r = NAN,
                                 .basis = "none",
                                 .playout = "none",
                                 .delay_basis = "none",
                                 .loss_basis = "tap",
                                 .delay_ms = NAN, .mos_lq_total = NAN};
}

static void rtcp_init(struct record_rtcp *c)
{
    const struct record_spread none = {NAN, NAN, NAN, 0};
    c->rtt_ms = c->loss_ratio = c->jitter_ms = NAN;
    c->tap_caller = c->tap_callee = c->total = c->chain = none;
    c->fraction_lost = c->jitter_mean_ms = c->jitter_max_ms = NAN;
    c->xr_mos = c->xr_network_rtt_ms = NAN;
    c->xr_discarded = c->xr_concealed_ms = -1;
    c->sent_packets = c->sent_octets = -1;
}

void record_stream_init(struct record_stream *s)
{
    *s = (struct record_stream){.party = "unknown",
                                .media_type = "audio",
                                .ptime_ms = NAN,
                                .jitter_ms_last = NAN,
                                .jitter_ms_mean = NAN,
                                .jitter_ms_max = NAN,
                                .min_gap_ms = NAN,
                                .jitter_ms_p95 = NAN,
                                .max_gap_ms = NAN,
                                .rfc_expected = -1,
                                .rfc_lost = -1,
                                .rfc_jitter_ticks = -1,
                                .confidence = "guessed",
                                .video = {.key_frames = -1, .fps = NAN, .bitrate_kbps = NAN}};
    quality_init(&s->quality);
    record_playout_init(&s->playout);
    rtcp_init(&s->rtcp);
    s->series.step_ms = 1000;
    s->series.window_ms = 10000;
}

bool record_uid_bytes(const char *text, uint8_t ret_uid[16])
{
    unsigned digits = 0;
    for (; *text; text++) {
        const char *hex = "0123456789abcdef", *at = strchr(hex, *text | 0x20);
        if (*text == '-')
            continue;
        if (at == NULL || digits == 32)
            return false;
        uint8_t v = (uint8_t)(at - hex);
        ret_uid[digits / 2] = (uint8_t)(digits % 2 ? ret_uid[digits / 2] | v : v << 4);
        digits++;
    }
    return digits == 32;
}

/* A chain whose chunks say another call's name is not this call's, whatever the record says. */

void record_message_init(struct record_message *m)
{
    *m = (struct record_message){.transport = "udp", .party = "unknown"};
}

static void record_init(struct call_record *r)
{
    r->kind = "call";
    r->state = "trying";
    r->released_by = "unknown";
    r->direction = "unknown";
    r->duration_ms = r->ring_ms = -1;
    r->post_dial_delay_ms = r->setup_ms = r->disconnect_delay_ms = r->trying_delay_ms = NAN;
    r->bits_per_s = r->bits_per_s_peak = NAN;
    r->mos_min = r->mos_avg = r->r_min = r->r_fb_min = NAN;
    r->mos_basis = r->mos_playout = "none";
    r->loss_ratio = r->jitter_ms_max = r->max_gap_ms = r->rtt_ms = NAN;
    r->recording.duration_ms = r->recording.size_bytes = -1;
    r->related.centre.wait_ms = r->related.centre.talk_ms = r->related.centre.hold_ms = -1;
}

bool record_stream_foreign(const struct record_stream *s)
{
    return s->announced && strcmp(s->confidence, "guessed") == 0;
}

struct call_record *record_new(void)
{
    struct arena *arena = arena_new(RECORD_ARENA_FIRST, RECORD_ARENA_CEILING);
    if (arena == NULL)
        return NULL;
    struct call_record *r = arena_alloc(arena, sizeof *r);
    if (r == NULL) {
        arena_free(arena);
        return NULL;
    }
    r->arena = arena;
    record_init(r);
    return r;
}

void record_free(struct call_record *r)
{
    if (r == NULL)
        return;
    crypto_wipe(r->secrets.items, r->secrets.count * sizeof *r->secrets.items);
    arena_free(r->arena);
}
