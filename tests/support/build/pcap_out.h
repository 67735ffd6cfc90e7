/* A classic pcap file, little endian. */
#pragma once

#include <stdio.h>

#include "capture/source/frame.h"

struct pcap_out {
    FILE *file;
    char *buffer;
    bool nanoseconds;
};

int pcap_out_open(struct pcap_out *p, const char *path, bool nanoseconds, uint16_t link_type);
void pcap_out_frame(struct pcap_out *p, const struct frame *f);
/* 0 when every byte reached the file. */
int pcap_out_close(struct pcap_out *p);
