/* SRTP with AES-192 in counter mode (RFC 6188): Debian's libsrtp derives its session keys otherwise than the RFC says, so
 * what follows the RFC is opened here. One SSRC a session; packets that repeat are for others to tell. */
#pragma once

#include "base/media_key.h"
#include "base/slice.h"

struct srtp_192;

/* NULL without memory. */
struct srtp_192 *srtp_192_new(const struct media_key *key);
void srtp_192_free(struct srtp_192 *s);
/* Where packets begin to be counted from: the roll-over counter of the next one. */
void srtp_192_set_roll(struct srtp_192 *s, uint32_t roll);
uint32_t srtp_192_roll(const struct srtp_192 *s);
/* In place; false: nothing of it can be believed. The packet without tag and MKI has *size bytes then. */
bool srtp_192_open(struct srtp_192 *s, uint8_t *packet, size_t *size);
