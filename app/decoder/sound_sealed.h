/* Sound of a flow that no key opened, so that a recording without it does not pass for whole. Single packets are not looked at: anybody
 * can send some. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SEALED_PACKETS_MIN 10                  /* fewer are a stranger's, or the rest of another stream */
#define SEALED_LEAST_NS    INT64_C(1000000000) /* so long in a row, of a flow that is opened otherwise */

struct sound_sealed {
    bool heard; /* from then to then */
    int64_t heard_from_ns, heard_to_ns;
    unsigned run; /* packets in a row that were not opened */
    int64_t run_from_ns, run_to_ns;
    int64_t from_ns, to_ns; /* the longest of such stretches; 0: none was long enough */
};

/* A packet of the flow, in the order in which they came. */
void sound_sealed_packet(struct sound_sealed *s, int64_t time_ns, bool opened);
/* After the last one: from when to when sound is missing; false: none is. */
bool sound_sealed_lacks(const struct sound_sealed *s, int64_t *ret_from_ns, int64_t *ret_to_ns);
/* Another flow of the same voice was heard all that time: a relay protects one side alone. */
bool sound_sealed_stands_in(const struct sound_sealed *other, int64_t from_ns, int64_t to_ns);
