/* SIP messages out of a byte stream (RFC 3261 18.3, 7.5): by Content-Length, with keep-alive CRLFs (RFC 5626) and lost bytes between. One object is
 * one direction. After lost bytes or a message it cannot measure, it looks for the next start line.
 *
 * - The first Content-Length counts, in any spelling; what is no number of 32 bits is none.
 * - Without one the message ends with its head when the chunk ends there, or a start line or a line end follows; else its body is what the chunk
 *   holds up to the next start line.
 * - A length that turns out too large, because no start line follows the body but one stands in it, is put right: the message is cut there.
 *   One that is too small costs the bytes up to the next start line at the start of a line.
 * - A head over message_max is delivered cut. A body over it: the head is delivered, `complete` false, and the body skipped by its length; a length
 *   of over 8 * message_max is not believed.
 * - Not SIP: 4 KiB without a start line, or a first line of HTTP or RTSP. */
#pragma once

#include "base/buf.h"

struct sip_framer;

enum framer_verdict {
    FRAMER_MAYBE,   /* too little seen to tell */
    FRAMER_SIP,     /* at least one message, or the start of one */
    FRAMER_NOT_SIP, /* give up: nothing further is taken */
};

/* `complete` false: cut off (lost bytes, the end of the stream, over the limit); as much as there is, but always a whole head, unless that alone is
 * over the limit. The slice is valid during the call, which may neither feed nor free the framer. */
typedef void sip_framer_fn(void *context, struct slice message, bool complete);

/* message_max 0: 128 KiB. NULL without memory. */
struct sip_framer *sip_framer_new(size_t message_max);
void sip_framer_free(struct sip_framer *f);
/* `lost` bytes are missing directly before `bytes`; UINT32_MAX: not known how many. */
enum framer_verdict sip_framer_feed(struct sip_framer *f, struct slice bytes, uint32_t lost, sip_framer_fn *fn, void *context);
/* The stream ended: delivers what is there of an unfinished message when its head is whole. */
void sip_framer_end(struct sip_framer *f, sip_framer_fn *fn, void *context);
/* Memory that an unfinished message holds now: at most message_max and 16 KiB. */
size_t sip_framer_bytes(const struct sip_framer *f);
