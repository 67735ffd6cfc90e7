/* What a call is found by when its legs are asked for: its keys, as hashes. The same list is made when
 * a call is stored and when its legs are looked for; equal hashes make a candidate and nothing more,
 * for correlate_score.h then compares the texts. So the hash needs no secret: who makes two collide
 * gains no more than by sending the same value twice.
 *
 *   session_id   each half                      header       name and value
 *   icid         value                          reference    each Call-ID that a header or Replaces names
 *   sdp_origin   value                          media        each endpoint, of SDP and of seen packets
 *   numbers      caller and callee              call_id_head, call_id_tail   of call_id_chars bytes
 *   group        of a chain of transfers
 */
#pragma once

#include "storage/record.h"

enum correlate_class {
    CLASS_SESSION,
    CLASS_HEADER,
    CLASS_ICID,
    CLASS_REFERENCE,
    CLASS_SDP,
    CLASS_MEDIA,
    CLASS_NUMBERS,
    CLASS_HEAD,
    CLASS_TAIL,
    CLASS_GROUP,
};

struct correlate_entry {
    uint8_t class; /* enum correlate_class */
    int64_t hash;  /* over class and value: what stands in the store */
    struct slice value; /* borrowed from the record, or empty for what is put together */
};

#define CORRELATE_ENTRIES_MAX 48
#define CORRELATE_REFERENCE_MIN 8 /* shorter words of a header name no call */

struct correlate_entries {
    unsigned count;
    struct correlate_entry entry[CORRELATE_ENTRIES_MAX];
};

/* By what others find it. */
void correlate_entries(const struct call_record *r, struct correlate_entries *out);
/* By what it finds those that name it: its Call-ID, whole and without host. */
void correlate_references(const struct call_record *r, struct correlate_entries *out);

/* The part of a Call-ID ahead of '@'. */
struct slice correlate_call_id_local(struct slice call_id);
/* Words of a header's value, the way Call-IDs are listed: split at white space , ; = < > and quotes. */
bool correlate_word_next(struct slice *rest, struct slice *ret_word);
bool correlate_is_kind(const struct record_key *k, const char *kind);
