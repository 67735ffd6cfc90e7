/* One walk over the lines: a Content-Type in a head (the message's, or a part's) says whether the
 * lines behind the next empty one are keys. */
#include "capture/sip/mask.h"

#include "capture/sip/grammar.h"

struct walk {
    const uint8_t *start;
    uint8_t *out; /* the same bytes, or NULL: only look */
    size_t bytes;
    bool begun; /* empty lines ahead of the message are behind us */
    bool head;
    bool keys; /* what the newest Content-Type is about */
    bool kpml; /* keys are in an attribute of XML: */
    unsigned matched; /* letters of its name */
    char quote;       /* within its value */
};

static const char kpml_name[] = "digits";
#define KPML_NAME (sizeof kpml_name - 1)

static void cover(struct walk *w, struct slice key)
{
    w->bytes += key.size;
    if (w->out == NULL || key.size == 0)
        return;
    uint8_t *at = w->out + (key.data - w->start);
    memset(at, ' ', key.size);
    at[0] = '*';
}

static bool is_keys(struct slice type)
{
    static const char *const names[] = {"application/dtmf-relay", "application/dtmf",
                                        "audio/telephone-event", "application/telephone-event",
                                        "application/vnd.nortelnetworks.digits"};
    type = sip_trim(slice_sub(type, 0, slice_index(type, ';')));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_is_nocase(type, names[i]))
            return true;
    return false;
}

static bool is_kpml(struct slice type)
{
    type = sip_trim(slice_sub(type, 0, slice_index(type, ';')));
    return slice_is_nocase(type, "application/kpml-response+xml");
}

/* `digits = "12"`, over as many lines as it likes; each octet of the value becomes a star, so that as many keys are left. */
static void cover_kpml(struct walk *w, struct slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        char c = (char)line.data[i];
        bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (w->quote && c == w->quote) {
            w->quote = '\0';
            w->matched = 0;
        } else if (w->quote) {
            if (!blank)
                cover(w, slice_sub(line, i, i + 1));
        } else if (w->matched == KPML_NAME && (c == '"' || c == '\'')) {
            w->quote = c;
        } else if (w->matched == KPML_NAME && (blank || c == '=')) {
            continue;
        } else {
            bool next = w->matched < KPML_NAME && (c | 0x20) == kpml_name[w->matched];
            w->matched = next ? w->matched + 1 : (c | 0x20) == kpml_name[0];
        }
    }
}

static void read_header(struct walk *w, struct slice line)
{
    size_t colon = slice_index(line, ':');
    struct slice name = sip_trim(slice_sub(line, 0, colon));
    if (slice_is_nocase(name, "Content-Type") || slice_is_nocase(name, "c")) {
        struct slice type = sip_trim(slice_from(line, colon + 1));
        w->keys = is_keys(type);
        w->kpml = is_kpml(type);
        w->matched = 0;
        w->quote = '\0';
    }
}

/* "Signal=5" loses its 5, a line of another form all of it. */
static void cover_line(struct walk *w, struct slice line)
{
    size_t equals = slice_index(line, '=');
    struct slice name = sip_trim(slice_sub(line, 0, equals));
    if (equals < line.size && slice_is_nocase(name, "Duration"))
        return;
    bool named = equals < line.size && slice_is_nocase(name, "Signal");
    cover(w, sip_trim(named ? slice_from(line, equals + 1) : line));
}

/* The line at the front, in a head with those that continue it; nothing continues an empty one. */
static size_t line_length(const struct walk *w, struct slice s)
{
    size_t n = slice_index(s, '\n') + 1;
    bool folds = w->head && sip_trim(slice_sub(s, 0, n)).size > 0;
    while (folds && n < s.size && (s.data[n] == ' ' || s.data[n] == '\t'))
        n += slice_index(slice_from(s, n), '\n') + 1;
    return n < s.size ? n : s.size;
}

static void step(struct walk *w, struct slice line)
{
    bool empty = sip_trim(line).size == 0;
    if (w->head && !empty) {
        w->begun = true;
        read_header(w, line);
    } else if (w->head) {
        w->head = !w->begun;
    } else if (slice_starts(line, "--")) { /* the head of a part follows */
        w->head = w->begun = true;
        w->keys = w->kpml = false;
    } else if (w->kpml) {
        cover_kpml(w, line);
    } else if (w->keys && !empty) {
        cover_line(w, line);
    }
}

static size_t walk(struct walk *w, struct slice rest)
{
    w->head = true;
    while (rest.size) {
        size_t n = line_length(w, rest);
        step(w, slice_sub(rest, 0, n));
        rest = slice_from(rest, n);
    }
    return w->bytes;
}

size_t sip_digits_in(struct slice text)
{
    struct walk w = {.start = text.data};
    return walk(&w, text);
}

size_t sip_mask_digits(uint8_t *text, size_t size)
{
    struct walk w = {.start = text, .out = text};
    return walk(&w, slice_of(text, size));
}
