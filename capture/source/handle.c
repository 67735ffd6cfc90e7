#include "capture/source/handle.h"

#include "capture/source/filter.h"

void handle_learn(struct handle *h)
{
    h->link_type = link_of_dlt(pcap_datalink(h->pcap));
    h->ns_per_unit = pcap_get_tstamp_precision(h->pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
}

int handle_filter(struct handle *h, const char *filter, struct why *why)
{
    struct bpf_program program;
    if (pcap_compile(h->pcap, &program, filter ? filter : "", 1, PCAP_NETMASK_UNKNOWN) != 0) {
        why_set(why, "%s: the filter \"%s\" is no valid BPF expression: %s", h->source.name, filter,
                pcap_geterr(h->pcap));
        return ERR_INVALID;
    }
    int err = pcap_setfilter(h->pcap, &program);
    pcap_freecode(&program);
    if (err) {
        why_set(why, "%s: the filter \"%s\" cannot be set: %s", h->source.name, filter,
                pcap_geterr(h->pcap));
        return ERR_INVALID;
    }
    return 0;
}

/* pcapng carries 64-bit times in units of its own choice: what does not fit is held at the ends. */
static int64_t time_of(const struct handle *h, const struct timeval *ts)
{
    int64_t ns;
    if (__builtin_mul_overflow((int64_t)ts->tv_sec, INT64_C(1000000000), &ns) ||
        __builtin_add_overflow(ns, (int64_t)ts->tv_usec * h->ns_per_unit, &ns))
        return ts->tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

static void on_frame(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    struct handle *h = (struct handle *)user;
    struct frame frame = {
        .bytes = slice_of(bytes, header->caplen),
        .wire_bytes = header->len > header->caplen ? header->len : header->caplen,
        .link_type = h->link_type,
        .iface = h->iface,
        .time_ns = time_of(h, &header->ts),
    };
    source_deliver(&h->source, h->delivery, &frame);
    if (h->delivery->stop || source_woken(&h->source))
        pcap_breakloop(h->pcap);
}

int handle_dispatch(struct handle *h, struct delivery *d)
{
    h->delivery = d;
    int result = pcap_dispatch(h->pcap, d->frames_max, on_frame, (u_char *)h);
    h->delivery = NULL;
    return result;
}
