/* <isComposing> */
#include "capture/body/is_composing.h"

#include "capture/body/cpim.h"
#include "capture/body/numbers.h"

enum xml_verdict is_composing_read(struct xml *x, struct slice body, struct is_composing *ret)
{
    struct cpim envelope;
    bool wrapped = cpim_read(body, &envelope);
    if (wrapped && !slice_is_nocase(envelope.content_type, "application/im-iscomposing+xml"))
        return XML_NOT_THIS;
    enum xml_verdict v = xml_read_root(x, wrapped ? envelope.content : body, "isComposing");
    if (v != XML_OK)
        return v;
    *ret = (struct is_composing){
        .active = slice_is_nocase(xml_child_text(x, xml_root(x), "state"), "active"),
        .content_type = xml_child_text(x, xml_root(x), "contenttype"),
        .last_active = xml_child_text(x, xml_root(x), "lastactive"),
        .refresh_s = number_whole(xml_child_text(x, xml_root(x), "refresh")),
    };
    return XML_OK;
}
