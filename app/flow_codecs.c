#include "app/flow_codecs.h"

#include <stdlib.h>

/* Another flow of the call has this list, too. */
static bool is_shared(const struct wflow *f)
{
    for (const struct wflow *other = f->call->flows; other; other = other->next)
        if (other != f && other->codecs == f->codecs)
            return true;
    return false;
}

static struct rtp_codec *find_equal(const struct wflow *f, const struct rtp_codec *codecs, unsigned count)
{
    for (const struct wflow *other = f->call->flows; other; other = other->next)
        if (other->codec_count == count && memcmp(other->codecs, codecs, count * sizeof *codecs) == 0)
            return other->codecs;
    return NULL;
}

static void become(struct wflow *f, struct rtp_codec *codecs, unsigned count)
{
    if (f->codecs != codecs)
        flow_codecs_drop(f);
    f->codecs = codecs;
    f->codec_count = count;
    f->recent_codec = NULL;
}

void flow_codecs_drop(struct wflow *f)
{
    if (f->codecs && !is_shared(f))
        free(f->codecs);
    f->codecs = NULL;
    f->codec_count = 0;
    f->recent_codec = NULL;
}

bool flow_codecs_set(struct wflow *f, const struct rtp_codec *codecs, unsigned count)
{
    struct rtp_codec *mine = NULL;
    if (count) {
        mine = find_equal(f, codecs, count);
        if (mine == NULL) {
            mine = malloc(count * sizeof *mine);
            if (mine == NULL)
                return false;
            memcpy(mine, codecs, count * sizeof *mine);
        }
    }
    become(f, mine, count);
    return true;
}

bool flow_codecs_add(struct wflow *f, const struct rtp_codec *codec)
{
    unsigned count = f->codec_count;
    struct rtp_codec *mine = malloc((count + 1) * sizeof *mine);
    if (mine == NULL)
        return false;
    if (count)
        memcpy(mine, f->codecs, count * sizeof *mine);
    mine[count] = *codec;
    become(f, mine, count + 1);
    return true;
}
