/* See yaml.h. The file is one buffer that is cut up in place; lines are told apart by how far they are indented. A list's dash is
 * overwritten by a blank once it is seen, so that what stands behind it is a line like any other. */
#include "api/describe/yaml.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX  (8u << 20)
#define NODES_MAX 200000
#define DEPTH_MAX 64

struct reader {
    const char *path;
    char *begin, *at;
    unsigned depth;
};

/* Static, so that leak checkers know that they are held. */
static char bytes[FILE_MAX], texts[FILE_MAX];
static size_t texts_used;
static struct yaml nodes[NODES_MAX];
static unsigned node_count;

__attribute__((format(printf, 2, 3), noreturn)) static void refuse(const struct reader *r, const char *format, ...)
{
    unsigned line = 1;
    va_list args;
    for (const char *p = r->begin; p < r->at; p++)
        line += *p == '\n';
    fprintf(stderr, "%s:%u: ", r->path, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static struct yaml *node_new(struct reader *r, enum yaml_kind kind)
{
    if (node_count == NODES_MAX)
        refuse(r, "too many nodes");
    nodes[node_count].kind = kind;
    return &nodes[node_count++];
}

/* ---- texts ---- */

static void put(struct reader *r, char c)
{
    if (texts_used + 2 > sizeof texts)
        refuse(r, "too much text");
    texts[texts_used++] = c;
}

static const char *put_end(struct reader *r, size_t from)
{
    put(r, '\0');
    return &texts[from];
}

static bool is_number(const char *s)
{
    char *end;
    if (!isdigit((unsigned char)s[*s == '-']))
        return false;
    (void)strtod(s, &end);
    return *end == '\0' && strpbrk(s, "xXnN") == NULL;
}

static bool is_word_of_yaml(const char *s)
{
    static const char *const WORDS[] = {"null", "true", "false", "~", "yes", "no", "on", "off", "Yes", "No", "True", "False", "Null"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strcmp(s, WORDS[i]) == 0)
            return true;
    return false;
}

/* Plain text: a word of JSON stays one, a word that only YAML takes for another thing has to be quoted. */
static struct yaml *plain(struct reader *r, const char *from, const char *end)
{
    size_t at = texts_used;
    while (end > from && isspace((unsigned char)end[-1]))
        end--;
    for (const char *p = from; p < end; p++)
        put(r, *p);
    const char *text = put_end(r, at);
    bool json = strcmp(text, "null") == 0 || strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
    if (*text == '\0' || (is_word_of_yaml(text) && !json) || strchr("&*!|>@`%'", *text))
        refuse(r, "\"%s\" has to be quoted", text);
    struct yaml *n = node_new(r, json || is_number(text) ? YAML_PLAIN : YAML_TEXT);
    n->text = text;
    return n;
}

/* At its first quote. A line break in it, with the blanks around, is one blank. */
static const char *quoted(struct reader *r)
{
    size_t from = texts_used;
    for (r->at++; *r->at != '"'; r->at++) {
        if (*r->at == '\0')
            refuse(r, "a quoted text has no end");
        if (*r->at == '\n') {
            while (texts_used > from && texts[texts_used - 1] == ' ')
                texts_used--;
            put(r, ' ');
            r->at += strspn(r->at + 1, " ");
        } else if (*r->at == '\\') {
            char c = *++r->at;
            if (c != '"' && c != '\\' && c != 'n' && c != 't')
                refuse(r, "\\%c is not known", c);
            put(r, c == 'n' ? '\n' : c == 't' ? '\t' : c);
        } else {
            put(r, *r->at);
        }
    }
    r->at++;
    return put_end(r, from);
}

/* ---- children ---- */

static void add(struct reader *r, struct yaml *parent, struct yaml **last, struct yaml *child)
{
    for (const struct yaml *n = parent->first; n && child->key; n = n->next)
        if (strcmp(n->key, child->key) == 0)
            refuse(r, "\"%s\" is given twice", child->key);
    *(*last ? &(*last)->next : &parent->first) = child;
    *last = child;
}

/* A key and the colon behind it; NULL: what stands here is none. */
static const char *key_at(struct reader *r)
{
    char *p = r->at;
    const char *key;
    size_t from = texts_used;
    if (*p == '"') {
        key = quoted(r);
        if (*r->at != ':')
            refuse(r, "a key without a colon");
        r->at++;
        return key;
    }
    while (*p != '\n' && *p && !(*p == ':' && (p[1] == ' ' || p[1] == '\n')))
        p++;
    if (*p != ':')
        return NULL;
    for (const char *c = r->at; c < p; c++)
        put(r, *c);
    r->at = p + 1;
    return put_end(r, from);
}

/* ---- flow: {a: b, c: [d]} ---- */

static struct yaml *flow(struct reader *r);

static void skip_space(struct reader *r)
{
    r->at += strspn(r->at, " \n");
}

static struct yaml *flow_many(struct reader *r)
{
    bool map = *r->at == '{';
    char end = map ? '}' : ']';
    struct yaml *n = node_new(r, map ? YAML_MAP : YAML_LIST), *last = NULL;
    if (++r->depth > DEPTH_MAX)
        refuse(r, "too deep");
    r->at++;
    skip_space(r);
    while (*r->at != end) {
        const char *key = map ? key_at(r) : NULL;
        if (map && key == NULL)
            refuse(r, "a key is missing");
        struct yaml *value = flow(r);
        value->key = key;
        add(r, n, &last, value);
        skip_space(r);
        if (*r->at == ',')
            r->at++;
        else if (*r->at != end)
            refuse(r, "neither , nor %c", end);
        skip_space(r);
    }
    r->at++;
    r->depth--;
    return n;
}

static struct yaml *flow(struct reader *r)
{
    skip_space(r);
    if (*r->at == '{' || *r->at == '[')
        return flow_many(r);
    if (*r->at == '"') {
        const char *text = quoted(r);
        struct yaml *n = node_new(r, YAML_TEXT);
        n->text = text;
        return n;
    }
    const char *from = r->at;
    r->at += strcspn(r->at, ",]}\n");
    return plain(r, from, r->at);
}

/* ---- blocks ---- */

/* To the beginning of the next line that says something; its indentation, or -1 at the end. */
static int next_line(struct reader *r)
{
    for (;;) {
        size_t blanks = strspn(r->at, " ");
        char c = r->at[blanks];
        if (c == '\0')
            return -1;
        if (c != '\n' && c != '#')
            return (int)blanks;
        r->at += strcspn(r->at, "\n");
        r->at += *r->at == '\n';
    }
}

/* What may stand behind a value on its line. */
static void end_of_line(struct reader *r)
{
    r->at += strspn(r->at, " ");
    if (*r->at == '#')
        r->at += strcspn(r->at, "\n");
    if (*r->at != '\n' && *r->at)
        refuse(r, "what is this behind a value: %.20s", r->at);
    r->at += *r->at == '\n';
}

static bool folds(const char *line_end, size_t indent)
{
    return strspn(line_end + 1, " ") >= indent && line_end[1 + indent] != '\n';
}

/* | or > with what belongs to it: all lines that stand further in than `indent`. */
static struct yaml *block_text(struct reader *r, int indent)
{
    struct yaml *n = node_new(r, YAML_TEXT);
    bool fold = *r->at == '>', strip = r->at[1] == '-';
    size_t from = texts_used, wide = 0;
    r->at += 1 + strip;
    end_of_line(r);
    for (;;) {
        size_t blanks = strspn(r->at, " ");
        if (r->at[blanks] == '\0' || (r->at[blanks] != '\n' && (int)blanks <= indent))
            break;
        if (wide == 0)
            wide = blanks;
        for (r->at += blanks < wide ? blanks : wide; *r->at != '\n' && *r->at; r->at++)
            put(r, *r->at);
        put(r, fold && folds(r->at, wide) ? ' ' : '\n');
        r->at += *r->at == '\n';
    }
    while (texts_used > from && strchr(" \n", texts[texts_used - 1]))
        texts_used--;
    if (!strip)
        put(r, '\n');
    n->text = put_end(r, from);
    return n;
}

static struct yaml *block(struct reader *r);

/* Behind "key:" of a mapping that stands at `indent`. */
static struct yaml *value(struct reader *r, int indent)
{
    r->at += strspn(r->at, " ");
    if (*r->at == '\n' || *r->at == '#') {
        end_of_line(r);
        if (next_line(r) <= indent)
            refuse(r, "a key without a value");
        return block(r);
    }
    if (*r->at == '|' || *r->at == '>')
        return block_text(r, indent);
    struct yaml *n;
    if (strchr("{[\"", *r->at)) {
        n = flow(r);
    } else {
        char *end = r->at + strcspn(r->at, "\n"), *comment = strstr(r->at, " #");
        n = plain(r, r->at, comment && comment < end ? comment : end);
        if (strstr(n->text, ": "))
            refuse(r, "\"%s\" has to be quoted", n->text);
        r->at = end;
    }
    end_of_line(r);
    return n;
}

static struct yaml *block_list(struct reader *r, int indent)
{
    struct yaml *n = node_new(r, YAML_LIST), *last = NULL;
    while (next_line(r) == indent && r->at[indent] == '-' && r->at[indent + 1] == ' ') {
        r->at[indent] = ' ';
        char *inside = r->at + strspn(r->at, " ");
        if (strchr("{[\"", *inside)) {
            r->at = inside;
            add(r, n, &last, flow(r));
            end_of_line(r);
        } else {
            add(r, n, &last, block(r));
        }
    }
    return n;
}

static struct yaml *block(struct reader *r)
{
    int indent = next_line(r);
    if (++r->depth > DEPTH_MAX)
        refuse(r, "too deep");
    if (r->at[indent] == '-' && r->at[indent + 1] == ' ') {
        r->depth--;
        return block_list(r, indent);
    }
    struct yaml *n = node_new(r, YAML_MAP), *last = NULL;
    for (int here = indent; here == indent; here = next_line(r)) {
        r->at += indent;
        const char *key = key_at(r);
        if (key == NULL && last)
            refuse(r, "no key");
        if (key == NULL) { /* a list's plain item */
            r->depth--;
            char *end = r->at + strcspn(r->at, "\n");
            struct yaml *item = plain(r, r->at, end);
            r->at = end + (*end == '\n');
            return item;
        }
        struct yaml *v = value(r, indent);
        v->key = key;
        add(r, n, &last, v);
    }
    if (next_line(r) > indent)
        refuse(r, "indented further than what it belongs to");
    r->depth--;
    return n;
}

struct yaml *yaml_read(const char *path)
{
    struct reader r = {.path = path, .begin = bytes, .at = bytes};
    FILE *f = fopen(path, "rb");
    size_t size = f ? fread(bytes, 1, sizeof bytes - 1, f) : 0;
    if (f == NULL || size == 0 || size == sizeof bytes - 1)
        refuse(&r, "cannot be read");
    fclose(f);
    struct yaml *root = block(&r);
    if (next_line(&r) >= 0)
        refuse(&r, "what is this?");
    return root;
}

/* ---- looking ---- */

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    if (map == NULL || map->kind != YAML_MAP)
        return NULL;
    for (const struct yaml *n = map->first; n; n = n->next)
        if (strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

const char *yaml_text(const struct yaml *map, const char *key)
{
    const struct yaml *n = yaml_get(map, key);
    return n ? n->text : NULL;
}

const struct yaml *yaml_resolve(const struct yaml *root, const struct yaml *node)
{
    char part[256];
    const char *at = yaml_text(node, "$ref");
    if (at == NULL || strncmp(at, "#/", 2) != 0)
        return node;
    const struct yaml *n = root;
    for (at += 1; *at == '/' && n; at += strcspn(at, "/")) {
        at++;
        snprintf(part, sizeof part, "%.*s", (int)strcspn(at, "/"), at);
        n = yaml_get(n, part);
    }
    if (n)
        return n;
    fprintf(stderr, "%s names nothing\n", yaml_text(node, "$ref"));
    exit(1);
}
