/* A libpcap handle as a source: what live.c and savefile.c have in common. */
#pragma once

#include <pcap/pcap.h>

#include "capture/source/reader.h"

struct handle {
    struct source source;
    pcap_t *pcap;
    struct delivery *delivery; /* of the dispatch under way */
    uint16_t link_type;
    uint16_t iface;
    uint32_t ns_per_unit; /* of the field that libpcap calls tv_usec */
};

/* After activation: what the frames will need. */
void handle_learn(struct handle *h);
/* Compiles and sets `filter`; NULL or "" passes everything. 0 or ERR_INVALID with the reason. */
int handle_filter(struct handle *h, const char *filter, struct why *why);
/* One pcap_dispatch() into `d`; d->frames tells what came, the result is libpcap's. */
int handle_dispatch(struct handle *h, struct delivery *d);
