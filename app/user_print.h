/* What is no call, as `earshot read` shows it behind the calls: one JSON object a line, or a table for each kind. */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "capture/event.h"

enum user_print_kind {
    PRINT_REGISTRATIONS,
    PRINT_SUBSCRIPTIONS, /* with presence */
    PRINT_MESSAGES,
    PRINT_PEERS, /* with software */
    PRINT_KINDS
};

struct user_print {
    bool wanted[PRINT_KINDS];
    bool json;
    bool cut;  /* a line found no room */
    bool last; /* of the event at hand */
    struct buf lines[PRINT_KINDS]; /* until the end; each to 64 MiB */
};

void user_print_init(struct user_print *p, bool json);
void user_print_fini(struct user_print *p);
/* Takes the last word of each thing, and every change of presence. Not thread-safe. */
void user_print_event(struct user_print *p, const struct event *event);
/* Writes all that was taken. False when a kind was too much and is incomplete. */
bool user_print_end(struct user_print *p, FILE *out);
