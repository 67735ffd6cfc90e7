/* Where rendered audio lives below the data directory: audio/2026/11/21/10/<uid>.wav, a directory an hour of the call's beginning, so that
 * none grows large. Directories 0700, files 0600. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define MEDIA_PATH_MAX 400

/* The path below the data directory, as the record keeps it. ERR_INVALID when uid or format are not plain words (letters, digits, '-'). */
int media_path(int64_t started_us, const char *uid, const char *format, char ret_path[MEDIA_PATH_MAX]);
/* The files of a record's recording and tracks below the data directory, and what may lie beside each (MEDIA_COMPANIONS): every path that
 * could be there, whether it is or not. */
struct call_record;
typedef void media_file_fn(void *context, const char *path);
void media_files(const struct call_record *r, media_file_fn *fn, void *context);
/* Whether a path of a record stays in the data directory's audio/. */
bool media_path_is_ours(const char *path);
/* Makes the directories that `path` (of media_path) needs. */
int media_make_dirs(const char *data_dir, const char *path, struct why *why);
/* There is a file of that path, finished or not, before anybody wrote it now: who did, did not live to say so. */
bool media_left_behind(const char *data_dir, const char *path);
