/* The ladder as text: a column a host, an arrow a row. */
#include "api/ladder.h"

#include <stdio.h>

#define LINE_MAX_CHARS 2048
#define TIME_WIDTH     13
#define MARGIN         10 /* left of the first column: half of a host's name */
#define STEP_LEAST     24
#define STEP_MOST      44
#define COLUMNS_MAX    16

struct sheet {
    unsigned columns, step;
    char line[LINE_MAX_CHARS];
};

static unsigned column_at(const struct sheet *s, unsigned column)
{
    return TIME_WIDTH + MARGIN + column * s->step;
}

static const char *host_text(const struct ladder *l, unsigned host, char text[ENDPOINT_TEXT_SIZE])
{
    return l->by_port ? endpoint_text(&l->hosts[host], text) : addr_text(l->hosts[host].addr, text);
}

static void choose_step(struct sheet *s, const struct ladder *l)
{
    s->columns = l->host_count < COLUMNS_MAX ? l->host_count : COLUMNS_MAX;
    s->step = STEP_LEAST;
    for (unsigned i = 0; i < s->columns; i++) {
        char text[ENDPOINT_TEXT_SIZE];
        unsigned size = (unsigned)strlen(host_text(l, i, text)) + 2;
        if (size > s->step)
            s->step = size < STEP_MOST ? size : STEP_MOST;
    }
}

/* Printable ASCII at a place of the line. */
static void put(struct sheet *s, unsigned at, const char *text)
{
    for (; *text && at < LINE_MAX_CHARS - 1; text++, at++)
        s->line[at] = *text >= 0x20 && *text < 0x7f ? *text : '?';
}

static void clear(struct sheet *s, bool lines)
{
    memset(s->line, ' ', sizeof s->line);
    for (unsigned i = 0; lines && i < s->columns; i++)
        s->line[column_at(s, i)] = '|';
}

static void give(struct sheet *s, struct buf *out)
{
    size_t size = sizeof s->line;
    while (size && s->line[size - 1] == ' ')
        size--;
    buf_add(out, s->line, size);
    buf_char(out, '\n');
}

static void heads(struct sheet *s, const struct ladder *l, struct buf *out)
{
    clear(s, false);
    put(s, 0, "  time s");
    for (unsigned i = 0; i < s->columns; i++) {
        char text[ENDPOINT_TEXT_SIZE];
        unsigned half = (unsigned)strlen(host_text(l, i, text)) / 2;
        unsigned at = column_at(s, i);
        put(s, at > half ? at - half : 0, text);
    }
    give(s, out);
}

static unsigned column_of(const struct sheet *s, const struct ladder *l, const struct endpoint *e)
{
    for (unsigned i = 0; i < s->columns; i++)
        if (addr_equal(l->hosts[i].addr, e->addr) && (!l->by_port || l->hosts[i].port == e->port))
            return i;
    return s->columns - 1;
}

static char stroke_of(const struct ladder_event *e)
{
    if (strcmp(e->kind, "sip") == 0)
        return '-';
    return strcmp(e->kind, "rtcp") == 0 ? '.' : '=';
}

static void arrow(struct sheet *s, const struct ladder_event *e, unsigned from, unsigned to,
                  bool of_many)
{
    unsigned left = column_at(s, from < to ? from : to) + 1,
             right = column_at(s, from < to ? to : from);
    memset(s->line + left, stroke_of(e), right - left);
    s->line[from < to ? right - 1 : left] = from < to ? '>' : '<';
    char label[LADDER_LABEL_SIZE + 24], leg[8] = "";
    const char *what = strcmp(e->kind, "rtp_start") == 0  ? " starts"
                       : strcmp(e->kind, "rtp_stop") == 0 ? " ends"
                                                          : "";
    if (of_many)
        snprintf(leg, sizeof leg, "[%u] ", e->leg);
    snprintf(label, sizeof label, "%s%s%s%s%s", leg, e->label, what, e->has_sdp ? " (SDP)" : "",
             e->retransmit ? " (again)" : "");
    unsigned room = right - left > 6 ? right - left - 6 : 0, size = (unsigned)strlen(label);
    if (size > room)
        label[size = room] = '\0';
    put(s, left + (right - left - size) / 2, label);
}

static void row(struct sheet *s, const struct ladder *l, const struct ladder_event *e,
                int64_t start_us, struct buf *out)
{
    char time[32];
    unsigned from = column_of(s, l, &e->src), to = column_of(s, l, &e->dst);
    clear(s, true);
    snprintf(time, sizeof time, "%12.6f", (double)(e->time_us - start_us) / 1e6);
    put(s, 0, time);
    if (from != to) {
        arrow(s, e, from, to, l->leg_count > 1);
    } else {
        s->line[column_at(s, from)] = '*';
        put(s, column_at(s, from) + 2, e->label);
    }
    give(s, out);
}

/* "[1] call-id" of each, where there are several. */
static void legends(const struct ladder *l, struct buf *out)
{
    for (unsigned i = 0; l->leg_count > 1 && i < l->leg_count; i++) {
        struct slice id = slice_sub(l->legs[i]->call_id, 0, 64);
        buf_printf(out, "  [%u] ", i);
        for (size_t k = 0; k < id.size; k++)
            buf_u8(out, id.data[k] >= 0x20 && id.data[k] < 0x7f ? id.data[k] : '?');
        buf_char(out, '\n');
    }
}

void ladder_text(struct buf *out, const struct ladder *l)
{
    struct sheet s;
    if (l->host_count == 0)
        return;
    choose_step(&s, l);
    legends(l, out);
    heads(&s, l, out);
    for (uint32_t i = 0; i < l->count; i++)
        row(&s, l, &l->events[i], l->legs[0]->started_us, out);
    if (l->truncated)
        buf_str(out, "  (more events than a ladder shows)\n");
}
