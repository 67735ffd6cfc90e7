/* Rules are `threshold/window` or `off`; lists have commas between. */
#include "app/finding_config.h"

#include <string.h>

#include "base/addr.h"

#define WINDOW_MAX_NS (INT64_C(31) * 24 * 3600 * 1000000000)

/* ---- rules ---- */

static const char *rule_setting(const struct settings *s, enum finding_rule rule)
{
    switch (rule) {
    case RULE_SCANNER:
        return s->finding_scanner;
    case RULE_REQUEST_RATE:
        return s->finding_request_rate;
    case RULE_ENUMERATION:
        return s->finding_enumeration;
    case RULE_SWEEP:
        return s->finding_sweep;
    case RULE_BRUTE_USER:
        return s->finding_brute_force_user;
    case RULE_BRUTE_SOURCE:
        return s->finding_brute_force_source;
    case RULE_BRUTE_USER_SLOW:
        return s->finding_brute_force_user_slow;
    case RULE_BRUTE_SOURCE_SLOW:
        return s->finding_brute_force_source_slow;
    case RULE_DIGEST_LEAK:
        return s->finding_digest_leak;
    case RULE_FLOOD_SOURCE:
        return s->finding_flood_source;
    case RULE_FLOOD_DESTINATION:
        return s->finding_flood_destination;
    case RULE_MALFORMED:
        return s->finding_malformed;
    case RULE_SPOOFED_TEARDOWN:
        return s->finding_spoofed_teardown;
    case RULE_RTP_SOURCE:
        return s->finding_rtp_source;
    case RULE_RTP_SSRC:
        return s->finding_rtp_ssrc;
    case RULE_RTP_SEQUENCE:
        return s->finding_rtp_sequence;
    case RULE_RTP_SPRAY:
        return s->finding_rtp_spray;
    case RULE_INTRUSION:
        return s->finding_intrusion;
    case RULE_MISSING_ACK:
        return s->finding_missing_ack;
    case RULE_TRUNK_DOWN:
        return s->finding_trunk_down;
    case RULE_OUTAGE:
        return s->finding_outage;
    case RULE_MASS_DROP:
        return s->finding_mass_drop;
    case FINDING_RULES:
        break;
    }
    return "off";
}

/* "60s", "5min", "24h" */
static bool read_window(struct slice text, int64_t *ret_ns)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } units[] = {{"ms", 1000000},
                 {"s", 1000000000},
                 {"min", INT64_C(60000000000)},
                 {"h", INT64_C(3600000000000)},
                 {"d", INT64_C(86400000000000)}};
    size_t digits = 0;
    uint32_t n;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    if (!slice_to_u32(slice_sub(text, 0, digits), &n) || n == 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!slice_is(slice_from(text, digits), units[i].unit) || n > WINDOW_MAX_NS / units[i].ns)
            continue;
        *ret_ns = n * units[i].ns;
        return true;
    }
    return false;
}

static bool has_window(enum finding_rule rule)
{
    return finding_rule(rule)->window_ns != 0;
}

/* A flood is told by whole seconds. */
static bool is_fixed(enum finding_rule rule, int64_t window_ns)
{
    bool flood = rule == RULE_FLOOD_SOURCE || rule == RULE_FLOOD_DESTINATION;
    return flood && window_ns != finding_rule(rule)->window_ns;
}

static bool read_rule(enum finding_rule rule, const char *text, struct finding_rule_config *ret)
{
    struct slice rest = slice_trim(slice_str(text));
    struct finding_rule_config r = {.on = true};
    if (slice_is(rest, "off")) {
        *ret = (struct finding_rule_config){.threshold = 1};
        return true;
    }
    bool window = slice_index(rest, '/') < rest.size;
    struct slice threshold = slice_trim(slice_cut(&rest, '/'));
    if (!slice_to_u32(threshold, &r.threshold) || r.threshold == 0 || window != has_window(rule))
        return false;
    if (window && (!read_window(slice_trim(rest), &r.window_ns) || is_fixed(rule, r.window_ns)))
        return false;
    *ret = r;
    return true;
}

/* ---- lists ---- */

bool finding_network_read(struct slice text, struct finding_network *ret)
{
    struct slice rest = text;
    bool masked = slice_index(text, '/') < text.size;
    struct slice address = slice_trim(slice_cut(&rest, '/'));
    uint32_t bits;
    if (!addr_parse(address, &ret->addr))
        return false;
    unsigned most = addr_is_v4(ret->addr) ? 32 : 128;
    if (!masked)
        bits = most;
    else if (!slice_to_u32(slice_trim(rest), &bits) || bits > most)
        return false;
    ret->bits = bits + (128 - most);
    return true;
}

static int read_networks(const char *text, struct finding_config *c, struct why *why)
{
    struct slice rest = slice_str(text);
    while (rest.size) {
        struct slice item = slice_trim(slice_cut(&rest, ','));
        if (item.size == 0)
            continue;
        if (c->network_count == FINDING_NETWORKS_MAX) {
            why_set(why, "[findings] allow_networks: at most %d", FINDING_NETWORKS_MAX);
            return ERR_INVALID;
        }
        if (!finding_network_read(item, &c->network[c->network_count++])) {
            why_set(why, "[findings] allow_networks: \"%.*s\" is no address or network",
                    SLICE_ARGS(item));
            return ERR_INVALID;
        }
    }
    return 0;
}

static int read_words(const char *name, const char *text,
                      char words[FINDING_WORDS_MAX][FINDING_WORD_SIZE], unsigned *count,
                      struct why *why)
{
    struct slice rest = slice_str(text);
    while (rest.size) {
        struct slice item = slice_trim(slice_cut(&rest, ','));
        if (item.size == 0)
            continue;
        if (*count == FINDING_WORDS_MAX || item.size >= FINDING_WORD_SIZE) {
            why_set(why, "[findings] %s: at most %d, each of at most %d bytes", name,
                    FINDING_WORDS_MAX, FINDING_WORD_SIZE - 1);
            return ERR_INVALID;
        }
        slice_copy_to(item, words[(*count)++], FINDING_WORD_SIZE);
    }
    return 0;
}

int finding_configure(const struct settings *s, struct finding_config *ret_config, struct why *why)
{
    struct finding_config c;
    finding_config_defaults(&c);
    c.enabled = s->findings_enabled;
    c.quiet_ns = s->findings_quiet;
    c.again_ns = s->findings_again;
    c.flood_factor = (uint32_t)s->findings_flood_factor;
    c.addresses_max = (uint32_t)s->finding_addresses_max;
    c.findings_max = (uint32_t)s->findings_max;
    for (unsigned i = 0; i < FINDING_RULES; i++) {
        const char *text = rule_setting(s, i);
        if (read_rule(i, text, &c.rule[i]))
            continue;
        why_set(why, "[findings] %s: \"%.60s\" is neither off nor %s", finding_rule(i)->name, text,
                has_window(i) ? "threshold/window, e.g. 10/60s (of floods always 1s)" : "a number");
        return ERR_INVALID;
    }
    int err = read_networks(s->findings_networks, &c, why);
    if (!err)
        err = read_words("allow_user_agents", s->findings_agents, c.agent, &c.agent_count, why);
    if (!err)
        err = read_words("allow_numbers", s->findings_numbers, c.number, &c.number_count, why);
    if (!err)
        *ret_config = c;
    return err;
}
