/* A start line, headers, or both. */
#include "capture/body/sipfrag.h"

#include "capture/body/lines.h"

/* "SIP/2.0 486 Busy Here" */
static bool read_status(struct slice line, struct sipfrag *f)
{
    if (!slice_starts_nocase(line, "SIP/2.0 "))
        return false;
    struct slice rest = slice_trim(slice_from(line, 8));
    struct slice digits = slice_cut(&rest, ' ');
    uint16_t status;
    if (!slice_to_u16(digits, &status) || status < 100 || status > 699)
        return false;
    f->status = status;
    f->reason_phrase = slice_trim(rest);
    return true;
}

/* "INVITE sip:bob@example.com SIP/2.0" */
static bool read_request(struct slice line, struct sipfrag *f)
{
    struct slice method = slice_cut(&line, ' '), uri = slice_cut(&line, ' ');
    if (method.size == 0 || uri.size == 0 || slice_index(method, ':') < method.size ||
        !slice_is_nocase(slice_trim(line), "SIP/2.0"))
        return false;
    f->method = method;
    f->request_uri = uri;
    return true;
}

static bool read_header(struct slice line, struct sipfrag *f)
{
    struct slice name, value;
    if (!line_split(line, ':', &name, &value))
        return false;
    if (slice_is_nocase(name, "Call-ID") || slice_is_nocase(name, "i"))
        f->call_id = value;
    else if (slice_is_nocase(name, "From") || slice_is_nocase(name, "f"))
        f->from = value;
    else if (slice_is_nocase(name, "To") || slice_is_nocase(name, "t"))
        f->to = value;
    else if (slice_is_nocase(name, "Contact") || slice_is_nocase(name, "m"))
        f->contact = value;
    return true;
}

bool sipfrag_read(struct slice body, struct sipfrag *ret)
{
    struct slice line, rest = body;
    struct sipfrag f = {0};
    bool something = false;
    if (line_next_folded(&rest, &line) && (read_status(line, &f) || read_request(line, &f))) {
        something = true;
        body = rest;
    }
    f.headers = body;
    while (line_next_folded(&body, &line) && line.size)
        something |= read_header(line, &f);
    if (something)
        *ret = f;
    return something;
}
