#include "storage/correlate_index.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

#define WORDS_MAX   4 /* of one header */
#define STREAMS_MAX 4 /* looked at */
#define HALF_SIZE   32

static const struct hash_seed SEED = {UINT64_C(0x65617273686f7431), UINT64_C(0x6c656773206f6631)};

static void add(struct correlate_entries *out, enum correlate_class class, uint64_t salt,
                struct slice value)
{
    uint64_t words[3] = {class, salt, hash_bytes(&SEED, value.data, value.size)};
    int64_t hash = (int64_t)hash_words(&SEED, words, 3);
    if (value.size == 0 || out->count == CORRELATE_ENTRIES_MAX)
        return;
    for (unsigned i = 0; i < out->count; i++)
        if (out->entry[i].hash == hash)
            return;
    out->entry[out->count++] =
        (struct correlate_entry){.class = (uint8_t) class, .hash = hash, .value = value};
}

bool correlate_is_kind(const struct record_key *k, const char *kind)
{
    return k->kind && strcmp(k->kind, kind) == 0;
}

struct slice correlate_call_id_local(struct slice call_id)
{
    return slice_sub(call_id, 0, slice_index(call_id, '@'));
}

static bool parts_words(uint8_t c)
{
    return c <= ' ' || strchr(",;=<>\"", c) != NULL;
}

bool correlate_word_next(struct slice *rest, struct slice *ret_word)
{
    size_t from = 0, to;
    while (from < rest->size && parts_words(rest->data[from]))
        from++;
    for (to = from; to < rest->size && !parts_words(rest->data[to]);)
        to++;
    *ret_word = slice_sub(*rest, from, to);
    *rest = slice_from(*rest, to);
    return ret_word->size > 0;
}

static void add_words(struct correlate_entries *out, struct slice value)
{
    struct slice word;
    for (unsigned n = 0; n < WORDS_MAX && correlate_word_next(&value, &word);)
        if (word.size >= CORRELATE_REFERENCE_MIN) {
            add(out, CLASS_REFERENCE, 0, word);
            n++;
        }
}

static void add_session(struct correlate_entries *out, struct slice value)
{
    add(out, CLASS_SESSION, 0, slice_sub(value, 0, HALF_SIZE));
    add(out, CLASS_SESSION, 0, slice_from(value, HALF_SIZE + 1));
}

static void add_key(struct correlate_entries *out, const struct record_key *k)
{
    if (correlate_is_kind(k, "session_id")) {
        add_session(out, k->value);
    } else if (correlate_is_kind(k, "header")) {
        add(out, CLASS_HEADER, hash_bytes(&SEED, k->name.data, k->name.size), k->value);
        add_words(out, k->value);
    } else if (correlate_is_kind(k, "icid")) {
        add(out, CLASS_ICID, 0, k->value);
    } else if (correlate_is_kind(k, "replaces") || correlate_is_kind(k, "join")) {
        add(out, CLASS_REFERENCE, 0, k->value);
    } else if (correlate_is_kind(k, "sdp_origin")) {
        add(out, CLASS_SDP, 0, k->value);
    }
}

/* As the front writes it into a key. */
static void add_endpoint(struct correlate_entries *out, const struct endpoint *e)
{
    char text[ENDPOINT_TEXT_SIZE + 16];
    unsigned before = out->count;
    if (e->port == 0 || addr_is_any(e->addr))
        return;
    endpoint_text(e, text);
    size_t n = strlen(text);
    if (e->space)
        snprintf(text + n, sizeof text - n, "#%u", (unsigned)e->space);
    add(out, CLASS_MEDIA, 0, slice_str(text));
    if (out->count > before)
        out->entry[before].value = slice_none(); /* it stood on the stack */
}

static void add_media(struct correlate_entries *out, const struct call_record *r)
{
    for (uint32_t i = 0; i < r->key_count; i++)
        if (correlate_is_kind(&r->keys[i], "media"))
            add(out, CLASS_MEDIA, 0, r->keys[i].value);
    for (uint32_t i = 0; i < r->stream_count && i < STREAMS_MAX; i++) {
        add_endpoint(out, &r->streams[i].src);
        add_endpoint(out, &r->streams[i].dst);
    }
}

static void add_numbers(struct correlate_entries *out, const struct call_record *r)
{
    struct slice caller = r->identity.caller.number, callee = r->identity.callee.number;
    if (caller.size && callee.size)
        add(out, CLASS_NUMBERS, hash_bytes(&SEED, caller.data, caller.size), callee);
}

static void add_call_id_parts(struct correlate_entries *out, const struct call_record *r)
{
    struct slice local = correlate_call_id_local(r->call_id);
    if (r->call_id_chars == 0 || local.size < r->call_id_chars)
        return;
    add(out, CLASS_HEAD, 0, slice_sub(local, 0, r->call_id_chars));
    add(out, CLASS_TAIL, 0, slice_from(local, local.size - r->call_id_chars));
}

void correlate_entries(const struct call_record *r, struct correlate_entries *out)
{
    out->count = 0;
    for (uint32_t i = 0; i < r->key_count; i++)
        add_key(out, &r->keys[i]);
    add(out, CLASS_GROUP, 0, slice_str(r->related.group_id));
    add_numbers(out, r);
    add_call_id_parts(out, r);
    add_media(out, r);
}

void correlate_references(const struct call_record *r, struct correlate_entries *out)
{
    struct slice local = correlate_call_id_local(r->call_id);
    out->count = 0;
    if (r->call_id.size >= CORRELATE_REFERENCE_MIN)
        add(out, CLASS_REFERENCE, 0, r->call_id);
    if (local.size >= CORRELATE_REFERENCE_MIN)
        add(out, CLASS_REFERENCE, 0, local);
}
