/* A capture on its way in: its bytes go to <id>.part as they come, hashed; what begins like no capture is refused with its first piece. */
#include "app/importer_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/summarise.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "storage/disk.h"

#define LOOK_EVERY (8u << 20) /* bytes between two looks at what is free */
#define LARGE      (1u << 20) /* is given back by a thread */

struct import_upload {
    struct importer *importer;
    struct api_import import;
    struct crypto_sha256_state sha;
    int fd;
    uint64_t looked; /* bytes at the last look */
};

/* ---- what may come ---- */

static bool has_room(const struct importer *m, uint64_t bytes)
{
    uint64_t free_bytes = 0;
    return disk_free(m->config.settings->data_dir, &free_bytes, NULL) == 0 && free_bytes >= importer_min_free(m) + bytes;
}

static void tell_no_room(struct why *why)
{
    why_set(why, "There is no room for it: what is free on the disk is kept for the calls of this place ([retention] min_free).");
}

/* pcap in both byte orders and resolutions, and as some systems changed it; pcapng; gzip; zstd. */
static bool begins_like_a_capture(struct slice s)
{
    static const uint8_t MAGICS[][4] = {{0xa1, 0xb2, 0xc3, 0xd4}, {0xd4, 0xc3, 0xb2, 0xa1}, {0xa1, 0xb2, 0x3c, 0x4d}, {0x4d, 0x3c, 0xb2, 0xa1},
                                        {0xa1, 0xb2, 0xcd, 0x34}, {0x34, 0xcd, 0xb2, 0xa1}, {0x0a, 0x0d, 0x0d, 0x0a}, {0x28, 0xb5, 0x2f, 0xfd}};
    if (s.size >= 2 && s.data[0] == 0x1f && s.data[1] == 0x8b)
        return true;
    for (size_t i = 0; i < sizeof MAGICS / sizeof *MAGICS; i++)
        if (s.size >= 4 && memcmp(s.data, MAGICS[i], 4) == 0)
            return true;
    return false;
}

static enum api_import_answer tell_no_capture(struct why *why)
{
    why_set(why, "This is no capture file: pcap and pcapng are taken, also packed with gzip or zstd.");
    return API_IMPORT_NO_CAPTURE;
}

/* ---- begin ---- */

static bool take_place(struct importer *m)
{
    pthread_mutex_lock(&m->lock);
    bool free_place = !m->stopping && importer_waiting(m) < (unsigned)m->config.settings->imports_max;
    m->receiving += free_place;
    pthread_mutex_unlock(&m->lock);
    return free_place;
}

static void leave_place(struct importer *m)
{
    pthread_mutex_lock(&m->lock);
    m->receiving--;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

/* A random UUID. */
static void new_id(char out[40])
{
    uint8_t bytes[16];
    crypto_random(bytes, sizeof bytes);
    bytes[6] = (uint8_t)(0x40 | (bytes[6] & 0x0f));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
    uid_text(bytes, out);
}

static struct import_upload *open_upload(struct importer *m, const struct api_import_begin *ask)
{
    struct import_upload *u = calloc(1, sizeof *u);
    char path[600];
    if (u == NULL)
        return NULL;
    u->importer = m;
    new_id(u->import.id);
    snprintf(u->import.name, sizeof u->import.name, "%s", ask->name);
    snprintf(u->import.actor, sizeof u->import.actor, "%s", ask->actor);
    crypto_sha256_init(&u->sha);
    import_path(m, u->import.id, ".part", path);
    u->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (u->fd < 0) {
        free(u);
        return NULL;
    }
    return u;
}

enum api_import_answer import_upload_begin(struct importer *m, const struct api_import_begin *ask, struct import_upload **ret_upload, struct why *why)
{
    if (!has_room(m, ask->announced_bytes)) {
        tell_no_room(why);
        return API_IMPORT_NO_ROOM;
    }
    if (!take_place(m)) {
        why_set(why, "%d captures wait or are read ([limits] imports); try again when one is done.", (int)m->config.settings->imports_max);
        return API_IMPORT_TOO_MANY;
    }
    *ret_upload = open_upload(m, ask);
    if (*ret_upload)
        return API_IMPORT_TAKEN;
    leave_place(m);
    why_set(why, "A file for it cannot be made: %s.", strerror(errno));
    return API_IMPORT_TROUBLE;
}

/* ---- the bytes ---- */

static bool write_all(int fd, struct slice s)
{
    while (s.size) {
        ssize_t n = write(fd, s.data, s.size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        s = slice_from(s, (size_t)n);
    }
    return true;
}

enum api_import_answer import_upload_write(struct import_upload *u, struct slice piece, struct why *why)
{
    if (u->import.bytes == 0 && !begins_like_a_capture(piece))
        return tell_no_capture(why);
    bool room = true;
    if (u->import.bytes - u->looked >= LOOK_EVERY) {
        room = has_room(u->importer, piece.size);
        u->looked = u->import.bytes;
    }
    if (!room || !write_all(u->fd, piece)) {
        if (!room || errno == ENOSPC || errno == EDQUOT) {
            tell_no_room(why);
            return API_IMPORT_NO_ROOM;
        }
        why_set(why, "It cannot be written: %s.", strerror(errno));
        return API_IMPORT_TROUBLE;
    }
    crypto_sha256_update(&u->sha, piece);
    u->import.bytes += piece.size;
    return API_IMPORT_TAKEN;
}

/* ---- the end ---- */

static void *give_back(void *upload)
{
    struct import_upload *u = upload;
    close(u->fd);
    leave_place(u->importer);
    free(u);
    return NULL;
}

/* The bytes of a file without a name go with its last descriptor, and gigabytes take their time: not on the thread that all connections wait
 * for. The place is free when that is over, so there are no more such threads than uploads at once. */
void import_upload_drop(void *upload)
{
    struct import_upload *u = upload;
    pthread_attr_t detached;
    pthread_t thread;
    if (u == NULL)
        return;
    import_unlink(u->importer, u->import.id);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (u->import.bytes < LARGE || pthread_create(&thread, &detached, give_back, u) != 0)
        (void)give_back(u);
    pthread_attr_destroy(&detached);
}

static enum api_import_answer tell_known(const struct api_import *known, struct why *why)
{
    why_set(why, "These bytes were imported before, as %s; delete that import to read them once more.", known->id);
    return API_IMPORT_KNOWN;
}

/* Under its last name, and in the table. Somebody else may have brought the same since we looked. */
static enum api_import_answer queue(struct import_upload *u, struct api_import *ret_known, struct why *why)
{
    struct importer *m = u->importer;
    char part[600], whole[600];
    import_path(m, u->import.id, ".part", part);
    import_path(m, u->import.id, ".cap", whole);
    int err = rename(part, whole) == 0 ? import_write(m, &u->import) : err_of_errno(errno);
    int added = err ? err : importer_add(m, &u->import, ret_known);
    if (err == 0 && added == ERR_EXISTS)
        return tell_known(ret_known, why);
    err = added;
    if (err)
        why_set(why, "It cannot be kept: %s.", err_text(err));
    return err == 0 ? API_IMPORT_TAKEN : API_IMPORT_TROUBLE;
}

static enum api_import_answer look(struct import_upload *u, struct api_import *ret_import, struct why *why)
{
    char path[600];
    struct why reason = {0};
    if (importer_known(u->importer, u->import.sha256, ret_import))
        return tell_known(ret_import, why);
    import_path(u->importer, u->import.id, ".part", path);
    if (import_look(u->importer->config.settings, path, &reason) != 0) {
        log_info("import", "%s", reason.text);
        return tell_no_capture(why);
    }
    return queue(u, ret_import, why);
}

enum api_import_answer import_upload_finish(struct import_upload *u, struct api_import *ret_import, struct why *why)
{
    uint8_t digest[32];
    enum api_import_answer a;
    crypto_sha256_final(&u->sha, digest);
    crypto_hex(slice_of(digest, sizeof digest), u->import.sha256);
    u->import.received_us = clock_wall_ns() / 1000;
    a = u->import.bytes ? look(u, ret_import, why) : tell_no_capture(why);
    if (a != API_IMPORT_TAKEN) {
        import_upload_drop(u);
        return a;
    }
    *ret_import = u->import;
    close(u->fd);
    leave_place(u->importer);
    free(u);
    return a;
}
