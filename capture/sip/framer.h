/* SIP messages out of a byte stream (RFC 3261 18.3, 7.5): by Content-Length, with keep-alive CRLFs (RFC 5626) and lost bytes between. One object is
 * one direction. After lost bytes or a message it cannot measure, it looks for the next start line. */
#pragma once

#include "base/buf.h"

struct sip_framer;

enum framer_verdict {
    FRAMER_MAYBE,   /* too little seen to tell */
    FRAMER_SIP,     /* at least one message, or the start of one */
    FRAMER_NOT_SIP, /* give up: nothing further is taken */
};

/* `complete` false: cut off (lost bytes, the end of the stream, over the limit); as much as there is. */
typedef void sip_framer_fn(void *context, struct slice message, bool complete);

/* message_max 0: 128 KiB. NULL without memory. */
struct sip_framer *sip_framer_new(size_t message_max);
void sip_framer_free(struct sip_framer *f);
enum framer_verdict sip_framer_feed(struct sip_framer *f, struct slice bytes, uint32_t lost, sip_framer_fn *fn, void *context);
/* The stream ended: delivers what is there of an unfinished message. */
void sip_framer_end(struct sip_framer *f, sip_framer_fn *fn, void *context);
