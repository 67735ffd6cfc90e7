/* The names of what a datagram says. */
#include "capture/net/datagram.h"

const char *transport_text(unsigned transport)
{
    switch (transport) {
    case TRANSPORT_UDP:
        return "udp";
    case TRANSPORT_TCP:
        return "tcp";
    case TRANSPORT_TLS:
        return "tls";
    case TRANSPORT_SCTP:
        return "sctp";
    case TRANSPORT_WS:
        return "ws";
    case TRANSPORT_WSS:
        return "wss";
    default:
        return "";
    }
}

const char *wrapping_text(unsigned wrapping)
{
    static const char *const names[WRAPPINGS] = {
        [WRAP_NONE] = "",         [WRAP_IPIP] = "ipip",     [WRAP_GRE] = "gre",
        [WRAP_ERSPAN] = "erspan", [WRAP_VXLAN] = "vxlan",   [WRAP_GENEVE] = "geneve",
        [WRAP_GTPU] = "gtpu",     [WRAP_TZSP] = "tzsp",     [WRAP_L2TP] = "l2tp",
        [WRAP_ESP] = "esp",       [WRAP_TEREDO] = "teredo", [WRAP_HEP] = "hep",
    };
    return wrapping < WRAPPINGS ? names[wrapping] : "";
}
