/* Numbers count modulo 65536; a slot holds the packet whose number it fits. */
#include "decode/udptl.h"

#include <string.h>

#include "base/cursor.h"

#define FIRST_NUMBERS 16   /* whoever begins so low began at zero */
#define RESTART       1024 /* a jump this far is another sender, or one that began anew */
#define EC_REDUNDANCY 0x00 /* the choice of error recovery, aligned PER */

void udptl_init(struct udptl *u, udptl_fn *fn, void *context)
{
    memset(u, 0, sizeof *u);
    u->fn = fn;
    u->context = context;
}

/* Length determinant of aligned PER, without fragments. */
static size_t take_length(struct cursor *c)
{
    size_t length = cursor_u8(c);
    if (length & 0x80)
        length = (length & 0x3f) << 8 | cursor_u8(c) | (length & 0x40 ? SIZE_MAX / 2 : 0);
    return length;
}

static struct slice take_open(struct cursor *c)
{
    return cursor_slice(c, take_length(c));
}

static bool read_head(struct cursor *c, uint16_t *ret_number, struct slice *ret_ifp)
{
    *ret_number = cursor_u16(c);
    *ret_ifp = take_open(c);
    return !c->failed && ret_ifp->size > 0 && ret_ifp->size <= UDPTL_IFP_MAX;
}

bool udptl_primary(struct slice datagram, struct slice *ret_ifp)
{
    struct cursor c = cursor_over(datagram);
    uint16_t number;
    return read_head(&c, &number, ret_ifp);
}

static struct udptl_slot *slot_of(struct udptl *u, uint16_t number)
{
    return &u->slots[number % UDPTL_WINDOW];
}

static void step(struct udptl *u)
{
    slot_of(u, u->next)->filled = false;
    u->next++;
    u->ahead -= u->ahead > 0;
    u->gap_ns = 0;
}

/* Up to the first gap. */
static void tell_filled(struct udptl *u)
{
    while (u->ahead && slot_of(u, u->next)->filled) {
        struct udptl_slot *s = slot_of(u, u->next);
        struct slice ifp = slice_of(s->ifp, s->size);
        u->fn(u->context, &ifp, 0);
        step(u);
    }
}

static void give_up_gap(struct udptl *u)
{
    unsigned lost = 0;
    while (u->ahead && !slot_of(u, u->next)->filled) {
        step(u);
        lost++;
    }
    if (lost) {
        u->lost += lost;
        u->fn(u->context, NULL, lost);
    }
    tell_filled(u);
}

void udptl_end(struct udptl *u)
{
    while (u->ahead)
        give_up_gap(u);
}

static bool offer(struct udptl *u, uint16_t number, struct slice ifp)
{
    struct udptl_slot *s = slot_of(u, number);
    int ahead = (int16_t)(number - u->next);
    if (ahead < 0 || ahead >= UDPTL_WINDOW || s->filled || ifp.size == 0 ||
        ifp.size > UDPTL_IFP_MAX)
        return false;
    s->filled = true;
    s->size = (uint16_t)ifp.size;
    memcpy(s->ifp, ifp.data, ifp.size);
    if ((unsigned)ahead + 1 > u->ahead)
        u->ahead = (unsigned)ahead + 1;
    return true;
}

/* Makes `number` one that fits the window. */
static void move_to(struct udptl *u, uint16_t number)
{
    int ahead = (int16_t)(number - u->next);
    if (u->begun && (ahead < -UDPTL_WINDOW || ahead > RESTART)) {
        udptl_end(u);
        u->begun = false;
    }
    if (!u->begun) {
        u->next = number < FIRST_NUMBERS ? 0 : number;
        u->begun = true;
        return;
    }
    while ((int16_t)(number - u->next) >= UDPTL_WINDOW) {
        u->ahead += u->ahead == 0;
        if (slot_of(u, u->next)->filled)
            tell_filled(u);
        else
            give_up_gap(u);
    }
}

static void offer_earlier(struct udptl *u, struct cursor *c, uint16_t number)
{
    if (cursor_u8(c) != EC_REDUNDANCY)
        return;
    size_t count = take_length(c);
    for (size_t i = 1; i <= count && i <= UDPTL_WINDOW && !c->failed; i++) {
        struct slice ifp = take_open(c);
        if (!c->failed)
            u->repaired += offer(u, (uint16_t)(number - i), ifp);
    }
}

void udptl_packet(struct udptl *u, struct slice datagram, int64_t now_ns)
{
    struct cursor c = cursor_over(datagram);
    struct slice ifp;
    uint16_t number;
    if (!read_head(&c, &number, &ifp)) {
        u->malformed++;
        return;
    }
    udptl_tick(u, now_ns);
    move_to(u, number);
    (void)offer(u, number, ifp);
    offer_earlier(u, &c, number);
    tell_filled(u);
    if (u->ahead && u->gap_ns == 0)
        u->gap_ns = now_ns;
}

void udptl_tick(struct udptl *u, int64_t now_ns)
{
    if (u->ahead == 0 || u->gap_ns == 0 || now_ns - u->gap_ns < UDPTL_WAIT_NS)
        return;
    give_up_gap(u);
    if (u->ahead)
        u->gap_ns = now_ns;
}
