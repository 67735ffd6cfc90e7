/* Frame headers and masks (RFC 6455 5.2, 5.3). Nobody but websocket.c includes it. */
#pragma once

#include "base/slice.h"

#define WS_HEADER_MAX 14

enum ws_opcode { WS_CONTINUATION, WS_TEXT, WS_BINARY, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

struct ws_frame {
    uint32_t size; /* of the payload; under 2^31 */
    uint8_t opcode;
    bool fin;
    bool reserved; /* one of the bits that extensions use is set */
    bool masked;
    uint8_t mask[4];
};

enum ws_header { WS_HEADER_GOOD, WS_HEADER_MORE, WS_HEADER_BAD };

/* BAD: an opcode that is not defined, a long or fragmented control frame, a length of 2^31 or more
 * (*ret_endless then). *ret_size is the header's. */
enum ws_header ws_frame_read(struct slice at, struct ws_frame *ret_frame, size_t *ret_size,
                             bool *ret_endless);
/* Could a frame begin here, for somebody who does not know? Much stricter than the above. */
bool ws_frame_plausible(struct slice at, size_t message_max);
/* Bytes [from, from + size) of the payload. */
void ws_unmask(const struct ws_frame *frame, uint32_t from, const uint8_t *in, size_t size,
               uint8_t *out);
