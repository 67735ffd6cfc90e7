/* Message waiting (RFC 3842): application/simple-message-summary. */
#pragma once

#include "base/slice.h"

/* The classes of RFC 3458 that the summary counts. */
enum mwi_class { MWI_VOICE, MWI_FAX, MWI_PAGER, MWI_MULTIMEDIA, MWI_TEXT, MWI_NONE, MWI_CLASSES };

struct mwi_count {
    bool given;
    uint32_t fresh; /* new */
    uint32_t old;
    uint32_t urgent_fresh;
    uint32_t urgent_old;
};

struct mwi {
    bool waiting;
    struct slice account; /* URI; may be empty */
    struct mwi_count counts[MWI_CLASSES];
};

/* False without "Messages-Waiting: yes|no". Counts that are no numbers are passed over. */
bool mwi_read(struct slice body, struct mwi *ret);
