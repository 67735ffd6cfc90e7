/* ITU-T G.113 as data: equipment impairment (Ie) and loss robustness (Bpl) of the codecs, Appendix I (narrowband), IV (wideband) and
 * V (fullband), each with the word for where it comes from. A codec or mode that is not here gets no score. To add one: a line
 * in the table; the first line whose name and mode match wins, a line with an empty mode matches any. */
#include "decode/score.h"

#include <math.h>
#include <stdlib.h>

#define STD "standard"
#define PRV "provisional"
#define NB  EMODEL_NB
#define WB  EMODEL_WB
#define FB  EMODEL_FB

/* clang-format off */
static const struct codec_quality table[] = {
    /* name         mode    scale Ie   Bpl   Ie is  Bpl is */
    {"PCMU",         "64",    NB,   0, 25.1, STD, STD}, /* endpoints conceal as G.711 App. I does */
    {"PCMA",         "64",    NB,   0, 25.1, STD, STD},
    {"G726-40",      "40",    NB,   2,    0, STD, PRV},
    {"G726-32",      "32",    NB,   7,    0, STD, PRV},
    {"G726-24",      "24",    NB,  25,    0, STD, PRV},
    {"G726-16",      "16",    NB,  50,    0, STD, PRV},
    {"AAL2-G726-40", "40",    NB,   2,    0, STD, PRV},
    {"AAL2-G726-32", "32",    NB,   7,    0, STD, PRV},
    {"AAL2-G726-24", "24",    NB,  25,    0, STD, PRV},
    {"AAL2-G726-16", "16",    NB,  50,    0, STD, PRV},
    {"G721",         "32",    NB,   7,    0, STD, PRV},
    {"G728",         "16",    NB,   7,    0, STD, PRV},
    {"G729",         "8",     NB,  10, 19.0, STD, PRV}, /* without VAD; Bpl is that of G.729A */
    {"G729",         "8+vad", NB,  11, 19.0, STD, STD},
    {"G723",         "6.3",   NB,  15, 16.1, STD, STD},
    {"G723",         "5.3",   NB,  19, 16.1, STD, PRV}, /* same concealment as 6.3 */
    {"GSM",          "13",    NB,  20,    0, STD, PRV},
    {"GSM-HR-08",    "5.6",   NB,  23,    0, STD, PRV},
    {"GSM-EFR",      "12.2",  NB,   5, 10.0, STD, STD},
    {"AMR",          "12.2",  NB,   5, 10.0, PRV, PRV}, /* G.113 has no row: from published delay bounds */
    {"AMR",          "10.2",  NB,   6, 10.0, PRV, PRV},
    {"AMR",          "7.95",  NB,  10, 10.0, PRV, PRV},
    {"AMR",          "7.4",   NB,  12, 10.0, PRV, PRV},
    {"AMR",          "6.7",   NB,  14, 10.0, PRV, PRV},
    {"AMR",          "5.9",   NB,  17, 10.0, PRV, PRV},
    {"AMR",          "5.15",  NB,  20, 10.0, PRV, PRV},
    {"AMR",          "4.75",  NB,  21, 10.0, PRV, PRV},
    {"iLBC",         "",      NB,  10, 18.6, PRV, PRV},
    {"G722",         "",      WB,  13,    0, STD, PRV}, /* RTP carries the 64 kbit/s mode */
    {"G7221",        "32",    WB,  13,    0, STD, PRV},
    {"G7221",        "24",    WB,  19,    0, STD, PRV},
    {"AMR-WB",       "6.6",   WB,  41,    0, STD, PRV},
    {"AMR-WB",       "8.85",  WB,  26,    0, STD, PRV},
    {"AMR-WB",       "12.65", WB,  13,  4.3, STD, PRV}, /* Ie monotic, Bpl diotic: an approximation */
    {"AMR-WB",       "14.25", WB,  10,    0, STD, PRV},
    {"AMR-WB",       "15.85", WB,   7,    0, STD, PRV},
    {"AMR-WB",       "18.25", WB,   5,    0, STD, PRV},
    {"AMR-WB",       "19.85", WB,   3,    0, STD, PRV},
    {"AMR-WB",       "23.05", WB,   1,  4.6, STD, PRV},
    {"AMR-WB",       "23.85", WB,   8,  4.9, STD, PRV}, /* worse than 23.05: so it stands in G.113 */
    {"EVS",          "9.6",   FB, 22.7, 13.0, STD, STD}, /* super-wideband */
    {"EVS",          "13.2",  FB, 17.1, 11.7, STD, STD},
    {"EVS",          "16.4",  FB, 10.8, 10.3, STD, STD},
    {"EVS",          "24.4",  FB,  7.2, 11.4, STD, STD},
    {"EVS",          "32",    FB,  8.7,  9.3, STD, STD},
    {"EVS",          "48",    FB, 10.2,  9.6, STD, STD},
    {"opus",         "",      FB, 10.2, 10.0, PRV, PRV}, /* not standardised: near EVS at 48 kbit/s */
};

/* Bit rates by frame type: RFC 4867, RFC 4867, TS 26.445 A.2.2.1.2. */
static const struct {
    const char *name;
    const char *modes[SCORE_MODES];
} frame_types[] = {
    {"AMR", {"4.75", "5.15", "5.9", "6.7", "7.4", "7.95", "10.2", "12.2"}},
    {"AMR-WB", {"6.6", "8.85", "12.65", "14.25", "15.85", "18.25", "19.85", "23.05", "23.85"}},
    {"EVS", {"2.8", "7.2", "8", "9.6", "13.2", "16.4", "24.4", "32", "48", "64", "96", "128"}},
};

/* Frame and look-ahead, ms (G.114 Annex, the codecs' own documents). Frame 0: sample by sample. */
static const struct {
    const char *name;
    double frame, ahead;
} delays[] = {
    {"PCMU", 0, 0},    {"PCMA", 0, 0},     {"G722", 0, 1.5},   {"G7221", 20, 20}, {"G721", 0, 0},
    {"G726-40", 0, 0}, {"G726-32", 0, 0},  {"G726-24", 0, 0},  {"G726-16", 0, 0}, {"AAL2-G726-40", 0, 0},
    {"AAL2-G726-32", 0, 0}, {"AAL2-G726-24", 0, 0}, {"AAL2-G726-16", 0, 0}, {"G728", 0, 0}, {"G729", 10, 5},
    {"G723", 30, 7.5}, {"GSM", 20, 0},     {"GSM-HR-08", 20, 4.4}, {"GSM-EFR", 20, 0}, {"AMR", 20, 5},
    {"AMR-WB", 20, 5}, {"iLBC", 20, 0},    {"opus", 20, 6.5},  {"EVS", 20, 12},
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Value of "key=" in "a=1; b=2", trimmed; empty when absent. */
static struct slice fmtp_value(struct slice fmtp, const char *key)
{
    while (fmtp.size > 0) {
        struct slice value = slice_trim(slice_cut(&fmtp, ';'));
        struct slice name = slice_trim(slice_cut(&value, '='));
        if (slice_is_nocase(name, key))
            return slice_trim(value);
    }
    return slice_none();
}

static const char *const *modes_of(struct slice codec)
{
    for (size_t i = 0; i < COUNT(frame_types); i++)
        if (slice_is_nocase(codec, frame_types[i].name))
            return frame_types[i].modes;
    return NULL;
}

/* What the SDP alone says: AMR has one mode only when one is allowed (RFC 4867 mode-set). NULL: any; "unknown": none fits. */
static const char *mode_of(struct slice codec, struct slice fmtp)
{
    const char *const *modes = modes_of(codec);
    uint64_t mode;
    if (modes) {
        bool one = slice_to_u64(fmtp_value(fmtp, "mode-set"), SCORE_MODES - 1, &mode) && modes[mode];
        return one ? modes[mode] : "unknown";
    }
    if (slice_is_nocase(codec, "G729")) /* RFC 4856: annexb is "yes" unless said */
        return slice_is_nocase(fmtp_value(fmtp, "annexb"), "no") ? "8" : "8+vad";
    if (slice_is_nocase(codec, "G723"))
        return slice_is(fmtp_value(fmtp, "bitrate"), "5.3") ? "5.3" : "6.3";
    if (slice_is_nocase(codec, "G7221"))
        return slice_is(fmtp_value(fmtp, "bitrate"), "24000") ? "24" : "32";
    return NULL;
}

static bool fits(const char *line, const char *mode)
{
    return mode == NULL || line[0] == '\0' || strcmp(mode, line) == 0;
}

static const struct codec_quality *find(const struct quality_book *book, struct slice codec, const char *mode)
{
    for (unsigned i = 0; book && i < book->count; i++)
        if (slice_is_nocase(codec, book->own[i].name) && fits(book->own[i].mode, mode))
            return &book->own[i].values;
    for (size_t i = 0; i < COUNT(table); i++)
        if (slice_is_nocase(codec, table[i].name) && fits(table[i].mode, mode))
            return &table[i];
    return NULL;
}

/* Of two words the one that promises less: standard, operator, provisional. NULL promises all. */
static const char *weaker(const char *a, const char *b)
{
    if (a == NULL || strcmp(b, PRV) == 0)
        return b;
    return strcmp(a, STD) == 0 ? b : a;
}

/* Frames of modes without values, or on another scale, leave no honest mean. */
static bool mixed(const struct score_input *in, const char *const *modes, struct codec_quality *out)
{
    double frames = 0;
    bool single = false;
    *out = (struct codec_quality){0};
    for (unsigned i = 0; i < SCORE_MODES; i++) {
        double n = in->mode_frames[i];
        if (n == 0 || modes[i] == NULL) /* comfort noise, nothing sent */
            continue;
        const struct codec_quality *q = find(in->book, in->codec, modes[i]);
        if (q == NULL || (frames > 0 && q->scale != out->scale))
            return false;
        single = frames == 0;
        out->scale = q->scale;
        out->ie += q->ie * n;
        out->bpl += (q->bpl > 0 ? q->bpl : SCORE_BPL_DEFAULT) * n;
        out->basis = weaker(out->basis, q->basis);
        out->bpl_basis = weaker(out->bpl_basis, q->bpl_basis);
        frames += n;
    }
    if (frames == 0)
        return false;
    out->ie /= frames;
    out->bpl /= frames;
    if (!single)
        out->bpl_basis = weaker(out->bpl_basis, PRV);
    return true;
}

static bool counted(const uint32_t *frames)
{
    for (unsigned i = 0; frames && i < SCORE_MODES; i++)
        if (frames[i])
            return true;
    return false;
}

bool codec_quality_of(const struct score_input *in, struct codec_quality *ret_quality)
{
    const char *const *modes = modes_of(in->codec);
    if (modes && counted(in->mode_frames))
        return mixed(in, modes, ret_quality);
    const struct codec_quality *q = find(in->book, in->codec, mode_of(in->codec, in->fmtp));
    if (q == NULL)
        return false;
    *ret_quality = *q;
    /* G.113 Table I.4: G.711 without concealment. */
    bool g711 = slice_is_nocase(in->codec, "PCMU") || slice_is_nocase(in->codec, "PCMA");
    if (in->no_concealment && g711 && strcmp(q->basis, "operator") != 0)
        ret_quality->bpl = SCORE_BPL_DEFAULT;
    return true;
}

double codec_delay_ms(struct slice codec, double ptime_ms)
{
    for (size_t i = 0; i < COUNT(delays); i++) {
        double frame = delays[i].frame;
        if (!slice_is_nocase(codec, delays[i].name))
            continue;
        if (frame <= 0)
            return (ptime_ms > 0 ? ptime_ms : 20) + delays[i].ahead;
        double frames = ptime_ms > frame ? round(ptime_ms / frame) : 1;
        return (frames + 1) * frame + delays[i].ahead;
    }
    return NAN;
}

/* ---- the operator's own ---- */

static bool scale_read(struct slice text, enum emodel_scale *ret)
{
    static const char *const names[] = {"NB", "WB", "FB"};
    for (unsigned i = 0; i < COUNT(names); i++)
        if (slice_is_nocase(text, names[i])) {
            *ret = (enum emodel_scale)i;
            return true;
        }
    return false;
}

/* A number from 0 to `most`. */
static bool value_read(struct slice text, double most, double *ret)
{
    char digits[16], *end;
    if (text.size == 0 || text.size >= sizeof digits || text.data[0] == '-')
        return false;
    slice_copy_to(text, digits, sizeof digits);
    *ret = strtod(digits, &end);
    return *end == '\0' && *ret >= 0 && *ret <= most;
}

static struct slice next_word(struct slice *rest)
{
    *rest = slice_trim(*rest);
    return slice_cut(rest, ' ');
}

static bool own_read(struct slice item, struct quality_own *own)
{
    struct slice mode = next_word(&item), name = slice_cut(&mode, '/');
    struct codec_quality *q = &own->values;
    if (name.size == 0 || name.size >= sizeof own->name || mode.size >= sizeof own->mode)
        return false;
    slice_copy_to(name, own->name, sizeof own->name);
    slice_copy_to(mode, own->mode, sizeof own->mode);
    *q = (struct codec_quality){.basis = "operator", .bpl_basis = "operator"};
    return scale_read(next_word(&item), &q->scale) && value_read(next_word(&item), 131, &q->ie) &&
           value_read(next_word(&item), 100, &q->bpl) && q->bpl > 0 && slice_trim(item).size == 0;
}

int quality_book_parse(struct quality_book *ret_book, const char *text, struct slice *ret_wrong)
{
    struct slice rest = slice_str(text);
    ret_book->count = 0;
    while (rest.size) {
        struct slice item = slice_trim(slice_cut(&rest, ','));
        if (item.size == 0)
            continue;
        *ret_wrong = item;
        if (ret_book->count == QUALITY_OWN_MAX || !own_read(item, &ret_book->own[ret_book->count]))
            return ERR_INVALID;
        ret_book->count++;
    }
    return 0;
}
