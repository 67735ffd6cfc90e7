/* Records as bytes: what the rows of the store hold beside the columns that are searched. */
#pragma once

#include "storage/pack.h"
#include "storage/record.h"

/* The call without streams, chains, events and recording. */
void record_pack_call(struct pack *p, struct call_record *r);
/* Its part in record_identity.h; record_pack_call() visits it. */
void record_pack_identity(struct pack *p, struct record_identity *d);
/* Its part in record_related.h; the same. */
void record_pack_related(struct pack *p, struct record_related *v);
/* The same of record_dtmf.h. */
void record_pack_dtmf(struct pack *p, struct record_dtmf *v);
/* What came to be known of each digit later. */
void record_pack_dtmf_wire(struct pack *p, struct record_dtmf *v);
/* The same of record_isup.h. */
void record_pack_isup(struct pack *p, struct record_isups *v);
/* The same of record_report.h. */
void record_pack_reports(struct pack *p, struct record_reports *v);
/* What record_rtcp.h holds of a stream; record_pack_stream() visits it. */
void record_pack_rtcp(struct pack *p, struct record_stream *s);
/* The part of it that came later: at the end of a stream. */
void record_pack_rtcp_said(struct pack *p, struct record_rtcp *c);
/* The same of record_diagnosis.h. */
void record_pack_diagnosis(struct pack *p, struct record_diagnosis *v);
/* When our own capture missed frames, calls in a row that looked like this one: behind what came between. */
void record_pack_diagnosis_time(struct pack *p, struct record_diagnosis *v);
/* ICMP. */
void record_pack_unreachable(struct pack *p, struct record_diagnosis *v);
/* The same of record_playout.h. */
void record_pack_playout(struct pack *p, struct record_playout *v);
/* A stream without its series. */
void record_pack_stream(struct pack *p, struct record_stream *s);
/* Reading allocates the arrays in p->arena. */
void record_pack_chains(struct pack *p, struct record_chain **chains, uint32_t *count);
void record_pack_events(struct pack *p, struct record_event **events, uint32_t *count);
void record_pack_recording(struct pack *p, struct record_recording *g);
void record_pack_files(struct pack *p, struct record_files *files);
/* What came to be known of each of these files later. */
void record_pack_file_notes(struct pack *p, struct record_files *files);
void record_pack_films(struct pack *p, struct record_recording *g);
/* Messages stand one behind the other in a row, so they do not grow at their end unnoticed: the row says
 * which format it has. 1: up to `raw`; 2: party and VLANs behind it. A new field is a new format. */
#define MESSAGE_FORMAT 2
void record_pack_message(struct pack *p, struct record_message *m, int format);

/* Charts: counts as differences with runs, so that an undisturbed minute is a few bytes; floats bit
 * by bit, so that what is read back prints as it did. */
void series_pack(struct pack *p, struct record_series *s);
