/* Any bytes as each kind of XML document. The first byte chooses the reader, so that a corpus of
 * one kind stays of use to all; a reader goes over all of the tree that it was given, and what it
 * gives lies in the tree's memory: summing it up shows the sanitizer a slice that does not. */
#include <assert.h>

#include "capture/body/conference_info.h"
#include "capture/body/dialog_info.h"
#include "capture/body/file_meta.h"
#include "capture/body/imdn.h"
#include "capture/body/is_composing.h"
#include "capture/body/kpml.h"
#include "capture/body/pidf.h"
#include "capture/body/siprec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sum_of(struct slice s)
{
    unsigned sum = 0;
    for (size_t i = 0; i < s.size; i++)
        sum += s.data[i];
    return sum;
}

static unsigned sum_tree(const struct xml *x, const struct xml_node *n, unsigned depth)
{
    unsigned sum = sum_of(n->name) + sum_of(n->space) + sum_of(n->text);
    assert(depth < XML_DEPTH_MAX && n->attribute_count <= XML_ELEMENT_ATTRS);
    for (const struct xml_node *c = xml_child(x, n, NULL); c; c = xml_next(x, c, NULL))
        sum += sum_tree(x, c, depth + 1);
    return sum;
}

static unsigned read_siprec(struct xml *x, struct slice body)
{
    struct siprec s;
    unsigned sum = 0;
    if (siprec_read(x, body, &s) != XML_OK)
        return 0;
    for (unsigned i = 0; i < s.participant_count; i++) {
        sum += sum_of(s.participants[i].aor) + sum_of(s.participants[i].name);
        assert(s.participants[i].session < (int)s.session_count);
        assert(s.stream_count == 32 || s.participants[i].sends >> s.stream_count == 0);
    }
    for (unsigned i = 0; i < s.stream_count; i++) {
        sum += sum_of(s.streams[i].label);
        assert(s.streams[i].participant < (int)s.participant_count);
    }
    return sum;
}

static unsigned read_lists(struct xml *x, struct slice body, unsigned which)
{
    struct pidf p;
    struct dialog_info d;
    struct conference_info c;
    unsigned sum = 0;
    if (which == 0 && pidf_read(x, body, &p) == XML_OK) {
        for (unsigned i = 0; i < p.activity_count; i++)
            sum += sum_of(p.activities[i]);
        sum += sum_of(p.entity) + sum_of(p.note);
    } else if (which == 1 && dialog_info_read(x, body, &d) == XML_OK) {
        for (unsigned i = 0; i < d.dialog_count; i++)
            sum += sum_of(d.dialogs[i].call_id) + sum_of(d.dialogs[i].remote.identity);
    } else if (which == 3 && conference_info_read(x, body, &c) == XML_OK) {
        for (unsigned i = 0; i < c.endpoint_count; i++) {
            assert(c.endpoints[i].user < c.user_count);
            sum += sum_of(c.endpoints[i].status);
        }
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct xml *x;
    struct imdn imdn;
    struct is_composing typing;
    struct file_meta file;
    volatile unsigned sum = 0;
    if (size == 0 || (x == NULL && (x = xml_new(1)) == NULL))
        return 0;
    unsigned which = data[0] % 7;
    struct kpml keys;
    struct slice body = slice_of(data + 1, size - 1);
    if (xml_read(x, body) == XML_OK)
        sum += sum_tree(x, xml_root(x), 0);
    else
        assert(xml_root(x) == NULL);
    if (kpml_read(x, body, &keys) == XML_OK)
        assert(keys.count <= KPML_DIGITS_MAX && (keys.count == KPML_DIGITS_MAX || !keys.limited));
    if (which != 2 && which < 4)
        sum += read_lists(x, body, which);
    else if (which == 4)
        sum += read_siprec(x, body);
    else if (which == 5 && imdn_read(x, body, &imdn) == XML_OK)
        sum += sum_of(imdn.message_id) + sum_of(imdn.status);
    else if (which == 6 && is_composing_read(x, body, &typing) == XML_OK)
        sum += sum_of(typing.content_type);
    else if (which == 2 && file_meta_rcs(x, body, &file) == XML_OK)
        sum += sum_of(file.url) + sum_of(file.name);
    return 0;
}
