/* MGCP (RFC 3435) in place: commands, responses, the parameter lines that calls are made of, SDP bodies. Parsed messages
 * borrow the datagram's bytes. Lines may end with CR LF or LF alone; unknown parameters are passed over. */
#pragma once

#include "base/slice.h"

enum mgcp_verb { MGCP_CRCX, MGCP_MDCX, MGCP_DLCX, MGCP_RQNT, MGCP_NTFY, MGCP_AUEP, MGCP_AUCX, MGCP_RSIP, MGCP_EPCF };

struct mgcp_msg {
    struct slice whole;
    bool command;
    uint8_t verb;            /* command: enum mgcp_verb */
    uint16_t code;           /* response: 0 to 999 */
    uint32_t transaction;
    struct slice endpoint;   /* command: "aaln/1@gw.example"; its parts: */
    struct slice local;      /* "aaln/1" */
    struct slice domain;     /* "gw.example" */
    struct slice comment;    /* response */
    struct slice call_id;    /* C: */
    struct slice connection; /* I: */
    struct slice options;    /* L: */
    struct slice mode;       /* M: */
    struct slice statistics; /* P: */
    struct slice observed;   /* O: */
    struct slice signals;    /* S: */
    struct slice reason;     /* E: */
    struct slice specific;   /* Z: the endpoint that a wildcard became */
    struct slice sdp;        /* of a command: where the other side receives; of a response: where this one does */
};

/* Does a command, or a response, stand at the beginning? */
bool mgcp_is_command(struct slice text);
bool mgcp_is_response(struct slice text);
/* Cuts the first message off *rest (a datagram may carry several, separated by a line with a dot);
 * false, and nothing is left, when none begins there. */
bool mgcp_next(struct slice *rest, struct mgcp_msg *ret_msg);
/* Is `event` among O: or S:, in whatever package ("hu" in "L/hd, L/hu(N)")? */
bool mgcp_has_event(struct slice list, const char *event);
