/* The spool: one log for everything worth keeping (docs/architecture.md). Packets of kept flows and raw signalling are gathered per
 * flow in memory and appended as chunks to large, append-only segment files, one active per writer (= worker). Chunks of a
 * flow form a chain backwards (each names the one before), so the memory of a flow is one chunk, however long it lasts, and a record needs
 * only the chain's tail. Every chunk carries length, times, call uid and CRC-32C: a scan after a crash finds all of it.
 *
 *   segment file   <dir>/spool/<8 hex digits>.seg = header, chunk, chunk, ...
 *   chunk          header | packets of one flow, or a descriptor (call, flow, codecs) that opens or changes the flow
 *
 * A segment that is being written is locked (flock); segment numbers only grow and are never used twice. Signalling stands in
 * segments of its own, beside those of media: it is wanted longer and is small, and it is where the messages of a call are listed from.
 *
 * Hold: a packet waits in memory for hold_ms of packet time, so that what must never reach the disk (a pause that began with a key, a key
 * that is masked) can be taken back with spool_flow_held(). It waits shorter only when its flow is over, when more than SPOOL_HELD_MAX
 * bytes of it wait, or when all memory for that is used (counted).
 *
 * Durability: what has waited goes to the write buffer every SPOOL_STEP_MS; the buffer is written when it is full or
 * flush_ms old (both by the `now` that the owner passes, which is packet time), and synced each sync_ms. */
#pragma once

#include "base/counters.h"
#include "base/error.h"
#include "storage/record.h"

#define SPOOL_WRITERS  64u
#define SPOOL_STEP_MS  200
#define SPOOL_HELD_MAX (256u << 10) /* of a flow */

struct spool_config {
    const char *data_dir;
    unsigned writer;            /* 0..31 one per worker; the signalling of writer n goes to SPOOL_SIGNALLING_WRITER + n */
    uint64_t segment_bytes;     /* default 256 MiB: then the next segment */
    uint32_t chunk_bytes;       /* default 8 KiB, two pages of what G.711 gathers: larger ones are parted */
    uint32_t hold_ms;           /* default 500; how long a packet can still be taken back */
    uint32_t buffer_bytes;      /* default 512 KiB */
    uint64_t gather_bytes;      /* default 1 GiB: of what waits, in buffers of a chunk, and the same again in larger ones */
    uint32_t flush_ms;          /* default 100 */
    uint32_t sync_ms;           /* default 10000; 0 never */
    int64_t (*clock_ns)(void);  /* to measure how long the disk takes, for nothing else; NULL: it is not measured */
    bool copy;                  /* what is written stands in other segments: a scan passes over it, a copy may be cut short */
    bool daily;                 /* a segment holds what came on one day (UTC), so that it can go by age however little comes */
};

enum spool_kind { SPOOL_SIGNALLING = 1, SPOOL_MEDIA = 2 }; /* bits where both may be meant */
#define SPOOL_SIGNALLING_WRITER 32u

/* Where a packet came from and how it looked on the wire: enough to rebuild its frame. */
struct spool_packet {
    int64_t time_ns;
    struct endpoint src;   /* stored for signalling; media takes the flow's */
    struct endpoint dst;
    uint32_t wire_bytes;   /* UDP payload on the wire */
    uint16_t ip_id;
    uint16_t vlan_outer;
    uint16_t vlan_inner;
    uint8_t ttl;
    uint8_t tos;
    uint8_t transport;     /* enum transport of capture/net/datagram.h: 17 UDP, 6 TCP, 132 SCTP, 200 TLS, 201 WS, 202 WSS */
    bool rtcp;
    bool fax;              /* T.38 */
    bool retransmission;   /* signalling */
    struct slice payload;  /* <= 65535 bytes */
};

/* Identifies a flow; `descriptor` is the owner's own packed text about it (codecs, party, call header), kept verbatim as a chunk of its own so
 * that a scan can rebuild what was being kept. */
struct spool_flow_info {
    uint8_t uid[16];
    uint32_t flow;         /* number within the call, 0 = signalling */
    enum spool_kind kind;
    struct endpoint src;
    struct endpoint dst;
    struct slice descriptor;
};

struct spool;      /* a writer */
struct spool_flow; /* a flow being written */

int spool_open(const struct spool_config *config, struct counters *counters, struct spool **ret_spool, struct why *why);
/* Writes and syncs everything; NULL is fine. */
void spool_close(struct spool *s);

/* NULL without memory (counted). */
struct spool_flow *spool_flow_open(struct spool *s, const struct spool_flow_info *info, int64_t now_ns);
/* A new descriptor from here on (codecs changed). */
void spool_flow_describe(struct spool *s, struct spool_flow *f, struct slice descriptor, int64_t now_ns);
/* Copies the packet. False when it could not be kept (counted in SPOOL_DROPPED): disk trouble or memory. */
bool spool_flow_packet(struct spool *s, struct spool_flow *f, const struct spool_packet *p);
/* Changes what waits in memory: hands every packet of the flow since then to `fn`, which may change the payload in place and returns how much
 * of it is left (at most `size`), or -1: the packet was never there. */
enum spool_what { SPOOL_RTP, SPOOL_RTCP, SPOOL_FAX };
typedef int spool_held_fn(void *context, int64_t time_ns, enum spool_what what, uint8_t *payload, uint16_t size);
void spool_flow_held(struct spool *s, struct spool_flow *f, int64_t since_ns, spool_held_fn *fn, void *context);
/* Last chunk to the buffer; returns the chain's tail (segment 0 when nothing was ever kept). Frees the flow. */
struct spool_ref spool_flow_close(struct spool *s, struct spool_flow *f);
/* Packets of it that were taken and then could not be written; a chunk that was given up with its segment counts as one. */
uint64_t spool_flow_lost(const struct spool_flow *f);
/* Tail as of now, gathered packets pushed to the buffer: for the row of a call that goes on. */
struct spool_ref spool_flow_tail(struct spool *s, struct spool_flow *f);
/* Drives hold_ms, flush_ms, sync_ms; about every 100 ms. `now_ns` is packet time offline, wall time live. */
void spool_tick(struct spool *s, int64_t now_ns);
/* A count that grows with every byte appended, and how far of it is written: a record whose chunks lie below spool_written() can be
 * read by others. */
uint64_t spool_appended(const struct spool *s);
uint64_t spool_written(const struct spool *s);
/* The chunk there is written: it is neither waiting nor given up. True of chunks of others. */
bool spool_ref_written(const struct spool *s, struct spool_ref ref);
/* The segment that is written now, or was last. What comes stands in it or in later ones. */
uint32_t spool_segment_now(const struct spool *s);
int spool_flush(struct spool *s);
/* 0, or the error that writing stands at now (ERR_FULL, ERR_IO). */
int spool_error(const struct spool *s);
/* The last write took more than a second, not long ago. */
bool spool_slow(const struct spool *s);

/* ---- reading, from any thread ---- */
struct spool_reader;

/* Walks the chain back to its beginning, then delivers forward. ERR_NOT_FOUND when segments are gone; a chain whose
 * beginning is gone starts where it can and sets `*ret_truncated`. */
int spool_reader_open(const char *data_dir, struct spool_ref tail, struct spool_reader **ret_reader, bool *ret_truncated);
/* The same with a reader that read another flow, which keeps its file and its memory; NULL there: a new one. After an
 * error it may be used again, or closed. */
int spool_reader_open_next(const char *data_dir, struct spool_ref tail, struct spool_reader **reader, bool *ret_truncated);
void spool_reader_close(struct spool_reader *r);
/* 1: *ret_packet is filled (valid until the next call); 0: end; < 0: damaged chunk (skipped, call again). */
int spool_reader_next(struct spool_reader *r, struct spool_packet *ret_packet);
/* Descriptor in force at the packet delivered last. */
struct slice spool_reader_descriptor(const struct spool_reader *r);
/* The call that the chain belongs to: compare it with the record's before anything is handed out. 16 bytes. */
const uint8_t *spool_reader_uid(const struct spool_reader *r);

/* Takes the packets of the flow with that tail out of the spool, a hole in the place of each chunk; a reader then finds none. The call must be
 * this one (16 bytes), and over. Chunks whose segment is gone are none. When it returns, the disk has it. ERR_INVALID, ERR_IO: some of it is
 * damaged and stays; all that could be reached is gone. Else the rest may go later. */
int spool_blank(const char *data_dir, struct spool_ref tail, const uint8_t uid[16], uint64_t *ret_bytes);

/* ---- the messages of a call ---- */
/* Fills in what stands in the text of a message, which it borrows: method, status, CSeq, whose it is; and the name of its transport. */
typedef void message_describe_fn(const struct call_record *call, const struct spool_packet *packet, struct record_message *message);
typedef void message_fn(void *context, const struct record_message *message);
#define CALL_TEXT_MAX ((size_t)4 << 20) /* what comes behind is not listed */
/* Gives the messages of the call's signalling chain in the order they were captured, each valid during the call of `fn`.
 * ERR_NOT_FOUND: the spool has none (any more). */
int spool_messages(const char *data_dir, const struct call_record *call, message_describe_fn *describe, message_fn *fn, void *context);

/* ---- after a crash ---- */
struct spool_found {
    struct spool_flow_info info; /* descriptor: the latest */
    struct spool_ref tail;
    int64_t first_ns;
    int64_t last_ns;
    uint64_t packets;
};
typedef void spool_found_fn(void *context, const struct spool_found *found);
/* Every flow that stands in the segments, copies left out, whole chunks only, ordered by call and flow; cuts off torn ends of segments that nobody
 * writes. Of more than 256 k flows the newest. Reads all there is: at start, look only at what was written lately. */
int spool_scan(const char *data_dir, spool_found_fn *fn, void *context);
/* How far back a recovery has to look: of each writer the number of a segment, there or to come; what it wrote ahead of that one is not
 * needed any more. They only ever say too little. 0: not known, all is needed. */
struct spool_marks {
    uint32_t segment[SPOOL_WRITERS];
};
/* Nothing of what stands in the spool now. */
int spool_marks_all(const char *data_dir, struct spool_marks *ret_marks);
struct spool_since {
    int64_t written_ns; /* segments written (wall time) since then; 0: all */
    struct spool_marks marks; /* that name segments which cannot have been are not believed */
};
struct spool_looked {
    unsigned read, passed; /* segments */
};
/* The same over what is younger. */
int spool_scan_since(const char *data_dir, const struct spool_since *since, spool_found_fn *fn, void *context, struct spool_looked *ret_looked);

/* ---- retention ---- */
struct spool_segment {
    uint32_t number;
    uint64_t bytes;      /* on the disk */
    int64_t written_ns;  /* last, wall time */
    bool signalling;     /* what versions before wrote for both counts as media */
};
/* All segments, the oldest first (but for the interleaving of several writers); malloc'ed. */
int spool_segments(const char *data_dir, struct spool_segment **ret_segments, size_t *ret_count);
bool spool_segment_there(const char *data_dir, uint32_t number);
/* Nobody writes it now. */
bool spool_segment_rests(const char *data_dir, uint32_t number);
/* Unlinks it, unless somebody writes it. The newest of all must stay (spool_retain.c). */
int spool_segment_remove(const char *data_dir, uint32_t number);
