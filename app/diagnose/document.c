/* docs/diagnosis.md: the table, and what it means. */
#include "app/diagnose/diagnose.h"

/* clang-format off */
static const char before[] =
    "# Diagnosis\n"
    "\n"
    "Made from `app/diagnose/labels.def` by `earshot --document diagnosis`; a test compares.\n"
    "\n"
    "When a call is over its record is looked at as a whole, and what was wrong with it is written down as labels:\n"
    "`diagnosis` in the JSON of a call. `label=` of `GET /calls` finds the calls that have one, the metric\n"
    "`earshot_call_diagnoses_total` counts them. Each label says\n"
    "\n"
    "| field | meaning |\n"
    "| --- | --- |\n"
    "| `label` | one of the table below |\n"
    "| `direction` | `caller_to_callee` (the caller speaks, the callee hears) or `callee_to_caller`; null: the call as a whole |\n"
    "| `from_ms`, `to_ms` | when, in ms since the answer; of a call without one since its INVITE |\n"
    "| `side` | where the cause lies: `before_tap`, `after_tap`, `at_tap` (we lost packets, or do not see them), `unknown` |\n"
    "| `cause` | the probable one: `private_address`, `refused`, `firewall`, `codec`, `muted`; null: none is named |\n"
    "| `sid` | the stream |\n"
    "| `mos` | MOS-LQ of that stretch, `with` the impairment and `without`; null: not known |\n"
    "| `evidence` | the figures and texts that it rests on |\n"
    "\n"
    "Labels stand in this order, and the first is put into one sentence, `summary`, where A is the caller, B the callee:\n"
    "\n"
    "1. weight of 90 and more: somebody heard nothing in the whole call;\n"
    "2. all others with a weight, by what they took from the call: the square of the fall of MOS times its seconds, so that half as deep must\n"
    "   last four times as long. `silence`, `frozen_audio`,\n"
    "   `long_gap` and `late_media` count as a fall of 3.5, for nothing was heard; without a score the fall is 0. Only steps of four times as much\n"
    "   count (1, 4, 16, 64 ...), for two labels about the same trouble differ a little. Within a step by weight, then by the exact value, then by time;\n"
    "3. weight 0: what nobody hears. These make no sentence.\n"
    "\n"
    "What was heard (`silence`, `clipping`, `frozen_audio`, `echo`, and `one_way` for want of any sound in the packets) is\n"
    "known only of calls that are recorded, once the recording is rendered: then the call is judged once more.\n"
    "\n"
    "## Labels\n"
    "\n"
    "Each has a threshold of its name in `[diagnosis]` of the settings; 0 turns it off.\n"
    "\n"
    "| label | threshold | weight | meaning |\n"
    "| --- | --- | --- | --- |\n";

static const char after[] =
    "\n"
    "## Causes of silence\n"
    "\n"
    "Of `one_way` and `no_rtp`, the first that the evidence shows:\n"
    "\n"
    "| cause | evidence |\n"
    "| --- | --- |\n"
    "| `muted` | SDP says that this side only receives, or it sent nothing but comfort noise; of `no_rtp`: both |\n"
    "| `codec` | its packets have a payload type that the other side had not announced, or the line was declined |\n"
    "| `refused` | ICMP said for most of the call, three times at least, that its packets, or those sent to it, did not arrive |\n"
    "| `private_address` | the other side announced a private address in a message that came from a public one |\n"
    "| `firewall` | none of these: nothing of it came as far as the tap |\n"
    "\n"
    "## What is withheld\n"
    "\n"
    "A call that was picked up in the middle is not called one-way: what its SDP said is not known. Early media, holds\n"
    "and calls that are too short are left out. A tap that sees one direction only is no fault of the calls: that a host\n"
    "only sends, or only receives, in as many calls in a row as the threshold says, or RTCP that reports the missing\n"
    "stream, makes the label `capture_one_sided` instead. Reports of a receiver that gets nothing at all show that the\n"
    "fault is real. The first calls that such a tap sees after a start are still called one-way if no RTCP speaks for them.\n";
/* clang-format on */

static const struct {
    const char *name, *threshold, *unit;
    int weight;
    const char *help;
} rows[] = {
#define LABEL(name, threshold, unit, weight, help) {#name, threshold, unit, weight, help},
#include "app/diagnose/labels.def"
#undef LABEL
};

void diagnose_document(FILE *out)
{
    fputs(before, out);
    for (unsigned i = 0; i < DIAGNOSE_LABELS; i++)
        fprintf(out, "| `%s` | %s %s | %d | %s |\n", rows[i].name, rows[i].threshold, rows[i].unit,
                rows[i].weight, rows[i].help);
    fputs(after, out);
}
