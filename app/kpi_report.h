/* `earshot read --kpi`: the figures of what was read, for people and as JSON. */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "storage/kpi_book.h"

/* One object. */
void kpi_report_json(const struct kpi_book *book, struct buf *out);
void kpi_report_table(const struct kpi_book *book, FILE *out);
