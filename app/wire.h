/* What the operator knows about the wire and the front must be told: keys that open TLS, ports where it is spoken, tenants behind
 * VLANs and tunnels, addresses that stand for each other. From settings to the front's configuration, and to the front itself while it runs. */
#pragma once

#include "app/pipeline.h"
#include "app/settings.h"

struct wire;

/* Reads the texts of the settings and opens the key log. 0 or ERR_ with a sentence that names the setting. */
int wire_open(const struct settings *s, struct wire **ret_wire, struct why *why);
/* The same; places come from elsewhere, and others may come in their place while the front runs. */
int wire_open_with(const struct settings *s, const struct places *places, struct wire **ret_wire, struct why *why);
/* Can these be the places? Nothing is done. */
int wire_try_places(const struct wire *w, const struct places *places, struct why *why);
/* Calls that begin from now on are placed by these. Any thread, one at a time; tenants stay what they were. */
int wire_put_places(struct wire *w, const struct places *places, struct counters_set *set, struct counters *gauges, struct why *why);
/* NULL is fine. */
void wire_close(struct wire *w);
/* `config` borrows from `w`. */
void wire_configure(const struct wire *w, struct front_config *config);
/* Certificates of [stir], borrowed from `w`; NULL when there are none. */
const struct stir_keys *wire_stir(const struct wire *w);
/* Names of trunks and their capacities; `gauges` is the caller's block. Before threads start. */
void wire_label_counters(const struct wire *w, struct counters_set *set, struct counters *gauges);
/* Private keys, and what the key log holds so far. */
int wire_start(struct wire *w, struct pipeline *p, struct why *why);
/* Lines that the key log gained. In the front's thread, now and then. */
void wire_poll(struct wire *w, struct pipeline *p);
