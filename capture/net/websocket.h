/* WebSocket (RFC 6455), as SIP uses it (RFC 7118): the upgrade, then frames, masked or not, fragmented, with control frames between.
 * One object is one direction of a connection.
 *
 * Masked or not is believed from the frame, whichever side sent it. Messages with reserved bits (permessage-deflate), over the limit, or with bytes
 * missing are passed by length and counted (ws_unread). After bytes whose place is not known, or a header that cannot be, and when the upgrade was
 * not seen, it looks for a frame at the beginning of each chunk that passes for one (known opcode, shortest length, text inside), 64 chunks long. */
#pragma once

#include "base/buf.h"

enum ws_side_kind { WS_CLIENT, WS_SERVER };

/* Does a stream that begins like this ask for a WebSocket? */
enum ws_guess { WS_NO, WS_YES, WS_MORE /* too short to tell */ };
/* `head` is the beginning of what the client sent: "GET ... Upgrade: websocket". */
enum ws_guess ws_guess(struct slice head);

struct ws;

/* One whole message: text or binary, perhaps empty; valid during the call, which may neither feed nor free. */
typedef void ws_message_fn(void *context, struct slice message);

/* `midstream`: the upgrade was not seen, frames begin at once. NULL without memory. `message_max` 0: 128 KiB. */
struct ws *ws_new(enum ws_side_kind kind, bool midstream, size_t message_max);
void ws_free(struct ws *w);
/* Bytes in order, `lost` bytes missing before them. False: this is no (more) WebSocket that can be read (a close
 * frame, no upgrade, a frame length of 2^31 or more, nothing found for 64 chunks); nothing further is taken. */
bool ws_feed(struct ws *w, struct slice bytes, uint32_t lost, ws_message_fn *fn, void *context);
/* Messages that could not be read (compressed, over the limit). */
uint32_t ws_unread(const struct ws *w);
/* Memory that an unfinished message or handshake holds now: at most the larger of message_max and 16 KiB. */
size_t ws_bytes(const struct ws *w);
