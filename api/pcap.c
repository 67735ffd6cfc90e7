/* GET /api/v1/calls/{uid}/pcap: the packets of a call, or of all its legs, rebuilt from the spool
 * while they are sent. */
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/leg_set.h"
#include "storage/call_pcap.h"
#include "storage/spool.h"

struct pcap_download {
    char *data_dir;
    struct leg_set set;
    struct call_pcap_form form;
};

static int download_run(void *context, int (*out)(void *out_context, const void *data, size_t size),
                        void *out_context)
{
    struct pcap_download *d = context;
    uint64_t packets;

    return call_pcap_write_as(d->data_dir, (const struct call_record *const *)d->set.record,
                              d->set.count, &d->form, out, out_context, &packets);
}

static void download_free(void *context)
{
    struct pcap_download *d = context;

    leg_set_free(&d->set);
    free(d->data_dir);
    free(d);
}

static bool parse_rtp(struct exchange *x, enum call_pcap_rtp *ret_rtp)
{
    static const struct {
        const char *name;
        enum call_pcap_rtp rtp;
    } CHOICES[] = {
        {"full", CALL_PCAP_FULL}, {"headers", CALL_PCAP_HEADERS}, {"none", CALL_PCAP_NONE}};
    const char *value = http_query_value(&x->rq->query, "rtp");

    for (size_t i = 0; i < sizeof CHOICES / sizeof CHOICES[0]; i++)
        if (strcmp(CHOICES[i].name, value ? value : "full") == 0) {
            *ret_rtp = CHOICES[i].rtp;
            return true;
        }
    problem(x->rs, x->rq, 400, "invalid_value", "rtp", "`rtp` is full, headers or none.");
    return false;
}

/* pcap or pcapng; with or without keys that were pressed. */
static bool parse_form(struct exchange *x, struct call_pcap_form *ret_form)
{
    const char *format = http_query_value(&x->rq->query, "format"), *redact = http_query_value(&x->rq->query, "redact");

    ret_form->format = format && strcmp(format, "pcapng") == 0 ? CAPTURE_PCAPNG : CAPTURE_PCAP;
    ret_form->hide = redact ? x->api->config->hide_keys : NULL;
    if (format && ret_form->format == CAPTURE_PCAP && strcmp(format, "pcap") != 0)
        problem(x->rs, x->rq, 400, "invalid_value", "format", "`format` is pcap or pcapng.");
    else if (redact && strcmp(redact, "dtmf") != 0)
        problem(x->rs, x->rq, 400, "invalid_value", "redact", "`redact` is dtmf.");
    else if (redact && ret_form->hide == NULL)
        problem(x->rs, x->rq, 503, "unavailable", "redact", "There is nothing here that takes keys out.");
    else
        return parse_rtp(x, &ret_form->rtp);
    return false;
}

/* What RTP carries is sound: whole packets are for those who may listen. */
static bool may_have(struct exchange *x, enum call_pcap_rtp rtp)
{
    if (rtp != CALL_PCAP_FULL || (x->who.scopes & SCOPE_AUDIO))
        return true;
    problem(x->rs, x->rq, 403, "scope", "rtp",
            "`rtp=full` needs the scope `audio`; ask for rtp=headers or rtp=none.");
    return false;
}

/* A file of so many chains that some are left out says so. */
static void say_truncated(struct exchange *x, const struct leg_set *set)
{
    uint32_t chains = call_pcap_chains((const struct call_record *const *)set->record, set->count);

    if (chains <= CALL_PCAP_CHAINS_MAX)
        return;
    counters_add(x->counters, C_PCAP_TRUNCATED, 1);
    http_header(x->rs, "X-Earshot-Truncated", "%d of %u flows", CALL_PCAP_CHAINS_MAX, chains);
}

/* Takes the records over. */
static void send_pcap(struct exchange *x, struct leg_set *set, const struct call_pcap_form *form)
{
    bool next = form->format == CAPTURE_PCAPNG;
    struct pcap_download *d = calloc(1, sizeof *d);
    const char *uid = set->record[set->self]->uid;

    if (d)
        d->data_dir = strdup(x->api->config->data_dir);
    if (d == NULL || d->data_dir == NULL) {
        free(d);
        leg_set_free(set);
        problem(x->rs, x->rq, 503, "out_of_memory", NULL,
                "There is no memory for this; try again.");
        return;
    }
    d->set = *set;
    d->form = *form;
    x->rs->producer =
        (struct http_producer){.context = d, .run = download_run, .free = download_free};
    x->rs->stream = HTTP_STREAM_PCAP;
    x->rs->content_type = next ? "application/x-pcapng" : "application/vnd.tcpdump.pcap";
    http_header(x->rs, "Content-Disposition", "attachment; filename=\"call-%s.pcap%s\"", uid, next ? "ng" : "");
    http_header(x->rs, "X-Call-Legs", "%u%s", set->count, set->truncated ? "; truncated" : "");
    say_truncated(x, set);
}

/* Once the first byte is sent it is too late for a 410: so is there a chain that can be read? */
static bool has_packets(const char *data_dir, const struct call_record *r)
{
    bool found = false, truncated;

    for (uint32_t i = 0; i < r->chain_count && !found; i++) {
        struct spool_reader *reader;
        if (r->chains[i].tail.segment == 0 ||
            spool_reader_open(data_dir, r->chains[i].tail, &reader, &truncated) != 0)
            continue;
        spool_reader_close(reader);
        found = true;
    }
    return found;
}

static bool any_has_packets(const char *data_dir, const struct leg_set *set)
{
    for (unsigned i = 0; i < set->count; i++)
        if (has_packets(data_dir, set->record[i]))
            return true;
    return false;
}

void handle_pcap(struct exchange *x)
{
    struct call_pcap_form form;
    struct leg_set set;

    if (!parse_form(x, &form) || !may_have(x, form.rtp) || !leg_set_of(x, &set))
        return;
    if (!any_has_packets(x->api->config->data_dir, &set)) {
        problem(x->rs, x->rq, 410, "packets_gone", NULL, "No packets of this call are kept.");
        leg_set_free(&set);
    } else if (leg_set_audit(x, &set, "pcap.read")) {
        send_pcap(x, &set, &form);
    } else {
        leg_set_free(&set);
    }
}
