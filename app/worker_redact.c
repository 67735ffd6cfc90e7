/* Everything of SIP that goes to the disk comes from here: the spool's signalling chain, and from
 * it the stored messages, the pcap files and what a recovery reads. So this is the one place where
 * secrets are overwritten. The text belongs to the ring or the capture file: it is copied first. */
#include "app/worker_internal.h"

#include <stdlib.h>

#include "app/worker_mask.h"
#include "app/worker_pause.h"
#include "capture/sip/mask.h"
#include "capture/sip/redact.h"

#define TEXT_ROOM ((size_t)1 << 16) /* EVENT_SIP carries no more */

/* Keys in INFO: where they are masked, where they may pause the recording, and while it is paused. */
static bool hides_keys(const struct worker *w, const struct wcall *wc)
{
    return w->config.identity.mask_dtmf || worker_masks(w, wc) || w->config.pause.dtmf_from ||
           worker_pause_hides(wc, CALL_CALLER) || worker_pause_hides(wc, CALL_CALLEE);
}

struct slice worker_redacted(struct worker *w, const struct wcall *wc, struct slice text)
{
    const struct identity_config *keep = &w->config.identity;
    bool secrets = !keep->keep_credentials && sip_secret_at(text) < text.size;
    bool digits = hides_keys(w, wc) && sip_digits_in(text) > 0;
    if (!secrets && !digits)
        return text;
    if (w->redacted == NULL)
        w->redacted = malloc(TEXT_ROOM);
    if (w->redacted == NULL || text.size > TEXT_ROOM)
        return slice_none();
    memcpy(w->redacted, text.data, text.size);
    if (secrets)
        sip_redact(w->redacted, text.size);
    if (digits)
        sip_mask_digits(w->redacted, text.size);
    return slice_of(w->redacted, text.size);
}
