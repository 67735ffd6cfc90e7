/* A frame: borrowed bytes as a source delivered them, with the time the capture stamped on them. */
#pragma once

#include "base/slice.h"

/* Link types we decode; the numbers are those of the pcap LINKTYPE_ registry. */
enum link_type {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_LINUX_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_LINUX_SLL2 = 276,
    /* Ours, far above what the registry has given out: a HEP packet (capture/net/hep.h), as it came
     * out of its datagram or stream. It never stands in a file. */
    LINK_HEP = 0xf4e9,
};

struct frame {
    struct slice bytes;     /* what was captured */
    uint32_t wire_bytes;    /* what was on the wire (>= bytes.size) */
    uint16_t link_type;     /* enum link_type or any other LINKTYPE_ number */
    uint16_t iface;         /* index of the interface, 0 for files */
    int64_t time_ns;        /* since 1970 */
    /* What most likely is the next frame, where the source has it at hand; else empty. A hint for the cache: nothing is
     * decided by it. It is no longer valid than `bytes`. */
    struct slice ahead;
};
