/* Writers of capture files for the tests of this room, and a reader that keeps what came. */
#pragma once

#include "base/buf.h"
#include "capture/source/reader.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define SECOND       INT64_C(1000000000)

struct writer {
    struct buf b;
    bool big_endian;
};

void put32(struct writer *w, uint32_t v);
void put16(struct writer *w, uint16_t v);
void put64(struct writer *w, uint64_t v);

/* ---- pcap ---- */
void pcap_begin(struct writer *w, uint32_t link_type);
/* A frame whose bytes are `size` times `fill`. */
void pcap_frame(struct writer *w, int64_t time_us, uint8_t fill, uint32_t size);

/* ---- pcapng: options are written by the caller, into a buf of whole 32-bit words ---- */
void ng_begin(struct writer *w, bool big_endian);
void ng_section(struct writer *w);
void ng_interface(struct writer *w, uint16_t link_type, uint32_t snaplen,
                  const struct writer *options);
void ng_enhanced(struct writer *w, uint32_t iface, uint64_t ticks, uint8_t fill, uint32_t size,
                 const struct writer *options);
void ng_obsolete(struct writer *w, uint16_t iface, uint16_t drops, uint64_t ticks, uint8_t fill,
                 uint32_t size);
void ng_simple(struct writer *w, uint8_t fill, uint32_t size, uint32_t wire);
void ng_statistics(struct writer *w, uint32_t iface, const struct writer *options);
void ng_block(struct writer *w, uint32_t type, uint32_t body_size);
void option_bytes(struct writer *o, uint16_t code, const void *bytes, uint16_t size);
void option_u64(struct writer *o, uint16_t code, uint64_t v);

/* ---- packing ---- */
struct buf pack_gzip(struct slice bytes);
struct buf pack_zstd(struct slice bytes);

/* ---- files ---- */
/* A new file below /tmp with these bytes. */
void save(struct slice bytes, char ret_path[64]);
/* A directory of its own; removed with all in it. */
void make_folder(char ret_path[64]);
void remove_folder(const char *path);
void save_as(const char *folder, const char *name, struct slice bytes);

/* ---- reading ---- */
struct seen_frame {
    int64_t time_ns;
    uint16_t link_type, iface;
    uint32_t size, wire;
    uint8_t first; /* byte */
};

struct seen {
    struct seen_frame *frames;
    size_t count, room;
    bool garbled; /* bytes are not looked at */
    unsigned troubles;
    int last_err;
    struct why last;
};

void see(void *context, const struct frame *frame);
void see_trouble(void *context, int err, const struct why *why);
/* To the end; the state that is not SOURCE_MORE. */
enum source_state see_all(struct source *s, int batch, struct seen *seen, struct why *why);
/* Opens, reads, closes. What cannot be opened is SOURCE_FAILED. */
enum source_state see_file(struct slice bytes, const char *filter, struct seen *seen,
                           struct source_stats *ret_stats, struct why *why);
void seen_free(struct seen *seen);
