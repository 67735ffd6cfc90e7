/* From settings to what names queues and agents of a contact centre. */
#pragma once

#include "app/settings.h"
#include "capture/front.h"

#define CENTRE_NAMES_MAX   32
#define CENTRE_NAME_SIZE   64
#define CENTRE_NUMBER_SIZE 32

struct centre_name {
    char name[CENTRE_NAME_SIZE];
    char number[CENTRE_NUMBER_SIZE]; /* without the star */
    bool prefix;                     /* there was one */
};

struct centre_config {
    unsigned queue_count, agent_count;
    struct centre_name queues[CENTRE_NAMES_MAX], agents[CENTRE_NAMES_MAX];
    bool queue_answers;
};

/* 0 or ERR_INVALID with a sentence that names the setting. Sets the headers of `front` when that is
 * not NULL. */
int centre_configure(const struct settings *s, struct centre_config *ret_config,
                     struct front_config *front, struct why *why);
/* Name of the first entry that this number is; NULL: none. */
const char *centre_name_of(const struct centre_name *names, unsigned count, struct slice number);
