/* HEP packets of capture agents, taken apart: what an agent saw becomes a datagram as if we had seen it. */
#pragma once

#include "base/counters.h"
#include "capture/net/hep.h"

struct hep_unpack; /* room for a payload that is compressed or rewritten */

struct hep_unpack *hep_unpack_new(struct counters *counters);
void hep_unpack_free(struct hep_unpack *u);
/* What stands in `bytes`, with a time that is not after `now_ns`; in a captured frame (`carrier`, else NULL) its tunnel is HEP.
 * The payload lies in `bytes` or in `u`, until the next call. False: malformed, counted. */
bool hep_unpack(struct hep_unpack *u, struct slice bytes, const struct datagram *carrier, int64_t now_ns, struct hep_packet *ret_packet);
