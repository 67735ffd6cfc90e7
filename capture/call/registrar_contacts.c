/* What stands in Contact and Expires of REGISTER and of its answer (RFC 3261 10.2.1.1, 10.3), and where it came from. */
#include "capture/call/registrar.h"

#define EXPIRES_DEFAULT_S 3600

static uint16_t q_of(struct slice params)
{
    struct slice q;
    unsigned value = 0, digits = 0;
    if (!sip_param(params, "q", &q) || q.size == 0)
        return 1000;
    if (q.data[0] != '0')
        return 1000;
    for (size_t i = 2; i < q.size && digits < 3 && q.data[i] >= '0' && q.data[i] <= '9'; i++, digits++)
        value = value * 10 + (q.data[i] - '0');
    while (digits++ < 3)
        value *= 10;
    return (uint16_t)value;
}

static struct slice unwrap(struct slice s)
{
    if (s.size >= 2 && s.data[0] == '<' && s.data[s.size - 1] == '>')
        return slice_sub(s, 1, s.size - 1);
    return s;
}

/* One element of Contact; `expires_s` is what it says, or `otherwise`. */
static bool contact_read(struct slice item, uint32_t otherwise, struct user_contact *ret,
                         uint32_t *ret_expires_s)
{
    struct sip_addr a;
    struct slice value;
    if (!sip_addr_parse(item, &a) || a.uri.size == 0)
        return false;
    *ret = (struct user_contact){.q_milli = q_of(a.params)};
    slice_copy_to(a.uri, ret->uri, sizeof ret->uri);
    if (sip_param(a.params, "+sip.instance", &value))
        slice_copy_to(unwrap(value), ret->instance, sizeof ret->instance);
    *ret_expires_s = sip_param(a.params, "expires", &value) ? user_seconds(value, otherwise) : otherwise;
    return true;
}

bool registrar_asked(const struct sip_msg *m, struct register_attempt *ret)
{
    uint32_t header_s = user_seconds(sip_header(m, SIP_H_EXPIRES), EXPIRES_DEFAULT_S);
    struct slice item;
    if (!sip_header_item(m, SIP_H_CONTACT, 0, &item))
        return false;
    ret->star = slice_is(slice_trim(item), "*");
    ret->expires_s = 0;
    ret->contact = (struct user_contact){0};
    if (ret->star)
        return true;
    struct user_contact first, other;
    uint32_t expires_s;
    if (!contact_read(item, header_s, &first, &ret->expires_s))
        return false;
    ret->contact = first;
    /* with one contact that stays it is no removal */
    for (unsigned n = 1; n < USER_CONTACTS_MAX && sip_header_item(m, SIP_H_CONTACT, n, &item); n++)
        if (contact_read(item, header_s, &other, &expires_s) && expires_s > ret->expires_s)
            ret->expires_s = expires_s;
    return true;
}

/* ---- bindings ---- */

static struct user_contact *find(struct user_registration *r, const char *uri)
{
    for (unsigned i = 0; i < r->contact_count; i++)
        if (strcmp(r->contact[i].uri, uri) == 0)
            return &r->contact[i];
    return NULL;
}

static void remove_at(struct user_registration *r, unsigned i)
{
    r->contact_count--;
    memmove(&r->contact[i], &r->contact[i + 1], (r->contact_count - i) * sizeof r->contact[0]);
}

static void bind(struct user_registration *r, struct user_contact contact, uint32_t expires_s,
                 int64_t now_ns)
{
    struct user_contact *known = find(r, contact.uri);
    if (expires_s == 0) {
        if (known)
            remove_at(r, (unsigned)(known - r->contact));
        return;
    }
    contact.since_ns = known ? known->since_ns : now_ns;
    contact.expires_ns = now_ns + (int64_t)expires_s * USER_SECOND;
    if (known)
        *known = contact;
    else if (r->contact_count < USER_CONTACTS_MAX)
        r->contact[r->contact_count++] = contact;
    else
        r->contacts_over++;
}

/* A registrar lists all contacts that are bound now: others are gone. */
static bool bind_listed(struct user_registration *r, const struct sip_msg *m, uint32_t otherwise_s,
                        int64_t now_ns)
{
    struct user_registration before = *r;
    struct user_contact contact;
    struct slice item;
    uint32_t expires_s;
    bool any = false;
    r->contact_count = 0;
    for (unsigned n = 0; n < SIP_ITEMS_MAX && sip_header_item(m, SIP_H_CONTACT, n, &item); n++) {
        if (n >= 4 * USER_CONTACTS_MAX) {
            r->contacts_over++;
            break;
        }
        if (!contact_read(item, otherwise_s, &contact, &expires_s))
            continue;
        any = true;
        bind(r, contact, expires_s, now_ns);
        struct user_contact *now = find(r, contact.uri), *old = find(&before, contact.uri);
        if (now && old)
            now->since_ns = old->since_ns;
    }
    if (!any) {
        r->contact_count = before.contact_count;
        memcpy(r->contact, before.contact, sizeof r->contact);
    }
    return any;
}

void registrar_bind(struct user_registration *r, const struct sip_msg *m,
                    const struct register_attempt *a, int64_t now_ns)
{
    uint32_t asked_s = a ? a->expires_s : EXPIRES_DEFAULT_S;
    uint32_t header_s = user_seconds(sip_header(m, SIP_H_EXPIRES), asked_s);
    r->contacts_over = 0;
    if (a && a->star)
        r->contact_count = 0;
    if (!bind_listed(r, m, header_s, now_ns) && a && !a->star)
        bind(r, a->contact, header_s, now_ns);
    r->expires_ns = 0;
    for (unsigned i = 0; i < r->contact_count; i++)
        if (r->contact[i].expires_ns > r->expires_ns)
            r->expires_ns = r->contact[i].expires_ns;
    struct user_contact *own = a && !a->star ? find(r, a->contact.uri) : NULL;
    int64_t until_ns = own ? own->expires_ns : r->expires_ns;
    r->expires_s = until_ns > now_ns ? (uint32_t)((until_ns - now_ns) / USER_SECOND) : 0;
}

unsigned registrar_expire(struct user_registration *r, int64_t now_ns)
{
    unsigned gone = 0;
    for (unsigned i = 0; i < r->contact_count;) {
        if (r->contact[i].expires_ns > now_ns) {
            i++;
            continue;
        }
        remove_at(r, i);
        gone++;
    }
    return gone;
}

int64_t registrar_next_expiry(const struct user_registration *r)
{
    int64_t next = NEVER;
    for (unsigned i = 0; i < r->contact_count; i++)
        next = user_earlier(next, r->contact[i].expires_ns);
    return next;
}

/* ---- sources ---- */

void registrar_source(struct user_registration *r, const struct datagram *d)
{
    struct user_source now = {.at = d->src, .first_ns = d->time_ns};
    unsigned i = 0;
    while (i < r->source_count && !addr_equal(r->recent[i].at.addr, d->src.addr))
        i++;
    if (i < r->source_count)
        now = r->recent[i];
    else if (r->source_count < USER_SOURCES_MAX)
        r->source_count++;
    else
        i--;
    memmove(&r->recent[1], &r->recent[0], i * sizeof r->recent[0]);
    now.at = d->src;
    now.transport = d->transport;
    now.last_ns = d->time_ns;
    now.count++;
    r->source_changes += i > 0;
    r->recent[0] = now;
    r->source = d->src;
    r->transport = d->transport;
}
