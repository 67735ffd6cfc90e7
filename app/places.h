/* Named sections of the configuration, [trunk NAME], [site NAME], [tenant NAME], [alias NETWORK], and [places]: read and checked value by value,
 * printed, and made into the table of places that the front asks and the address spaces of the tenants (places.def). */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "capture/call/place.h"
#include "capture/net/net.h"

#define PLACES_NAME_SIZE 64 /* of a section: the name of a trunk, the network of an alias */

/* NULL: nothing was named. */
struct places;

void places_free(struct places *p);
/* Is this one of the named sections, well written or not? */
bool places_section(const char *section);
/* One line of the file; *p is made with the first. */
int places_set(struct places **p, const char *section, const char *name, const char *value, struct why *why);
/* What single values cannot show: tenants that are named and not there, two tenants in one VLAN. */
int places_check(const struct places *p, struct why *why);
/* As sections of a configuration file. */
void places_print(const struct places *p, FILE *out);
/* The sections of `from` that `into` does not have, values and all, but for `except` ("trunk x"; NULL: none). ERR_NOMEM. */
int places_add(struct places **into, const struct places *from, const char *except);
/* All of it as it would be written, a line for each item of a list. */
void places_write(const struct places *p, struct buf *out);
/* "10.1.0.0/16 " -> "10.1.0.0/16"; "10.1.0.1/32" -> "10.1.0.1". False: it is no network. */
bool places_network(struct slice text, char out[PLACES_NAME_SIZE]);

/* Sections of a kind, "trunk" or "alias", in order: its name and a value by the name of its key ("" when it has none). */
struct object;
const struct object *places_next(const struct places *p, const char *section, const struct object *before);
const struct object *places_find(const struct places *p, const char *section, const char *name);
const char *places_name(const struct object *o);
const char *places_value(const struct object *o, const char *key);
/* The name of what this address is known by, the longest prefix that fits; NULL: none. */
const char *places_alias(const struct places *p, struct addr a);

/* As chapters of docs/settings.md. */
void places_document(FILE *out);

struct place_spaces {
    struct net_space *of; /* VLANs and VNIs of tenants, malloc'ed */
    uint32_t count;
};

/* `names`: of the tables before it, or NULL: its own. The sealed table, with these spaces of capture.tenants: one that no tenant claims is a tenant named by its number. *ret_table
 * is NULL when there is nothing to be known. */
int places_build(const struct places *p, struct place_names *names, const struct net_space *numbered, unsigned numbered_count,
                 struct place_table **ret_table, struct place_spaces *ret_spaces, struct why *why);
