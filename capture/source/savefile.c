/* Capture files by libpcap: pcapng, old and odd variants of the classic format, pipes, and
 * everything with a filter. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/source/handle.h"

#define STDIO_BYTES (1u << 20)

struct savefile {
    struct handle handle;
    FILE *stream; /* closed by pcap_close() once there is a handle */
    char *buffer; /* of the stream */
    uint64_t size_bytes;
    bool broken; /* cut or damaged: libpcap would not say it twice */
};

/* libpcap gives no code but a text: the differences that matter to people. */
static void explain_end(struct savefile *f, struct why *why)
{
    const char *name = f->handle.source.name;
    const char *reason = pcap_geterr(f->handle.pcap);
    unsigned long long frames = f->handle.source.stats.frames;
    if (strstr(reason, "different from the type"))
        why_set(why,
                "%s holds interfaces of different link types, which cannot be read from one file: "
                "split it by interface first; read ended after frame %llu",
                name, frames);
    else if (strstr(reason, "different from the snapshot"))
        why_set(why,
                "%s holds interfaces of different snapshot lengths, which cannot be read from one "
                "file: convert it to pcap first (editcap -F pcap); read ended after frame %llu",
                name, frames);
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
        if (result == 0)
            return SOURCE_END;
        f->broken = result == PCAP_ERROR;
    }
    if (f->broken) {
        explain_end(f, why);
        return ferror(f->stream) ? SOURCE_FAILED : SOURCE_TRUNCATED;
    }
    atomic_store_explicit(&s->woken, false, memory_order_relaxed);
    return SOURCE_MORE;
}

static double savefile_progress(const struct source *s)
{
    const struct savefile *f = (const struct savefile *)s;
    off_t at = f->size_bytes ? ftello(f->stream) : 0;
    if (at <= 0)
        return 0;
    double share = (double)at / (double)f->size_bytes;
    return share > 1 ? 1 : share;
}

static void savefile_close(struct source *s)
{
    struct savefile *f = (struct savefile *)s;
    if (f->handle.pcap)
        pcap_close(f->handle.pcap);
    else if (f->stream)
        fclose(f->stream);
    free(f->buffer);
    free(f);
}

static const struct source_kind savefile_kind = {
    .read = savefile_read,
    .progress = savefile_progress,
    .close = savefile_close,
};

/* Why libpcap did not open it. */
static int explain_open(struct savefile *f, const char *reason, struct why *why)
{
    const char *name = f->handle.source.name;
    if (strstr(reason, "unknown file format")) {
        why_set(why, "%s is not a capture file (pcap or pcapng)", name);
        return ERR_INVALID;
    }
    if (strstr(reason, "truncated")) {
        why_set(why, "%s ends inside the header of the capture file (%s)", name, reason);
        return ERR_TRUNCATED;
    }
    why_set(why, "%s cannot be read as a capture: %s", name, reason);
    return ferror(f->stream) ? ERR_IO : ERR_INVALID;
}

/* False when the stream has not one byte. */
static bool has_bytes(FILE *stream)
{
    int c = getc(stream);
    return c != EOF && ungetc(c, stream) == c;
}

/* From a file descriptor to the stream that libpcap reads; takes over `fd`. */
static int open_stream(struct savefile *f, int fd)
{
    f->stream = fdopen(fd, "rb");
    if (f->stream == NULL) {
        close(fd);
        return ERR_NOMEM;
    }
    f->buffer = malloc(STDIO_BYTES);
    if (f->buffer == NULL)
        return ERR_NOMEM;
    setvbuf(f->stream, f->buffer, _IOFBF, STDIO_BYTES);
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        f->size_bytes = (uint64_t)st.st_size;
    return 0;
}

static int open_handle(struct savefile *f, const char *filter, struct why *why)
{
    if (!has_bytes(f->stream)) {
        why_set(why, "%s is empty: it has not even the header of a capture file",
                f->handle.source.name);
        return ERR_INVALID;
    }
    char reason[PCAP_ERRBUF_SIZE] = "";
    f->handle.pcap =
        pcap_fopen_offline_with_tstamp_precision(f->stream, PCAP_TSTAMP_PRECISION_NANO, reason);
    if (f->handle.pcap == NULL)
        return explain_open(f, reason, why);
    handle_learn(&f->handle);
    return handle_filter(&f->handle, filter, why);
}

int savefile_open(int fd, const char *path, const char *filter, struct source **ret_source,
                  struct why *why)
{
    struct savefile *f = calloc(1, sizeof *f);
    if (f == NULL || source_init(&f->handle.source, &savefile_kind, path) != 0) {
        why_set(why, "%s: no memory to read it", path);
        close(fd);
        free(f);
        return ERR_NOMEM;
    }
    int err = open_stream(f, fd);
    if (err)
        why_set(why, "%s: no memory to read it", path);
    else
        err = open_handle(f, filter, why);
    if (err) {
        source_close(&f->handle.source);
        return err;
    }
    *ret_source = &f->handle.source;
    return 0;
}
