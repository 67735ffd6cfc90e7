/* RTCP that an agent took apart and sends as JSON (HEP type 5), put together again as it would have
 * been on the wire, so that one parser serves both:
 *
 *   sender_information, ssrc, type, report_blocks   -> SR or RR
 *   sdes_information                                -> SDES
 *   Extended_report_information (captagent),
 *   voip_metrics, report_blocks_xr (heplify)        -> XR with a VoIP Metrics block (RFC 3611 4.7)
 *
 * Producers differ: numbers in quotes (Janus), SSRCs printed as signed (rtpproxy's users), losses
 * of 24 bits printed as unsigned, keys always there and 0 (heplify). A number that does not fit its
 * field is held at the field's end. */
#include "capture/net/hep.h"

#include "base/json_read.h"

#define JSON_SIZE_MAX  (16u * 1024) /* 31 report blocks take 5 KiB */
#define JSON_LEVELS    8
#define BLOCKS_MAX     31 /* five bits in the header */
#define SDES_ITEMS_MAX 8

enum { TYPE_SR = 200, TYPE_RR = 201, TYPE_SDES = 202, TYPE_XR = 207 };

/* ---- writing ---- */

struct out {
    uint8_t *data;
    size_t size;
    size_t room;
    bool failed;
};

static void put(struct out *o, uint32_t v, unsigned bytes)
{
    if (o->room - o->size < bytes) {
        o->failed = true;
        return;
    }
    while (bytes--)
        o->data[o->size++] = (uint8_t)(v >> (8 * bytes));
}

/* Of a packet that begins at `start`: its header, now that all of it is there. */
static void put_header(struct out *o, size_t start, unsigned count, unsigned type)
{
    if (o->failed)
        return;
    struct out header = {.data = o->data + start, .room = 4};
    put(&header, 2u << 6 | count, 1);
    put(&header, type, 1);
    put(&header, (uint32_t)((o->size - start) / 4 - 1), 2);
}

/* A packet that found no room is left out as a whole. */
static void settle(struct out *o, size_t start)
{
    if (o->failed)
        o->size = start;
    o->failed = false;
}

/* ---- numbers ---- */

static uint32_t clamp(int64_t v, int64_t low, int64_t high)
{
    return (uint32_t)(v < low ? low : v > high ? high : v);
}

/* 32 bits, printed as signed or unsigned. */
static uint32_t word_of(const struct json_value *object, const char *name)
{
    int64_t v = 0;
    (void)json_value_int(json_value_get(object, name), &v);
    return clamp(v, INT32_MIN, UINT32_MAX);
}

static uint32_t fraction_of(const struct json_value *object, const char *name)
{
    int64_t v = 0;
    (void)json_value_int(json_value_get(object, name), &v);
    return clamp(v, 0, 255);
}

/* Signed 24 bits; as unsigned they reach from 2^23 to 2^24, or to 2^32 where they were widened. */
static uint32_t lost_of(const struct json_value *object)
{
    int64_t v = 0;
    (void)json_value_int(json_value_get(object, "packets_lost"), &v);
    if (v >= 0x800000 && v <= 0xffffff)
        v -= 0x1000000;
    else if (v >= UINT32_MAX - 0x7fffff && v <= UINT32_MAX)
        v -= INT64_C(1) << 32;
    return clamp(v, -0x800000, 0x7fffff) & 0xffffff;
}

/* ---- SR and RR ---- */

static unsigned put_blocks(struct out *o, const struct json_value *blocks)
{
    unsigned n = 0;
    for (size_t i = 0; i < json_value_count(blocks) && n < BLOCKS_MAX; i++) {
        const struct json_value *b = json_value_at(blocks, i);
        if (json_value_get(b, "source_ssrc") == NULL)
            continue;
        put(o, word_of(b, "source_ssrc"), 4);
        put(o, fraction_of(b, "fraction_lost"), 1);
        put(o, lost_of(b), 3);
        put(o, word_of(b, "highest_seq_no"), 4);
        put(o, word_of(b, "ia_jitter"), 4);
        put(o, word_of(b, "lsr"), 4);
        put(o, word_of(b, "dlsr"), 4);
        n++;
    }
    return n;
}

/* What the field "type" says, or what the content does: heplify names the first packet of a
 * compound only, others the last. 0: neither. */
static unsigned report_type(const struct json_value *root)
{
    const struct json_value *sender = json_value_get(root, "sender_information");
    uint32_t type = word_of(root, "type");
    if (type == TYPE_RR || (type == TYPE_SR && sender))
        return type;
    if (word_of(sender, "packets") != 0 || word_of(sender, "ntp_timestamp_sec") != 0)
        return TYPE_SR;
    return json_value_count(json_value_get(root, "report_blocks")) ? TYPE_RR : 0;
}

/* captagent tells the sender's SSRC with the first report block alone, else with the SDES. */
static bool sender_ssrc(const struct json_value *root, uint32_t *ret_ssrc)
{
    const char *name = json_value_get(root, "ssrc") ? "ssrc" : "sdes_ssrc";
    *ret_ssrc = word_of(root, name);
    return json_value_get(root, name) != NULL;
}

static void put_report(struct out *o, const struct json_value *root)
{
    size_t start = o->size;
    unsigned type = report_type(root);
    uint32_t ssrc;
    if (type == 0 || !sender_ssrc(root, &ssrc))
        return;
    put(o, 0, 4);
    put(o, ssrc, 4);
    if (type == TYPE_SR) {
        const struct json_value *sender = json_value_get(root, "sender_information");
        put(o, word_of(sender, "ntp_timestamp_sec"), 4);
        put(o, word_of(sender, "ntp_timestamp_usec"), 4); /* the lower word, no microseconds */
        put(o, word_of(sender, "rtp_timestamp"), 4);
        put(o, word_of(sender, "packets"), 4);
        put(o, word_of(sender, "octets"), 4);
    }
    unsigned blocks = put_blocks(o, json_value_get(root, "report_blocks"));
    put_header(o, start, blocks, type);
    settle(o, start);
}

/* ---- SDES ---- */

static void end_chunk(struct out *o)
{
    do
        put(o, 0, 1);
    while (!o->failed && o->size % 4 != 0);
}

/* Items of rtpengine name their chunk; those of others are all of one. */
static uint32_t chunk_ssrc(const struct json_value *root, const struct json_value *item)
{
    if (json_value_get(item, "sdes_chunk_ssrc"))
        return word_of(item, "sdes_chunk_ssrc");
    return word_of(root, json_value_get(root, "sdes_ssrc") ? "sdes_ssrc" : "ssrc");
}

static void put_item(struct out *o, uint32_t type, struct slice text)
{
    put(o, type, 1);
    put(o, (uint32_t)text.size, 1);
    for (size_t i = 0; i < text.size; i++)
        put(o, text.data[i], 1);
}

static void put_sdes(struct out *o, const struct json_value *root)
{
    const struct json_value *items = json_value_get(root, "sdes_information");
    size_t start = o->size;
    unsigned chunks = 0;
    uint32_t open = 0;
    put(o, 0, 4);
    for (size_t i = 0; i < json_value_count(items) && i < SDES_ITEMS_MAX; i++) {
        const struct json_value *item = json_value_at(items, i);
        uint32_t type = word_of(item, "type");
        struct slice text;
        if (!json_value_text(json_value_get(item, "text"), &text) || text.size > 255 || type == 0 ||
            type > 8)
            continue;
        uint32_t ssrc = chunk_ssrc(root, item);
        if (chunks == 0 || ssrc != open) {
            if (chunks++)
                end_chunk(o);
            put(o, ssrc, 4);
            open = ssrc;
        }
        put_item(o, type, text);
    }
    if (chunks)
        end_chunk(o);
    put_header(o, start, chunks, TYPE_SDES);
    if (chunks == 0)
        o->failed = true;
    settle(o, start);
}

/* ---- XR ---- */

/* The fields of a VoIP Metrics block in their order, and what stands for "not known". */
static const struct metric {
    uint8_t bytes;
    uint8_t unknown;
    const char *names[2];
} metrics[] = {
    {1, 0, {"loss_rate", "fraction_lost"}},
    {1, 0, {"discard_rate", "fraction_discard"}},
    {1, 0, {"burst_rate", "burst_density"}},
    {1, 0, {"gap_rate", "gap_density"}},
    {2, 0, {"burst_duration"}},
    {2, 0, {"gap_duration"}},
    {2, 0, {"round_trip_delay"}},
    {2, 0, {"end_sys_delay", "end_system_delay"}},
    {1, 127, {"signal_lev", "signal_level"}},
    {1, 127, {"noise_lev", "noise_level"}},
    {1, 127, {"RERL", "rerl"}},
    {1, 16, {"Gmin", "gmin"}},
    {1, 127, {"R_fact", "r_factor"}},
    {1, 127, {"ext_R_fact", "ext_r_factor"}},
    {1, 127, {"MOS_LQ", "mos_lq"}},
    {1, 127, {"MOS_CQ", "mos_cq"}},
    {1, 0, {"rx_config"}},
    {1, 0, {"reserved"}},
    {2, 0, {"JB_nom", "jb_nominal"}},
    {2, 0, {"JB_max", "jb_maximum"}},
    {2, 0, {"JB_abs_max", "jb_abs_max"}},
};

static uint32_t metric_of(const struct json_value *object, const struct metric *m)
{
    int64_t v = m->unknown;
    if (!json_value_int(json_value_get(object, m->names[0]), &v) && m->names[1])
        (void)json_value_int(json_value_get(object, m->names[1]), &v);
    /* Levels in dB are signed. */
    return clamp(v, -128, m->bytes == 1 ? 255 : 65535) & (m->bytes == 1 ? 0xff : 0xffff);
}

/* The object that holds the metrics, and the stream that they are about: NULL when there is none.
 * heplify's short block is there for every packet and means something with its type alone. */
static const struct json_value *metrics_object(const struct json_value *root, uint32_t *ret_ssrc)
{
    static const char *const names[] = {"Extended_report_information",
                                        "extended_report_information", "voip_metrics"};
    const struct json_value *brief = json_value_get(root, "report_blocks_xr");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct json_value *object = json_value_get(root, names[i]);
        uint32_t ssrc = word_of(object, "identifier");
        if (ssrc == 0)
            ssrc = word_of(json_value_get(object, "id") ? object : brief, "id");
        *ret_ssrc = ssrc;
        if (object && ssrc != 0)
            return object;
    }
    *ret_ssrc = word_of(brief, "id");
    return word_of(brief, "type") == 7 && *ret_ssrc != 0 ? brief : NULL;
}

static void put_metrics(struct out *o, const struct json_value *root)
{
    uint32_t about, sender;
    const struct json_value *object = metrics_object(root, &about);
    size_t start = o->size;
    if (object == NULL)
        return;
    (void)sender_ssrc(root, &sender); /* 0 where it is not told */
    put(o, 0, 4);
    put(o, sender, 4);
    put(o, 7u << 24 | 8, 4); /* block type 7, eight words */
    put(o, about, 4);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        put(o, metric_of(object, &metrics[i]), metrics[i].bytes);
    put_header(o, start, 0, TYPE_XR);
    settle(o, start);
}

/* ---- all of it ---- */

size_t hep_rtcp_binary(struct slice json, uint8_t *out, size_t out_max)
{
    struct json_value *root = json_read(json, JSON_SIZE_MAX, JSON_LEVELS);
    struct out o = {.data = out, .room = out_max};
    if (root == NULL)
        return 0;
    put_report(&o, root);
    put_sdes(&o, root);
    put_metrics(&o, root);
    json_read_free(root);
    return o.size;
}

struct slice hep_rtcp(struct slice payload, uint8_t *out, size_t out_max)
{
    bool binary = payload.size >= 4 && payload.data[0] >> 6 == 2;
    if (binary)
        return payload;
    return slice_of(out, hep_rtcp_binary(payload, out, out_max));
}
