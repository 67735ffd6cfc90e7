/* What belongs to one call: its record and notes, the files of its recording as they lie on the disk, its packets. Each reading is audited as
 * where it is asked for by itself; what is not there is told with the reason. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/export_run.h"
#include "api/note_json.h"
#include "api/record_files_json.h"
#include "api/record_json.h"
#include "api/recording.h"
#include "api/stored_file.h"
#include "storage/correlate.h"

#define NAME_SIZE       128
#define LEGS_OF_CAPTURE 16 /* as of GET /calls/{uid}/pcap */
#define ROOM_STEP       ((uint64_t)8 << 20)
#define NOTES_ARENA_MAX (28u << 20)

/* ---- the record and what was noted ---- */

/* The JSON in r->scratch. */
static int add_json(struct export_run *r, const char *uid, const char *end, const char *what)
{
    char name[NAME_SIZE];
    if (r->scratch.failed)
        return export_missing(r, uid, what, "too_large", "It is too large.");
    FILE *part = export_part_open(r);
    if (part == NULL)
        return ERR_IO;
    (void)fwrite(r->scratch.data, 1, r->scratch.size, part);
    (void)fputc('\n', part);
    snprintf(name, sizeof name, "%s%s", uid, end);
    return export_part_add(r, part, name, uid, what);
}

static void begin_json(struct export_run *r, struct json *j)
{
    buf_clear(&r->scratch);
    json_init(j, &r->scratch);
}

static int add_record(struct export_run *r, const struct call_record *call)
{
    struct json j;
    begin_json(r, &j);
    record_json(&j, call, RECORD_JSON_FULL, true);
    return add_json(r, call->uid, ".json", "call");
}

/* Those that there are: hardly a call has any. */
static int put_notes(struct export_run *r, const char *uid, const struct record_notes *notes)
{
    struct json j;
    int err = 0;
    if (notes->annotation_count) {
        begin_json(r, &j);
        annotations_json(&j, uid, notes);
        err = add_json(r, uid, ".annotations.json", "annotations");
    }
    if (err || notes->transcript == NULL)
        return err;
    begin_json(r, &j);
    transcript_json(&j, uid, notes->transcript);
    err = export_audit(r, "transcript.read", uid);
    return err ? err : add_json(r, uid, ".transcript.json", "transcript");
}

static int add_notes(struct export_run *r, const struct call_record *call)
{
    struct record_notes notes;
    struct arena *arena = arena_new(4096, NOTES_ARENA_MAX);
    int err = arena ? store_notes(r->x.reader, call->uid, call->started_us, STORE_ANNOTATIONS | STORE_TRANSCRIPT, arena, &notes) : ERR_NOMEM;
    err = err ? export_fail(r->e, err, "database", "The database could not be read: %s.", err_text(err)) : put_notes(r, call->uid, &notes);
    arena_free(arena);
    return err;
}

/* ---- the recording ---- */

static bool is_plain(const char *text)
{
    return text[0] && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == strlen(text);
}

/* One file of sound or pictures; `stem` becomes its name. */
static int add_named(struct export_run *r, const char *uid, const char *id, const char *stem, const char *suffix, struct slice path, const char *what)
{
    char name[NAME_SIZE];
    uint64_t size;
    if (path.size == 0)
        return 0;
    int fd = is_plain(id) ? stored_file_open(r->all->config.data_dir, path, &size) : -1;
    if (fd < 0)
        return export_missing(r, uid, what, "file_gone", "Its file is no longer there.");
    int err = export_audit(r, "audio.read", id);
    if (err) {
        close(fd);
        return err;
    }
    snprintf(name, sizeof name, "%s.%.8s", stem, suffix);
    return export_file_add(r, fd, name, uid, what);
}

static int add_file(struct export_run *r, const char *uid, const char *id, const char *suffix, struct slice path, const char *what)
{
    return add_named(r, uid, id, id, suffix, path, what);
}

/* Those of its own, or the one that older versions kept. */
static int add_parts(struct export_run *r, const struct call_record *call)
{
    const struct record_recording *g = &call->recording;
    char id[RECORD_FILE_ID_SIZE], format[16];
    int err = 0;
    if (slice_is(g->format, "tiff"))
        return 0; /* a fax: nothing was to be heard */
    slice_copy_to(g->format, format, sizeof format);
    if (g->files.count == 0)
        return add_file(r, call->uid, g->id, is_plain(format) ? format : "wav", g->path, "audio");
    for (uint32_t i = 0; i < g->files.count && err == 0; i++) {
        const struct record_file *f = &g->files.items[i];
        record_file_id(call, f, id);
        err = add_file(r, call->uid, id, record_file_format(f), f->path, "audio");
    }
    return err;
}

static int add_pictures(struct export_run *r, const struct call_record *call)
{
    char id[RECORD_FILE_ID_SIZE];
    record_fax_id(call, id, sizeof id);
    int err = add_file(r, call->uid, id, "tiff", call->recording.fax.path, "fax");
    for (uint32_t i = 0; i < call->recording.film_count && err == 0; i++) {
        const struct record_film *film = &call->recording.films[i];
        record_film_id(call, film, id);
        err = add_file(r, call->uid, id, "mkv", film->path, "video");
    }
    return err;
}

static int no_recording(struct export_run *r, const struct call_record *call)
{
    const struct record_recording *g = &call->recording;
    const char *state = g->state ? g->state : "";
    char reason[120];
    if (strcmp(state, "spooling") == 0 || strcmp(state, "rendering") == 0) {
        snprintf(reason, sizeof reason, "The recording is not rendered yet (state %s).", state);
        return export_missing(r, call->uid, "audio", "recording_not_ready", reason);
    }
    if (strcmp(state, "deleted") == 0) {
        snprintf(reason, sizeof reason, "The recording was deleted (%s).", g->deleted_why ? g->deleted_why : "unknown");
        return export_missing(r, call->uid, "audio", "recording_deleted", reason);
    }
    snprintf(reason, sizeof reason, "Nothing was recorded (%s).", g->result ? g->result : "unknown");
    return export_missing(r, call->uid, "audio", "no_recording", reason);
}

static int add_recording(struct export_run *r, const struct call_record *call)
{
    const char *state = call->recording.state ? call->recording.state : "";
    if (strcmp(state, "ready") != 0 && strcmp(state, "damaged") != 0)
        return no_recording(r, call);
    uint64_t files = r->e->files, missing = r->e->missing;
    int err = add_parts(r, call);
    err = err ? err : add_pictures(r, call);
    if (err == 0 && r->e->files == files && r->e->missing == missing)
        err = export_missing(r, call->uid, "audio", "no_recording", "Nothing was to be heard.");
    return err;
}

/* ---- tracks of a conference ---- */

struct track_list {
    struct export_run *run;
    const struct call_record *call; /* of whom they are */
    int err;
};

/* With the call that the conference ended with all of them are kept; of the others each has its own, under its own name: the keeper may
 * be in the archive, too. */
static void take_tracks(void *context, const struct call_record *keeper)
{
    struct track_list *l = context;
    struct export_run *r = l->run;
    bool all = strcmp(keeper->uid, l->call->uid) == 0;
    char id[RECORD_FILE_ID_SIZE], own[RECORD_FILE_ID_SIZE];
    snprintf(own, sizeof own, "%s-track", l->call->uid);
    for (uint32_t i = 0; i < keeper->tracks.count && l->err == 0; i++) {
        const struct record_file *f = &keeper->tracks.items[i];
        if (f->path.size == 0 || (!all && strcmp(f->uid, l->call->uid) != 0))
            continue;
        record_file_id(keeper, f, id);
        if (recording_may_hear(&r->x, &keeper->tracks, f))
            l->err = add_named(r, l->call->uid, id, all ? id : own, record_file_format(f), f->path, f->kind);
        else
            l->err = export_missing(r, l->call->uid, f->kind, "not_permitted", "Somebody is heard there whose calls are beyond the limit of who asked.");
    }
}

static int add_tracks(struct export_run *r, const struct call_record *call)
{
    struct track_list l = {.run = r, .call = call};
    int err = 0;
    if (record_files_have(&call->tracks, call->uid))
        take_tracks(&l, call);
    else
        err = store_tracks(r->x.reader, call, take_tracks, &l);
    return err ? export_fail(r->e, err, "database", "The database could not be read: %s.", err_text(err)) : l.err;
}

/* ---- packets ---- */

struct capture {
    struct export_run *run;
    FILE *part;
    uint64_t bytes, room_for;
    int err;
};

static int take_packets(void *context, const void *bytes, size_t size)
{
    struct capture *c = context;
    c->bytes += size;
    if (c->bytes > c->room_for) {
        c->err = exports_room(c->run->all, c->run->e, c->bytes);
        c->err = c->err ? c->err : export_go_on(c->run);
        c->room_for = c->bytes + ROOM_STEP;
    }
    if (c->err == 0 && fwrite(bytes, 1, size, c->part) != size)
        c->err = export_io_error(c->run, errno);
    return c->err;
}

static int write_capture(struct export_run *r, const char *uid, const struct call_record *const *calls, unsigned count)
{
    char name[NAME_SIZE];
    uint64_t packets = 0;
    struct capture c = {.run = r, .part = export_part_open(r)};
    if (c.part == NULL)
        return ERR_IO;
    int err = call_pcap_write_all(r->all->config.data_dir, calls, count, r->e->ask.rtp, take_packets, &c, &packets);
    if (c.err || err == ERR_NOT_FOUND || packets == 0 || err) {
        fclose(c.part);
        if (c.err)
            return c.err;
        return export_missing(r, uid, "pcap", err && err != ERR_NOT_FOUND ? "packets_broken" : "packets_gone", "No packets of this call are kept.");
    }
    for (unsigned i = 0; i < count && err == 0; i++)
        err = export_audit(r, "pcap.read", calls[i]->uid);
    if (err) {
        fclose(c.part);
        return err;
    }
    if (call_pcap_chains(calls, count) > CALL_PCAP_CHAINS_MAX)
        (void)export_missing(r, uid, "pcap", "flows_left_out", "It has more flows than one capture takes: it lacks packets.");
    snprintf(name, sizeof name, "%s.pcap", uid);
    return export_part_add(r, c.part, name, uid, "pcap");
}

static bool may_see(void *context, const struct call_record *r)
{
    const struct export_run *run = context;
    return limit_allows_record(&run->e->limit, r);
}

/* The call and its legs, each read whole. */
static int write_conversation(struct export_run *r, struct call_record *call)
{
    struct call_record *set[LEGS_OF_CAPTURE] = {call};
    unsigned count = 1;
    struct legs *legs = NULL;
    int err = store_legs(r->x.reader, call, LEVEL_MEDIUM, may_see, r, &legs);
    if (err)
        return export_fail(r->e, err, "database", "The database could not be read: %s.", err_text(err));
    for (unsigned i = 1; i < legs->count && count < LEGS_OF_CAPTURE; i++)
        count += store_call(r->x.reader, legs->leg[i].record->uid, &set[count]) == 0;
    if (legs->truncated || legs->count > LEGS_OF_CAPTURE)
        (void)export_missing(r, call->uid, "pcap", "legs_left_out", "It has more legs than one capture takes.");
    store_legs_free(legs);
    err = write_capture(r, call->uid, (const struct call_record *const *)set, count);
    for (unsigned i = 1; i < count; i++)
        record_free(set[i]);
    return err;
}

/* ---- all of it ---- */

static int add_call(struct export_run *r, struct call_record *call)
{
    const struct export_ask *ask = &r->e->ask;
    int err = ask->kind == EXPORT_FULL ? add_record(r, call) : 0;
    if (err == 0 && ask->kind == EXPORT_FULL)
        err = add_notes(r, call);
    if (err == 0 && export_has_audio(ask)) {
        err = add_recording(r, call);
        err = err ? err : add_tracks(r, call);
    }
    if (err == 0 && export_has_pcap(ask)) {
        const struct call_record *one = call;
        err = ask->all_legs ? write_conversation(r, call) : write_capture(r, call->uid, &one, 1);
    }
    return err;
}

int export_call(struct export_run *r, const char *uid)
{
    struct call_record *call = NULL;
    int err = store_call(r->x.reader, uid, &call);
    if (err && err != ERR_NOT_FOUND)
        return export_fail(r->e, err, "database", "The database could not be read: %s.", err_text(err));
    if (err)
        err = export_missing(r, uid, "call", "call_gone", "The call was deleted meanwhile.");
    else if (!limit_allows_record(&r->e->limit, call))
        err = export_missing(r, uid, "call", "not_permitted", "The call is beyond the limit of who asked.");
    else
        err = add_call(r, call);
    record_free(call);
    r->e->done++;
    return err ? err : export_go_on(r);
}
