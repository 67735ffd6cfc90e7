#include "app/decoder/sound_video.h"

#include <stdio.h>
#include <string.h>

#include "app/decoder/sound_render.h"
#include "decode/video_render.h"
#include "storage/media_dir.h"

#define FLOW_FILMS_MAX 8 /* a stream may change its codec with each key frame */

struct films {
    struct call_record *r;
    const char *stem; /* of the path below `dir`, without its ending */
    size_t stem_size;
    const char *side;
    uint32_t count;
    struct record_film items[SOUND_FILMS_MAX];
};

static void take(void *context, const struct video_made *made)
{
    struct films *f = context;
    if (f->count == SOUND_FILMS_MAX)
        return;
    struct record_film *out = &f->items[f->count];
    *out = (struct record_film){
        .number = f->count + 1,
        .side = f->side,
        .codec = slice_str(made->codec),
        .width = made->width,
        .height = made->height,
        .frames = made->pictures,
        .dropped = made->dropped,
        .started_us = made->start_ns / 1000,
        .duration_ms = made->length_ns / 1000000,
        .path = arena_copy(f->r->arena, slice_str(made->path)),
        .size_bytes = made->size_bytes,
    };
    memcpy(out->sha256, made->sha256, sizeof out->sha256);
    f->count++;
}

/* A stream of video came on this chain's flow that can be read. */
static bool chain_shows(const struct call_record *r, uint32_t chain)
{
    for (uint32_t i = 0; i < r->stream_count; i++) {
        const struct record_stream *s = &r->streams[i];
        if (s->flow_chain == chain + 1 && strcmp(s->media_type, "video") == 0 &&
            !record_stream_foreign(s) && (!s->srtp || r->secrets.count))
            return true;
    }
    return false;
}

static int one_chain(struct films *f, uint32_t chain, const struct sound_config *config,
                     const char *dir, struct why *why)
{
    char stem[4096];
    unsigned room = SOUND_FILMS_MAX - f->count;
    struct video_request request = {.dir = dir,
                                    .stem = stem,
                                    .first = f->count + 1,
                                    .most = room < FLOW_FILMS_MAX ? room : FLOW_FILMS_MAX,
                                    .from_ns = f->r->recording.from_us * 1000,
                                    .context = f,
                                    .made = take};
    f->side = f->r->chains[chain].party;
    snprintf(stem, sizeof stem, "%.*s-v", (int)f->stem_size, f->stem);
    struct sound_packets *p = sound_packets_open(f->r, chain, config, &request.flow);
    int err = p ? video_render(&request, why) : 0;
    sound_packets_close(p);
    return err;
}

int sound_video(struct call_record *r, const struct sound_config *config, const char *dir,
                const char *path, struct why *why)
{
    const char *ending = strrchr(path, '.');
    struct films f = {
        .r = r, .stem = path, .stem_size = ending ? (size_t)(ending - path) : strlen(path)};
    int err = 0;
    if (config->place)
        atomic_store(&config->place->flow, RENDER_PLACE_FILM);
    for (uint32_t k = 0; k < r->chain_count && err == 0 && f.count < SOUND_FILMS_MAX; k++)
        if (r->chains[k].party && !r->chains[k].rtcp && chain_shows(r, k))
            err = one_chain(&f, k, config, dir, why);
    struct record_recording *g = &r->recording;
    g->film_count = 0;
    g->films = arena_alloc(r->arena, (f.count + 1) * sizeof *g->films);
    if (g->films) {
        memcpy(g->films, f.items, f.count * sizeof *g->films);
        g->film_count = f.count;
    }
    return err;
}
