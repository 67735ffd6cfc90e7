/* Elements of identity headers, in the order of the header file. */
#include "capture/sip/identity.h"

#include "capture/sip/grammar.h"
#include "capture/sip/uri.h"

static struct slice param_of(struct slice params, const char *name)
{
    struct slice value;
    return sip_param(params, name, &value) ? value : slice_none();
}

bool sip_diversion_parse(struct slice item, struct sip_diversion *ret_diversion)
{
    struct sip_diversion d = {.counter = 1};
    if (!sip_addr_parse(item, &d.from))
        return false;
    d.reason = param_of(d.from.params, "reason");
    d.privacy = param_of(d.from.params, "privacy");
    if (!slice_to_u16(param_of(d.from.params, "counter"), &d.counter) || d.counter == 0)
        d.counter = 1;
    *ret_diversion = d;
    return true;
}

/* ---- History-Info ---- */

/* Value of a header in a URI, "Reason=SIP%3Bcause%3D302&Privacy=history", with escapes undone. */
static struct slice uri_header(struct slice headers, const char *name, char *out, size_t out_size)
{
    while (headers.size) {
        struct slice value = slice_cut(&headers, '&');
        struct slice each = slice_cut(&value, '=');
        if (slice_is_nocase(each, name))
            return slice_of(out, sip_unescape(value, out, out_size));
    }
    return slice_none();
}

static uint16_t history_cause(const struct sip_uri *uri)
{
    char text[256];
    struct sip_reason reason;
    uint16_t cause;
    if (sip_reason_parse(uri_header(uri->headers, "Reason", text, sizeof text), &reason) &&
        reason.cause)
        return reason.cause;
    return slice_to_u16(param_of(uri->params, "cause"), &cause) ? cause : 0;
}

static void history_origin(struct sip_history *h)
{
    static const char *const names[] = {"rc", "mp", "np"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!sip_param(h->target.params, names[i], &h->from))
            continue;
        h->why = names[i][0];
        return;
    }
}

bool sip_history_parse(struct slice item, struct sip_history *ret_history)
{
    struct sip_history h = {0};
    struct sip_uri uri;
    char text[64];
    if (!sip_addr_parse(item, &h.target) || !sip_uri_parse(h.target.uri, &uri))
        return false;
    h.index = param_of(h.target.params, "index");
    h.cause = history_cause(&uri);
    struct slice privacy = uri_header(uri.headers, "Privacy", text, sizeof text);
    h.hidden = privacy.size && !slice_is_nocase(sip_trim(privacy), "none");
    history_origin(&h);
    *ret_history = h;
    return true;
}

/* ---- Remote-Party-ID, Privacy ---- */

bool sip_remote_party_parse(struct slice item, struct sip_remote_party *ret_party)
{
    struct sip_remote_party p = {0};
    if (!sip_addr_parse(item, &p.addr))
        return false;
    struct slice privacy = param_of(p.addr.params, "privacy");
    p.called = slice_is_nocase(param_of(p.addr.params, "party"), "called");
    p.hidden =
        privacy.size && !slice_is_nocase(privacy, "off") && !slice_is_nocase(privacy, "none");
    p.screen = param_of(p.addr.params, "screen");
    *ret_party = p;
    return true;
}

bool sip_privacy_hides(struct slice value)
{
    static const char *const hiding[] = {"id", "user", "header", "session"};
    while (value.size) {
        struct slice rest = slice_cut(&value, ';');
        while (rest.size) { /* some write commas */
            struct slice each = sip_trim(slice_cut(&rest, ','));
            for (size_t i = 0; i < sizeof hiding / sizeof hiding[0]; i++)
                if (slice_is_nocase(each, hiding[i]))
                    return true;
        }
    }
    return false;
}

/* ---- Reason, Identity ---- */

bool sip_reason_parse(struct slice item, struct sip_reason *ret_reason)
{
    struct sip_reason r = {0};
    size_t semicolon = slice_index(item, ';');
    struct slice params = slice_from(item, semicolon);
    r.protocol = sip_trim(slice_sub(item, 0, semicolon));
    if (r.protocol.size == 0 || sip_token_length(r.protocol, r.protocol.size) < r.protocol.size)
        return false;
    if (!slice_to_u16(param_of(params, "cause"), &r.cause))
        r.cause = 0;
    r.text = param_of(params, "text");
    *ret_reason = r;
    return true;
}

bool sip_signed_parse(struct slice item, struct sip_signed *ret_signed)
{
    size_t semicolon = slice_index(item, ';');
    struct slice params = slice_from(item, semicolon);
    struct sip_signed s = {.token = sip_trim(slice_sub(item, 0, semicolon))};
    if (s.token.size && s.token.data[0] == '"') { /* RFC 4474 quoted its signature */
        size_t end;
        sip_quoted(s.token, 0, &s.token, &end);
    }
    s.info = param_of(params, "info");
    if (s.info.size >= 2 && s.info.data[0] == '<')
        s.info = slice_sub(s.info, 1, slice_index(s.info, '>'));
    s.alg = param_of(params, "alg");
    s.ppt = param_of(params, "ppt");
    if (s.token.size == 0)
        return false;
    *ret_signed = s;
    return true;
}
