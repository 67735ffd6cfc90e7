/* Live capture. libpcap fills from the kernel's ring of blocks (TPACKET_V3); we never let it wait
 * but poll() ourselves, on its descriptor and on an eventfd that source_wake() writes.
 *
 * Nothing is sent: the socket is only read, promiscuous mode is set on the socket and not by an
 * address or a membership of the network layer, and no name is looked up but those in the
 * operator's filter. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/source/handle.h"

#define RING_BYTES_DEFAULT (64u << 20)
#define SNAPLEN_DEFAULT    65535
/* A block that is not full is handed over after this long: the delay of a quiet link. */
#define BLOCK_TIMEOUT_MS 10

struct live {
    struct handle handle;
    uint32_t seen_drops; /* libpcap's counters have 32 bits and wrap */
    uint32_t seen_nic_drops;
};

/* Waits for frames or a wake. */
static void live_wait(struct live *l, int timeout_ms)
{
    struct pollfd fds[2] = {
        {.fd = l->handle.source.poll_fd, .events = POLLIN},
        {.fd = l->handle.source.waker->wake_fd, .events = POLLIN},
    };
    /* Whatever comes of it, EINTR and errors included, the dispatch that follows finds out. */
    (void)poll(fds, 2, timeout_ms);
}

static enum source_state live_read(struct source *s, struct delivery *d, int timeout_ms,
                                   struct why *why)
{
    struct live *l = (struct live *)s;
    int result = handle_dispatch(&l->handle, d);
    if (result == 0 && timeout_ms != 0 && !source_woken(s)) {
        live_wait(l, timeout_ms);
        result = handle_dispatch(&l->handle, d);
    }
    if (source_woken(s))
        source_wake_clear(s);
    if (result == PCAP_ERROR) {
        why_set(why, "interface %s gives no more frames: %s", s->name, pcap_geterr(l->handle.pcap));
        return SOURCE_FAILED;
    }
    return d->frames ? SOURCE_MORE : SOURCE_IDLE;
}

static void live_stats(struct source *s)
{
    struct live *l = (struct live *)s;
    struct pcap_stat now = {0};
    if (pcap_stats(l->handle.pcap, &now) != 0)
        return; /* the interface is gone: the last figures stand */
    s->stats.kernel_drops += (uint32_t)(now.ps_drop - l->seen_drops);
    s->stats.nic_drops += (uint32_t)(now.ps_ifdrop - l->seen_nic_drops);
    l->seen_drops = now.ps_drop;
    l->seen_nic_drops = now.ps_ifdrop;
}

static int live_filter(struct source *s, const char *text, struct why *why)
{
    return handle_filter(&((struct live *)s)->handle, text, why);
}

static void live_close(struct source *s)
{
    struct live *l = (struct live *)s;
    if (l->handle.pcap)
        pcap_close(l->handle.pcap);
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    free(l);
}

static const struct source_kind live_kind = {
    .read = live_read,
    .stats = live_stats,
    .filter = live_filter,
    .close = live_close,
};

/* "interface eth9 does not exist; available: lo, eth0" */
static int explain_missing(const char *name, struct why *why)
{
    char names[300] = "";
    size_t used = 0;
    struct if_nameindex *list = if_nameindex();
    for (struct if_nameindex *i = list; i && i->if_index != 0; i++) {
        int n = snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", i->if_name);
        if (n < 0 || used + (size_t)n >= sizeof names) {
            names[used] = '\0'; /* so many that the rest does not fit */
            break;
        }
        used += (size_t)n;
    }
    if_freenameindex(list);
    why_set(why, "interface %.40s does not exist; available: %s", name, used ? names : "none");
    return ERR_NOT_FOUND;
}

static int explain_activate(struct live *l, int status, struct why *why)
{
    const char *name = l->handle.source.name;
    const char *detail = pcap_geterr(l->handle.pcap);
    switch (status) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
        return explain_missing(name, why);
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        why_set(why,
                "no permission to capture on interface %s: it takes CAP_NET_RAW (start as root, or "
                "setcap cap_net_raw=ep on the program)",
                name);
        return ERR_DENIED;
    case PCAP_ERROR_IFACE_NOT_UP:
        why_set(why, "interface %s is down: bring it up first (ip link set %s up)", name, name);
        return ERR_IO;
    default:
        why_set(why, "interface %s cannot be captured from: %s%s%s", name, pcap_statustostr(status),
                *detail ? ": " : "", detail);
        return ERR_IO;
    }
}

static int int_of(size_t n)
{
    return n > INT_MAX ? INT_MAX : (int)n;
}

static int activate(struct live *l, const struct source_live_config *config, struct why *why)
{
    char reason[PCAP_ERRBUF_SIZE] = "";
    pcap_t *p = pcap_create(config->interface, reason);
    if (p == NULL) {
        why_set(why, "interface %s cannot be captured from: %s", config->interface, reason);
        return ERR_IO;
    }
    l->handle.pcap = p;
    /* These fail only on an active handle; the precision may be refused, handle_learn() sees it. */
    pcap_set_snaplen(p, config->snaplen > 0 ? config->snaplen : SNAPLEN_DEFAULT);
    pcap_set_promisc(p, config->promiscuous);
    pcap_set_timeout(p, BLOCK_TIMEOUT_MS);
    pcap_set_immediate_mode(p, config->immediate);
    pcap_set_buffer_size(p, int_of(config->ring_bytes ? config->ring_bytes : RING_BYTES_DEFAULT));
    pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO);
    int status = pcap_activate(p); /* above 0: a warning, such as no promiscuous mode on "any" */
    if (status < 0)
        return explain_activate(l, status, why);
    /* Of the two cooked headers the one that tells the interface; the library's default is the
     * other. */
    if (pcap_datalink(p) == DLT_LINUX_SLL)
        (void)pcap_set_datalink(p, DLT_LINUX_SLL2);
    return 0;
}

static int make_pollable(struct live *l, struct why *why)
{
    char reason[PCAP_ERRBUF_SIZE] = "";
    int err = source_wake_open(&l->handle.source);
    if (err) {
        why_set(why, "interface %s: no eventfd: %s", l->handle.source.name, strerror(errno));
        return err;
    }
    if (pcap_setnonblock(l->handle.pcap, 1, reason) != 0) {
        why_set(why, "interface %s: %s", l->handle.source.name, reason);
        return ERR_IO;
    }
    l->handle.source.poll_fd = pcap_get_selectable_fd(l->handle.pcap);
    if (l->handle.source.poll_fd < 0) {
        why_set(why, "interface %s cannot be waited for", l->handle.source.name);
        return ERR_UNSUPPORTED;
    }
    return 0;
}

/* "any" is libpcap's name for all interfaces. */
static bool exists(const char *interface)
{
    return strcmp(interface, "any") == 0 || if_nametoindex(interface) != 0;
}

int source_open_live(const struct source_live_config *config, struct source **ret_source,
                     struct why *why)
{
    assert(config->interface != NULL);
    if (!exists(config->interface))
        return explain_missing(config->interface, why);
    struct live *l = calloc(1, sizeof *l);
    if (l == NULL || source_init(&l->handle.source, &live_kind, config->interface) != 0) {
        why_set(why, "interface %s: no memory to capture from it", config->interface);
        free(l);
        return ERR_NOMEM;
    }
    l->handle.iface = config->iface;
    int err = activate(l, config, why);
    if (!err && config->filter && *config->filter)
        err = handle_filter(&l->handle, config->filter, why);
    if (!err)
        err = make_pollable(l, why);
    if (err) {
        source_close(&l->handle.source);
        return err;
    }
    handle_learn(&l->handle);
    *ret_source = &l->handle.source;
    return 0;
}
