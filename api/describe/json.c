/* The tree as JSON, in the order of the file. */
#include <stdio.h>

#include "api/describe/describe.h"

static void text(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if (*s == '\n')
            fputs("\\n", out);
        else if ((unsigned char)*s < 0x20)
            fprintf(out, "\\u%04x", *s);
        else
            fputc(*s, out);
    }
    fputc('"', out);
}

static void node(FILE *out, const struct yaml *n)
{
    bool map = n->kind == YAML_MAP;
    if (n->kind == YAML_TEXT) {
        text(out, n->text);
    } else if (n->kind == YAML_PLAIN) {
        fputs(n->text, out);
    } else {
        fputc(map ? '{' : '[', out);
        for (const struct yaml *c = n->first; c; c = c->next) {
            if (map) {
                text(out, c->key);
                fputc(':', out);
            }
            node(out, c);
            if (c->next)
                fputc(',', out);
        }
        fputc(map ? '}' : ']', out);
    }
}

void describe_json(FILE *out, const struct yaml *root)
{
    node(out, root);
    fputc('\n', out);
}
