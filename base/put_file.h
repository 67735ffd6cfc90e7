/* A small file put in the place of the one of its name: whoever reads it, also behind a crash, finds the one before or this one. */
#pragma once

#include "base/error.h"
#include "base/slice.h"

#define PUT_FILE_MAX (16u << 20)

/* <dir>/<name>, readable by its owner alone; on the disk when it returns 0. */
int put_file(const char *dir, const char *name, struct slice text);
/* It is not there any more, behind a power cut either; 0 also when it was not. */
int drop_file(const char *dir, const char *name);
/* NULL: there is none, it is larger than PUT_FILE_MAX, or cannot be read (*ret_err says which; 0: there is none). The caller frees it. */
char *get_file(const char *dir, const char *name, size_t *ret_size, int *ret_err);
