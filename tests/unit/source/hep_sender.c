#include "tests/unit/source/hep_sender.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

void put_hep_chunk(struct buf *b, uint16_t type, struct slice body)
{
    buf_u16(b, 0);
    buf_u16(b, type);
    buf_u16(b, (uint16_t)(body.size + 6));
    buf_slice(b, body);
}

static void put_number(struct buf *b, uint16_t type, uint32_t v, unsigned bytes)
{
    uint8_t body[4];
    for (unsigned i = 0; i < bytes; i++)
        body[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    put_hep_chunk(b, type, slice_of(body, bytes));
}

void put_hep(struct buf *b, const char *payload, const char *key)
{
    size_t start = b->size;
    buf_str(b, "HEP3");
    buf_u16(b, 0);
    put_number(b, 1, 2, 1);
    put_number(b, 2, 17, 1);
    put_number(b, 3, 0xc0000201, 4);
    put_number(b, 4, 0xc0000202, 4);
    put_number(b, 7, 5060, 2);
    put_number(b, 8, 5061, 2);
    put_number(b, 11, 1, 1);
    if (key)
        put_hep_chunk(b, 14, slice_str(key));
    put_hep_chunk(b, 15, slice_str(payload));
    size_t size = b->size - start;
    b->data[start + 4] = (uint8_t)(size >> 8);
    b->data[start + 5] = (uint8_t)size;
}

struct source_hep_listener on_loopback(enum source_hep_carrier carrier, bool v6)
{
    struct source_hep_listener l = {.carrier = carrier};
    cr_assert(addr_parse(slice_str(v6 ? "::1" : "127.0.0.1"), &l.at.addr));
    return l;
}

struct source *open_hep(const struct source_hep_config *config)
{
    struct source *s = NULL;
    struct why why = {0};
    cr_assert_eq(source_open_hep(config, &s, &why), 0, "%s", why.text);
    return s;
}

int connect_to(uint16_t port, int socket_type, bool v6)
{
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(v6 ? AF_INET6 : AF_INET, socket_type | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    int err = v6 ? connect(fd, (const struct sockaddr *)&in6, sizeof in6)
                 : connect(fd, (const struct sockaddr *)&in, sizeof in);
    cr_assert_eq(err, 0, "%s", strerror(errno));
    return fd;
}

void send_all(int fd, struct slice bytes)
{
    while (bytes.size) {
        ssize_t n = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        cr_assert_gt(n, 0, "%s", strerror(errno));
        bytes = slice_from(bytes, (size_t)n);
    }
}

bool was_closed(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char byte;
    return poll(&p, 1, 1000) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

void seen_init(struct seen_frames *seen)
{
    *seen = (struct seen_frames){0};
    buf_init(&seen->bytes, 1 << 24);
}

void seen_fini(struct seen_frames *seen)
{
    buf_fini(&seen->bytes);
}

void on_hep_frame(void *context, const struct frame *frame)
{
    struct seen_frames *seen = context;
    cr_assert_eq(frame->link_type, LINK_HEP);
    cr_assert_eq(frame->wire_bytes, frame->bytes.size);
    buf_slice(&seen->bytes, frame->bytes);
    seen->sizes[seen->count % SEEN_MAX] = frame->bytes.size;
    seen->times[seen->count % SEEN_MAX] = frame->time_ns;
    seen->iface = frame->iface;
    seen->count++;
}

void receive(struct source *s, struct seen_frames *seen, unsigned count, int ms)
{
    struct why why;
    int64_t end = clock_mono_ns() + ms * INT64_C(1000000);
    while (clock_mono_ns() < end && seen->count < count) {
        enum source_state state = source_dispatch(s, 64, 20, on_hep_frame, seen, &why);
        cr_assert(state == SOURCE_MORE || state == SOURCE_IDLE);
    }
}
