/* Names, clocks and kinds of payload types: the static assignments of RFC 3551, and one table of
 * the encoding names that SDP uses. A name that we do not know is kept as it is; its clock comes
 * from the rtpmap then, or nobody knows it. */
#include "capture/rtp/codec.h"

#include <assert.h>

#include "base/counters.h"

struct codec_name {
    const char *name;  /* on the wire, any case */
    const char *label; /* canonical; NULL: the same */
    uint32_t clock_hz;
    uint8_t channels;
    uint8_t kind;
};

static const struct codec_name codec_names[] = {
    {"PCMU", NULL, 8000, 1, CODEC_AUDIO},         {"G711U", "PCMU", 8000, 1, CODEC_AUDIO},
    {"PCMA", NULL, 8000, 1, CODEC_AUDIO},         {"G711A", "PCMA", 8000, 1, CODEC_AUDIO},
    {"G722", NULL, 8000, 1, CODEC_AUDIO}, /* samples at 16000, its RTP clock is 8000 (RFC
                                             3551 4.5.2) */
    {"G729", NULL, 8000, 1, CODEC_AUDIO},         {"G729A", "G729", 8000, 1, CODEC_AUDIO},
    {"G729B", "G729", 8000, 1, CODEC_AUDIO},      {"G729AB", "G729", 8000, 1, CODEC_AUDIO},
    {"G723", NULL, 8000, 1, CODEC_AUDIO},         {"G7231", "G723", 8000, 1, CODEC_AUDIO},
    {"G723.1", "G723", 8000, 1, CODEC_AUDIO},     {"GSM", NULL, 8000, 1, CODEC_AUDIO},
    {"GSM-EFR", NULL, 8000, 1, CODEC_AUDIO},      {"iLBC", NULL, 8000, 1, CODEC_AUDIO},
    {"G726-16", NULL, 8000, 1, CODEC_AUDIO},      {"G726-24", NULL, 8000, 1, CODEC_AUDIO},
    {"G726-32", NULL, 8000, 1, CODEC_AUDIO},      {"G726-40", NULL, 8000, 1, CODEC_AUDIO},
    {"AAL2-G726-16", NULL, 8000, 1, CODEC_AUDIO}, {"AAL2-G726-24", NULL, 8000, 1, CODEC_AUDIO},
    {"AAL2-G726-32", NULL, 8000, 1, CODEC_AUDIO}, {"AAL2-G726-40", NULL, 8000, 1, CODEC_AUDIO},
    {"AMR", NULL, 8000, 1, CODEC_AUDIO},          {"AMR-WB", NULL, 16000, 1, CODEC_AUDIO},
    {"AMRWB", "AMR-WB", 16000, 1, CODEC_AUDIO},   {"EVS", NULL, 16000, 1, CODEC_AUDIO},
    {"opus", NULL, 48000, 2, CODEC_AUDIO},        {"speex", NULL, 8000, 1, CODEC_AUDIO},
    {"L16", NULL, 44100, 1, CODEC_AUDIO},         {"L8", NULL, 8000, 1, CODEC_AUDIO},
    {"DVI4", NULL, 8000, 1, CODEC_AUDIO},         {"LPC", NULL, 8000, 1, CODEC_AUDIO},
    {"QCELP", NULL, 8000, 1, CODEC_AUDIO},        {"MPA", NULL, 90000, 1, CODEC_AUDIO},
    {"G728", NULL, 8000, 1, CODEC_AUDIO},         {"G7221", NULL, 16000, 1, CODEC_AUDIO},
    {"CODEC2", NULL, 8000, 1, CODEC_AUDIO},       {"MPEG4-GENERIC", NULL, 90000, 1, CODEC_AUDIO},
    {"MP4A-LATM", NULL, 90000, 1, CODEC_AUDIO},
    {"SILK", NULL, 16000, 1, CODEC_AUDIO},        {"telephone-event", NULL, 8000, 1, CODEC_EVENT},
    {"CN", NULL, 8000, 1, CODEC_NOISE},           {"red", NULL, 8000, 1, CODEC_REDUNDANCY},
    {"ulpfec", NULL, 90000, 1, CODEC_REPAIR},     {"flexfec", NULL, 90000, 1, CODEC_REPAIR},
    {"rtx", NULL, 90000, 1, CODEC_REPAIR},        {"CelB", NULL, 90000, 1, CODEC_VIDEO},
    {"JPEG", NULL, 90000, 1, CODEC_VIDEO},        {"nv", NULL, 90000, 1, CODEC_VIDEO},
    {"H261", NULL, 90000, 1, CODEC_VIDEO},        {"MPV", NULL, 90000, 1, CODEC_VIDEO},
    {"MP2T", NULL, 90000, 1, CODEC_VIDEO},        {"H263", NULL, 90000, 1, CODEC_VIDEO},
    {"H263-1998", NULL, 90000, 1, CODEC_VIDEO},   {"H263-2000", NULL, 90000, 1, CODEC_VIDEO},
    {"H264", NULL, 90000, 1, CODEC_VIDEO},        {"H264-SVC", NULL, 90000, 1, CODEC_VIDEO},
    {"H265", NULL, 90000, 1, CODEC_VIDEO},        {"H266", NULL, 90000, 1, CODEC_VIDEO},
    {"VP8", NULL, 90000, 1, CODEC_VIDEO},         {"VP9", NULL, 90000, 1, CODEC_VIDEO},
    {"AV1", NULL, 90000, 1, CODEC_VIDEO},         {"MP4V-ES", NULL, 90000, 1, CODEC_VIDEO},
};

/* RFC 3551 6, tables 4 and 5. */
static const struct codec_assignment {
    uint8_t payload_type;
    uint8_t channels;
    uint32_t clock_hz;
    const char *name;
} codec_assignments[] = {
    {0, 1, 8000, "PCMU"},   {3, 1, 8000, "GSM"},    {4, 1, 8000, "G723"},   {5, 1, 8000, "DVI4"},
    {6, 1, 16000, "DVI4"},  {7, 1, 8000, "LPC"},    {8, 1, 8000, "PCMA"},   {9, 1, 8000, "G722"},
    {10, 2, 44100, "L16"},  {11, 1, 44100, "L16"},  {12, 1, 8000, "QCELP"}, {13, 1, 8000, "CN"},
    {14, 1, 90000, "MPA"},  {15, 1, 8000, "G728"},  {16, 1, 11025, "DVI4"}, {17, 1, 22050, "DVI4"},
    {18, 1, 8000, "G729"},  {25, 1, 90000, "CelB"}, {26, 1, 90000, "JPEG"}, {28, 1, 90000, "nv"},
    {31, 1, 90000, "H261"}, {32, 1, 90000, "MPV"},  {33, 1, 90000, "MP2T"}, {34, 1, 90000, "H263"},
};

static const struct codec_name *find_name(struct slice encoding)
{
    for (size_t i = 0; i < sizeof codec_names / sizeof *codec_names; i++)
        if (slice_is_nocase(encoding, codec_names[i].name))
            return &codec_names[i];
    return NULL;
}

static uint8_t counter_of(struct slice name, uint8_t kind)
{
    return (uint8_t)label_find(LABELS_CODEC, kind == CODEC_VIDEO ? slice_str("video") : name);
}

/* Whether an fmtp line ("mode=20;x=1") says `key` with that number. */
static bool says(struct slice fmtp, const char *key, uint32_t wanted)
{
    while (fmtp.size) {
        struct slice value = slice_trim(slice_cut(&fmtp, ';'));
        struct slice name = slice_trim(slice_cut(&value, '='));
        uint32_t number;
        if (slice_is_nocase(name, key) && slice_to_u32(slice_trim(value), &number))
            return number == wanted;
    }
    return false;
}

static uint32_t options_of(struct slice fmtp)
{
    return (says(fmtp, "octet-align", 1) ? CODEC_OCTET_ALIGN : 0u) |
           (says(fmtp, "hf-only", 1) ? CODEC_HEADER_FULL : 0u) |
           (says(fmtp, "mode", 20) ? CODEC_MODE_20 : 0u);
}

void rtp_codec_named(struct slice encoding, uint8_t payload_type, uint32_t clock_hz,
                     uint8_t channels, struct slice fmtp, struct rtp_codec *ret_codec)
{
    const struct codec_name *known = find_name(encoding);
    struct rtp_codec c = {.payload_type = payload_type, .clock_hz = clock_hz, .channels = channels};
    c.kind = known ? known->kind : CODEC_UNKNOWN;
    if (known) {
        encoding = slice_str(known->label ? known->label : known->name);
        c.clock_hz = clock_hz ? clock_hz : known->clock_hz;
        c.channels = channels ? channels : known->channels;
    }
    if (c.channels == 0)
        c.channels = 1;
    if (slice_is_nocase(encoding, "G722"))
        c.clock_hz = 8000; /* an rtpmap of 16000 is a frequent mistake */
    if (slice_is_nocase(encoding, "opus"))
        c.clock_hz = 48000; /* RFC 7587 4.1 */
    slice_copy_to(encoding, c.name, sizeof c.name);
    slice_copy_to(fmtp, c.fmtp, sizeof c.fmtp);
    c.options = options_of(slice_str(c.fmtp));
    c.counter = counter_of(encoding, c.kind);
    *ret_codec = c;
}

bool rtp_codec_static(uint8_t payload_type, struct rtp_codec *ret_codec)
{
    for (size_t i = 0; i < sizeof codec_assignments / sizeof *codec_assignments; i++) {
        const struct codec_assignment *a = &codec_assignments[i];
        if (a->payload_type != payload_type)
            continue;
        rtp_codec_named(slice_str(a->name), payload_type, a->clock_hz, a->channels, slice_none(),
                        ret_codec);
        return true;
    }
    return false;
}
