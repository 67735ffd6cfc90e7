/* Texts of what is no call, as records and the API have them. */
#include "capture/call/user_event.h"

#include <stddef.h>

#define TEXT_OF(index, ...)                                                                        \
    do {                                                                                           \
        static const char *const texts[] = {__VA_ARGS__};                                          \
        return (index) < sizeof texts / sizeof texts[0] ? texts[index] : "unknown";                \
    } while (0)

const char *registration_state_text(unsigned state)
{
    TEXT_OF(state, "trying", "registered", "expired", "failed", "removed");
}

const char *subscription_state_text(unsigned state)
{
    TEXT_OF(state, "asked", "pending", "active", "terminated");
}

const char *message_kind_text(unsigned kind)
{
    TEXT_OF(kind, "message", "sms", "imdn", "composing", "file", "session");
}

const char *message_imdn_text(unsigned imdn)
{
    TEXT_OF(imdn, NULL, "delivered", "displayed", "processed", "failed");
}

const char *peer_state_text(unsigned state)
{
    TEXT_OF(state, "unknown", "up", "down");
}

const char *presence_status_text(unsigned status)
{
    TEXT_OF(status, "unknown", "active", "idle", "busy", "away", "offline");
}

const char *presence_source_text(unsigned source)
{
    TEXT_OF(source, "publish", "notify", "dialog");
}
