#include "app/tracks.h"

#include <stdlib.h>

#include "storage/media_dir.h"
#include "storage/siprec_voice.h"

#define PEOPLE_MIN 3
/* Of the people in a conference; those beyond the tracks that a render takes are named without one.
 */
#define PEOPLE_MAX 64

/* ---- who was there ---- */

/* A recording session of two is one stereo file. */
static bool is_siprec(const struct call_record *r)
{
    return r->siprec.given && r->siprec.stream_count >= PEOPLE_MIN;
}

bool tracks_all_left(const struct call_record *r)
{
    const struct record_conference *c = &r->related.conference;
    for (uint32_t i = 0; i < c->participant_count; i++)
        if (c->participants[i].uid[0] && c->participants[i].left_us == 0)
            return false;
    return c->focus_uri.size > 0;
}

bool tracks_may_come(const struct call_record *r)
{
    return r->related.conference.focus_uri.size && !tracks_all_left(r);
}

static bool is_over(const struct record_conference *c)
{
    unsigned seen = 0;
    if (c->participant_count < PEOPLE_MIN)
        return false;
    for (uint32_t i = 0; i < c->participant_count; i++) {
        const struct record_participant *p = &c->participants[i];
        if (p->uid[0] && p->left_us == 0)
            return false;
        seen += p->uid[0] != '\0';
    }
    return seen > 1;
}

bool tracks_wanted(const struct call_record *r)
{
    const char *result = r->recording.result;
    bool kept = r->final && result && strcmp(result, "rule") != 0;
    return kept && (is_siprec(r) || is_over(&r->related.conference));
}

/* The user of "sip:room@host:5060". */
static struct slice uri_user(struct slice uri)
{
    struct slice rest = slice_from(uri, slice_index(uri, ':') + 1);
    return slice_sub(rest, 0, slice_index(rest, '@'));
}

/* Which side of his call a participant is; the other one is the focus. */
static const char *side_of(const struct call_record *call, const struct record_participant *p,
                           struct slice focus)
{
    if (p->user.size && slice_equal_nocase(p->user, call->from.user))
        return "caller";
    if (p->user.size && slice_equal_nocase(p->user, call->to.user))
        return "callee";
    return slice_equal_nocase(uri_user(focus), call->from.user) ? "callee" : "caller";
}

struct people {
    unsigned count;
    struct sound_voice voice[PEOPLE_MAX];
    struct call_record *call[PEOPLE_MAX];
};

static void people_free(struct people *all)
{
    for (unsigned i = 0; all && i < all->count; i++)
        record_free(all->call[i]);
    free(all);
}

static bool is_being_made(const struct call_record *r)
{
    return r->recording.state && strcmp(r->recording.state, "spooling") == 0 && !record_waits_for_request(r);
}

/* False: records of some are not there yet. Who never comes is left out. */
static bool gather(const struct call_record *r, struct store_reader *reader, struct people *all)
{
    const struct record_conference *c = &r->related.conference;
    bool complete = true;
    for (uint32_t i = 0; i < c->participant_count && all->count < PEOPLE_MAX; i++) {
        const struct record_participant *p = &c->participants[i];
        struct call_record *call = NULL;
        if (p->uid[0] == '\0')
            continue;
        if (store_call(reader, p->uid, &call) != 0) {
            complete = false;
            continue;
        }
        complete &= call->final && !is_being_made(call) && store_media_keys(reader, call) == 0;
        all->call[all->count] = call;
        all->voice[all->count++] = (struct sound_voice){.call = call,
                                                        .party = side_of(call, p, c->focus_uri),
                                                        .line = -1,
                                                        .user = p->user,
                                                        .uri = p->uri};
    }
    return complete;
}

/* Everybody is in one call, a stream each. */
static void gather_siprec(struct call_record *r, struct people *all)
{
    for (uint32_t i = 0; i < r->siprec.stream_count && all->count < PEOPLE_MAX; i++) {
        int line = siprec_voice_line(r, i);
        if (line >= 0)
            all->voice[all->count++] = (struct sound_voice){.call = r,
                                                            .party = "caller",
                                                            .line = line,
                                                            .user = siprec_voice_name(r, i),
                                                            .uri = siprec_voice_uri(r, i)};
    }
}

int tracks_render(struct confined *decoder, struct call_record *r, struct store_reader *reader,
                  const struct sound_config *config, bool wait, struct why *why)
{
    char path[MEDIA_PATH_MAX];
    struct people *all = calloc(1, sizeof *all);
    int err = all ? 0 : ERR_NOMEM;
    if (err == 0)
        err = store_media_keys(reader, r);
    if (err == 0 && is_siprec(r) && is_being_made(r) && wait)
        err = TRACKS_UNREADY;
    else if (err == 0 && is_siprec(r))
        gather_siprec(r, all);
    else if (err == 0 && !gather(r, reader, all) && wait)
        err = TRACKS_UNREADY;
    if (err == 0)
        err = media_path(r->started_us, r->uid, "wav", path);
    if (err == 0)
        err = media_make_dirs(config->data_dir, path, why);
    if (err == 0)
        err = confined_tracks(decoder, r, all->voice, all->count, config, config->data_dir, path,
                              why);
    people_free(all);
    return err;
}
