/* Opening a capture file: which reader takes it, and a clear word when it is something else.
 *
 * A regular file in the classic format, unfiltered, goes to our own reader (pcap_file.c); pcapng,
 * pipes and everything with a filter go to libpcap (savefile.c). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/source/reader.h"

struct signature {
    const char *bytes;
    size_t size;
    const char *what;
};

/* Files that people hand to us in place of a capture. */
static const struct signature strangers[] = {
    {"\x1f\x8b", 2, "is compressed with gzip: unpack it first (zcat FILE | ... -)"},
    {"\x28\xb5\x2f\xfd", 4, "is compressed with zstd: unpack it first (zstdcat FILE | ... -)"},
    {"\xfd\x37zXZ", 5, "is compressed with xz: unpack it first (xzcat FILE | ... -)"},
    {"BZh", 3, "is compressed with bzip2: unpack it first (bzcat FILE | ... -)"},
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

/* A regular file: look at its head first. */
static int open_regular(int fd, const char *path, const char *filter, uint64_t size_bytes,
                        struct source **ret_source, struct why *why)
{
    uint8_t bytes[PCAP_FILE_HEAD_SIZE];
    ssize_t got = pread(fd, bytes, sizeof bytes, lseek(fd, 0, SEEK_CUR));
    struct slice head = slice_of(bytes, got > 0 ? (size_t)got : 0);
    int err = ERR_INVALID;
    if (got < 0) {
        why_set(why, "%s cannot be read: %s", path, strerror(errno));
        err = err_of_errno(errno);
    } else if (got == 0) {
        why_set(why, "%s is empty: it has not even the header of a capture file", path);
    } else if (stranger(head)) {
        why_set(why, "%s %s", path, stranger(head));
    } else {
        bool filtered = filter != NULL && *filter != '\0';
        return !filtered && pcap_file_fits(head)
                   ? pcap_file_open(fd, path, size_bytes, ret_source, why)
                   : savefile_open(fd, path, filter, ret_source, why);
    }
    close(fd);
    return err;
}

int source_open_file(const char *path, const char *filter, struct source **ret_source,
                     struct why *why)
{
    int fd = open_path(path, why);
    if (fd < 0)
        return fd;
    const char *shown = strcmp(path, "-") == 0 ? "standard input" : path;
    struct stat st = {0};
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return open_regular(fd, shown, filter, (uint64_t)st.st_size, ret_source, why);
    if (S_ISDIR(st.st_mode)) {
        why_set(why, "%s is a directory, not a capture file", shown);
        close(fd);
        return ERR_INVALID;
    }
    return savefile_open(fd, shown, filter, ret_source, why);
}
