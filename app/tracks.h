/* A conference: the calls that met at one focus -> a mono file of each participant's voice and one
 * with their sum, all in step. Made when the last of them has left, and kept with that call. What
 * the tap sees of a participant is what he sends to the focus. The same of a recording session
 * (SIPREC) of three and more streams, by the names in its metadata. */
#pragma once

#include "app/confine/confine.h"
#include "storage/store.h"

/* This call is over, with it the conference or recording session of three and more people that it
 * was part of, and media is kept. */
bool tracks_wanted(const struct call_record *r);

/* This call is over, the conference that it was part of is not: its keys are needed until then. */
bool tracks_may_come(const struct call_record *r);
/* Everybody has left the conference of this call. */
bool tracks_all_left(const struct call_record *r);

#define TRACKS_UNREADY 1
/* Renders below config->data_dir and fills r->tracks; none when nobody was heard. TRACKS_UNREADY:
 * records of other participants are not stored yet, or recordings of the calls themselves are being made (keys of SRTP go with the
 * later of both), and `wait` asks for them. Else 0 or an ERR_. */
int tracks_render(struct confined *decoder, struct call_record *r, struct store_reader *reader,
                  const struct sound_config *config, bool wait, struct why *why);
