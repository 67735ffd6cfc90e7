/* PASSporTs (RFC 8225) of Identity headers (RFC 8224), SHAKEN's among them (RFC 8588): decoded and,
 * where keys are given, verified. Nothing is fetched from anywhere. The compact form, without
 * header and payload, is put together again from what the message says (RFC 8224 4.1, RFC 8225 9),
 * which SHAKEN's own claims cannot be: of those only the signature's presence is known. */
#pragma once

#include "app/identity_config.h"
#include "capture/sip/identity.h"
#include "storage/record_identity.h"

/* What the call itself says. */
struct passport_call {
    const char *caller; /* E.164 with or without '+', "" for none */
    const char *callee;
    int64_t started_us;
    struct slice date; /* Date header; empty: none */
};

/* Decodes and judges one element; texts go to `arena`. Result `unreadable`: no JSON web signature.
 * At most 9 signature checks. */
void passport_read(const struct sip_signed *header, const struct passport_call *call,
                   const struct identity_config *config, struct arena *arena,
                   struct record_passport *ret_passport);
/* Seconds since 1970 of "Sat, 21 Nov 2026 10:00:00 GMT"; 0 for anything else. */
int64_t passport_date(struct slice date);
