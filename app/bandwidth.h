/* Bytes a second: of all calls and of those of each trunk, now and at most, from the counters of all workers. A second is one of
 * packet time. Its owner is one worker; what others have not counted yet when a second ends falls into the next. And the same of
 * one call, from its record. */
#pragma once

#include "base/counters.h"
#include "storage/record.h"

#define IPV4_UDP_BYTES 28
#define IPV6_UDP_BYTES 48

struct bandwidth {
    struct counters_set *all;
    struct counters *gauges; /* the owner's block */
    int64_t second;          /* that is under way; 0: not begun */
    uint64_t seen[LABEL_COUNT_TRUNK];
    uint64_t peak[LABEL_COUNT_TRUNK], total_peak;
};

/* `all` NULL: does nothing. */
void bandwidth_init(struct bandwidth *b, struct counters_set *all, struct counters *gauges);
/* Time went on; at least at the first packet of each second, before it is counted. */
void bandwidth_tick(struct bandwidth *b, int64_t now_ns);
/* bits_per_s and bits_per_s_peak of a record whose streams are there with their series. */
void bandwidth_of_call(struct call_record *r);
