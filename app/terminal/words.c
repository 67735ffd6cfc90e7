#include "app/terminal/words.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"

#define DIGITS_MIN 3
#define DAY_US     (INT64_C(86400) * 1000000)

void words_pair(struct buf *query, const char *name, struct slice value)
{
    static const char HEX[] = "0123456789ABCDEF";
    buf_char(query, '&');
    buf_str(query, name);
    buf_char(query, '=');
    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.data[i];
        if (isalnum(c) || strchr("-._~", c)) {
            buf_char(query, (char)c);
        } else {
            buf_char(query, '%');
            buf_char(query, HEX[c >> 4]);
            buf_char(query, HEX[c & 15]);
        }
    }
}

static void pair(struct buf *query, const char *name, const char *value)
{
    words_pair(query, name, slice_str(value));
}

/* ---- words that stand for a filter ---- */

static bool add_flag(struct buf *query, const char *word)
{
    static const struct {
        const char *word, *name, *values; /* with commas between */
    } FLAGS[] = {
        {"failed", "outcome", "busy,no_answer,rejected,failed,lost"},
        {"answered", "outcome", "answered"},
        {"busy", "outcome", "busy"},
        {"cancelled", "outcome", "cancelled"},
        {"rejected", "outcome", "rejected"},
        {"no-answer", "outcome", "no_answer"},
        {"one-way", "one_way", "true"},
        {"no-media", "no_rtp", "true"},
        {"recorded", "has_recording", "true"},
        {"unrecorded", "has_recording", "false"},
        {"encrypted", "encrypted", "true"},
        {"partial", "partial", "true"},
    };
    for (size_t i = 0; i < sizeof FLAGS / sizeof *FLAGS; i++) {
        if (strcmp(word, FLAGS[i].word) != 0)
            continue;
        struct slice rest = slice_str(FLAGS[i].values);
        while (rest.size)
            words_pair(query, FLAGS[i].name, slice_cut(&rest, ','));
        return true;
    }
    return false;
}

/* ---- measures: mos<3.5 ---- */

struct measure {
    const char *word;
    char op;
    const char *name;
    double factor; /* to what the API counts in */
    double most;
};

static int add_measure(struct buf *query, const char *word, struct why *why)
{
    static const struct measure MEASURES[] = {
        {"mos", '<', "mos_min__lte", 1, 5},
        {"loss", '>', "loss_ratio__gte", 1, 100},
        {"jitter", '>', "jitter_ms__gte", 1, 1e6},
        {"duration", '>', "duration_ms__gte", 1000, 1e9},
        {"duration", '<', "duration_ms__lte", 1000, 1e9},
    };
    size_t n = strcspn(word, "<>");
    for (size_t i = 0; i < sizeof MEASURES / sizeof *MEASURES; i++) {
        const struct measure *m = &MEASURES[i];
        if (strlen(m->word) != n || strncmp(word, m->word, n) != 0 || word[n] != m->op)
            continue;
        char *end, text[40];
        double v = strtod(word + n + 1 + (word[n + 1] == '='), &end);
        bool percent = *end == '%' && strcmp(m->word, "loss") == 0;
        end += percent;
        if (end == word + n + 1 || !(v >= 0 && v <= m->most) || (*end && strcmp(end, "s") != 0 && strcmp(end, "ms") != 0))
            break;
        if (strcmp(m->word, "loss") == 0 && (percent || v >= 1))
            v /= 100;
        snprintf(text, sizeof text, "%.10g", v * m->factor);
        pair(query, m->name, text);
        return 0;
    }
    why_set(why, "\"%s\": what is measured is mos<N, loss>N%%, jitter>N, duration>N or duration<N", word);
    return ERR_INVALID;
}

/* ---- names: code:486, trunk:carrier, number__prefix=+49 ---- */

static bool add_named(struct buf *query, const char *word)
{
    static const char *const NAMES[][2] = {
        {"code", "sip_code"}, {"cause", "q850"}, {"outcome", "outcome"}, {"codec", "codec"},  {"trunk", "trunk"},       {"site", "site"},
        {"tenant", "tenant"}, {"tag", "tag"},    {"label", "label"},     {"from", "from_user"}, {"to", "to_user"},      {"kind", "kind"},
        {"number", "number"}, {"ip", "ip"},      {"direction", "direction"}, {"ua", "user_agent__contains"}, {"scale", "scale"}, {"text", "q"},
    };
    size_t n = strcspn(word, ":=");
    if (word[n] == '\0' || n == 0 || n > 40)
        return false;
    char name[41];
    snprintf(name, sizeof name, "%.*s", (int)n, word);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(name, NAMES[i][0]) == 0) {
            pair(query, NAMES[i][1], word + n + 1);
            return true;
        }
    if (word[n] != '=' || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != n)
        return false;
    pair(query, name, word + n + 1);
    return true;
}

/* Spaces, brackets, dashes and dots as people write numbers. */
static bool add_number(struct buf *query, const char *word)
{
    char digits[64];
    size_t n = 0, count = 0;
    for (const char *p = word; *p; p++) {
        if (strchr(" ()/-.", *p))
            continue;
        if (!isdigit((unsigned char)*p) && !(*p == '+' && p == word))
            return false;
        if (n + 1 >= sizeof digits)
            return false;
        digits[n++] = *p;
        count += *p != '+';
    }
    digits[n] = '\0';
    if (count < DIGITS_MIN)
        return false;
    pair(query, "number__prefix", digits);
    return true;
}

int words_add(struct buf *query, const char *word, struct why *why)
{
    struct addr a;
    if (word[0] == '\0') {
        why_set(why, "an empty word finds nothing");
        return ERR_INVALID;
    }
    if (add_flag(query, word))
        return 0;
    if (addr_parse(slice_str(word), &a))
        pair(query, "ip", word);
    else if (add_number(query, word))
        return 0;
    else if (strpbrk(word, "<>"))
        return add_measure(query, word, why);
    else if (strchr(word, '@') && word[strcspn(word, "=")] == '\0')
        pair(query, "call_id", word);
    else if (!add_named(query, word))
        pair(query, "q", word);
    return 0;
}

static int read_time(const char *option, const char *text, int64_t now_us, int64_t *ret_us, struct why *why)
{
    static const char UNITS[] = "smhd";
    static const int64_t SECONDS[] = {1, 60, 3600, 86400};
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    const char *unit = *end && end != text && end[1] == '\0' ? strchr(UNITS, *end) : NULL;
    if (unit && n <= 100000) {
        *ret_us = now_us - (int64_t)n * SECONDS[unit - UNITS] * 1000000;
        return 0;
    }
    if (clock_parse_rfc3339(text, ret_us) == 0)
        return 0;
    why_set(why, "--%s takes 2025-11-21T10:00:00Z or how long ago, as 30m, 12h, 7d; not \"%s\"", option, text);
    return ERR_INVALID;
}

int words_add_span(struct buf *query, const struct words_span *span, int64_t now_us, struct why *why)
{
    char out[CLOCK_TEXT_SIZE];
    int64_t from_us, to_us = now_us;
    if (span->to && read_time(span->to_option, span->to, now_us, &to_us, why) != 0)
        return ERR_INVALID;
    from_us = to_us - DAY_US;
    if (span->from && read_time("from", span->from, now_us, &from_us, why) != 0)
        return ERR_INVALID;
    pair(query, "from", clock_rfc3339_us(from_us, out));
    if (span->to)
        pair(query, "to", clock_rfc3339_us(to_us, out));
    return 0;
}
