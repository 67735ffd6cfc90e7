/* Findings as the front tells them -> the records that are stored and shown, and the line that a blocker reads. */
#pragma once

#include <stdio.h>

#include "capture/finding/finding.h"
#include "storage/user_record.h"

void finding_record_fill(struct finding_record *record, const struct finding *finding);

#define FINDING_LINE_SIZE 512
/* For fail2ban and the like: `finding=enumeration id=A-S3 severity=warning src=192.0.2.66 ...`. Values are letters, digits and
 * .:@_+-/ alone, so nobody can write a line of his own; anything else became an underscore. False: no news for a log. */
bool finding_line(const struct finding *finding, char out[FINDING_LINE_SIZE]);
/* The table of detectors as Markdown, for docs/findings.md. */
void finding_document(FILE *out);
