/* Nobody in the call may pause its recording unless the operator says who. */
#include "app/pause_config.h"

#include "app/finding_config.h"
#include "capture/finding/allow.h"

static const char *const SIDES[] = {"none", "caller", "callee", "both"};

const char *pause_sides_text(unsigned sides)
{
    return SIDES[sides & PAUSE_BOTH];
}

bool pause_sides_read(struct slice text, uint8_t *ret_sides)
{
    for (uint8_t i = 0; i < sizeof SIDES / sizeof *SIDES; i++)
        if (slice_is(text, SIDES[i])) {
            *ret_sides = i;
            return true;
        }
    return false;
}

static bool read_keys(const char *text, char keys[PAUSE_KEYS_MAX + 1])
{
    size_t n = strlen(text);
    if (n == 1 || n > PAUSE_KEYS_MAX || strspn(text, "0123456789*#ABCD") != n)
        return false;
    memcpy(keys, text, n + 1);
    return true;
}

static int read_networks(const char *text, struct pause_config *c, struct why *why)
{
    struct slice rest = slice_str(text);
    while (rest.size) {
        struct slice item = slice_trim(slice_cut(&rest, ','));
        if (item.size == 0)
            continue;
        if (c->network_count == PAUSE_NETWORKS_MAX) {
            why_set(why, "[pause] networks: at most %d", PAUSE_NETWORKS_MAX);
            return ERR_INVALID;
        }
        if (!finding_network_read(item, &c->network[c->network_count++])) {
            why_set(why, "[pause] networks: \"%.*s\" is no address or network", SLICE_ARGS(item));
            return ERR_INVALID;
        }
    }
    return 0;
}

static int read_headers(const char *text, struct front_config *front, struct why *why)
{
    struct slice rest = slice_str(text);
    front->control_header_count = 0;
    while (rest.size) {
        struct slice name = slice_trim(slice_cut(&rest, ','));
        if (name.size == 0)
            continue;
        if (front->control_header_count == FRONT_CONTROL_HEADERS_MAX ||
            name.size >= FRONT_HEADER_SIZE) {
            why_set(why, "[pause] headers: at most %d names of headers", FRONT_CONTROL_HEADERS_MAX);
            return ERR_INVALID;
        }
        slice_copy_to(name, front->control_headers[front->control_header_count++],
                      FRONT_HEADER_SIZE);
    }
    return 0;
}

int pause_configure(const struct settings *s, struct pause_config *ret_config,
                    struct front_config *front, struct why *why)
{
    struct front_config looked = {0};
    struct pause_config c = {.dtmf_from = (uint8_t)s->pause_dtmf_from,
                             .sip_from = (uint8_t)s->pause_sip_from,
                             .sides = (uint8_t)(s->pause_sides + 1),
                             .auto_resume_ns = s->pause_auto_resume};
    if (!read_keys(s->pause_dtmf, c.keys)) {
        why_set(why, "[pause] dtmf: 2 to %d keys of 0-9, *, #, A-D, or nothing", PAUSE_KEYS_MAX);
        return ERR_INVALID;
    }
    if (c.keys[0] == '\0')
        c.dtmf_from = 0;
    int err = read_networks(s->pause_networks, &c, why);
    if (err == 0)
        err = read_headers(s->pause_headers, front ? front : &looked, why);
    if (err)
        return err;
    if (front) {
        front->control_keys = c.dtmf_from != 0;
        front->control_sip = c.sip_from != 0;
    }
    *ret_config = c;
    return 0;
}

bool pause_from_here(const struct pause_config *c, struct addr addr)
{
    for (unsigned i = 0; i < c->network_count; i++)
        if (finding_network_has(&c->network[i], addr))
            return true;
    return c->network_count == 0;
}
