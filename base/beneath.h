/* Files below a folder, and nowhere else: a path that came from a call, a template or a database is followed without leaving the
 * folder and without following a link. openat2(2) does that in one step; where a kernel or a sandbox does not have it, the path is
 * walked folder by folder to the same effect. Paths are relative, of plain names: "..", "." and empty names are refused. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* The folder as a descriptor, or an ERR_ code. It may be a link itself: the operator named it. */
int beneath_root(const char *dir);
/* As open(2) with O_CLOEXEC and O_NOFOLLOW; a descriptor, or an ERR_ code: ERR_EXISTS with O_EXCL, ERR_NOT_FOUND, ERR_DENIED when the
 * path leads through a link. */
int beneath_open(int root, const char *path, int flags, mode_t mode);
/* The folder that holds the last name of `path`; with `make` folders that are missing are made (0700). */
int beneath_folder(int root, const char *path, bool make);
/* The last name of a path. */
const char *beneath_name(const char *path);
/* Only names that may stand in a path here, at least one. */
bool beneath_path_is_plain(const char *path);
