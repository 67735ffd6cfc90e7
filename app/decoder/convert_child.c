/* The steps, taken. */
#include "app/decoder/convert_child.h"

#include "app/confine/convert_steps.h"
#include "app/confine/job.h"
#include "app/decoder/sound_peaks.h"

static int open_conversion(struct conversion **conversion, struct pack *in)
{
    struct conversion_want want = {0};
    struct why why = {0};
    conversion_free(*conversion);
    *conversion = NULL;
    convert_want_pack(in, &want);
    return in->failed ? ERR_INVALID : conversion_open(&want, conversion, &why);
}

static int next(struct conversion *c, struct buf *out, bool *ret_more)
{
    int got = c ? conversion_step(c, out) : ERR_INVALID;
    *ret_more = got == 1;
    if (got == 0 && conversion_peaks(c)->values)
        sound_peaks_print(conversion_peaks(c), out);
    return got < 0 ? got : out->failed ? ERR_FULL : 0;
}

void convert_take_step(struct conversion **conversion, struct slice frame, struct buf *answer)
{
    struct arena *arena = arena_new(4096, 65536);
    struct pack p = pack_reader(slice_from(frame, 2), arena);
    struct buf bytes;
    bool more = true;
    int err = ERR_NOMEM;
    buf_init(&bytes, CONVERT_ANSWER_MAX - 64);
    if (arena)
        err = frame.data[1] == CONVERT_OPEN ? open_conversion(conversion, &p)
                                            : next(*conversion, &bytes, &more);
    struct pack out = pack_writer(answer);
    struct slice view = err ? slice_none() : buf_view(&bytes);
    pack_int(&out, &err);
    pack_bool(&out, &more);
    pack_text(&out, &view);
    job_end_pack(&out);
    buf_fini(&bytes);
    arena_free(arena);
}
