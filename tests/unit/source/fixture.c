#include "fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

void put32(struct writer *w, uint32_t v)
{
    if (w->big_endian)
        buf_u32(&w->b, v);
    else
        buf_u32_le(&w->b, v);
}

void put16(struct writer *w, uint16_t v)
{
    if (w->big_endian)
        buf_u16(&w->b, v);
    else
        buf_u16_le(&w->b, v);
}

void put64(struct writer *w, uint64_t v)
{
    put32(w, (uint32_t)(w->big_endian ? v >> 32 : v));
    put32(w, (uint32_t)(w->big_endian ? v : v >> 32));
}

static void fill_bytes(struct writer *w, uint8_t fill, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        buf_u8(&w->b, fill);
}

static void pad(struct writer *w)
{
    while (w->b.size % 4)
        buf_u8(&w->b, 0);
}

/* ---- pcap ---- */

void pcap_begin(struct writer *w, uint32_t link_type)
{
    buf_init(&w->b, 1 << 26);
    put32(w, 0xa1b2c3d4);
    put16(w, 2);
    put16(w, 4);
    put32(w, 0);
    put32(w, 0);
    put32(w, 65535);
    put32(w, link_type);
}

void pcap_frame(struct writer *w, int64_t time_us, uint8_t fill, uint32_t size)
{
    put32(w, (uint32_t)(time_us / 1000000));
    put32(w, (uint32_t)(time_us % 1000000));
    put32(w, size);
    put32(w, size);
    fill_bytes(w, fill, size);
}

/* ---- pcapng ---- */

static uint32_t size_of(const struct writer *options)
{
    return options ? (uint32_t)options->b.size : 0;
}

static void add(struct writer *w, const struct writer *options)
{
    if (options)
        buf_slice(&w->b, buf_view(&options->b));
}

void ng_begin(struct writer *w, bool big_endian)
{
    buf_init(&w->b, 1 << 26);
    w->big_endian = big_endian;
    ng_section(w);
}

void ng_section(struct writer *w)
{
    put32(w, 0x0a0d0d0a);
    put32(w, 28);
    put32(w, 0x1a2b3c4d);
    put16(w, 1);
    put16(w, 0);
    put64(w, UINT64_MAX);
    put32(w, 28);
}

void ng_interface(struct writer *w, uint16_t link_type, uint32_t snaplen,
                  const struct writer *options)
{
    uint32_t length = 20 + size_of(options);
    put32(w, 1);
    put32(w, length);
    put16(w, link_type);
    put16(w, 0);
    put32(w, snaplen);
    add(w, options);
    put32(w, length);
}

static void packet_body(struct writer *w, uint64_t ticks, uint8_t fill, uint32_t size)
{
    put32(w, (uint32_t)(ticks >> 32));
    put32(w, (uint32_t)ticks);
    put32(w, size);
    put32(w, size);
    fill_bytes(w, fill, size);
    pad(w);
}

void ng_enhanced(struct writer *w, uint32_t iface, uint64_t ticks, uint8_t fill, uint32_t size,
                 const struct writer *options)
{
    uint32_t length = 32 + (size + 3) / 4 * 4 + size_of(options);
    put32(w, 6);
    put32(w, length);
    put32(w, iface);
    packet_body(w, ticks, fill, size);
    add(w, options);
    put32(w, length);
}

void ng_obsolete(struct writer *w, uint16_t iface, uint16_t drops, uint64_t ticks, uint8_t fill,
                 uint32_t size)
{
    uint32_t length = 32 + (size + 3) / 4 * 4;
    put32(w, 2);
    put32(w, length);
    put16(w, iface);
    put16(w, drops);
    packet_body(w, ticks, fill, size);
    put32(w, length);
}

void ng_simple(struct writer *w, uint8_t fill, uint32_t size, uint32_t wire)
{
    uint32_t length = 16 + (size + 3) / 4 * 4;
    put32(w, 3);
    put32(w, length);
    put32(w, wire);
    fill_bytes(w, fill, size);
    pad(w);
    put32(w, length);
}

void ng_statistics(struct writer *w, uint32_t iface, const struct writer *options)
{
    uint32_t length = 24 + size_of(options);
    put32(w, 5);
    put32(w, length);
    put32(w, iface);
    put64(w, 0);
    add(w, options);
    put32(w, length);
}

void ng_block(struct writer *w, uint32_t type, uint32_t body_size)
{
    put32(w, type);
    put32(w, 12 + body_size);
    fill_bytes(w, 0x55, body_size);
    put32(w, 12 + body_size);
}

void option_bytes(struct writer *o, uint16_t code, const void *bytes, uint16_t size)
{
    if (o->b.ceiling == 0)
        buf_init(&o->b, 1 << 20);
    put16(o, code);
    put16(o, size);
    buf_slice(&o->b, slice_of(bytes, size));
    pad(o);
}

void option_u64(struct writer *o, uint16_t code, uint64_t v)
{
    if (o->b.ceiling == 0)
        buf_init(&o->b, 1 << 20);
    put16(o, code);
    put16(o, 8);
    put64(o, v);
}

/* ---- packing ---- */

struct buf pack_gzip(struct slice bytes)
{
    struct buf out;
    z_stream z = {0};
    cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, bytes.size);
    uint8_t *packed = malloc(room);
    z.next_in = (Bytef *)(uintptr_t)bytes.data;
    z.avail_in = (uInt)bytes.size;
    z.next_out = packed;
    z.avail_out = (uInt)room;
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_init(&out, room + 1);
    buf_slice(&out, slice_of(packed, z.total_out));
    deflateEnd(&z);
    free(packed);
    return out;
}

struct buf pack_zstd(struct slice bytes)
{
    struct buf out;
    size_t room = ZSTD_compressBound(bytes.size);
    uint8_t *packed = malloc(room);
    size_t n = ZSTD_compress(packed, room, bytes.data, bytes.size, 3);
    cr_assert_not(ZSTD_isError(n));
    buf_init(&out, room + 1);
    buf_slice(&out, slice_of(packed, n));
    free(packed);
    return out;
}

/* ---- files ---- */

static void write_all(int fd, struct slice bytes)
{
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes.data, bytes.size), (ssize_t)bytes.size);
    close(fd);
}

void save(struct slice bytes, char ret_path[64])
{
    strcpy(ret_path, "/tmp/earshot-test-XXXXXX");
    write_all(mkstemp(ret_path), bytes);
}

void make_folder(char ret_path[64])
{
    strcpy(ret_path, "/tmp/earshot-test-XXXXXX");
    cr_assert(mkdtemp(ret_path));
}

void save_as(const char *folder, const char *name, struct slice bytes)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    cr_assert(f);
    cr_assert_eq(fwrite(bytes.data, 1, bytes.size, f), bytes.size);
    fclose(f);
}

void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char name[400];
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.')
            remove(name);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

/* ---- reading ---- */

void see(void *context, const struct frame *frame)
{
    struct seen *seen = context;
    if (seen->count == seen->room) {
        seen->room = seen->room ? seen->room * 2 : 256;
        seen->frames = realloc(seen->frames, seen->room * sizeof *seen->frames);
        cr_assert(seen->frames);
    }
    uint8_t first = frame->bytes.size ? frame->bytes.data[0] : 0;
    for (size_t i = 0; i < frame->bytes.size && !seen->garbled; i++)
        cr_assert_eq(frame->bytes.data[i], first);
    seen->frames[seen->count++] = (struct seen_frame){
        .time_ns = frame->time_ns,
        .link_type = frame->link_type,
        .iface = frame->iface,
        .size = (uint32_t)frame->bytes.size,
        .wire = frame->wire_bytes,
        .first = first,
    };
}

void see_trouble(void *context, int err, const struct why *why)
{
    struct seen *seen = context;
    seen->troubles++;
    seen->last_err = err;
    seen->last = *why;
}

enum source_state see_all(struct source *s, int batch, struct seen *seen, struct why *why)
{
    enum source_state state;
    while ((state = source_dispatch(s, batch, 0, see, seen, why)) == SOURCE_MORE)
        ;
    return state;
}

enum source_state see_file(struct slice bytes, const char *filter, struct seen *seen,
                           struct source_stats *ret_stats, struct why *why)
{
    char path[64];
    struct source *s;
    save(bytes, path);
    enum source_state state = SOURCE_FAILED;
    if (source_open_file(path, filter, &s, why) == 0) {
        state = see_all(s, 3, seen, why);
        if (ret_stats)
            source_stats(s, ret_stats);
        source_close(s);
    }
    unlink(path);
    return state;
}

void seen_free(struct seen *seen)
{
    free(seen->frames);
    *seen = (struct seen){0};
}
