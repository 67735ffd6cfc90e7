/* Traffic for spool tests: random packets of random flows, made again from the same seed to compare
 * with what comes out. */
#pragma once

#include "base/counters.h"
#include "storage/spool.h"

#define HELP_DIR_SIZE 64

/* A new directory below $TMPDIR or /tmp; help_dir_remove() takes it away with all it holds. */
void help_dir_make(char out[HELP_DIR_SIZE]);
void help_dir_remove(const char *dir);

struct help_random {
    uint64_t state;
};
uint64_t help_next(struct help_random *r);
uint64_t help_below(struct help_random *r, uint64_t n);

/* Packet number i of flow `flow`: always the same one. `room` holds 65535 bytes. */
struct spool_packet help_packet(unsigned flow, unsigned i, bool signalling, size_t largest,
                                uint8_t *room);
struct spool_flow_info help_info(unsigned flow, bool signalling, const char *descriptor);
bool help_same(const struct spool_packet *a, const struct spool_packet *b, bool endpoints);
uint64_t help_cell(const struct counters *c, unsigned cell);
