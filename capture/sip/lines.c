/* The lines of a header section, of a message or of a part of a multipart body: line ends, folding,
 * name and value. */
#include "capture/sip/grammar.h"

const bool sip_token_byte[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true, ['.'] = true,
    ['!'] = true,         ['%'] = true,         ['*'] = true,         ['_'] = true, ['+'] = true,
    ['`'] = true,         ['\''] = true,        ['~'] = true,
};

enum sip_line sip_line_next(struct slice *rest, struct slice *ret_line, uint32_t *flags)
{
    const uint8_t *start = rest->data, *end = start + rest->size;
    const uint8_t *at = start, *stop;
    do {
        const uint8_t *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        if (newline == NULL) {
            *rest = slice_of(end, 0);
            return SIP_LINE_CUT;
        }
        stop = newline;
        if (stop > at && stop[-1] == '\r')
            stop--;
        else
            *flags |= SIP_FLAG_BARE_LF;
        at = newline + 1;
    } while (stop > start && at < end && (*at == ' ' || *at == '\t'));
    *rest = slice_of(at, (size_t)(end - at));
    *ret_line = slice_of(start, (size_t)(stop - start));
    return ret_line->size ? SIP_LINE : SIP_LINE_BLANK;
}

/* A name that is no token ("X Foo", "Gr\xfc\xdf") keeps its value but is nobody's header. */
static bool split_odd(struct slice line, struct sip_header_line *ret_header)
{
    size_t colon = slice_index(line, ':');
    ret_header->id = SIP_H_OTHER;
    ret_header->name = sip_trim(slice_sub(line, 0, colon));
    ret_header->value = sip_trim(slice_from(line, colon + 1));
    return colon < line.size && ret_header->name.size;
}

bool sip_line_split(struct slice line, struct sip_header_line *ret_header)
{
    struct slice s = sip_skip_spaces(line);
    size_t n = sip_token_length(s, s.size);
    struct slice behind = sip_skip_spaces(slice_from(s, n));
    if (n == 0 || behind.size == 0 || behind.data[0] != ':')
        return split_odd(line, ret_header);
    ret_header->name = slice_sub(s, 0, n);
    ret_header->id = sip_header_of(ret_header->name);
    ret_header->value = sip_trim(slice_from(behind, 1));
    return true;
}
