/* Counts HEP packets by what they carry, out of a capture or as a listener, and prints it as JSON:
 *
 *   hep_count --read FILE.pcap
 *   hep_count --listen tcp|udp [SECONDS]     prints the port first, ends after so much silence
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/counters.h"
#include "capture/net/hep.h"
#include "capture/net/net.h"
#include "capture/source/source.h"

struct counts {
    struct net *net;
    uint64_t packets, malformed, payload_bytes, suspect;
    uint64_t types[LABEL_COUNT_HEP_TYPE];
    uint64_t rtcp_bytes; /* what hep_rtcp() makes of the payloads of that type */
};

static void count(struct counts *n, struct slice bytes, int64_t received_ns)
{
    static uint8_t unpacked[HEP_SIZE_MAX];
    uint8_t rtcp[HEP_RTCP_ROOM];
    struct hep_packet p;
    bool suspect;
    if (!hep_looks_like(bytes))
        return;
    n->packets++;
    if (!hep_parse(bytes, &p)) {
        n->malformed++;
        return;
    }
    struct slice payload = p.d.payload;
    if (p.compressed)
        payload = slice_of(unpacked, hep_inflate(payload, unpacked, sizeof unpacked));
    n->types[hep_type_label(p.type)]++;
    n->payload_bytes += payload.size;
    if (p.type == HEP_RTCP)
        n->rtcp_bytes += hep_rtcp(payload, rtcp, sizeof rtcp).size;
    hep_time(&p, received_ns, &suspect);
    n->suspect += suspect;
}

static void on_frame(void *context, const struct frame *frame)
{
    struct counts *n = context;
    struct datagram d;
    if (frame->link_type == LINK_HEP)
        count(n, frame->bytes, frame->time_ns);
    else if (net_decode(n->net, frame, &d) == NET_DATAGRAM)
        count(n, d.payload, frame->time_ns);
}

static void print(const struct counts *n, struct source *s)
{
    struct source_stats stats;
    source_stats(s, &stats);
    printf("{\"packets\":%llu,\"malformed\":%llu,\"payload_bytes\":%llu,\"rtcp_bytes\":%llu,"
           "\"suspect\":%llu,\"drops\":%llu",
           (unsigned long long)n->packets, (unsigned long long)n->malformed,
           (unsigned long long)n->payload_bytes, (unsigned long long)n->rtcp_bytes,
           (unsigned long long)n->suspect, (unsigned long long)stats.kernel_drops);
    for (unsigned i = 0; i < LABEL_COUNT_HEP_TYPE; i++)
        printf(",\"%s\":%llu", label_text(LABELS_HEP_TYPE, i), (unsigned long long)n->types[i]);
    for (unsigned i = 0; i < SOURCE_REFUSALS; i++)
        printf(",\"refused_%s\":%llu", label_text(LABELS_HEP_REFUSED, i),
               (unsigned long long)stats.refused[i]);
    printf("}\n");
}

static int listen_for(struct counts *n, const char *carrier, int64_t silence_ns)
{
    struct source_hep_listener listener = {.carrier = strcmp(carrier, "tcp") == 0 ? SOURCE_HEP_TCP
                                                                                  : SOURCE_HEP_UDP,
                                           .at = {.addr = addr_v4(0x7f000001)}};
    struct source_hep_config config = {.listeners = &listener, .listener_count = 1};
    struct source *s;
    struct why why = {0};
    if (source_open_hep(&config, &s, &why) != 0) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    printf("%u\n", source_hep_port(s, 0));
    fflush(stdout);
    for (int64_t last = clock_mono_ns(); clock_mono_ns() - last < silence_ns;)
        if (source_dispatch(s, 256, 100, on_frame, n, &why) == SOURCE_MORE)
            last = clock_mono_ns();
    print(n, s);
    source_close(s);
    return 0;
}

static int read_file(struct counts *n, const char *path)
{
    struct net_config config = {.seed = hash_seed_random()};
    struct source *s;
    struct why why = {0};
    n->net = net_new(&config, NULL);
    if (n->net == NULL || source_open_file(path, NULL, &s, &why) != 0) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    while (source_dispatch(s, 256, 0, on_frame, n, &why) == SOURCE_MORE)
        ;
    print(n, s);
    source_close(s);
    net_free(n->net);
    return 0;
}

int main(int argc, char **argv)
{
    struct counts n = {0};
    if (argc == 3 && strcmp(argv[1], "--read") == 0)
        return read_file(&n, argv[2]);
    if (argc >= 3 && strcmp(argv[1], "--listen") == 0)
        return listen_for(&n, argv[2], (argc > 3 ? atoi(argv[3]) : 3) * INT64_C(1000000000));
    fprintf(stderr, "usage: hep_count --read FILE | --listen tcp|udp [SECONDS]\n");
    return 2;
}
