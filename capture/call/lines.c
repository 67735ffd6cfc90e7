/* Lines are told by their number: SDP never changes the order (RFC 3264 8). */
#include "capture/call/lines.h"

#include <stdio.h>

#define CODECS_TEXT_MAX 128

const char *call_line_state_text(enum call_line_state v)
{
    static const char *const texts[] = {"offered", "active", "declined", "removed"};
    return texts[v];
}

/* Names of the formats, with commas between; as many as fit. */
static struct slice codecs_of(struct live *l, const struct sdp_media *m)
{
    char text[CODECS_TEXT_MAX];
    size_t n = 0;
    for (unsigned i = 0; i < m->format_count; i++) {
        struct slice name = m->formats[i].encoding;
        char number[8];
        if (name.size == 0) {
            snprintf(number, sizeof number, "%u", m->formats[i].payload_type);
            name = slice_str(number);
        }
        if (n + 1 + name.size > sizeof text)
            break;
        if (n)
            text[n++] = ',';
        memcpy(text + n, name.data, name.size);
        n += name.size;
    }
    return arena_copy(l->call->arena, slice_of(text, n));
}

/* Line `index`, made when it is new; NULL beyond the limit. */
static struct call_line *line_at(struct live *l, unsigned index, bool make)
{
    struct call_line **at = &l->call->lines;
    for (; *at; at = &(*at)->next) {
        if ((*at)->index == index)
            return *at;
    }
    if (!make || index >= CALL_LINES_MAX)
        return NULL;
    struct call_line *line = arena_alloc(l->call->arena, sizeof *line);
    if (line)
        *line = (struct call_line){.index = (uint16_t)index};
    *at = line;
    return line;
}

/* Text that is there already is not copied again: re-INVITEs of a long call must not fill its
 * arena. */
static void keep(struct live *l, struct slice *kept, struct slice value, size_t most)
{
    if (kept->size == 0 && value.size)
        *kept = arena_copy(l->call->arena, slice_sub(value, 0, most));
}

static bool in_use(const struct sdp *sdp, const struct sdp_media *m)
{
    return m->port || (m->bundle_only && sdp_bundled(sdp, m));
}

void lines_offer(struct calls *c, struct live *l, uint8_t party)
{
    for (unsigned i = 0; i < c->sdp.media_count && i < CALL_LINES_MAX; i++) {
        const struct sdp_media *m = &c->sdp.media[i];
        struct call_line *line = line_at(l, i, true);
        if (line == NULL)
            return;
        keep(l, &line->type, m->type_text, 16);
        keep(l, &line->proto, m->proto, 32);
        keep(l, &line->label, m->label.size ? m->label : m->mid, 32);
        if (line->offered_ns == 0) {
            line->offered_ns = c->time_ns;
            line->offered_by = party;
            line->direction = (uint8_t)m->direction;
        }
        if (line->offered.size == 0 && in_use(&c->sdp, m))
            line->offered = codecs_of(l, m);
        line->pending = in_use(&c->sdp, m);
    }
}

static void take_up(struct calls *c, struct live *l, struct call_line *line,
                    const struct sdp_media *m)
{
    if (line->state != CALL_LINE_ACTIVE) {
        line->added_ns = line->added_ns ? line->added_ns : c->time_ns;
        line->removed_ns = 0;
    }
    line->state = CALL_LINE_ACTIVE;
    line->direction = (uint8_t)m->direction;
    line->ptime_ms = m->ptime_ms ? m->ptime_ms : line->ptime_ms;
    if (line->agreed.size == 0)
        line->agreed = codecs_of(l, m);
}

static void refuse(struct calls *c, struct call_line *line)
{
    if (line->state == CALL_LINE_ACTIVE) {
        line->state = CALL_LINE_REMOVED;
        line->removed_ns = c->time_ns;
    } else if (line->state == CALL_LINE_OFFERED) {
        line->state = CALL_LINE_DECLINED;
    }
}

void lines_answer(struct calls *c, struct live *l)
{
    for (unsigned i = 0; i < c->sdp.media_count; i++) {
        const struct sdp_media *m = &c->sdp.media[i];
        struct call_line *line = line_at(l, i, false);
        if (line == NULL)
            continue;
        if (line->pending && in_use(&c->sdp, m))
            take_up(c, l, line, m);
        else
            refuse(c, line);
    }
}
