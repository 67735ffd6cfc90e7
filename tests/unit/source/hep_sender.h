/* A capture agent for tests: HEP packets, and sockets of loopback to send them on. */
#pragma once

#include "base/buf.h"
#include "capture/source/source.h"

/* One HEP3 packet of type SIP with this payload; `key` NULL: none. Appended. */
void put_hep(struct buf *b, const char *payload, const char *key);
void put_hep_chunk(struct buf *b, uint16_t type, struct slice body);

struct source *open_hep(const struct source_hep_config *config);
/* One listener on 127.0.0.1 or ::1 at any port. */
struct source_hep_listener on_loopback(enum source_hep_carrier carrier, bool v6);

int connect_to(uint16_t port, int socket_type, bool v6);
void send_all(int fd, struct slice bytes);
/* Did the other side close within a second? */
bool was_closed(int fd);

#define SEEN_MAX 512

struct seen_frames {
    struct buf bytes; /* all of them, one behind the other */
    unsigned count;
    size_t sizes[SEEN_MAX];
    int64_t times[SEEN_MAX];
    uint16_t iface;
};

void seen_init(struct seen_frames *seen);
void seen_fini(struct seen_frames *seen);
/* Dispatches until `count` frames were seen, or for `ms` in vain. */
void receive(struct source *s, struct seen_frames *seen, unsigned count, int ms);
void on_hep_frame(void *context, const struct frame *frame);
