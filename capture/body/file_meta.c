/* Three places that speak of a file. */
#include "capture/body/file_meta.h"

#include "capture/body/numbers.h"

#define NOTHING ((struct file_meta){.size_bytes = -1})

static struct slice unquoted(struct slice s)
{
    bool quoted = s.size >= 2 && s.data[0] == '"' && s.data[s.size - 1] == '"';
    return quoted ? slice_sub(s, 1, s.size - 1) : s;
}

/* ---- a=file-selector ---- */

/* Takes a word off the front, quoted parts whole. */
static struct slice word(struct slice *rest)
{
    size_t end = 0;
    bool quoted = false;
    for (; end < rest->size && (quoted || rest->data[end] != ' '); end++)
        quoted ^= rest->data[end] == '"';
    struct slice w = slice_sub(*rest, 0, end);
    *rest = slice_from(*rest, end + 1);
    return w;
}

static bool read_selector(struct slice name, struct slice value, struct file_meta *m)
{
    if (slice_is_nocase(name, "name")) {
        m->name = unquoted(value);
        return m->name.size > 0;
    }
    if (slice_is_nocase(name, "type")) {
        m->type = slice_cut(&value, ';');
        return m->type.size > 0;
    }
    if (slice_is_nocase(name, "size")) {
        m->size_bytes = number_whole(value);
        return m->size_bytes >= 0;
    }
    if (!slice_is_nocase(name, "hash"))
        return false;
    m->hash_algorithm = slice_cut(&value, ':');
    m->hash = value;
    return value.size > 0;
}

bool file_meta_selector(struct slice value, struct file_meta *ret)
{
    struct file_meta m = NOTHING;
    bool known = false;
    value = slice_trim(value);
    while (value.size) {
        struct slice rest = word(&value), name = slice_cut(&rest, ':');
        known |= read_selector(name, rest, &m);
    }
    if (known)
        *ret = m;
    return known;
}

/* ---- RCS ---- */

enum xml_verdict file_meta_rcs(struct xml *x, struct slice body, struct file_meta *ret)
{
    enum xml_verdict v = xml_read_root(x, body, "file");
    if (v != XML_OK)
        return v;
    const struct xml_node *n = xml_child(x, xml_root(x), "file-info");
    while (n && !slice_is_nocase(xml_attribute(x, n, "type"), "file"))
        n = xml_next(x, n, "file-info");
    if (n == NULL)
        return XML_NOT_THIS;
    const struct xml_node *data = xml_child(x, n, "data");
    *ret = (struct file_meta){
        .name = xml_child_text(x, n, "file-name"),
        .type = xml_child_text(x, n, "content-type"),
        .url = xml_attribute(x, data, "url"),
        .until = xml_attribute(x, data, "until"),
        .size_bytes = number_whole(xml_child_text(x, n, "file-size")),
    };
    return XML_OK;
}

/* ---- a link in a text ---- */

/* What ends a link in running text. */
static bool ends_link(uint8_t c)
{
    return c <= ' ' || c == '"' || c == '<' || c == '>' || c == 0x7f;
}

static struct slice link_in(struct slice text)
{
    for (size_t i = 0; i + 8 <= text.size; i++) {
        if ((text.data[i] | 32) != 'h')
            continue;
        struct slice at = slice_from(text, i);
        size_t scheme = slice_starts_nocase(at, "https://")  ? 8
                        : slice_starts_nocase(at, "http://") ? 7
                                                             : 0;
        size_t end = scheme;
        while (scheme && end < at.size && !ends_link(at.data[end]))
            end++;
        while (end > scheme && strchr(".,;:!?)", at.data[end - 1]) && at.data[end - 1])
            end--; /* of the sentence, not of the link */
        if (end > scheme)
            return slice_sub(at, 0, end);
    }
    return slice_none();
}

bool file_meta_link(struct slice text, struct file_meta *ret)
{
    struct file_meta m = NOTHING;
    m.url = link_in(text);
    if (m.url.size == 0)
        return false;
    struct slice path = m.url;
    path = slice_sub(path, 0, slice_index(path, '#'));
    path = slice_sub(path, 0, slice_index(path, '?'));
    slice_cut(&path, ':');
    path = slice_from(path, 2);
    slice_cut(&path, '/'); /* the host */
    while (path.size)
        m.name = slice_cut(&path, '/');
    *ret = m;
    return true;
}
