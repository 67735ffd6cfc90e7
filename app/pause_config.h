/* From [pause] to who may pause a recording from within the call, and how. */
#pragma once

#include "app/settings.h"
#include "capture/finding/config.h"
#include "capture/front.h"

/* Sides of a call, as bits. */
enum pause_sides { PAUSE_CALLER = 1, PAUSE_CALLEE = 2, PAUSE_BOTH = 3 };

#define PAUSE_KEYS_MAX     8
#define PAUSE_NETWORKS_MAX 16

struct pause_config {
    char keys[PAUSE_KEYS_MAX + 1]; /* the sequence; "": none */
    uint8_t dtmf_from;             /* sides whose keys are taken; 0: nobody's are looked at */
    uint8_t sip_from;              /* the same of headers and SDP */
    uint8_t sides;                 /* what a key or header pauses */
    int64_t auto_resume_ns;        /* 0: a pause lasts until it is ended */
    unsigned network_count;        /* none: from anywhere */
    struct finding_network network[PAUSE_NETWORKS_MAX];
};

/* 0 or ERR_INVALID with a sentence. Sets what `front` looks for when that is not NULL. */
int pause_configure(const struct settings *s, struct pause_config *ret_config, struct front_config *front, struct why *why);
bool pause_from_here(const struct pause_config *c, struct addr addr);
/* "caller", "callee", "both", "none". */
const char *pause_sides_text(unsigned sides);
/* False: none of these words. */
bool pause_sides_read(struct slice text, uint8_t *ret_sides);
