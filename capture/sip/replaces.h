/* Headers that name a dialog which exists, or a place where to go: Replaces (RFC 3891), Join (RFC
 * 3911), Refer-To (RFC 3515) with a Replaces inside its URI (RFC 5589). */
#pragma once

#include "capture/sip/sip.h"

/* Slices of the value. A tag "0" stands for none (RFC 3891 6.1) and is empty here. */
struct sip_dialog_name {
    struct slice call_id;
    struct slice to_tag;   /* local to whom the request goes to */
    struct slice from_tag;
    bool early_only;
};
/* Value of Replaces or Join; false without a Call-ID or without both tags. */
bool sip_dialog_name_parse(struct slice value, struct sip_dialog_name *ret_name);

#define SIP_REPLACES_SIZE 512

struct sip_refer_to {
    struct slice target; /* URI without its headers; slice of the value */
    char replaces[SIP_REPLACES_SIZE]; /* its Replaces header, unescaped; "": blind */
};
bool sip_refer_to_parse(struct slice value, struct sip_refer_to *ret_refer);
