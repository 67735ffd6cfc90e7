/* expat reads, the callbacks build the tree. expat works on the document where it lies and
 * allocates in proportion to it; without a document type there is nothing that grows. Namespaces
 * are resolved here and not by expat, which would hash the whole URI again for each prefixed
 * attribute.
 *
 * Names and text are collected one behind the other in `text`, which never moves: the run of an
 * element is whole when its data came in several pieces without another element in between. */
#include "capture/body/xml.h"

#include <expat.h>
#include <stdlib.h>

#define XMLNS     "xmlns"
#define XML_SPACE "http://www.w3.org/XML/1998/namespace"

struct space {
    struct slice prefix;
    struct slice uri;
    unsigned depth; /* of the element that declares it */
};

struct xml {
    XML_Parser parser;
    uint64_t seed;
    enum xml_verdict verdict;
    bool whole; /* there is a tree */
    unsigned node_count;
    unsigned attribute_count;
    unsigned space_count;
    unsigned depth;
    uint16_t open[XML_DEPTH_MAX];   /* the elements around, outermost first */
    uint16_t newest[XML_DEPTH_MAX]; /* last child of each; 0: none */
    size_t text_size;
    struct space spaces[XML_SPACES_MAX];
    struct xml_node nodes[XML_NODES_MAX];
    struct xml_attribute attributes[XML_ATTRIBUTES_MAX];
    uint8_t text[XML_SIZE_MAX];
};

static void stop(struct xml *x, enum xml_verdict why)
{
    if (x->verdict == XML_OK)
        x->verdict = why;
    XML_StopParser(x->parser, XML_FALSE);
}

static struct slice keep(struct xml *x, const char *data, size_t size)
{
    if (size > sizeof x->text - x->text_size) {
        stop(x, XML_LIMIT);
        return slice_none();
    }
    uint8_t *at = x->text + x->text_size;
    memcpy(at, data, size);
    x->text_size += size;
    return slice_of(at, size);
}

/* ---- namespaces ---- */

/* The prefix of "p:name", empty without one; *ret_local is the rest. */
static struct slice prefix_of(struct slice name, struct slice *ret_local)
{
    size_t colon = slice_index(name, ':');
    *ret_local = colon < name.size ? slice_from(name, colon + 1) : name;
    return colon < name.size ? slice_sub(name, 0, colon) : slice_none();
}

static void declare(struct xml *x, struct slice prefix, const char *uri)
{
    if (x->space_count == XML_SPACES_MAX) {
        stop(x, XML_LIMIT);
        return;
    }
    struct slice kept = keep(x, (const char *)prefix.data, prefix.size);
    x->spaces[x->space_count++] =
        (struct space){.prefix = kept, .uri = keep(x, uri, strlen(uri)), .depth = x->depth};
}

static struct slice space_of(const struct xml *x, struct slice prefix)
{
    for (unsigned i = x->space_count; i-- > 0;) {
        if (slice_equal(x->spaces[i].prefix, prefix))
            return x->spaces[i].uri;
    }
    return slice_is(prefix, "xml") ? slice_str(XML_SPACE) : slice_none();
}

/* ---- what expat tells ---- */

static void take_attribute(struct xml *x, struct xml_node *n, const char *name, const char *value)
{
    struct slice local, prefix = prefix_of(slice_str(name), &local);
    if (slice_is(prefix, XMLNS)) {
        declare(x, local, value);
        return;
    }
    if (prefix.size == 0 && slice_is(local, XMLNS)) {
        declare(x, slice_of(name, 0), value);
        return;
    }
    if (n->attribute_count == XML_ELEMENT_ATTRS || x->attribute_count == XML_ATTRIBUTES_MAX) {
        stop(x, XML_LIMIT);
        return;
    }
    struct xml_attribute *a = &x->attributes[x->attribute_count++];
    a->name = keep(x, (const char *)local.data, local.size);
    a->value = keep(x, value, strlen(value));
    n->attribute_count++;
}

static void hang_in(struct xml *x, uint16_t index)
{
    if (x->depth == 0)
        return;
    uint16_t *newest = &x->newest[x->depth - 1];
    if (*newest)
        x->nodes[*newest].next = index;
    else
        x->nodes[x->open[x->depth - 1]].child = index;
    *newest = index;
}

static void XMLCALL opened(void *user, const char *name, const char **attributes)
{
    struct xml *x = user;
    if (x->depth == XML_DEPTH_MAX || x->node_count == XML_NODES_MAX) {
        stop(x, x->depth == XML_DEPTH_MAX ? XML_DEPTH : XML_LIMIT);
        return;
    }
    uint16_t index = (uint16_t)x->node_count++;
    struct xml_node *n = &x->nodes[index];
    *n = (struct xml_node){.first_attribute = (uint16_t)x->attribute_count};
    hang_in(x, index);
    for (; *attributes && x->verdict == XML_OK; attributes += 2)
        take_attribute(x, n, attributes[0], attributes[1]);
    struct slice local, prefix = prefix_of(slice_str(name), &local);
    n->name = keep(x, (const char *)local.data, local.size);
    n->space = space_of(x, prefix);
    x->open[x->depth] = index;
    x->newest[x->depth] = 0;
    x->depth++;
}

static void XMLCALL closed(void *user, const char *name)
{
    struct xml *x = user;
    (void)name;
    if (x->verdict != XML_OK)
        return;
    x->depth--;
    struct xml_node *n = &x->nodes[x->open[x->depth]];
    n->text = slice_trim(n->text);
    while (x->space_count && x->spaces[x->space_count - 1].depth == x->depth)
        x->space_count--;
}

static void XMLCALL said(void *user, const char *data, int size)
{
    struct xml *x = user;
    if (x->verdict != XML_OK || x->depth == 0)
        return;
    struct xml_node *n = &x->nodes[x->open[x->depth - 1]];
    bool goes_on = n->text.size && n->text.data + n->text.size == x->text + x->text_size;
    if (!goes_on && slice_trim(n->text).size)
        return; /* text behind a child: nobody asks for it */
    struct slice piece = keep(x, data, (size_t)size);
    n->text = goes_on ? slice_of(n->text.data, n->text.size + piece.size) : piece;
}

static void XMLCALL doctype(void *user, const char *name, const char *system, const char *public,
                            int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    stop(user, XML_DOCTYPE);
}

/* ---- a document ---- */

struct xml *xml_new(uint64_t seed)
{
    struct xml *x = calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    x->seed = seed;
    x->parser = XML_ParserCreate(NULL);
    if (x->parser == NULL) {
        free(x);
        return NULL;
    }
    return x;
}

void xml_free(struct xml *x)
{
    if (x == NULL)
        return;
    XML_ParserFree(x->parser);
    free(x);
}

/* A reset forgets salt and handlers. */
static bool begin(struct xml *x)
{
    x->verdict = XML_OK;
    x->whole = false;
    x->node_count = x->attribute_count = x->space_count = x->depth = 0;
    x->text_size = 0;
    if (!XML_ParserReset(x->parser, NULL))
        return false;
    XML_SetHashSalt(x->parser, (unsigned long)x->seed | 1); /* 0 would mean: ask the system */
    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, opened, closed);
    XML_SetCharacterDataHandler(x->parser, said);
    XML_SetStartDoctypeDeclHandler(x->parser, doctype);
    return true;
}

static enum xml_verdict failure(struct xml *x)
{
    if (x->verdict != XML_OK)
        return x->verdict;
    return XML_GetErrorCode(x->parser) == XML_ERROR_NO_MEMORY ? XML_MEMORY : XML_SYNTAX;
}

enum xml_verdict xml_read(struct xml *x, struct slice document)
{
    x->whole = false;
    if (document.size > XML_SIZE_MAX)
        return XML_SIZE;
    if (!begin(x))
        return XML_MEMORY;
    document = slice_trim(document); /* a declaration may stand at the very beginning only */
    const char *data = document.size ? (const char *)document.data : "";
    if (XML_Parse(x->parser, data, (int)document.size, XML_TRUE) != XML_STATUS_OK)
        return failure(x);
    x->whole = x->verdict == XML_OK && x->node_count > 0;
    return x->whole ? XML_OK : failure(x);
}

enum xml_verdict xml_read_root(struct xml *x, struct slice document, const char *root)
{
    enum xml_verdict v = xml_read(x, document);
    if (v != XML_OK)
        return v;
    return slice_is(x->nodes[0].name, root) ? XML_OK : XML_NOT_THIS;
}

/* ---- the tree ---- */

const struct xml_node *xml_root(const struct xml *x)
{
    return x->whole ? &x->nodes[0] : NULL;
}

static const struct xml_node *find(const struct xml *x, uint16_t index, const char *name)
{
    for (; index; index = x->nodes[index].next) {
        if (name == NULL || slice_is(x->nodes[index].name, name))
            return &x->nodes[index];
    }
    return NULL;
}

const struct xml_node *xml_child(const struct xml *x, const struct xml_node *n, const char *name)
{
    return n ? find(x, n->child, name) : NULL;
}

const struct xml_node *xml_next(const struct xml *x, const struct xml_node *n, const char *name)
{
    return n ? find(x, n->next, name) : NULL;
}

struct slice xml_text(const struct xml_node *n)
{
    return n ? n->text : slice_none();
}

struct slice xml_child_text(const struct xml *x, const struct xml_node *n, const char *name)
{
    return xml_text(xml_child(x, n, name));
}

struct slice xml_attribute(const struct xml *x, const struct xml_node *n, const char *name)
{
    for (unsigned i = 0; n && i < n->attribute_count; i++) {
        const struct xml_attribute *a = &x->attributes[n->first_attribute + i];
        if (slice_is(a->name, name))
            return a->value;
    }
    return slice_none();
}
