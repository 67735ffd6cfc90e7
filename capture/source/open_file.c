/* Opening a capture file: which reader takes it, and a clear word when it is something else.
 * Compression is seen by the input; what it gives is looked at here. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/source/input.h"

struct signature {
    const char *bytes;
    size_t size;
    const char *what;
};

/* Files that people hand to us in place of a capture. */
static const struct signature strangers[] = {
    {"\xfd\x37zXZ", 5, "is compressed with xz: unpack it first (xzcat FILE | earshot read -)"},
    {"BZh", 3, "is compressed with bzip2: unpack it first (bzcat FILE | earshot read -)"},
    {"\x04\x22\x4d\x18", 4,
     "is compressed with lz4: unpack it first (lz4cat FILE | earshot read -)"},
    {"PK\x03\x04", 4, "is a zip archive: unpack it first"},
    {"GMBU", 4, "is a Network Monitor capture: convert it first (editcap -F pcap)"},
    {"snoop", 5, "is a snoop capture: convert it first (editcap -F pcap)"},
    {"RIFF", 4, "is a RIFF (audio) file, not a capture"},
};

static bool is_text(struct slice head)
{
    for (size_t i = 0; i < head.size; i++) {
        uint8_t c = head.data[i];
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f)
            return false;
    }
    return head.size > 0 && head.data[0] < 0x80;
}

/* NULL when it may be a capture, as far as the head tells. */
static const char *stranger(struct slice head)
{
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        const struct signature *s = &strangers[i];
        if (head.size >= s->size && memcmp(head.data, s->bytes, s->size) == 0)
            return s->what;
    }
    return is_text(head) ? "is a text file, not a capture (pcap or pcapng)" : NULL;
}

/* A file descriptor, or ERR_. */
static int open_path(const char *path, struct why *why)
{
    int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                    : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0)
        return fd;
    int errnum = errno;
    if (errnum == ENOENT || errnum == ENOTDIR) {
        why_set(why, "%s does not exist", path);
        return ERR_NOT_FOUND;
    }
    if (errnum == EACCES || errnum == EPERM) {
        why_set(why, "%s: no permission to read it as user id %d", path, (int)geteuid());
        return ERR_DENIED;
    }
    why_set(why, "%s cannot be opened: %s", path, strerror(errnum));
    int err = err_of_errno(errnum);
    return err < 0 ? err : ERR_IO;
}

/* Nothing to read a header from. */
static int no_head(struct input *in, const char *name, struct why *why)
{
    if (in->reason[0]) {
        why_set(why, "%s %s", name, in->reason);
        return in->failed ? ERR_IO : ERR_INVALID;
    }
    why_set(why, "%s is empty: it has not even the header of a capture file", name);
    return ERR_INVALID;
}

static int check_head(struct input *in, struct slice head, const char *name, struct why *why)
{
    if (head.size == 0)
        return no_head(in, name, why);
    if (unpack_kind_of(head) != UNPACK_NONE) {
        why_set(why, "%s is compressed twice: unpack it first", name);
        return ERR_INVALID;
    }
    if (stranger(head)) {
        why_set(why, "%s %s", name, stranger(head));
        return ERR_INVALID;
    }
    return 0;
}

int file_open_fd(int fd, const char *name, const struct file_options *options,
                 struct source **ret_source, struct why *why)
{
    struct input in;
    int err = input_open(&in, fd, name, options->unpack_max, why);
    if (err)
        return err;
    (void)input_want(&in, PCAP_FILE_HEAD_SIZE); /* fewer bytes are told from what there is */
    size_t here = in.end - in.at;
    struct slice head =
        slice_of(input_at(&in), here < PCAP_FILE_HEAD_SIZE ? here : PCAP_FILE_HEAD_SIZE);
    err = check_head(&in, head, name, why);
    if (err) {
        input_close(&in);
        return err;
    }
    if (pcap_file_fits(head))
        return pcap_file_open(&in, name, options, ret_source, why);
    if (pcapng_file_fits(head))
        return pcapng_file_open(&in, name, options, ret_source, why);
    return savefile_open(&in, name, options, ret_source, why);
}

int file_open(const char *path, const struct file_options *options, struct source **ret_source,
              struct why *why)
{
    int fd = open_path(path, why);
    if (fd < 0)
        return fd;
    const char *shown = strcmp(path, "-") == 0 ? "standard input" : path;
    struct stat st = {0};
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        why_set(why, "%s is a directory, not a capture file", shown);
        close(fd);
        return ERR_INVALID;
    }
    return file_open_fd(fd, shown, options, ret_source, why);
}

int source_open_file(const char *path, const char *filter, struct source **ret_source,
                     struct why *why)
{
    struct file_options options = {.filter = filter, .unpack_max = SOURCE_UNPACK_MAX};
    return file_open(path, &options, ret_source, why);
}
