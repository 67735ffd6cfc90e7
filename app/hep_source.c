#include "app/hep_source.h"

#include <inttypes.h>

#include "base/counters.h"

static int complain_of(struct slice part, struct why *why)
{
    why_set(why, "[hep] listen: \"%.*s\" is not udp:, tcp: or tls: with address and port, as in udp:127.0.0.1:9060", SLICE_ARGS(part));
    return ERR_INVALID;
}

static bool carrier_of(struct slice name, enum source_hep_carrier *ret_carrier)
{
    static const char *const names[] = {[SOURCE_HEP_UDP] = "udp", [SOURCE_HEP_TCP] = "tcp", [SOURCE_HEP_TLS] = "tls"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_is_nocase(name, names[i])) {
            *ret_carrier = (enum source_hep_carrier)i;
            return true;
        }
    }
    return false;
}

/* Beyond loopback only where an address is written down. IPv6 stands in brackets, or its last group would be a port. */
static bool place_of(struct slice text, struct endpoint *ret_at)
{
    size_t colon = text.size;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon == 0) {
        ret_at->addr = addr_v4(0x7f000001);
        return slice_to_u16(text, &ret_at->port);
    }
    struct slice host = slice_sub(text, 0, colon - 1);
    bool brackets = host.size > 0 && host.data[0] == '[';
    if (!brackets && slice_index(host, ':') < host.size)
        return false;
    return addr_parse(host, &ret_at->addr) && slice_to_u16(slice_from(text, colon), &ret_at->port);
}

int hep_source_listeners(const char *text, struct source_hep_listener *ret_listeners, unsigned *ret_count, struct why *why)
{
    struct slice left = slice_trim(slice_str(text));
    unsigned count = 0;
    while (left.size) {
        struct slice part = slice_trim(slice_cut(&left, ','));
        struct slice rest = part;
        struct source_hep_listener l = {0};
        if (!carrier_of(slice_cut(&rest, ':'), &l.carrier) || !place_of(rest, &l.at))
            return complain_of(part, why);
        if (count == SOURCE_HEP_LISTENERS_MAX) {
            why_set(why, "[hep] listen names more than %u places", SOURCE_HEP_LISTENERS_MAX);
            return ERR_INVALID;
        }
        ret_listeners[count++] = l;
    }
    *ret_count = count;
    return 0;
}

static bool wants_tls(const struct source_hep_listener *listeners, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (listeners[i].carrier == SOURCE_HEP_TLS)
            return true;
    return false;
}

static int check(const struct settings *s, struct source_hep_listener *listeners, unsigned *ret_count, struct why *why)
{
    int err = hep_source_listeners(s->hep_listen, listeners, ret_count, why);
    if (err)
        return err;
    if (wants_tls(listeners, *ret_count) && (s->hep_certificate[0] == '\0' || s->hep_private_key[0] == '\0')) {
        why_set(why, "[hep] listen has tls: without [hep] certificate and private_key");
        return ERR_INVALID;
    }
    if (s->hep_peers < 1 || s->hep_peers > SOURCE_HEP_PEERS_MAX) {
        why_set(why, "[hep] peers is %" PRId64 "; it must lie between 1 and %d", s->hep_peers, SOURCE_HEP_PEERS_MAX);
        return ERR_INVALID;
    }
    if (s->hep_rate < 0 || s->hep_rate > 10000000) {
        why_set(why, "[hep] rate is %" PRId64 "; it must lie between 0 and 10000000", s->hep_rate);
        return ERR_INVALID;
    }
    return 0;
}

int hep_source_check(const struct settings *s, struct why *why)
{
    struct source_hep_listener listeners[SOURCE_HEP_LISTENERS_MAX];
    unsigned count;
    return check(s, listeners, &count, why);
}

/* Interfaces have the first indices, in their order. */
static uint16_t iface_behind(const char *interfaces)
{
    unsigned n = *interfaces != '\0';
    for (; *interfaces; interfaces++)
        n += *interfaces == ',';
    return (uint16_t)(n < LABEL_COUNT_IFACE ? n : LABEL_COUNT_IFACE - 1);
}

int hep_source_open(const struct settings *s, struct source **ret, struct why *why)
{
    struct source_hep_listener listeners[SOURCE_HEP_LISTENERS_MAX];
    unsigned count;
    int err = check(s, listeners, &count, why);
    if (err)
        return err;
    if (count == 0) {
        *ret = NULL;
        return 0;
    }
    struct source_hep_config config = {
        .listeners = listeners,
        .listener_count = count,
        .auth_key = s->hep_auth_key,
        .certificate = s->hep_certificate,
        .private_key = s->hep_private_key,
        .peers_max = (unsigned)s->hep_peers,
        .rate = (unsigned)s->hep_rate,
        .iface = iface_behind(s->capture_interface),
    };
    return source_open_hep(&config, ret, why);
}
