/* The part of YAML that api/openapi.yaml is written in, as a tree: block and flow mappings and lists, plain and "quoted" texts, | and >.
 * What it does not know it refuses, with the line: this runs while the program is built, and nothing may be guessed then. */
#pragma once

#include <stdbool.h>

enum yaml_kind { YAML_MAP, YAML_LIST, YAML_TEXT, YAML_PLAIN }; /* PLAIN: a number, a truth value, null; as it stands */

struct yaml {
    enum yaml_kind kind;
    const char *key;  /* in a mapping */
    const char *text; /* TEXT, PLAIN */
    struct yaml *first, *next; /* what is in it; what follows it */
};

/* Ends the program with a message where it cannot be read. Nothing of it is ever freed. */
struct yaml *yaml_read(const char *path);

/* NULL: none, also where `map` is NULL or no mapping. */
const struct yaml *yaml_get(const struct yaml *map, const char *key);
/* Its text; NULL: none. */
const char *yaml_text(const struct yaml *map, const char *key);
/* The node that "#/a/b" names; `node` itself where it is no reference. */
const struct yaml *yaml_resolve(const struct yaml *root, const struct yaml *node);
