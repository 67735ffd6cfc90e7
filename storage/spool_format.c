/* Packs and unpacks what spool_format.h draws, and names the files. Knows nothing of writers and
 * readers. */
#include "storage/spool_format.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crypto.h"

void segment_header_write(uint8_t out[SEGMENT_HEADER], uint32_t number, bool copy)
{
    memset(out, 0, SEGMENT_HEADER);
    memcpy(out, SEGMENT_MAGIC, 8);
    put_u8(put_u32(put_u32(out + 8, SEGMENT_VERSION), number), copy);
    put_u32(out + SEGMENT_HEADER - 4, crypto_crc32c(0, out, SEGMENT_HEADER - 4));
}

bool segment_header_check(const uint8_t in[SEGMENT_HEADER], uint32_t number)
{
    uint8_t expected[SEGMENT_HEADER];
    segment_header_write(expected, number, segment_header_is_copy(in));
    return memcmp(in, expected, SEGMENT_HEADER) == 0;
}

bool segment_header_is_copy(const uint8_t in[SEGMENT_HEADER])
{
    return in[16] == 1;
}

void chunk_header_write(uint8_t out[CHUNK_HEADER], const struct chunk_header *h)
{
    memset(out, 0, CHUNK_HEADER);
    uint8_t *p = put_u32(out, CHUNK_MAGIC);
    p = put_u32(put_u32(p, h->body_bytes), h->body_crc);
    p = put_u16(put_u8(put_u8(p, h->kind), h->flow_kind), 0);
    memcpy(p, h->uid, sizeof h->uid);
    p = put_u32(put_u32(p + sizeof h->uid, h->flow), h->packets);
    p = put_u64(put_u64(p, (uint64_t)h->first_ns), (uint64_t)h->last_ns);
    p = put_u32(put_u64(p, h->prev.offset), h->prev.segment);
    put_u64(put_u32(p, h->self.segment), h->self.offset);
    put_u32(out + CHUNK_HEADER - 4, crypto_crc32c(0, out, CHUNK_HEADER - 4));
}

bool chunk_header_read(struct slice bytes, struct spool_ref place, struct chunk_header *ret_header)
{
    struct cursor c = cursor_over(bytes);
    const uint8_t *start = c.at;
    struct chunk_header h;

    uint32_t magic = cursor_u32_le(&c);
    h.body_bytes = cursor_u32_le(&c);
    h.body_crc = cursor_u32_le(&c);
    h.kind = cursor_u8(&c);
    h.flow_kind = cursor_u8(&c);
    cursor_skip(&c, 2);
    const uint8_t *uid = cursor_take(&c, sizeof h.uid);
    h.flow = cursor_u32_le(&c);
    h.packets = cursor_u32_le(&c);
    h.first_ns = (int64_t)cursor_u64_le(&c);
    h.last_ns = (int64_t)cursor_u64_le(&c);
    h.prev.offset = cursor_u64_le(&c);
    h.prev.segment = cursor_u32_le(&c);
    h.self.segment = cursor_u32_le(&c);
    h.self.offset = cursor_u64_le(&c);
    cursor_skip(&c, CHUNK_HEADER - 80 - 4);
    uint32_t crc = cursor_u32_le(&c);
    if (c.failed || magic != CHUNK_MAGIC || crc != crypto_crc32c(0, start, CHUNK_HEADER - 4))
        return false;
    if (h.body_bytes > CHUNK_BODY_MAX || (h.kind != CHUNK_PACKETS && h.kind != CHUNK_DESCRIPTOR && h.kind != CHUNK_BLANK))
        return false;
    if (h.self.segment != place.segment || h.self.offset != place.offset)
        return false;
    memcpy(h.uid, uid, sizeof h.uid);
    *ret_header = h;
    return true;
}

bool chunk_body_check(const struct chunk_header *h, struct slice body)
{
    return body.size == h->body_bytes && crypto_crc32c(0, body.data, body.size) == h->body_crc;
}

uint8_t *endpoint_write(uint8_t *out, const struct endpoint *e)
{
    out = put_u64(put_u64(out, e->addr.high), e->addr.low);
    return put_u16(put_u16(put_u32(out, e->space), e->port), 0);
}

struct endpoint endpoint_read(struct cursor *c)
{
    struct endpoint e = {0};
    e.addr.high = cursor_u64_le(c);
    e.addr.low = cursor_u64_le(c);
    e.space = cursor_u32_le(c);
    e.port = cursor_u16_le(c);
    cursor_skip(c, 2);
    return e;
}

uint32_t packet_bytes(const struct spool_packet *p, bool endpoints)
{
    return PACKET_FIXED + (endpoints ? 2 * ENDPOINT_BYTES : 0) + (uint32_t)p->payload.size;
}

uint8_t *packet_write(uint8_t *out, const struct spool_packet *p, bool endpoints)
{
    uint8_t flags =
        (uint8_t)((p->rtcp ? PACKET_RTCP : 0) | (p->retransmission ? PACKET_RETRANSMISSION : 0) |
                  (endpoints ? PACKET_ENDPOINTS : 0) | (p->fax ? PACKET_FAX : 0));
    out = put_u32(put_u64(out, (uint64_t)p->time_ns), p->wire_bytes);
    out = put_u16(put_u16(out, (uint16_t)p->payload.size), p->ip_id);
    out = put_u16(put_u16(out, p->vlan_outer), p->vlan_inner);
    out = put_u8(put_u8(out, p->ttl), p->tos);
    out = put_u8(put_u8(out, p->transport), flags);
    if (endpoints)
        out = endpoint_write(endpoint_write(out, &p->src), &p->dst);
    if (p->payload.size)
        memcpy(out, p->payload.data, p->payload.size);
    return out + p->payload.size;
}

void packet_read(struct cursor *c, struct spool_packet *ret_packet)
{
    struct spool_packet *p = ret_packet;

    p->time_ns = (int64_t)cursor_u64_le(c);
    p->wire_bytes = cursor_u32_le(c);
    uint16_t size = cursor_u16_le(c);
    p->ip_id = cursor_u16_le(c);
    p->vlan_outer = cursor_u16_le(c);
    p->vlan_inner = cursor_u16_le(c);
    p->ttl = cursor_u8(c);
    p->tos = cursor_u8(c);
    p->transport = cursor_u8(c);
    uint8_t flags = cursor_u8(c);
    p->rtcp = flags & PACKET_RTCP;
    p->fax = flags & PACKET_FAX;
    p->retransmission = flags & PACKET_RETRANSMISSION;
    if (flags & PACKET_ENDPOINTS) {
        p->src = endpoint_read(c);
        p->dst = endpoint_read(c);
    }
    p->payload = cursor_slice(c, size);
}

bool spool_dir_path(const char *data_dir, char out[SPOOL_PATH_MAX])
{
    int n = snprintf(out, SPOOL_PATH_MAX, "%s/spool", data_dir);
    return n > 0 && n < SPOOL_PATH_MAX;
}

bool segment_path(const char *data_dir, uint32_t number, char out[SPOOL_PATH_MAX])
{
    int n = snprintf(out, SPOOL_PATH_MAX, "%s/spool/%08x.seg", data_dir, number);
    return n > 0 && n < SPOOL_PATH_MAX;
}

/* 0: no segment's name. */
static uint32_t segment_of_name(const char *name)
{
    char expected[32];
    char *end;
    unsigned long v = strtoul(name, &end, 16);
    if (end - name != 8 || v == 0 || v > UINT32_MAX)
        return 0;
    snprintf(expected, sizeof expected, "%08x.seg", (unsigned)v);
    return strcmp(name, expected) == 0 ? (uint32_t)v : 0;
}

static int number_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int segment_list(const char *data_dir, uint32_t **ret_numbers, size_t *ret_count)
{
    char path[SPOOL_PATH_MAX];
    uint32_t *numbers = NULL;
    size_t count = 0, room = 0;
    int err = 0;

    DIR *dir = spool_dir_path(data_dir, path) ? opendir(path) : NULL;
    if (dir == NULL && errno != ENOENT)
        return err_of_errno(errno);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        uint32_t number = segment_of_name(e->d_name);
        if (number == 0)
            continue;
        if (count == room) {
            room = room ? room * 2 : 64;
            uint32_t *more = realloc(numbers, room * sizeof *more);
            if (more == NULL) {
                err = ERR_NOMEM;
                break;
            }
            numbers = more;
        }
        numbers[count++] = number;
    }
    if (dir)
        closedir(dir);
    if (err) {
        free(numbers);
        return err;
    }
    if (count)
        qsort(numbers, count, sizeof *numbers, number_order);
    *ret_numbers = numbers;
    *ret_count = count;
    return 0;
}

int64_t read_at(int fd, void *out, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (uint8_t *)out + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (int64_t)done;
}
