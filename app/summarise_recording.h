/* Chains and recording of a call in its record. */
#pragma once

#include "app/worker.h"
#include "storage/record.h"

/* After the streams: each learns which chain holds it. False without memory. */
bool summarise_chains(struct call_record *r, const struct wcall *wc);
/* Its media is kept, or was: keys of it go with the record, and so into the store until the recording is made. */
bool summarise_keeps_secrets(const struct wcall *wc);
/* The keys of its media, for the rendering; of what is not recorded that they are to be forgotten. */
void summarise_secrets(struct call_record *r, const struct wcall *wc);
/* Each answered call ends with a recording or with the reason why there is none. After the diagnosis. */
void summarise_recording(struct call_record *r, const struct wcall *wc, const struct call *call, const struct worker_config *config);
