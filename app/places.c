/* An object is a section that was named: its values stay the text that was written, lists in one string, so printing is exact and
 * building reads what has already been checked. */
#include "app/places.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/hash.h"

#define OBJECTS_MAX 512 /* of all kinds; the table of places has the ceilings of each */
#define KEYS_MAX    6
#define LIST_MAX    (256 * 1024)
#define ITEM_MAX    256

enum value_kind { VALUE_NETWORKS, VALUE_PEERS, VALUE_DOMAINS, VALUE_PREFIXES, VALUE_VLANS, VALUE_VNIS, VALUE_SPACES, VALUE_COUNT, VALUE_NAME };
enum object_kind {
#define NAMED(kind, section, help) OBJECT_##kind,
#define KEY(kind, name, values, help)
#include "app/places.def"
#undef NAMED
#undef KEY
    OBJECT_KINDS
};

static const struct {
    const char *section, *help;
} kinds[] = {
#define NAMED(kind, section, help) [OBJECT_##kind] = {#section, help},
#define KEY(kind, name, values, help)
#include "app/places.def"
#undef NAMED
#undef KEY
};

static const struct key {
    enum object_kind kind;
    const char *name;
    enum value_kind values;
    const char *help;
} keys[] = {
#define NAMED(kind, section, help)
#define KEY(kind, name, values, help) {OBJECT_##kind, #name, VALUE_##values, help},
#include "app/places.def"
#undef NAMED
#undef KEY
};
#define KEY_COUNT (sizeof keys / sizeof keys[0])

static const char *const expected[] = {
    [VALUE_NETWORKS] = "networks such as 10.0.0.0/8 or 2001:db8::/32",
    [VALUE_PEERS] = "peers such as 192.0.2.1, 192.0.2.1:5060 or 192.0.2.0/28",
    [VALUE_DOMAINS] = "domains such as example.com or *.example.com",
    [VALUE_PREFIXES] = "beginnings of numbers such as +43 or 0900",
    [VALUE_VLANS] = "VLANs from 1 to 4094",
    [VALUE_VNIS] = "network numbers from 1 to 16777215",
    [VALUE_SPACES] = "numbers of capture.tenants, from 1",
    [VALUE_COUNT] = "a number from 1 to 1000000",
    [VALUE_NAME] = "the name of a tenant",
};

struct object {
    enum object_kind kind;
    char name[PLACE_NAME_SIZE]; /* "" for [places] */
    char *value[KEYS_MAX];      /* by the key's place among those of its kind; NULL: not given */
};

struct places {
    unsigned count;
    struct object object[OBJECTS_MAX];
};

void places_free(struct places *p)
{
    for (unsigned i = 0; p && i < p->count; i++)
        for (unsigned k = 0; k < KEYS_MAX; k++)
            free(p->object[i].value[k]);
    free(p);
}

/* ---- names ---- */

/* "trunk carrier-1" -> its kind and what stands behind; OBJECT_KINDS for others. */
static enum object_kind split(const char *section, struct slice *ret_name)
{
    struct slice rest = slice_str(section);
    struct slice word = slice_cut(&rest, ' ');
    *ret_name = slice_trim(rest);
    for (unsigned i = 0; i < OBJECT_KINDS; i++)
        if (slice_is(word, kinds[i].section))
            return (enum object_kind)i;
    return OBJECT_KINDS;
}

bool places_section(const char *section)
{
    struct slice name;
    return split(section, &name) != OBJECT_KINDS;
}

static const struct key *key_find(enum object_kind kind, const char *name, unsigned *ret_index)
{
    unsigned index = 0;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (keys[i].kind != kind)
            continue;
        *ret_index = index++;
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

/* How many letters two words begin and end with alike, for "did you mean". */
static unsigned likeness(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b), n = 0, m = 0;
    while (n < na && n < nb && a[n] == b[n])
        n++;
    while (m + n < na && m + n < nb && a[na - 1 - m] == b[nb - 1 - m])
        m++;
    return (unsigned)(2 * (n + m)) + (na == nb);
}

static const char *key_nearest(enum object_kind kind, const char *name)
{
    const char *best = "";
    unsigned most = 0;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        unsigned l = keys[i].kind == kind ? 1 + likeness(name, keys[i].name) : 0;
        if (l > most) {
            most = l;
            best = keys[i].name;
        }
    }
    return best;
}

static bool name_is_good(enum object_kind kind, struct slice name, struct why *why)
{
    const char *section = kinds[kind].section;
    bool reserved = kind == OBJECT_TRUNK && (slice_is(name, "none") || slice_is(name, "other"));
    if (kind == OBJECT_PLACES && name.size)
        why_set(why, "[places] has no name");
    else if (kind != OBJECT_PLACES && name.size == 0)
        why_set(why, "[%s] needs a name: [%s example-1]", section, section);
    else if (kind != OBJECT_PLACES && !place_name_valid(name))
        why_set(why, "[%s %.*s]: a name is at most %d letters, digits, - and _", section, SLICE_ARGS(name), PLACE_NAME_SIZE - 1);
    else if (reserved)
        why_set(why, "[trunk %.*s]: that word stands for calls without a trunk of ours; take another name", SLICE_ARGS(name));
    else
        return true;
    return false;
}

static const struct object *object_find(const struct places *p, enum object_kind kind, struct slice name)
{
    for (unsigned i = 0; p && i < p->count; i++)
        if (p->object[i].kind == kind && slice_is(name, p->object[i].name))
            return &p->object[i];
    return NULL;
}

static struct object *object_get(struct places **p, enum object_kind kind, struct slice name)
{
    const struct object *there = object_find(*p, kind, name);
    if (there)
        return &(*p)->object[there - (*p)->object];
    if (*p == NULL)
        *p = calloc(1, sizeof **p);
    if (*p == NULL || (*p)->count == OBJECTS_MAX)
        return NULL;
    struct object *o = &(*p)->object[(*p)->count++];
    o->kind = kind;
    slice_copy_to(name, o->name, sizeof o->name);
    return o;
}

/* ---- values ---- */

static bool next_item(struct slice *rest, struct slice *ret_item)
{
    while (rest->size) {
        *ret_item = slice_trim(slice_cut(rest, ','));
        if (ret_item->size)
            return true;
    }
    return false;
}

static bool number_in(struct slice item, uint64_t max, uint64_t *ret_value)
{
    return slice_to_u64(item, max, ret_value) && *ret_value > 0;
}

static bool item_is_good(enum value_kind values, struct slice item)
{
    struct place_network network;
    uint64_t n;
    switch (values) {
    case VALUE_NETWORKS:
        return place_network_parse(item, &network);
    case VALUE_PEERS:
        return place_peer_parse(item, &network);
    case VALUE_DOMAINS:
        return place_domain_valid(item);
    case VALUE_PREFIXES:
        return place_prefix_valid(item);
    case VALUE_VLANS:
        return number_in(item, 4094, &n);
    case VALUE_VNIS:
        return number_in(item, 0xffffff, &n);
    case VALUE_SPACES:
        return number_in(item, UINT32_MAX, &n);
    case VALUE_COUNT:
        return number_in(item, 1000000, &n);
    case VALUE_NAME:
        return place_name_valid(item);
    }
    return false;
}

static bool items_are_good(const struct key *key, const char *section, const char *value, struct why *why)
{
    struct slice rest = slice_str(value), item;
    while (next_item(&rest, &item)) {
        if (item.size >= ITEM_MAX || !item_is_good(key->values, item)) {
            why_set(why, "\"%.*s\" is no value for [%s] %s: it takes %s", SLICE_ARGS(slice_sub(item, 0, 80)), section,
                    key->name, expected[key->values]);
            return false;
        }
    }
    return true;
}

/* What was there, a comma, and what came; a single value replaces. */
static int value_put(char **field, enum value_kind values, const char *value)
{
    bool is_list = values != VALUE_COUNT && values != VALUE_NAME;
    const char *before = is_list && *field ? *field : "";
    size_t size = strlen(before) + strlen(value) + 3;
    char *joined = size > LIST_MAX ? NULL : malloc(size);
    if (joined == NULL)
        return ERR_NOMEM;
    snprintf(joined, size, "%s%s%s", before, *before && *value ? ", " : "", value);
    free(*field);
    *field = joined;
    return 0;
}

int places_set(struct places **p, const char *section, const char *name, const char *value, struct why *why)
{
    struct slice object_name;
    unsigned index;
    enum object_kind kind = split(section, &object_name);
    if (!name_is_good(kind, object_name, why))
        return ERR_INVALID;
    const struct key *key = key_find(kind, name, &index);
    if (key == NULL) {
        why_set(why, "unknown setting \"%s\" in [%s]; did you mean \"%s\"?", name, section, key_nearest(kind, name));
        return ERR_INVALID;
    }
    if (!items_are_good(key, section, value, why))
        return ERR_INVALID;
    if (*value == '\0' && object_find(*p, kind, object_name) == NULL && kind == OBJECT_PLACES)
        return 0;
    struct object *o = object_get(p, kind, object_name);
    if (o == NULL || value_put(&o->value[index], key->values, value) != 0) {
        why_set(why, "[%s] %s: too much of it; at most %d sections and %d characters a list", section, name, OBJECTS_MAX, LIST_MAX);
        return ERR_NOMEM;
    }
    return 0;
}

/* ---- printing ---- */

static void print_object(const struct object *o, FILE *out)
{
    unsigned index = 0;
    fprintf(out, "\n# %s\n[%s%s%s]\n", kinds[o->kind].help, kinds[o->kind].section, o->name[0] ? " " : "", o->name);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (keys[i].kind != o->kind)
            continue;
        const char *value = o->value[index++];
        if (value || o->kind == OBJECT_PLACES)
            fprintf(out, "# %s\n%s = %s\n", keys[i].help, keys[i].name, value ? value : "");
    }
}

void places_print(const struct places *p, FILE *out)
{
    const struct object *ours = object_find(p, OBJECT_PLACES, slice_none());
    print_object(ours ? ours : &(const struct object){.kind = OBJECT_PLACES}, out);
    for (unsigned i = 0; p && i < p->count; i++)
        if (p->object[i].kind != OBJECT_PLACES)
            print_object(&p->object[i], out);
}

void places_document(FILE *out)
{
    for (unsigned kind = 0; kind < OBJECT_KINDS; kind++) {
        fprintf(out, "\n## [%s%s]\n\n%s\n\n| setting | meaning |\n| --- | --- |\n", kinds[kind].section,
                kind == OBJECT_PLACES ? "" : " NAME", kinds[kind].help);
        for (size_t i = 0; i < KEY_COUNT; i++)
            if (keys[i].kind == kind)
                fprintf(out, "| `%s` | %s |\n", keys[i].name, keys[i].help);
    }
}

/* ---- building ---- */

struct building {
    const struct places *p;
    struct place_table *table;
    struct place_spaces spaces;
    const struct net_space *numbered;
    unsigned numbered_count;
    struct why *why;
};

static const char *value_of(const struct object *o, const char *name)
{
    unsigned index;
    const struct key *key = key_find(o->kind, name, &index);
    return key && o->value[index] ? o->value[index] : "";
}

/* The same for the same name, whatever else is configured: it is part of a call's id. */
static uint32_t space_of_name(const char *name)
{
    const struct hash_seed fixed = {0};
    return (uint32_t)hash_bytes(&fixed, name, strlen(name)) | UINT32_C(0x80000000);
}

static int full(struct building *b, const char *section, const char *name)
{
    why_set(b->why, "[%s%s%s]: the table of places is full: at most %d trunks, %d sites, %d tenants, %d networks, %d domains and prefixes",
            section, *name ? " " : "", name, PLACE_TRUNKS_MAX, PLACE_SITES_MAX, PLACE_TENANTS_MAX, PLACE_NETWORKS_MAX, PLACE_TEXTS_MAX);
    return ERR_INVALID;
}

static int add_space(struct building *b, const struct object *o, enum wrapping wrapping, uint32_t id)
{
    uint32_t space = space_of_name(o->name);
    for (uint32_t i = 0; i < b->spaces.count; i++) {
        const struct net_space *s = &b->spaces.of[i];
        if (s->wrapping == (uint8_t)wrapping && s->id == id && s->space != space) {
            why_set(b->why, "[tenant %s]: %s %" PRIu32 " is another tenant's already", o->name,
                    wrapping == WRAP_NONE ? "VLAN" : "network", id);
            return ERR_INVALID;
        }
    }
    for (unsigned i = 0; i < b->numbered_count; i++) {
        if (b->numbered[i].wrapping == (uint8_t)wrapping && b->numbered[i].id == id) {
            why_set(b->why, "[tenant %s]: %s %" PRIu32 " stands in capture.tenants already; name its number with spaces =", o->name,
                    wrapping == WRAP_NONE ? "VLAN" : "network", id);
            return ERR_INVALID;
        }
    }
    if (b->spaces.count == PLACE_SPACES_MAX)
        return full(b, "tenant", o->name);
    b->spaces.of[b->spaces.count++] = (struct net_space){.wrapping = (uint8_t)wrapping, .id = id, .space = space};
    return 0;
}

/* The place that an object becomes. */
static enum place_kind place_of(enum object_kind kind)
{
    return kind == OBJECT_TRUNK ? PLACE_TRUNK : kind == OBJECT_SITE ? PLACE_SITE : kind == OBJECT_TENANT ? PLACE_TENANT : PLACE_INSIDE;
}

static int add_vni(struct building *b, const struct object *o, unsigned number, uint32_t vni)
{
    if (o->kind == OBJECT_SITE)
        return place_add_vni(b->table, number, vni) ? full(b, "site", o->name) : 0;
    int err = add_space(b, o, WRAP_VXLAN, vni);
    return err ? err : add_space(b, o, WRAP_GENEVE, vni);
}

static int add_vlan(struct building *b, const struct object *o, unsigned number, uint16_t vlan)
{
    if (o->kind != OBJECT_SITE)
        return add_space(b, o, WRAP_NONE, vlan);
    place_add_vlan(b->table, number, vlan);
    return 0;
}

static int add_tenant_of(struct building *b, const struct object *o, unsigned number, struct slice name)
{
    unsigned tenant = place_find(b->table, PLACE_TENANT, name);
    if (tenant == 0) {
        why_set(b->why, "[%s %s] tenant = %.*s: there is no [tenant %.*s]", kinds[o->kind].section, o->name, SLICE_ARGS(name),
                SLICE_ARGS(name));
        return ERR_INVALID;
    }
    place_set_tenant(b->table, place_of(o->kind), number, tenant);
    return 0;
}

static int add_item(struct building *b, const struct object *o, unsigned number, enum value_kind values, struct slice item)
{
    enum place_kind kind = place_of(o->kind);
    struct place_network network = {0};
    uint64_t n = 0;
    int err = 0;
    switch (values) {
    case VALUE_NETWORKS:
    case VALUE_PEERS:
        place_peer_parse(item, &network);
        err = place_add_network(b->table, kind, number, &network);
        break;
    case VALUE_DOMAINS:
        err = place_add_domain(b->table, kind, number, item);
        break;
    case VALUE_PREFIXES:
        err = place_add_prefix(b->table, number, item);
        break;
    case VALUE_SPACES:
        slice_to_u64(item, UINT32_MAX, &n);
        err = place_add_space(b->table, number, (uint32_t)n);
        break;
    case VALUE_VLANS:
        slice_to_u64(item, 4094, &n);
        return add_vlan(b, o, number, (uint16_t)n);
    case VALUE_VNIS:
        slice_to_u64(item, 0xffffff, &n);
        return add_vni(b, o, number, (uint32_t)n);
    case VALUE_COUNT:
        slice_to_u64(item, 1000000, &n);
        place_set_capacity(b->table, number, (uint32_t)n);
        return 0;
    case VALUE_NAME:
        return add_tenant_of(b, o, number, item);
    }
    return err ? full(b, kinds[o->kind].section, o->name) : 0;
}

static int add_values(struct building *b, const struct object *o)
{
    unsigned index = 0;
    unsigned number = o->kind == OBJECT_PLACES ? 0 : place_find(b->table, place_of(o->kind), slice_str(o->name));
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (keys[i].kind != o->kind)
            continue;
        struct slice rest = o->value[index] ? slice_str(o->value[index]) : slice_none(), item;
        index++;
        while (next_item(&rest, &item)) {
            int err = add_item(b, o, number, keys[i].values, item);
            if (err)
                return err;
        }
    }
    return 0;
}

/* One in thousands of millions; then their calls would mix. */
static bool spaces_collide(const struct building *b, const struct object *o)
{
    for (unsigned i = 0; i < b->p->count; i++) {
        const struct object *other = &b->p->object[i];
        if (other != o && other->kind == OBJECT_TENANT && space_of_name(other->name) == space_of_name(o->name))
            return true;
    }
    return false;
}

static int add_names(struct building *b)
{
    unsigned number;
    for (unsigned i = 0; b->p && i < b->p->count; i++) {
        const struct object *o = &b->p->object[i];
        if (o->kind == OBJECT_PLACES)
            continue;
        if (o->kind == OBJECT_TENANT && spaces_collide(b, o)) {
            why_set(b->why, "[tenant %s]: this name and that of another tenant cannot be told apart; change one", o->name);
            return ERR_INVALID;
        }
        int err = place_add(b->table, place_of(o->kind), slice_str(o->name), &number);
        if (!err && o->kind == OBJECT_TENANT)
            err = place_add_space(b->table, number, space_of_name(o->name));
        if (err)
            return full(b, kinds[o->kind].section, o->name);
    }
    return 0;
}

static bool space_is_claimed(const struct building *b, uint32_t space)
{
    for (unsigned i = 0; b->p && i < b->p->count; i++) {
        const struct object *o = &b->p->object[i];
        struct slice rest = o->kind == OBJECT_TENANT ? slice_str(value_of(o, "spaces")) : slice_none(), item;
        uint64_t n;
        while (next_item(&rest, &item))
            if (slice_to_u64(item, UINT32_MAX, &n) && n == space)
                return true;
    }
    return false;
}

/* Numbers of capture.tenants that nobody gave a name are tenants all the same. */
static int add_numbered(struct building *b)
{
    for (unsigned i = 0; i < b->numbered_count; i++) {
        char name[16];
        unsigned number;
        snprintf(name, sizeof name, "%" PRIu32, b->numbered[i].space);
        if (space_is_claimed(b, b->numbered[i].space) || place_find(b->table, PLACE_TENANT, slice_str(name)))
            continue;
        int err = place_add(b->table, PLACE_TENANT, slice_str(name), &number);
        if (!err)
            err = place_add_space(b->table, number, b->numbered[i].space);
        if (err)
            return full(b, "tenant", name);
    }
    return 0;
}

static int build(struct building *b)
{
    int err = add_names(b);
    if (!err)
        err = add_numbered(b);
    for (unsigned i = 0; b->p && i < b->p->count && !err; i++)
        err = add_values(b, &b->p->object[i]);
    if (!err)
        place_table_seal(b->table);
    return err;
}

int places_build(const struct places *p, const struct net_space *numbered, unsigned numbered_count,
                 struct place_table **ret_table, struct place_spaces *ret_spaces, struct why *why)
{
    *ret_table = NULL;
    *ret_spaces = (struct place_spaces){0};
    if ((p == NULL || p->count == 0) && numbered_count == 0)
        return 0;
    struct building b = {.p = p, .numbered = numbered, .numbered_count = numbered_count, .why = why};
    b.table = place_table_new();
    b.spaces.of = calloc(PLACE_SPACES_MAX, sizeof *b.spaces.of);
    int err = b.table && b.spaces.of ? build(&b) : ERR_NOMEM;
    if (err) {
        place_table_free(b.table);
        free(b.spaces.of);
        return err;
    }
    *ret_table = b.table;
    *ret_spaces = b.spaces;
    return 0;
}

int places_check(const struct places *p, struct why *why)
{
    struct place_table *table;
    struct place_spaces spaces;
    int err = places_build(p, NULL, 0, &table, &spaces, why);
    place_table_free(table);
    free(spaces.of);
    return err;
}
