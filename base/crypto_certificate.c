/* A walk down the DER of a certificate:
 *
 *     Certificate { TBSCertificate { [0] version, serial, signature, issuer, validity,
 *                                    subject, subjectPublicKeyInfo, ..., [3] extensions } ... } */
#include "base/crypto_certificate.h"

#include "base/cursor.h"

enum {
    DER_OCTET_STRING = 0x04,
    DER_OBJECT = 0x06,
    DER_BMP_STRING = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_VERSION = 0xa0,
    DER_EXTENSIONS = 0xa3,
    DER_DNS_NAME = 0x82,
};

struct element {
    uint8_t tag;
    struct slice body;
    struct slice whole;
};

static size_t length(struct cursor *c)
{
    uint8_t first = cursor_u8(c);
    switch (first) {
    case 0x81:
        return cursor_u8(c);
    case 0x82:
        return cursor_u16(c);
    case 0x83:
        return cursor_u24(c);
    default:
        c->failed = c->failed || first > 0x83 || first == 0x80;
        return first;
    }
}

/* The next element; false at the end and when it cannot be read. */
static bool next(struct cursor *c, struct element *ret)
{
    if (c->failed || cursor_left(c) == 0)
        return false;
    const uint8_t *start = c->at;
    ret->tag = cursor_u8(c);
    size_t size = length(c);
    ret->body = cursor_slice(c, size);
    if (c->failed)
        return false;
    ret->whole = slice_of(start, (size_t)(c->at - start));
    return true;
}

/* The next element, which must have this tag. */
static bool expect(struct cursor *c, uint8_t tag, struct element *ret)
{
    return next(c, ret) && ret->tag == tag;
}

static bool is_object(const struct element *e, const char *oid)
{
    return e->tag == DER_OBJECT && slice_is(e->body, oid);
}

/* Name: a list of sets of (what, value). */
static void common_name(struct slice subject, struct crypto_certificate *ret)
{
    struct cursor names = cursor_over(subject);
    struct element set, pair, what, value;
    while (expect(&names, DER_SET, &set)) {
        struct cursor pairs = cursor_over(set.body);
        while (expect(&pairs, DER_SEQUENCE, &pair)) {
            struct cursor c = cursor_over(pair.body);
            if (!next(&c, &what) || !next(&c, &value) || !is_object(&what, "\x55\x04\x03"))
                continue;
            ret->name = value.body;
            ret->name_is_wide = value.tag == DER_BMP_STRING;
            return;
        }
    }
}

static void dns_name(struct slice names, struct crypto_certificate *ret)
{
    struct cursor c = cursor_over(names);
    struct element list, name;
    if (!expect(&c, DER_SEQUENCE, &list))
        return;
    c = cursor_over(list.body);
    while (ret->name.size == 0 && next(&c, &name))
        if (name.tag == DER_DNS_NAME)
            ret->name = name.body;
}

/* Extensions: a list of (which, perhaps critical, value). */
static void alternative_name(struct slice body, struct crypto_certificate *ret)
{
    struct cursor c = cursor_over(body);
    struct element list, extension, which, value;
    if (!expect(&c, DER_SEQUENCE, &list))
        return;
    struct cursor extensions = cursor_over(list.body);
    while (expect(&extensions, DER_SEQUENCE, &extension)) {
        struct cursor e = cursor_over(extension.body);
        if (!next(&e, &which) || !is_object(&which, "\x55\x1d\x11"))
            continue;
        while (next(&e, &value))
            if (value.tag == DER_OCTET_STRING)
                dns_name(value.body, ret);
    }
}

bool crypto_certificate_parse(struct slice der, struct crypto_certificate *ret_certificate)
{
    struct crypto_certificate certificate = {0};
    struct element outer, tbs, e, subject, key;
    if (der.size == 0)
        return false;
    struct cursor c = cursor_over(der);
    if (!expect(&c, DER_SEQUENCE, &outer))
        return false;
    c = cursor_over(outer.body);
    if (!expect(&c, DER_SEQUENCE, &tbs))
        return false;
    c = cursor_over(tbs.body);
    if (!next(&c, &e) || (e.tag == DER_VERSION && !next(&c, &e)))
        return false; /* e: serial number; then signature, issuer, validity */
    for (unsigned i = 0; i < 3; i++)
        if (!expect(&c, DER_SEQUENCE, &e))
            return false;
    if (!expect(&c, DER_SEQUENCE, &subject) || !expect(&c, DER_SEQUENCE, &key))
        return false;
    certificate.public_key = key.whole;
    common_name(subject.body, &certificate);
    while (certificate.name.size == 0 && next(&c, &e))
        if (e.tag == DER_EXTENSIONS)
            alternative_name(e.body, &certificate);
    *ret_certificate = certificate;
    return true;
}

void crypto_certificate_name(struct slice der, char *out, size_t out_size)
{
    struct crypto_certificate certificate;
    size_t n = 0;
    out[0] = '\0';
    if (!crypto_certificate_parse(der, &certificate))
        return;
    struct slice name = certificate.name;
    size_t step = certificate.name_is_wide ? 2 : 1;
    for (size_t i = 0; i + step <= name.size && n + 1 < out_size; i += step) {
        bool ascii = step == 1 || name.data[i] == 0;
        uint8_t c = name.data[i + step - 1];
        out[n++] = ascii && c >= ' ' && c < 0x7f ? (char)c : '?';
    }
    out[n] = '\0';
}
