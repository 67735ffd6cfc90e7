/* Lines "Name: KEY=value KEY=value"; keys mean the same in whatever line they stand, so a table of
 * keys is all there is, with the range in which a number is one. */
#include "capture/body/vq_report.h"

#include <stddef.h>

#include "capture/body/lines.h"
#include "capture/body/numbers.h"

/* ---- metrics ---- */

/* 127 is "unavailable" wherever that is not a possible value: outside the range below. */
static const struct number_key {
    const char *key;
    size_t at;
    double min, max;
} numbers[] = {
#define NUMBER(key, field, min, max)                                                               \
    {                                                                                              \
        key, offsetof(struct vq_metrics, field), min, max                                          \
    }
    NUMBER("SR", sample_rate_hz, 1, 384000),
    NUMBER("FD", frame_ms, 0, 10000),
    NUMBER("FO", frame_octets, 0, 65535),
    NUMBER("FPP", frames_per_packet, 0, 65535),
    NUMBER("PPS", packets_per_second, 0, 65535),
    NUMBER("PLC", plc, 0, 3),
    NUMBER("JBA", jb_adaptive, 0, 3),
    NUMBER("JBR", jb_rate, 0, 15),
    NUMBER("JBN", jb_nominal_ms, 0, 65535),
    NUMBER("JBM", jb_max_ms, 0, 65535),
    NUMBER("JBX", jb_abs_max_ms, 0, 65535),
    NUMBER("NLR", loss_percent, 0, 100),
    NUMBER("JDR", discard_percent, 0, 100),
    NUMBER("BLD", burst_percent, 0, 100),
    NUMBER("BD", burst_ms, 0, 3600000),
    NUMBER("GLD", gap_percent, 0, 100),
    NUMBER("GD", gap_ms, 0, 3600000),
    NUMBER("GMIN", gap_min, 1, 255),
    NUMBER("RTD", round_trip_ms, 0, 65535),
    NUMBER("ESD", end_system_ms, 0, 65535),
    NUMBER("OWD", one_way_ms, 0, 65535),
    NUMBER("SOWD", symmetric_one_way_ms, 0, 65535),
    NUMBER("IAJ", jitter_ms, 0, 65535),
    NUMBER("MAJ", jitter_max_ms, 0, 65535),
    NUMBER("SL", signal_dbm0, -128, 30),
    NUMBER("NL", noise_dbm0, -128, 30),
    NUMBER("RERL", rerl_db, 0, 126),
    NUMBER("RLQ", r_lq, 0, 120),
    NUMBER("RCQ", r_cq, 0, 120),
    NUMBER("EXTRI", ext_r_in, 0, 120),
    NUMBER("EXTRO", ext_r_out, 0, 120),
    NUMBER("MOSLQ", mos_lq, 1, 4.9),
    NUMBER("MOSCQ", mos_cq, 1, 4.9),
#undef NUMBER
};
#define NUMBERS (sizeof numbers / sizeof numbers[0])

static void metrics_init(struct vq_metrics *m)
{
    *m = (struct vq_metrics){0};
    for (unsigned i = 0; i < NUMBERS; i++)
        *(double *)((char *)m + numbers[i].at) = NAN;
}

static void read_number(struct vq_metrics *m, struct slice key, struct slice value)
{
    for (unsigned i = 0; i < NUMBERS; i++) {
        if (!slice_is_nocase(key, numbers[i].key))
            continue;
        double v = number_decimal(value);
        if (v >= numbers[i].min && v <= numbers[i].max)
            *(double *)((char *)m + numbers[i].at) = v;
        return;
    }
}

static bool ends_with(struct slice key, const char *end)
{
    size_t n = strlen(end);
    return key.size >= n && slice_is_nocase(slice_from(key, key.size - n), end);
}

static void read_metric(struct vq_metrics *m, struct slice key, struct slice value)
{
    m->given = true;
    if (slice_is_nocase(key, "START"))
        m->start = value;
    else if (slice_is_nocase(key, "STOP"))
        m->stop = value;
    else if (slice_is_nocase(key, "PT"))
        m->payload_type = value;
    else if (slice_is_nocase(key, "PD"))
        m->codec = value;
    else if (slice_is_nocase(key, "FMTP"))
        m->fmtp = value;
    else if (slice_is_nocase(key, "SSUP"))
        m->silence_suppression = slice_is_nocase(value, "on");
    else if (m->algorithm.size == 0 && (ends_with(key, "EstAlg") || ends_with(key, "EstAlgo")))
        m->algorithm = value;
    else
        read_number(m, key, value);
}

/* ---- KEY=value lists ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes KEY=value off the front, quotes removed; words without '=' are passed over. */
static bool pair_next(struct slice *rest, struct slice *ret_key, struct slice *ret_value)
{
    while (rest->size) {
        size_t end = 0;
        bool quoted = false;
        for (; end < rest->size && (quoted || !is_space(rest->data[end])); end++)
            quoted ^= rest->data[end] == '"';
        struct slice word = slice_sub(*rest, 0, end);
        *rest = slice_from(*rest, end + 1);
        if (!line_split(word, '=', ret_key, ret_value))
            continue;
        struct slice v = *ret_value;
        if (v.size >= 2 && v.data[0] == '"' && v.data[v.size - 1] == '"')
            *ret_value = slice_sub(v, 1, v.size - 1);
        return true;
    }
    return false;
}

static void read_address(struct slice list, struct vq_address *a)
{
    struct slice key, value;
    while (pair_next(&list, &key, &value)) {
        if (slice_is_nocase(key, "IP"))
            a->ip = value;
        else if (slice_is_nocase(key, "PORT") && !slice_to_u16(value, &a->port))
            a->port = 0;
        else if (slice_is_nocase(key, "SSRC"))
            a->ssrc = value;
    }
}

/* Call-ID, then parameters. */
static void read_dialog(struct slice value, struct vq_report *r)
{
    r->dialog_id = slice_trim(slice_cut(&value, ';'));
    while (value.size) {
        struct slice name, text, parameter = slice_cut(&value, ';');
        if (!line_split(parameter, '=', &name, &text))
            continue;
        if (slice_is_nocase(name, "to-tag"))
            r->to_tag = text;
        else if (slice_is_nocase(name, "from-tag"))
            r->from_tag = text;
    }
}

/* ---- the report ---- */

static const struct {
    const char *name;
    size_t at;
} texts[] = {
    {"CallID", offsetof(struct vq_report, call_id)},
    {"LocalID", offsetof(struct vq_report, local_id)},
    {"RemoteID", offsetof(struct vq_report, remote_id)},
    {"OrigID", offsetof(struct vq_report, orig_id)},
    {"LocalGroup", offsetof(struct vq_report, local_group)},
    {"RemoteGroup", offsetof(struct vq_report, remote_group)},
    {"LocalMAC", offsetof(struct vq_report, local_mac)},
    {"RemoteMAC", offsetof(struct vq_report, remote_mac)},
};

static bool read_text(struct vq_report *r, struct slice name, struct slice value)
{
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (slice_is_nocase(name, texts[i].name)) {
            *(struct slice *)((char *)r + texts[i].at) = value;
            return true;
        }
    }
    return false;
}

/* Which metrics the lines behind it belong to; NULL: it is no such heading. */
static struct vq_metrics *heading(struct vq_report *r, struct slice name)
{
    if (slice_is_nocase(name, "LocalMetrics") || slice_is_nocase(name, "Metrics"))
        return &r->local_metrics;
    return slice_is_nocase(name, "RemoteMetrics") ? &r->remote_metrics : NULL;
}

static void read_line(struct vq_report *r, struct slice name, struct slice value,
                      struct vq_metrics *metrics)
{
    struct slice key, text;
    if (read_text(r, name, value))
        return;
    if (slice_is_nocase(name, "LocalAddr")) {
        read_address(value, &r->local);
    } else if (slice_is_nocase(name, "RemoteAddr")) {
        read_address(value, &r->remote);
    } else if (slice_is_nocase(name, "DialogID")) {
        read_dialog(value, r);
    } else {
        while (metrics && pair_next(&value, &key, &text))
            read_metric(metrics, key, text);
    }
}

static bool read_kind(struct slice line, struct vq_report *r)
{
    struct slice name = slice_trim(slice_cut(&line, ':')), rest = slice_trim(line);
    if (slice_is_nocase(name, "VQSessionReport"))
        r->kind = VQ_SESSION;
    else if (slice_is_nocase(name, "VQIntervalReport"))
        r->kind = VQ_INTERVAL;
    else if (slice_is_nocase(name, "VQAlertReport"))
        r->kind = VQ_ALERT;
    else
        return false;
    r->call_term = slice_is_nocase(rest, "CallTerm");
    if (r->kind == VQ_ALERT)
        r->alert = rest;
    return true;
}

bool vq_report_read(struct slice body, struct vq_report *ret)
{
    struct slice line, name, value;
    struct vq_report r = {0};
    struct vq_metrics *metrics = NULL;
    metrics_init(&r.local_metrics);
    metrics_init(&r.remote_metrics);
    do {
        if (!line_next_folded(&body, &line))
            return false;
    } while (line.size == 0);
    if (!read_kind(line, &r))
        return false;
    while (line_next_folded(&body, &line)) {
        if (!line_split(line, ':', &name, &value))
            continue;
        struct vq_metrics *next = heading(&r, name);
        metrics = next ? next : metrics;
        read_line(&r, name, value, metrics);
    }
    *ret = r;
    return true;
}

/* ---- SSRC ---- */

static bool hex_value(struct slice text, uint32_t *ret)
{
    uint32_t v = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i], letter = c | 32;
        bool digit = c >= '0' && c <= '9';
        if (!digit && (letter < 'a' || letter > 'f'))
            return false;
        v = v << 4 | (uint32_t)(digit ? c - '0' : letter - 'a' + 10);
    }
    *ret = v;
    return text.size > 0 && text.size <= 8;
}

unsigned vq_ssrc_values(struct slice text, uint32_t ret_values[2])
{
    unsigned n = 0;
    uint32_t v;
    bool marked = slice_starts_nocase(text, "0x");
    if (!marked && slice_to_u32(text, &v))
        ret_values[n++] = v;
    if (hex_value(marked ? slice_from(text, 2) : text, &v) && (n == 0 || ret_values[0] != v))
        ret_values[n++] = v;
    return n;
}
