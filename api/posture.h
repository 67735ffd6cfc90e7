/* How well calls and registrations are protected: shares of what is in the clear, weak or not asked for. Pure: records in, JSON out; so
 * `GET /stats/posture` and `earshot read --posture` say the same. */
#pragma once

#include "base/json.h"
#include "storage/record.h"
#include "storage/user_record.h"

struct posture {
    uint64_t calls, signalling_clear, signalling_protected; /* by what carried their first message */
    uint64_t unreadable, old_tls;                           /* connections that nobody can read; of them below TLS 1.2 (RFC 8996) */
    uint64_t media_calls, media_clear, media_protected;     /* with streams: one of them, or none, in the clear */
    uint64_t keys_told, keys_in_clear, weak_suites;         /* calls with a=crypto */
    uint64_t registrations, basic, md5, without_qop, unchallenged;
};

void posture_call(struct posture *p, const struct call_record *r);
/* Only those that ever succeeded say something. */
void posture_registration(struct posture *p, const struct registration_record *r);
/* Keys and values into the object that is open: counts, and shares (null of nothing). */
void posture_json(struct json *j, const struct posture *p);
