/* The first words between the service and a process that decodes for it: what that one is to give up, and what stands of it.
 * Then come jobs (job.h) or steps of listening (ear_steps.h). Frames either way are a length (4 bytes, little endian) and so
 * many bytes. */
#pragma once

#include "storage/pack.h"

#define DECODER_SOCKET      3 /* descriptors that the process finds open */
#define DECODER_PLACE       4 /* a page that both see (struct render_place) */
#define DECODER_PROGRAM     5 /* itself, when it was started from a descriptor */
#define DECODER_PLACE_BYTES 4096
#define DECODER_NO_MEMORY   12 /* its exit code when there is no memory left */

#define WALL_SECCOMP  1u
#define WALL_LANDLOCK 2u

struct walls {
    const char *read_dir;  /* files below it may be read; "": none ... */
    const char *write_dir; /* ... and below this one written, made, renamed and removed; "": nowhere */
    int64_t memory_bytes;  /* that may be mapped beyond what is now; 0: no limit */
    bool none;             /* nothing is given up: for who looks for faults */
};

/* Both sides have to be of one build: what they say to each other is as it lies in memory, in part. */
#define BUILD_TEXT_SIZE 128
const char *hello_build(char out[BUILD_TEXT_SIZE]);

struct hello {
    int err;
    unsigned walls;    /* WALL_ bits that stand */
    struct slice text; /* of an error: what goes behind "the process that decodes" */
};

/* There: the build, and what is to be given up. `ret_same`: reading, it is our build; what follows is not looked at else. */
void hello_walls_pack(struct pack *p, struct walls *w, bool *ret_same);
/* Back. */
void hello_pack(struct pack *p, struct hello *h);
