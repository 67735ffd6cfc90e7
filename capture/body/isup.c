/* A message is its type, a fixed part whose size the type says, one pointer for each variable part,
 * and a pointer to the optional part; pointers count from where they stand (Q.763 1.4). */
#include "capture/body/isup.h"

#include "base/cursor.h"

enum { P_CALLED = 0x04, P_CALLING = 0x0a, P_CAUSE = 0x12 };

/* `variable`: what the first pointer leads to; 0: there is none. */
static const struct layout {
    uint8_t type;
    uint8_t fixed;
    uint8_t variable;
    bool optional;
    const char *name;
} layouts[] = {
    {ISUP_IAM, 5, P_CALLED, true, "IAM"}, {ISUP_SAM, 0, 0, false, "SAM"},
    {ISUP_ACM, 2, 0, true, "ACM"},        {ISUP_CON, 2, 0, true, "CON"},
    {ISUP_ANM, 0, 0, true, "ANM"},        {ISUP_REL, 0, P_CAUSE, true, "REL"},
    {ISUP_SUS, 1, 0, true, "SUS"},        {ISUP_RES, 1, 0, true, "RES"},
    {ISUP_RLC, 0, 0, true, "RLC"},        {ISUP_CPG, 1, 0, true, "CPG"},
};

static const struct layout *layout_of(uint8_t type)
{
    for (unsigned i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        if (layouts[i].type == type)
            return &layouts[i];
    }
    return NULL;
}

/* ---- parameters ---- */

static void read_digits(struct slice octets, bool odd, struct isup_number *n)
{
    static const char digits[] = "0123456789?BC??";
    size_t count = octets.size * 2 - (odd && octets.size), written = 0;
    for (size_t i = 0; i < count && written < ISUP_DIGITS_MAX; i++) {
        unsigned d = octets.data[i / 2] >> (i % 2 * 4) & 15;
        if (d == 15)
            break;
        n->digits[written++] = digits[d];
    }
    n->digits[written] = '\0';
}

static bool read_number(struct slice contents, struct isup_number *ret)
{
    struct cursor c = cursor_over(contents);
    uint8_t first = cursor_u8(&c), second = cursor_u8(&c);
    if (c.failed)
        return false;
    struct isup_number n = {
        .given = true,
        .nature = first & 0x7f,
        .plan = second >> 4 & 7,
        .presentation = second >> 2 & 3,
        .screening = second & 3,
    };
    read_digits(cursor_rest(&c), first & 0x80, &n);
    *ret = n;
    return true;
}

static bool read_cause(struct slice contents, struct isup *m)
{
    struct cursor c = cursor_over(contents);
    uint8_t first = cursor_u8(&c);
    if ((first & 0x80) == 0) /* with a recommendation (Q.850 2.2) */
        cursor_skip(&c, 1);
    uint8_t value = cursor_u8(&c);
    if (c.failed)
        return false;
    m->location = first & 15;
    m->cause = value & 0x7f;
    return true;
}

static bool read_parameter(uint8_t name, struct slice contents, struct isup *m)
{
    switch (name) {
    case P_CALLED:
        return read_number(contents, &m->called);
    case P_CALLING:
        return read_number(contents, &m->calling);
    case P_CAUSE:
        return read_cause(contents, m);
    default:
        return true;
    }
}

/* What the pointer at the front leads to; empty when it is 0 or leads out of the message. */
static struct cursor follow(struct cursor *c)
{
    struct cursor there = *c;
    uint8_t pointer = cursor_u8(c);
    cursor_skip(&there, pointer ? pointer : cursor_left(&there));
    return there;
}

static void read_optional(struct cursor c, struct isup *m)
{
    while (cursor_left(&c) > 0) {
        uint8_t name = cursor_u8(&c);
        if (name == 0)
            return;
        struct slice contents = cursor_slice(&c, cursor_u8(&c));
        if (c.failed)
            return;
        read_parameter(name, contents, m);
    }
}

/* ---- the message ---- */

bool isup_read(struct slice body, struct isup *ret)
{
    if (body.size == 0)
        return false;
    struct cursor c = cursor_over(body);
    struct isup m = {.type = cursor_u8(&c)};
    const struct layout *l = layout_of(m.type);
    if (c.failed || l == NULL)
        return false;
    struct slice fixed = cursor_slice(&c, l->fixed);
    if (m.type == ISUP_IAM && !c.failed)
        m.category = fixed.data[3];
    if (l->variable) {
        struct cursor v = follow(&c);
        struct slice contents = cursor_slice(&v, cursor_u8(&v));
        if (v.failed || !read_parameter(l->variable, contents, &m))
            return false;
    }
    if (c.failed)
        return false;
    if (l->optional && cursor_left(&c) > 0) /* RLC and ANM may end without the pointer */
        read_optional(follow(&c), &m);
    *ret = m;
    return true;
}

const char *isup_type_text(uint8_t type)
{
    const struct layout *l = layout_of(type);
    return l ? l->name : NULL;
}

/* ---- texts ---- */

const char *isup_nature_text(uint8_t nature)
{
    static const char *const texts[] = {
        [1] = "subscriber", [2] = "unknown", [3] = "national", [4] = "international",
        [5] = "network"};
    return nature < sizeof texts / sizeof texts[0] && texts[nature] ? texts[nature] : "other";
}

const char *isup_presentation_text(uint8_t presentation)
{
    static const char *const texts[4] = {"allowed", "restricted", "unavailable", "other"};
    return texts[presentation & 3];
}

const char *isup_location_text(uint8_t location)
{
    static const char *const texts[16] = {
        [0] = "user",          [1] = "private_local",  [2] = "public_local",  [3] = "transit",
        [4] = "public_remote", [5] = "private_remote", [7] = "international", [10] = "beyond"};
    return texts[location & 15] ? texts[location & 15] : "other";
}
