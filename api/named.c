/* /trunks/{trunk} and /aliases: named one by one through the API, beside those of the configuration, which stay as they are. What
 * takes their place is whole: a member that is not given is none. */
#include "api/named.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/json_fields.h"
#include "base/json_read.h"

#define API_ROOT    "/api/v1/"
#define DEPTH_MAX   4
#define ITEMS_MAX   512
#define CHANGE_MAX  4096
#define ITEM_JSON_MAX (64u << 10)

static const struct {
    enum named_kind kind;
    const char *member;
    enum { TEXT, LIST, WHOLE } is;
} MEMBERS[NAMED_VALUES] = {
    [NAMED_PEERS] = {NAMED_TRUNK, "peers", LIST},
    [NAMED_DOMAINS] = {NAMED_TRUNK, "domains", LIST},
    [NAMED_PREFIXES] = {NAMED_TRUNK, "prefixes", LIST},
    [NAMED_CAPACITY] = {NAMED_TRUNK, "capacity_calls", WHOLE},
    [NAMED_TENANT] = {NAMED_TRUNK, "tenant", TEXT},
    [NAMED_TITLE] = {NAMED_ALIAS, "name", TEXT},
};

static const struct {
    const char *word, *path, *id, *written, *deleted;
} KINDS[] = {
    [NAMED_TRUNK] = {"trunk", "trunks", "name", "trunk.write", "trunk.delete"},
    [NAMED_ALIAS] = {"alias", "aliases", "network", "alias.write", "alias.delete"},
};

/* NULL: the problem is set. */
static const struct api_named_source *source(struct exchange *x)
{
    const struct api_named_source *s = &x->api->config->named;

    if (s->each)
        return s;
    problem(x->rs, x->rq, 503, "unavailable", NULL, "There is nothing of this here.");
    return NULL;
}

/* The handlers are of both: which it is says the route. */
static enum named_kind kind_of_path(const struct exchange *x)
{
    const char *path = KINDS[NAMED_ALIAS].path;
    return strncmp(x->rq->route->path + strlen(API_ROOT), path, strlen(path)) == 0 ? NAMED_ALIAS : NAMED_TRUNK;
}

/* ---- out ---- */

/* A network has a slash, which no path takes: there it is a dash. */
static void path_id(const char *id, char out[NAMED_ID_SIZE])
{
    snprintf(out, NAMED_ID_SIZE, "%s", id);
    char *slash = strchr(out, '/');
    if (slash)
        *slash = '-';
}

static void value_json(struct json *j, unsigned v, const char *value)
{
    struct slice rest = slice_str(value);

    if (MEMBERS[v].is == TEXT) {
        json_kv_str(j, MEMBERS[v].member, *value ? value : NULL);
    } else if (MEMBERS[v].is == WHOLE) {
        kv_positive(j, MEMBERS[v].member, strtoll(value, NULL, 10));
    } else {
        json_key(j, MEMBERS[v].member);
        json_array(j);
        while (rest.size) {
            struct slice item = slice_trim(slice_cut(&rest, ','));
            if (item.size)
                json_text(j, item);
        }
        json_end(j);
    }
}

void named_members_json(struct json *j, const struct named *n)
{
    char id[NAMED_ID_SIZE];

    path_id(n->id, id);
    if (n->kind == NAMED_ALIAS)
        json_kv_str(j, "id", id);
    json_kv_str(j, KINDS[n->kind].id, n->id);
    json_kv_str(j, "source", n->configured ? "configuration" : "api");
    for (unsigned v = 0; v < NAMED_VALUES; v++)
        if (MEMBERS[v].kind == n->kind)
            value_json(j, v, n->value[v]);
}

static void item_json(struct json *j, const struct named *n)
{
    json_object(j);
    named_members_json(j, n);
    json_end(j);
}

static void list_one(void *context, const struct named *n)
{
    item_json(context, n);
}

struct looking {
    const char *id;
    struct buf *out;
    bool found;
};

static void look(void *context, const struct named *n)
{
    struct looking *l = context;
    struct json j;

    if (l->found || strcmp(n->id, l->id) != 0)
        return;
    l->found = true;
    json_init(&j, l->out);
    item_json(&j, n);
}

static bool write_item(const struct api_named_source *s, enum named_kind kind, const char *id, struct buf *out)
{
    struct looking l = {.id = id, .out = out};

    s->each(s->context, kind, look, &l);
    return l.found;
}

/* The name in the path, as the program writes it. False: the problem is set. */
static bool id_of_path(struct exchange *x, const struct api_named_source *s, enum named_kind kind, char id[NAMED_ID_SIZE])
{
    char text[NAMED_ID_SIZE];

    slice_copy_to(slice_str(x->rq->path_value[0]), text, sizeof text);
    char *dash = kind == NAMED_ALIAS ? strchr(text, '-') : NULL;
    if (dash)
        *dash = '/';
    snprintf(id, NAMED_ID_SIZE, "%s", text);
    if (kind == NAMED_TRUNK || s->network(slice_str(text), id))
        return true;
    problem(x->rs, x->rq, 404, "not_found", NULL, "An alias is found by its address, or a network as 10.1.0.0-16.");
    return false;
}

static bool answer(struct exchange *x, const struct api_named_source *s, enum named_kind kind, const char *id)
{
    if (!write_item(s, kind, id, &x->rs->body)) {
        problem(x->rs, x->rq, 404, "not_found", NULL, "There is no such %s.", KINDS[kind].word);
        return false;
    }
    exchange_json_done(x);
    return true;
}

void handle_named(struct exchange *x)
{
    const struct api_named_source *s = source(x);
    enum named_kind kind = kind_of_path(x);
    char id[NAMED_ID_SIZE];

    if (s && id_of_path(x, s, kind, id) && answer(x, s, kind, id))
        exchange_etag(x);
}

void handle_aliases(struct exchange *x)
{
    const struct api_named_source *s = source(x);
    struct json j;

    if (s == NULL)
        return;
    exchange_list(x, &j);
    s->each(s->context, NAMED_ALIAS, list_one, &j);
    exchange_list_done(x, &j);
    exchange_etag(x);
}

void named_alias_json(struct json *j, const struct api_named_source *s, struct addr a)
{
    char name[NAMED_ALIAS_SIZE];

    if (s && s->alias_of && s->alias_of(s->context, a, name))
        json_kv_str(j, "alias", name);
    else
        json_kv_null(j, "alias");
}

/* ---- in ---- */

struct reading {
    struct exchange *x;
    const struct api_named_source *s;
    enum named_kind kind;
    enum named_change how;
    char id[NAMED_ID_SIZE];
    struct buf value[NAMED_VALUES];
};

static bool refuse(struct reading *r, const char *field, const char *what)
{
    problem(r->x->rs, r->x->rq, 400, "invalid_body", field, "%s", what);
    return false;
}

/* What would begin another line, or end the item, does not go into the file. */
static bool is_plain(struct slice text, bool item)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] == 127 || (item && text.data[i] == ','))
            return false;
    return true;
}

static bool take_list(struct reading *r, const char *member, const struct json_value *value, struct buf *out)
{
    size_t count = json_value_count(value);
    struct slice item;

    if (json_value_text(value, &item) || json_value_is_object(value) || count > ITEMS_MAX)
        return refuse(r, member, "This is a list of at most 512 texts.");
    for (size_t i = 0; i < count; i++) {
        if (!json_value_text(json_value_at(value, i), &item) || item.size == 0 || !is_plain(item, true))
            return refuse(r, member, "This list holds what cannot stand there.");
        buf_printf(out, "%s%.*s", out->size ? ", " : "", SLICE_ARGS(item));
    }
    return true;
}

static bool take_value(struct reading *r, unsigned v, const struct json_value *value)
{
    const char *member = MEMBERS[v].member;
    struct slice text;
    int64_t n;

    buf_clear(&r->value[v]);
    if (json_value_is_null(value))
        return true;
    if (MEMBERS[v].is == LIST)
        return take_list(r, member, value, &r->value[v]);
    if (MEMBERS[v].is == WHOLE) {
        if (!json_value_is_whole(value) || !json_value_int(value, &n) || n < 1)
            return refuse(r, member, "This is a number from 1.");
        buf_printf(&r->value[v], "%lld", (long long)n);
        return true;
    }
    if (!json_value_text(value, &text) || !is_plain(text, false))
        return refuse(r, member, "This is a text of one line.");
    buf_slice(&r->value[v], slice_trim(text));
    return true;
}

/* Whose: of a new one; of another it may stand there again. */
static bool take_id(struct reading *r, const struct json_value *value)
{
    struct slice text = slice_none();
    char id[NAMED_ID_SIZE] = "";

    if (!json_value_text(value, &text) || text.size >= sizeof id || !is_plain(text, true))
        return refuse(r, KINDS[r->kind].id, "This is a text of at most 63 bytes.");
    slice_copy_to(text, id, sizeof id);
    if (r->kind == NAMED_ALIAS && !r->s->network(text, id))
        return refuse(r, "network", "`network` is an address or a network, such as 10.1.1.5 or 10.1.0.0/16.");
    if (r->how == NAMED_OTHER && strcmp(id, r->id) != 0)
        return refuse(r, KINDS[r->kind].id, "This is not what the path names; what is called otherwise is another one.");
    snprintf(r->id, sizeof r->id, "%s", id);
    return true;
}

static bool take_member(void *context, struct slice key, const struct json_value *value)
{
    struct reading *r = context;

    if (slice_is(key, KINDS[r->kind].id))
        return take_id(r, value);
    if (slice_is(key, "source") || (slice_is(key, "id") && r->kind == NAMED_ALIAS))
        return true; /* as it was shown */
    for (unsigned v = 0; v < NAMED_VALUES; v++)
        if (MEMBERS[v].kind == r->kind && slice_is(key, MEMBERS[v].member))
            return take_value(r, v, value);
    return refuse(r, NULL, r->kind == NAMED_TRUNK ? "The members are `name`, `peers`, `domains`, `prefixes`, `capacity_calls` and `tenant`."
                                                  : "The members are `network` and `name`.");
}

static bool is_complete(struct reading *r)
{
    if (r->id[0] == '\0')
        return refuse(r, KINDS[r->kind].id, r->kind == NAMED_TRUNK ? "A trunk needs a `name`." : "An alias needs a `network`.");
    if (r->kind == NAMED_ALIAS && r->value[NAMED_TITLE].size == 0)
        return refuse(r, "name", "An alias needs a `name`.");
    if (r->kind == NAMED_TRUNK && r->value[NAMED_PEERS].size + r->value[NAMED_DOMAINS].size + r->value[NAMED_PREFIXES].size == 0)
        return refuse(r, "peers", "A trunk is known by `peers`, `domains` or `prefixes`: give at least one.");
    return true;
}

static bool read_body(struct reading *r)
{
    struct json_value *root = exchange_object(r->x, DEPTH_MAX);
    bool good = root && json_value_members(root, take_member, r) && is_complete(r);

    json_read_free(root);
    return good;
}

/* ---- changes ---- */

/* The tag of what stands now is that of GET. */
static bool has_tag(void *if_match, const struct named *now)
{
    char etag[EXCHANGE_TAG_SIZE];
    struct json j;
    struct buf text;

    buf_init(&text, ITEM_JSON_MAX);
    json_init(&j, &text);
    item_json(&j, now);
    exchange_tag_of(buf_view(&text), etag);
    buf_fini(&text);
    return http_etag_matches(if_match, etag);
}

struct comparing {
    const char *id;
    char *if_match;
    bool same;
};

static void compare(void *context, const struct named *n)
{
    struct comparing *c = context;

    c->same |= strcmp(n->id, c->id) == 0 && has_tag(c->if_match, n);
}

static void tell_changed(struct exchange *x)
{
    problem(x->rs, x->rq, 412, "changed_meanwhile", "If-Match", "It is not that any more which you have read: read it again.");
}

/* Said before the body is looked at; what counts is the same question in the change. False: the problem is set. */
static bool is_current(struct exchange *x, const struct api_named_source *s, enum named_kind kind, const char *id)
{
    struct comparing c = {.id = id, .if_match = (char *)(uintptr_t)x->rq->if_match, .same = x->rq->if_match == NULL};

    if (!c.same)
        s->each(s->context, kind, compare, &c);
    if (!c.same)
        tell_changed(x);
    return c.same;
}

static bool told(struct exchange *x, enum named_kind kind, int err, const struct why *why)
{
    const char *word = KINDS[kind].word;

    if (err == ERR_EXISTS)
        problem(x->rs, x->rq, 409, "exists", KINDS[kind].id, "There is such a %s.", word);
    else if (err == ERR_NOT_FOUND)
        problem(x->rs, x->rq, 404, "not_found", NULL, "There is no such %s.", word);
    else if (err == ERR_DENIED)
        problem(x->rs, x->rq, 409, "configured", NULL, "This %s stands in the configuration: change it there.", word);
    else if (err == ERR_BUSY)
        tell_changed(x);
    else if (err == ERR_INVALID)
        problem(x->rs, x->rq, 400, "invalid_value", NULL, "%s", why->text);
    else if (err)
        problem(x->rs, x->rq, 503, "not_stored", NULL, "%s", why->text[0] ? why->text : "It could not be stored; try again.");
    return err == 0;
}

/* Tried, audited, done. */
static bool change(struct exchange *x, const struct api_named_source *s, enum named_change how, const struct named *n)
{
    const struct named_seen tag = {.still = has_tag, .context = (void *)(uintptr_t)x->rq->if_match};
    const struct named_seen *seen = x->rq->if_match ? &tag : NULL;
    struct why why = {0};
    struct buf text;

    buf_init(&text, CHANGE_MAX);
    int err = s->change(s->context, how, n, seen, &text, &why);
    bool good = told(x, n->kind, err, &why) &&
                exchange_audit(x, how == NAMED_GONE ? KINDS[n->kind].deleted : KINDS[n->kind].written, n->id, "ok", buf_text(&text)) &&
                told(x, n->kind, s->change(s->context, how, n, seen, NULL, &why), &why);
    buf_fini(&text);
    return good;
}

static void put(struct reading *r)
{
    struct named n = {.kind = r->kind, .id = r->id};
    char id[NAMED_ID_SIZE];

    for (unsigned v = 0; v < NAMED_VALUES; v++)
        n.value[v] = buf_text(&r->value[v]);
    if (!change(r->x, r->s, r->how, &n) || !answer(r->x, r->s, r->kind, r->id))
        return;
    exchange_etag(r->x);
    path_id(r->id, id);
    if (r->how == NAMED_NEW) {
        r->x->rs->status = 201;
        http_header(r->x->rs, "Location", API_ROOT "%s/%s", KINDS[r->kind].path, id);
    }
}

static void write_one(struct exchange *x, enum named_change how)
{
    enum named_kind kind = kind_of_path(x);
    struct reading r = {.x = x, .s = source(x), .kind = kind, .how = how};

    if (r.s == NULL || (how == NAMED_OTHER && !id_of_path(x, r.s, kind, r.id)))
        return;
    for (unsigned v = 0; v < NAMED_VALUES; v++)
        buf_init(&r.value[v], HTTP_UPLOAD_MAX);
    if ((how == NAMED_NEW || is_current(x, r.s, kind, r.id)) && read_body(&r))
        put(&r);
    for (unsigned v = 0; v < NAMED_VALUES; v++)
        buf_fini(&r.value[v]);
}

void handle_create_named(struct exchange *x)
{
    write_one(x, NAMED_NEW);
}

void handle_put_named(struct exchange *x)
{
    write_one(x, NAMED_OTHER);
}

void handle_delete_named(struct exchange *x)
{
    const struct api_named_source *s = source(x);
    enum named_kind kind = kind_of_path(x);
    struct named n = {.kind = kind};
    char id[NAMED_ID_SIZE];

    n.id = id;
    if (s && id_of_path(x, s, kind, id) && is_current(x, s, kind, id) && change(x, s, NAMED_GONE, &n))
        x->rs->status = 204;
}
