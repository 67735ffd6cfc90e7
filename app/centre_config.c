/* Lists with commas: headers by name, queues and agents as `name = number`. */
#include "app/centre_config.h"

#include <ctype.h>

static bool next_item(struct slice *rest, struct slice *ret_item)
{
    while (rest->size) {
        *ret_item = slice_trim(slice_cut(rest, ','));
        if (ret_item->size)
            return true;
    }
    return false;
}

static bool is_header_name(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!isalnum(s.data[i]) && s.data[i] != '-' && s.data[i] != '_' && s.data[i] != '.')
            return false;
    return s.size > 0 && s.size < FRONT_HEADER_SIZE;
}

static int read_headers(const char *setting, const char *text, char (*names)[FRONT_HEADER_SIZE],
                        unsigned *count, struct why *why)
{
    struct slice rest = slice_str(text), item;
    for (*count = 0; next_item(&rest, &item); ++*count) {
        if (*count == FRONT_CENTRE_HEADERS_MAX || !is_header_name(item)) {
            why_set(why, "contact_centre.%s: \"%.*s\": write at most %d names of headers", setting,
                    SLICE_ARGS(item), FRONT_CENTRE_HEADERS_MAX);
            return ERR_INVALID;
        }
        slice_copy_to(item, names[*count], FRONT_HEADER_SIZE);
    }
    return 0;
}

/* "sales = 80*" */
static bool read_name(struct slice item, struct centre_name *out)
{
    if (slice_index(item, '=') == item.size)
        return false;
    struct slice name = slice_trim(slice_cut(&item, '=')), number = slice_trim(item);
    *out = (struct centre_name){.prefix = number.size > 1 && number.data[number.size - 1] == '*'};
    number.size -= out->prefix;
    if (name.size == 0 || name.size >= CENTRE_NAME_SIZE || number.size == 0 ||
        number.size >= CENTRE_NUMBER_SIZE)
        return false;
    slice_copy_to(name, out->name, sizeof out->name);
    slice_copy_to(number, out->number, sizeof out->number);
    return true;
}

static int read_names(const char *setting, const char *text, struct centre_name *names,
                      unsigned *count, struct why *why)
{
    struct slice rest = slice_str(text), item;
    for (*count = 0; next_item(&rest, &item); ++*count) {
        if (*count == CENTRE_NAMES_MAX || !read_name(item, &names[*count])) {
            why_set(why,
                    "contact_centre.%s: \"%.*s\": write at most %d of name = number, e.g. sales = "
                    "8001",
                    setting, SLICE_ARGS(item), CENTRE_NAMES_MAX);
            return ERR_INVALID;
        }
    }
    return 0;
}

int centre_configure(const struct settings *s, struct centre_config *ret_config,
                     struct front_config *front, struct why *why)
{
    struct centre_config c = {.queue_answers = s->centre_queue_answers};
    struct front_config own = {0};
    struct front_config *f = front ? front : &own;
    int err = read_headers("queue_headers", s->centre_queue_headers, f->queue_headers,
                           &f->queue_header_count, why);
    if (err == 0)
        err = read_headers("agent_headers", s->centre_agent_headers, f->agent_headers,
                           &f->agent_header_count, why);
    if (err == 0)
        err = read_names("queues", s->centre_queues, c.queues, &c.queue_count, why);
    if (err == 0)
        err = read_names("agents", s->centre_agents, c.agents, &c.agent_count, why);
    if (err == 0)
        *ret_config = c;
    return err;
}

const char *centre_name_of(const struct centre_name *names, unsigned count, struct slice number)
{
    for (unsigned i = 0; i < count; i++)
        if (names[i].prefix ? slice_starts(number, names[i].number)
                            : slice_is(number, names[i].number))
            return names[i].name;
    return NULL;
}
