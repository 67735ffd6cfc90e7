/* Registrations with their contacts in one list. */
#include "capture/body/reginfo.h"

#include "capture/body/numbers.h"

static struct reginfo_contact contact_of(const struct xml *x, const struct xml_node *n, unsigned of)
{
    return (struct reginfo_contact){
        .registration = of,
        .id = xml_attribute(x, n, "id"),
        .state = xml_attribute(x, n, "state"),
        .event = xml_attribute(x, n, "event"),
        .uri = xml_child_text(x, n, "uri"),
        .display = xml_child_text(x, n, "display-name"),
        .call_id = xml_attribute(x, n, "callid"),
        .expires_s = number_whole(xml_attribute(x, n, "expires")),
        .duration_s = number_whole(xml_attribute(x, n, "duration-registered")),
        .cseq = number_whole(xml_attribute(x, n, "cseq")),
    };
}

static void read_registration(const struct xml *x, const struct xml_node *n, struct reginfo *r)
{
    if (r->registration_count == REGINFO_REGISTRATIONS_MAX) {
        r->limited = true;
        return;
    }
    unsigned index = r->registration_count++;
    r->registrations[index] = (struct reginfo_registration){
        .aor = xml_attribute(x, n, "aor"),
        .id = xml_attribute(x, n, "id"),
        .state = xml_attribute(x, n, "state"),
    };
    const struct xml_node *c;
    for (c = xml_child(x, n, "contact"); c; c = xml_next(x, c, "contact")) {
        if (r->contact_count == REGINFO_CONTACTS_MAX) {
            r->limited = true;
            return;
        }
        r->contacts[r->contact_count++] = contact_of(x, c, index);
    }
}

enum xml_verdict reginfo_read(struct xml *x, struct slice body, struct reginfo *ret)
{
    enum xml_verdict v = xml_read_root(x, body, "reginfo");
    if (v != XML_OK)
        return v;
    const struct xml_node *root = xml_root(x), *n;
    struct reginfo r = {.full = slice_is_nocase(xml_attribute(x, root, "state"), "full")};
    slice_to_u32(xml_attribute(x, root, "version"), &r.version);
    for (n = xml_child(x, root, "registration"); n; n = xml_next(x, n, "registration"))
        read_registration(x, n, &r);
    *ret = r;
    return XML_OK;
}
