/* The bytes of a segment, private to spool_*.c. All numbers are little-endian, packed by hand;
 * every chunk starts at a multiple of 8, so that a scan can find the next one after damage.
 *
 *   segment   magic 8 | version u32 | number u32 | copy u8 | zero.. | crc of the 60 bytes ahead u32
 * = 64 bytes chunk     header 96 | body | zeros to a multiple of 8 header    magic u32 | body bytes u32
 * | body crc u32 | kind u8 | flow kind u8 | zero u16 uid 16 | flow u32 | packets u32 | first ns i64
 * | last ns i64 offset of the flow's chunk before u64 | its segment u32 | own segment u32 | own
 * offset u64 | zero.. crc of the 92 bytes ahead u32 body      CHUNK_PACKETS: packet, packet, ...
 *             CHUNK_DESCRIPTOR: source and destination endpoint (24 each), then the owner's text
 *   packet    time ns i64 | wire bytes u32 | payload bytes u16 | ip id u16 | outer, inner vlan u16
 * | ttl u8 | tos u8 | transport u8 | flags u8 | with PACKET_ENDPOINTS: source, destination |
 * payload
 *
 * A header names its own place, so bytes of a payload that were made to look like a chunk are never
 * taken for one. A flow's first chunk in each segment is its descriptor, so a segment explains
 * itself when older ones are gone. Chains lead backwards only: to a lower offset or to a lower
 * segment number. */
#pragma once

#include "base/cursor.h"
#include "storage/spool.h"

#define SEGMENT_MAGIC   "ESPOOL\r\n"
#define SEGMENT_VERSION 1u
#define SEGMENT_HEADER  64u
#define CHUNK_MAGIC     0x4b484345u /* "ECHK" */
#define CHUNK_HEADER    96u
#define CHUNK_ALIGN     8u
#define CHUNK_BODY_MAX  (1u << 20)
#define ENDPOINT_BYTES  24u
#define PACKET_FIXED    24u
#define PACKET_MAX      (PACKET_FIXED + 2 * ENDPOINT_BYTES + 65535u)
#define DESCRIPTOR_MAX  (64u << 10)

enum chunk_kind { CHUNK_PACKETS = 1, CHUNK_DESCRIPTOR = 2, CHUNK_BLANK = 3 /* held packets that were taken out: zeros */ };

enum {
    PACKET_RTCP = 1,
    PACKET_RETRANSMISSION = 2,
    PACKET_ENDPOINTS = 4,
    PACKET_FAX = 8,
};

struct chunk_header {
    uint32_t body_bytes;
    uint32_t body_crc;
    uint8_t kind;
    uint8_t flow_kind;
    uint8_t uid[16];
    uint32_t flow;
    uint32_t packets;
    int64_t first_ns;
    int64_t last_ns;
    struct spool_ref prev;
    struct spool_ref self;
};

static inline uint64_t chunk_span(uint32_t body_bytes)
{
    return CHUNK_HEADER + (((uint64_t)body_bytes + CHUNK_ALIGN - 1) & ~(uint64_t)(CHUNK_ALIGN - 1));
}

/* True when a stands before b in one writer's log. */
static inline bool ref_before(struct spool_ref a, struct spool_ref b)
{
    return a.segment != b.segment ? a.segment < b.segment : a.offset < b.offset;
}

static inline uint8_t *put_u8(uint8_t *p, uint8_t v)
{
    *p = v;
    return p + 1;
}

static inline uint8_t *put_u16(uint8_t *p, uint16_t v)
{
    return put_u8(put_u8(p, (uint8_t)v), (uint8_t)(v >> 8));
}

static inline uint8_t *put_u32(uint8_t *p, uint32_t v)
{
    return put_u16(put_u16(p, (uint16_t)v), (uint16_t)(v >> 16));
}

static inline uint8_t *put_u64(uint8_t *p, uint64_t v)
{
    return put_u32(put_u32(p, (uint32_t)v), (uint32_t)(v >> 32));
}

static inline uint64_t cursor_u64_le(struct cursor *c)
{
    uint64_t low = cursor_u32_le(c);
    return (uint64_t)cursor_u32_le(c) << 32 | low;
}

/* `copy`: holds what other segments held before a crash (struct spool_config). */
void segment_header_write(uint8_t out[SEGMENT_HEADER], uint32_t number, bool copy);
/* False when it is no segment of ours, or not the one its name says. */
bool segment_header_check(const uint8_t in[SEGMENT_HEADER], uint32_t number);
bool segment_header_is_copy(const uint8_t in[SEGMENT_HEADER]);
void chunk_header_write(uint8_t out[CHUNK_HEADER], const struct chunk_header *h);
/* False when the header is damaged or does not belong at `place`; the body is not looked at. */
bool chunk_header_read(struct slice bytes, struct spool_ref place, struct chunk_header *ret_header);
bool chunk_body_check(const struct chunk_header *h, struct slice body);

/* At most PACKET_MAX bytes; returns the end. */
uint8_t *packet_write(uint8_t *out, const struct spool_packet *p, bool endpoints);
uint32_t packet_bytes(const struct spool_packet *p, bool endpoints);
/* Reads the next packet; sets c->failed when it is damaged. Without own endpoints *ret_packet keeps
 * its src and dst. */
void packet_read(struct cursor *c, struct spool_packet *ret_packet);
uint8_t *endpoint_write(uint8_t *out, const struct endpoint *e);
struct endpoint endpoint_read(struct cursor *c);

/* "<data>/spool" and "<data>/spool/0000004a.seg"; false when the path is too long. */
#define SPOOL_PATH_MAX 4096
bool spool_dir_path(const char *data_dir, char out[SPOOL_PATH_MAX]);
bool segment_path(const char *data_dir, uint32_t number, char out[SPOOL_PATH_MAX]);
/* All segment numbers of the directory in ascending order, malloc'ed. No directory: none. */
int segment_list(const char *data_dir, uint32_t **ret_numbers, size_t *ret_count);
/* pread until `size` bytes are there or the file ends; returns bytes or ERR_IO. */
int64_t read_at(int fd, void *out, size_t size, uint64_t offset);
/* When the segment was written last; 0 when it is gone. */
int64_t segment_written_ns(const char *data_dir, uint32_t number);
