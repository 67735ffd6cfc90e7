/* HEP as a source: sockets that capture agents send to. Each HEP packet is a frame.
 *
 * All sockets hang on one epoll descriptor, which is what a dispatch (or a merge) waits for; a
 * timer of one second on it closes quiet connections and counts the seconds of the rate limit.
 *
 * Bounds: connections (peers_max), 64 KiB for each, one batch of datagrams, one unpacked packet, a
 * table of rates. A connection without a whole packet for idle_seconds is closed, however many
 * bytes it drips. */
#include "capture/source/hep_socket.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PEERS_DEFAULT         256
#define IDLE_SECONDS_DEFAULT  300
#define RECEIVE_BYTES_DEFAULT (4u << 20)
#define NAME_SIZE             (SOURCE_HEP_LISTENERS_MAX * (HEP_LISTENER_TEXT_SIZE + 1) + 8)

static void hep_wait(struct hep *h, int timeout_ms)
{
    struct pollfd fds[2] = {
        {.fd = h->source.poll_fd, .events = POLLIN},
        {.fd = h->source.waker->wake_fd, .events = POLLIN},
    };
    (void)poll(fds, 2, timeout_ms);
}

static enum source_state hep_read(struct source *s, struct delivery *d, int timeout_ms,
                                  struct why *why)
{
    struct hep *h = (struct hep *)s;
    (void)why;
    hep_turn(h, d);
    if (d->frames == 0 && timeout_ms != 0 && !source_woken(s)) {
        hep_wait(h, timeout_ms);
        hep_turn(h, d);
    }
    if (source_woken(s))
        source_wake_clear(s);
    return d->frames ? SOURCE_MORE : SOURCE_IDLE;
}

static void hep_stats(struct source *s)
{
    struct hep *h = (struct hep *)s;
    for (unsigned i = 0; i < h->listener_count; i++) {
        struct hep_listener *l = &h->listeners[i];
        if (l->carrier != SOURCE_HEP_UDP)
            continue;
        uint32_t drops = hep_socket_drops(l->fd);
        s->stats.kernel_drops += (uint32_t)(drops - l->seen_drops);
        l->seen_drops = drops;
    }
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void hep_close(struct source *s)
{
    struct hep *h = (struct hep *)s;
    for (unsigned i = 0; h->peers && i < h->peers_max; i++)
        hep_peer_free(h->peers[i]);
    for (unsigned i = 0; i < h->listener_count; i++)
        close(h->listeners[i].fd);
    close_fd(h->timer_fd);
    close_fd(s->poll_fd);
    close_fd(s->wake_fd);
    hep_rate_fini(&h->rate);
    SSL_CTX_free(h->tls);
    free(h->peers);
    free(h->batch);
    free(h->key_text);
    free(h);
}

static const struct source_kind hep_kind = {
    .read = hep_read,
    .stats = hep_stats,
    .close = hep_close,
};

/* ---- opening ---- */

static bool any_of(const struct source_hep_config *c, enum source_hep_carrier carrier)
{
    for (unsigned i = 0; i < c->listener_count; i++)
        if (c->listeners[i].carrier == carrier)
            return true;
    return false;
}

static int take_memory(struct hep *h, const struct source_hep_config *c)
{
    h->iface = c->iface;
    h->idle_seconds = c->idle_seconds ? c->idle_seconds : IDLE_SECONDS_DEFAULT;
    h->peers_max = c->peers_max ? c->peers_max : PEERS_DEFAULT;
    if (h->peers_max > SOURCE_HEP_PEERS_MAX)
        h->peers_max = SOURCE_HEP_PEERS_MAX;
    h->peers = calloc(h->peers_max, sizeof *h->peers);
    h->key_text = strdup(c->auth_key ? c->auth_key : "");
    if (h->peers == NULL || h->key_text == NULL)
        return ERR_NOMEM;
    h->key = slice_str(h->key_text);
    if (any_of(c, SOURCE_HEP_UDP) && (h->batch = calloc(1, sizeof *h->batch)) == NULL)
        return ERR_NOMEM;
    return hep_rate_init(&h->rate, c->rate);
}

static int open_descriptors(struct hep *h)
{
    struct itimerspec each = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
    h->source.poll_fd = epoll_create1(EPOLL_CLOEXEC);
    h->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (h->source.poll_fd < 0 || h->timer_fd < 0 || source_wake_open(&h->source) != 0 ||
        timerfd_settime(h->timer_fd, 0, &each, NULL) != 0 ||
        hep_watch(h, h->timer_fd, HEP_TAG_TIMER, 0) != 0)
        return err_of_errno(errno);
    return 0;
}

static int open_listeners(struct hep *h, const struct source_hep_config *c, struct why *why)
{
    size_t bytes = c->receive_bytes ? c->receive_bytes : RECEIVE_BYTES_DEFAULT;
    for (unsigned i = 0; i < c->listener_count; i++) {
        struct hep_listener *l = &h->listeners[i];
        l->carrier = c->listeners[i].carrier;
        l->at = c->listeners[i].at;
        l->fd = hep_listen(l->carrier, &l->at, bytes, why);
        if (l->fd < 0)
            return l->fd;
        h->listener_count++;
        if (hep_watch(h, l->fd, HEP_TAG_LISTENER, i) != 0)
            return err_of_errno(errno);
    }
    return 0;
}

static int open_tls(struct hep *h, const struct source_hep_config *c, struct why *why)
{
    if (!any_of(c, SOURCE_HEP_TLS))
        return 0;
    if (!c->certificate || !*c->certificate || !c->private_key || !*c->private_key) {
        why_set(why, "HEP on TLS needs a certificate and its private key");
        return ERR_INVALID;
    }
    return hep_tls_open(c->certificate, c->private_key, &h->tls, why);
}

static const char *name_of(const struct source_hep_config *c, char out[NAME_SIZE])
{
    size_t used = (size_t)snprintf(out, NAME_SIZE, "hep");
    for (unsigned i = 0; i < c->listener_count; i++) {
        char text[HEP_LISTENER_TEXT_SIZE];
        hep_listener_text(c->listeners[i].carrier, &c->listeners[i].at, text);
        used += (size_t)snprintf(out + used, NAME_SIZE - used, "%s%s", i ? "," : " ", text);
    }
    return out;
}

int source_open_hep(const struct source_hep_config *config, struct source **ret_source,
                    struct why *why)
{
    assert(config->listener_count > 0 && config->listener_count <= SOURCE_HEP_LISTENERS_MAX);
    char name[NAME_SIZE];
    struct hep *h = calloc(1, sizeof *h);
    if (h == NULL || source_init(&h->source, &hep_kind, name_of(config, name)) != 0) {
        free(h);
        why_set(why, "no memory to listen for HEP");
        return ERR_NOMEM;
    }
    why_set(why, "%s cannot be listened on: no memory or no descriptors", h->source.name);
    h->timer_fd = -1;
    int err = take_memory(h, config);
    if (!err)
        err = open_descriptors(h);
    if (!err)
        err = open_tls(h, config, why);
    if (!err)
        err = open_listeners(h, config, why);
    if (err) {
        source_close(&h->source);
        return err;
    }
    why_set(why, "%s", "");
    *ret_source = &h->source;
    return 0;
}

uint16_t source_hep_port(const struct source *s, unsigned listener)
{
    assert(s->kind == &hep_kind);
    const struct hep *h = (const struct hep *)s;
    assert(listener < h->listener_count);
    return h->listeners[listener].at.port;
}
