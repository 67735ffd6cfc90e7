/* Which pairs of endpoints spoke DTLS not long ago: RTP between them that no SDP announces is SRTP
 * (WebRTC without SIP). A fixed table without chains: a newer pair takes the place of an older one. */
#pragma once

#include "base/addr.h"

#define SEALED_NS INT64_C(600000000000)

struct sealed;

struct sealed *sealed_new(const struct hash_seed *seed); /* NULL without memory */
void sealed_free(struct sealed *s);
void sealed_note(struct sealed *s, const struct endpoint *a, const struct endpoint *b,
                 int64_t now_ns);
/* In either direction. */
bool sealed_seen(const struct sealed *s, const struct endpoint *a, const struct endpoint *b,
                 int64_t now_ns);
