/* Capture files by libpcap: old and odd variants of the classic format, which our own reader leaves
 * alone. The library reads from a stream over our input, so that they may be compressed too. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/source/handle.h"
#include "capture/source/input.h"

struct savefile {
    struct handle handle;
    struct input in;
    FILE *stream; /* closed by pcap_close() once there is a handle */
    bool broken;  /* cut or damaged: libpcap would not say it twice */
};

/* libpcap gives no code but a text: the differences that matter to people. */
static void explain_end(struct savefile *f, struct why *why)
{
    const char *name = f->handle.source.name;
    const char *reason = pcap_geterr(f->handle.pcap);
    unsigned long long frames = f->handle.source.stats.frames;
    if (f->in.reason[0])
        why_set(why, "%s %s; the frames before are good", name, f->in.reason);
    else if (strstr(reason, "truncated"))
        why_set(why, "%s is cut in the middle of frame %llu; the frames before it are good (%s)",
                name, frames + 1, reason);
    else
        why_set(why, "%s is damaged after frame %llu; the frames before that are good (%s)", name,
                frames, reason);
}

static enum source_state savefile_read(struct source *s, struct delivery *d, int timeout_ms,
                                       struct why *why)
{
    struct savefile *f = (struct savefile *)s;
    (void)timeout_ms;
    if (!source_woken(s)) {
        int result = f->broken ? PCAP_ERROR : handle_dispatch(&f->handle, d);
        f->broken = result == PCAP_ERROR || (result == 0 && f->in.reason[0]);
        if (result == 0 && !f->broken)
            return SOURCE_END;
    }
    if (f->broken) {
        explain_end(f, why);
        return f->in.failed ? SOURCE_FAILED : SOURCE_TRUNCATED;
    }
    if (source_woken(s))
        source_wake_clear(s);
    return SOURCE_MORE;
}

static double savefile_progress(const struct source *s)
{
    return input_progress(&((const struct savefile *)s)->in);
}

static int savefile_filter(struct source *s, const char *text, struct why *why)
{
    return handle_filter(&((struct savefile *)s)->handle, text, why);
}

static void savefile_close(struct source *s)
{
    struct savefile *f = (struct savefile *)s;
    if (f->handle.pcap)
        pcap_close(f->handle.pcap);
    else if (f->stream)
        fclose(f->stream);
    input_close(&f->in);
    free(f);
}

static const struct source_kind savefile_kind = {
    .read = savefile_read,
    .progress = savefile_progress,
    .filter = savefile_filter,
    .close = savefile_close,
    .lasting = true,
};

/* Why libpcap did not open it. */
static int explain_open(struct savefile *f, const char *reason, struct why *why)
{
    const char *name = f->handle.source.name;
    if (f->in.reason[0]) {
        why_set(why, "%s %s", name, f->in.reason);
        return f->in.failed ? ERR_IO : ERR_TRUNCATED;
    }
    if (strstr(reason, "unknown file format")) {
        why_set(why, "%s is not a capture file (pcap or pcapng)", name);
        return ERR_INVALID;
    }
    if (strstr(reason, "truncated")) {
        why_set(why, "%s ends inside the header of the capture file (%s)", name, reason);
        return ERR_TRUNCATED;
    }
    why_set(why, "%s cannot be read as a capture: %s", name, reason);
    return ERR_INVALID;
}

/* What stdio asks of our input. */
static ssize_t give_bytes(void *cookie, char *to, size_t room)
{
    struct savefile *f = cookie;
    enum input_state state = input_want(&f->in, 1);
    if (state == INPUT_WOKEN || f->in.failed) {
        errno = state == INPUT_WOKEN ? EINTR : EIO;
        return -1;
    }
    size_t here = f->in.end - f->in.at;
    size_t n = here < room ? here : room;
    memcpy(to, input_at(&f->in), n);
    input_pass(&f->in, n);
    return (ssize_t)n;
}

static int open_handle(struct savefile *f, const char *filter, struct why *why)
{
    char reason[PCAP_ERRBUF_SIZE] = "";
    f->stream = fopencookie(f, "rb", (cookie_io_functions_t){.read = give_bytes});
    if (f->stream == NULL) {
        why_set(why, "%s: no memory to read it", f->handle.source.name);
        return ERR_NOMEM;
    }
    f->handle.pcap =
        pcap_fopen_offline_with_tstamp_precision(f->stream, PCAP_TSTAMP_PRECISION_NANO, reason);
    if (f->handle.pcap == NULL)
        return explain_open(f, reason, why);
    handle_learn(&f->handle);
    return filter && *filter ? handle_filter(&f->handle, filter, why) : 0;
}

int savefile_open(struct input *in, const char *path, const struct file_options *options,
                  struct source **ret_source, struct why *why)
{
    struct savefile *f = calloc(1, sizeof *f);
    if (f == NULL || source_init(&f->handle.source, &savefile_kind, path) != 0) {
        why_set(why, "%s: no memory to read it", path);
        input_close(in);
        free(f);
        return ERR_NOMEM;
    }
    f->in = *in;
    f->in.source = &f->handle.source;
    int err = open_handle(f, options->filter, why);
    if (err) {
        source_close(&f->handle.source);
        return err;
    }
    *ret_source = &f->handle.source;
    return 0;
}
