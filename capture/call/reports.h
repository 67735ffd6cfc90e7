/* Quality reports of endpoints on their way into a call: bodies of PUBLISH and NOTIFY (reports.c), headers of messages within the
 * call (rtp_stat_note.c). */
#pragma once

#include "capture/call/live.h"

/* In the order of the REPORT_RESULT label set. */
enum report_result { REPORT_KEPT, REPORT_REPEATED, REPORT_OVER_LIMIT, REPORT_NO_CALL };

/* Copies the report into the call unless it is there already or the call has its fill; counts what became of it. */
void report_keep(struct calls *c, struct call *call, const struct call_report *r);
void report_counted(struct calls *c, unsigned source, enum report_result result);
/* A report in the body of a PUBLISH or NOTIFY, if there is one. */
void reports_see(struct calls *c, struct sip_msg *scratch, const struct sighting *s);
/* Of every message of a call that is no retransmission. */
void rtp_stat_note(struct calls *c, struct live *l, const struct sighting *s);
