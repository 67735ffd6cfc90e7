/* Texts are made comparable here (folds, quotes, letters of hexadecimal, order of halves), so that
 * a key is equal to another byte by byte or not at all. */
#include "capture/call/keys.h"

#include <stdio.h>

#include "base/crypto.h"

#define VALUE_READ_MAX 1024
#define HEAD_KEPT      (CALL_KEY_MAX - 65)
#define HALF_SIZE      32
#define ORIGIN_ID_MIN  4
#define SDP_WORD_MAX   60

static const uint8_t MOST[CALL_KEY_KINDS] = {
    [CALL_KEY_SESSION_ID] = 3, [CALL_KEY_HEADER] = 6, [CALL_KEY_ICID] = 2,  [CALL_KEY_REPLACES] = 1,
    [CALL_KEY_JOIN] = 1,       [CALL_KEY_SDP] = 4,    [CALL_KEY_MEDIA] = 6,
};

/* ---- the list ---- */

static struct slice value_of(const struct call_key *k)
{
    return slice_of(k->value, k->size);
}

/* Where a new key of this kind goes; NULL: it is there, or there is no room. */
static struct call_key **place(struct call *call, enum call_key_kind kind, const char *name,
                               struct slice value)
{
    struct call_key **end = &call->keys;
    unsigned all = 0, like = 0;
    for (; *end; end = &(*end)->next, all++) {
        const struct call_key *k = *end;
        like += k->kind == kind;
        if (k->kind == kind && slice_equal(value_of(k), value) &&
            (name == NULL || strcmp(k->name, name) == 0))
            return NULL;
    }
    return all < CALL_KEYS_MAX && like < MOST[kind] ? end : NULL;
}

static struct call_key *key_new(struct call *call, enum call_key_kind kind, struct slice value)
{
    struct call_key *k = arena_alloc(call->arena, sizeof *k + value.size);
    if (k == NULL)
        return NULL;
    k->kind = (uint8_t)kind;
    k->size = (uint8_t)value.size;
    memcpy(k->value, value.data, value.size);
    return k;
}

/* The value, or what stands for a long one; lives in `out`. */
static struct slice shortened(struct slice value, char out[CALL_KEY_MAX + 1])
{
    uint8_t digest[32];
    if (value.size <= CALL_KEY_MAX)
        return value;
    crypto_sha256(value, digest);
    memcpy(out, value.data, HEAD_KEPT);
    out[HEAD_KEPT] = '~';
    crypto_hex(slice_of(digest, sizeof digest), out + HEAD_KEPT + 1);
    return slice_of(out, CALL_KEY_MAX);
}

static void add(struct call *call, enum call_key_kind kind, const char *name, struct slice value)
{
    char text[CALL_KEY_MAX + 1];
    value = shortened(value, text);
    struct call_key **end = value.size ? place(call, kind, name, value) : NULL;
    struct call_key *k = end ? key_new(call, kind, value) : NULL;
    if (k == NULL)
        return;
    k->name = name ? arena_str(call->arena, slice_str(name)) : NULL;
    *end = k;
}

/* ---- Session-ID ---- */

/* 32 hexadecimal digits, dashes between them tolerated; false for anything else and for zeros. */
static bool read_half(struct slice text, char out[HALF_SIZE])
{
    unsigned n = 0;
    bool zeros = true;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '-')
            continue;
        if (c >= 'A' && c <= 'F')
            c |= 0x20;
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) || n == HALF_SIZE)
            return false;
        zeros &= c == '0';
        out[n++] = (char)c;
    }
    return n == HALF_SIZE && !zeros;
}

/* Both halves in order with ';' between, one alone, or nothing. */
static struct slice session_of(struct slice value, char out[2 * HALF_SIZE + 1])
{
    char half[2][HALF_SIZE];
    struct slice rest = value, remote;
    struct slice local = slice_trim(slice_cut(&rest, ';'));
    unsigned count = read_half(local, half[0]);
    if (sip_param(rest, "remote", &remote))
        count += read_half(remote, half[count]);
    if (count == 2 && memcmp(half[0], half[1], HALF_SIZE) == 0)
        count = 1;
    bool swap = count == 2 && memcmp(half[0], half[1], HALF_SIZE) > 0;
    if (count == 0)
        return slice_none();
    memcpy(out, half[swap], HALF_SIZE);
    if (count == 1)
        return slice_of(out, HALF_SIZE);
    out[HALF_SIZE] = ';';
    memcpy(out + HALF_SIZE + 1, half[!swap], HALF_SIZE);
    return slice_of(out, 2 * HALF_SIZE + 1);
}

static bool has_half(struct slice session, const uint8_t *half)
{
    for (size_t at = 0; at + HALF_SIZE <= session.size; at += HALF_SIZE + 1)
        if (memcmp(session.data + at, half, HALF_SIZE) == 0)
            return true;
    return false;
}

/* A half that was missing takes the place of what was known without it. */
static void note_session(struct call *call, struct slice header)
{
    char text[2 * HALF_SIZE + 1];
    struct slice session = session_of(header, text);
    for (struct call_key **at = &call->keys; *at && session.size; at = &(*at)->next) {
        struct call_key *k = *at;
        if (k->kind != CALL_KEY_SESSION_ID)
            continue;
        if (slice_equal(value_of(k), session) ||
            (session.size == HALF_SIZE && has_half(value_of(k), session.data)))
            return;
        if (k->size != HALF_SIZE || !has_half(session, k->value))
            continue;
        struct call_key *whole = key_new(call, CALL_KEY_SESSION_ID, session);
        if (whole) {
            whole->next = k->next;
            *at = whole;
        }
        return;
    }
    add(call, CALL_KEY_SESSION_ID, NULL, session);
}

/* ---- headers of the INVITE ---- */

static bool begins_like(uint8_t byte, const char *name)
{
    return (byte | 0x20) == ((uint8_t)name[0] | 0x20);
}

/* Under its own name or, written in the compact form, the long one. */
static bool is_named(const struct sip_header_line *line, const char *name)
{
    const char *known = sip_header_name(line->id);
    if (!begins_like(line->name.data[0], name) && !begins_like((uint8_t)known[0], name))
        return false; /* that is how most of them end */
    if (slice_is_nocase(line->name, name))
        return true;
    return line->id != SIP_H_OTHER && strcasecmp(known, name) == 0;
}

static void note_line(const struct front_config *config, struct call *call,
                      const struct sip_header_line *line)
{
    char text[VALUE_READ_MAX + 1];
    struct slice icid, rest;
    if (line->id == SIP_H_REPLACES || line->id == SIP_H_JOIN) {
        rest = line->value;
        add(call, line->id == SIP_H_JOIN ? CALL_KEY_JOIN : CALL_KEY_REPLACES, NULL,
            slice_trim(slice_cut(&rest, ';')));
    } else if (line->id == SIP_H_OTHER && slice_is_nocase(line->name, "P-Charging-Vector") &&
               sip_param(line->value, "icid-value", &icid)) {
        add(call, CALL_KEY_ICID, NULL, icid);
    }
    for (unsigned i = 0; i < config->correlation_count; i++)
        if (is_named(line, config->correlation[i])) {
            size_t n = sip_unfold(line->value, text, sizeof text);
            add(call, CALL_KEY_HEADER, config->correlation[i], slice_of(text, n));
        }
}

void keys_note(const struct front_config *config, struct call *call, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    bool begins = m->request && m->method == SIP_INVITE && s->to_tag == 0;
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header_line *line = &m->headers[i];
        if (line->id == SIP_H_SESSION_ID)
            note_session(call, line->value);
        if (begins)
            note_line(config, call, line);
    }
}

/* ---- SDP ---- */

static void note_media(struct call *call, const struct endpoint *at)
{
    char text[ENDPOINT_TEXT_SIZE + 16];
    endpoint_text(at, text);
    if (at->space) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "#%u", (unsigned)at->space);
    }
    add(call, CALL_KEY_MEDIA, NULL, slice_str(text));
}

/* Up to a NUL, which is no part of any word; returns its length. */
static size_t put_word(char *out, struct slice word)
{
    word = slice_sub(word, 0, SDP_WORD_MAX);
    word = slice_sub(word, 0, slice_index(word, '\0'));
    memcpy(out, word.data, word.size);
    return word.size;
}

void keys_sdp(struct call *call, const struct sighting *s, const struct sdp *sdp)
{
    char text[CALL_KEY_MAX];
    if (sdp->origin_id.size >= ORIGIN_ID_MIN) {
        size_t n = put_word(text, sdp->origin_id);
        text[n++] = ' ';
        n += put_word(text + n, sdp->origin_address);
        add(call, CALL_KEY_SDP, NULL, slice_of(text, n));
    }
    for (unsigned i = 0; i < sdp->media_count && i < MOST[CALL_KEY_MEDIA]; i++) {
        const struct sdp_media *m = &sdp->media[i];
        struct endpoint at = {.addr = m->address, .space = s->d->src.space, .port = m->port};
        if (m->port && m->has_address && !addr_is_any(m->address))
            note_media(call, &at);
    }
}
