/* A BPF expression for frames from files, whose link types may differ: compiled once for each. */
#pragma once

#include "base/error.h"
#include "capture/source/frame.h"

struct filter;

/* Without an expression *ret_filter is NULL, and that passes everything. 0 or ERR_NOMEM. */
int filter_new(const char *text, struct filter **ret_filter);
void filter_free(struct filter *f);
/* Before frames of this type come; `name` is for the sentence. 0, ERR_INVALID, ERR_NOMEM. */
int filter_compile(struct filter *f, uint16_t link_type, const char *name, struct why *why);
bool filter_passes(const struct filter *f, const struct frame *frame);

/* libpcap speaks of DLT_ numbers, of which a few differ by system; files and our headers use
 * LINKTYPE_ numbers. */
uint16_t link_of_dlt(int dlt);
int dlt_of_link(uint16_t link_type);
