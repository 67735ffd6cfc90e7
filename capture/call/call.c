/* Texts of the contract's enumerations, and the end of a call. */
#include "capture/call/call.h"

void call_free(struct call *c)
{
    if (c)
        arena_free(c->arena); /* the struct itself lives there */
}

/* The text at `index`, or NULL past the end of the table. */
#define TEXT_AT(table, index)                                                                      \
    ((size_t)(index) < sizeof(table) / sizeof *(table) ? (table)[index] : NULL)

const char *call_state_text(enum call_state v)
{
    static const char *const text[] = {"trying", "ringing", "answered", "ended"};
    return TEXT_AT(text, v);
}

const char *call_outcome_text(enum call_outcome v)
{
    static const char *const text[] = {"answered", "busy",       "no_answer", "cancelled",
                                       "rejected", "redirected", "failed",    "lost"};
    return TEXT_AT(text, v);
}

const char *call_end_reason_text(enum call_end_reason v)
{
    static const char *const text[] = {NULL,         "bye",         "cancel",        "rejected",
                                       "redirected", "sip_timeout", "media_timeout", "max_duration",
                                       "cut",        "restart"};
    return TEXT_AT(text, v);
}

const char *call_party_text(enum call_party v)
{
    static const char *const text[] = {"caller", "callee", "network", "unknown"};
    return TEXT_AT(text, v);
}

const char *call_direction_text(enum call_direction v)
{
    static const char *const text[] = {"unknown", "in", "out", "internal"};
    return TEXT_AT(text, v);
}

const char *call_attempt_reason_text(enum call_attempt_reason v)
{
    static const char *const text[] = {NULL,        "answered",   "rejected",   "timeout",
                                       "cancelled", "challenged", "redirected", "adjusted"};
    return TEXT_AT(text, v);
}

const char *call_leg_end_text(enum call_leg_end v)
{
    static const char *const text[] = {NULL,         "bye",     "cancelled", "rejected",
                                       "redirected", "timeout", "cut"};
    return TEXT_AT(text, v);
}

const char *call_link_kind_text(enum call_link_kind v)
{
    static const char *const text[] = {"transfer_blind", "transfer_attended", "replaces", "join",
                                       "conference"};
    return TEXT_AT(text, v);
}

const char *call_transfer_outcome_text(enum call_transfer_outcome v)
{
    static const char *const text[] = {NULL, "success", "failed"};
    return TEXT_AT(text, v);
}

const char *call_kind_text(enum call_kind v)
{
    switch (v) {
    case CALL_SIP:
        return "call";
    case CALL_ORPHAN:
        return "orphan";
    case CALL_ENCRYPTED:
        return "encrypted";
    case CALL_MGCP:
        return "mgcp";
    case CALL_H323:
        return "h323";
    case CALL_PAGE:
        return "page";
    }
    return NULL;
}
