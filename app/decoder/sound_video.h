/* What was shown in a call -> Matroska files beside its audio, one of each flow of video (decode/video_render.h). */
#pragma once

#include "app/sound.h"

/* Names them after `path` ("a.wav": "a-v1.mkv", ...) in the folder `dir` and fills r->recording.films; the rest of the recording is not
 * touched. 0 also when nothing was shown; an ERR_ when the disk refused. */
int sound_video(struct call_record *r, const struct sound_config *config, const char *dir, const char *path, struct why *why);
