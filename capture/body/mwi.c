/* Lines: Messages-Waiting, Message-Account, and one a class: "Voice-Message: 4/8 (1/2)". */
#include "capture/body/mwi.h"

#include "capture/body/lines.h"

static const char *const headers[MWI_CLASSES] = {
    "Voice-Message", "Fax-Message", "Pager-Message", "Multimedia-Message", "Text-Message", "None"};

/* "4/8" */
static bool pair_of(struct slice text, uint32_t *ret_fresh, uint32_t *ret_old)
{
    struct slice fresh = slice_cut(&text, '/');
    return slice_to_u32(slice_trim(fresh), ret_fresh) && slice_to_u32(slice_trim(text), ret_old);
}

static void read_count(struct slice value, struct mwi_count *ret)
{
    struct mwi_count c = {.given = true};
    struct slice all = slice_cut(&value, '('), urgent = slice_cut(&value, ')');
    if (!pair_of(all, &c.fresh, &c.old))
        return;
    if (!pair_of(urgent, &c.urgent_fresh, &c.urgent_old))
        c.urgent_fresh = c.urgent_old = 0;
    *ret = c;
}

bool mwi_read(struct slice body, struct mwi *ret)
{
    struct slice line, name, value;
    struct mwi m = {0};
    bool said = false;
    while (line_next_folded(&body, &line)) {
        if (!line_split(line, ':', &name, &value))
            continue;
        if (slice_is_nocase(name, "Messages-Waiting")) {
            m.waiting = slice_is_nocase(value, "yes");
            said |= m.waiting || slice_is_nocase(value, "no");
        } else if (slice_is_nocase(name, "Message-Account")) {
            m.account = value;
        }
        for (unsigned i = 0; i < MWI_CLASSES; i++) {
            if (slice_is_nocase(name, headers[i]))
                read_count(value, &m.counts[i]);
        }
    }
    if (said)
        *ret = m;
    return said;
}
