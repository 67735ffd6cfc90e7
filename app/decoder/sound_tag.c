/* Numbers are somebody's: they stand in a file only where the operator wants them there. Control
 * characters of a From header do not get into it. */
#include "app/decoder/sound_tag.h"

#include <stdio.h>

#include "base/clock.h"

static void put_text(char *out, size_t size, struct slice text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.size && n + 1 < size; i++)
        out[n++] = text.data[i] >= ' ' && text.data[i] < 0x7f ? (char)text.data[i] : '?';
    out[n] = '\0';
}

void sound_tag(const struct call_record *r, enum sound_tags which, struct audio_tags *ret_tags)
{
    struct audio_tags *t = ret_tags;
    char callee[sizeof t->artist];
    *t = (struct audio_tags){0};
    if (which == SOUND_TAGS_NONE)
        return;
    clock_rfc3339_us(r->started_us, t->date);
    snprintf(t->comment, sizeof t->comment, "%s", r->uid);
    if (which == SOUND_TAGS_IDS)
        return;
    put_text(t->artist, sizeof t->artist, r->from.user);
    put_text(callee, sizeof callee, r->to.user);
    snprintf(t->title, sizeof t->title, "%s to %s", t->artist, callee);
}
