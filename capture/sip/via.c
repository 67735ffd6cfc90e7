/* One Via element (RFC 3261 20.42, RFC 3581): SIP / 2.0 / UDP host:port
 * ;branch=...;received=...;rport */
#include "capture/sip/grammar.h"

static struct slice without_brackets(struct slice host)
{
    bool bracketed = host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    return bracketed ? slice_sub(host, 1, host.size - 1) : host;
}

static void via_param(struct sip_via *via, struct slice name, struct slice value)
{
    if (SAME(name, "branch")) {
        via->branch = value;
    } else if (SAME(name, "received")) {
        via->received = without_brackets(value);
    } else if (SAME(name, "rport")) {
        via->has_rport = true;
        via->rport = value;
    }
}

bool sip_via_parse(struct slice value, struct sip_via *ret_via)
{
    return sip_via_straight(value, ret_via) || sip_via_parse_any(value, ret_via);
}

bool sip_via_parse_any(struct slice value, struct sip_via *ret_via)
{
    struct sip_via via;
    quick_clear(&via, sizeof via);
    struct slice s = sip_trim(value);
    s = slice_from(s, quick_index(s, '/') + 1); /* "SIP" */
    s = sip_skip_spaces(slice_from(s, quick_index(s, '/') + 1));
    size_t n = 0;
    while (n < s.size && !sip_is_space(s.data[n]) && s.data[n] != ';')
        n++;
    via.transport = slice_sub(s, 0, n);
    s = slice_from(s, n);
    size_t semicolon = quick_index(s, ';');
    sip_host_port(slice_sub(s, 0, semicolon), &via.host, &via.port);
    if (via.transport.size == 0 || via.host.size == 0)
        return false;
    struct slice params = slice_from(s, semicolon), name, text;
    while (sip_param_next(&params, &name, &text))
        via_param(&via, name, text);
    *ret_via = via;
    return true;
}
