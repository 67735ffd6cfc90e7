/* Named sections of the configuration, [trunk NAME], [site NAME], [tenant NAME], and [places]: read and checked value by value,
 * printed, and made into the table of places that the front asks and the address spaces of the tenants (places.def). */
#pragma once

#include <stdio.h>

#include "base/error.h"
#include "capture/call/place.h"
#include "capture/net/net.h"

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
/* As chapters of docs/settings.md. */
void places_document(FILE *out);

struct place_spaces {
    struct net_space *of; /* VLANs and VNIs of tenants, malloc'ed */
    uint32_t count;
};

/* The sealed table, with these spaces of capture.tenants: one that no tenant claims is a tenant named by its number. *ret_table
 * is NULL when there is nothing to be known. */
int places_build(const struct places *p, const struct net_space *numbered, unsigned numbered_count,
                 struct place_table **ret_table, struct place_spaces *ret_spaces, struct why *why);
