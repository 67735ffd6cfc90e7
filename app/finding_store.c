/* One finding, three ways: a row, a line, a page of the manual. */
#include "app/finding_store.h"

#include <string.h>

#include "app/list_text.h"
#include "app/summarise.h"
#include "base/json.h"

#define COPY(field, text) slice_copy_to(slice_str(text), field, sizeof(field))

/* ---- lists as JSON: eight of each at most, so they fit but for texts full of escapes ---- */

static void call_item(struct json *j, const void *thing, unsigned i)
{
    const struct finding *f = thing;
    char text[40];
    uid_text(f->call[i], text);
    json_text(j, slice_str(text));
}

static void endpoint_item(struct json *j, const struct endpoint *at)
{
    char text[ENDPOINT_TEXT_SIZE];
    json_text(j, slice_str(endpoint_text(at, text)));
}

static void source_item(struct json *j, const void *thing, unsigned i)
{
    const struct finding *f = thing;
    endpoint_item(j, &f->source[i]);
}

static void destination_item(struct json *j, const void *thing, unsigned i)
{
    const struct finding *f = thing;
    endpoint_item(j, &f->destination[i]);
}

static void sample_item(struct json *j, const void *thing, unsigned i)
{
    const struct finding *f = thing;
    json_text(j, slice_str(f->sample[i]));
}

/* ---- the record ---- */

static void take_ip(const struct endpoint *e, char out[48])
{
    char text[ADDR_TEXT_SIZE];
    slice_copy_to(slice_str(addr_is_any(e->addr) ? "" : addr_text(e->addr, text)), out, 48);
}

/* "at least 10 requests without success within 5 s" */
static void say(const struct finding *f, char *out, size_t size)
{
    const char *what = finding_rule(f->rule)->what;
    double seconds = (double)f->window_ns / 1e9;
    if (f->window_ns == 0 || f->threshold <= 1)
        snprintf(out, size, "%llu %s", (unsigned long long)f->count, what);
    else
        snprintf(out, size, "%llu %s; the limit is %u within %.10g s", (unsigned long long)f->count,
                 what, f->threshold, seconds);
}

static void take_evidence(struct finding_record *r, const struct finding *f)
{
    list_text(r->calls, sizeof r->calls, f, f->call_count, call_item);
    list_text(r->sources, sizeof r->sources, f, f->source_count, source_item);
    list_text(r->destinations, sizeof r->destinations, f, f->destination_count, destination_item);
    list_text(r->samples, sizeof r->samples, f, f->sample_count, sample_item);
}

void finding_record_fill(struct finding_record *r, const struct finding *f)
{
    const struct finding_detector_info *d = finding_detector(f->detector);
    user_record_init(USER_FINDING, r);
    uid_text(f->uid, r->uid);
    COPY(r->key, r->uid);
    r->weak = f->severity < FINDING_CRITICAL;
    COPY(r->detector, d->name);
    COPY(r->detector_id, d->number);
    COPY(r->rule, finding_rule(f->rule)->name);
    COPY(r->severity, finding_severity_text(f->severity));
    COPY(r->state, finding_state_text(f->state));
    say(f, r->detail, sizeof r->detail);
    COPY(r->subject, f->subject);
    r->space = f->src.space;
    take_ip(&f->src, r->src_ip);
    r->src_port = f->src.port;
    take_ip(&f->dst, r->dst_ip);
    r->dst_port = f->dst.port;
    r->first_us = f->first_ns / 1000;
    r->opened_us = f->opened_ns / 1000;
    r->updated_us = f->last_ns / 1000;
    r->cleared_us = f->cleared_ns / 1000;
    r->count = (int64_t)f->count;
    r->episodes = f->episodes;
    r->threshold = f->threshold;
    r->window_ms = f->window_ns / 1000000;
    take_evidence(r, f);
}

/* ---- the line ---- */

static void add_value(char out[FINDING_LINE_SIZE], const char *name, const char *value)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:@_+-/";
    size_t n = strlen(out);
    if (value[0] == '\0')
        return;
    n += (size_t)snprintf(out + n, FINDING_LINE_SIZE - n, "%s%s=", n ? " " : "", name);
    for (; *value && n + 1 < FINDING_LINE_SIZE; value++)
        out[n++] = strchr(plain, *value) ? *value : '_';
    out[n < FINDING_LINE_SIZE ? n : FINDING_LINE_SIZE - 1] = '\0';
}

bool finding_line(const struct finding *f, char out[FINDING_LINE_SIZE])
{
    char count[24], src[48], dst[48], uid[40];
    out[0] = '\0';
    if (f->last || (f->news != FINDING_OPENED && f->news != FINDING_WORSE))
        return false;
    snprintf(count, sizeof count, "%llu", (unsigned long long)f->count);
    take_ip(&f->src, src);
    take_ip(&f->dst, dst);
    uid_text(f->uid, uid);
    add_value(out, "finding", finding_detector(f->detector)->name);
    add_value(out, "src", src);
    add_value(out, "dst", dst);
    add_value(out, "id", finding_detector(f->detector)->number);
    add_value(out, "severity", finding_severity_text(f->severity));
    add_value(out, "count", count);
    add_value(out, "uid", uid);
    add_value(out, "subject", f->subject);
    add_value(out, "sample", f->sample_count ? f->sample[0] : "");
    return true;
}

/* ---- docs/findings.md ---- */

static void document_rules(FILE *out)
{
    fputs("\n## Rules\n\nEach rule is a setting of `[findings]`: threshold/window, or `off`.\n\n"
          "| setting | detector | default | counts |\n| --- | --- | --- | --- |\n",
          out);
    for (unsigned i = 0; i < FINDING_RULES; i++) {
        const struct finding_rule_info *r = finding_rule(i);
        fprintf(out, "| `%s` | %s | %u", r->name, finding_detector(r->detector)->name,
                r->threshold);
        if (r->window_ns)
            fprintf(out, " within %lld s", (long long)(r->window_ns / 1000000000));
        fprintf(out, " | %s |\n", r->what);
    }
}

void finding_document(FILE *out)
{
    fputs("# Findings\n\nMade from `capture/finding/detectors.def` by `earshot --document "
          "findings`; a test compares.\n"
          "What becomes of a finding, and what is kept of it: `capture/finding/README.md`; the "
          "list: `GET /findings`,\n"
          "`earshot read --findings`.\n\n"
          "| id | detector | severity | about | meaning |\n| --- | --- | --- | --- | --- |\n",
          out);
    for (unsigned i = 0; i < FINDING_DETECTORS; i++) {
        const struct finding_detector_info *d = finding_detector(i);
        fprintf(out, "| %s | `%s` | %s | %s | %s |\n", d->number, d->name,
                finding_severity_text(d->severity), d->subject, d->help);
    }
    document_rules(out);
}
