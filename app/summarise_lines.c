/* From the call's list to the record's array. */
#include "app/summarise_lines.h"

#include "capture/call/lines.h"

const char *sdp_direction_text(unsigned direction)
{
    static const char *const texts[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    return direction < 4 ? texts[direction] : "sendrecv";
}

static void fill(struct arena *a, const struct call_line *in, struct record_line *out)
{
    *out = (struct record_line){
        .index = in->index,
        .type = arena_copy(a, in->type),
        .proto = arena_copy(a, in->proto),
        .state = call_line_state_text((enum call_line_state)in->state),
        .direction = sdp_direction_text(in->direction),
        .offered_by = call_party_text(in->offered_by),
        .offered = arena_copy(a, in->offered),
        .agreed = arena_copy(a, in->agreed),
        .label = arena_copy(a, in->label),
        .ptime_ms = in->ptime_ms,
        .added_us = in->added_ns / 1000,
        .removed_us = in->removed_ns / 1000,
    };
}

void summarise_lines(struct call_record *r, const struct call *c)
{
    r->lines = arena_alloc(r->arena, CALL_LINES_MAX * sizeof *r->lines);
    for (const struct call_line *line = c->lines; line && r->lines; line = line->next)
        fill(r->arena, line, &r->lines[r->line_count++]);
}
