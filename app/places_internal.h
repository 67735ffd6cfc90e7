/* Shared by places.c (sections read and printed) and places_build.c (the table made of them). */
#pragma once

#include "app/places.h"

#define OBJECTS_MAX 2048 /* of all kinds; the table of places has the ceilings of each */
#define KEYS_MAX    6

enum value_kind { VALUE_NETWORKS, VALUE_PEERS, VALUE_DOMAINS, VALUE_PREFIXES, VALUE_VLANS, VALUE_VNIS, VALUE_SPACES, VALUE_COUNT, VALUE_NAME, VALUE_TITLE };
enum object_kind {
#define NAMED(kind, section, help) OBJECT_##kind,
#define KEY(kind, name, values, help)
#include "app/places.def"
#undef NAMED
#undef KEY
    OBJECT_KINDS
};

/* A setting of such a section. */
struct key {
    enum object_kind kind;
    const char *name;
    enum value_kind values;
    const char *help;
};

struct object {
    enum object_kind kind;
    char name[PLACES_NAME_SIZE]; /* "" for [places] */
    char *value[KEYS_MAX];      /* by the key's place among those of its kind; NULL: not given */
};

struct places {
    unsigned count;
    struct object object[OBJECTS_MAX];
};

extern const struct key place_keys[];
extern const size_t place_key_count;

/* "trunk". */
const char *object_section(enum object_kind kind);
/* As it was written; "" when it was not. */
const char *object_value(const struct object *o, const char *name);
/* Items of a list, with commas between. */
bool list_next(struct slice *rest, struct slice *ret_item);
