#include "api/header_search.h"

#include "api/sip_text.h"

#define VALUE_MAX ((size_t)1 << 20) /* more than a message has */
#define TEXT_MAX  1024

static void small_letters(struct buf *b)
{
    for (size_t i = 0; i < b->size; i++)
        if (b->data[i] >= 'A' && b->data[i] <= 'Z')
            b->data[i] |= 0x20;
}

void header_search_init(struct header_search *s, const char *name, const char *text)
{
    *s = (struct header_search){.name = sip_name_full(slice_str(name))};
    buf_init(&s->text, TEXT_MAX);
    buf_init(&s->value, VALUE_MAX);
    if (text)
        buf_str(&s->text, text);
    small_letters(&s->text);
}

void header_search_fini(struct header_search *s)
{
    buf_fini(&s->text);
    buf_fini(&s->value);
}

static bool contains(struct header_search *s, struct slice value)
{
    if (s->text.size == 0)
        return true;
    buf_clear(&s->value);
    sip_value_unfold(value, &s->value);
    small_letters(&s->value);
    return s->value.size >= s->text.size &&
           memmem(s->value.data, s->value.size, s->text.data, s->text.size) != NULL;
}

bool header_search_matches(struct header_search *s, const struct record_message *m)
{
    struct sip_text text;
    struct sip_field f;

    s->bytes += m->raw.size;
    sip_text_split(m->raw, &text);
    while (sip_text_field(&text.fields, &f))
        if (slice_equal_nocase(f.name, s->name) && contains(s, f.value))
            return true;
    return false;
}
