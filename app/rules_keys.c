/* The value of one key of a rule: its text into what matching compares. Each kind of value has a reader that says yes or no to one
 * item; the sentence about a bad one is written in one place. */
#include "app/rules.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/clock.h"

#define PATTERN_MAX 128
#define DAY_NS      (86400 * INT64_C(1000000000))

enum values {
    VALUE_NUMBERS, VALUE_DIRECTIONS, VALUE_NAMES, VALUE_NETWORKS, VALUE_VLANS, VALUE_DOMAINS, VALUE_HEADERS, VALUE_PATTERNS,
    VALUE_HOURS, VALUE_DAYS, VALUE_SAMPLE, VALUE_DURATION, VALUE_DATE, VALUE_ACTION, VALUE_FORMAT, VALUE_DAYS_KEPT, VALUE_MASK,
    VALUE_TAGS, VALUE_KINDS
};

static const struct {
    const char *name;
    enum values values;
} KEYS[RULE_KEYS] = {
#define KEY(name, values, help) {#name, VALUE_##values},
#include "app/rules.def"
#undef KEY
};

static const char *const EXPECTED[VALUE_KINDS] = {
    [VALUE_NUMBERS] = "numbers such as 4711, +43* or 01?0",
    [VALUE_DIRECTIONS] = "in, out, internal, unknown",
    [VALUE_NAMES] = "names of letters, digits, - and _",
    [VALUE_NETWORKS] = "networks such as 10.0.0.0/8 or 2001:db8::/32",
    [VALUE_VLANS] = "VLANs from 1 to 4094",
    [VALUE_DOMAINS] = "domains such as example.com or *.example.com",
    [VALUE_HEADERS] = "a header: X-Record, X-Record: yes, or Subject ~ urgent",
    [VALUE_PATTERNS] = "patterns such as *yealink*",
    [VALUE_HOURS] = "times of the day such as 08:00-18:00",
    [VALUE_DAYS] = "days such as mon-fri, sun",
    [VALUE_SAMPLE] = "a share of the calls: 10%, 0.5% or 1/20",
    [VALUE_DURATION] = "a duration such as 5s, 10min or 1h",
    [VALUE_DATE] = "a day such as 2027-06-30, or a moment such as 2027-06-30T18:00:00Z",
    [VALUE_ACTION] = "record, metadata-only, headers-only, skip, on-demand, on-demand-keep",
    [VALUE_FORMAT] = "wav, wav-g711, flac, ogg, mp3",
    [VALUE_DAYS_KEPT] = "days from 1d to 36500d",
    [VALUE_MASK] = "keep, count, drop",
    [VALUE_TAGS] = "words of letters, digits, ., - and _, together at most 127 characters",
};

const char *rule_key_name(unsigned key)
{
    return KEYS[key].name;
}

enum rule_key rule_key_find(struct slice name)
{
    unsigned k = 0;
    while (k < RULE_KEYS && !slice_is(name, KEYS[k].name))
        k++;
    return (enum rule_key)k;
}

bool rule_key_is_list(unsigned key)
{
    enum values v = KEYS[key].values;
    return v <= VALUE_DAYS || v == VALUE_TAGS;
}

void rule_key_forget(struct rule *r, enum rule_key key)
{
    free(r->list[key].texts); /* of any kind: one pointer */
    r->list[key] = (struct rule_list){0};
}

/* ---- single values ---- */

static bool only(struct slice text, const char *more)
{
    for (size_t i = 0; i < text.size; i++)
        if (!isalnum(text.data[i]) && (text.data[i] == '\0' || strchr(more, text.data[i]) == NULL))
            return false;
    return text.size > 0 && text.size < PATTERN_MAX;
}

static bool read_direction(struct slice text, struct rule *r)
{
    for (unsigned d = 0; d < 4; d++) {
        if (slice_is(text, call_direction_text((enum call_direction)d))) {
            r->directions |= (uint8_t)(1u << d);
            return true;
        }
    }
    return false;
}

static bool read_clock(struct slice text, uint16_t *ret_minute)
{
    struct slice rest = text;
    struct slice hour = slice_cut(&rest, ':');
    uint16_t h, m = 0;
    if (!slice_to_u16(hour, &h) || rest.size != 2 || !slice_to_u16(rest, &m) || m > 59 || h * 60 + m > 24 * 60)
        return false;
    *ret_minute = (uint16_t)(h * 60 + m);
    return true;
}

static bool read_hours(struct slice text, struct rule_hours *ret_hours)
{
    struct slice rest = text;
    struct slice from = slice_trim(slice_cut(&rest, '-'));
    return read_clock(from, &ret_hours->from) && read_clock(slice_trim(rest), &ret_hours->to) && ret_hours->from != ret_hours->to;
}

static int day_of(struct slice text)
{
    static const char *const DAYS[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int i = 0; i < 7; i++)
        if (slice_is_nocase(text, DAYS[i]))
            return i;
    return -1;
}

static bool read_days(struct slice text, struct rule *r)
{
    struct slice rest = text;
    int from = day_of(slice_trim(slice_cut(&rest, '-')));
    int to = rest.size ? day_of(slice_trim(rest)) : from;
    if (from < 0 || to < 0)
        return false;
    for (int d = from;; d = (d + 1) % 7) {
        r->weekdays |= (uint8_t)(1u << d);
        if (d == to)
            return true;
    }
}

/* "10%", "0.25%", "1/20". */
static bool read_sample(struct slice text, struct rule *r)
{
    char copy[24];
    char *end;
    if (text.size == 0 || text.size >= sizeof copy || !isdigit(text.data[0]))
        return false;
    slice_copy_to(text, copy, sizeof copy);
    double n = strtod(copy, &end), of = 100;
    if (*end == '/') {
        char *digits = end + 1;
        of = isdigit((unsigned char)*digits) ? strtod(digits, &end) : 0;
    } else if (*end == '%') {
        end++;
    } else {
        return false;
    }
    if (*end || !(n > 0) || !(of >= n) || of > 1e6)
        return false;
    r->sample_of_million = (uint32_t)(n / of * 1e6 + 0.5);
    return r->sample_of_million > 0;
}

static bool read_duration(struct slice text, int64_t *ret_ns)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } UNITS[] = {{"ms", 1000000}, {"s", 1000000000}, {"min", 60 * INT64_C(1000000000)}, {"h", 3600 * INT64_C(1000000000)}, {"d", DAY_NS}};
    size_t n = 0;
    uint64_t value;
    while (n < text.size && isdigit(text.data[n]))
        n++;
    if (!slice_to_u64(slice_sub(text, 0, n), 100000, &value))
        return false;
    for (unsigned i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
        if (slice_is(slice_trim(slice_from(text, n)), UNITS[i].unit)) {
            *ret_ns = (int64_t)value * UNITS[i].ns;
            return value > 0;
        }
    }
    return false;
}

/* A moment with Z, or a day: then the start of the day after it, as the clock on the wall shows it. */
static bool read_date(struct slice text, struct rule *r)
{
    char copy[40];
    int64_t us;
    r->valid_is_day = text.size == 10;
    if (text.size >= sizeof copy - 10)
        return false;
    snprintf(copy, sizeof copy, "%.*s%s", SLICE_ARGS(text), r->valid_is_day ? "T00:00:00Z" : "");
    if (clock_parse_rfc3339(copy, &us) != 0)
        return false;
    r->valid_us = r->valid_is_day ? us + DAY_NS / 1000 : us;
    return true;
}

static bool read_action(struct slice text, struct rule *r)
{
    for (unsigned a = 0; a < RULE_ACTIONS; a++) {
        if (slice_is(text, rule_action_text(a))) {
            r->says.action = (uint8_t)a;
            r->says.keep = (uint8_t)rule_action_keeps(a);
            return true;
        }
    }
    return false;
}

static bool read_format(struct slice text, struct rule *r)
{
    for (unsigned f = 0; f < RULE_FORMATS; f++) {
        if (slice_is(text, rule_format_text(f))) {
            r->says.format = (uint8_t)f;
            r->says.format_given = true;
            return true;
        }
    }
    return false;
}

static bool read_mask(struct slice text, struct rule *r)
{
    for (unsigned m = 1; m < RULE_MASKS; m++) {
        if (slice_is(text, rule_mask_text(m))) {
            r->says.mask = (uint8_t)m;
            return true;
        }
    }
    return false;
}

static bool read_retention(struct slice text, struct rule *r)
{
    int64_t ns;
    if (!read_duration(text, &ns) || ns % DAY_NS != 0 || ns / DAY_NS > 36500)
        return false;
    r->says.retain_days = (uint32_t)(ns / DAY_NS);
    return true;
}

static bool read_time(enum rule_key key, struct slice text, struct rule *r)
{
    switch (key) {
    case RULE_KEY_longer_than:
        return read_duration(text, &r->longer_than_ns);
    case RULE_KEY_min_duration:
        return read_duration(text, &r->says.min_ns);
    case RULE_KEY_split:
        return read_duration(text, &r->says.split_ns);
    default:
        return read_duration(text, &r->says.look_back_ns);
    }
}

/* Tags stand together, commas between, in the order in which they were written. */
static bool read_tag(struct slice text, struct rule *r)
{
    size_t used = strlen(r->says.tags);
    if (!only(text, "._-") || used + text.size + 2 > sizeof r->says.tags)
        return false;
    snprintf(r->says.tags + used, sizeof r->says.tags - used, "%s%.*s", used ? "," : "", SLICE_ARGS(text));
    return true;
}

/* ---- conditions on headers ---- */

static bool read_header(struct slice text, struct rule_header *h)
{
    size_t colon = slice_index(text, ':'), tilde = slice_index(text, '~');
    size_t at = colon < tilde ? colon : tilde;
    struct slice name = slice_trim(slice_sub(text, 0, at));
    struct slice value = slice_trim(slice_from(text, at + 1));
    *h = (struct rule_header){.op = at == text.size ? RULE_HEADER_THERE : at == colon ? RULE_HEADER_IS : RULE_HEADER_HOLDS};
    if (!only(name, "-.!%*_+`'") || name.size >= sizeof h->name || value.size >= sizeof h->value ||
        (h->op != RULE_HEADER_THERE && value.size == 0))
        return false;
    slice_copy_to(name, h->name, sizeof h->name);
    slice_copy_to(value, h->value, sizeof h->value);
    return true;
}

static bool add_header(struct rules *set, struct rule *r, struct slice text, struct why *why)
{
    struct rule_header h;
    unsigned i = 0;
    if (!read_header(text, &h))
        return false;
    while (i < set->header_count && memcmp(&set->header[i], &h, sizeof h) != 0)
        i++;
    if (i == RULE_HEADERS_MAX) {
        why_set(why, "[rule %s] header: all rules together have at most %d conditions on headers; join some of them", r->name,
                RULE_HEADERS_MAX);
        return false;
    }
    if (i == set->header_count)
        set->header[set->header_count++] = h;
    r->headers |= UINT64_C(1) << i;
    return true;
}

/* ---- lists ---- */

static size_t item_size(enum values v)
{
    return v == VALUE_NETWORKS ? sizeof(struct place_network)
           : v == VALUE_VLANS  ? sizeof(uint16_t)
           : v == VALUE_HOURS  ? sizeof(struct rule_hours)
                               : sizeof(struct slice);
}

static bool list_item(enum values v, struct slice text, struct rule_list *l)
{
    switch (v) {
    case VALUE_NETWORKS:
        return place_network_parse(text, &l->networks[l->count]);
    case VALUE_VLANS:
        return slice_to_u16(text, &l->vlans[l->count]) && l->vlans[l->count] >= 1 && l->vlans[l->count] <= 4094;
    case VALUE_HOURS:
        return read_hours(text, &l->hours[l->count]);
    default:
        l->texts[l->count] = text;
        return v == VALUE_NAMES     ? place_name_valid(text)
               : v == VALUE_DOMAINS ? place_domain_valid(text)
               : v == VALUE_NUMBERS ? only(text, "+*#?.-_~!$&")
                                    : text.size < PATTERN_MAX;
    }
}

static bool one_item(struct rules *set, struct rule *r, enum rule_key key, struct slice item, struct why *why)
{
    enum values v = KEYS[key].values;
    struct rule_list *l = &r->list[key];
    switch (v) {
    case VALUE_HEADERS:
        return add_header(set, r, item, why);
    case VALUE_DIRECTIONS:
        return read_direction(item, r);
    case VALUE_DAYS:
        return read_days(item, r);
    case VALUE_TAGS:
        return read_tag(item, r);
    default:
        if (!list_item(v, item, l))
            return false;
        l->count++;
        return true;
    }
}

static unsigned items_of(const char *text)
{
    unsigned n = 1;
    for (; *text; text++)
        n += *text == ',' || *text == '\n';
    return n;
}

static int bad(const struct rule *r, enum rule_key key, struct slice item, struct why *why)
{
    if (why && why->text[0] == '\0')
        why_set(why, "\"%.*s\" is no value for [rule %s] %s: it takes %s", SLICE_ARGS(slice_sub(item, 0, 60)), r->name,
                KEYS[key].name, EXPECTED[KEYS[key].values]);
    return ERR_INVALID;
}

static int read_list(struct rules *set, struct rule *r, enum rule_key key, struct why *why)
{
    struct slice rest = slice_str(r->text[key]);
    unsigned most = items_of(r->text[key]);
    rule_key_forget(r, key);
    if (most > RULE_ITEMS_MAX) {
        why_set(why, "[rule %s] %s: a list has at most %d items; make a second rule", r->name, KEYS[key].name, RULE_ITEMS_MAX);
        return ERR_INVALID;
    }
    r->list[key].texts = calloc(most, item_size(KEYS[key].values));
    if (r->list[key].texts == NULL)
        return ERR_NOMEM;
    while (rest.size) {
        struct slice item = slice_trim(slice_cut(&rest, key == RULE_KEY_header ? '\n' : ','));
        if (item.size && !one_item(set, r, key, item, why))
            return bad(r, key, item, why);
    }
    return 0;
}

/* A list is read anew with every line that adds to it. */
static void begin_again(struct rule *r, enum rule_key key)
{
    if (key == RULE_KEY_direction)
        r->directions = 0;
    if (key == RULE_KEY_weekdays)
        r->weekdays = 0;
    if (key == RULE_KEY_tags)
        r->says.tags[0] = '\0';
}

int rule_key_parse(struct rules *set, struct rule *r, enum rule_key key, struct why *why)
{
    struct slice text = slice_trim(slice_str(r->text[key]));
    bool good = false;
    begin_again(r, key);
    if (rule_key_is_list(key))
        return read_list(set, r, key, why);
    switch (KEYS[key].values) {
    case VALUE_SAMPLE:
        good = read_sample(text, r);
        break;
    case VALUE_DURATION:
        good = read_time(key, text, r);
        break;
    case VALUE_DATE:
        good = read_date(text, r);
        break;
    case VALUE_ACTION:
        good = read_action(text, r);
        break;
    case VALUE_FORMAT:
        good = read_format(text, r);
        break;
    case VALUE_DAYS_KEPT:
        good = read_retention(text, r);
        break;
    case VALUE_MASK:
        good = read_mask(text, r);
        break;
    default:
        break;
    }
    return good ? 0 : bad(r, key, text, why);
}
