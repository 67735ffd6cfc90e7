/* Keys that somebody pressed, in the text of a message: in bodies of INFO (application/dtmf-relay,
 * application/dtmf, audio/telephone-event and such) and of NOTIFY (application/kpml-response+xml), also as a part of a multipart body. They are
 * overwritten with as many bytes: the first with '*', the others with blanks, so that what is left
 * still reads as one masked key. Duration lines stay. Knows nothing of the message otherwise. */
#pragma once

#include "base/slice.h"

/* How many bytes would be overwritten; 0: there is no key in it. */
size_t sip_digits_in(struct slice text);
/* Overwrites them; returns how many bytes. Doing it twice changes nothing more. */
size_t sip_mask_digits(uint8_t *text, size_t size);
