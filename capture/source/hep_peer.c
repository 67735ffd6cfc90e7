#include "capture/source/hep_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HANDSHAKE_SECONDS 10
#define PATIENCE_SECONDS  5

struct hep_peer *hep_peer_new(int fd, SSL_CTX *tls, struct addr from, uint32_t second)
{
    /* Not zeroed: the buffer stays unmapped until bytes come. */
    struct hep_peer *p = malloc(sizeof *p);
    if (p == NULL) {
        close(fd);
        return NULL;
    }
    p->fd = fd;
    p->tls = NULL;
    p->from = from;
    p->heard = second;
    p->proven = false;
    p->waiting = false;
    p->at = p->end = 0;
    if (tls && (p->tls = hep_tls_accept(tls, fd)) == NULL) {
        hep_peer_free(p);
        return NULL;
    }
    return p;
}

void hep_peer_free(struct hep_peer *p)
{
    if (p == NULL)
        return;
    SSL_free(p->tls);
    close(p->fd);
    free(p);
}

static enum hep_fill fill_plain(struct hep_peer *p)
{
    ssize_t n;
    do
        n = recv(p->fd, p->bytes + p->end, sizeof p->bytes - p->end, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? HEP_DRY : HEP_GONE;
    p->end += (size_t)n;
    return n > 0 ? HEP_FILLED : HEP_GONE;
}

static enum hep_fill fill_tls(struct hep_peer *p)
{
    int n = hep_tls_read(p->tls, p->bytes + p->end, sizeof p->bytes - p->end);
    if (n <= 0)
        return n == 0 ? HEP_DRY : HEP_GONE;
    p->end += (size_t)n;
    return HEP_FILLED;
}

enum hep_fill hep_peer_fill(struct hep_peer *p)
{
    if (p->at) {
        memmove(p->bytes, p->bytes + p->at, p->end - p->at);
        p->end -= p->at;
        p->at = 0;
    }
    return p->tls ? fill_tls(p) : fill_plain(p);
}

bool hep_peer_is_idle(const struct hep_peer *p, uint32_t second, uint32_t limit)
{
    uint32_t quiet = second - p->heard;
    bool greeting = p->tls && !SSL_is_init_finished(p->tls);
    return !p->waiting && (quiet >= limit || (greeting && quiet >= HANDSHAKE_SECONDS));
}

bool hep_peer_may_go(const struct hep_peer *p, uint32_t second)
{
    return !p->proven && !p->waiting && second - p->heard >= PATIENCE_SECONDS;
}
