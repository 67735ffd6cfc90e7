/* Lines and their two halves. */
#include "capture/body/lines.h"

bool line_next(struct slice *rest, struct slice *ret_line)
{
    if (rest->size == 0)
        return false;
    struct slice line = slice_cut(rest, '\n');
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    *ret_line = line;
    return true;
}

static bool continues(struct slice rest)
{
    return rest.size && (rest.data[0] == ' ' || rest.data[0] == '\t');
}

bool line_next_folded(struct slice *rest, struct slice *ret_line)
{
    struct slice line, more;
    if (!line_next(rest, &line))
        return false;
    while (line.size && continues(*rest) && line_next(rest, &more))
        line.size = (size_t)(more.data + more.size - line.data);
    *ret_line = line;
    return true;
}

bool line_split(struct slice line, uint8_t separator, struct slice *ret_name,
                struct slice *ret_value)
{
    size_t at = slice_index(line, separator);
    if (at == line.size)
        return false;
    *ret_name = slice_trim(slice_sub(line, 0, at));
    *ret_value = slice_trim(slice_from(line, at + 1));
    return ret_name->size > 0;
}
