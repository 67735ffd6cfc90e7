#include "base/base64.h"

static int value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' || c == '+' ? 62 : c == '_' || c == '/' ? 63 : -1;
}

size_t base64_decode(struct slice text, uint8_t *out, size_t out_size)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;
    for (unsigned padding = 0; padding < 2 && text.size && text.data[text.size - 1] == '=';
         padding++)
        text.size--;
    if (text.size % 4 == 1)
        return SIZE_MAX;
    for (size_t i = 0; i < text.size; i++) {
        int v = value_of(text.data[i]);
        if (v < 0)
            return SIZE_MAX;
        bits = bits << 6 | (uint32_t)v;
        held += 6;
        if (held < 8)
            continue;
        if (n == out_size)
            return SIZE_MAX;
        held -= 8;
        out[n++] = (uint8_t)(bits >> held);
    }
    return n;
}

size_t base64url_encode(struct slice bytes, char *out, size_t out_size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;
    if ((bytes.size * 8 + 5) / 6 >= out_size)
        return SIZE_MAX;
    for (size_t i = 0; i < bytes.size; i++) {
        bits = bits << 8 | bytes.data[i];
        for (held += 8; held >= 6; held -= 6)
            out[n++] = letters[bits >> (held - 6) & 63];
    }
    if (held)
        out[n++] = letters[bits << (6 - held) & 63];
    out[n] = '\0';
    return n;
}
