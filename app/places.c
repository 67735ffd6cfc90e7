/* An object is a section that was named: its values stay the text that was written, lists in one string, so printing is exact and
 * building reads what has already been checked. */
#include "app/places_internal.h"

#include <inttypes.h>
#include <stdlib.h>


#define LIST_MAX (256 * 1024)
#define ITEM_MAX 180 /* a line of a file has 198 bytes, its name and " = " among them (INI_MAX_LINE) */
#define TITLE_MAX 64
#define ALIASES_MAX 1024

static const struct {
    const char *section, *help;
} kinds[] = {
#define NAMED(kind, section, help) [OBJECT_##kind] = {#section, help},
#define KEY(kind, name, values, help)
#include "app/places.def"
#undef NAMED
#undef KEY
};

const struct key place_keys[] = {
#define NAMED(kind, section, help)
#define KEY(kind, name, values, help) {OBJECT_##kind, #name, VALUE_##values, help},
#include "app/places.def"
#undef NAMED
#undef KEY
};
const size_t place_key_count = sizeof place_keys / sizeof place_keys[0];

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
    [VALUE_TITLE] = "a name of 1 to 64 bytes, without control characters and without ;",
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
    for (size_t i = 0; i < place_key_count; i++) {
        if (place_keys[i].kind != kind)
            continue;
        *ret_index = index++;
        if (strcmp(place_keys[i].name, name) == 0)
            return &place_keys[i];
    }
    return NULL;
}

bool places_network(struct slice text, char out[PLACES_NAME_SIZE])
{
    struct place_network n;
    char address[ADDR_TEXT_SIZE];
    if (!place_network_parse(slice_trim(text), &n))
        return false;
    unsigned length = addr_is_v4(n.addr) ? n.length - 96u : n.length;
    addr_text(n.addr, address);
    if (n.length == 128)
        snprintf(out, PLACES_NAME_SIZE, "%s", address);
    else
        snprintf(out, PLACES_NAME_SIZE, "%s/%u", address, length);
    return true;
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
    for (size_t i = 0; i < place_key_count; i++) {
        unsigned l = place_keys[i].kind == kind ? 1 + likeness(name, place_keys[i].name) : 0;
        if (l > most) {
            most = l;
            best = place_keys[i].name;
        }
    }
    return best;
}

static bool name_is_good(enum object_kind kind, struct slice name, struct why *why)
{
    const char *section = kinds[kind].section;
    char network[PLACES_NAME_SIZE];
    bool reserved = kind == OBJECT_TRUNK && (slice_is(name, "none") || slice_is(name, "other"));
    if (kind == OBJECT_PLACES && name.size)
        why_set(why, "[places] has no name");
    else if (kind != OBJECT_PLACES && name.size == 0)
        why_set(why, "[%s] needs a name: [%s example-1]", section, section);
    else if (kind == OBJECT_ALIAS && !places_network(name, network))
        why_set(why, "[alias %.*s]: an alias is of an address or a network, such as 10.1.1.5 or 10.1.0.0/16", SLICE_ARGS(slice_sub(name, 0, 60)));
    else if (kind != OBJECT_PLACES && kind != OBJECT_ALIAS && !place_name_valid(name))
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

static bool is_full(const struct places *p, enum object_kind kind)
{
    unsigned aliases = 0;
    for (unsigned i = 0; kind == OBJECT_ALIAS && i < p->count; i++)
        aliases += p->object[i].kind == OBJECT_ALIAS;
    return p->count == OBJECTS_MAX || aliases == ALIASES_MAX;
}

static struct object *object_get(struct places **p, enum object_kind kind, struct slice name)
{
    const struct object *there = object_find(*p, kind, name);
    if (there)
        return &(*p)->object[there - (*p)->object];
    if (*p == NULL)
        *p = calloc(1, sizeof **p);
    if (*p == NULL || is_full(*p, kind))
        return NULL;
    struct object *o = &(*p)->object[(*p)->count++];
    o->kind = kind;
    slice_copy_to(name, o->name, sizeof o->name);
    return o;
}

/* ---- values ---- */

bool list_next(struct slice *rest, struct slice *ret_item)
{
    while (rest->size) {
        *ret_item = slice_trim(slice_cut(rest, ','));
        if (ret_item->size)
            return true;
    }
    return false;
}

static bool item_number(struct slice item, uint64_t max, uint64_t *ret_value)
{
    return slice_to_u64(item, max, ret_value) && *ret_value > 0;
}

/* Without what would end the line or begin a comment where it is written. */
static bool title_is_good(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] == 127 || text.data[i] == ';')
            return false;
    return text.size > 0 && text.size <= TITLE_MAX;
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
        return item_number(item, 4094, &n);
    case VALUE_VNIS:
        return item_number(item, 0xffffff, &n);
    case VALUE_SPACES:
        return item_number(item, UINT32_MAX, &n);
    case VALUE_COUNT:
        return item_number(item, 1000000, &n);
    case VALUE_NAME:
        return place_name_valid(item);
    case VALUE_TITLE:
        return title_is_good(item);
    }
    return false;
}

static bool items_are_good(const struct key *key, const char *section, const char *value, struct why *why)
{
    struct slice rest = slice_str(value), item = rest;
    bool single = key->values == VALUE_TITLE;
    while (single || list_next(&rest, &item)) {
        if (single && title_is_good(item))
            return true;
        if (item.size > ITEM_MAX) {
            why_set(why, "\"%.*s...\" is too long for [%s] %s: one of them has at most %d bytes", SLICE_ARGS(slice_sub(item, 0, 40)), section,
                    key->name, ITEM_MAX);
            return false;
        }
        if (!item_is_good(key->values, item)) {
            why_set(why, "\"%.*s\" is no value for [%s] %s: it takes %s", SLICE_ARGS(slice_sub(item, 0, 80)), section,
                    key->name, expected[key->values]);
            return false;
        }
    }
    return true;
}

static bool value_is_list(enum value_kind values)
{
    return values != VALUE_COUNT && values != VALUE_NAME && values != VALUE_TITLE;
}

/* What was there, a comma, and what came; a single value replaces. */
static int value_put(char **field, enum value_kind values, const char *value)
{
    bool is_list = value_is_list(values);
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

/* "SBC Vienna" may stand in quotes. What is too long for a title stays so. */
static const char *unquoted(const char *value, char out[TITLE_MAX + 3])
{
    size_t size = strlen(value);
    if (size < 2 || size > TITLE_MAX + 2 || value[0] != '"' || value[size - 1] != '"')
        return value;
    slice_copy_to(slice_of(value + 1, size - 2), out, TITLE_MAX + 3);
    return out;
}

int places_set(struct places **p, const char *section, const char *name, const char *value, struct why *why)
{
    struct slice object_name;
    unsigned index;
    enum object_kind kind = split(section, &object_name);
    if (!name_is_good(kind, object_name, why))
        return ERR_INVALID;
    char network[PLACES_NAME_SIZE];
    if (kind == OBJECT_ALIAS && places_network(object_name, network))
        object_name = slice_str(network);
    const struct key *key = key_find(kind, name, &index);
    if (key == NULL) {
        why_set(why, "unknown setting \"%s\" in [%s]; did you mean \"%s\"?", name, section, key_nearest(kind, name));
        return ERR_INVALID;
    }
    char title[TITLE_MAX + 3];
    if (key->values == VALUE_TITLE)
        value = unquoted(value, title);
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
    for (size_t i = 0; i < place_key_count; i++) {
        if (place_keys[i].kind != o->kind)
            continue;
        const char *value = o->value[index++];
        if (value || o->kind == OBJECT_PLACES)
            fprintf(out, "# %s\n%s = %s\n", place_keys[i].help, place_keys[i].name, value ? value : "");
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
        for (size_t i = 0; i < place_key_count; i++)
            if (place_keys[i].kind == kind)
                fprintf(out, "| `%s` | %s |\n", place_keys[i].name, place_keys[i].help);
    }
}

const char *object_value(const struct object *o, const char *name)
{
    unsigned index;
    const struct key *key = key_find(o->kind, name, &index);
    return key && o->value[index] ? o->value[index] : "";
}

const char *object_section(enum object_kind kind)
{
    return kinds[kind].section;
}

/* ---- as others ask ---- */

static enum object_kind kind_of(const char *section)
{
    struct slice name;
    return split(section, &name);
}

const struct object *places_next(const struct places *p, const char *section, const struct object *before)
{
    enum object_kind kind = kind_of(section);
    for (unsigned i = before ? (unsigned)(before - p->object) + 1 : 0; p && i < p->count; i++)
        if (p->object[i].kind == kind)
            return &p->object[i];
    return NULL;
}

const struct object *places_find(const struct places *p, const char *section, const char *name)
{
    return object_find(p, kind_of(section), slice_str(name));
}

const char *places_name(const struct object *o)
{
    return o->name;
}

const char *places_value(const struct object *o, const char *key)
{
    return object_value(o, key);
}

const char *places_alias(const struct places *p, struct addr a)
{
    const struct object *best = NULL;
    unsigned longest = 0;
    for (const struct object *o = places_next(p, "alias", NULL); o; o = places_next(p, "alias", o)) {
        struct place_network n;
        if (!place_network_parse(slice_str(o->name), &n) || (best && n.length <= longest) || !place_network_has(&n, a))
            continue;
        best = o;
        longest = n.length;
    }
    return best ? object_value(best, "name") : NULL;
}

int places_add(struct places **into, const struct places *from, const char *except)
{
    struct slice name = slice_none();
    enum object_kind kind = except ? split(except, &name) : OBJECT_KINDS;
    unsigned before = *into ? (*into)->count : 0;
    for (unsigned i = 0; from && i < from->count; i++) {
        const struct object *o = &from->object[i];
        const struct object *there = object_find(*into, o->kind, slice_str(o->name));
        if ((there && (unsigned)(there - (*into)->object) < before) || (o->kind == kind && slice_is(name, o->name)))
            continue;
        struct object *copy = object_get(into, o->kind, slice_str(o->name));
        for (unsigned k = 0; copy && k < KEYS_MAX; k++)
            if (o->value[k] && (copy->value[k] = strdup(o->value[k])) == NULL)
                return ERR_NOMEM;
        if (copy == NULL)
            return ERR_NOMEM;
    }
    return 0;
}

static void write_value(const struct key *key, const char *value, struct buf *out)
{
    struct slice rest = slice_str(value), item = rest;
    if (!value_is_list(key->values))
        buf_printf(out, "%s = %s\n", key->name, value);
    while (value_is_list(key->values) && list_next(&rest, &item))
        buf_printf(out, "%s = %.*s\n", key->name, SLICE_ARGS(item));
}

void places_write(const struct places *p, struct buf *out)
{
    for (unsigned i = 0; p && i < p->count; i++) {
        const struct object *o = &p->object[i];
        unsigned index = 0;
        buf_printf(out, "\n[%s%s%s]\n", kinds[o->kind].section, o->name[0] ? " " : "", o->name);
        for (size_t k = 0; k < place_key_count; k++) {
            if (place_keys[k].kind != o->kind)
                continue;
            const char *value = o->value[index++];
            if (value)
                write_value(&place_keys[k], value, out);
        }
    }
}
