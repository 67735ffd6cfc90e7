/* XML documents in bodies (presence, dialogs, conferences, recording metadata), read once into a small
 * tree of fixed room. Nothing is fetched, nothing is expanded but the five entities of XML and numeric
 * references; a document type declaration ends the reading. Names are given without prefix, with the
 * namespace beside them: what phones send is often declared wrongly, so readers ask by local name.
 *
 * A `struct xml` is made once and used again for every document. All slices in a tree, and in the
 * structs that readers fill from it, live until the next xml_read() with the same reader. */
#pragma once

#include "base/slice.h"

#define XML_SIZE_MAX       (64 * 1024)
#define XML_DEPTH_MAX      32
#define XML_NODES_MAX      2048 /* elements of a document */
#define XML_ATTRIBUTES_MAX 2048 /* of a document */
#define XML_ELEMENT_ATTRS  32   /* of one element */
#define XML_SPACES_MAX     32   /* namespace declarations in force */

enum xml_verdict {
    XML_OK,
    XML_NOT_THIS, /* well-formed, but the root is not what the reader reads */
    XML_SYNTAX,   /* not well-formed, or an entity that is not declared */
    XML_DOCTYPE,  /* a document type declaration: not read */
    XML_DEPTH,    /* nested deeper than XML_DEPTH_MAX */
    XML_SIZE,     /* larger than XML_SIZE_MAX: not looked at */
    XML_LIMIT,    /* more elements, attributes, namespaces or text than there is room for */
    XML_MEMORY,
};

struct xml_attribute {
    struct slice name; /* without prefix; declarations of namespaces are not listed */
    struct slice value;
};

struct xml_node {
    struct slice name;  /* without prefix */
    struct slice space; /* namespace URI; empty: none declared */
    struct slice text;  /* first run of character data, trimmed */
    uint16_t child;     /* indices; 0: none (the root is nobody's child) */
    uint16_t next;
    uint16_t first_attribute;
    uint16_t attribute_count;
};

struct xml;

/* `seed` goes into the hashes of names, so nobody can choose colliding ones. NULL without memory. */
struct xml *xml_new(uint64_t seed);
void xml_free(struct xml *x);

/* After anything but XML_OK there is no tree. */
enum xml_verdict xml_read(struct xml *x, struct slice document);

/* NULL without a tree. Every other function takes NULL for a node and then says "nothing". */
const struct xml_node *xml_root(const struct xml *x);
/* First child, or next sibling, of that local name; any name when NULL. */
const struct xml_node *xml_child(const struct xml *x, const struct xml_node *n, const char *name);
const struct xml_node *xml_next(const struct xml *x, const struct xml_node *n, const char *name);
struct slice xml_text(const struct xml_node *n);
struct slice xml_child_text(const struct xml *x, const struct xml_node *n, const char *name);
struct slice xml_attribute(const struct xml *x, const struct xml_node *n, const char *name);
/* xml_read(), and the root must have that name: XML_NOT_THIS otherwise. */
enum xml_verdict xml_read_root(struct xml *x, struct slice document, const char *root);
