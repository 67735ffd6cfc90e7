/* Was every call recorded that should be: each answered call once, under what became of its recording. `earshot read --coverage`. */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "base/counters.h"
#include "storage/record.h"

struct coverage_report {
    uint64_t answered;
    uint64_t of[LABEL_COUNT_RECORDING];
};

void coverage_report_add(struct coverage_report *c, const struct call_record *r);
/* One object. */
void coverage_report_json(const struct coverage_report *c, struct buf *out);
void coverage_report_table(const struct coverage_report *c, FILE *out);
