/* The T.38 of a call -> a TIFF file of its pages beside its sound (decode/fax_render.h). */
#pragma once

#include "app/sound.h"

/* Names it after `path` ("a.wav": "a-f1.tiff") in the folder `dir` and fills r->recording.fax. A call of nothing but a fax has that file as
 * its recording. 0 also when there is no page; an ERR_ when the disk refused. */
int sound_fax(struct call_record *r, const struct sound_config *config, const char *dir, const char *path, struct why *why);
