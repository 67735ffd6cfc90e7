/* Tried with all items, then with one less each time: nearly always the first try fits. */
#include "app/list_text.h"

static bool fits(char *out, size_t size, const void *thing, unsigned count, list_item_fn *item)
{
    struct json j;
    struct buf b;

    buf_init(&b, size - 1);
    json_init(&j, &b);
    json_array(&j);
    for (unsigned i = 0; i < count; i++)
        item(&j, thing, i);
    json_end(&j);
    bool whole = !b.failed;
    if (whole)
        slice_copy_to(buf_view(&b), out, size);
    buf_fini(&b);
    return whole;
}

void list_text(char *out, size_t size, const void *thing, unsigned count, list_item_fn *item)
{
    while (!fits(out, size, thing, count, item) && count)
        count--;
}
