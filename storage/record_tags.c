/* Keys are few: they are kept in order by insertion. */
#include "storage/record_tags.h"

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

bool record_tag_key_valid(struct slice key)
{
    for (size_t i = 0; i < key.size; i++)
        if (!is_word(key.data[i]))
            return false;
    return key.size > 0 && key.size <= RECORD_TAG_KEY_MAX;
}

/* C0, DEL, and C1 as UTF-8 writes it. */
bool record_tag_value_valid(struct slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.data[i], next = i + 1 < value.size ? value.data[i + 1] : 0;
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0))
            return false;
    }
    return value.size > 0 && value.size <= RECORD_TAG_VALUE_MAX;
}

bool record_tags_set(struct record_tags *t, struct slice key, struct slice value)
{
    char name[RECORD_TAG_KEY_MAX + 1];
    unsigned at = 0;
    if (!record_tag_key_valid(key) || !record_tag_value_valid(value))
        return false;
    slice_copy_to(key, name, sizeof name);
    while (at < t->count && strcmp(t->tag[at].key, name) < 0)
        at++;
    bool there = at < t->count && strcmp(t->tag[at].key, name) == 0;
    if (!there && t->count == RECORD_TAGS_MAX)
        return false;
    if (!there) {
        memmove(&t->tag[at + 1], &t->tag[at], (t->count - at) * sizeof *t->tag);
        t->count++;
    }
    memcpy(t->tag[at].key, name, sizeof name);
    slice_copy_to(value, t->tag[at].value, sizeof t->tag[at].value);
    return true;
}
