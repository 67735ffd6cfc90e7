/* What the listener for HEP must know of the packets: where one ends in a stream, and whether it may
 * pass. What is in them is read by capture/net. */
#pragma once

#include "base/slice.h"

#define HEP_PACKET_MAX 65535

/* Size of the HEP3 packet at the front of a stream: 0 when it is not all there yet, SIZE_MAX when this
 * is no HEP3. */
size_t hep_stream_size(struct slice stream);

/* In the order of enum source_refusal, with none refused last. */
enum hep_admission { HEP_MALFORMED, HEP_UNAUTHORISED, HEP_ADMITTED };

/* One packet, HEP3 or HEP2. With a key it must hold the same, which HEP2 cannot; compared in constant
 * time. Malformed here: does not begin like HEP, or its lengths lie. */
enum hep_admission hep_admit(struct slice packet, struct slice key);
