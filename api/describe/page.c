/* All routes on one page for people: no script, text as text, one style sheet. What the description says, and nothing beside it. */
#include <stdio.h>
#include <string.h>

#include "api/describe/describe.h"

static const char *const METHODS[] = {"get", "put", "post", "delete"};

struct page {
    FILE *out;
    const struct yaml *root;
};

/* ---- text ---- */

static void character(FILE *out, char c)
{
    if (c == '<')
        fputs("&lt;", out);
    else if (c == '>')
        fputs("&gt;", out);
    else if (c == '&')
        fputs("&amp;", out);
    else if (c == '"')
        fputs("&quot;", out);
    else
        fputc(c, out);
}

static void text(FILE *out, const char *s)
{
    for (; s && *s; s++)
        character(out, *s);
}

/* What stands between `marks` is code; an empty line begins a new paragraph. */
static void prose(FILE *out, const char *s)
{
    bool code = false;
    if (s == NULL)
        return;
    fputs("<p>", out);
    for (; *s; s++) {
        bool paired = code || (*s == '`' && strchr(s + 1, '`'));
        if (*s == '`' && paired) {
            fputs(code ? "</code>" : "<code>", out);
            code = !code;
        } else if (s[0] == '\n' && s[1] == '\n') {
            fputs("</p>\n<p>", out);
            s++;
        } else {
            character(out, *s);
        }
    }
    fputs(code ? "</code></p>\n" : "</p>\n", out);
}

static void code(FILE *out, const char *s)
{
    fputs("<code>", out);
    text(out, s);
    fputs("</code>", out);
}

static const char *last_part(const char *reference)
{
    return strrchr(reference, '/') + 1;
}

/* ---- schemas ---- */

static void schema(const struct page *p, const struct yaml *s);

static void values(const struct page *p, const struct yaml *list, const char *between)
{
    for (const struct yaml *v = list ? list->first : NULL; v; v = v->next) {
        code(p->out, v->text);
        if (v->next)
            fputs(between, p->out);
    }
}

static void limits(const struct page *p, const struct yaml *s)
{
    static const char *const NAMES[][2] = {{"minimum", "at least"}, {"maximum", "at most"}, {"minLength", "characters, at least"}, {"maxLength", "characters, at most"},
                                           {"minItems", "items, at least"}, {"maxItems", "items, at most"}, {"pattern", "like"}, {"default", "default"}};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const char *v = yaml_text(s, NAMES[i][0]);
        if (v == NULL)
            continue;
        fprintf(p->out, ", %s ", NAMES[i][1]);
        code(p->out, v);
    }
}

static void type(const struct page *p, const struct yaml *s)
{
    const struct yaml *t = yaml_get(s, "type"), *constant = yaml_get(s, "const");
    const char *format = yaml_text(s, "format");
    if (constant) {
        code(p->out, constant->text);
    } else if (yaml_get(s, "enum")) {
        fputs("one of ", p->out);
        values(p, yaml_get(s, "enum"), ", ");
    } else if (format) {
        text(p->out, format);
    } else if (t && t->kind == YAML_LIST) {
        for (const struct yaml *v = t->first; v; v = v->next)
            fprintf(p->out, "%s%s", v->text, v->next ? " or " : "");
    } else {
        text(p->out, t ? t->text : "");
    }
}

static bool is_in(const struct yaml *list, const char *word)
{
    for (const struct yaml *v = list ? list->first : NULL; v; v = v->next)
        if (strcmp(v->text, word) == 0)
            return true;
    return false;
}

static void properties(const struct page *p, const struct yaml *s)
{
    const struct yaml *all = yaml_get(s, "properties"), *more = yaml_get(s, "additionalProperties");
    if (all == NULL && (more == NULL || more->kind != YAML_MAP))
        return;
    fputs("<dl>\n", p->out);
    for (const struct yaml *f = all ? all->first : NULL; f; f = f->next) {
        fputs("<dt>", p->out);
        code(p->out, f->key);
        fputs(is_in(yaml_get(s, "required"), f->key) ? " <small>always</small>" : "", p->out);
        fputs("</dt><dd>", p->out);
        schema(p, f);
        fputs("</dd>\n", p->out);
    }
    if (more && more->kind == YAML_MAP) {
        fputs("<dt>any other name</dt><dd>", p->out);
        schema(p, more);
        fputs("</dd>\n", p->out);
    }
    fputs("</dl>\n", p->out);
}

static void together(const struct page *p, const struct yaml *s)
{
    static const char *const WAYS[][2] = {{"allOf", "all of"}, {"anyOf", "any of"}, {"oneOf", "one of"}};
    for (size_t i = 0; i < 3; i++) {
        const struct yaml *list = yaml_get(s, WAYS[i][0]);
        if (list == NULL)
            continue;
        fprintf(p->out, "<p>%s</p><ul>", WAYS[i][1]);
        for (const struct yaml *one = list->first; one; one = one->next) {
            fputs("<li>", p->out);
            schema(p, one);
            fputs("</li>\n", p->out);
        }
        fputs("</ul>\n", p->out);
    }
}

static void schema(const struct page *p, const struct yaml *s)
{
    const char *reference = yaml_text(s, "$ref");
    if (reference) {
        fputs("<a href=\"#schema-", p->out);
        text(p->out, last_part(reference));
        fputs("\">", p->out);
        text(p->out, last_part(reference));
        fputs("</a>", p->out);
    } else {
        fputs("<span>", p->out);
        type(p, s);
        limits(p, s);
        fputs("</span>", p->out);
    }
    prose(p->out, yaml_text(s, "description"));
    if (yaml_get(s, "items")) {
        fputs("<div>each: ", p->out);
        schema(p, yaml_get(s, "items"));
        fputs("</div>", p->out);
    }
    together(p, s);
    properties(p, s);
}

/* ---- a route ---- */

static void parameter(const struct page *p, const struct yaml *given)
{
    const struct yaml *q = yaml_resolve(p->root, given);
    const char *required = yaml_text(q, "required");
    fputs("<dt>", p->out);
    code(p->out, yaml_text(q, "name"));
    fprintf(p->out, " <small>%s%s</small></dt><dd>", yaml_text(q, "in"), required && strcmp(required, "true") == 0 ? ", always" : "");
    schema(p, yaml_get(q, "schema"));
    prose(p->out, yaml_text(q, "description"));
    fputs("</dd>\n", p->out);
}

static void parameters(const struct page *p, const struct yaml *path, const struct yaml *operation)
{
    const struct yaml *lists[] = {yaml_get(path, "parameters"), yaml_get(operation, "parameters")};
    if (lists[0] == NULL && lists[1] == NULL)
        return;
    fputs("<h4>Parameters</h4>\n<dl>\n", p->out);
    for (size_t i = 0; i < 2; i++)
        for (const struct yaml *q = lists[i] ? lists[i]->first : NULL; q; q = q->next)
            parameter(p, q);
    fputs("</dl>\n", p->out);
}

static void content(const struct page *p, const struct yaml *of)
{
    const struct yaml *kinds = yaml_get(of, "content");
    for (const struct yaml *k = kinds ? kinds->first : NULL; k; k = k->next) {
        fputs("<div><span>", p->out);
        text(p->out, k->key);
        fputs("</span> ", p->out);
        if (yaml_get(k, "schema"))
            schema(p, yaml_get(k, "schema"));
        fputs("</div>\n", p->out);
    }
}

static void answers(const struct page *p, const struct yaml *operation)
{
    const struct yaml *all = yaml_get(operation, "responses");
    fputs("<h4>Answers</h4>\n<dl>\n", p->out);
    for (const struct yaml *given = all ? all->first : NULL; given; given = given->next) {
        const struct yaml *a = yaml_resolve(p->root, given);
        fputs("<dt>", p->out);
        code(p->out, given->key);
        fputs("</dt><dd>", p->out);
        prose(p->out, yaml_text(a, "description"));
        if (a == given) /* those that are named are the same everywhere */
            content(p, a);
        fputs("</dd>\n", p->out);
    }
    fputs("</dl>\n", p->out);
}

static void method_and_path(const struct page *p, const char *method, const char *path)
{
    fprintf(p->out, "<b class=\"%s\">", method);
    for (; *method; method++)
        fputc(*method - 'a' + 'A', p->out);
    fputs("</b> ", p->out);
    code(p->out, path);
}

static void operation(const struct page *p, const struct yaml *path, const struct yaml *o)
{
    const struct yaml *body = yaml_get(o, "requestBody"), *security = yaml_get(o, "security");
    fputs("<article id=\"", p->out);
    text(p->out, yaml_text(o, "operationId"));
    fputs("\">\n<h3>", p->out);
    method_and_path(p, o->key, path->key);
    fputs("</h3>\n<p><strong>", p->out);
    text(p->out, yaml_text(o, "summary"));
    fputs("</strong></p>\n", p->out);
    prose(p->out, yaml_text(o, "description"));
    if (security && security->first == NULL)
        fputs("<p>Needs no token.</p>\n", p->out);
    parameters(p, path, o);
    if (body) {
        fputs("<h4>Body</h4>\n", p->out);
        prose(p->out, yaml_text(body, "description"));
        content(p, body);
    }
    answers(p, o);
    fputs("</article>\n", p->out);
}

/* ---- the page ---- */

typedef void each_fn(const struct page *p, const struct yaml *path, const struct yaml *operation);

/* `once`: those alone whose first tag it is. */
static void each_of_tag(const struct page *p, const char *tag, bool once, each_fn *fn)
{
    const struct yaml *paths = yaml_get(p->root, "paths");
    for (const struct yaml *path = paths->first; path; path = path->next)
        for (size_t m = 0; m < sizeof METHODS / sizeof *METHODS; m++) {
            const struct yaml *o = yaml_get(path, METHODS[m]);
            const struct yaml *its = yaml_get(o, "tags");
            if (its && (once ? strcmp(its->first->text, tag) == 0 : is_in(its, tag)))
                fn(p, path, o);
        }
}

static void entry(const struct page *p, const struct yaml *path, const struct yaml *o)
{
    fputs("<li><a href=\"#", p->out);
    text(p->out, yaml_text(o, "operationId"));
    fputs("\">", p->out);
    method_and_path(p, o->key, path->key);
    fputs("</a> <span>", p->out);
    text(p->out, yaml_text(o, "summary"));
    fputs("</span></li>\n", p->out);
}

static void head(const struct page *p)
{
    const struct yaml *info = yaml_get(p->root, "info");
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
          p->out);
    text(p->out, yaml_text(info, "title"));
    fputs("</title>\n<link rel=\"stylesheet\" href=\"../../assets/docs.css\">\n<link rel=\"icon\" href=\"../../assets/docs.svg\" type=\"image/svg+xml\">\n</head>\n<body>\n<header><a href=\"../../\">Earshot</a></header>\n<main>\n<h1>", p->out);
    text(p->out, yaml_text(info, "title"));
    fputs("</h1>\n", p->out);
    prose(p->out, yaml_text(info, "summary"));
    prose(p->out, yaml_text(info, "description"));
    fputs("<p>For programs: <a href=\"openapi.json\">openapi.json</a>, <a href=\"openapi.yaml\">openapi.yaml</a> (OpenAPI 3.1).</p>\n", p->out);
}

static void schemas(const struct page *p)
{
    const struct yaml *all = yaml_get(yaml_get(p->root, "components"), "schemas");
    fputs("<section>\n<h2 id=\"schemas\">Schemas</h2>\n", p->out);
    for (const struct yaml *s = all ? all->first : NULL; s; s = s->next) {
        fputs("<article id=\"schema-", p->out);
        text(p->out, s->key);
        fputs("\">\n<h3>", p->out);
        text(p->out, s->key);
        fputs("</h3>\n", p->out);
        schema(p, s);
        fputs("</article>\n", p->out);
    }
    fputs("</section>\n", p->out);
}

void describe_page(FILE *out, const struct yaml *root)
{
    const struct page p = {out, root};
    const struct yaml *tags = yaml_get(root, "tags");
    head(&p);
    fputs("<nav aria-label=\"Routes\">\n", out);
    for (const struct yaml *t = tags->first; t; t = t->next) {
        fputs("<h2>", out);
        text(out, yaml_text(t, "name"));
        fputs("</h2>\n", out);
        prose(out, yaml_text(t, "description"));
        fputs("<ul>\n", out);
        each_of_tag(&p, yaml_text(t, "name"), false, entry);
        fputs("</ul>\n", out);
    }
    fputs("<p><a href=\"#schemas\">Schemas</a></p>\n</nav>\n", out);
    for (const struct yaml *t = tags->first; t; t = t->next) {
        fputs("<section>\n<h2>", out);
        text(out, yaml_text(t, "name"));
        fputs("</h2>\n", out);
        each_of_tag(&p, yaml_text(t, "name"), true, operation);
        fputs("</section>\n", out);
    }
    schemas(&p);
    fputs("</main>\n</body>\n</html>\n", out);
}
