/* One element a dialog. */
#include "capture/body/dialog_info.h"

#include "capture/body/numbers.h"

static const char *const states[] = {"unknown", "trying",    "proceeding",
                                     "early",   "confirmed", "terminated"};
#define STATES (sizeof states / sizeof states[0])

static enum dialog_info_state state_of(struct slice text)
{
    for (unsigned i = 0; i < STATES; i++) {
        if (slice_is_nocase(text, states[i]))
            return (enum dialog_info_state)i;
    }
    return DIALOG_INFO_UNKNOWN;
}

static enum dialog_info_direction direction_of(struct slice text)
{
    if (slice_is_nocase(text, "initiator"))
        return DIALOG_INFO_INITIATOR;
    return slice_is_nocase(text, "recipient") ? DIALOG_INFO_RECIPIENT : DIALOG_INFO_DIR_UNKNOWN;
}

static struct dialog_info_party party_of(const struct xml *x, const struct xml_node *n)
{
    const struct xml_node *identity = xml_child(x, n, "identity");
    struct slice display = xml_attribute(x, identity, "display");
    return (struct dialog_info_party){
        .identity = xml_text(identity),
        .display = display.size ? display : xml_attribute(x, identity, "display-name"),
        .target = xml_attribute(x, xml_child(x, n, "target"), "uri"),
    };
}

static uint16_t code_of(struct slice text)
{
    int64_t code = number_whole(text);
    return code >= 100 && code <= 699 ? (uint16_t)code : 0;
}

static struct dialog_info_dialog dialog_of(const struct xml *x, const struct xml_node *n)
{
    const struct xml_node *state = xml_child(x, n, "state");
    return (struct dialog_info_dialog){
        .id = xml_attribute(x, n, "id"),
        .call_id = xml_attribute(x, n, "call-id"),
        .local_tag = xml_attribute(x, n, "local-tag"),
        .remote_tag = xml_attribute(x, n, "remote-tag"),
        .direction = direction_of(xml_attribute(x, n, "direction")),
        .state = state_of(xml_text(state)),
        .event = xml_attribute(x, state, "event"),
        .code = code_of(xml_attribute(x, state, "code")),
        .duration_s = number_whole(xml_child_text(x, n, "duration")),
        .local = party_of(x, xml_child(x, n, "local")),
        .remote = party_of(x, xml_child(x, n, "remote")),
    };
}

enum xml_verdict dialog_info_read(struct xml *x, struct slice body, struct dialog_info *ret)
{
    enum xml_verdict v = xml_read_root(x, body, "dialog-info");
    if (v != XML_OK)
        return v;
    const struct xml_node *root = xml_root(x), *n;
    struct dialog_info d = {.entity = xml_attribute(x, root, "entity")};
    slice_to_u32(xml_attribute(x, root, "version"), &d.version);
    d.full = slice_is_nocase(xml_attribute(x, root, "state"), "full");
    for (n = xml_child(x, root, "dialog"); n; n = xml_next(x, n, "dialog")) {
        if (d.dialog_count == DIALOG_INFO_MAX) {
            d.limited = true;
            break;
        }
        d.dialogs[d.dialog_count++] = dialog_of(x, n);
    }
    *ret = d;
    return XML_OK;
}

const char *dialog_info_state_text(enum dialog_info_state s)
{
    return (unsigned)s < STATES ? states[s] : states[0];
}
