/* The fields of the user records as tables. */
#include "storage/user_record.h"

#include <assert.h>
#include <string.h>

#define FIELD_AT(record, name, type, size)                                                         \
    {#name, USER_TYPE_##type, offsetof(struct record, name), size},

#define REGISTRATION_AT(name, type, size, how) FIELD_AT(registration_record, name, type, size)
#define SUBSCRIPTION_AT(name, type, size, how) FIELD_AT(subscription_record, name, type, size)
#define PEER_AT(name, type, size, how)         FIELD_AT(peer_record, name, type, size)
#define AGENT_AT(name, type, size, how)        FIELD_AT(agent_record, name, type, size)
#define PRESENCE_AT(name, type, size, how)     FIELD_AT(presence_record, name, type, size)
#define FINDING_AT(name, type, size, how)      FIELD_AT(finding_record, name, type, size)
#define MESSAGE_AT(name, type, size, how)      FIELD_AT(message_record, name, type, size)

static const struct user_field REGISTRATION[] = {REGISTRATION_FIELDS(REGISTRATION_AT)};
static const struct user_field SUBSCRIPTION[] = {SUBSCRIPTION_FIELDS(SUBSCRIPTION_AT)};
static const struct user_field PEER[] = {PEER_FIELDS(PEER_AT)};
static const struct user_field AGENT[] = {AGENT_FIELDS(AGENT_AT)};
static const struct user_field PRESENCE[] = {PRESENCE_FIELDS(PRESENCE_AT)};
static const struct user_field FINDING[] = {FINDING_FIELDS(FINDING_AT)};
static const struct user_field MESSAGE[] = {MESSAGE_FIELDS(MESSAGE_AT)};

#define FIELDS(a) .fields = a, .count = sizeof a / sizeof *a

static const struct user_table TABLES[USER_KINDS] = {
    [USER_REGISTRATION] = {"registrations", "updated_us", false, 5000, 100000,
                           sizeof(struct registration_record), FIELDS(REGISTRATION)},
    [USER_SUBSCRIPTION] = {"subscriptions", "updated_us", false, 5000, 50000,
                           sizeof(struct subscription_record), FIELDS(SUBSCRIPTION)},
    [USER_PEER] = {"peers", "updated_us", false, 2000, 10000, sizeof(struct peer_record),
                   FIELDS(PEER)},
    [USER_AGENT] = {"agents", "updated_us", false, 5000, 5000, sizeof(struct agent_record),
                    FIELDS(AGENT)},
    [USER_PRESENCE] = {"presence", "updated_us", false, 5000, 100000,
                       sizeof(struct presence_record), FIELDS(PRESENCE)},
    [USER_FINDING] = {"findings", "updated_us", false, 10000, 10000, sizeof(struct finding_record),
                      FIELDS(FINDING)},
    [USER_MESSAGE] = {"user_messages", "sent_us", true, 10000, 2000000,
                      sizeof(struct message_record), FIELDS(MESSAGE)},
    [USER_PRESENCE_CHANGE] = {"presence_changes", "updated_us", true, 10000, 1000000,
                              sizeof(struct presence_record), FIELDS(PRESENCE)},
};

const struct user_table *user_table(enum user_kind kind)
{
    assert(kind < USER_KINDS);
    return &TABLES[kind];
}

const struct user_field *user_field(enum user_kind kind, const char *name)
{
    const struct user_table *t = user_table(kind);
    for (unsigned i = 0; i < t->count; i++)
        if (strcmp(t->fields[i].name, name) == 0)
            return &t->fields[i];
    return NULL;
}

void user_record_init(enum user_kind kind, void *record)
{
    const struct user_table *t = user_table(kind);
    memset(record, 0, t->size);
    for (unsigned i = 0; i < t->count; i++)
        if (t->fields[i].type == USER_TYPE_REAL)
            *(double *)((char *)record + t->fields[i].offset) = NAN;
}
