/* Numbers are in the order of this machine, which the magic of either form tells the reader.
 *
 *     pcap     header | time, sizes, packet | ...
 *     pcapng   section header block, options: comment, program | interface block, option: 10^-9 s |
 * enhanced packet block | ...
 *
 * Each block of pcapng begins with type and length and ends with the length again; what is in it is
 * filled up to 32 bits. */
#include "storage/capture_file.h"

#include <string.h>

#define PCAP_MAGIC_NS 0xa1b23c4du
#define LINK_ETHER    1
#define SNAPLEN       262144u

#define BLOCK_SECTION   0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET    6u
#define SECTION_MAGIC   0x1a2b3c4du
#define PACKET_FIXED    28u /* type, length, interface, time, sizes */

enum { OPTION_END = 0, OPTION_COMMENT = 1, OPTION_PROGRAM = 4, OPTION_RESOLUTION = 9 };

static uint8_t *put(uint8_t *p, const void *bytes, size_t n)
{
    if (n)
        memcpy(p, bytes, n);
    return p + n;
}

static uint8_t *put_u16(uint8_t *p, uint16_t v)
{
    return put(p, &v, sizeof v);
}

static uint8_t *put_u32(uint8_t *p, uint32_t v)
{
    return put(p, &v, sizeof v);
}

static uint32_t filled(uint32_t size)
{
    return (size + 3) & ~3u;
}

static uint8_t *put_filling(uint8_t *p, uint32_t size)
{
    static const uint8_t ZERO[3];

    return put(p, ZERO, filled(size) - size);
}

static uint8_t *put_option(uint8_t *p, uint16_t code, struct slice value)
{
    p = put_u16(put_u16(p, code), (uint16_t)value.size);
    return put_filling(put(p, value.data, value.size), (uint32_t)value.size);
}

/* The length is known when all is there. */
static uint8_t *end_block(uint8_t *start, uint8_t *p)
{
    uint32_t size = (uint32_t)(p - start) + 4;

    put_u32(start + 4, size);
    return put_u32(p, size);
}

static uint8_t *put_section(uint8_t *start, struct slice comment)
{
    static const uint8_t UNKNOWN_LENGTH[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint8_t *p = put_u32(put_u32(start, BLOCK_SECTION), 0);

    p = put_u16(put_u16(put_u32(p, SECTION_MAGIC), 1), 0);
    p = put(p, UNKNOWN_LENGTH, sizeof UNKNOWN_LENGTH);
    if (comment.size)
        p = put_option(p, OPTION_COMMENT, slice_sub(comment, 0, CAPTURE_COMMENT_MAX));
    p = put_option(p, OPTION_PROGRAM, slice_str("Earshot"));
    return end_block(start, put_option(p, OPTION_END, slice_none()));
}

static uint8_t *put_interface(uint8_t *start)
{
    static const uint8_t NANOSECONDS[1] = {9};
    uint8_t *p = put_u32(put_u32(start, BLOCK_INTERFACE), 0);

    p = put_u32(put_u16(put_u16(p, LINK_ETHER), 0), SNAPLEN);
    p = put_option(p, OPTION_RESOLUTION, slice_of(NANOSECONDS, sizeof NANOSECONDS));
    return end_block(start, put_option(p, OPTION_END, slice_none()));
}

size_t capture_begin_write(uint8_t out[CAPTURE_BEGIN_MAX], enum capture_format format,
                           struct slice comment)
{
    if (format == CAPTURE_PCAPNG)
        return (size_t)(put_interface(put_section(out, comment)) - out);
    uint8_t *p = put_u16(put_u16(put_u32(out, PCAP_MAGIC_NS), 2), 4);
    p = put_u32(put_u32(p, 0), 0);
    return (size_t)(put_u32(put_u32(p, SNAPLEN), LINK_ETHER) - out);
}

size_t capture_packet_head_write(uint8_t out[CAPTURE_PACKET_HEAD_MAX], enum capture_format format,
                                 int64_t time_ns, uint32_t kept, uint32_t wire)
{
    uint8_t *p = out;

    if (format == CAPTURE_PCAPNG) {
        p = put_u32(put_u32(p, BLOCK_PACKET), PACKET_FIXED + filled(kept) + 4);
        p = put_u32(p, 0); /* the interface */
        p = put_u32(put_u32(p, (uint32_t)((uint64_t)time_ns >> 32)), (uint32_t)time_ns);
    } else {
        p = put_u32(put_u32(p, (uint32_t)(time_ns / 1000000000)), (uint32_t)(time_ns % 1000000000));
    }
    return (size_t)(put_u32(put_u32(p, kept), wire) - out);
}

size_t capture_packet_tail_write(uint8_t out[CAPTURE_PACKET_TAIL_MAX], enum capture_format format,
                                 uint32_t kept)
{
    if (format != CAPTURE_PCAPNG)
        return 0;
    return (size_t)(put_u32(put_filling(out, kept), PACKET_FIXED + filled(kept) + 4) - out);
}
