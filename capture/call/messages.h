/* Messages on their way, between messages.c and message_kind.c. */
#pragma once

#include "capture/call/user_parts.h"

struct message {
    struct entry entry;
    uint8_t *text; /* owned; m.body_kept bytes */
    bool challenged;
    struct user_message m;
};

/* What it is, by its content type and body: kind, numbers, receipt, file. */
void message_classify(struct users *u, struct user_message *m, const struct sighting *s);
