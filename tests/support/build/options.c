/* Options and their values, by one table. */
#include <stdlib.h>

#include "tests/support/build/options.h"

const char options_usage[] =
    "usage: earshot-traffic [options] --out FILE.pcap\n"
    "\n"
    "Writes a capture of SIP, RTP and RTCP and, with --truth, what is in it. Equal options give "
    "equal files.\n"
    "\n"
    "  --out FILE --truth FILE     capture; truth as JSON\n"
    "  --format pcap|pcap-ns       microseconds or nanoseconds\n"
    "  --link ethernet|sll|sll2|raw|null\n"
    "  --seed N --start EPOCH\n"
    "\n"
    "  --calls N --concurrent M    calls in all and at once\n"
    "  --duration S                from the answer to the end of media\n"
    "  --ramp S                    over which the first calls begin; else a tenth of a call\n"
    "  --outcomes mix|answered|busy|no_answer|cancelled|rejected|redirected|failed|lost\n"
    "  --auth --early --late-offer --hold --big-invite --no-bye PCT\n"
    "  --sip-only --media-only --ipv6 --vlan PCT\n"
    "\n"
    "  --codec PCMU|PCMA|L16|G722|GSM|G729|opus --ptime MS\n"
    "  --speech WAV                8 kHz mono 16 bit for PCMU, PCMA, L16; else a synthetic voice\n"
    "  --rtcp --dtx --dtmf --marker all|none|spurts\n"
    "  --loss PCT --burst MEAN --jitter MS --reorder PCT --duplicate PCT\n"
    "  --restart --ssrc-change --wrap\n";

enum kind { FLAG, NUMBER, COUNT, TEXT, CHOICE };

struct option_row {
    const char *name;
    enum kind kind;
    void *at;
    const char *choices; /* "a|b|c": the index goes to *at, an int */
};

static int bad(struct why *why, const struct option_row *row, const char *value)
{
    why_set(why, "--%s does not take \"%s\"", row->name, value);
    return ERR_INVALID;
}

static int choose(const struct option_row *row, const char *value, struct why *why)
{
    struct slice rest = slice_str(row->choices);
    for (int i = 0; rest.size; i++)
        if (slice_is(slice_cut(&rest, '|'), value)) {
            *(int *)row->at = i;
            return 0;
        }
    return bad(why, row, value);
}

static int set(const struct option_row *row, const char *value, struct why *why)
{
    char *end = NULL;
    switch (row->kind) {
    case TEXT:
        *(const char **)row->at = value;
        return 0;
    case CHOICE:
        return choose(row, value, why);
    case NUMBER:
        *(double *)row->at = strtod(value, &end);
        return end == value || *end ? bad(why, row, value) : 0;
    default:
        return slice_to_u32(slice_str(value), row->at) ? 0 : bad(why, row, value);
    }
}

static int apply(const struct option_row *rows, size_t count, char **argv, int *at, struct why *why)
{
    const char *arg = argv[*at];
    for (size_t i = 0; i < count; i++) {
        if (strncmp(arg, "--", 2) != 0 || strcmp(arg + 2, rows[i].name) != 0)
            continue;
        if (rows[i].kind == FLAG) {
            *(bool *)rows[i].at = true;
            return 0;
        }
        if (argv[*at + 1] == NULL) {
            why_set(why, "%s needs a value", arg);
            return ERR_INVALID;
        }
        return set(&rows[i], argv[++*at], why);
    }
    why_set(why, "%s is no option; --help shows them", arg);
    return ERR_INVALID;
}

int options_parse(int argc, char **argv, struct options *ret_options, struct why *why)
{
    static const uint16_t links[] = {LINK_ETHERNET, LINK_LINUX_SLL, LINK_LINUX_SLL2, LINK_RAW,
                                     LINK_NULL};
    struct options *o = ret_options;
    *o = (struct options){0};
    struct traffic_config *c = &o->traffic;
    traffic_defaults(c);
    uint32_t seed = 1, start = (uint32_t)c->start_s;
    int link = 0, format = 0, marker = 0, outcome = c->outcome, err = 0;
    const struct option_row rows[] = {
        {"calls", COUNT, &c->calls, NULL},
        {"concurrent", COUNT, &c->concurrent, NULL},
        {"duration", NUMBER, &c->duration_s, NULL},
        {"ramp", NUMBER, &c->ramp_s, NULL},
        {"codec", TEXT, &c->codec, NULL},
        {"speech", TEXT, &c->speech, NULL},
        {"ptime", COUNT, &c->ptime_ms, NULL},
        {"loss", NUMBER, &c->loss_pct, NULL},
        {"burst", NUMBER, &c->burst, NULL},
        {"jitter", NUMBER, &c->jitter_ms, NULL},
        {"reorder", NUMBER, &c->reorder_pct, NULL},
        {"duplicate", NUMBER, &c->duplicate_pct, NULL},
        {"vlan", NUMBER, &c->vlan_pct, NULL},
        {"no-bye", NUMBER, &c->no_bye_pct, NULL},
        {"rtcp", FLAG, &c->rtcp, NULL},
        {"restart", FLAG, &c->restart, NULL},
        {"ssrc-change", FLAG, &c->ssrc_change, NULL},
        {"wrap", FLAG, &c->wrap, NULL},
        {"dtx", FLAG, &c->dtx, NULL},
        {"dtmf", FLAG, &c->dtmf, NULL},
        {"ipv6", FLAG, &c->ipv6, NULL},
        {"auth", FLAG, &c->auth, NULL},
        {"early", FLAG, &c->early, NULL},
        {"late-offer", FLAG, &c->late_offer, NULL},
        {"hold", FLAG, &c->hold, NULL},
        {"big-invite", FLAG, &c->big_invite, NULL},
        {"media-only", FLAG, &c->media_only, NULL},
        {"sip-only", FLAG, &c->sip_only, NULL},
        {"marker", CHOICE, &marker, "spurts|all|none"},
        {"outcomes", CHOICE, &outcome,
         "mix|answered|busy|no_answer|cancelled|rejected|redirected|failed|lost"},
        {"link", CHOICE, &link, "ethernet|sll|sll2|raw|null"},
        {"format", CHOICE, &format, "pcap|pcap-ns"},
        {"seed", COUNT, &seed, NULL},
        {"start", COUNT, &start, NULL},
        {"out", TEXT, &o->out, NULL},
        {"truth", TEXT, &o->truth, NULL},
        {"help", FLAG, &o->help, NULL},
    };
    for (int i = 1; i < argc && err == 0; i++)
        err = apply(rows, sizeof rows / sizeof *rows, argv, &i, why);
    c->seed = seed;
    c->start_s = start;
    c->link_type = links[link];
    c->marker = (enum traffic_marker)marker;
    c->outcome = (enum traffic_outcome)outcome;
    o->nanoseconds = format == 1;
    if (err == 0 && !o->help && o->out == NULL) {
        why_set(why, "--out FILE.pcap is missing; --help shows the options");
        err = ERR_INVALID;
    }
    return err;
}
