/* The listener for HEP from inside: hep_socket.c opens and closes it, hep_serve.c has what comes in. */
#pragma once

#include <sys/socket.h>
#include <time.h>

#include "capture/source/hep_listen.h"
#include "capture/source/hep_peer.h"
#include "capture/source/hep_rate.h"
#include "capture/source/reader.h"

#define HEP_BATCH        16
#define HEP_DATAGRAM_MAX 65536

struct hep_listener {
    enum source_hep_carrier carrier;
    struct endpoint at;
    int fd;
    bool paused; /* no descriptor or memory for another connection: again in a second */
    uint32_t seen_drops;
};

struct hep_control {
    _Alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(struct timespec))];
};

/* Datagrams that were received together and are handed on one by one. */
struct hep_batch {
    unsigned at, count;
    struct mmsghdr messages[HEP_BATCH];
    struct iovec places[HEP_BATCH];
    struct sockaddr_storage from[HEP_BATCH];
    struct hep_control control[HEP_BATCH];
    uint8_t bytes[HEP_BATCH][HEP_DATAGRAM_MAX];
};

struct hep {
    struct source source;
    int timer_fd;
    uint32_t second; /* ticks of the timer */
    uint16_t iface;
    uint32_t idle_seconds;
    struct slice key;
    char *key_text;
    SSL_CTX *tls;
    struct hep_rate rate;
    struct hep_listener listeners[SOURCE_HEP_LISTENERS_MAX];
    unsigned listener_count;
    struct hep_peer **peers; /* NULL: a free place */
    unsigned peers_max;
    unsigned peer_count;
    unsigned waiting_count;
    struct hep_batch *batch;
    uint8_t unpacked[HEP_PACKET_MAX];
};

/* What an epoll event belongs to: kind above, index below. */
enum { HEP_TAG_TIMER, HEP_TAG_LISTENER, HEP_TAG_PEER };

/* Readable: the kernel has something for what is told by the tag. 0, or -1 with errno. */
int hep_watch(struct hep *h, int fd, unsigned tag, unsigned index);
/* What waits first, then whatever the kernel has, one helping from each socket. */
void hep_turn(struct hep *h, struct delivery *d);
