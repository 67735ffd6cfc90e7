/* A file that is complete or not there: it grows as "<path>.part" and takes its name when it is whole and on the disk. */
#pragma once

#include "base/error.h"

struct part_file {
    int fd;       /* -1: not open */
    int folder;   /* that it lies in */
    char *path;   /* as it was asked for, for people */
    char *name;   /* in the folder */
    char *part;
};

/* `dir`: the path stays below this folder and follows no link (base/beneath.h); NULL: it is taken as it is. */
/* ERR_FULL also where its folder is missing: who tries again makes that first. */
int part_file_open(struct part_file *f, const char *dir, const char *path, const char *suffix, struct why *why);
/* All of them 0 or what the disk said. */
int part_file_write(struct part_file *f, const void *data, size_t size);
int part_file_write_at(struct part_file *f, const void *data, size_t size, int64_t at);
/* The digest of what is on the disk, its size, sync, rename. Closes in any case; what failed is deleted. */
int part_file_finish(struct part_file *f, int64_t *ret_size_bytes, uint8_t ret_sha256[32], struct why *why);
/* Gives up: the part is deleted. Harmless on a closed or zeroed-with-fd -1 struct. */
void part_file_abandon(struct part_file *f);
/* A file that was finished. */
void part_file_remove(const char *dir, const char *path);
