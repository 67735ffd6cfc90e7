/* The first line that says something counts: a message that contradicts itself is taken at its
 * first word. */
#include "capture/call/control.h"

#include "capture/call/emit.h"

/* False: the word means neither. */
static bool read_word(struct slice word, uint8_t *ret_kind)
{
    static const struct {
        const char *word;
        uint8_t kind;
    } WORDS[] = {
        {"pause", CONTROL_PAUSE},  {"paused", CONTROL_PAUSE},  {"off", CONTROL_PAUSE},
        {"stop", CONTROL_PAUSE},   {"resume", CONTROL_RESUME}, {"on", CONTROL_RESUME},
        {"start", CONTROL_RESUME},
    };
    word = slice_trim(slice_sub(word, 0, slice_index(word, ';')));
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (slice_is_nocase(word, WORDS[i].word)) {
            *ret_kind = WORDS[i].kind;
            return true;
        }
    return false;
}

static bool read_headers(const struct front_config *config, const struct sip_msg *m,
                         struct event_control *e)
{
    for (unsigned i = 0; i < m->header_count; i++)
        for (unsigned k = 0; k < config->control_header_count; k++) {
            const char *name = config->control_headers[k];
            if (!slice_is_nocase(m->headers[i].name, name) ||
                !read_word(m->headers[i].value, &e->kind))
                continue;
            slice_copy_to(slice_str(name), e->means, sizeof e->means);
            return true;
        }
    return false;
}

static bool read_sdp(struct slice sdp, struct event_control *e)
{
    static const char *const NAMES[] = {"a=record", "a=recordpref"};
    while (sdp.size) {
        struct slice word = slice_trim(slice_cut(&sdp, '\n'));
        struct slice name = slice_cut(&word, ':');
        for (unsigned i = 0; i < 2; i++)
            if (slice_is_nocase(name, NAMES[i]) && read_word(word, &e->kind)) {
                slice_copy_to(slice_str(NAMES[i]), e->means, sizeof e->means);
                return true;
            }
    }
    return false;
}

void control_note(struct calls *c, struct live *l, const struct sighting *s)
{
    struct event_control e = {.party = s->sender, .src = s->d->src};
    if (!c->config.control_sip)
        return;
    if (read_headers(&c->config, s->m, &e) || (s->sdp.size && read_sdp(s->sdp, &e)))
        emit_control(c, l, &e);
}

void control_key(struct calls *c, struct live *l, const struct sighting *s, char key)
{
    struct event_control e = {
        .kind = CONTROL_KEY, .party = s->sender, .key = key, .means = "info", .src = s->d->src};
    if (c->config.control_keys)
        emit_control(c, l, &e);
}
