/* Three blocks with blank lines between them: headers of the envelope, headers of the content,
 * content. Extensions carry the prefix that an NS line gives them; senders use "imdn." for RFC
 * 5438, so that is taken as it stands. */
#include "capture/body/cpim.h"

#include "capture/body/lines.h"

/* "Alice <im:alice@example.com>" */
static void address_of(struct slice value, struct slice *ret_name, struct slice *ret_uri)
{
    size_t open = slice_index(value, '<');
    struct slice name = slice_trim(slice_sub(value, 0, open));
    if (open == value.size) {
        *ret_uri = value;
        return;
    }
    struct slice rest = slice_from(value, open + 1);
    *ret_uri = slice_cut(&rest, '>');
    if (name.size >= 2 && name.data[0] == '"' && name.data[name.size - 1] == '"')
        name = slice_sub(name, 1, name.size - 1);
    *ret_name = name;
}

static void read_header(struct slice name, struct slice value, struct cpim *c)
{
    if (slice_is_nocase(name, "From"))
        address_of(value, &c->from_name, &c->from);
    else if (slice_is_nocase(name, "To") && c->to.size == 0)
        address_of(value, &c->to_name, &c->to);
    else if (slice_is_nocase(name, "DateTime"))
        c->date_time = value;
    else if (slice_is_nocase(name, "Subject"))
        c->subject = value;
    else if (slice_is_nocase(name, "imdn.Message-ID"))
        c->message_id = value;
    else if (slice_is_nocase(name, "imdn.Disposition-Notification"))
        c->notifications = value;
}

bool cpim_read(struct slice body, struct cpim *ret)
{
    struct slice line, name, value;
    struct cpim c = {0};
    unsigned block = 0; /* 0: envelope, 1: content headers */
    while (block < 2 && line_next_folded(&body, &line)) {
        if (line.size == 0) {
            /* some begin with the MIME header of the envelope itself */
            block += block || c.from.size || c.to.size;
        } else if (line_split(line, ':', &name, &value)) {
            if (block == 0)
                read_header(name, value, &c);
            else if (slice_is_nocase(name, "Content-Type"))
                c.content_type = slice_trim(slice_cut(&value, ';'));
        }
    }
    if (block < 2)
        return false;
    c.content = body;
    *ret = c;
    return true;
}
