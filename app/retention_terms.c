/* One walk over all terms (term_at) serves reading, printing and comparing: four ages, four sizes, and what stays free. */
#include "app/retention_terms.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/put_file.h"

#define TERMS_FILE   "retention-terms.json"
#define APPLIED_FILE "retention-terms.applied"
#define BODY_MAX     (8u << 10)
#define DEPTH_MAX    4
#define TEXT_MAX     4096
#define DAY_S        INT64_C(86400)
#define AGE_MAX_S    (36500 * DAY_S)
#define BYTES_MAX    (INT64_C(1) << 60)
#define SECOND_US    INT64_C(1000000)
#define TERM_COUNT   (2 * RETAIN_CLASSES + 1)

enum term_kind { TERM_AGE, TERM_BYTES, TERM_FREE };

static enum term_kind kind_of(unsigned n)
{
    return n < RETAIN_CLASSES ? TERM_AGE : n < 2 * RETAIN_CLASSES ? TERM_BYTES : TERM_FREE;
}

/* Seconds or bytes; 0: without bound. */
static int64_t term_at(const struct retention_limits *l, unsigned n)
{
    switch (kind_of(n)) {
    case TERM_AGE:
        return (l->age_us[n] + SECOND_US - 1) / SECOND_US;
    case TERM_BYTES:
        return (int64_t)l->bytes[n - RETAIN_CLASSES];
    default:
        return (int64_t)l->min_free;
    }
}

static void set_term(struct retention_limits *l, unsigned n, int64_t v)
{
    if (kind_of(n) == TERM_AGE)
        l->age_us[n] = v * SECOND_US;
    else if (kind_of(n) == TERM_BYTES)
        l->bytes[n - RETAIN_CLASSES] = (uint64_t)v;
    else
        l->min_free = (uint64_t)v;
}

/* ---- out ---- */

static void put_term(struct json *j, const char *name, int64_t v)
{
    if (v)
        json_kv_int(j, name, v);
    else
        json_kv_null(j, name);
}

void terms_print(const struct retention_limits *limits, struct buf *out)
{
    struct json j;
    json_init(&j, out);
    json_object(&j);
    json_key(&j, "classes");
    json_object(&j);
    for (unsigned c = 0; c < RETAIN_CLASSES; c++) {
        json_key(&j, retention_class_text((enum retention_class)c));
        json_object(&j);
        put_term(&j, "max_age_s", term_at(limits, c));
        put_term(&j, "max_bytes", term_at(limits, c + RETAIN_CLASSES));
        json_end(&j);
    }
    json_end(&j);
    put_term(&j, "min_free_bytes", (int64_t)limits->min_free);
    json_end(&j);
}

static void print_value(struct buf *out, enum term_kind kind, int64_t v)
{
    static const char UNITS[] = "\0kMGT";
    unsigned unit = 0;
    if (v == 0) {
        buf_str(out, "none");
    } else if (kind == TERM_AGE) {
        buf_printf(out, "%" PRId64 "%s", v % DAY_S ? v : v / DAY_S, v % DAY_S ? "s" : "d");
    } else {
        for (; v % 1024 == 0 && unit < 4; unit++)
            v /= 1024;
        buf_printf(out, "%" PRId64 "%.1s", v, &UNITS[unit]);
    }
}

void terms_tell_change(const struct retention_limits *before, const struct retention_limits *after, struct buf *out)
{
    static const char *const WORDS[] = {" age ", " bytes ", "free "};
    size_t from = out->size;
    for (unsigned n = 0; n < TERM_COUNT; n++) {
        int64_t was = term_at(before, n), is = term_at(after, n);
        enum term_kind kind = kind_of(n);
        if (was == is)
            continue;
        buf_str(out, out->size > from ? ", " : "");
        buf_str(out, kind == TERM_FREE ? "" : retention_class_text((enum retention_class)(n % RETAIN_CLASSES)));
        buf_str(out, WORDS[kind]);
        print_value(out, kind, was);
        buf_str(out, " -> ");
        print_value(out, kind, is);
    }
}

void terms_tag(const struct retention_limits *from, const struct retention_limits *to, char out[33])
{
    uint8_t digest[32];
    struct buf text;
    buf_init(&text, TEXT_MAX);
    terms_print(from, &text);
    if (to)
        terms_print(to, &text);
    crypto_sha256(buf_view(&text), digest);
    crypto_hex(slice_of(digest, 16), out);
    buf_fini(&text);
}

bool terms_are_shorter(const struct retention_limits *before, const struct retention_limits *after)
{
    for (unsigned n = 0; n < TERM_COUNT; n++) {
        int64_t was = term_at(before, n), is = term_at(after, n);
        if (kind_of(n) == TERM_FREE ? is > was : is && (was == 0 || is < was))
            return true;
    }
    return false;
}

/* ---- in ---- */

struct reading {
    struct retention_limits *limits;
    const struct retention_limits *now;
    bool seen[TERM_COUNT];
    unsigned class;
    char *field; /* TERMS_FIELD_SIZE */
    struct why *why;
};

static void name_field(struct reading *g, unsigned n)
{
    if (kind_of(n) == TERM_FREE)
        snprintf(g->field, TERMS_FIELD_SIZE, "min_free_bytes");
    else
        snprintf(g->field, TERMS_FIELD_SIZE, "classes.%s.%s", retention_class_text((enum retention_class)(n % RETAIN_CLASSES)),
                 kind_of(n) == TERM_AGE ? "max_age_s" : "max_bytes");
}

static bool take_term(struct reading *g, unsigned n, const struct json_value *value)
{
    int64_t v = 0, max = kind_of(n) == TERM_AGE ? AGE_MAX_S : BYTES_MAX;
    name_field(g, n);
    bool null = json_value_is_null(value);
    if (!null && (!json_value_is_whole(value) || !json_value_int(value, &v) || v < 1 || v > max)) {
        why_set(g->why, "A whole number of %s from 1 to %" PRId64 ", or null for no bound.", kind_of(n) == TERM_AGE ? "seconds" : "bytes", max);
        return false;
    }
    g->seen[n] = true;
    set_term(g->limits, n, v);
    return true;
}

static bool unknown(struct reading *g, const char *in, struct slice name)
{
    snprintf(g->field, TERMS_FIELD_SIZE, "%s%.*s", in, SLICE_ARGS(slice_sub(name, 0, 24)));
    why_set(g->why, "There is no such term; what GET shows is what can be put.");
    return false;
}

static bool take_of_class(void *context, struct slice name, const struct json_value *value)
{
    struct reading *g = context;
    if (slice_is(name, "max_age_s"))
        return take_term(g, g->class, value);
    if (slice_is(name, "max_bytes"))
        return take_term(g, g->class + RETAIN_CLASSES, value);
    /* What is shown can be put again. */
    return slice_is(name, "bytes") || slice_is(name, "protected_bytes") || unknown(g, "classes.", name);
}

static bool take_class(void *context, struct slice name, const struct json_value *value)
{
    struct reading *g = context;
    for (g->class = 0; g->class < RETAIN_CLASSES; g->class++)
        if (slice_is(name, retention_class_text((enum retention_class)g->class)))
            break;
    if (g->class == RETAIN_CLASSES)
        return unknown(g, "classes.", name);
    snprintf(g->field, TERMS_FIELD_SIZE, "classes.%s", retention_class_text((enum retention_class)g->class));
    if (json_value_is_object(value))
        return json_value_members(value, take_of_class, g);
    why_set(g->why, "An object with max_age_s and max_bytes.");
    return false;
}

static bool take_member(void *context, struct slice name, const struct json_value *value)
{
    struct reading *g = context;
    if (slice_is(name, "min_free_bytes"))
        return take_term(g, TERM_COUNT - 1, value);
    if (!slice_is(name, "classes"))
        return slice_is(name, "free_bytes") || slice_is(name, "low") || slice_is(name, "source") || slice_is(name, "exports") || unknown(g, "", name);
    snprintf(g->field, TERMS_FIELD_SIZE, "classes");
    if (json_value_is_object(value))
        return json_value_members(value, take_class, g);
    why_set(g->why, "An object with audio, spool, calls and messages.");
    return false;
}

/* What single values cannot show. */
static bool fits_together(struct reading *g)
{
    const struct retention_limits *l = g->limits;
    for (unsigned n = 0; n < TERM_COUNT; n++) {
        name_field(g, n);
        if (!g->seen[n]) {
            why_set(g->why, "All terms are put at once: this one is missing; null is no bound.");
            return false;
        }
    }
    int64_t audio = l->age_us[RETAIN_AUDIO], calls = l->age_us[RETAIN_CALLS];
    name_field(g, RETAIN_AUDIO);
    if (calls && (audio == 0 || audio > calls)) {
        why_set(g->why, "Recordings are never kept longer than the records of their calls, %" PRId64 " s.", calls / SECOND_US);
        return false;
    }
    uint64_t least = 2 * g->now->growing, spool = l->bytes[RETAIN_SPOOL];
    name_field(g, RETAIN_SPOOL + RETAIN_CLASSES);
    if (spool && spool < least && spool != g->now->bytes[RETAIN_SPOOL]) {
        why_set(g->why, "At least %" PRIu64 ": twice what the segments that are being written may grow to ([spool] segment_size).", least);
        return false;
    }
    return true;
}

int terms_parse(struct slice body, const struct retention_limits *now, struct retention_limits *ret_limits, char field[TERMS_FIELD_SIZE],
                struct why *why)
{
    struct retention_limits limits = {.growing = now->growing, .from_api = true};
    struct reading g = {.limits = &limits, .now = now, .field = field, .why = why};
    struct json_value *root = json_read(body, BODY_MAX, DEPTH_MAX);
    field[0] = '\0';
    bool good = root && json_value_is_object(root);
    if (!good)
        why_set(why, "The body is a JSON object with classes and min_free_bytes.");
    good = good && json_value_members(root, take_member, &g) && fits_together(&g);
    json_read_free(root);
    if (good)
        *ret_limits = limits;
    return good ? 0 : ERR_INVALID;
}

/* ---- files ---- */

static int write_terms(const char *data_dir, const char *name, const struct retention_limits *limits)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    terms_print(limits, &text);
    int err = text.failed ? ERR_NOMEM : put_file(data_dir, name, buf_view(&text));
    buf_fini(&text);
    return err;
}

/* ERR_NOT_FOUND: there are none. Its bytes are believed, whatever segments may grow to by now. */
static int read_terms(const char *data_dir, const char *name, uint64_t growing, struct retention_limits *ret_limits, struct why *why)
{
    char field[TERMS_FIELD_SIZE] = "";
    const struct retention_limits none = {0};
    struct why what = {0};
    size_t size = 0;
    int err;
    char *text = get_file(data_dir, name, &size, &err);
    if (text == NULL && err == 0)
        return ERR_NOT_FOUND;
    if (text == NULL)
        why_set(why, "cannot read %s/%s: %s", data_dir, name, err_text(err));
    else if ((err = terms_parse(slice_of(text, size), &none, ret_limits, field, &what)) != 0)
        why_set(why, "%s/%s: %s%s%s", data_dir, name, field, field[0] ? ": " : "", what.text);
    free(text);
    if (err == 0)
        ret_limits->growing = growing;
    return err;
}

int terms_in_force(const struct settings *s, const char *data_dir, struct retention_limits *ret_limits, struct why *why)
{
    retention_limits_of(s, ret_limits);
    int err = read_terms(data_dir, TERMS_FILE, ret_limits->growing, ret_limits, why);
    return err == ERR_NOT_FOUND ? 0 : err;
}

int terms_store(const char *data_dir, const struct retention_limits *limits)
{
    int err = write_terms(data_dir, TERMS_FILE, limits);
    return err ? err : write_terms(data_dir, APPLIED_FILE, limits);
}

static void read_applied(const char *data_dir, struct retention_limits *ret_before)
{
    struct why why = {0};
    struct settings *shipped = calloc(1, sizeof *shipped);
    *ret_before = (struct retention_limits){0};
    if (shipped) {
        settings_defaults(shipped);
        retention_limits_of(shipped, ret_before);
        settings_free(shipped);
        free(shipped);
    }
    int err = read_terms(data_dir, APPLIED_FILE, 0, ret_before, &why);
    if (err && err != ERR_NOT_FOUND)
        log_warn("retention", "what was in force before cannot be read: %s", why.text);
}

void terms_begin(const char *data_dir, struct writer *writer, const struct retention_limits *now)
{
    struct retention_limits before;
    struct buf change;
    buf_init(&change, TEXT_MAX);
    read_applied(data_dir, &before);
    terms_tell_change(&before, now, &change);
    if (change.size) {
        const struct store_audit entry = {.time_us = clock_wall_ns() / 1000, .actor = "earshot", .action = "policy.write",
                                          .object = "retention", .result = "ok", .detail = buf_text(&change)};
        log_info("retention", "terms: %s", buf_text(&change));
        if (writer_audit(writer, &entry) != 0)
            log_error("retention", "the audit log does not take: policy.write retention: %s", buf_text(&change));
        else if (write_terms(data_dir, APPLIED_FILE, now) != 0)
            log_warn("retention", "cannot write %s/" APPLIED_FILE ": the next start will tell the same change again", data_dir);
    }
    if (now->from_api)
        log_info("retention", "the terms that were put through the API are in force, not those of the configuration");
    buf_fini(&change);
}
