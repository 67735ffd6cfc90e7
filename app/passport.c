/* token = base64url(header) "." base64url(payload) "." base64url(signature)
 *
 *   header  {"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://..."}
 *   payload
 * {"attest":"A","dest":{"tn":["12155550131"]},"iat":1443208345,"orig":{"tn":"12155550121"},
 *            "origid":"123e4567-..."}
 *
 * What is signed is the text in front of the second dot, as it stands. */
#include "app/passport.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/json_read.h"

#define PART_MAX  2048 /* of a decoded header or payload */
#define TEXT_MAX  256
#define DEPTH_MAX 6
#define DEST_MAX  8
#define TRIES_MAX 8 /* keys asked when none has the name of x5u */
#define DAY_S     86400

struct parts {
    struct slice header, payload, signature; /* base64url */
    struct slice signed_text;
};

/* ---- the compact form ---- */

static bool number_digits(struct slice s, struct slice *ret_digits)
{
    if (s.size && s.data[0] == '+')
        s = slice_from(s, 1);
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
    *ret_digits = s;
    return s.size > 0;
}

static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, in_era = year - era * 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

int64_t passport_date(struct slice date)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[40], month[4], zone[4];
    int day, year, hour, minute, second;
    slice_copy_to(date, text, sizeof text);
    const char *comma = strchr(text, ',');
    if (comma == NULL || sscanf(comma + 1, " %2d %3s %4d %2d:%2d:%2d %3s", &day, month, &year,
                                &hour, &minute, &second, zone) != 7)
        return 0;
    const char *at = strlen(month) == 3 ? strstr(months, month) : NULL;
    if (at == NULL || (at - months) % 3 || day < 1 || day > 31 || year < 1970 ||
        strcmp(zone, "GMT"))
        return 0;
    return days_from_civil(year, (at - months) / 3 + 1, day) * DAY_S + hour * 3600 + minute * 60 +
           second;
}

/* The two JSON texts as the signer must have written them: names in order, no white space. */
static bool rebuild(const struct sip_signed *h, const struct passport_call *call, char *header,
                    char *payload)
{
    struct slice from, to;
    int64_t iat = passport_date(call->date);
    if (!number_digits(slice_str(call->caller), &from) ||
        !number_digits(slice_str(call->callee), &to) || iat == 0 || h->info.size > 1024)
        return false;
    bool ppt = h->ppt.size > 0;
    snprintf(header, PART_MAX, "{\"alg\":\"ES256\",%s%.*s%s\"typ\":\"passport\",\"x5u\":\"%.*s\"}",
             ppt ? "\"ppt\":\"" : "", SLICE_ARGS(slice_sub(h->ppt, 0, 64)), ppt ? "\"," : "",
             SLICE_ARGS(h->info));
    snprintf(payload, PART_MAX,
             "{\"dest\":{\"tn\":[\"%.*s\"]},\"iat\":%lld,\"orig\":{\"tn\":\"%.*s\"}}",
             SLICE_ARGS(to), (long long)iat, SLICE_ARGS(from));
    return true;
}

/* base64url(header) "." base64url(payload) into `out`; its size, 0 when that cannot be told. */
static size_t rebuild_signed(const struct sip_signed *h, const struct passport_call *call,
                             char *out, size_t size)
{
    char header[PART_MAX], payload[PART_MAX];
    if (!rebuild(h, call, header, payload))
        return 0;
    size_t n = base64url_encode(slice_str(header), out, size - 1);
    if (n == SIZE_MAX)
        return 0;
    out[n++] = '.';
    size_t more = base64url_encode(slice_str(payload), out + n, size - n);
    return more == SIZE_MAX ? 0 : n + more;
}

static bool split(struct slice token, struct parts *ret_parts)
{
    struct parts p;
    size_t first = slice_index(token, '.');
    size_t second = first + 1 + slice_index(slice_from(token, first + 1), '.');
    if (first >= token.size || second >= token.size)
        return false;
    p.header = slice_sub(token, 0, first);
    p.payload = slice_sub(token, first + 1, second);
    p.signature = slice_from(token, second + 1);
    p.signed_text = slice_sub(token, 0, second);
    *ret_parts = p;
    return true;
}

/* ---- claims ---- */

static struct json_value *part_read(struct slice text)
{
    uint8_t bytes[PART_MAX];
    size_t n = base64_decode(text, bytes, sizeof bytes);
    return n == SIZE_MAX ? NULL : json_read(slice_of(bytes, n), sizeof bytes, DEPTH_MAX);
}

static struct slice take(struct arena *a, const struct json_value *object, const char *name)
{
    struct slice text;
    if (!json_value_text(json_value_get(object, name), &text))
        return slice_none();
    return arena_copy(a, slice_sub(text, 0, TEXT_MAX));
}

static void append(char *out, struct slice text)
{
    size_t n = strlen(out);
    snprintf(out + n, TEXT_MAX - n, "%s%.*s", n ? "," : "", SLICE_ARGS(slice_sub(text, 0, 64)));
}

/* {"tn":[...],"uri":[...]}; a single text where an array should be is taken too. */
static struct slice take_dest(struct arena *a, const struct json_value *dest)
{
    char all[TEXT_MAX] = "";
    static const char *const names[] = {"tn", "uri"};
    for (size_t k = 0; k < 2; k++) {
        const struct json_value *list = json_value_get(dest, names[k]);
        struct slice text;
        if (json_value_text(list, &text))
            append(all, text);
        for (size_t i = 0; i < json_value_count(list) && i < DEST_MAX; i++)
            if (json_value_text(json_value_at(list, i), &text))
                append(all, text);
    }
    return arena_copy(a, slice_str(all));
}

static void take_claims(struct arena *a, const struct json_value *header,
                        const struct json_value *payload, struct record_passport *out)
{
    const struct json_value *orig = json_value_get(payload, "orig");
    out->alg = take(a, header, "alg");
    out->ppt = take(a, header, "ppt");
    out->x5u = take(a, header, "x5u");
    out->attest = take(a, payload, "attest");
    out->origid = take(a, payload, "origid");
    out->orig = take(a, orig, "tn");
    if (out->orig.size == 0)
        out->orig = take(a, orig, "uri");
    out->dest = take_dest(a, json_value_get(payload, "dest"));
    if (!json_value_int(json_value_get(payload, "iat"), &out->iat_s) || out->iat_s < 0)
        out->iat_s = 0;
}

/* ---- judgement ---- */

enum seal { SEAL_GOOD, SEAL_BAD, SEAL_UNKNOWN };

static bool named_by(const struct stir_key *key, struct slice x5u)
{
    size_t n = strlen(key->name);
    if (x5u.size < n || !slice_is(slice_from(x5u, x5u.size - n), key->name))
        return false;
    return x5u.size == n || x5u.data[x5u.size - n - 1] == '/';
}

/* The key that x5u names decides; without one any that fits is good, and none says nothing. */
static enum seal check(const struct stir_keys *keys, const struct parts *p, struct slice x5u)
{
    uint8_t signature[CRYPTO_ES256_SIZE];
    bool whole = base64_decode(p->signature, signature, sizeof signature) == sizeof signature;
    if (keys == NULL)
        return SEAL_UNKNOWN;
    for (unsigned i = 0; i < keys->count; i++)
        if (named_by(&keys->keys[i], x5u))
            return whole && crypto_verifier_es256(keys->keys[i].verifier, p->signed_text, signature)
                       ? SEAL_GOOD
                       : SEAL_BAD;
    for (unsigned i = 0; whole && i < keys->count && i < TRIES_MAX; i++)
        if (crypto_verifier_es256(keys->keys[i].verifier, p->signed_text, signature))
            return SEAL_GOOD;
    return SEAL_UNKNOWN;
}

static bool same_number(struct slice claimed, const char *seen)
{
    struct slice a, b;
    if (!number_digits(claimed, &a) || !number_digits(slice_str(seen), &b))
        return true; /* not two numbers: nothing to compare */
    return slice_equal(a, b);
}

static bool numbers_fit(const struct record_passport *t, const struct passport_call *call)
{
    struct slice rest = t->dest;
    bool one = rest.size == 0;
    while (rest.size)
        one |= same_number(slice_cut(&rest, ','), call->callee);
    return one && same_number(t->orig, call->caller);
}

static bool is_stale(const struct record_passport *t, const struct passport_call *call,
                     int64_t age_ns)
{
    int64_t apart_s = call->started_us / 1000000 - t->iat_s;
    return age_ns && (t->iat_s == 0 || llabs(apart_s) > age_ns / 1000000000);
}

static const char *judge(const struct record_passport *t, enum seal seal,
                         const struct passport_call *call, const struct identity_config *config)
{
    if (seal == SEAL_BAD)
        return "bad_signature";
    if (is_stale(t, call, config->stir_age_ns))
        return "stale";
    if (!numbers_fit(t, call))
        return "number_mismatch";
    return seal == SEAL_GOOD ? "verified" : "no_certificate";
}

/* A token that can be read; false when it cannot. */
static bool read_token(const struct sip_signed *h, const struct passport_call *call,
                       const struct identity_config *config, struct arena *arena,
                       struct record_passport *out)
{
    char text[2 * PART_MAX];
    struct parts p;
    if (!split(h->token, &p) || p.signature.size == 0)
        return false;
    if (p.header.size == 0 && p.payload.size == 0) {
        struct parts built;
        size_t n = rebuild_signed(h, call, text, sizeof text - 2);
        text[n] = '.';
        text[n + 1] = '\0';
        if (n == 0 || !split(slice_of(text, n + 1), &built))
            return false;
        built.signature = p.signature;
        p = built;
    }
    struct json_value *header = part_read(p.header), *payload = part_read(p.payload);
    bool good = json_value_is_object(header) && json_value_is_object(payload);
    if (good) {
        take_claims(arena, header, payload, out);
        bool es256 = slice_is(out->alg, "ES256");
        out->result =
            judge(out, es256 ? check(config->stir, &p, out->x5u) : SEAL_BAD, call, config);
    }
    json_read_free(header);
    json_read_free(payload);
    return good;
}

void passport_read(const struct sip_signed *header, const struct passport_call *call,
                   const struct identity_config *config, struct arena *arena,
                   struct record_passport *ret_passport)
{
    struct record_passport t = {0};
    if (!read_token(header, call, config, arena, &t))
        t = (struct record_passport){.result = "unreadable"};
    if (t.ppt.size == 0)
        t.ppt = arena_copy(arena, slice_sub(header->ppt, 0, 64));
    if (t.x5u.size == 0)
        t.x5u = arena_copy(arena, slice_sub(header->info, 0, TEXT_MAX));
    *ret_passport = t;
}
