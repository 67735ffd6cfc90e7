#include "capture/body/kpml.h"

static char key_of(uint8_t c)
{
    char upper = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    if (upper == 'R')
        return '!';
    return upper && strchr("0123456789*#ABCD", upper) ? upper : '\0';
}

enum xml_verdict kpml_read(struct xml *x, struct slice body, struct kpml *ret)
{
    enum xml_verdict verdict = xml_read(x, body);
    if (verdict != XML_OK)
        return verdict;
    const struct xml_node *root = xml_root(x);
    if (!slice_is(root->name, "kpml-response"))
        return XML_NOT_THIS;
    struct slice digits = xml_attribute(x, root, "digits");
    *ret = (struct kpml){0};
    for (size_t i = 0; i < digits.size && !ret->limited; i++) {
        char key = key_of(digits.data[i]);
        ret->limited = key && ret->count == KPML_DIGITS_MAX;
        if (key && !ret->limited)
            ret->digits[ret->count++] = key;
    }
    return XML_OK;
}
