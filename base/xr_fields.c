/* RFC 3611, and the RFC behind each name. */
#include "base/xr_fields.h"

#include <stddef.h>

static const struct xr_field_set sets[] = {
    {1, "loss_rle", {NULL}, {"begin", "end", "thinning", "covered", "received"}},
    {2, "duplicate_rle", {NULL}, {"begin", "end", "thinning", "covered", "not_duplicated"}},
    {3, "receipt_times", {NULL}, {"first", "count", "first_ticks", "last_ticks"}},
    {6,
     "statistics",
     {NULL},
     {"begin", "end", "lost", "duplicates", "jitter_min_ticks", "jitter_max_ticks",
      "jitter_mean_ticks", "jitter_deviation_ticks", "ttl_min", "ttl_max", "ttl_mean",
      "ttl_deviation"}},
    {14,
     "measurement",
     {NULL},
     {"first", "interval_first", "last", "interval_s", "total_s"}}, /* 6776 */
    {15,
     "delay_variation", /* 6798 */
     {"mapdv2", "two_point"},
     {"positive_ms", "positive_percent", "negative_ms", "negative_percent", "mean_ms"}},
    {16, "delay", {NULL}, {"mean_ms", "min_ms", "max_ms", "end_system_ms"}}, /* 6843 */
    {17,
     "burst_loss_summary",
     {NULL},
     {"burst_ratio", "gap_ratio", "mean_ms", "variance_ms2"}}, /* 7004 */
    {18, "burst_discard_summary", {NULL}, {"burst_ratio", "gap_ratio"}},
    {19, "frames", {NULL}, {"begin", "end", "discarded", "duplicated", "lost", "lost_partly"}},
    {20,
     "burst_loss", /* 6958 */
     {NULL},
     {"threshold", "burst_ms", "lost_in_bursts", "expected_in_bursts", "bursts", "squares_ms2"}},
    {21,
     "burst_discard",
     {NULL},
     {"threshold", "discarded_in_bursts", "expected_in_bursts"}}, /* 7003 */
    {23,
     "jitter_buffer",
     {"fixed", "adaptive"},
     {"nominal_ms", "maximum_ms", "high_ms", "low_ms"}},                            /* 7005 */
    {24, "discards", {"duplicate", "early", "late", "early_or_late"}, {"packets"}}, /* 7002 */
    {25,
     "discard_rle",
     {"late", "early"},
     {"begin", "end", "thinning", "covered", "not_discarded"}},                       /* 7097 */
    {26, "bytes_discarded", {"late", "early"}, {"octets"}},                           /* 7243 */
    {29, "mos", {NULL}, {"algorithm", "payload_type", "channel", "mos", "segments"}}, /* 7266 */
    {30,
     "concealment", /* 7294 */
     {NULL, "disabled", "enhanced", "standard"},
     {"played_ms", "concealed_ms", "adjusted_ms", "interrupts", "mean_interrupt_ms"}},
    {31,
     "concealed_seconds",
     {NULL, "disabled", "enhanced", "standard"},
     {"unimpaired_s", "concealed_s", "severe_s", "threshold_ms"}},
    {35,
     "independent_burst_discard", /* 8015 */
     {NULL},
     {"threshold", "burst_ms", "discarded_in_bursts", "expected_in_bursts", "bursts", "discards"}},
};

const struct xr_field_set *xr_field_set(uint8_t type)
{
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (sets[i].type == type)
            return &sets[i];
    return NULL;
}

unsigned xr_field_count(const struct xr_field_set *set)
{
    unsigned n = 0;
    while (n < XR_VALUES && set->fields[n])
        n++;
    return n;
}

const char *xr_span_text(uint8_t span)
{
    static const char *const texts[] = {NULL, "sampled", "interval", "cumulative"};
    return texts[span & 3];
}
