/* <imdn> holds one notification; its name says the kind, the element in <status> says the outcome.
 */
#include "capture/body/imdn.h"

#include "capture/body/cpim.h"

static const struct {
    const char *element;
    enum imdn_kind kind;
} kinds[] = {
    {"delivery-notification", IMDN_DELIVERY},
    {"display-notification", IMDN_DISPLAY},
    {"processing-notification", IMDN_PROCESSING},
};

static void read_kind(const struct xml *x, struct imdn *m)
{
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct xml_node *n = xml_child(x, xml_root(x), kinds[i].element);
        if (n == NULL)
            continue;
        const struct xml_node *status = xml_child(x, xml_child(x, n, "status"), NULL);
        m->kind = kinds[i].kind;
        m->status = status ? status->name : slice_none();
        return;
    }
}

enum xml_verdict imdn_read(struct xml *x, struct slice body, struct imdn *ret)
{
    struct cpim envelope;
    struct imdn m = {.from_envelope = cpim_read(body, &envelope)};
    if (m.from_envelope && !slice_is_nocase(envelope.content_type, "message/imdn+xml"))
        return XML_NOT_THIS;
    enum xml_verdict v = xml_read_root(x, m.from_envelope ? envelope.content : body, "imdn");
    if (v != XML_OK)
        return v;
    m.message_id = xml_child_text(x, xml_root(x), "message-id");
    m.date_time = xml_child_text(x, xml_root(x), "datetime");
    m.recipient = xml_child_text(x, xml_root(x), "recipient-uri");
    m.original_recipient = xml_child_text(x, xml_root(x), "original-recipient-uri");
    m.subject = xml_child_text(x, xml_root(x), "subject");
    read_kind(x, &m);
    *ret = m;
    return XML_OK;
}
