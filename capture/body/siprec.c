/* RFC 7865 puts sessions, participants, streams and their associations beside each other under
 * <recording>, linked by ids; drafts of it (and products made after them) nest participants and
 * streams in the session, have an <AoR> in the participant, <send> in the participant itself, and
 * the label of a stream as it is now. Both are read: elements are taken under the root and under
 * each session, and associations after all things they name. */
#include "capture/body/siprec.h"

#include "capture/body/numbers.h"

/* The id is an attribute; drafts say "id" or the name of what it refers to. */
static struct slice id_of(const struct xml *x, const struct xml_node *n, const char *name)
{
    struct slice id = xml_attribute(x, n, name);
    return id.size ? id : xml_attribute(x, n, "id");
}

static int session_index(const struct siprec *s, struct slice id)
{
    for (unsigned i = 0; id.size && i < s->session_count; i++) {
        if (slice_equal(s->sessions[i].id, id))
            return (int)i;
    }
    return -1;
}

static struct siprec_participant *participant(struct siprec *s, struct slice id)
{
    for (unsigned i = 0; id.size && i < s->participant_count; i++) {
        if (slice_equal(s->participants[i].id, id))
            return &s->participants[i];
    }
    return NULL;
}

static int stream_index(const struct siprec *s, struct slice id)
{
    for (unsigned i = 0; id.size && i < s->stream_count; i++) {
        if (slice_equal(s->streams[i].id, id))
            return (int)i;
    }
    return -1;
}

/* ---- things ---- */

static void add_session(const struct xml *x, const struct xml_node *n, struct siprec *s)
{
    if (s->session_count == SIPREC_SESSIONS_MAX) {
        s->limited = true;
        return;
    }
    struct slice group = xml_child_text(x, n, "group-ref");
    s->sessions[s->session_count++] = (struct siprec_session){
        .id = id_of(x, n, "session_id"),
        .sip_session_id = xml_child_text(x, n, "sipSessionID"),
        .start_time = xml_child_text(x, n, "start-time"),
        .stop_time = xml_child_text(x, n, "stop-time"),
        .group_ref = group.size ? group : xml_child_text(x, n, "group"),
    };
}

static void add_participant(const struct xml *x, const struct xml_node *n, int session,
                            struct siprec *s)
{
    if (s->participant_count == SIPREC_PARTICIPANTS_MAX) {
        s->limited = true;
        return;
    }
    const struct xml_node *name_id = xml_child(x, n, "nameID");
    struct slice aor = xml_attribute(x, name_id, "aor");
    struct slice name = xml_child_text(x, name_id, "name");
    s->participants[s->participant_count++] = (struct siprec_participant){
        .id = id_of(x, n, "participant_id"),
        .aor = aor.size ? aor : xml_child_text(x, n, "AoR"),
        .name = name.size ? name : xml_child_text(x, n, "name"),
        .session = session,
    };
}

static void add_stream(const struct xml *x, const struct xml_node *n, int session, struct siprec *s)
{
    if (s->stream_count == SIPREC_STREAMS_MAX) {
        s->limited = true;
        return;
    }
    int named = session_index(s, xml_attribute(x, n, "session_id"));
    s->streams[s->stream_count++] = (struct siprec_stream){
        .id = id_of(x, n, "stream_id"),
        .label = xml_child_text(x, n, "label"),
        .session = named >= 0 ? named : session,
        .participant = -1,
    };
}

static void add_things(const struct xml *x, const struct xml_node *of, int session,
                       struct siprec *s)
{
    for (const struct xml_node *n = xml_child(x, of, NULL); n; n = xml_next(x, n, NULL)) {
        if (slice_is(n->name, "participant"))
            add_participant(x, n, session, s);
        else if (slice_is(n->name, "stream"))
            add_stream(x, n, session, s);
    }
}

/* ---- what belongs to what ---- */

static void link_streams(const struct xml *x, const struct xml_node *n, struct siprec *s,
                         struct siprec_participant *p)
{
    for (const struct xml_node *c = xml_child(x, n, NULL); c; c = xml_next(x, c, NULL)) {
        int stream = stream_index(s, c->text);
        if (stream < 0)
            continue;
        if (slice_is(c->name, "send")) {
            p->sends |= UINT32_C(1) << stream;
            s->streams[stream].participant = (int)(p - s->participants);
        } else if (slice_is(c->name, "recv")) {
            p->receives |= UINT32_C(1) << stream;
        }
    }
}

static void link_session(const struct xml *x, const struct xml_node *n, struct siprec *s,
                         struct siprec_participant *p)
{
    int session = session_index(s, xml_attribute(x, n, "session_id"));
    if (session >= 0)
        p->session = session;
    struct slice joined = xml_child_text(x, n, "associate-time");
    struct slice left = xml_child_text(x, n, "disassociate-time");
    p->joined_at = joined.size ? joined : p->joined_at;
    p->left_at = left.size ? left : p->left_at;
}

static void add_links(const struct xml *x, const struct xml_node *of, struct siprec *s)
{
    for (const struct xml_node *n = xml_child(x, of, NULL); n; n = xml_next(x, n, NULL)) {
        struct siprec_participant *p = participant(s, id_of(x, n, "participant_id"));
        if (p == NULL)
            continue;
        if (slice_is(n->name, "participantstreamassoc") || slice_is(n->name, "participant"))
            link_streams(x, n, s, p);
        else if (slice_is(n->name, "participantsessionassoc"))
            link_session(x, n, s, p);
    }
}

/* Their count stays small: the tree has at most XML_NODES_MAX elements, each list above its own
 * bound. */
static void walk(const struct xml *x, struct siprec *s)
{
    const struct xml_node *root = xml_root(x), *n;
    for (n = xml_child(x, root, "session"); n; n = xml_next(x, n, "session"))
        add_session(x, n, s);
    add_things(x, root, -1, s);
    for (n = xml_child(x, root, "session"); n; n = xml_next(x, n, "session"))
        add_things(x, n, session_index(s, id_of(x, n, "session_id")), s);
    add_links(x, root, s);
    for (n = xml_child(x, root, "session"); n; n = xml_next(x, n, "session"))
        add_links(x, n, s);
}

enum xml_verdict siprec_read(struct xml *x, struct slice body, struct siprec *ret)
{
    enum xml_verdict v = xml_read_root(x, body, "recording");
    if (v != XML_OK)
        return v;
    struct slice mode = xml_child_text(x, xml_root(x), "datamode");
    if (mode.size == 0)
        mode = xml_child_text(x, xml_root(x), "dataMode");
    struct siprec s = {.complete = !slice_is_nocase(mode, "partial")};
    walk(x, &s);
    *ret = s;
    return XML_OK;
}
