/* message/cpim (RFC 3862): the envelope of instant messages and their notifications. */
#pragma once

#include "base/slice.h"

struct cpim {
    struct slice from; /* URI */
    struct slice from_name;
    struct slice to; /* the first */
    struct slice to_name;
    struct slice date_time; /* as written, RFC 3339 */
    struct slice subject;
    struct slice message_id;    /* imdn.Message-ID (RFC 5438) */
    struct slice notifications; /* imdn.Disposition-Notification: "positive-delivery, display" */
    struct slice content_type;  /* of the content, without parameters */
    struct slice content;
};

/* False without an envelope with a From or To, or without a content behind it. */
bool cpim_read(struct slice body, struct cpim *ret);
