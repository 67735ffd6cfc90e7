/* The forms of a capture file: what stands at its begin and around each packet. pcap, and pcapng
 * (the draft of the IETF's OPSAWG, formerly "pcap next generation"), both with time to the
 * nanosecond and Ethernet as the only link: one interface. */
#pragma once

#include "base/slice.h"

enum capture_format { CAPTURE_PCAP, CAPTURE_PCAPNG };

#define CAPTURE_BEGIN_MAX       1024
#define CAPTURE_COMMENT_MAX     800
#define CAPTURE_PACKET_HEAD_MAX 28
#define CAPTURE_PACKET_TAIL_MAX 7

/* The begin of the file; returns its size. pcap has no place for the comment, which is cut to
 * CAPTURE_COMMENT_MAX. */
size_t capture_begin_write(uint8_t out[CAPTURE_BEGIN_MAX], enum capture_format format,
                           struct slice comment);
/* Ahead of a packet of which `kept` bytes follow; on the wire it had `wire`. */
size_t capture_packet_head_write(uint8_t out[CAPTURE_PACKET_HEAD_MAX], enum capture_format format,
                                 int64_t time_ns, uint32_t kept, uint32_t wire);
/* And behind it. */
size_t capture_packet_tail_write(uint8_t out[CAPTURE_PACKET_TAIL_MAX], enum capture_format format,
                                 uint32_t kept);
