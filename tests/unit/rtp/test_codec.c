/* Payload types, names, and how much media a payload holds. */
#include <criterion/criterion.h>

#include "base/counters.h"
#include "capture/rtp/stream_internal.h"

Test(rtp_codec, the_static_table_is_that_of_rfc_3551)
{
    static const uint8_t assigned[] = {0,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
                                       14, 15, 16, 17, 18, 25, 26, 28, 31, 32, 33, 34};
    size_t at = 0;
    for (unsigned type = 0; type < 256; type++) {
        bool want = at < sizeof assigned && assigned[at] == type;
        at += want;
        struct rtp_codec c;
        cr_expect_eq(rtp_codec_static((uint8_t)type, &c), want, "%u", type);
        if (want)
            cr_expect(c.payload_type == type && c.name[0] && c.clock_hz && c.channels, "%u", type);
    }
}

static const struct {
    const char *in;
    const char *out;
    const char *counter;
    uint32_t clock_hz;
    enum rtp_codec_kind kind;
} names[] = {
    {"pcmu", "PCMU", "PCMU", 8000, CODEC_AUDIO},
    {"G729A", "G729", "G729", 8000, CODEC_AUDIO},
    {"g7231", "G723", "G723", 8000, CODEC_AUDIO},
    {"G722", "G722", "G722", 8000, CODEC_AUDIO},
    {"G726-32", "G726-32", "G726", 8000, CODEC_AUDIO},
    {"aal2-g726-32", "AAL2-G726-32", "G726", 8000, CODEC_AUDIO},
    {"OPUS", "opus", "opus", 48000, CODEC_AUDIO},
    {"ILBC", "iLBC", "iLBC", 8000, CODEC_AUDIO},
    {"amr-wb", "AMR-WB", "AMR-WB", 16000, CODEC_AUDIO},
    {"Telephone-Event", "telephone-event", "telephone-event", 8000, CODEC_EVENT},
    {"cn", "CN", "CN", 8000, CODEC_NOISE},
    {"RED", "red", "other", 8000, CODEC_REDUNDANCY},
    {"h264", "H264", "video", 90000, CODEC_VIDEO},
    {"X-Own", "X-Own", "other", 0, CODEC_UNKNOWN},
};

Test(rtp_codec, names_are_put_into_their_usual_spelling)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct rtp_codec c;
        rtp_codec_named(slice_str(names[i].in), 100, 0, 0, slice_str("a=b"), &c);
        cr_expect_str_eq(c.name, names[i].out);
        cr_expect_str_eq(c.fmtp, "a=b");
        cr_expect_str_eq(label_text(LABELS_CODEC, c.counter), names[i].counter);
        cr_expect_eq(c.clock_hz, names[i].clock_hz, "%s", names[i].in);
        cr_expect_eq(c.kind, names[i].kind, "%s", names[i].in);
    }
}

Test(rtp_codec, long_names_and_parameters_are_cut)
{
    char text[500];
    memset(text, 'x', sizeof text);
    struct rtp_codec c;
    rtp_codec_named(slice_of(text, sizeof text), 100, 0, 0, slice_of(text, sizeof text), &c);
    cr_expect_eq(strlen(c.name), CODEC_NAME_SIZE - 1);
    cr_expect_eq(strlen(c.fmtp), CODEC_FMTP_SIZE - 1);
}

Test(rtp_codec, g722_and_opus_keep_their_clock_whatever_sdp_says)
{
    struct rtp_codec c;
    rtp_codec_named(slice_str("G722"), 9, 16000, 1, slice_none(), &c);
    cr_expect_eq(c.clock_hz, 8000);
    rtp_codec_named(slice_str("opus"), 96, 16000, 2, slice_none(), &c);
    cr_expect_eq(c.clock_hz, 48000);
}

Test(rtp_codec, indices_are_those_of_the_label_set)
{
    static const char *const want[] = {
        [CODEC_COUNTER_PCMU] = "PCMU", [CODEC_COUNTER_PCMA] = "PCMA",
        [CODEC_COUNTER_G722] = "G722", [CODEC_COUNTER_G729] = "G729",
        [CODEC_COUNTER_G723] = "G723", [CODEC_COUNTER_GSM] = "GSM",
        [CODEC_COUNTER_ILBC] = "iLBC", [CODEC_COUNTER_G726] = "G726",
        [CODEC_COUNTER_AMR] = "AMR",   [CODEC_COUNTER_AMR_WB] = "AMR-WB",
        [CODEC_COUNTER_OPUS] = "opus", [CODEC_COUNTER_SPEEX] = "speex",
        [CODEC_COUNTER_L16] = "L16",   [CODEC_COUNTER_EVS] = "EVS",
    };
    for (unsigned i = 0; i < sizeof want / sizeof *want; i++)
        cr_expect_str_eq(label_text(LABELS_CODEC, i), want[i]);
}

static const struct {
    const char *name;
    uint32_t clock_hz;
    const char *fmtp;
    const char *bytes; /* the first octets */
    size_t first, size;
    double ms;
    bool sid;
} payloads[] = {
    {"PCMU", 8000, "", "", 0, 160, 20, false},
    {"PCMA", 8000, "", "", 0, 240, 30, false},
    {"G722", 8000, "", "", 0, 160, 20, false},
    {"G729", 8000, "", "", 0, 20, 20, false},
    {"G729", 8000, "", "", 0, 2, 10, true},
    {"G729", 8000, "", "", 0, 12, 20, true},
    {"G729", 8000, "", "", 0, 15, 0, false},
    {"GSM", 8000, "", "", 0, 66, 40, false},
    {"G723", 8000, "", "\0", 1, 24, 30, false},
    {"G723", 8000, "", "\1", 1, 20, 30, false},
    {"G723", 8000, "", "\2", 1, 4, 30, true},
    {"G723", 8000, "", "\0", 1, 23, 0, false},
    {"iLBC", 8000, "mode=20", "", 0, 38, 20, false},
    {"iLBC", 8000, "", "", 0, 50, 30, false},
    {"iLBC", 8000, "mode=20", "", 0, 1900, 1000, false},
    {"iLBC", 8000, "mode=30", "", 0, 1900, 1140, false},
    {"G726-32", 8000, "", "", 0, 80, 20, false},
    {"AAL2-G726-16", 8000, "", "", 0, 40, 20, false},
    {"L16", 16000, "", "", 0, 640, 20, false},
    {"DVI4", 16000, "", "", 0, 164, 20, false},
    {"DVI4", 8000, "", "", 0, 4, 0, false},
    {"speex", 16000, "", "", 0, 70, 20, false},
    {"opus", 48000, "", "\x78", 1, 80, 20, false},
    {"opus", 48000, "", "\xe0", 1, 80, 2.5, false},
    {"opus", 48000, "", "\x1a", 1, 80, 120, false},
    {"opus", 48000, "", "\x7b\x03", 2, 80, 60, false},
    {"opus", 48000, "", "\x78", 1, 1, 20, true},
    {"AMR", 8000, "octet-align=1", "\xf0\x3c", 2, 33, 20, false},
    {"AMR", 8000, "octet-align=1", "\xf0\xbc\x3c", 3, 65, 40, false},
    {"AMR", 8000, "octet-align=1", "\xf0\x44", 2, 7, 20, true},
    {"AMR", 8000, "", "\xf3\xc0", 2, 32, 20, false},
    {"AMR", 8000, "", "\xf4\x40", 2, 7, 20, true},
    {"AMR-WB", 16000, "octet-align=1", "\xf0\x4c", 2, 7, 20, true},
    {"AMR", 8000, "octet-align=1", "\xf0\xff\xff\xff", 4, 4, 0, false},
    {"EVS", 16000, "", "", 0, 33, 0, false},
};

Test(rtp_codec, payloads_hold_as_much_as_their_codec_says)
{
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        struct rtp_codec c;
        rtp_codec_named(slice_str(payloads[i].name), 96, payloads[i].clock_hz, 1,
                        slice_str(payloads[i].fmtp), &c);
        uint8_t bytes[2000] = {0};
        memcpy(bytes, payloads[i].bytes, payloads[i].first);
        struct slice payload = slice_of(bytes, payloads[i].size);
        cr_expect_float_eq(rtp_codec_payload_ms(&c, payload), payloads[i].ms, 1e-9, "%zu: %s", i,
                           c.name);
        cr_expect_eq(rtp_codec_is_sid(&c, payload), payloads[i].sid, "%zu: %s", i, c.name);
    }
}

Test(rtp_codec, empty_payloads_hold_nothing)
{
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        struct rtp_codec c;
        rtp_codec_named(slice_str(payloads[i].name), 96, 8000, 1, slice_str(payloads[i].fmtp), &c);
        cr_expect_eq(rtp_codec_payload_ms(&c, slice_none()), 0, "%s", c.name);
    }
}

/* ---- modes ---- */

static struct rtp_modes counted(const char *name, const char *parameters, struct slice payload)
{
    struct rtp_codec c;
    struct rtp_modes m = {0};
    rtp_codec_named(slice_str(name), 96, 0, 0, slice_str(parameters), &c);
    cr_assert(rtp_codec_has_modes(&c));
    rtp_modes_count(&m, &c, payload, payload.size);
    return m;
}

#define OCTETS(...)                    slice_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define COUNTED(name, parameters, ...) counted(name, parameters, OCTETS(__VA_ARGS__))

Test(rtp_modes, frames_of_amr_are_counted_by_type)
{
    /* bandwidth-efficient: CMR 15, F 0, type 7, Q 1 */
    cr_assert_eq(COUNTED("AMR", "", 0xf3, 0xc0, 0, 0).frames[7], 1);
    /* octet-aligned: CMR, two entries (types 2 and 9) */
    struct rtp_modes m = COUNTED("AMR-WB", "octet-align=1", 0xf0, 0x94, 0x4c, 0, 0, 0);
    cr_assert(m.frames[2] == 1 && m.frames[9] == 1);
    /* a table that never ends is none */
    m = COUNTED("AMR-WB", "octet-align=1", 0xf0, 0x94, 0x94);
    for (unsigned i = 0; i < RTP_MODES; i++)
        cr_assert_eq(m.frames[i], 0);
}

Test(rtp_modes, evs_is_told_by_size_or_by_its_header)
{
    static const uint8_t octets[33] = {0};
    struct rtp_modes m = counted("EVS", "", slice_of(octets, 33));
    cr_assert_eq(m.frames[4], 1, "13.2 kbit/s, compact");
    m = COUNTED("EVS", "hf-only=1", 0x06, 0, 0);
    cr_assert_eq(m.frames[6], 1, "24.4 kbit/s by its ToC");
    m = COUNTED("EVS", "", 0xf1, 0x43, 0x24, 0, 0);
    cr_assert(m.frames[3] == 1 && m.frames[13] == 1,
              "behind a CMR: 9.6 kbit/s, then an AMR-WB IO frame");
    counted("EVS", "", slice_none());
}

Test(rtp_modes, a_cut_payload_is_told_by_its_size_on_the_wire)
{
    static const uint8_t octets[20] = {0};
    struct rtp_codec c;
    struct rtp_modes m = {0};
    rtp_codec_named(slice_str("EVS"), 96, 0, 0, slice_none(), &c);
    rtp_modes_count(&m, &c, slice_of(octets, sizeof octets), 61);
    cr_assert(m.frames[6] == 1 && m.frames[2] == 0,
              "24.4 kbit/s, of which 20 octets were captured");
}

Test(rtp_codec, what_parameters_say_about_payloads_is_read_once)
{
    static const struct {
        const char *fmtp;
        uint32_t options;
    } rows[] = {
        {"octet-align=1; mode-set=0,1", CODEC_OCTET_ALIGN},
        {"mode-set=2 ;Octet-Align = 1", CODEC_OCTET_ALIGN},
        {"octet-align=0", 0},
        {"octet-align=1x", 0},
        {"octet-align", 0},
        {"br=9.6; hf-only=1", CODEC_HEADER_FULL},
        {"mode=20", CODEC_MODE_20},
        {"mode=30;mode=20", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rtp_codec c;
        rtp_codec_named(slice_str("AMR"), 96, 0, 0, slice_str(rows[i].fmtp), &c);
        cr_expect_eq(c.options, rows[i].options, "%s", rows[i].fmtp);
    }
}

Test(rtp_modes, other_codecs_have_none)
{
    struct rtp_codec c;
    cr_assert(rtp_codec_static(0, &c) && !rtp_codec_has_modes(&c));
}
