/* The record is packed as the rows of the store are, so a version that adds fields at the end reads what an older one wrote. */
#include "app/sidecar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "api/note_json.h"
#include "api/record_json.h"
#include "api/record_sound_json.h"
#include "base/base64.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/json_read.h"
#include "decode/part_file.h"
#include "storage/record_pack.h"
#include "storage/store.h"

#define FORMAT      1
#define DEPTH_MAX   32
#define STREAMS_TOP 4096

/* ---- the record as bytes ---- */

static void tag_pack(struct pack *p, struct record_tag *t)
{
    struct slice key = slice_str(t->key), value = slice_str(t->value);
    pack_text(p, &key);
    pack_text(p, &value);
    if (p->out == NULL) {
        slice_copy_to(key, t->key, sizeof t->key);
        slice_copy_to(value, t->value, sizeof t->value);
    }
}

static void tags_pack(struct pack *p, struct record_tags *tags)
{
    uint32_t count = tags->count;
    pack_count(p, &count);
    p->failed |= count > RECORD_TAGS_MAX;
    for (uint32_t i = 0; i < count && !p->failed; i++)
        tag_pack(p, &tags->tag[i]);
    tags->count = p->failed ? 0 : count;
}

static void streams_pack(struct pack *p, struct call_record *r)
{
    pack_count(p, &r->stream_count);
    p->failed |= r->stream_count > STREAMS_TOP;
    if (p->out == NULL && r->stream_count && !p->failed) {
        r->streams = arena_alloc(r->arena, r->stream_count * sizeof *r->streams);
        p->failed |= r->streams == NULL;
        for (uint32_t i = 0; i < r->stream_count && r->streams; i++)
            record_stream_init(&r->streams[i]);
    }
    if (p->failed)
        r->stream_count = 0;
}

/* Parts that grow at their end stand each in a text of its own. */
static void part(struct pack *p, struct call_record *r, void (*visit)(struct pack *, void *), void *what)
{
    struct buf out;
    struct slice bytes = slice_none();
    buf_init(&out, SIDECAR_BYTES_MAX);
    if (p->out) {
        struct pack inner = pack_writer(&out);
        visit(&inner, what);
        p->failed |= inner.failed || out.failed;
        bytes = buf_view(&out);
    }
    pack_text(p, &bytes);
    p->failed |= bytes.size == 0; /* none is empty */
    if (p->out == NULL && !p->failed) {
        struct pack inner = pack_reader(bytes, r->arena);
        visit(&inner, what);
        p->failed |= inner.failed;
    }
    buf_fini(&out);
}

static void visit_call(struct pack *p, void *r)
{
    record_pack_call(p, r);
}

static void visit_stream(struct pack *p, void *s)
{
    record_pack_stream(p, s);
}

static void visit_series(struct pack *p, void *s)
{
    series_pack(p, &((struct record_stream *)s)->series);
}

static void visit_recording(struct pack *p, void *r)
{
    record_pack_recording(p, &((struct call_record *)r)->recording);
}

static void visit_lists(struct pack *p, void *of)
{
    struct call_record *r = of;
    record_pack_chains(p, &r->chains, &r->chain_count);
    record_pack_events(p, &r->events, &r->event_count);
    record_pack_files(p, &r->tracks);
}

static void record_pack(struct pack *p, struct call_record *r, struct record_tags *tags, struct record_notes *notes)
{
    struct slice uid = slice_str(r->uid);
    pack_text(p, &uid);
    if (p->out == NULL)
        slice_copy_to(uid, r->uid, sizeof r->uid);
    part(p, r, visit_call, r);
    streams_pack(p, r);
    for (uint32_t i = 0; i < r->stream_count && !p->failed; i++) {
        part(p, r, visit_stream, &r->streams[i]);
        part(p, r, visit_series, &r->streams[i]);
    }
    part(p, r, visit_lists, r);
    part(p, r, visit_recording, r);
    tags_pack(p, tags);
    note_pack_all(p, notes);
}

/* ---- writing ---- */

/* What the store has beside the row. */
struct attached {
    struct record_tags tags;
    struct record_notes notes;
    struct arena *arena; /* of the notes */
};

static void row_json(struct json *j, struct slice bytes, char *text, size_t size)
{
    uint8_t digest[32];
    char hex[65];
    crypto_sha256(bytes, digest);
    base64url_encode(bytes, text, size);
    json_key(j, "row");
    json_object(j);
    json_kv_int(j, "format", FORMAT);
    json_kv_str(j, "version", EARSHOT_VERSION);
    json_kv_str(j, "sha256", crypto_hex(slice_of(digest, sizeof digest), hex));
    json_kv_str(j, "packed", text);
    json_end(j);
}

/* As people read them. */
static void notes_json(struct json *j, const char *uid, const struct record_notes *notes)
{
    json_key(j, "annotations");
    json_array(j);
    for (uint32_t i = 0; i < notes->annotation_count; i++)
        annotation_json(j, &notes->annotations[i]);
    json_end(j);
    json_key(j, "transcript");
    if (notes->transcript)
        transcript_json(j, uid, notes->transcript);
    else
        json_null(j);
}

static int make_text(const struct call_record *r, const struct attached *a, struct buf *out)
{
    struct buf bytes;
    struct json j;
    struct call_record copy = *r;
    struct record_tags own = a->tags;
    struct record_notes notes = a->notes;
    copy.tags = &own;
    buf_init(&bytes, SIDECAR_BYTES_MAX / 2);
    struct pack p = pack_writer(&bytes);
    record_pack(&p, &copy, &own, &notes);
    size_t size = bytes.size / 3 * 4 + 8;
    char *text = p.failed || bytes.failed ? NULL : malloc(size);
    if (text) {
        json_init(&j, out);
        json_object(&j);
        json_key(&j, "call");
        record_json(&j, &copy, RECORD_JSON_FULL, false);
        json_key(&j, "speech");
        record_speech_json(&j, &r->recording.sound);
        notes_json(&j, r->uid, &notes);
        row_json(&j, buf_view(&bytes), text, size);
        json_end(&j);
        buf_char(out, '\n');
    }
    int err = text && !out->failed ? 0 : ERR_NOMEM;
    free(text);
    buf_fini(&bytes);
    return err;
}

/* A store that is not there yet has nothing; one that cannot be read must not make a file with less in it. */
static int read_attached(const char *data_dir, const struct call_record *r, struct attached *a)
{
    struct store_reader *reader = NULL;
    *a = (struct attached){.arena = arena_new(4096, SIDECAR_BYTES_MAX)};
    if (a->arena == NULL)
        return ERR_NOMEM;
    if (store_reader_open(data_dir, &reader) != 0)
        return 0;
    int err = store_tags(reader, r->uid, r->started_us, &a->tags);
    if (err == 0)
        err = store_notes(reader, r->uid, r->started_us, STORE_ANNOTATIONS | STORE_TRANSCRIPT, a->arena, &a->notes);
    store_reader_close(reader);
    return err;
}

/* Beside the sound; false: there is none. */
static bool name_of(const struct call_record *r, char *path, size_t size)
{
    struct slice audio = r->recording.path;
    if (audio.size == 0 || audio.size > size - 8)
        return false;
    slice_copy_to(audio, path, size - 8);
    char *dot = strrchr(path, '.');
    strcpy(dot && strchr(dot, '/') == NULL ? dot : path + audio.size, ".json");
    return true;
}

/* Damaged: without the pieces at which the decoder crashed. */
static bool has_sound(const struct call_record *r)
{
    const char *state = r->recording.state;
    return state && (strcmp(state, "ready") == 0 || strcmp(state, "damaged") == 0);
}

int sidecar_write(const char *data_dir, const struct call_record *r, struct why *why)
{
    struct part_file f;
    struct buf text;
    struct attached attached;
    char path[4096];
    int64_t size;
    uint8_t digest[32];
    if (!has_sound(r) || !name_of(r, path, sizeof path))
        return 0;
    buf_init(&text, SIDECAR_BYTES_MAX);
    int err = read_attached(data_dir, r, &attached);
    if (err == 0)
        err = make_text(r, &attached, &text);
    arena_free(attached.arena);
    if (err == 0)
        err = part_file_open(&f, data_dir, path, "part", why);
    if (err == 0) {
        err = part_file_write(&f, text.data, text.size);
        if (err == 0)
            err = part_file_finish(&f, &size, digest, why);
        part_file_abandon(&f);
    }
    buf_fini(&text);
    return err;
}

static int read_call(const char *data_dir, const char *uid, struct call_record **ret_record)
{
    struct store_reader *reader = NULL;
    int err = store_reader_open(data_dir, &reader);
    if (err == 0)
        err = store_call(reader, uid, ret_record);
    store_reader_close(reader);
    return err;
}

/* Whoever deletes says so in the store ahead of unlinking: it is seen here, or the new file is seen there. */
static void remove_if_deleted(const char *data_dir, const struct call_record *written)
{
    struct call_record *r = NULL;
    char path[4096];
    int err = read_call(data_dir, written->uid, &r);
    bool gone = err == ERR_NOT_FOUND || (err == 0 && r->recording.deleted_us);
    if (gone && name_of(written, path, sizeof path))
        part_file_remove(data_dir, path);
    record_free(r);
}

/* One at a time: the later one knows what the earlier one wrote, and both have the same unfinished file. */
static int lock_refresh(const char *data_dir)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/audio", data_dir);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0 && flock(fd, LOCK_EX) != 0 && errno == EINTR)
        ;
    return fd;
}

static bool is_made(const struct call_record *r)
{
    return r->recording.state == NULL || strcmp(r->recording.state, "spooling") != 0 || record_waits_for_request(r);
}

int sidecar_refresh(const char *data_dir, const char *uid, struct why *why)
{
    struct call_record *r = NULL;
    int lock = lock_refresh(data_dir);
    int err = read_call(data_dir, uid, &r);
    bool made = err == 0 && is_made(r);
    if (err == 0 && r->recording.deleted_us == 0) { /* what was deleted does not come back */
        err = sidecar_write(data_dir, r, why);
        remove_if_deleted(data_dir, r);
    }
    if (lock >= 0)
        close(lock);
    record_free(r);
    if (err == ERR_NOT_FOUND) /* the call has gone, or the folder of its day */
        return 0;
    return err || made ? err : SIDECAR_UNREADY;
}

/* ---- reading ---- */

static bool read_packed(const struct json_value *root, uint8_t **ret_bytes, size_t *ret_size)
{
    const struct json_value *row = json_value_get(root, "row");
    struct slice packed, sum;
    int64_t format;
    uint8_t digest[32];
    char hex[65];
    if (!json_value_int(json_value_get(row, "format"), &format) || format != FORMAT ||
        !json_value_text(json_value_get(row, "packed"), &packed) || !json_value_text(json_value_get(row, "sha256"), &sum))
        return false;
    uint8_t *bytes = malloc(packed.size + 1);
    size_t size = bytes ? base64_decode(packed, bytes, packed.size + 1) : SIZE_MAX;
    if (size != SIZE_MAX)
        crypto_sha256(slice_of(bytes, size), digest);
    if (size == SIZE_MAX || !slice_is(sum, crypto_hex(slice_of(digest, sizeof digest), hex))) {
        free(bytes);
        return false;
    }
    *ret_bytes = bytes;
    *ret_size = size;
    return true;
}

int sidecar_read(struct slice text, struct call_record **ret_record, struct why *why)
{
    struct json_value *root = json_read(text, SIDECAR_BYTES_MAX, DEPTH_MAX);
    struct call_record *r = record_new();
    struct record_tags tags = {0};
    struct record_notes notes = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool good = root && r && read_packed(root, &bytes, &size);
    if (good) {
        struct pack p = pack_reader(slice_of(bytes, size), r->arena);
        record_pack(&p, r, &tags, &notes);
        good = !p.failed && r->uid[0] && r->kind && r->state;
    }
    struct record_tags *kept = good && tags.count ? arena_alloc(r->arena, sizeof tags) : NULL;
    if (kept)
        *kept = tags;
    struct record_notes *kept_notes = good ? arena_alloc(r->arena, sizeof notes) : NULL;
    if (kept_notes)
        *kept_notes = notes;
    if (good) {
        r->tags = kept;
        r->notes = kept_notes;
    }
    free(bytes);
    json_read_free(root);
    if (!good) {
        why_set(why, "is no sidecar of a recording, is damaged or of a later version");
        record_free(r);
        return ERR_INVALID;
    }
    *ret_record = r;
    return 0;
}
