#include "api/sip_text.h"

#define NAME_MAX_BYTES 64

/* RFC 3261 7.3.3 and the registry of header fields. */
static const struct {
    char compact;
    const char *full;
} COMPACT[] = {{'a', "Accept-Contact"},
               {'b', "Referred-By"},
               {'c', "Content-Type"},
               {'d', "Request-Disposition"},
               {'e', "Content-Encoding"},
               {'f', "From"},
               {'i', "Call-ID"},
               {'j', "Reject-Contact"},
               {'k', "Supported"},
               {'l', "Content-Length"},
               {'m', "Contact"},
               {'n', "Identity-Info"},
               {'o', "Event"},
               {'r', "Refer-To"},
               {'s', "Subject"},
               {'t', "To"},
               {'u', "Allow-Events"},
               {'v', "Via"},
               {'x', "Session-Expires"},
               {'y', "Identity"}};

struct slice sip_name_full(struct slice name)
{
    if (name.size != 1)
        return name;
    for (size_t i = 0; i < sizeof COMPACT / sizeof *COMPACT; i++)
        if ((name.data[0] | 0x20) == COMPACT[i].compact)
            return slice_str(COMPACT[i].full);
    return name;
}

bool sip_name_is_valid(struct slice name)
{
    static const char TOKEN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-.!%*_+`'~";

    for (size_t i = 0; i < name.size; i++)
        if (memchr(TOKEN, name.data[i], sizeof TOKEN - 1) == NULL)
            return false;
    return name.size > 0 && name.size <= NAME_MAX_BYTES;
}

bool sip_text_line(struct slice *rest, struct slice *ret_line)
{
    if (rest->size == 0)
        return false;
    struct slice line = slice_cut(rest, '\n');
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    *ret_line = line;
    return true;
}

void sip_text_split(struct slice raw, struct sip_text *ret_text)
{
    struct slice rest = raw, line = slice_none();

    *ret_text = (struct sip_text){0};
    while (line.size == 0)
        if (!sip_text_line(&rest, &line))
            return;
    ret_text->start_line = line;
    struct slice fields = rest;
    while (sip_text_line(&rest, &line))
        if (line.size == 0)
            break;
    ret_text->body = rest;
    /* Up to the empty line; without one `line` is the last field and belongs to them. */
    size_t size = fields.size - rest.size;
    if (line.size == 0 && size > 0)
        size = (size_t)(line.data - fields.data);
    ret_text->fields = slice_sub(fields, 0, size);
}

static bool is_fold(struct slice rest)
{
    return rest.size && (rest.data[0] == ' ' || rest.data[0] == '\t');
}

bool sip_text_field(struct slice *fields, struct sip_field *ret_field)
{
    struct slice begin = *fields, line;

    if (!sip_text_line(fields, &line))
        return false;
    while (is_fold(*fields))
        sip_text_line(fields, &line);
    struct slice whole = slice_sub(begin, 0, begin.size - fields->size);
    size_t colon = slice_index(whole, ':');
    bool named = colon < whole.size;
    ret_field->name = named ? sip_name_full(slice_trim(slice_sub(whole, 0, colon))) : slice_none();
    ret_field->value = slice_trim(named ? slice_from(whole, colon + 1) : whole);
    return true;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

void sip_value_unfold(struct slice value, struct buf *out)
{
    size_t begin = out->size;

    for (size_t i = 0; i < value.size; i++) {
        bool fold = value.data[i] == '\n' ||
                    (value.data[i] == '\r' && i + 1 < value.size && value.data[i + 1] == '\n');
        if (!fold) {
            buf_u8(out, value.data[i]);
            continue;
        }
        while (out->size > begin && is_space(out->data[out->size - 1]))
            out->size--;
        while (i + 1 < value.size && strchr(" \t\r\n", value.data[i + 1]) && value.data[i + 1])
            i++;
        buf_char(out, ' ');
    }
}
