/* ITU-T G.113 Appendix I as data: equipment impairment (Ie) and loss robustness (Bpl) of the
 * narrowband codecs, each with the word for where it comes from. A codec or mode that is not here
 * gets no score. To add one: a line in the table; the first line whose name and mode match wins, a
 * line with an empty mode matches any. */
#include "decode/score.h"

#define STD "standard"
#define PRV "provisional"

/* clang-format off */
static const struct codec_quality table[] = {
    /* name         mode     scale  Ie   Bpl   Ie is  Bpl is */
    {"PCMU",         "64",    "NB",   0, 25.1, STD, STD}, /* endpoints conceal as G.711 App. I does */
    {"PCMA",         "64",    "NB",   0, 25.1, STD, STD},
    {"G726-40",      "40",    "NB",   2,    0, STD, PRV},
    {"G726-32",      "32",    "NB",   7,    0, STD, PRV},
    {"G726-24",      "24",    "NB",  25,    0, STD, PRV},
    {"G726-16",      "16",    "NB",  50,    0, STD, PRV},
    {"AAL2-G726-40", "40",    "NB",   2,    0, STD, PRV},
    {"AAL2-G726-32", "32",    "NB",   7,    0, STD, PRV},
    {"AAL2-G726-24", "24",    "NB",  25,    0, STD, PRV},
    {"AAL2-G726-16", "16",    "NB",  50,    0, STD, PRV},
    {"G721",         "32",    "NB",   7,    0, STD, PRV},
    {"G728",         "16",    "NB",   7,    0, STD, PRV},
    {"G729",         "8",     "NB",  10, 19.0, STD, PRV}, /* without VAD; Bpl is that of G.729A */
    {"G729",         "8+vad", "NB",  11, 19.0, STD, STD},
    {"G723",         "6.3",   "NB",  15, 16.1, STD, STD},
    {"G723",         "5.3",   "NB",  19, 16.1, STD, PRV}, /* same concealment as 6.3 */
    {"GSM",          "13",    "NB",  20,    0, STD, PRV},
    {"GSM-HR-08",    "5.6",   "NB",  23,    0, STD, PRV},
    {"GSM-EFR",      "12.2",  "NB",   5, 10.0, STD, STD},
    {"AMR",          "12.2",  "NB",   5, 10.0, PRV, PRV}, /* G.113 has no row: from published delay bounds */
    {"AMR",          "10.2",  "NB",   6, 10.0, PRV, PRV},
    {"AMR",          "7.95",  "NB",  10, 10.0, PRV, PRV},
    {"AMR",          "7.4",   "NB",  12, 10.0, PRV, PRV},
    {"AMR",          "6.7",   "NB",  14, 10.0, PRV, PRV},
    {"AMR",          "5.9",   "NB",  17, 10.0, PRV, PRV},
    {"AMR",          "5.15",  "NB",  20, 10.0, PRV, PRV},
    {"AMR",          "4.75",  "NB",  21, 10.0, PRV, PRV},
    {"iLBC",         "",      "NB",  10, 18.6, PRV, PRV},
};
/* clang-format on */

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

/* AMR tells its mode in each payload; the SDP only when one mode is allowed (RFC 4867 mode-set). */
static const char *amr_mode(struct slice fmtp)
{
    static const char *const modes[] = {"4.75", "5.15", "5.9",  "6.7",
                                        "7.4",  "7.95", "10.2", "12.2"};
    uint64_t mode;
    if (!slice_to_u64(fmtp_value(fmtp, "mode-set"), 7, &mode))
        return "unknown";
    return modes[mode];
}

static const char *mode_of(struct slice codec, struct slice fmtp)
{
    if (slice_is_nocase(codec, "G729")) /* RFC 4856: annexb is "yes" unless said */
        return slice_is_nocase(fmtp_value(fmtp, "annexb"), "no") ? "8" : "8+vad";
    if (slice_is_nocase(codec, "G723"))
        return slice_is(fmtp_value(fmtp, "bitrate"), "5.3") ? "5.3" : "6.3";
    if (slice_is_nocase(codec, "AMR"))
        return amr_mode(fmtp);
    return NULL;
}

const struct codec_quality *codec_quality_find(struct slice codec, struct slice fmtp)
{
    const char *mode = mode_of(codec, fmtp);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct codec_quality *q = &table[i];
        if (slice_is_nocase(codec, q->name) && (mode == NULL || strcmp(mode, q->mode) == 0))
            return q;
    }
    return NULL;
}
