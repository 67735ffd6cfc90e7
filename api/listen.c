/* The listening socket is our own, not the library's: so we know why it could not be had, and can
 * say it in words. */
#include "api/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct addr addr_of_sockaddr(const struct sockaddr *sa)
{
    if (sa && sa->sa_family == AF_INET)
        return addr_v4(ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr));
    if (sa && sa->sa_family == AF_INET6)
        return addr_v6(((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr);
    return (struct addr){0};
}

static int listen_failed(const struct api_config *c, int errnum, struct why *why)
{
    switch (errnum) {
    case EADDRINUSE:
        why_set(why,
                "port %u of %s is in use: stop the program that holds it (`ss -ltnp 'sport = :%u'` "
                "names it) or set another API port",
                c->port, c->bind_address, c->port);
        return ERR_BUSY;
    case EACCES:
        why_set(why,
                "port %u of %s may not be opened: ports below 1024 need a privilege; set another "
                "API port",
                c->port, c->bind_address);
        return ERR_DENIED;
    case EADDRNOTAVAIL:
        why_set(why, "no interface of this machine has the address %s: set another API address",
                c->bind_address);
        return ERR_INVALID;
    default:
        why_set(why, "the API cannot listen on %s port %u: %s", c->bind_address, c->port,
                strerror(errnum));
        return err_of_errno(errnum);
    }
}

static socklen_t sockaddr_make(struct addr a, uint16_t port, struct sockaddr_storage *ret_sa)
{
    *ret_sa = (struct sockaddr_storage){0};
    if (addr_is_v4(a)) {
        struct sockaddr_in *in = (struct sockaddr_in *)ret_sa;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        in->sin_addr.s_addr = htonl((uint32_t)a.low);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_sa;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    addr_to_v6(a, in6->sin6_addr.s6_addr);
    return sizeof *in6;
}

int listen_open(const struct api_config *c, struct addr a, int *ret_fd, uint16_t *ret_port,
                struct why *why)
{
    struct sockaddr_storage sa;
    socklen_t size = sockaddr_make(a, c->port, &sa);
    int one = 1;
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return listen_failed(c, errno, why);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&sa, size) != 0 || listen(fd, 256) != 0 ||
        getsockname(fd, (struct sockaddr *)&sa, &size) != 0) {
        int errnum = errno;
        close(fd);
        return listen_failed(c, errnum, why);
    }
    *ret_port = ntohs(sa.ss_family == AF_INET ? ((struct sockaddr_in *)&sa)->sin_port
                                              : ((struct sockaddr_in6 *)&sa)->sin6_port);
    *ret_fd = fd;
    return 0;
}
