/* A message is a start line, parameter lines, and after an empty line an SDP:
 *
 *   CRCX 1204 aaln/1@gw.example MGCP 1.0        200 1204 OK
 *   C: A3C47F21456789F0                         I: FDE234C8
 *   M: recvonly
 *                                               v=0 ...
 */
#include "capture/foreign/mgcp.h"

#define LINE_MAX_BYTES  1024
#define TRANSACTION_MAX 999999999

static const char *const verbs[] = {"CRCX", "MDCX", "DLCX", "RQNT", "NTFY",
                                    "AUEP", "AUCX", "RSIP", "EPCF"};

/* The next line of *rest without its end. */
static struct slice take_line(struct slice *rest)
{
    struct slice line = slice_cut(rest, '\n');
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct slice take_word(struct slice *line)
{
    size_t from = 0;
    while (from < line->size && is_blank(line->data[from]))
        from++;
    size_t to = from;
    while (to < line->size && !is_blank(line->data[to]))
        to++;
    struct slice word = slice_sub(*line, from, to);
    *line = slice_from(*line, to);
    return word;
}

static bool to_transaction(struct slice word, uint32_t *ret_transaction)
{
    uint64_t number;
    if (!slice_to_u64(word, TRANSACTION_MAX, &number) || number == 0)
        return false;
    *ret_transaction = (uint32_t)number;
    return true;
}

static bool find_verb(struct slice word, uint8_t *ret_verb)
{
    for (unsigned i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (slice_is_nocase(word, verbs[i])) {
            *ret_verb = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static void set_endpoint(struct mgcp_msg *m, struct slice name)
{
    m->endpoint = m->domain = name;
    m->local = slice_cut(&m->domain, '@');
}

static bool command_line(struct slice line, struct mgcp_msg *m)
{
    m->command = true;
    if (!find_verb(take_word(&line), &m->verb) ||
        !to_transaction(take_word(&line), &m->transaction))
        return false;
    set_endpoint(m, take_word(&line));
    if (m->local.size == 0 || m->domain.size == 0 || !slice_is_nocase(take_word(&line), "MGCP"))
        return false;
    struct slice version = take_word(&line);
    return version.size >= 3 && version.data[0] >= '0' && version.data[0] <= '9' &&
           version.data[1] == '.';
}

static bool response_line(struct slice line, struct mgcp_msg *m)
{
    struct slice code = take_word(&line);
    uint64_t number;
    m->command = false;
    if (code.size != 3 || !slice_to_u64(code, 999, &number) ||
        !to_transaction(take_word(&line), &m->transaction))
        return false;
    m->code = (uint16_t)number;
    m->comment = slice_trim(line);
    return true;
}

/* Most that is looked at is no MGCP: the first byte decides. */
static struct slice first_line(struct slice text)
{
    text = slice_sub(text, 0, LINE_MAX_BYTES);
    return take_line(&text);
}

bool mgcp_is_command(struct slice text)
{
    struct mgcp_msg m;
    uint8_t first = text.size ? text.data[0] & 0xdf : 0;
    return first >= 'A' && first <= 'R' && command_line(first_line(text), &m);
}

bool mgcp_is_response(struct slice text)
{
    struct mgcp_msg m;
    return text.size && text.data[0] >= '0' && text.data[0] <= '9' &&
           response_line(first_line(text), &m);
}

static void parameter(struct slice line, struct mgcp_msg *m)
{
    struct slice name = slice_trim(slice_cut(&line, ':'));
    struct slice value = slice_trim(line);
    if (name.size != 1)
        return;
    switch (name.data[0] & 0xdf) {
    case 'C':
        m->call_id = value;
        break;
    case 'I':
        m->connection = value;
        break;
    case 'L':
        m->options = value;
        break;
    case 'M':
        m->mode = value;
        break;
    case 'P':
        m->statistics = value;
        break;
    case 'O':
        m->observed = value;
        break;
    case 'S':
        m->signals = value;
        break;
    case 'E':
        m->reason = value;
        break;
    case 'Z':
        m->specific = value;
        break;
    default:
        break;
    }
}

static bool ends_message(struct slice line)
{
    return line.size == 1 && line.data[0] == '.';
}

/* The body goes on to the dot or the end. */
static struct slice take_body(struct slice *rest)
{
    struct slice body = *rest;
    body.size = 0;
    while (rest->size) {
        const uint8_t *at = rest->data;
        if (ends_message(take_line(rest)))
            return slice_of(body.data, (size_t)(at - body.data));
        body.size = (size_t)(rest->data ? rest->data - body.data : 0);
    }
    return body;
}

bool mgcp_next(struct slice *rest, struct mgcp_msg *ret_msg)
{
    struct mgcp_msg m = {0};
    struct slice all = *rest;
    struct slice line = take_line(rest);
    if (!command_line(line, &m)) {
        m = (struct mgcp_msg){0};
        if (!response_line(line, &m)) {
            *rest = slice_none();
            return false;
        }
    }
    while (rest->size) {
        line = take_line(rest);
        if (ends_message(line))
            break;
        if (line.size == 0) {
            m.sdp = take_body(rest);
            break;
        }
        parameter(line, &m);
    }
    m.whole = slice_sub(all, 0, all.size - rest->size);
    *ret_msg = m;
    return true;
}

bool mgcp_has_event(struct slice list, const char *event)
{
    while (list.size) {
        struct slice item = slice_trim(slice_cut(&list, ','));
        item = slice_sub(item, 0, slice_index(item, '('));
        item = slice_sub(item, 0, slice_index(item, '@'));
        size_t slash = slice_index(item, '/');
        if (slice_is_nocase(slash < item.size ? slice_from(item, slash + 1) : item, event))
            return true;
    }
    return false;
}
