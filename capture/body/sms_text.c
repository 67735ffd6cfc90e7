/* Septets lie one behind the other from the low bit up; behind a header the text begins at the next
 * whole septet. */
#include "capture/body/sms_text.h"

#define ESCAPE     0x1b
#define COMPRESSED 0x20

enum sms_alphabet sms_alphabet(uint8_t dcs)
{
    unsigned group = dcs >> 4;
    if (group < 8) {
        static const enum sms_alphabet of[] = {SMS_SEPTETS, SMS_OCTETS, SMS_UCS2, SMS_SEPTETS};
        return dcs & COMPRESSED ? SMS_OCTETS : of[dcs >> 2 & 3];
    }
    if (group == 14)
        return SMS_UCS2;
    return group == 15 && dcs & 4 ? SMS_OCTETS : SMS_SEPTETS;
}

/* TS 23.038 6.2.1; 0x1b leads to the extension. */
static const uint16_t alphabet[128] = {
    '@',   0xa3, '$',  0xa5,  0xe8, 0xe9,  0xf9,  0xec,  0xf2,  0xc7,  '\n',  0xd8,  0xf8,
    '\r',  0xc5, 0xe5, 0x394, '_',  0x3a6, 0x393, 0x39b, 0x3a9, 0x3a0, 0x3a8, 0x3a3, 0x398,
    0x39e, ' ',  0xc6, 0xe6,  0xdf, 0xc9,  ' ',   '!',   '"',   '#',   0xa4,  '%',   '&',
    '\'',  '(',  ')',  '*',   '+',  ',',   '-',   '.',   '/',   '0',   '1',   '2',   '3',
    '4',   '5',  '6',  '7',   '8',  '9',   ':',   ';',   '<',   '=',   '>',   '?',   0xa1,
    'A',   'B',  'C',  'D',   'E',  'F',   'G',   'H',   'I',   'J',   'K',   'L',   'M',
    'N',   'O',  'P',  'Q',   'R',  'S',   'T',   'U',   'V',   'W',   'X',   'Y',   'Z',
    0xc4,  0xd6, 0xd1, 0xdc,  0xa7, 0xbf,  'a',   'b',   'c',   'd',   'e',   'f',   'g',
    'h',   'i',  'j',  'k',   'l',  'm',   'n',   'o',   'p',   'q',   'r',   's',   't',
    'u',   'v',  'w',  'x',   'y',  'z',   0xe4,  0xf6,  0xf1,  0xfc,  0xe0,
};

static uint16_t extension(unsigned septet)
{
    switch (septet) {
    case 0x0a:
        return '\f';
    case 0x14:
        return '^';
    case 0x28:
        return '{';
    case 0x29:
        return '}';
    case 0x2f:
        return '\\';
    case 0x3c:
        return '[';
    case 0x3d:
        return '~';
    case 0x3e:
        return ']';
    case 0x40:
        return '|';
    case 0x65:
        return 0x20ac; /* euro */
    default:
        return ' ';
    }
}

/* ---- UTF-8 ---- */

struct writer {
    char *out;
    size_t size;
    size_t room; /* without the NUL */
};

static bool put(struct writer *w, uint32_t c)
{
    uint8_t bytes[4];
    size_t n = 0;
    if (c < 0x80) {
        bytes[n++] = (uint8_t)c;
    } else if (c < 0x800) {
        bytes[n++] = (uint8_t)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        bytes[n++] = (uint8_t)(0xe0 | c >> 12);
        bytes[n++] = (uint8_t)(0x80 | (c >> 6 & 63));
    } else {
        bytes[n++] = (uint8_t)(0xf0 | c >> 18);
        bytes[n++] = (uint8_t)(0x80 | (c >> 12 & 63));
        bytes[n++] = (uint8_t)(0x80 | (c >> 6 & 63));
    }
    if (c >= 0x80)
        bytes[n++] = (uint8_t)(0x80 | (c & 63));
    if (n > w->room - w->size)
        return false;
    memcpy(w->out + w->size, bytes, n);
    w->size += n;
    return true;
}

static size_t finish(struct writer *w)
{
    w->out[w->size] = '\0';
    return w->size;
}

/* ---- septets ---- */

static unsigned septet(struct slice data, size_t n)
{
    size_t bit = n * 7, at = bit / 8;
    unsigned two = data.data[at] | (at + 1 < data.size ? data.data[at + 1] << 8 : 0);
    return two >> bit % 8 & 0x7f;
}

size_t sms_septets(const struct sms_coded *coded, char *out, size_t out_size)
{
    struct writer w = {.out = out, .room = out_size - 1};
    bool escaped = false, goes_on = true;
    for (size_t i = coded->skip; i < coded->septets && goes_on; i++) {
        if ((i * 7 + 6) / 8 >= coded->data.size)
            break;
        unsigned s = septet(coded->data, i);
        if (!escaped && s == ESCAPE) {
            escaped = true;
            continue;
        }
        goes_on = put(&w, escaped ? extension(s) : alphabet[s]);
        escaped = false;
    }
    return finish(&w);
}

/* ---- user data ---- */

/* Octets of the header with its length. */
static size_t header_size(const struct sms *s)
{
    size_t size = s->has_header ? 1u + s->user_data.data[0] : 0;
    return size < s->user_data.size ? size : s->user_data.size;
}

static size_t header_septets(const struct sms *s)
{
    size_t n = (header_size(s) * 8 + 6) / 7;
    return n < s->user_data_length ? n : s->user_data_length;
}

size_t sms_characters(const struct sms *s)
{
    switch (sms_alphabet(s->dcs)) {
    case SMS_SEPTETS:
        return s->user_data_length - header_septets(s);
    case SMS_UCS2:
        return (s->user_data.size - header_size(s)) / 2;
    default:
        return s->user_data.size - header_size(s);
    }
}

static size_t ucs2_text(struct slice text, char *out, size_t out_size)
{
    struct writer w = {.out = out, .room = out_size - 1};
    bool goes_on = true;
    for (size_t i = 0; i + 2 <= text.size && goes_on; i += 2) {
        uint32_t c = (uint32_t)text.data[i] << 8 | text.data[i + 1];
        if (c >= 0xd800 && c < 0xdc00 && i + 4 <= text.size) { /* senders use UTF-16 */
            uint32_t low = (uint32_t)text.data[i + 2] << 8 | text.data[i + 3];
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        goes_on = put(&w, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
    }
    return finish(&w);
}

size_t sms_text(const struct sms *s, char *out, size_t out_size)
{
    if (out_size == 0)
        return 0;
    out[0] = '\0';
    switch (sms_alphabet(s->dcs)) {
    case SMS_SEPTETS:
        return sms_septets(&(struct sms_coded){.data = s->user_data,
                                               .skip = header_septets(s),
                                               .septets = s->user_data_length},
                           out, out_size);
    case SMS_UCS2:
        return ucs2_text(slice_from(s->user_data, header_size(s)), out, out_size);
    default:
        return 0;
    }
}
