/* What TCP reassembly costs: a segment in order, one of an ignored connection, one behind a gap,
 * and under attack (a million half-open connections, 100,000 idle ones). Prints nanoseconds a
 * segment, the median of several runs, and the memory that stays resident. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "capture/net/tcp.h"

#define RUNS     7
#define SEGMENTS 1000000u

struct bench {
    struct tcp *tcp;
    struct datagram segment;
    uint32_t seq[20000];
    uint64_t bytes;
    bool refuse;
};

static bool on_data(void *context, struct tcp_peers *peers, const struct tcp_chunk *chunk)
{
    struct bench *b = context;
    (void)peers;
    b->bytes += chunk->bytes.size;
    return !b->refuse;
}

static void on_closed(void *context, struct tcp_peers *peers)
{
    (void)context;
    (void)peers;
}

static double cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double resident_mib(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return (double)resident * 4096 / (1 << 20);
}

static void start(struct bench *b, bool refuse)
{
    static uint8_t payload[1460];
    struct tcp_config config = {.seed = {1, 2}};
    struct tcp_consumer consumer = {.context = b, .data = on_data, .closed = on_closed};
    *b = (struct bench){.refuse = refuse};
    if (tcp_new(&config, &consumer, NULL, &b->tcp) != 0)
        exit(1);
    b->segment = (struct datagram){.src = {.addr = addr_v4(0x0a000000), .port = 40000},
                                   .dst = {.addr = addr_v4(0xc0000201), .port = 5060},
                                   .payload = slice_of(payload, 500),
                                   .payload_wire = 500,
                                   .time_ns = INT64_C(1700000000000000000),
                                   .proto = PROTO_TCP};
}

static void give(struct bench *b, uint32_t conn, uint32_t seq, uint8_t flags, uint32_t size)
{
    struct datagram *d = &b->segment;
    d->src.addr = addr_v4(0x0a000000 + conn);
    d->tcp_seq = seq;
    d->tcp_flags = flags;
    d->payload.size = d->payload_wire = size;
    d->time_ns += 1000;
    tcp_segment(b->tcp, d);
    if (d->time_ns % 100000000 < 1000)
        tcp_tick(b->tcp, d->time_ns);
}

/* Segments of 500 bytes, `conns` connections in turn; `gap`: each time the second of a pair first.
 */
static double established(uint32_t conns, bool refuse, bool gap)
{
    static struct bench b;
    start(&b, refuse);
    for (uint32_t i = 0; i < conns; i++) {
        give(&b, i, 0, TCP_SYN, 0);
        give(&b, i, 1, TCP_ACK, 500);
        b.seq[i] = 501;
    }
    double begin = cpu_ns();
    for (uint32_t n = 0; n < SEGMENTS; n++) {
        uint32_t i = gap ? n / 2 % conns : n % conns;
        uint32_t skip = gap ? (n % 2 ? 0 : 500) : 0;
        give(&b, i, b.seq[i] + skip, TCP_ACK, 500);
        b.seq[i] += gap ? (n % 2) * 1000 : 500;
    }
    double each = (cpu_ns() - begin) / SEGMENTS;
    tcp_free(b.tcp);
    return each;
}

/* The same with a flood ahead of it and half of all segments more of the flood. */
static double flood(bool with_data, uint32_t count, double *ret_mib)
{
    static struct bench b;
    double before = resident_mib();
    start(&b, false);
    for (uint32_t i = 0; i < 100; i++) {
        give(&b, i, 0, TCP_SYN, 0);
        give(&b, i, 1, TCP_ACK, 500);
        b.seq[i] = 501;
    }
    double begin = cpu_ns();
    for (uint32_t n = 0; n < count; n++) {
        uint32_t good = n % 100;
        if (with_data)
            give(&b, 1000 + n, n * 77, TCP_ACK, 500);
        else
            give(&b, 1000 + n, n * 77, TCP_SYN, 0);
        give(&b, good, b.seq[good], TCP_ACK, 500);
        b.seq[good] += 500;
    }
    double each = (cpu_ns() - begin) / count / 2;
    *ret_mib = resident_mib() - before;
    tcp_tick(b.tcp, b.segment.time_ns);
    if (!with_data && b.bytes != (uint64_t)500 * (count + 100))
        printf("  %llu bytes: some of the good ones are lost\n", (unsigned long long)b.bytes);
    tcp_free(b.tcp);
    return each;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, RUNS, sizeof *values, by_size);
    return values[RUNS / 2];
}

int main(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 16); /* what is freed is given back, and measured anew */
    double run[6][RUNS], mib = 0, idle_mib = 0;
    for (unsigned i = 0; i < RUNS; i++) {
        run[0][i] = established(100, false, false);
        run[1][i] = established(20000, false, false);
        run[2][i] = established(100, true, false);
        run[3][i] = established(100, false, true);
        run[4][i] = flood(false, 1000000, &mib);
        run[5][i] = flood(true, 100000, &idle_mib);
    }
    printf("in order, 100 connections      %6.1f ns/segment\n", median(run[0]));
    printf("in order, 20000 connections    %6.1f ns/segment\n", median(run[1]));
    printf("ignored, 100 connections       %6.1f ns/segment\n", median(run[2]));
    printf("each pair swapped              %6.1f ns/segment\n", median(run[3]));
    printf("1 M half-open beside 1 M good  %6.1f ns/segment, %.1f MiB more\n", median(run[4]), mib);
    printf("100 k streams in the middle    %6.1f ns/segment, %.1f MiB more\n", median(run[5]),
           idle_mib);
    return 0;
}
