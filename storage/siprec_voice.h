/* Recording sessions (SIPREC): all media comes from the caller, a stream for each participant. Its
 * metadata says which label is whose, the m= lines have the labels. Pure over a record. */
#pragma once

#include "storage/record.h"

/* The stream (index into r->siprec.streams) of an m= line; -1: the metadata does not name it. */
int siprec_voice_of_line(const struct call_record *r, unsigned line);
/* The m= line of a stream; -1: none has its label. */
int siprec_voice_line(const struct call_record *r, unsigned stream);
/* Who speaks in a stream: his name, else his address, else the label. */
struct slice siprec_voice_name(const struct call_record *r, unsigned stream);
struct slice siprec_voice_uri(const struct call_record *r, unsigned stream);
