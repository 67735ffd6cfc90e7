/* What was wrong with a call, from its finished record: labels with evidence, and one sentence for people.
 *
 * Pure: record and thresholds in, labels into the record's arena. Nothing here knows packets. A label names a direction (who
 * speaks -> who hears), a stretch of time, the side of the tap where the cause lies, the figures that it rests on, and MOS-LQ of
 * that stretch with and without the impairment. The labels are the table labels.def; a family of them is a file:
 *
 *   silent.c     no_rtp, one_way, capture_one_sided, late_media; probable causes in cause.c
 *   loss.c       loss, burst_loss
 *   pace.c       jitter, long_gap, clock_drift
 *   format.c     payload_mismatch, codec_asymmetry, ptime_asymmetry
 *   address.c    nat_mismatch, media_moved
 *   marks.c      dscp_remark, dscp_mismatch
 *   ends.c       rtp_after_bye, bye_missing, hold_long
 *   sound.c      silence, clipping, frozen_audio, echo, one_way by content
 *   sentence.c   the worst label in words
 *   document.c   docs/diagnosis.md
 *
 * What is not known (NAN, no SDP, a call that began before the capture) gives no label: a wrong one costs more than none. */
#pragma once

#include <stdio.h>

#include "base/error.h"
#include "storage/record.h"

enum diagnose_label {
#define LABEL(name, threshold, unit, weight, help) DIAGNOSE_##name,
#include "app/diagnose/labels.def"
#undef LABEL
    DIAGNOSE_LABELS
};

struct diagnose_config {
    int64_t threshold[DIAGNOSE_LABELS]; /* 0: off */
    uint64_t dscp_rtp, dscp_sip;        /* values that are allowed, as bits; 0: any */
};

struct settings;

/* From [diagnosis] of the settings; ERR_INVALID with the sentence. */
int diagnose_configure(const struct settings *s, struct diagnose_config *ret_config, struct why *why);
/* Fills labels and summary of r->diagnosis, and the flags one_way and no_rtp, from nothing but the rest of the record. Of one that is
 * final; again once its sound was measured. */
void diagnose(struct call_record *r, const struct diagnose_config *config);
/* The labels that it has, as bits of enum diagnose_label (and of LABELS_DIAGNOSIS). */
uint32_t diagnose_labels(const struct call_record *r);
/* The table as Markdown, for docs/diagnosis.md. */
void diagnose_document(FILE *out);
