/* From named sections to what the front asks: the table of places, the address spaces of tenants. What is text has been checked
 * value by value; what two sections say against each other is found here. */
#include "app/places_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/hash.h"

struct building {
    const struct places *p;
    struct place_table *table;
    struct place_spaces spaces;
    const struct net_space *numbered;
    unsigned numbered_count;
    struct why *why;
};

/* The same for the same name, whatever else is configured: it is part of a call's id. */
static uint32_t space_of_name(const char *name)
{
    const struct hash_seed fixed = {0};
    return (uint32_t)hash_bytes(&fixed, name, strlen(name)) | UINT32_C(0x80000000);
}

static int full(struct building *b, const char *section, const char *name)
{
    why_set(b->why, "[%s%s%s]: the table of places is full: at most %d trunks, %d sites, %d tenants (names that are gone count until the next start), %d networks, %d domains and prefixes",
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
        why_set(b->why, "[%s %s] tenant = %.*s: there is no [tenant %.*s]", object_section(o->kind), o->name, SLICE_ARGS(name),
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
    case VALUE_TITLE:
        return 0;
    }
    return err ? full(b, object_section(o->kind), o->name) : 0;
}

static int add_values(struct building *b, const struct object *o)
{
    unsigned index = 0;
    unsigned number = o->kind == OBJECT_PLACES ? 0 : place_find(b->table, place_of(o->kind), slice_str(o->name));
    for (size_t i = 0; i < place_key_count; i++) {
        if (place_keys[i].kind != o->kind)
            continue;
        struct slice rest = o->value[index] ? slice_str(o->value[index]) : slice_none(), item;
        index++;
        while (list_next(&rest, &item)) {
            int err = add_item(b, o, number, place_keys[i].values, item);
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
        if (o->kind == OBJECT_PLACES || o->kind == OBJECT_ALIAS)
            continue;
        if (o->kind == OBJECT_TENANT && spaces_collide(b, o)) {
            why_set(b->why, "[tenant %s]: this name and that of another tenant cannot be told apart; change one", o->name);
            return ERR_INVALID;
        }
        int err = place_add(b->table, place_of(o->kind), slice_str(o->name), &number);
        if (!err && o->kind == OBJECT_TENANT)
            err = place_add_space(b->table, number, space_of_name(o->name));
        if (err)
            return full(b, object_section(o->kind), o->name);
    }
    return 0;
}

static bool space_is_claimed(const struct building *b, uint32_t space)
{
    for (unsigned i = 0; b->p && i < b->p->count; i++) {
        const struct object *o = &b->p->object[i];
        struct slice rest = o->kind == OBJECT_TENANT ? slice_str(object_value(o, "spaces")) : slice_none(), item;
        uint64_t n;
        while (list_next(&rest, &item))
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
        if (b->p->object[i].kind != OBJECT_ALIAS)
            err = add_values(b, &b->p->object[i]);
    if (!err)
        place_table_seal(b->table);
    return err;
}

/* Aliases alone place nothing. */
static bool names_places(const struct places *p)
{
    for (unsigned i = 0; p && i < p->count; i++)
        if (p->object[i].kind != OBJECT_ALIAS)
            return true;
    return false;
}

int places_build(const struct places *p, struct place_names *names, const struct net_space *numbered, unsigned numbered_count,
                 struct place_table **ret_table, struct place_spaces *ret_spaces, struct why *why)
{
    *ret_table = NULL;
    *ret_spaces = (struct place_spaces){0};
    if (!names_places(p) && numbered_count == 0 && (names == NULL || place_names_empty(names)))
        return 0;
    unsigned mark[PLACE_KINDS];
    if (names)
        place_names_mark(names, mark);
    struct building b = {.p = p, .numbered = numbered, .numbered_count = numbered_count, .why = why};
    b.table = names ? place_table_new_of(names) : place_table_new();
    b.spaces.of = calloc(PLACE_SPACES_MAX, sizeof *b.spaces.of);
    int err = b.table && b.spaces.of ? build(&b) : ERR_NOMEM;
    if (err) {
        place_table_free(b.table);
        free(b.spaces.of);
        if (names)
            place_names_back(names, mark);
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
    int err = places_build(p, NULL, NULL, 0, &table, &spaces, why);
    place_table_free(table);
    free(spaces.of);
    return err;
}
