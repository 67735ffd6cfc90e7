/* A call that is the recording of others (SIPREC, RFC 7866): the metadata in its INVITE or UPDATE becomes
 * part of the call. */
#pragma once

#include "capture/body/xml.h"
#include "capture/call/table.h"

/* Looks into a request of the call; what cannot be read is counted. */
void siprec_note(struct calls *c, struct live *l, const struct sip_msg *m);
/* One XML document that was not read, by its reason; XML_OK counts nothing. */
void count_xml(struct counters *counters, enum xml_verdict v);

static inline bool xml_was_read(struct counters *counters, enum xml_verdict v)
{
    count_xml(counters, v);
    return v == XML_OK;
}
