#include "api/message_diff.h"

#include "api/sip_text.h"

/* ---- what is compared ---- */

static bool list_begin(struct arena *arena, struct slice text, struct diff_list *list)
{
    unsigned lines = 1;

    for (size_t i = 0; i < text.size && lines < DIFF_ITEMS_MAX; i++)
        lines += text.data[i] == '\n';
    *list = (struct diff_list){.items = arena_alloc(arena, lines * sizeof *list->items)};
    return list->items != NULL;
}

static void list_add(struct diff_list *list, struct slice name, struct slice text)
{
    list->items[list->count++] = (struct diff_item){.name = name, .text = text};
}

static bool body_lines(struct arena *arena, struct slice body, struct diff_list *list)
{
    struct slice line;

    if (!list_begin(arena, body, list))
        return false;
    while (list->count + 1 < DIFF_ITEMS_MAX && sip_text_line(&body, &line))
        list_add(list, slice_none(), line);
    if (body.size)
        list_add(list, slice_none(), body);
    return true;
}

/* Most values stand in one line and are borrowed as they are. */
static bool unfolded(struct arena *arena, struct slice *value, struct buf *line)
{
    if (slice_index(*value, '\n') == value->size)
        return true;
    buf_clear(line);
    sip_value_unfold(*value, line);
    struct slice copy = arena_copy(arena, buf_view(line));
    bool whole = !line->failed && copy.size == line->size;
    *value = copy;
    return whole;
}

static bool fields_list(struct arena *arena, struct slice fields, struct diff_list *list)
{
    struct sip_field f;
    struct buf line;
    bool whole = list_begin(arena, fields, list);

    buf_init(&line, fields.size + 1);
    while (whole && list->count + 1 < DIFF_ITEMS_MAX && sip_text_field(&fields, &f)) {
        whole = unfolded(arena, &f.value, &line);
        list_add(list, f.name, f.value);
    }
    if (whole && fields.size)
        list_add(list, slice_none(), fields);
    buf_fini(&line);
    return whole;
}

static bool all_same(const struct diff *d)
{
    for (unsigned i = 0; i < d->count; i++)
        if (d->steps[i].op != DIFF_SAME)
            return false;
    return true;
}

bool message_diff(struct arena *arena, struct slice a, struct slice b,
                  struct message_diff *ret_diff)
{
    const struct slice raw[2] = {a, b};
    struct diff_list fields[2], body[2];

    for (int i = 0; i < 2; i++) {
        struct sip_text text;
        sip_text_split(raw[i], &text);
        ret_diff->start[i] = text.start_line;
        if (!fields_list(arena, text.fields, &fields[i]) || !body_lines(arena, text.body, &body[i]))
            return false;
    }
    if (!text_diff(arena, &fields[0], &fields[1], &ret_diff->fields) ||
        !text_diff(arena, &body[0], &body[1], &ret_diff->body))
        return false;
    text_diff_pair(&ret_diff->fields);
    ret_diff->equal = slice_equal(ret_diff->start[0], ret_diff->start[1]) &&
                      all_same(&ret_diff->fields) && all_same(&ret_diff->body);
    return true;
}

/* ---- as JSON ---- */

static void side(struct json *j, const char *key, const struct diff_item *item)
{
    if (item)
        json_kv_text(j, key, item->text);
    else
        json_kv_null(j, key);
}

static void fields_json(struct json *j, const struct diff *d)
{
    json_key(j, "headers");
    json_array(j);
    for (unsigned i = 0; i < d->count; i++) {
        const struct diff_step *s = &d->steps[i];
        json_object(j);
        json_kv_str(j, "op", diff_op_text(s->op));
        json_kv_text(j, "name", (s->a ? s->a : s->b)->name);
        side(j, "a", s->a);
        side(j, "b", s->b);
        json_end(j);
    }
    json_end(j);
}

static void body_json(struct json *j, const struct diff *d)
{
    json_key(j, "body");
    json_array(j);
    for (unsigned i = 0; i < d->count; i++) {
        const struct diff_step *s = &d->steps[i];
        json_object(j);
        json_kv_str(j, "op", diff_op_text(s->op));
        json_kv_text(j, "text", (s->a ? s->a : s->b)->text);
        json_end(j);
    }
    json_end(j);
}

void message_diff_json(const struct message_diff *d, struct json *j)
{
    bool same = slice_equal(d->start[0], d->start[1]);

    json_kv_bool(j, "equal", d->equal);
    json_kv_bool(j, "exact", d->fields.exact && d->body.exact);
    json_key(j, "start_line");
    json_object(j);
    json_kv_str(j, "op", diff_op_text(same ? DIFF_SAME : DIFF_CHANGED));
    json_kv_text(j, "a", d->start[0]);
    json_kv_text(j, "b", d->start[1]);
    json_end(j);
    fields_json(j, &d->fields);
    body_json(j, &d->body);
}

/* ---- as text ---- */

/* A line of ours stays one line, and a terminal does nothing but show it. */
static void put_clean(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_u8(out, c);
    }
}

static void put_line(struct buf *out, char mark, const struct diff_item *item)
{
    buf_char(out, mark);
    if (item->name.size) {
        put_clean(out, item->name);
        buf_str(out, ": ");
    }
    put_clean(out, item->text);
    buf_char(out, '\n');
}

static void put_steps(struct buf *out, const struct diff *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        const struct diff_step *s = &d->steps[i];
        if (s->op == DIFF_SAME) {
            put_line(out, ' ', s->a);
            continue;
        }
        if (s->a)
            put_line(out, '-', s->a);
        if (s->b)
            put_line(out, '+', s->b);
    }
}

void message_diff_text(const struct message_diff *d, struct buf *out)
{
    const struct diff_item a = {.text = d->start[0]}, b = {.text = d->start[1]};
    bool same = slice_equal(a.text, b.text);

    put_line(out, same ? ' ' : '-', &a);
    if (!same)
        put_line(out, '+', &b);
    put_steps(out, &d->fields);
    buf_str(out, " \n");
    put_steps(out, &d->body);
}
