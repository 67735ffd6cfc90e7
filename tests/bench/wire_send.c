/* Puts the frames of a capture on a wire when they are due: 100,000 a second and more, where
 * tcpreplay is late at each one.
 *
 *     wire_send INTERFACE FILE     (classic pcap, little endian, microseconds)
 *
 * Past the queues of the interface (PACKET_QDISC_BYPASS), many with one call. Prints the frames
 * sent, those that the interface refused, and how late the latest one was, in milliseconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCH  64
#define NAP_NS 200000
#define HEAD   16
#define SECOND INT64_C(1000000000)

struct tape {
    const uint8_t *data;
    size_t size, at;
    int64_t first_ns;
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static struct tape tape_open(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < 24 + HEAD)
        fail(path);
    const uint8_t *data =
        mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (data == MAP_FAILED)
        fail(path);
    close(fd);
    return (struct tape){.data = data, .size = (size_t)st.st_size, .at = 24};
}

/* Since the first frame; -1 at the end. */
static int64_t tape_due(struct tape *t, struct iovec *ret_frame)
{
    uint32_t head[4];
    if (t->at + HEAD > t->size)
        return -1;
    memcpy(head, t->data + t->at, HEAD);
    if (head[2] > t->size - t->at - HEAD)
        return -1;
    int64_t at_ns = head[0] * SECOND + head[1] * INT64_C(1000);
    if (t->first_ns == 0)
        t->first_ns = at_ns;
    *ret_frame = (struct iovec){(void *)(uintptr_t)(t->data + t->at + HEAD), head[2]};
    return at_ns - t->first_ns;
}

static int socket_on(const char *interface)
{
    int yes = 1, room = 8 << 20;
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_ifindex = (int)if_nametoindex(interface)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes) != 0)
        fail(interface);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    return fd;
}

/* All of them, in as many calls as it takes; refused ones are counted and left out. */
static uint64_t send_all(int fd, struct mmsghdr *messages, unsigned count)
{
    uint64_t refused = 0;
    for (unsigned done = 0; done < count;) {
        int n = sendmmsg(fd, messages + done, count - done, 0);
        if (n > 0) {
            done += (unsigned)n;
        } else if (errno != EINTR && errno != EAGAIN && errno != ENOBUFS) {
            refused++;
            done++;
        }
    }
    return refused;
}

static void wait_until(int64_t ns)
{
    struct timespec t = {.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: wire_send INTERFACE FILE\n");
        return 2;
    }
    struct tape tape = tape_open(argv[2]);
    struct iovec frames[BATCH];
    struct mmsghdr messages[BATCH];
    int fd = socket_on(argv[1]);
    uint64_t sent = 0, refused = 0;
    int64_t start_ns = now_ns(), latest_ns = 0, due_ns;
    memset(messages, 0, sizeof messages);
    do {
        unsigned count = 0;
        int64_t now = now_ns() - start_ns;
        while ((due_ns = tape_due(&tape, &frames[count])) >= 0 && due_ns <= now && count < BATCH) {
            latest_ns = now - due_ns > latest_ns ? now - due_ns : latest_ns;
            tape.at += HEAD + frames[count].iov_len;
            messages[count].msg_hdr = (struct msghdr){.msg_iov = &frames[count], .msg_iovlen = 1};
            if (++count == BATCH)
                break;
        }
        if (count)
            refused += send_all(fd, messages, count);
        else if (due_ns >= 0)
            wait_until(start_ns + (due_ns > now + NAP_NS ? due_ns : now + NAP_NS));
        sent += count;
    } while (due_ns >= 0);
    printf("%llu %llu %.1f\n", (unsigned long long)(sent - refused), (unsigned long long)refused,
           (double)latest_ns / 1e6);
    return refused != 0;
}
