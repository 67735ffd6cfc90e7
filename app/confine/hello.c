/* Two programs that are built together need no versions of each message; but one of them may have
 * been replaced while the other one runs. */
#include "app/confine/hello.h"

#include <stdio.h>
#include <string.h>

#include "app/confine/ear_steps.h"
#include "app/confine/job.h"

const char *hello_build(char out[BUILD_TEXT_SIZE])
{
    snprintf(out, BUILD_TEXT_SIZE, "%s %u %zu %zu %zu %zu %zu %zu", EARSHOT_VERSION,
             (unsigned)COUNTER_CELLS, sizeof(struct call_record), sizeof(struct record_stream),
             sizeof(struct record_recording), sizeof(struct sound_config),
             sizeof(struct render_codec), sizeof(struct media_key));
    return out;
}

static void text_pack(struct pack *p, const char **v)
{
    struct slice text = slice_str(*v ? *v : "");
    pack_text(p, &text);
    if (p->out == NULL)
        *v = arena_str(p->arena, text);
}

void hello_walls_pack(struct pack *p, struct walls *w, bool *ret_same)
{
    char ours[BUILD_TEXT_SIZE];
    struct slice build = slice_str(hello_build(ours));
    pack_text(p, &build);
    *ret_same = !p->failed && slice_equal(build, slice_str(ours));
    if (!*ret_same)
        return;
    text_pack(p, &w->read_dir);
    text_pack(p, &w->write_dir);
    pack_i64(p, &w->memory_bytes);
    pack_bool(p, &w->none);
    p->failed |= w->read_dir == NULL || w->write_dir == NULL;
}

void hello_pack(struct pack *p, struct hello *h)
{
    uint32_t walls = h->walls;
    pack_int(p, &h->err);
    pack_u32(p, &walls);
    pack_text(p, &h->text);
    h->walls = walls;
}
