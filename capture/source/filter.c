#include "capture/source/filter.h"

#include <pcap/pcap.h>
#include <stdlib.h>

#include "capture/source/reader.h"

/* Link types of one file; more are not known to occur. */
#define PROGRAMS_MAX 16

struct filter {
    char *text;
    unsigned count;
    uint16_t link_types[PROGRAMS_MAX];
    struct bpf_program programs[PROGRAMS_MAX];
};

uint16_t link_of_dlt(int dlt)
{
    return dlt == DLT_RAW || dlt == 14 ? LINK_RAW : (uint16_t)dlt;
}

int dlt_of_link(uint16_t link_type)
{
    return link_type == LINK_RAW ? DLT_RAW : link_type;
}

int filter_new(const char *text, struct filter **ret_filter)
{
    *ret_filter = NULL;
    if (text == NULL || *text == '\0')
        return 0;
    struct filter *f = calloc(1, sizeof *f);
    if (f == NULL || (f->text = strdup(text)) == NULL) {
        free(f);
        return ERR_NOMEM;
    }
    *ret_filter = f;
    return 0;
}

void filter_free(struct filter *f)
{
    if (f == NULL)
        return;
    for (unsigned i = 0; i < f->count; i++)
        pcap_freecode(&f->programs[i]);
    free(f->text);
    free(f);
}

static int find(const struct filter *f, uint16_t link_type)
{
    for (unsigned i = 0; i < f->count; i++)
        if (f->link_types[i] == link_type)
            return (int)i;
    return -1;
}

int filter_compile(struct filter *f, uint16_t link_type, const char *name, struct why *why)
{
    if (f == NULL || find(f, link_type) >= 0)
        return 0;
    if (f->count == PROGRAMS_MAX) {
        why_set(why, "%s: a filter works on at most %d link types", name, PROGRAMS_MAX);
        return ERR_INVALID;
    }
    pcap_t *p = pcap_open_dead(dlt_of_link(link_type), SOURCE_FRAME_MAX);
    if (p == NULL) {
        why_set(why, "%s: no memory for the filter", name);
        return ERR_NOMEM;
    }
    int err = pcap_compile(p, &f->programs[f->count], f->text, 1, PCAP_NETMASK_UNKNOWN);
    if (err)
        why_set(why, "%s: the filter \"%s\" is no valid BPF expression: %s", name, f->text,
                pcap_geterr(p));
    else
        f->link_types[f->count++] = link_type;
    pcap_close(p);
    return err ? ERR_INVALID : 0;
}

bool filter_passes(const struct filter *f, const struct frame *frame)
{
    int i = f ? find(f, frame->link_type) : -1;
    if (i < 0)
        return f == NULL;
    struct pcap_pkthdr header = {.caplen = (bpf_u_int32)frame->bytes.size,
                                 .len = frame->wire_bytes};
    return pcap_offline_filter(&f->programs[i], &header, frame->bytes.data) != 0;
}
