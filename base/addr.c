/* Addresses as text and the classes of addresses. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

struct addr addr_v6(const uint8_t bytes[16])
{
    struct addr a = {0};
    for (int i = 0; i < 8; i++) {
        a.high = a.high << 8 | bytes[i];
        a.low = a.low << 8 | bytes[8 + i];
    }
    return a;
}

void addr_to_v6(struct addr a, uint8_t ret_bytes[16])
{
    for (int i = 0; i < 8; i++) {
        ret_bytes[i] = (uint8_t)(a.high >> (56 - 8 * i));
        ret_bytes[8 + i] = (uint8_t)(a.low >> (56 - 8 * i));
    }
}

bool addr_is_multicast(struct addr a)
{
    return addr_is_v4(a) ? (uint32_t)a.low >> 28 == 0xe : a.high >> 56 == 0xff;
}

bool addr_is_loopback(struct addr a)
{
    return addr_is_v4(a) ? (uint32_t)a.low >> 24 == 127 : a.high == 0 && a.low == 1;
}

static bool v4_is_private(uint32_t a)
{
    return a >> 24 == 10                  /* 10.0.0.0/8, RFC 1918 */
           || a >> 20 == 0xac1            /* 172.16.0.0/12 */
           || a >> 16 == 0xc0a8           /* 192.168.0.0/16 */
           || a >> 22 == 0x64400000 >> 22 /* 100.64.0.0/10, RFC 6598 */
           || a >> 16 == 0xa9fe;          /* 169.254.0.0/16, RFC 3927 */
}

bool addr_is_private(struct addr a)
{
    if (addr_is_v4(a))
        return v4_is_private((uint32_t)a.low);
    return a.high >> 54 == 0xfe80 >> 6   /* fe80::/10, RFC 4291 */
           || a.high >> 57 == 0xfc >> 1; /* fc00::/7, RFC 4193 */
}

/* A number up to 255 without a zero in front of another digit; returns its digits, 0: none. */
static inline size_t parse_octet(const uint8_t *at, size_t size, uint32_t *ret_number)
{
    uint32_t number = 0;
    size_t n = 0;
    for (; n < size && (uint8_t)(at[n] - '0') <= 9; n++) {
        if (n == 3 || (n == 1 && number == 0))
            return 0;
        number = number * 10 + (uint8_t)(at[n] - '0');
    }
    *ret_number = number;
    return number > 255 ? 0 : n;
}

/* Four numbers with dots between, as inet_pton() reads them. */
static bool parse_v4(struct slice text, uint32_t *ret_v4)
{
    uint32_t v4 = 0, number;
    size_t at = 0;
    for (unsigned i = 0; i < 4; i++, at++) {
        size_t digits = at < text.size ? parse_octet(text.data + at, text.size - at, &number) : 0;
        if (digits == 0)
            return false;
        v4 = v4 << 8 | number;
        at += digits;
        if (i < 3 && (at == text.size || text.data[at] != '.'))
            return false;
    }
    *ret_v4 = v4;
    return at == text.size + 1;
}

bool addr_parse(struct slice text, struct addr *ret_addr)
{
    uint32_t v4;
    if (parse_v4(text, &v4)) {
        *ret_addr = addr_v4(v4);
        return true;
    }
    if (slice_index(text, ':') == text.size) /* names */
        return false;
    if (text.size >= 2 && text.data[0] == '[' && text.data[text.size - 1] == ']')
        text = slice_sub(text, 1, text.size - 1);
    char copy[INET6_ADDRSTRLEN];
    if (text.size == 0 || text.size >= sizeof copy || memchr(text.data, '\0', text.size))
        return false;
    slice_copy_to(text, copy, sizeof copy);

    uint8_t v6[16];
    if (inet_pton(AF_INET6, copy, v6) != 1)
        return false;
    *ret_addr = addr_v6(v6);
    return true;
}

/* Decimal; returns the place behind it. */
static char *put_number(char *out, uint32_t v)
{
    char digits[10];
    int n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n)
        *out++ = digits[--n];
    return out;
}

/* Returns the place behind it, where the NUL is. */
static char *put_addr(struct addr a, char out[ADDR_TEXT_SIZE])
{
    if (addr_is_v4(a)) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            out = put_number(out, (uint32_t)a.low >> shift & 255);
            *out++ = '.';
        }
        *--out = '\0';
        return out;
    }
    uint8_t v6[16];
    addr_to_v6(a, v6);
    if (inet_ntop(AF_INET6, v6, out, ADDR_TEXT_SIZE) == NULL)
        out[0] = '\0';
    return out + strlen(out);
}

const char *addr_text(struct addr a, char out[ADDR_TEXT_SIZE])
{
    put_addr(a, out);
    return out;
}

const char *endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT_SIZE])
{
    char *at = out;
    bool v4 = addr_is_v4(e->addr);
    if (!v4)
        *at++ = '[';
    at = put_addr(e->addr, at);
    if (!v4)
        *at++ = ']';
    *at++ = ':';
    at = put_number(at, e->port);
    *at = '\0';
    return out;
}
