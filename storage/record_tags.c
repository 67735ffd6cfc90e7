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

static void tag_remove(struct record_tags *t, const char *key)
{
    for (unsigned i = 0; i < t->count; i++)
        if (strcmp(t->tag[i].key, key) == 0) {
            memmove(&t->tag[i], &t->tag[i + 1], (t->count - i - 1) * sizeof *t->tag);
            t->count--;
            return;
        }
}

static bool tags_equal(const struct record_tags *a, const struct record_tags *b)
{
    bool equal = a->count == b->count;
    for (unsigned i = 0; equal && i < a->count; i++)
        equal = strcmp(a->tag[i].key, b->tag[i].key) == 0 && strcmp(a->tag[i].value, b->tag[i].value) == 0;
    return equal;
}

enum record_tags_verdict record_tags_change(struct record_tags *t, const struct record_tag_change *change)
{
    struct record_tags tried = *t;
    for (unsigned i = 0; i < change->remove_count; i++)
        tag_remove(&tried, change->remove[i]);
    for (unsigned i = 0; i < change->add.count; i++)
        if (!record_tags_set(&tried, slice_str(change->add.tag[i].key), slice_str(change->add.tag[i].value)))
            return RECORD_TAGS_FULL;
    if (tags_equal(t, &tried))
        return RECORD_TAGS_SAME;
    *t = tried;
    return RECORD_TAGS_CHANGED;
}

static bool has_key(const struct record_tags *t, const char *key)
{
    for (unsigned i = 0; i < t->count; i++)
        if (strcmp(t->tag[i].key, key) == 0)
            return true;
    return false;
}

enum record_tags_verdict record_tags_add(struct record_tags *t, const struct record_tags *more)
{
    unsigned before = t->count;
    for (unsigned i = 0; i < more->count; i++)
        if (!has_key(t, more->tag[i].key))
            (void)record_tags_set(t, slice_str(more->tag[i].key), slice_str(more->tag[i].value));
    return t->count == before ? RECORD_TAGS_SAME : RECORD_TAGS_CHANGED;
}
