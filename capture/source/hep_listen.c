#include "capture/source/hep_listen.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 64

const char *hep_listener_text(enum source_hep_carrier carrier, const struct endpoint *at,
                              char out[HEP_LISTENER_TEXT_SIZE])
{
    static const char *const names[] = {
        [SOURCE_HEP_UDP] = "udp", [SOURCE_HEP_TCP] = "tcp", [SOURCE_HEP_TLS] = "tls"};
    char place[ENDPOINT_TEXT_SIZE];
    snprintf(out, HEP_LISTENER_TEXT_SIZE, "%s:%s", names[carrier], endpoint_text(at, place));
    return out;
}

/* ---- addresses ---- */

static socklen_t sockaddr_of(const struct endpoint *at, struct sockaddr_storage *ret_sa)
{
    *ret_sa = (struct sockaddr_storage){0};
    if (addr_is_v4(at->addr)) {
        struct sockaddr_in in = {.sin_family = AF_INET,
                                 .sin_port = htons(at->port),
                                 .sin_addr = {htonl((uint32_t)at->addr.low)}};
        memcpy(ret_sa, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(at->port)};
    addr_to_v6(at->addr, in6.sin6_addr.s6_addr);
    memcpy(ret_sa, &in6, sizeof in6);
    return sizeof in6;
}

static uint16_t port_of(const struct sockaddr_storage *sa)
{
    struct sockaddr_in in; /* the port lies at the same place in both */
    memcpy(&in, sa, sizeof in);
    return ntohs(in.sin_port);
}

struct addr hep_addr_of(const struct sockaddr_storage *sa)
{
    if (sa->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        return addr_v4(ntohl(in.sin_addr.s_addr));
    }
    struct sockaddr_in6 in6;
    memcpy(&in6, sa, sizeof in6);
    return addr_v6(in6.sin6_addr.s6_addr);
}

/* ---- opening ---- */

static int explain(enum source_hep_carrier carrier, const struct endpoint *at, int errnum,
                   struct why *why)
{
    char place[HEP_LISTENER_TEXT_SIZE];
    hep_listener_text(carrier, at, place);
    switch (errnum) {
    case EADDRINUSE:
        why_set(why, "HEP cannot be heard on %s: another program has this port", place);
        return ERR_BUSY;
    case EADDRNOTAVAIL:
        why_set(why, "HEP cannot be heard on %s: this host has no such address", place);
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
        why_set(why, "HEP cannot be heard on %s: no permission (ports below 1024 need one)", place);
        return ERR_DENIED;
    default:
        why_set(why, "HEP cannot be heard on %s: %s", place, strerror(errnum));
        return err_of_errno(errnum);
    }
}

/* Options are wishes: what is refused costs room or precision, not function. */
static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static void set_options(int fd, bool udp, bool v6, int receive_bytes)
{
    if (v6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (!udp) {
        set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        return;
    }
    set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    set_option(fd, SOL_SOCKET, SO_RCVBUF, receive_bytes);      /* up to net.core.rmem_max */
    set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, receive_bytes); /* beyond it, where permitted */
}

int hep_listen(enum source_hep_carrier carrier, struct endpoint *at, size_t receive_bytes,
               struct why *why)
{
    struct sockaddr_storage sa;
    socklen_t size = sockaddr_of(at, &sa);
    bool udp = carrier == SOURCE_HEP_UDP;
    int kind = (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(sa.ss_family, kind, 0);
    if (fd < 0)
        return explain(carrier, at, errno, why);
    set_options(fd, udp, sa.ss_family == AF_INET6,
                (int)(receive_bytes > INT32_MAX / 2 ? INT32_MAX / 2 : receive_bytes));
    socklen_t got = sizeof sa;
    if (bind(fd, (const struct sockaddr *)&sa, size) != 0 || (!udp && listen(fd, BACKLOG) != 0) ||
        getsockname(fd, (struct sockaddr *)&sa, &got) != 0) {
        int err = explain(carrier, at, errno, why);
        close(fd);
        return err;
    }
    at->port = port_of(&sa);
    return fd;
}

int hep_accept(int fd, struct addr *ret_from)
{
    struct sockaddr_storage sa = {0};
    socklen_t size = sizeof sa;
    int got = accept4(fd, (struct sockaddr *)&sa, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (got >= 0)
        *ret_from = hep_addr_of(&sa);
    return got;
}

/* The counter that SO_RXQ_OVFL sends along with datagrams, asked for directly: so it is also right
 * when no datagram follows the dropped ones. */
uint32_t hep_socket_drops(int fd)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof info;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) != 0)
        return 0;
    return info[SK_MEMINFO_DROPS];
}
