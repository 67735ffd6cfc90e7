/* A call's T.38 -> a TIFF file of its pages. Both directions are followed together, for one answers the other (fax_dialogue.h). */
#pragma once

#include "base/error.h"
#include "decode/fax_dialogue.h"

#define FAX_PAGES_MAX 256 /* of a call; what comes then is counted */

struct fax_packet {
    int64_t time_ns;
    unsigned side;
    struct slice datagram; /* UDPTL */
};

/* A page, as it was understood. */
struct fax_made {
    uint32_t number;     /* from 1 */
    uint32_t picture;    /* of the file, from 1; 0: none could be made */
    unsigned side;
    const char *coding;  /* "MH", "MR", "MMR", "JPEG", "JBIG", "unknown" */
    const char *answer;  /* what the receiver said: "confirmed", "retrain", "refused"; NULL: nothing that was seen */
    bool ecm, whole;
    uint16_t width, x_dpi, y_dpi;
    uint32_t rows, bad_rows;
    uint32_t missing;    /* frames of ECM, else packets */
    int64_t from_ns, to_ns;
};

struct fax_result {
    uint32_t pages, pictures;
    uint32_t over_limit; /* pages that are not told */
    uint64_t repaired, lost; /* packets: found again in later ones, not found */
    int64_t size_bytes;  /* 0: no file */
    uint8_t sha256[32];
};

struct fax_request {
    const char *dir, *path; /* as of part_file_open() */
    void *context;
    /* In order of time; 1, 0 at the end, < 0 damaged piece skipped. */
    int (*next)(void *context, struct fax_packet *ret_packet);
    enum ifp_packing packing;
    void (*made)(void *context, const struct fax_made *page);
};

/* 0 also when there is no page, and then no file; else ERR_NOMEM or what the disk said. */
int fax_render(const struct fax_request *request, struct fax_result *ret_result, struct why *why);
