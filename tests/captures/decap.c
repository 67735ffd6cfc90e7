/* What is innermost? Prints, for each packet of a capture that ends as a UDP, TCP or SCTP packet,
 * its number, protocol, the two endpoints and what wrapped it; decap.py holds that against tshark.
 */
#include <pcap/pcap.h>
#include <stdio.h>

#include "capture/net/net.h"

static void print(unsigned long number, const struct datagram *d)
{
    char src[ENDPOINT_TEXT_SIZE];
    char dst[ENDPOINT_TEXT_SIZE];
    printf("%lu %u %s %s %s %u %u %u/%u %zu\n", number, d->proto, endpoint_text(&d->src, src),
           endpoint_text(&d->dst, dst), d->wrapping ? wrapping_text(d->wrapping) : "-",
           d->wrap_depth, d->wrapping ? d->wrap_id : 0, d->vlan_outer, d->vlan_inner,
           d->payload.size);
}

int main(int argc, char **argv)
{
    char error[PCAP_ERRBUF_SIZE];
    if (argc != 2) {
        fprintf(stderr, "usage: decap FILE\n");
        return 2;
    }
    pcap_t *pcap = pcap_open_offline(argv[1], error);
    struct net *n = net_new(&(struct net_config){0}, NULL);
    if (pcap == NULL || n == NULL) {
        fprintf(stderr, "decap: %s\n", pcap ? "no memory" : error);
        return 1;
    }
    struct pcap_pkthdr *header;
    const u_char *bytes;
    for (unsigned long number = 1; pcap_next_ex(pcap, &header, &bytes) == 1; number++) {
        struct frame frame = {
            .bytes = slice_of(bytes, header->caplen),
            .wire_bytes = header->len,
            .link_type = (uint16_t)pcap_datalink(pcap),
            .time_ns = header->ts.tv_sec * INT64_C(1000000000) + header->ts.tv_usec * INT64_C(1000),
        };
        struct datagram d;
        enum net_verdict v = net_decode(n, &frame, &d);
        if (v == NET_DATAGRAM || v == NET_SEGMENT || v == NET_SCTP)
            print(number, &d);
        else
            printf("%lu verdict %d\n", number, v);
    }
    net_free(n);
    pcap_close(pcap);
    return 0;
}
