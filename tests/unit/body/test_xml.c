/* The tree, and the ways in which there is none. */
#include "tests/unit/body/bodies.h"

#include <stdio.h>
#include <stdlib.h>

#include "capture/body/xml.h"

static enum xml_verdict read_text(struct xml *x, const char *text)
{
    return xml_read(x, slice_str(text));
}

Test(xml, names_lose_their_prefix_and_keep_their_namespace)
{
    struct xml *x = xml_new(1);
    cr_assert_eq(read_text(x, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<a:r xmlns:a='urn:a' xmlns='urn:b' a:k='1'>"
                              "<c>one</c><a:c xmlns:a='urn:c'>two</a:c><a:d/></a:r>"),
                 XML_OK);
    const struct xml_node *root = xml_root(x), *c = xml_child(x, root, "c");
    IS(root->name, "r");
    IS(root->space, "urn:a");
    IS(xml_attribute(x, root, "k"), "1");
    IS(c->space, "urn:b");
    IS(xml_text(c), "one");
    c = xml_next(x, c, "c");
    IS(c->space, "urn:c");
    IS(xml_text(c), "two");
    IS(xml_child(x, root, "d")->space, "urn:a");
    cr_assert_null(xml_next(x, xml_next(x, c, NULL), NULL));
    xml_free(x);
}

Test(xml, text_is_one_run_with_its_references)
{
    struct xml *x = xml_new(1);
    cr_assert_eq(read_text(x, "<r> \n<t> a &lt;&amp;&#65;<!-- no --><![CDATA[<b>]]> </t>tail<e/></r>"), XML_OK);
    IS(xml_child_text(x, xml_root(x), "t"), "a <&A<b>");
    IS(xml_text(xml_root(x)), "tail");
    NONE(xml_child_text(x, xml_root(x), "e"));
    xml_free(x);
}

Test(xml, asking_nothing_gives_nothing)
{
    struct xml *x = xml_new(1);
    cr_assert_null(xml_root(x));
    cr_assert_null(xml_child(x, xml_root(x), "a"));
    cr_assert_null(xml_next(x, NULL, NULL));
    NONE(xml_attribute(x, NULL, "a"));
    NONE(xml_child_text(x, NULL, "a"));
    xml_free(x);
    xml_free(NULL);
}

Test(xml, a_document_type_ends_the_reading)
{
    static const char *const documents[] = {
        "<!DOCTYPE r [<!ENTITY a \"x\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]><r>&b;</r>",
        "<!DOCTYPE r SYSTEM \"http://example.com/x.dtd\"><r/>",
        "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><r>&x;</r>",
        "<!DOCTYPE r [<!ENTITY % x SYSTEM \"http://example.com/\"> %x;]><r/>",
        "<?xml version='1.0' standalone='no'?><!DOCTYPE r><r/>",
    };
    struct xml *x = xml_new(1);
    for (unsigned i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        cr_expect_eq(read_text(x, documents[i]), XML_DOCTYPE, "%s", documents[i]);
        cr_expect_null(xml_root(x));
    }
    cr_expect_eq(read_text(x, "<r/>"), XML_OK, "the reader goes on");
    xml_free(x);
}

Test(xml, what_is_not_well_formed_is_refused)
{
    static const char *const documents[] = {"",      "text",       "<r>",        "<r></s>",       "<r/><r/>",
                                            "<r a>", "<r>&x;</r>", "<r a='1' a='2'/>", "<r>&#0;</r>", "<r>\xff</r>"};
    struct xml *x = xml_new(1);
    for (unsigned i = 0; i < sizeof documents / sizeof documents[0]; i++)
        cr_expect_eq(read_text(x, documents[i]), XML_SYNTAX, "%s", documents[i]);
    xml_free(x);
}

/* `count` times `one`, with `end` times its end behind. */
static char *many(const char *head, const char *one, const char *end, unsigned count, const char *tail)
{
    size_t room = strlen(head) + (strlen(one) + strlen(end)) * count + strlen(tail) + 1;
    char *text = malloc(room), *at = stpcpy(text, head);
    for (unsigned i = 0; i < count; i++)
        at = stpcpy(at, one);
    for (unsigned i = 0; i < count; i++)
        at = stpcpy(at, end);
    strcpy(at, tail);
    return text;
}

Test(xml, each_bound_has_its_verdict)
{
    static const struct {
        const char *head, *one, *end, *tail;
        unsigned fits;
        enum xml_verdict verdict;
    } cases[] = {
        {"", "<a>", "</a>", "", XML_DEPTH_MAX, XML_DEPTH},
        {"<r>", "<a/>", "", "</r>", XML_NODES_MAX - 1, XML_LIMIT},
        {"<r>", "<a x='' y=''/>", "", "</r>", XML_ATTRIBUTES_MAX / 2, XML_LIMIT},
        {"<r>", "0123456789abcdef", "", "</r>", XML_SIZE_MAX / 16 - 1, XML_SIZE},
    };
    struct xml *x = xml_new(1);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *fits = many(cases[i].head, cases[i].one, cases[i].end, cases[i].fits, cases[i].tail);
        char *not = many(cases[i].head, cases[i].one, cases[i].end, cases[i].fits + 1, cases[i].tail);
        cr_expect_eq(read_text(x, fits), XML_OK, "case %u fits", i);
        cr_expect_eq(read_text(x, not), cases[i].verdict, "case %u: %d", i, (int)read_text(x, not));
        cr_expect_null(xml_root(x));
        free(fits);
        free(not);
    }
    xml_free(x);
}

static char *attributes(const char *prefix, unsigned count)
{
    char *text = malloc(count * 32 + 16), *at = stpcpy(text, "<r");
    for (unsigned i = 0; i < count; i++)
        at += sprintf(at, " %s%u='1'", prefix, i);
    strcpy(at, "/>");
    return text;
}

Test(xml, attributes_and_namespaces_of_an_element_are_bounded)
{
    struct xml *x = xml_new(1);
    for (unsigned over = 0; over < 2; over++) {
        char *plain = attributes("a", XML_ELEMENT_ATTRS + over);
        char *spaces = attributes("xmlns:a", XML_SPACES_MAX + over);
        cr_expect_eq(read_text(x, plain), over ? XML_LIMIT : XML_OK);
        cr_expect_eq(read_text(x, spaces), over ? XML_LIMIT : XML_OK);
        free(plain);
        free(spaces);
    }
    xml_free(x);
}

Test(xml, a_reader_is_used_again_and_again)
{
    struct xml *x = xml_new(1);
    for (unsigned i = 0; i < 500; i++) {
        cr_assert_eq(read_text(x, i % 3 ? "<r a='1'><b>c</b></r>" : "<r><b>"), i % 3 ? XML_OK : XML_SYNTAX);
        cr_assert_eq(xml_root(x) != NULL, i % 3 != 0);
    }
    IS(xml_child_text(x, xml_root(x), "b"), "c");
    cr_expect_eq(xml_read_root(x, slice_str("<r/>"), "s"), XML_NOT_THIS);
    xml_free(x);
}

Test(xml, other_encodings_are_read)
{
    static const char utf16[] = "\xff\xfe<\0r\0>\0a\0<\0/\0r\0>\0";
    struct xml *x = xml_new(1);
    cr_expect_eq(xml_read(x, slice_of(utf16, sizeof utf16 - 1)), XML_OK);
    IS(xml_text(xml_root(x)), "a");
    cr_expect_eq(read_text(x, "<?xml version='1.0' encoding='ISO-8859-1'?><r>\xe4</r>"), XML_OK);
    IS(xml_text(xml_root(x)), "\xc3\xa4");
    cr_expect_eq(read_text(x, "<?xml version='1.0' encoding='x-unknown'?><r/>"), XML_SYNTAX);
    xml_free(x);
}

Test(xml, every_truncation_is_refused)
{
    struct slice text = slice_str("<?xml version='1.0'?><p:r xmlns:p='urn:x' a='&lt;'><b c='1'>t&#x41;</b><![CDATA[x]]></p:r>");
    struct xml *x = xml_new(1);
    cr_assert_eq(xml_read(x, text), XML_OK);
    EVERY_TRUNCATION(text, cut, cr_expect_eq(xml_read(x, cut), XML_SYNTAX));
    xml_free(x);
}
