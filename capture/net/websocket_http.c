/* Heads of requests and answers, as liberal as the peers are: any order, any case, LF alone. */
#include "capture/net/websocket_http.h"

#include "capture/net/websocket.h"

#define GUESS_MAX 8192 /* bytes in which the Upgrade header must stand */

size_t http_head_end(struct slice at, size_t *scanned)
{
    size_t from = *scanned;
    for (;;) {
        size_t line_end = from + slice_index(slice_from(at, from), '\n');
        size_t next = line_end + 1;
        if (next < at.size && at.data[next] == '\r')
            next++;
        if (next >= at.size) {
            *scanned = line_end < at.size ? line_end : at.size;
            return 0;
        }
        if (at.data[next] == '\n')
            return next + 1;
        from = next;
    }
}

/* Takes the next whole line off the front. */
static bool next_line(struct slice *rest, struct slice *ret_line)
{
    size_t end = slice_index(*rest, '\n');
    if (end == rest->size)
        return false;
    *ret_line = slice_trim(slice_sub(*rest, 0, end));
    *rest = slice_from(*rest, end + 1);
    return true;
}

bool ws_http_header(struct slice head, const char *name, struct slice *ret_value)
{
    struct slice line;
    next_line(&head, &line); /* the start line */
    while (next_line(&head, &line)) {
        size_t colon = slice_index(line, ':');
        if (colon == line.size || !slice_is_nocase(slice_trim(slice_sub(line, 0, colon)), name))
            continue;
        *ret_value = slice_trim(slice_from(line, colon + 1));
        return true;
    }
    return false;
}

bool http_has_token(struct slice list, const char *token)
{
    while (list.size) {
        if (slice_is_nocase(slice_trim(slice_cut(&list, ',')), token))
            return true;
    }
    return false;
}

unsigned http_status(struct slice head)
{
    struct slice line;
    uint16_t status;
    if (!next_line(&head, &line) || !slice_starts(line, "HTTP/1."))
        return 0;
    slice_cut(&line, ' ');
    return slice_to_u16(slice_sub(line, 0, 3), &status) ? status : 0;
}

static bool request_line(struct slice line)
{
    size_t size = strlen(" HTTP/1.1");
    return line.size > size && slice_starts(slice_from(line, line.size - size), " HTTP/1.");
}

enum ws_guess ws_guess(struct slice head)
{
    static const char get[] = "GET ";
    size_t n = head.size < sizeof get - 1 ? head.size : sizeof get - 1;
    if (n && memcmp(head.data, get, n) != 0)
        return WS_NO;
    struct slice window = slice_sub(head, 0, GUESS_MAX), rest = window, line, upgrade;
    if (next_line(&rest, &line)) {
        size_t scanned = 0;
        if (!request_line(line))
            return WS_NO;
        size_t end = http_head_end(window, &scanned);
        if (ws_http_header(end ? slice_sub(window, 0, end) : window, "Upgrade", &upgrade))
            return http_has_token(upgrade, "websocket") ? WS_YES : WS_NO;
        if (end)
            return WS_NO;
    }
    return head.size < GUESS_MAX ? WS_MORE : WS_NO;
}
