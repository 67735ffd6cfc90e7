/* Findings as `earshot read --findings` shows them, in the order in which they were opened: a table, or one JSON object a line. */
#pragma once

#include <stdio.h>

#include "base/map.h"
#include "capture/event.h"

#define FINDINGS_PRINTED_MAX 10000

struct finding_print {
    bool wanted;
    bool cut; /* there were more */
    struct finding *items; /* the newest word on each */
    unsigned count, room;
    struct map by_uid;
};

void finding_print_event(struct finding_print *p, const struct event *event);
void finding_print_end(struct finding_print *p, bool json, FILE *out);
void finding_print_fini(struct finding_print *p);
