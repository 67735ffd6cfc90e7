/* Which end of an octet do the code words of a G.726 stream begin at? RFC 3551 and AAL2 (I.366.2) pack them the other way round, names
 * tell which it is, and some senders use the one name with the other order. Both are decoded; sound whose order is right can be
 * predicted better from what was just heard. What shows no difference (silence, noise) decides nothing, and then the name holds. */
#pragma once

#include "base/slice.h"

enum g726_verdict { G726_OPEN, G726_AS_NAMED, G726_OTHERWISE };

struct g726_packing;

/* The name of the same codec in the other order; NULL for other codecs. */
const char *g726_other_name(const char *name);
/* For one stream of the codec of that name; NULL without memory. */
struct g726_packing *g726_packing_new(const char *name);
void g726_packing_free(struct g726_packing *p);
/* Its next payload. Once it is decided it stays so. */
enum g726_verdict g726_packing_look(struct g726_packing *p, struct slice payload);
