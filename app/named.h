/* Trunks and aliases that were named through the API, beside those of the configuration: they stand in <data>/named-places.conf, as
 * sections of a configuration would. Those of the configuration stay as they are; where both name the same, it counts. */
#pragma once

#include "api/named.h"
#include "app/settings.h"
#include "app/wire.h"

struct named_places;

struct named_config {
    const char *data_dir;
    const struct settings *settings;
};

/* Reads the file; one that cannot be read is set aside as <file>.unreadable. */
int named_open(const struct named_config *config, struct named_places **ret_named, struct why *why);
/* NULL is fine. */
void named_close(struct named_places *n);
/* Of configuration and API together, for wire_open_with(); as long as nothing is changed. */
const struct places *named_all(const struct named_places *n);
/* Where changes take effect. Before the API is open; `set` and `gauges` get names and capacities of trunks. */
void named_begin(struct named_places *n, struct wire *wire, struct counters_set *set, struct counters *gauges);

/* A wire of its own for whoever reads beside the capture: the configuration, with the places as they stand now. Any thread. */
int named_open_wire(struct named_places *n, struct wire **ret_wire, struct why *why);

/* For the API (api/named.h); `context` is the struct. */
void named_each(void *context, enum named_kind kind, named_fn *fn, void *fn_context);
int named_change(void *context, enum named_change how, const struct named *item, const struct named_seen *seen, struct buf *ret_change, struct why *why);
bool named_alias_of(void *context, struct addr a, char out[NAMED_ALIAS_SIZE]);
