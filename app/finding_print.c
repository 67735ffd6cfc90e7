/* The newest word on each finding is kept and printed at the end. */
#include "app/finding_print.h"

#include <stdlib.h>
#include <string.h>

#include "api/user_json.h"
#include "app/finding_store.h"
#include "base/clock.h"

/* ---- in ---- */

static struct finding *add(struct finding_print *p, uint64_t hash)
{
    if (p->count == FINDINGS_PRINTED_MAX) {
        p->cut = true;
        return NULL;
    }
    if (p->count == p->room) {
        unsigned room = p->room ? 2 * p->room : 16;
        struct finding *more = realloc(p->items, room * sizeof *more);
        if (more == NULL)
            return NULL;
        p->items = more;
        p->room = room;
    }
    return map_add(&p->by_uid, hash, p->count) == 0 ? &p->items[p->count++] : NULL;
}

void finding_print_event(struct finding_print *p, const struct event *event)
{
    const struct finding *f = (const void *)event->body.data;
    uint64_t hash;
    if (!p->wanted || event->kind != EVENT_FINDING)
        return;
    memcpy(&hash, f->uid, sizeof hash); /* a keyed hash already */
    struct finding *kept = NULL;
    struct map_probe probe = map_probe(&p->by_uid, hash);
    for (uint32_t i; !kept && (i = map_next(&p->by_uid, &probe)) != MAP_NONE;)
        if (memcmp(p->items[i].uid, f->uid, sizeof f->uid) == 0)
            kept = &p->items[i];
    if (kept == NULL)
        kept = add(p, hash);
    if (kept)
        *kept = *f;
}

/* ---- out ---- */

static void print_json(const struct finding_record *r, FILE *out)
{
    struct json j;
    struct buf b;
    buf_init(&b, 64 << 10);
    json_init(&j, &b);
    json_object(&j);
    json_key(&j, "finding");
    user_json(&j, USER_FINDING, r, false);
    json_end(&j);
    fprintf(out, "%.*s\n", SLICE_ARGS(buf_view(&b)));
    buf_fini(&b);
}

/* What the wire had goes to a terminal: control characters do not. */
static void print_text(const char *text, FILE *out)
{
    for (; *text; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

static void print_row(const struct finding_record *r, FILE *out)
{
    char when[CLOCK_TEXT_SIZE];
    fprintf(out, "%-27s  %-8s  %-7s  %-16s  %-15s  ", clock_rfc3339_us(r->first_us, when),
            r->severity, r->state, r->detector, r->src_ip[0] ? r->src_ip : "-");
    fprintf(out, "%s", r->detail);
    if (r->subject[0]) {
        fputs(" (", out);
        print_text(r->subject, out);
        fputs(")", out);
    }
    fputc('\n', out);
}

void finding_print_end(struct finding_print *p, bool json, FILE *out)
{
    if (p->wanted && !json && p->count)
        fprintf(out, "\n%-27s  %-8s  %-7s  %-16s  %-15s  %s\n", "FINDING SINCE", "SEVERITY",
                "STATE", "DETECTOR", "SOURCE", "WHAT");
    for (unsigned i = 0; i < p->count; i++) {
        struct finding_record r;
        finding_record_fill(&r, &p->items[i]);
        if (json)
            print_json(&r, out);
        else
            print_row(&r, out);
    }
}

void finding_print_fini(struct finding_print *p)
{
    free(p->items);
    map_fini(&p->by_uid);
}
