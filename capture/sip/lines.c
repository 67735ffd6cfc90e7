/* The lines of a header section, of a message or of a part of a multipart body: line ends, folding,
 * name and value. */
#include "capture/sip/grammar.h"

const bool sip_token_byte[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true, ['.'] = true,
    ['!'] = true,         ['%'] = true,         ['*'] = true,         ['_'] = true, ['+'] = true,
    ['`'] = true,         ['\''] = true,        ['~'] = true,
};
