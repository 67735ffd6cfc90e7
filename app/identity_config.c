/* Lists are separated by commas, number rules written `00 = +` or `7/11 = +7`. */
#include "app/identity_config.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PEM_MAX        (64u << 10)
#define PATH_MAX_BYTES 512

static const char *const sources[SOURCE_COUNT] = {
    [SOURCE_PAI] = "pai",
    [SOURCE_PPI] = "ppi",
    [SOURCE_RPID] = "rpid",
    [SOURCE_DIVERSION] = "diversion",
    [SOURCE_FROM] = "from",
    [SOURCE_TO] = "to",
    [SOURCE_REQUEST_URI] = "request_uri",
};

const char *number_source_text(unsigned source)
{
    return source < SOURCE_COUNT ? sources[source] : NULL;
}

/* The next item up to a comma, without blanks; false at the end. */
static bool next_item(struct slice *rest, struct slice *ret_item)
{
    while (rest->size) {
        *ret_item = slice_trim(slice_cut(rest, ','));
        if (ret_item->size)
            return true;
    }
    return false;
}

/* ---- numbers ---- */

static bool only_digits(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!isdigit(s.data[i]))
            return false;
    return true;
}

static int take_code(const char *name, const char *text, char *out, size_t size, struct why *why)
{
    struct slice code = slice_trim(slice_str(text));
    if (code.size && code.data[0] == '+')
        code = slice_from(code, 1);
    if (!only_digits(code) || code.size >= size) {
        why_set(why, "numbers.%s: \"%s\" is none; write digits, at most %zu", name, text, size - 1);
        return ERR_INVALID;
    }
    slice_copy_to(code, out, size);
    return 0;
}

/* "7/11 = +7" */
static bool read_rule(struct slice item, struct number_rule *ret_rule)
{
    struct number_rule rule = {0};
    if (slice_index(item, '=') == item.size)
        return false;
    struct slice left = slice_trim(slice_cut(&item, '=')), right = slice_trim(item);
    struct slice length = left, prefix = slice_trim(slice_cut(&length, '/'));
    struct slice becomes = right.size && right.data[0] == '+' ? slice_from(right, 1) : right;
    uint16_t digits = 0;
    length = slice_trim(length);
    if (length.size && (!slice_to_u16(length, &digits) || digits == 0 || digits > 32))
        return false;
    if (prefix.size == 0 || prefix.size >= NUMBER_PART || right.size >= NUMBER_PART ||
        !only_digits(prefix) || !only_digits(becomes))
        return false;
    slice_copy_to(prefix, rule.prefix, sizeof rule.prefix);
    slice_copy_to(right, rule.becomes, sizeof rule.becomes);
    rule.length = (uint8_t)digits;
    *ret_rule = rule;
    return true;
}

static int read_rules(const char *text, struct number_rules *rules, struct why *why)
{
    struct slice rest = slice_str(text), item;
    while (next_item(&rest, &item)) {
        if (rules->rule_count == NUMBER_RULES_MAX) {
            why_set(why, "numbers.rules: more than %d", NUMBER_RULES_MAX);
            return ERR_INVALID;
        }
        if (!read_rule(item, &rules->rules[rules->rule_count++])) {
            why_set(why,
                    "numbers.rules: \"%.*s\" is no rule; write e.g. 00 = +, 0 = +49 or 7/11 = +7",
                    SLICE_ARGS(item));
            return ERR_INVALID;
        }
    }
    return 0;
}

static int take_length(const char *name, int64_t value, uint8_t *out, struct why *why)
{
    if (value < 0 || value > 20) {
        why_set(why, "numbers.%s is a number of digits from 0 to 20", name);
        return ERR_INVALID;
    }
    *out = (uint8_t)value;
    return 0;
}

static int read_plan(const struct settings *s, struct number_rules *r, struct why *why)
{
    int err = take_code("country_code", s->numbers_country, r->country, 4, why);
    if (err == 0)
        err = take_code("national_prefix", s->numbers_national, r->national_prefix,
                        sizeof r->national_prefix, why);
    if (err == 0)
        err = take_code("international_prefix", s->numbers_international, r->international_prefix,
                        sizeof r->international_prefix, why);
    if (err == 0)
        err = take_code("area_code", s->numbers_area, r->area, sizeof r->area, why);
    if (err == 0)
        err = take_length("national_length", s->numbers_length, &r->national_length, why);
    if (err == 0)
        err = take_length("extension_length", s->numbers_extension, &r->extension_length, why);
    return err ? err : read_rules(s->numbers_rules, r, why);
}

/* ---- sources ---- */

static int read_sources(const char *name, const char *text, const char *known,
                        uint8_t out[SOURCES_MAX + 1], struct why *why)
{
    struct slice rest = slice_str(text), item;
    unsigned count = 0;
    memset(out, SOURCE_NONE, SOURCES_MAX + 1);
    while (next_item(&rest, &item)) {
        unsigned source = SOURCE_NONE + 1;
        struct slice word = item;
        while (source < SOURCE_COUNT && !slice_is(item, sources[source]))
            source++;
        bool good = source < SOURCE_COUNT && count < SOURCES_MAX;
        struct slice list = slice_str(known), each;
        bool fits = false;
        while (next_item(&list, &each))
            fits |= slice_equal(each, word);
        if (!good || !fits) {
            why_set(why, "numbers.%s: \"%.*s\" is no source; write some of %s", name,
                    SLICE_ARGS(item), known);
            return ERR_INVALID;
        }
        out[count++] = (uint8_t)source;
    }
    return 0;
}

/* ---- headers ---- */

static bool is_token(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!isalnum(s.data[i]) && strchr("-.!%*_+`'~", s.data[i]) == NULL)
            return false;
    return s.size > 0 && s.size < FRONT_HEADER_SIZE;
}

static bool holds_credentials(struct slice name)
{
    return slice_is_nocase(name, "Authorization") || slice_is_nocase(name, "Proxy-Authorization") ||
           slice_is_nocase(name, "WWW-Authenticate") ||
           slice_is_nocase(name, "Proxy-Authenticate") ||
           slice_is_nocase(name, "Authentication-Info");
}

/* Names of headers with commas between. */
static int read_headers(const char *setting, const char *text, bool credentials,
                        char names[FRONT_HEADERS_MAX][FRONT_HEADER_SIZE], unsigned *ret_count,
                        struct why *why)
{
    struct slice rest = slice_str(text), item;
    unsigned count = 0;
    while (next_item(&rest, &item)) {
        if (!is_token(item) || count == FRONT_HEADERS_MAX) {
            why_set(why, "%s: \"%.*s\": write at most %d names of headers, e.g. X-Customer-Id",
                    setting, SLICE_ARGS(item), FRONT_HEADERS_MAX);
            return ERR_INVALID;
        }
        if (holds_credentials(item) && !credentials) {
            why_set(why, "%s: %.*s holds credentials; that needs record.keep_credentials = yes",
                    setting, SLICE_ARGS(item));
            return ERR_INVALID;
        }
        slice_copy_to(item, names[count], FRONT_HEADER_SIZE);
        for (unsigned i = 0; i < count; i++)
            if (strcasecmp(names[i], names[count]) == 0) {
                why_set(why, "%s: %s stands twice", setting, names[i]);
                return ERR_INVALID;
            }
        count++;
    }
    *ret_count = count;
    return 0;
}

/* A header that becomes a tag stands in the record as well. */
static int also_record(const char *header, struct front_config *front, struct why *why)
{
    for (unsigned i = 0; i < front->header_count; i++)
        if (strcasecmp(front->headers[i], header) == 0)
            return 0;
    if (front->header_count == FRONT_HEADERS_MAX) {
        why_set(why, "record.tag_headers: with those of record.headers at most %d headers", FRONT_HEADERS_MAX);
        return ERR_INVALID;
    }
    snprintf(front->headers[front->header_count++], FRONT_HEADER_SIZE, "%s", header);
    return 0;
}

static bool read_tag_header(struct slice item, struct tag_header *ret)
{
    struct slice header = item, key = slice_trim(slice_cut(&header, ':'));
    header = slice_trim(header);
    if (!record_tag_key_valid(key) || !is_token(header) || holds_credentials(header))
        return false;
    slice_copy_to(key, ret->key, sizeof ret->key);
    slice_copy_to(header, ret->header, sizeof ret->header);
    return true;
}

static int read_tag_headers(const char *text, struct identity_config *c, struct front_config *front, struct why *why)
{
    struct slice rest = slice_str(text), item;
    int err = 0;
    while (err == 0 && next_item(&rest, &item)) {
        if (c->tag_header_count == TAG_HEADERS_MAX || !read_tag_header(item, &c->tag_headers[c->tag_header_count])) {
            why_set(why, "record.tag_headers: \"%.*s\": write at most %d times a key, a colon and the name of a header without credentials, e.g. customer: X-Customer-Id",
                    SLICE_ARGS(item), TAG_HEADERS_MAX);
            return ERR_INVALID;
        }
        err = also_record(c->tag_headers[c->tag_header_count++].header, front, why);
    }
    return err;
}

static int read_correlation(const struct settings *s, struct identity_config *c,
                            struct front_config *front, struct why *why)
{
    if (s->correlation_chars != 0 && (s->correlation_chars < 12 || s->correlation_chars > 64)) {
        why_set(why, "correlation.call_id_chars: %lld: write 0 or 12 to 64",
                (long long)s->correlation_chars);
        return ERR_INVALID;
    }
    c->call_id_chars = (uint8_t)s->correlation_chars;
    return read_headers("correlation.headers", s->correlation_headers, false, front->correlation,
                        &front->correlation_count, why);
}

int identity_configure(const struct settings *s, struct identity_config *ret_config,
                       struct front_config *front, struct why *why)
{
    struct identity_config c = {.stir_age_ns = s->stir_max_age,
                                .keep_credentials = s->record_keep_credentials,
                                .mask_dtmf = s->record_mask_dtmf};
    int err = read_plan(s, &c.rules, why);
    if (err == 0)
        err = read_sources("caller_from", s->numbers_caller_from, "pai, ppi, rpid, diversion, from",
                           c.caller_from, why);
    if (err == 0)
        err = read_sources("callee_from", s->numbers_callee_from, "to, request_uri", c.callee_from,
                           why);
    struct front_config checked; /* nobody wants it: still to be looked at */
    if (front == NULL)
        front = &checked;
    if (err == 0)
        err = read_headers("record.headers", s->record_headers, s->record_keep_credentials,
                           front->headers, &front->header_count, why);
    if (err == 0)
        err = read_tag_headers(s->record_tag_headers, &c, front, why);
    if (err == 0)
        err = read_correlation(s, &c, front, why);
    if (err)
        return err;
    front->mask_dtmf = c.mask_dtmf;
    *ret_config = c;
    return 0;
}

/* ---- certificates ---- */

static int read_file(const char *path, uint8_t *out, size_t *ret_size, struct why *why)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        why_set(why, "stir.certificates: cannot read %s: %m", path);
        return ERR_NOT_FOUND;
    }
    *ret_size = fread(out, 1, PEM_MAX, file);
    fclose(file);
    return 0;
}

static int add_file(struct stir_keys *k, const char *path, struct why *why)
{
    struct stir_key *key = &k->keys[k->count];
    const char *slash = strrchr(path, '/');
    uint8_t *pem = malloc(PEM_MAX);
    size_t size = 0;
    struct why reason = {0};
    if (pem == NULL || k->count == STIR_KEYS_MAX) {
        free(pem);
        why_set(why, "stir.certificates: more than %d certificates", STIR_KEYS_MAX);
        return ERR_INVALID;
    }
    int err = read_file(path, pem, &size, why);
    if (err == 0) {
        err = crypto_verifier_read(slice_of(pem, size), &key->verifier, &reason);
        if (err)
            why_set(why, "stir.certificates: %s: %s", path, reason.text);
    }
    free(pem);
    if (err)
        return err;
    snprintf(key->name, sizeof key->name, "%s", slash ? slash + 1 : path);
    k->count++;
    return 0;
}

static bool is_pem(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot &&
           (strcmp(dot, ".pem") == 0 || strcmp(dot, ".crt") == 0 || strcmp(dot, ".cer") == 0);
}

static int add_folder(struct stir_keys *k, const char *path, struct why *why)
{
    struct dirent **names;
    char file[PATH_MAX_BYTES];
    int count = scandir(path, &names, NULL, alphasort), err = 0;
    if (count < 0) {
        why_set(why, "stir.certificates: cannot read %s: %m", path);
        return ERR_NOT_FOUND;
    }
    for (int i = 0; i < count; i++) {
        int n = snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        if (err == 0 && is_pem(names[i]->d_name) && n > 0 && (size_t)n < sizeof file)
            err = add_file(k, file, why);
        free(names[i]);
    }
    free(names);
    return err;
}

int stir_keys_load(const char *paths, struct stir_keys **ret_keys, struct why *why)
{
    struct slice rest = slice_str(paths), item;
    struct stir_keys *k = NULL;
    int err = 0;
    *ret_keys = NULL;
    while (err == 0 && next_item(&rest, &item)) {
        char path[PATH_MAX_BYTES];
        struct stat about;
        if (k == NULL && (k = calloc(1, sizeof *k)) == NULL)
            return ERR_NOMEM;
        slice_copy_to(item, path, sizeof path);
        bool folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
        err = folder ? add_folder(k, path, why) : add_file(k, path, why);
    }
    if (err) {
        stir_keys_free(k);
        return err;
    }
    *ret_keys = k;
    return 0;
}

void stir_keys_free(struct stir_keys *k)
{
    if (k == NULL)
        return;
    for (unsigned i = 0; i < k->count; i++)
        crypto_verifier_free(k->keys[i].verifier);
    free(k);
}
