/* The files of a recording: its one file or the parts of a long one, the tracks of many parties and
 * their sum. Texts live in the record's arena. */
#pragma once

#include "base/slice.h"

struct call_record;

#define RECORD_FILE_ID_SIZE 56
#define RECORD_FILE_UID     40

struct record_file {
    const char *kind; /* call: the one; part, track, mix */
    const char
        *result; /* recorded; of a track without a file: no_rtp, encrypted, undecodable, failed */
    uint32_t number;   /* from 1; the sum: 0 */
    const char *codec; /* "pcm_s16le", "pcm_mulaw", "flac", ...; NULL: as older versions, PCM */
    const char *side;  /* of a part: caller, callee, when it holds one side alone; NULL */
    struct slice path; /* below the data directory; empty: no file */
    struct slice user; /* of a track: whose voice */
    struct slice uri;
    char uid[RECORD_FILE_UID]; /* and in which call; of the others "" */
    int sample_rate_hz;
    int channels;
    int64_t started_us;   /* media time of its first sample */
    int64_t first_sample; /* of a part: so many stand in the parts before it */
    int64_t samples;
    int64_t size_bytes;
    uint8_t sha256[32];
};

struct record_files {
    uint32_t count;
    struct record_file *items;
};

/* "<id of the recording>", with "-caller" or "-callee" for one side, with "-p2" from the second part on; "<uid>-t1", "<uid>-mix". */
void record_file_id(const struct call_record *r, const struct record_file *file,
                    char out[RECORD_FILE_ID_SIZE]);
/* The file with this id, among the parts and tracks of the call; NULL: none. */
const struct record_file *record_file_find(const struct call_record *r, const char *id);
/* "<uid>-v1": a film of the call (record.h), which is found by it. */
struct record_film;
void record_film_id(const struct call_record *r, const struct record_film *film, char out[RECORD_FILE_ID_SIZE]);
const struct record_film *record_film_find(const struct call_record *r, const char *id);
/* Has this call a track here? */
bool record_files_have(const struct record_files *files, const char *uid);
