/* Calls of MGCP: connections of gateways that share a call identifier and an agent. */
#pragma once

#include "capture/call/live.h"

struct mgcp_calls;

/* Commands that may still be answered, and endpoints whose call is known; older ones give way. */
#define MGCP_TRANSACTIONS_MAX  8192
#define MGCP_TRANSACTION_NS    INT64_C(60000000000)
#define MGCP_LINES_MAX         16384
#define MGCP_LINE_NS           INT64_C(86400000000000)
#define MGCP_MESSAGES_MAX      16 /* of one datagram */
#define MGCP_CONNECTIONS_MAX   8  /* of one call */

/* NULL without memory. */
struct mgcp_calls *mgcp_calls_new(struct calls *c);
void mgcp_calls_free(struct mgcp_calls *g);
/* All messages of a datagram that is MGCP. False: none of them belongs to a call that we follow. */
bool mgcp_calls_datagram(struct mgcp_calls *g, const struct datagram *d);
