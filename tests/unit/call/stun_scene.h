/* STUN, TURN and bare RTP datagrams for the stage. */
#pragma once

#include "tests/unit/call/scene.h"

enum { BINDING = 0x0001, BINDING_OK = 0x0101, ALLOCATE_OK = 0x0103, SEND = 0x0016, DATA = 0x0017,
       CHANNEL_BIND = 0x0009 };

/* What is NULL, or 0, or empty is left out. */
struct stun_line {
    unsigned type;
    const char *username, *mapped, *relayed, *peer;
    unsigned channel;
    bool use_candidate;
    struct slice data;
};

void scene_stun(struct scene *s, double at_ms, const char *src, const char *dst,
                struct stun_line line);

/* One packet of `run`, as bytes; valid until the next call. */
struct slice rtp_bytes(struct rtp_run run, unsigned n);
/* `run` through a relay: as channel data from run.src to run.dst. */
double scene_channel(struct scene *s, double at_ms, unsigned channel, struct rtp_run run);
/* An audio line with ICE: `more` are its a= lines, the user fragment is `ufrag`. */
const char *sdp_ice(const char *address, unsigned port, const char *ufrag, const char *more);
/* INVITE and its answer, with those SDPs. */
void scene_ice_call(struct scene *s, const char *offer, const char *answer);
