/* Tuples first, then what the person does; the overall state from both. */
#include "capture/body/pidf.h"

#include "capture/body/numbers.h"

struct meaning {
    const char *word;
    enum presence_state state;
};

/* RFC 4480 3.2; those that are not listed (working, playing, steering, ...) are an active user. */
static const struct meaning activities[] = {
    {"appointment", PRESENCE_BUSY}, {"busy", PRESENCE_BUSY},
    {"meeting", PRESENCE_BUSY},     {"on-the-phone", PRESENCE_BUSY},
    {"performance", PRESENCE_BUSY}, {"presentation", PRESENCE_BUSY},
    {"away", PRESENCE_AWAY},        {"breakfast", PRESENCE_AWAY},
    {"dinner", PRESENCE_AWAY},      {"holiday", PRESENCE_AWAY},
    {"in-transit", PRESENCE_AWAY},  {"lunch", PRESENCE_AWAY},
    {"meal", PRESENCE_AWAY},        {"permanent-absence", PRESENCE_AWAY},
    {"shopping", PRESENCE_AWAY},    {"sleeping", PRESENCE_AWAY},
    {"travel", PRESENCE_AWAY},      {"vacation", PRESENCE_AWAY},
};

/* Phones that know no RPID say it in a note. */
static const struct meaning notes[] = {
    {"busy", PRESENCE_BUSY},         {"on the phone", PRESENCE_BUSY},
    {"in a call", PRESENCE_BUSY},    {"do not disturb", PRESENCE_BUSY},
    {"dnd", PRESENCE_BUSY},          {"in a meeting", PRESENCE_BUSY},
    {"away", PRESENCE_AWAY},         {"be right back", PRESENCE_AWAY},
    {"out to lunch", PRESENCE_AWAY}, {"idle", PRESENCE_IDLE},
    {"offline", PRESENCE_OFFLINE},
};

static enum presence_state look_up(const struct meaning *table, size_t n, struct slice word)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_is_nocase(word, table[i].word))
            return table[i].state;
    }
    return PRESENCE_UNKNOWN;
}

/* "0.8" in thousandths. */
static int priority_of(struct slice text)
{
    double v = number_decimal(text);
    return v >= 0 && v <= 1 ? (int)lround(v * 1000) : -1;
}

static void add_activity(struct pidf *p, struct slice name)
{
    if (name.size == 0 || slice_is(name, "unknown"))
        return;
    if (p->activity_count == PIDF_ACTIVITIES_MAX)
        p->limited = true;
    else
        p->activities[p->activity_count++] = name;
}

/* <activities> of a person, a tuple or a device; drafts of RPID had the word as text. */
static void add_activities(const struct xml *x, const struct xml_node *of, struct pidf *p)
{
    const struct xml_node *list = xml_child(x, of, "activities");
    for (; list; list = xml_next(x, list, "activities")) {
        for (const struct xml_node *a = xml_child(x, list, NULL); a; a = xml_next(x, a, NULL)) {
            bool word = slice_is(a->name, "other") || slice_is(a->name, "activity");
            if (!slice_is(a->name, "note"))
                add_activity(p, word ? a->text : a->name);
        }
    }
    if (slice_is(xml_child_text(x, of, "user-input"), "idle"))
        p->idle = true;
}

static void first(struct slice *kept, struct slice value)
{
    if (kept->size == 0)
        *kept = value;
}

static void read_person(const struct xml *x, const struct xml_node *n, struct pidf *p)
{
    add_activities(x, n, p);
    first(&p->note, xml_child_text(x, n, "note"));
    first(&p->note, xml_child_text(x, xml_child(x, n, "activities"), "note"));
    first(&p->timestamp, xml_child_text(x, n, "timestamp"));
}

static enum pidf_basic basic_of(struct slice text)
{
    if (slice_is_nocase(text, "open"))
        return PIDF_OPEN;
    return slice_is_nocase(text, "closed") ? PIDF_CLOSED : PIDF_BASIC_NONE;
}

static void read_tuple(const struct xml *x, const struct xml_node *n, struct pidf *p)
{
    const struct xml_node *status = xml_child(x, n, "status");
    const struct xml_node *contact = xml_child(x, n, "contact");
    add_activities(x, n, p);
    add_activities(x, status, p);
    if (p->tuple_count == PIDF_TUPLES_MAX) {
        p->limited = true;
        return;
    }
    p->tuples[p->tuple_count++] = (struct pidf_tuple){
        .id = xml_attribute(x, n, "id"),
        .basic = basic_of(xml_child_text(x, status, "basic")),
        .contact = xml_text(contact),
        .priority_milli = priority_of(xml_attribute(x, contact, "priority")),
        .timestamp = xml_child_text(x, n, "timestamp"),
        .note = xml_child_text(x, n, "note"),
    };
}

static enum presence_state state_of(const struct pidf *p)
{
    bool open = false, closed = false, away = false;
    for (unsigned i = 0; i < p->tuple_count; i++) {
        open |= p->tuples[i].basic == PIDF_OPEN;
        closed |= p->tuples[i].basic == PIDF_CLOSED;
    }
    if (closed && !open)
        return PRESENCE_OFFLINE;
    for (unsigned i = 0; i < p->activity_count; i++) {
        enum presence_state s =
            look_up(activities, sizeof activities / sizeof activities[0], p->activities[i]);
        if (s == PRESENCE_BUSY)
            return s;
        away |= s == PRESENCE_AWAY;
    }
    if (away)
        return PRESENCE_AWAY;
    if (p->idle)
        return PRESENCE_IDLE;
    enum presence_state said = p->activity_count
                                   ? PRESENCE_UNKNOWN
                                   : look_up(notes, sizeof notes / sizeof notes[0], p->note);
    if (said != PRESENCE_UNKNOWN)
        return said;
    return open ? PRESENCE_ACTIVE : PRESENCE_UNKNOWN;
}

enum xml_verdict pidf_read(struct xml *x, struct slice body, struct pidf *ret)
{
    enum xml_verdict v = xml_read_root(x, body, "presence");
    if (v != XML_OK)
        return v;
    struct pidf p = {.entity = xml_attribute(x, xml_root(x), "entity")};
    const struct xml_node *n;
    for (n = xml_child(x, xml_root(x), NULL); n; n = xml_next(x, n, NULL)) {
        if (slice_is(n->name, "tuple"))
            read_tuple(x, n, &p);
        else if (slice_is(n->name, "person"))
            read_person(x, n, &p);
        else if (slice_is(n->name, "device"))
            add_activities(x, n, &p);
    }
    first(&p.note, xml_child_text(x, xml_root(x), "note"));
    for (unsigned i = 0; i < p.tuple_count; i++) {
        first(&p.note, p.tuples[i].note);
        first(&p.timestamp, p.tuples[i].timestamp);
    }
    p.state = state_of(&p);
    *ret = p;
    return XML_OK;
}
