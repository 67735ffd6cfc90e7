/* Names of recordings by a template of the operator: "{yyyy}/{mm}/{caller}-{callee}". Only listed variables; what stands for one
 * comes from the wire, so of it only [A-Za-z0-9._+-] stays, at most 64 bytes. The name is below audio/, and nobody else's. */
#pragma once

#include "base/slice.h"
#include "storage/media_dir.h"

#define MEDIA_MARK_BYTES 36 /* of a file that only takes a name: the uid */

struct media_name {
    int64_t started_us; /* {yyyy} {mm} {dd} {HH} {MM} {SS}, UTC */
    const char *uid;    /* {uuid} */
    struct slice caller, callee, dir, trunk, rule;
    bool with_uid;        /* behind the name, whatever the template says */
    struct slice call_id; /* {cid_hash}: 16 digits of its SHA-256 */
};

/* "" is one: names are those of media_path(). */
bool media_template_valid(const char *template, struct why *why);
/* The name alone, without looking at the disk. `own`: with the uid behind it. ERR_INVALID: too long. */
int media_name_expand(const char *template, const struct media_name *n, const char *container, bool own, char ret_path[MEDIA_PATH_MAX]);
/* A name that is free, with its folders made; the uid is added where somebody else has it. It is taken by a file with the
 * ending .json which holds the uid alone, made with O_EXCL, until a real one takes its place or media_name_release() gives it back.
 * Who took a name and was cut by a crash gets the same again. */
int media_name_take(const char *data_dir, const char *template, const struct media_name *n, const char *container,
                    char ret_path[MEDIA_PATH_MAX], struct why *why);
/* What was taken, and holds no more than the uid, is gone. */
void media_name_release(const char *data_dir, const char *path);
