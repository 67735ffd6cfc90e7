/* What the settings say about findings. */
#pragma once

#include "capture/finding/finding.h"

#define FINDING_NETWORKS_MAX 64
#define FINDING_WORDS_MAX    32
#define FINDING_WORD_SIZE    64

struct finding_network {
    struct addr addr;
    unsigned bits; /* of the v4-mapped or v6 address: 0..128 */
};

bool finding_network_has(const struct finding_network *n, struct addr a);

struct finding_rule_config {
    bool on;
    uint32_t threshold; /* >= 1 */
    int64_t window_ns;
};

struct finding_config {
    bool enabled;
    struct finding_rule_config rule[FINDING_RULES];
    uint32_t flood_factor;  /* times what is usual; 0: only the limits count */
    int64_t quiet_ns;       /* default 5 min without more of it: cleared */
    int64_t again_ns;       /* default 1 h: what comes back within it is the same finding */
    uint32_t addresses_max; /* default 8192 addresses that are watched, as many users */
    uint32_t findings_max;  /* default 1000 findings that are open or may come back */
    /* Who causes no findings: sources; software (part of its name); users (From or To). */
    unsigned network_count, agent_count, number_count;
    struct finding_network network[FINDING_NETWORKS_MAX];
    char agent[FINDING_WORDS_MAX][FINDING_WORD_SIZE];
    char number[FINDING_WORDS_MAX][FINDING_WORD_SIZE];
};

void finding_config_defaults(struct finding_config *config);
