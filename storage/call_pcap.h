/* A call's packets as a capture file that any analyser opens, rebuilt from the spool: Ethernet, its VLAN tags, IPv4 or IPv6, UDP,
 * checksums right; one frame a datagram, however long. Times are to the nanosecond. */
#pragma once

#include "storage/capture_file.h"
#include "storage/record.h"

enum call_pcap_rtp {
    CALL_PCAP_FULL,    /* everything that was kept */
    CALL_PCAP_HEADERS, /* RTP headers without the sound; RTCP and SIP whole */
    CALL_PCAP_NONE,    /* SIP and RTCP */
};

struct spool_packet;
/* Overwrites what shall not be seen in `payload`, a copy of the packet's with its size, which stays. `media`: it is of a flow of media, with
 * that descriptor. */
typedef void call_pcap_hide(bool media, struct slice descriptor, const struct spool_packet *packet, uint8_t *payload);

struct call_pcap_form {
    enum call_pcap_rtp rtp;
    enum capture_format format;
    call_pcap_hide *hide; /* NULL: all as it was kept */
};

/* Takes the next bytes of the file; not 0 ends the writing, which returns it. */
typedef int call_pcap_out(void *context, const void *bytes, size_t size);

/* Streams the file in time order; memory does not grow with the call. Chains whose segments are gone, and chunks that are
 * damaged, are left out. ERR_NOT_FOUND (nothing written) when the call has chains and none of them can be read. */
int call_pcap_write(const char *data_dir, const struct call_record *r, enum call_pcap_rtp rtp, call_pcap_out *out, void *context,
                    uint64_t *ret_packets);
/* The same of several calls in one file, in time order over all of them. A packet that more than one of them kept stands in it
 * once. At most CALL_PCAP_CHAINS_MAX chains, those of the first calls. */
#define CALL_PCAP_CHAINS_MAX 128
/* How many chains of these calls there are. More than CALL_PCAP_CHAINS_MAX: the file may lack packets. */
uint32_t call_pcap_chains(const struct call_record *const *records, unsigned count);
int call_pcap_write_all(const char *data_dir, const struct call_record *const *records, unsigned count, enum call_pcap_rtp rtp,
                        call_pcap_out *out, void *context, uint64_t *ret_packets);
/* The same in other forms. A pcapng file names the calls in the comment of its section. */
int call_pcap_write_as(const char *data_dir, const struct call_record *const *records, unsigned count, const struct call_pcap_form *form,
                       call_pcap_out *out, void *context, uint64_t *ret_packets);
