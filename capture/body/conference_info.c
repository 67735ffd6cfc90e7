/* Description, state, then users with their endpoints in one list. */
#include "capture/body/conference_info.h"

#include "capture/body/numbers.h"

static bool is_true(struct slice text)
{
    return slice_is_nocase(text, "true") || slice_is(text, "1");
}

static void read_media(const struct xml *x, const struct xml_node *n, struct conference_endpoint *e)
{
    const unsigned room = sizeof e->media_types / sizeof e->media_types[0];
    const struct xml_node *m;
    for (m = xml_child(x, n, "media"); m && e->media_count < room; m = xml_next(x, m, "media")) {
        struct slice type = xml_child_text(x, m, "type");
        if (type.size)
            e->media_types[e->media_count++] = type;
    }
}

static struct conference_endpoint endpoint_of(const struct xml *x, const struct xml_node *n,
                                              unsigned user)
{
    const struct xml_node *joined = xml_child(x, n, "joining-info");
    const struct xml_node *left = xml_child(x, n, "disconnection-info");
    const struct xml_node *sip = xml_child(x, xml_child(x, n, "call-info"), "sip");
    struct conference_endpoint e = {
        .user = user,
        .entity = xml_attribute(x, n, "entity"),
        .display = xml_child_text(x, n, "display-text"),
        .status = xml_child_text(x, n, "status"),
        .joined_by = xml_child_text(x, n, "joining-method"),
        .joined_at = xml_child_text(x, joined, "when"),
        .left_by = xml_child_text(x, n, "disconnection-method"),
        .left_at = xml_child_text(x, left, "when"),
        .call_id = xml_child_text(x, sip, "call-id"),
    };
    read_media(x, n, &e);
    return e;
}

static void read_user(const struct xml *x, const struct xml_node *n, struct conference_info *c)
{
    if (c->user_count == CONFERENCE_USERS_MAX) {
        c->limited = true;
        return;
    }
    unsigned index = c->user_count++;
    c->users[index] = (struct conference_user){
        .entity = xml_attribute(x, n, "entity"),
        .display = xml_child_text(x, n, "display-text"),
        .role = xml_child_text(x, xml_child(x, n, "roles"), "entry"),
        .state = xml_attribute(x, n, "state"),
    };
    const struct xml_node *e;
    for (e = xml_child(x, n, "endpoint"); e; e = xml_next(x, e, "endpoint")) {
        if (c->endpoint_count == CONFERENCE_ENDPOINTS_MAX) {
            c->limited = true;
            return;
        }
        c->endpoints[c->endpoint_count++] = endpoint_of(x, e, index);
    }
}

enum xml_verdict conference_info_read(struct xml *x, struct slice body, struct conference_info *ret)
{
    enum xml_verdict v = xml_read_root(x, body, "conference-info");
    if (v != XML_OK)
        return v;
    const struct xml_node *root = xml_root(x), *n;
    const struct xml_node *about = xml_child(x, root, "conference-description");
    const struct xml_node *state = xml_child(x, root, "conference-state");
    struct conference_info c = {
        .entity = xml_attribute(x, root, "entity"),
        .state = xml_attribute(x, root, "state"),
        .subject = xml_child_text(x, about, "subject"),
        .display = xml_child_text(x, about, "display-text"),
        .participants = number_whole(xml_child_text(x, state, "user-count")),
        .participants_max = number_whole(xml_child_text(x, about, "maximum-user-count")),
        .active = is_true(xml_child_text(x, state, "active")),
        .locked = is_true(xml_child_text(x, state, "locked")),
    };
    slice_to_u32(xml_attribute(x, root, "version"), &c.version);
    const struct xml_node *users = xml_child(x, root, "users");
    for (n = xml_child(x, users, "user"); n; n = xml_next(x, n, "user"))
        read_user(x, n, &c);
    *ret = c;
    return XML_OK;
}
