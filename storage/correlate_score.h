/* Do two calls belong together? Pure: two records in, evidence out; who is asked for candidates and
 * what else shares their keys is correlate.h's business.
 *
 *      evidence       what agrees                                            at most
 *   1  call_id        the Call-ID (another From tag, another hop)            high
 *   2  session_id     Session-ID (RFC 7989): both halves in any order, or
 *                     one where nobody knows the other yet: high; one half
 *                     where the other differs (transfer, fork): medium       high
 *   3  header         a configured header is equal, or one leg names the
 *                     Call-ID of the other in it                             high
 *   4  icid           icid-value of P-Charging-Vector                        high
 *   5  call_id_part   the Call-ID holds that of the other without host:
 *                     high; or its first call_id_chars: medium               high
 *   6  transfer       Replaces, Join, one chain of transfers                 high
 *   7  sdp_origin     session id and address of the SDP o= line              medium
 *      media          an endpoint of SDP or of packets                       medium
 *   8  numbers        the same pair, begun within 2 s, one end within 2 s of
 *                     an end: low; and one leaves from where the other
 *                     arrives: medium, unless a third call fits as well      medium
 *
 * SDP origin with a media endpoint, or a media endpoint with (8), is high. Numbers, times and an SDP
 * origin are not: thousands of calls of one dialler to one service share them. 3, 4 and 5 are weaker
 * where the calls did not go on at the same time, 7 then counts for nothing. */
#pragma once

#include "storage/correlate_index.h"

enum correlate_evidence {
    EVIDENCE_CALL_ID,
    EVIDENCE_SESSION_ID,
    EVIDENCE_HEADER,
    EVIDENCE_ICID,
    EVIDENCE_CALL_ID_PART,
    EVIDENCE_TRANSFER,
    EVIDENCE_SDP_ORIGIN,
    EVIDENCE_MEDIA,
    EVIDENCE_NUMBERS,
    EVIDENCE_KINDS,
};

enum correlate_level { LEVEL_NONE, LEVEL_LOW, LEVEL_MEDIUM, LEVEL_HIGH };

#define CORRELATE_NEAR_US INT64_C(2000000)

struct correlation {
    uint8_t level[EVIDENCE_KINDS]; /* enum correlate_level of each */
    struct slice value[EVIDENCE_KINDS]; /* what agrees; borrowed from the first record, may be empty */
    uint8_t confidence;            /* of all together */
};

/* Hashes that too many calls share to mean anything; the texts behind them count for nothing. */
struct correlate_common {
    unsigned count;
    int64_t hash[CORRELATE_ENTRIES_MAX];
};

/* `common` may be NULL. */
void correlate_score(const struct call_record *a, const struct call_record *b,
                     const struct correlate_common *common, struct correlation *ret);
/* Evidence 8 in full: `after` is what `before` became. */
bool correlate_chain_fits(const struct call_record *before, const struct call_record *after);
/* A third call fits as well: evidence 8 is worth little. */
void correlate_rival(struct correlation *c);

const char *correlate_evidence_text(enum correlate_evidence v);
const char *correlate_level_text(enum correlate_level v); /* NULL for NONE */
bool correlate_level_parse(const char *text, enum correlate_level *ret_level);
