/* Two sets: what was put, and that together with the configuration. A change makes both anew, has the second one built (that finds what
 * does not go together), writes the first to the disk, and only then lets both be in force. */
#include "app/named.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/put_file.h"

#define NAMED_FILE "named-places.conf"
#define CHANGE_MAX 300 /* of a value, in the text of a change */

struct named_places {
    struct named_config config;
    struct wire *wire;
    struct counters_set *counters;
    struct counters *gauges;
    pthread_mutex_t lock; /* guards the two sets, and one change at a time; capture never takes it */
    struct places *put, *all;
};

static const char *const SECTIONS[] = {[NAMED_TRUNK] = "trunk", [NAMED_ALIAS] = "alias"};

static const struct {
    enum named_kind kind;
    const char *key;
} VALUES[NAMED_VALUES] = {
    [NAMED_PEERS] = {NAMED_TRUNK, "peers"},       [NAMED_DOMAINS] = {NAMED_TRUNK, "domains"}, [NAMED_PREFIXES] = {NAMED_TRUNK, "prefixes"},
    [NAMED_CAPACITY] = {NAMED_TRUNK, "capacity"}, [NAMED_TENANT] = {NAMED_TRUNK, "tenant"},   [NAMED_TITLE] = {NAMED_ALIAS, "name"},
};

/* ---- start ---- */

/* Calls are captured whatever stands there: what cannot be read is left out, and kept for whoever wants to mend it. */
static void read_file(struct named_places *n)
{
    char path[512], aside[512];
    struct why why = {0};
    snprintf(path, sizeof path, "%.440s/" NAMED_FILE, n->config.data_dir);
    snprintf(aside, sizeof aside, "%.440s/" NAMED_FILE ".unreadable", n->config.data_dir);
    if (access(path, F_OK) != 0 || settings_read_places(path, &n->put, &why) == 0)
        return;
    bool moved = rename(path, aside) == 0;
    log_error("places", "trunks and aliases of the API are left out%s%s: %s", moved ? ", their file is now " : "", moved ? aside : "", why.text);
}

static int join(const struct named_places *n, const struct places *put, struct places **ret_all)
{
    int err = places_add(ret_all, n->config.settings->places, NULL);
    return err ? err : places_add(ret_all, put, NULL);
}

/* The configuration may have changed meanwhile: what was put gives way, and stays in its file. */
static int settle(struct named_places *n)
{
    struct why why = {0};
    int err = join(n, n->put, &n->all);
    if (err || places_check(n->all, &why) == 0)
        return err;
    log_error("places", "trunks and aliases of the API are not in force, they do not go with the configuration: %s", why.text);
    places_free(n->all);
    n->all = NULL;
    return places_add(&n->all, n->config.settings->places, NULL);
}

int named_open(const struct named_config *config, struct named_places **ret_named, struct why *why)
{
    struct named_places *n = calloc(1, sizeof *n);
    if (n == NULL)
        return ERR_NOMEM;
    n->config = *config;
    pthread_mutex_init(&n->lock, NULL);
    read_file(n);
    int err = settle(n);
    if (err) {
        why_set(why, "no memory for trunks and aliases");
        named_close(n);
        return err;
    }
    *ret_named = n;
    return 0;
}

void named_close(struct named_places *n)
{
    if (n == NULL)
        return;
    places_free(n->put);
    places_free(n->all);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

const struct places *named_all(const struct named_places *n)
{
    return n->all;
}

void named_begin(struct named_places *n, struct wire *wire, struct counters_set *set, struct counters *gauges)
{
    n->wire = wire;
    n->counters = set;
    n->gauges = gauges;
}

int named_open_wire(struct named_places *n, struct wire **ret_wire, struct why *why)
{
    pthread_mutex_lock(&n->lock);
    int err = wire_open_with(n->config.settings, n->all, ret_wire, why);
    pthread_mutex_unlock(&n->lock);
    return err;
}

/* ---- shown ---- */

static bool is_configured(const struct named_places *n, enum named_kind kind, const char *id)
{
    return places_find(n->config.settings->places, SECTIONS[kind], id) != NULL;
}

static struct named item_of(enum named_kind kind, const struct object *o, bool configured)
{
    struct named item = {.kind = kind, .id = places_name(o), .configured = configured};
    for (unsigned v = 0; v < NAMED_VALUES; v++)
        item.value[v] = VALUES[v].kind == kind ? places_value(o, VALUES[v].key) : "";
    return item;
}

static void give(enum named_kind kind, const struct object *o, bool configured, named_fn *fn, void *fn_context)
{
    struct named item = item_of(kind, o, configured);
    fn(fn_context, &item);
}

void named_each(void *context, enum named_kind kind, named_fn *fn, void *fn_context)
{
    struct named_places *n = context;
    const char *section = SECTIONS[kind];
    const struct places *configured = n->config.settings->places;
    pthread_mutex_lock(&n->lock);
    for (const struct object *o = places_next(configured, section, NULL); o; o = places_next(configured, section, o))
        give(kind, o, true, fn, fn_context);
    for (const struct object *o = places_next(n->put, section, NULL); o; o = places_next(n->put, section, o))
        if (!is_configured(n, kind, places_name(o)))
            give(kind, o, false, fn, fn_context);
    pthread_mutex_unlock(&n->lock);
}

bool named_alias_of(void *context, struct addr a, char out[NAMED_ALIAS_SIZE])
{
    struct named_places *n = context;
    pthread_mutex_lock(&n->lock);
    const char *name = places_alias(n->all, a);
    slice_copy_to(slice_str(name ? name : ""), out, NAMED_ALIAS_SIZE);
    pthread_mutex_unlock(&n->lock);
    return name != NULL;
}

/* ---- changed ---- */

static const char *value_of(const struct named *item, unsigned v)
{
    return item->value[v] ? item->value[v] : "";
}

/* "peers 10.0.0.1 -> 10.0.0.2, capacity 8 -> none". */
static void tell_value(struct buf *out, const char *key, const char *was, const char *is)
{
    if (strcmp(was, is) == 0)
        return;
    buf_printf(out, "%s%s %.*s -> %.*s", out->size ? ", " : "", key, CHANGE_MAX, *was ? was : "none", CHANGE_MAX, *is ? is : "none");
}

static void tell_change(const struct named_places *n, enum named_change how, const struct named *item, struct buf *out)
{
    const struct object *before = places_find(n->put, SECTIONS[item->kind], item->id);
    for (unsigned v = 0; v < NAMED_VALUES; v++)
        if (VALUES[v].kind == item->kind)
            tell_value(out, VALUES[v].key, before ? places_value(before, VALUES[v].key) : "", how == NAMED_GONE ? "" : value_of(item, v));
    if (out->size == 0)
        buf_str(out, how == NAMED_NEW ? "new" : how == NAMED_GONE ? "gone" : "nothing");
}

static bool is_as_seen(const struct named_seen *seen, enum named_kind kind, const struct object *o)
{
    struct named now = item_of(kind, o, false);
    return seen == NULL || seen->still(seen->context, &now);
}

static int allowed(const struct named_places *n, enum named_change how, const struct named *item, const struct named_seen *seen)
{
    const struct object *put = places_find(n->put, SECTIONS[item->kind], item->id);
    if (is_configured(n, item->kind, item->id))
        return how == NAMED_NEW ? ERR_EXISTS : ERR_DENIED;
    if (how == NAMED_NEW)
        return put ? ERR_EXISTS : 0;
    if (put == NULL)
        return ERR_NOT_FOUND;
    return is_as_seen(seen, item->kind, put) ? 0 : ERR_BUSY;
}

static int set_values(struct places **into, const struct named *item, const char *section, struct why *why)
{
    int err = 0;
    for (unsigned v = 0; v < NAMED_VALUES && err == 0; v++)
        if (VALUES[v].kind == item->kind && (*value_of(item, v) || v == NAMED_PEERS || v == NAMED_TITLE))
            err = places_set(into, section, VALUES[v].key, value_of(item, v), why);
    return err == ERR_NOMEM ? ERR_INVALID : err;
}

/* What was put, with the change. */
static int make_put(const struct named_places *n, enum named_change how, const struct named *item, struct places **ret_put, struct why *why)
{
    char section[NAMED_ID_SIZE + 8];
    snprintf(section, sizeof section, "%s %s", SECTIONS[item->kind], item->id);
    int err = places_add(ret_put, n->put, section);
    return err || how == NAMED_GONE ? err : set_values(ret_put, item, section, why);
}

/* The next start reads it: what it could not read is refused now. */
static int write_text(const struct places *put, struct buf *out, struct why *why)
{
    places_write(put, out);
    if (!out->failed)
        return settings_try_places(buf_text(out), why);
    why_set(why, "There is no room for more of them.");
    return ERR_FULL;
}

static int store(const struct named_places *n, const struct buf *text, struct why *why)
{
    int err = put_file(n->config.data_dir, NAMED_FILE, buf_view(text));
    if (err)
        why_set(why, "It could not be stored: %s.", err_text(err));
    return err == ERR_INVALID ? ERR_IO : err;
}

static void exchange(struct places **a, struct places **b)
{
    struct places *was = *a;
    *a = *b;
    *b = was;
}

/* Aliases move nothing in the capture. */
static int take_effect(struct named_places *n, enum named_kind kind, struct why *why)
{
    return kind == NAMED_ALIAS || n->wire == NULL ? 0 : wire_put_places(n->wire, n->all, n->counters, n->gauges, why);
}

static int change(struct named_places *n, enum named_change how, const struct named *item, bool only_try, struct why *why)
{
    struct places *put = NULL, *all = NULL;
    struct buf text;
    buf_init(&text, PUT_FILE_MAX);
    int err = make_put(n, how, item, &put, why);
    if (err == 0)
        err = join(n, put, &all);
    if (err == 0)
        err = places_check(all, why);
    if (err == 0 && n->wire)
        err = wire_try_places(n->wire, all, why);
    if (err == 0)
        err = write_text(put, &text, why);
    if (err == 0 && !only_try)
        err = store(n, &text, why);
    if (err == 0 && !only_try) {
        exchange(&n->put, &put);
        exchange(&n->all, &all);
        err = take_effect(n, item->kind, why);
    }
    places_free(put);
    places_free(all);
    buf_fini(&text);
    return err;
}

int named_change(void *context, enum named_change how, const struct named *item, const struct named_seen *seen, struct buf *ret_change,
                 struct why *why)
{
    struct named_places *n = context;
    pthread_mutex_lock(&n->lock);
    int err = allowed(n, how, item, seen);
    if (err == 0)
        err = change(n, how, item, ret_change != NULL, why);
    if (err == 0 && ret_change)
        tell_change(n, how, item, ret_change);
    pthread_mutex_unlock(&n->lock);
    return err;
}
