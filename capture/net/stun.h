/* STUN (RFC 8489) and TURN (RFC 8656) as they pass by: what a media port carries beside media, and what is wrapped in it. */
#pragma once

#include "base/addr.h"
#include "base/slice.h"

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };
enum stun_method { STUN_BINDING = 1, TURN_ALLOCATE = 3, TURN_REFRESH = 4, TURN_SEND = 6, TURN_DATA = 7, TURN_CREATE_PERMISSION = 8, TURN_CHANNEL_BIND = 9 };

struct stun_message {
    enum stun_class class;
    uint16_t method;            /* enum stun_method or another */
    uint8_t transaction[12];
    bool has_mapped, has_relayed, has_peer;
    struct endpoint mapped;     /* XOR-MAPPED-ADDRESS (or MAPPED-ADDRESS): how the server sees the client */
    struct endpoint relayed;    /* XOR-RELAYED-ADDRESS */
    struct endpoint peer;       /* XOR-PEER-ADDRESS */
    uint16_t channel;           /* CHANNEL-NUMBER; 0 none */
    bool use_candidate;
    bool controlling, controlled;
    struct slice username;      /* ICE: "theirs:ours" ufrags */
    struct slice data;          /* DATA attribute: what a Send or Data indication carries */
    bool has_data;
};

/* False: not STUN, or lengths that lie. Addresses get address space 0: the caller knows better. */
bool stun_parse(struct slice datagram, struct stun_message *ret_message);
/* ChannelData (channel 0x4000 to 0x4fff, length): true and what it carries. */
bool turn_channel_data(struct slice datagram, uint16_t *ret_channel, struct slice *ret_data);
/* The same for a datagram of which the capture kept only the beginning: the length is checked against its size on the wire. */
bool turn_channel_data_cut(struct slice datagram, size_t wire_size, uint16_t *ret_channel, struct slice *ret_data, size_t *ret_data_wire);
