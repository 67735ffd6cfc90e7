/* What comes in on the sockets for HEP, and where each piece of it goes:
 *
 *   datagram -> (gzip: unpacked) ------------------+-> rate? -> HEP, with the key? -> frame
 *   connection -> bytes gathered -> one packet ----+
 *
 * What does not pass is counted and gone; on a connection whatever is no HEP or lacks the key ends
 * it, for behind a wrong length nothing can be trusted. Frames that a full dispatch leaves behind
 * wait: of datagrams in the batch, of connections in their buffer and then in the kernel, which
 * slows down the sender. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/inflate.h"
#include "capture/source/hep_socket.h"

#define EVENTS_A_TURN  64
#define ACCEPTS_A_TURN 16
#define BATCHES_A_TURN 8

int hep_watch(struct hep *h, int fd, unsigned tag, unsigned index)
{
    struct epoll_event e = {.events = EPOLLIN, .data = {.u64 = (uint64_t)tag << 32 | index}};
    return epoll_ctl(h->source.poll_fd, EPOLL_CTL_ADD, fd, &e);
}

static bool is_full(const struct hep *h, const struct delivery *d)
{
    return d->frames >= d->frames_max || source_woken(&h->source);
}

static void refuse(struct hep *h, enum source_refusal reason)
{
    h->source.stats.refused[reason]++;
}

/* ---- a packet ---- */

/* False: what sent this is not to be listened to. */
static bool take_packet(struct hep *h, struct delivery *d, struct slice packet, struct addr from,
                        int64_t time_ns)
{
    if (!hep_rate_take(&h->rate, from, h->second)) {
        refuse(h, SOURCE_REFUSED_RATE);
        return true;
    }
    switch (hep_admit(packet, h->key)) {
    case HEP_MALFORMED:
        refuse(h, SOURCE_REFUSED_MALFORMED);
        return false;
    case HEP_UNAUTHORISED:
        refuse(h, SOURCE_REFUSED_AUTH);
        return false;
    case HEP_ADMITTED:
        break;
    }
    struct frame frame = {
        .bytes = packet,
        .wire_bytes = (uint32_t)packet.size,
        .link_type = LINK_HEP,
        .iface = h->iface,
        .time_ns = time_ns,
    };
    source_deliver(&h->source, d, &frame);
    return true;
}

/* ---- datagrams ---- */

/* The kernel's time of reception; it comes with every datagram, but for the first after opening it
 * may not. */
static int64_t time_of(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec ts;
            memcpy(&ts, CMSG_DATA(c), sizeof ts);
            return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
        }
    }
    return clock_wall_ns();
}

static void take_datagram(struct hep *h, struct delivery *d, unsigned i)
{
    struct hep_batch *b = h->batch;
    struct slice packet = slice_of(b->bytes[i], b->messages[i].msg_len);
    if (inflate_is_gzip(packet)) /* whole packets in gzip: an option of heplify */
        packet = slice_of(h->unpacked, inflate_bytes(packet, h->unpacked, sizeof h->unpacked));
    (void)take_packet(h, d, packet, hep_addr_of(&b->from[i]), time_of(&b->messages[i].msg_hdr));
}

static void drain_batch(struct hep *h, struct delivery *d)
{
    while (h->batch && h->batch->at < h->batch->count && !is_full(h, d))
        take_datagram(h, d, h->batch->at++);
}

/* True: as many as a batch can hold, there may be more. */
static bool read_batch(struct hep_batch *b, int fd)
{
    for (unsigned i = 0; i < HEP_BATCH; i++) {
        b->places[i] = (struct iovec){.iov_base = b->bytes[i], .iov_len = HEP_DATAGRAM_MAX};
        b->messages[i].msg_hdr = (struct msghdr){.msg_name = &b->from[i],
                                                 .msg_namelen = sizeof b->from[i],
                                                 .msg_iov = &b->places[i],
                                                 .msg_iovlen = 1,
                                                 .msg_control = b->control[i].bytes,
                                                 .msg_controllen = sizeof b->control[i].bytes};
    }
    int n = recvmmsg(fd, b->messages, HEP_BATCH, MSG_DONTWAIT, NULL);
    b->at = 0;
    b->count = n > 0 ? (unsigned)n : 0;
    return b->count == HEP_BATCH;
}

static void read_datagrams(struct hep *h, struct delivery *d, int fd)
{
    bool more = true;
    for (unsigned i = 0; i < BATCHES_A_TURN && more && !is_full(h, d); i++) {
        more = read_batch(h->batch, fd);
        drain_batch(h, d);
    }
}

/* ---- connections ---- */

static void set_waiting(struct hep *h, struct hep_peer *p, bool waiting)
{
    if (p->waiting != waiting)
        h->waiting_count += waiting ? 1 : -1u;
    p->waiting = waiting;
}

static void drop_peer(struct hep *h, unsigned index)
{
    set_waiting(h, h->peers[index], false);
    hep_peer_free(h->peers[index]); /* closing takes it off the epoll */
    h->peers[index] = NULL;
    h->peer_count--;
}

/* All packets that are whole, as far as the dispatch has room. False: the connection is to be
 * closed. */
static bool take_packets(struct hep *h, struct delivery *d, struct hep_peer *p)
{
    for (;;) {
        size_t size = hep_stream_size(hep_peer_view(p));
        if (size == SIZE_MAX) {
            refuse(h, SOURCE_REFUSED_MALFORMED);
            return false;
        }
        if (size == 0 || is_full(h, d))
            return true;
        struct slice packet = slice_sub(hep_peer_view(p), 0, size);
        p->at += size;
        p->heard = h->second;
        if (!take_packet(h, d, packet, p->from, clock_wall_ns()))
            return false;
        p->proven = true;
    }
}

static void serve_peer(struct hep *h, struct delivery *d, unsigned index)
{
    struct hep_peer *p = h->peers[index];
    for (;;) {
        if (!take_packets(h, d, p)) {
            drop_peer(h, index);
            return;
        }
        if (is_full(h, d)) {
            set_waiting(h, p, true);
            return;
        }
        enum hep_fill fill = hep_peer_fill(p);
        if (fill == HEP_GONE) {
            drop_peer(h, index);
            return;
        }
        if (fill == HEP_DRY) {
            set_waiting(h, p, false);
            return;
        }
    }
}

static void serve_waiting(struct hep *h, struct delivery *d)
{
    for (unsigned i = 0; i < h->peers_max && h->waiting_count && !is_full(h, d); i++)
        if (h->peers[i] && h->peers[i]->waiting)
            serve_peer(h, d, i);
}

static bool add_peer(struct hep *h, const struct hep_listener *l, int fd, struct addr from)
{
    unsigned place = 0;
    while (h->peers[place])
        place++;
    SSL_CTX *tls = l->carrier == SOURCE_HEP_TLS ? h->tls : NULL;
    struct hep_peer *p = hep_peer_new(fd, tls, from, h->second);
    if (p == NULL)
        return false;
    if (hep_watch(h, fd, HEP_TAG_PEER, place) != 0) {
        hep_peer_free(p);
        return false;
    }
    h->peers[place] = p;
    h->peer_count++;
    return true;
}

static void pause_listener(struct hep *h, struct hep_listener *l)
{
    (void)epoll_ctl(h->source.poll_fd, EPOLL_CTL_DEL, l->fd, NULL);
    l->paused = true;
}

/* So that whoever opens connections and says nothing cannot keep agents out. */
static bool make_way(struct hep *h)
{
    for (unsigned i = 0; i < h->peers_max; i++) {
        if (h->peers[i] && hep_peer_may_go(h->peers[i], h->second)) {
            drop_peer(h, i);
            refuse(h, SOURCE_REFUSED_PEERS);
            return true;
        }
    }
    return false;
}

static void accept_peers(struct hep *h, struct hep_listener *l)
{
    for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
        struct addr from;
        int fd = hep_accept(l->fd, &from);
        if (fd < 0) {
            bool short_of =
                errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            if (short_of)
                pause_listener(h, l);
            return;
        }
        if (h->peer_count == h->peers_max && !make_way(h)) {
            close(fd);
            refuse(h, SOURCE_REFUSED_PEERS);
        } else if (!add_peer(h, l, fd, from)) {
            refuse(h, SOURCE_REFUSED_PEERS);
        }
    }
}

/* ---- time ---- */

static void each_second(struct hep *h)
{
    uint64_t ticks = 0;
    if (read(h->timer_fd, &ticks, sizeof ticks) != sizeof ticks)
        return;
    h->second += (uint32_t)ticks;
    for (unsigned i = 0; i < h->peers_max && h->peer_count; i++)
        if (h->peers[i] && hep_peer_is_idle(h->peers[i], h->second, h->idle_seconds))
            drop_peer(h, i);
    for (unsigned i = 0; i < h->listener_count; i++)
        if (h->listeners[i].paused)
            h->listeners[i].paused = hep_watch(h, h->listeners[i].fd, HEP_TAG_LISTENER, i) != 0;
}

/* ---- a turn ---- */

static void serve(struct hep *h, struct delivery *d, const struct epoll_event *e)
{
    unsigned index = (uint32_t)e->data.u64;
    struct hep_listener *l = &h->listeners[index % SOURCE_HEP_LISTENERS_MAX];
    switch (e->data.u64 >> 32) {
    case HEP_TAG_TIMER:
        each_second(h);
        return;
    case HEP_TAG_LISTENER:
        if (l->carrier == SOURCE_HEP_UDP)
            read_datagrams(h, d, l->fd);
        else
            accept_peers(h, l);
        return;
    default:
        if (h->peers[index]) /* the timer may have closed it in this turn */
            serve_peer(h, d, index);
    }
}

void hep_turn(struct hep *h, struct delivery *d)
{
    struct epoll_event events[EVENTS_A_TURN];
    drain_batch(h, d);
    serve_waiting(h, d);
    if (is_full(h, d))
        return;
    int n = epoll_wait(h->source.poll_fd, events, EVENTS_A_TURN, 0);
    for (int i = 0; i < n && !is_full(h, d); i++)
        serve(h, d, &events[i]);
}
