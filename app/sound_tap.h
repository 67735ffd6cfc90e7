/* What a worker copies of one call for one live listener: packets with their codec, in a bounded ring. A listener that
 * reads too slowly loses packets, counted; the worker never waits. The listener makes and frees a tap; in between a
 * worker borrows it: from worker_tap_open() until the call is over or worker_tap_close(). */
#pragma once

#include <stdatomic.h>

#include "base/ring.h"
#include "capture/rtp/codec.h"

struct wcall;

struct sound_tap_packet { /* the datagram follows; or, with `keys`, so many struct media_key */
    int64_t time_ns;
    uint32_t flow;
    uint8_t channel;
    uint8_t party;  /* who sends */
    bool secure;    /* it is SRTP */
    uint8_t keys;
    struct rtp_codec codec; /* of RED that of its last block; within SRTP the one that SDP says is there */
};

struct sound_tap {
    struct ring *ring; /* worker: producer; listener: consumer. Closed with the worker's last packet */
    _Atomic uint64_t dropped;
    _Atomic bool let_go; /* the worker does not know it any more */
    /* The worker's while it borrows the tap: */
    struct wcall *call;
    struct sound_tap *next;
    unsigned keys; /* so many of the call's were told */
};

/* NULL without memory. */
struct sound_tap *sound_tap_new(void);
/* Only while no worker borrows it. */
void sound_tap_free(struct sound_tap *t);
/* Worker; false: there was no room, counted. */
bool sound_tap_put(struct sound_tap *t, const struct sound_tap_packet *head, struct slice datagram);
void sound_tap_let_go(struct sound_tap *t);
/* Listener: the next packet; false when none is there now. Valid until ring_release(). */
bool sound_tap_next(struct sound_tap *t, struct sound_tap_packet *ret_head, struct slice *ret_datagram);
