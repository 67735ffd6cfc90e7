/* An export as a small JSON file: what a restart must know of it. */
#include <stdio.h>
#include <stdlib.h>

#include "api/export_internal.h"
#include "base/crypto.h"
#include "base/put_file.h"

#define STATE_MAX (64u << 10)
#define DEPTH_MAX 5

const char *const EXPORT_STATE_NAMES[EXPORT_STATES + 1] = {"queued", "running", "ready", "failed", "expired", NULL};

/* Texts, and numbers, by one list each. */
#define TEXTS(X) X(id) X(owner) X(actor) X(address) X(reason) X(error) X(detail)
#define LIMITS(X) X(tenants) X(sites) X(trunks) X(prefixes)
#define NUMBERS(X)                                                                                 \
    X(created_us) X(began_us) X(ended_us) X(expires_us) X(from_us) X(to_us) X(oldest_us) X(calls_total) X(calls) X(done) X(files) X(missing) X(bytes)

static void limit_json(struct json *j, const struct store_limit *l)
{
    json_key(j, "limit");
    json_object(j);
#define PUT(name) json_kv_str(j, #name, l->name);
    LIMITS(PUT)
#undef PUT
    json_kv_int(j, "max_age_s", l->max_age_s);
    json_kv_int(j, "since_us", l->since_us);
    json_end(j);
}

static void state_json(struct json *j, const struct export *e)
{
    char hex[65];
    json_object(j);
#define PUT(name) json_kv_str(j, #name, e->name);
    TEXTS(PUT)
#undef PUT
#define PUT(name) json_kv_int(j, #name, (int64_t)e->name);
    NUMBERS(PUT)
#undef PUT
    json_kv_bool(j, "truncated", e->truncated);
    json_kv_str(j, "state", EXPORT_STATE_NAMES[e->state]);
    json_kv_str(j, "sha256", crypto_hex(slice_of(e->sha256, sizeof e->sha256), hex));
    limit_json(j, &e->limit);
    json_key(j, "ask");
    json_object(j);
    export_ask_json(j, &e->ask);
    json_end(j);
    json_end(j);
}

int export_state_write(const char *dir, const struct export *e)
{
    struct json j;
    struct buf text;
    char name[EXPORT_ID_SIZE + 8];
    buf_init(&text, STATE_MAX);
    json_init(&j, &text);
    state_json(&j, e);
    snprintf(name, sizeof name, "%s.json", e->id);
    int err = text.failed ? ERR_NOMEM : put_file(dir, name, buf_view(&text));
    buf_fini(&text);
    return err;
}

/* ---- and back ---- */

static bool read_text(const struct json_value *object, const char *name, char *out, size_t size)
{
    struct slice text;
    if (!json_value_text(json_value_get(object, name), &text) || text.size >= size)
        return false;
    slice_copy_to(text, out, size);
    return true;
}

static bool read_number(const struct json_value *object, const char *name, int64_t *out)
{
    const struct json_value *v = json_value_get(object, name);
    return json_value_is_whole(v) && json_value_int(v, out);
}

static bool read_limit(const struct json_value *object, struct store_limit *l)
{
    bool good = true;
#define GET(name) good &= read_text(object, #name, l->name, sizeof l->name);
    LIMITS(GET)
#undef GET
    return good && read_number(object, "max_age_s", &l->max_age_s) && read_number(object, "since_us", &l->since_us);
}

static bool read_state(const struct json_value *object, struct export *e)
{
    char state[16], hex[65];
    if (!read_text(object, "state", state, sizeof state) || !read_text(object, "sha256", hex, sizeof hex) || strlen(hex) != 64)
        return false;
    while (EXPORT_STATE_NAMES[e->state] && strcmp(EXPORT_STATE_NAMES[e->state], state) != 0)
        e->state++;
    for (unsigned i = 0, byte; i < 32; i++) {
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return false;
        e->sha256[i] = (uint8_t)byte;
    }
    return e->state < EXPORT_STATES;
}

static bool read_export(const struct json_value *object, struct export *e)
{
    struct export_ask_error error;
    bool good = true;
    int64_t number = 0;
#define GET(name) good &= read_text(object, #name, e->name, sizeof e->name);
    TEXTS(GET)
#undef GET
#define GET(name)                                                                                  \
    good &= read_number(object, #name, &number);                                                   \
    e->name = (__typeof__(e->name))number;
    NUMBERS(GET)
#undef GET
    return good && json_value_bool(json_value_get(object, "truncated"), &e->truncated) && read_state(object, e) &&
           read_limit(json_value_get(object, "limit"), &e->limit) &&
           export_ask_read(json_value_get(object, "ask"), EXPORT_CALLS_MAX, &e->ask, &error);
}

int export_state_read(const char *dir, const char *name, struct export *ret_export)
{
    size_t size = 0;
    int err = 0;
    char *text = get_file(dir, name, &size, &err);
    if (text == NULL)
        return err ? err : ERR_NOT_FOUND;
    struct json_value *root = json_read(slice_of(text, size), STATE_MAX, DEPTH_MAX);
    *ret_export = (struct export){0};
    bool good = root && read_export(root, ret_export) && strncmp(name, ret_export->id, strlen(ret_export->id)) == 0 &&
                strcmp(name + strlen(ret_export->id), ".json") == 0;
    json_read_free(root);
    free(text);
    return good ? 0 : ERR_INVALID;
}
