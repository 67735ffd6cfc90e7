/* Bodies made of lines "Name: value", with any line ends. What mwi.c, cpim.c, sipfrag.c, vq_report.c
 * and dtmf_info.c share. */
#pragma once

#include "base/slice.h"

/* Takes one line off the front, without its end; a last line without an end counts. False at the end. */
bool line_next(struct slice *rest, struct slice *ret_line);
/* The same with its continuation lines (those that begin with white space) still in it. */
bool line_next_folded(struct slice *rest, struct slice *ret_line);
/* "Name: value" or "name=value", both sides trimmed; false without the separator or the name. */
bool line_split(struct slice line, uint8_t separator, struct slice *ret_name, struct slice *ret_value);
