/* Any bytes as two SIP messages (a NUL byte parts them) that are compared, shown and searched. */
#include <assert.h>

#include "api/header_search.h"
#include "api/message_diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned of_side(const struct diff *d, int side)
{
    unsigned n = 0;
    for (unsigned i = 0; i < d->count; i++)
        n += side ? d->steps[i].b != NULL : d->steps[i].a != NULL;
    return n;
}

static void show(const struct message_diff *d)
{
    struct buf out;
    struct json j;
    buf_init(&out, 16u << 20);
    message_diff_text(d, &out);
    for (size_t i = 0; i < out.size; i++)
        assert(out.data[i] >= 0x20 || out.data[i] == '\n' || out.data[i] == '\t');
    buf_clear(&out);
    json_init(&j, &out);
    json_object(&j);
    message_diff_json(d, &j);
    json_end(&j);
    assert(!out.failed);
    buf_fini(&out);
}

static void search(struct slice raw)
{
    struct header_search s;
    const struct record_message m = {.raw = raw};
    header_search_init(&s, "v", "a");
    bool valued = header_search_matches(&s, &m);
    header_search_fini(&s);
    header_search_init(&s, "via", NULL);
    assert(header_search_matches(&s, &m) || !valued);
    header_search_fini(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice b = slice_of(data, size), a = slice_cut(&b, '\0');
    struct arena *arena = arena_new(4096, 16u << 20);
    struct message_diff d, back;
    if (size <= 65535 && arena && message_diff(arena, a, b, &d) &&
        message_diff(arena, b, a, &back)) {
        assert(d.equal == back.equal);
        assert(of_side(&d.body, 0) == of_side(&back.body, 1));
        assert(of_side(&d.fields, 1) == of_side(&back.fields, 0));
        show(&d);
        search(a);
    }
    arena_free(arena);
    return 0;
}
