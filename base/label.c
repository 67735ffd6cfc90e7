/* Label sets (labels.def): text to index and back. The sets are closed, so that nobody on the
 * network can grow /metrics; codecs have several names on the wire and are looked up with more
 * patience. */
#include "base/counters.h"

#include <assert.h>

struct label_values {
    const char *const *text;
    unsigned count;
};

static const struct label_values label_sets[LABEL_SETS] = {
#define LABELS(set, name, ...) {(const char *const[]){__VA_ARGS__}, LABEL_COUNT_##set},
#include "base/labels.def"
#undef LABELS
};

/* Names of SDP (RFC 3551, RFC 4856 and the registrations) that mean a codec of the set. */
struct codec_alias {
    const char *name;
    const char *label;
};

static const struct codec_alias codec_aliases[] = {
    {"G711U", "PCMU"},     {"G711A", "PCMA"},      {"G729A", "G729"},      {"G729B", "G729"},
    {"G729AB", "G729"},    {"G729D", "G729"},      {"G729E", "G729"},      {"G7231", "G723"},
    {"G723.1", "G723"},    {"AMRWB", "AMR-WB"},    {"CN-8000", "CN"},      {"H261", "video"},
    {"H263", "video"},     {"H263-1998", "video"}, {"H263-2000", "video"}, {"H264", "video"},
    {"H264-SVC", "video"}, {"H265", "video"},      {"H266", "video"},      {"VP8", "video"},
    {"VP9", "video"},      {"AV1", "video"},       {"MP4V-ES", "video"},   {"MPV", "video"},
    {"MP2T", "video"},     {"JPEG", "video"},      {"JPEG2000", "video"},  {"theora", "video"},
    {"raw", "video"},      {"nv", "video"},        {"CelB", "video"},
};

static bool find_nocase(const struct label_values *v, struct slice value, unsigned *ret_index)
{
    for (unsigned i = 0; i < v->count; i++) {
        if (slice_is_nocase(value, v->text[i])) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

/* What a name stands for in the set, or the name itself. */
static struct slice codec_name(struct slice value)
{
    if (slice_starts_nocase(value, "G726-") || slice_starts_nocase(value, "AAL2-G726-"))
        return slice_str("G726");
    for (size_t i = 0; i < sizeof codec_aliases / sizeof *codec_aliases; i++)
        if (slice_is_nocase(value, codec_aliases[i].name))
            return slice_str(codec_aliases[i].label);
    return value;
}

static unsigned label_rest(const struct label_values *v)
{
    const char *last = v->text[v->count - 1];
    return strcmp(last, "other") == 0 || strcmp(last, "unknown") == 0 ? v->count - 1 : 0;
}

unsigned label_find(enum label_set set, struct slice value)
{
    assert(set < LABEL_SETS);
    const struct label_values *v = &label_sets[set];
    unsigned index;
    if (set == LABELS_CODEC) {
        if (find_nocase(v, value, &index) || find_nocase(v, codec_name(value), &index))
            return index;
        return label_rest(v);
    }
    for (unsigned i = 0; i < v->count; i++)
        if (slice_is(value, v->text[i]))
            return i;
    return label_rest(v);
}

static unsigned code_of_text(const char *text)
{
    return (unsigned)(text[0] - '0') * 100 + (unsigned)(text[1] - '0') * 10 +
           (unsigned)(text[2] - '0');
}

unsigned label_code(unsigned status)
{
    const char *const *text = label_sets[LABELS_CODE].text;
    unsigned other = LABEL_COUNT_CODE - 1;
    unsigned low = 0;
    unsigned high = other; /* the codes stand in ascending order */
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (code_of_text(text[middle]) < status)
            low = middle + 1;
        else
            high = middle;
    }
    return low < other && code_of_text(text[low]) == status ? low : other;
}

const char *label_text(enum label_set set, unsigned index)
{
    assert(set < LABEL_SETS && index < label_sets[set].count);
    return label_sets[set].text[index];
}
