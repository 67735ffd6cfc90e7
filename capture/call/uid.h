/* Call ids: UUIDv8 (RFC 9562) from a keyed hash over what names the call, so that reading a capture
 * again gives the same ids and nobody outside can guess one. */
#pragma once

#include "base/addr.h"

/* Over probe, Call-ID, From tag, the address space unless it is 0, and the time of the first INVITE
 * in microseconds. */
void uid_of_call(const uint8_t secret[32], const char *probe, struct slice call_id,
                 struct slice tag, uint32_t space, int64_t time_ns, uint8_t ret_uid[16]);
/* Media without signalling: probe, both ends, SSRC, time of the first packet. */
void uid_of_orphan(const uint8_t secret[32], const char *probe, const struct endpoint *src,
                   const struct endpoint *dst, uint32_t ssrc, int64_t time_ns, uint8_t ret_uid[16]);
/* A message or a subscription: as a call, and its CSeq number. */
void uid_of_message(const uint8_t secret[32], const char *probe, struct slice call_id,
                    struct slice tag, uint32_t space, uint32_t cseq, int64_t time_ns,
                    uint8_t ret_uid[16]);
