/* A set of rules as text: sections read line by line, printed as they were written. The order of the rules is that of their first
 * lines; a section that stands again goes on where it was. */
#include "app/rules.h"

#include <assert.h>
#include <stdlib.h>

static const char *const HELP[RULE_KEYS] = {
#define KEY(name, values, help) [RULE_KEY_##name] = help,
#include "app/rules.def"
#undef KEY
};

static void rule_free(struct rule *r)
{
    for (unsigned k = 0; k < RULE_KEYS; k++) {
        rule_key_forget(r, (enum rule_key)k);
        free(r->text[k]);
    }
    free(r);
}

struct rules *rules_new(void)
{
    struct rules *r = calloc(1, sizeof *r);
    if (r)
        atomic_init(&r->holders, 1);
    return r;
}

struct rules *rules_hold(struct rules *r)
{
    if (r)
        atomic_fetch_add(&r->holders, 1);
    return r;
}

void rules_let_go(struct rules *r)
{
    if (r == NULL || atomic_fetch_sub(&r->holders, 1) > 1)
        return;
    for (unsigned i = 0; i < r->count; i++)
        rule_free(r->rule[i]);
    free(r);
}

bool rules_section(const char *section)
{
    return strcmp(section, "rule") == 0 || strncmp(section, "rule ", 5) == 0;
}

#define LINE_VALUE_MAX 170 /* of the 198 bytes that a line of a file may have, its name and " = " among them */

/* ---- reading ---- */

static bool name_is_good(struct slice name, struct why *why)
{
    if (name.size == 0)
        why_set(why, "[rule] needs a name: [rule lawyers]");
    else if (!place_name_valid(name))
        why_set(why, "[rule %.*s]: a name is at most %d letters, digits, - and _", SLICE_ARGS(slice_sub(name, 0, 60)),
                PLACE_NAME_SIZE - 1);
    else
        return true;
    return false;
}

static struct rule *rule_find(const struct rules *set, struct slice name)
{
    for (unsigned i = 0; set && i < set->count; i++)
        if (slice_is(name, set->rule[i]->name))
            return set->rule[i];
    return NULL;
}

static struct rule *rule_get(struct rules **set, struct slice name, struct why *why)
{
    struct rule *r = rule_find(*set, name);
    if (r)
        return r;
    if (*set == NULL)
        *set = rules_new();
    if (*set && (*set)->count == RULES_MAX) {
        why_set(why, "[rule %.*s]: there are %d rules already, the most that are taken; join some of them", SLICE_ARGS(name),
                RULES_MAX);
        return NULL;
    }
    r = *set ? calloc(1, sizeof *r) : NULL;
    if (r == NULL) {
        why_set(why, "no memory for [rule %.*s]", SLICE_ARGS(name));
        return NULL;
    }
    slice_copy_to(name, r->name, sizeof r->name);
    (*set)->rule[(*set)->count++] = r;
    return r;
}

/* What was there, a comma (for headers a line end), and what came; what is no list is replaced. */
static int text_put(struct rule *r, enum rule_key key, const char *value, struct why *why)
{
    const char *between = key == RULE_KEY_header ? "\n" : ", ";
    const char *before = rule_key_is_list(key) && r->text[key] ? r->text[key] : "";
    size_t size = strlen(before) + strlen(between) + strlen(value) + 1;
    char *joined = size > RULE_TEXT_MAX ? NULL : malloc(size);
    if (joined == NULL) {
        why_set(why, "[rule %s] %s: too much of it; a list has at most %d characters", r->name, rule_key_name(key), RULE_TEXT_MAX);
        return ERR_INVALID;
    }
    snprintf(joined, size, "%s%s%s", before, *before ? between : "", value);
    free(r->text[key]);
    r->text[key] = joined;
    return 0;
}

static const char *nearest(struct slice name)
{
    const char *best = rule_key_name(0);
    size_t most = 0;
    for (unsigned k = 0; k < RULE_KEYS; k++) {
        const char *known = rule_key_name(k);
        size_t n = 0, all = strlen(known), m = 0;
        while (n < name.size && n < all && (char)name.data[n] == known[n])
            n++;
        while (n + m < name.size && n + m < all && (char)name.data[name.size - 1 - m] == known[all - 1 - m])
            m++;
        if (2 * (n + m) + (all == name.size) > most) {
            most = 2 * (n + m) + (all == name.size);
            best = known;
        }
    }
    return best;
}

static int set_default(struct rules **set, const char *name, struct slice text, struct why *why)
{
    unsigned a = 0;
    while (a < RULE_ACTIONS && !slice_is(text, rule_action_text(a)))
        a++;
    if (strcmp(name, "default") != 0 || a == RULE_ACTIONS) {
        why_set(why, "[recording] %s: of this section a set of rules has default alone: record, metadata-only, headers-only, skip, "
                     "on-demand, on-demand-keep", name);
        return ERR_INVALID;
    }
    if (*set == NULL)
        *set = rules_new();
    if (*set == NULL)
        return ERR_NOMEM;
    (*set)->default_given = true;
    (*set)->default_action = (uint8_t)a;
    return 0;
}

int rules_set(struct rules **set, const char *section, const char *name, const char *value, struct why *why)
{
    struct slice rest = slice_str(section), text = slice_trim(slice_str(value));
    if (strcmp(section, "recording") == 0)
        return set_default(set, name, text, why);
    slice_cut(&rest, ' ');
    rest = slice_trim(rest);
    if (!name_is_good(rest, why))
        return ERR_INVALID;
    enum rule_key key = rule_key_find(slice_str(name));
    if (key == RULE_KEYS) {
        why_set(why, "unknown setting \"%.60s\" in [rule %.*s]; did you mean \"%s\"?", name, SLICE_ARGS(rest), nearest(slice_str(name)));
        return ERR_INVALID;
    }
    if (text.size == 0) {
        why_set(why, "[rule %.*s] %s has no value; give it one or leave the line out", SLICE_ARGS(rest), name);
        return ERR_INVALID;
    }
    struct rule *r = rule_get(set, rest, why);
    int err = r ? text_put(r, key, value, why) : ERR_INVALID;
    return err ? err : rule_key_parse(*set, r, key, why);
}

/* ---- what single lines cannot show ---- */

static int check_rule(const struct rule *r, struct why *why)
{
    bool on_demand = r->says.action == RULE_ON_DEMAND;
    if (r->text[RULE_KEY_action] == NULL)
        why_set(why, "[rule %s] does not say what to do; add a line such as action = record", r->name);
    else if (r->text[RULE_KEY_look_back] && !on_demand)
        why_set(why, "[rule %s] look_back goes with action = on-demand alone; leave the line out", r->name);
    else if (rule_action_keeps(r->says.action) != RULE_KEEP_ALL && (r->text[RULE_KEY_format] || r->text[RULE_KEY_split]))
        why_set(why, "[rule %s] %s means that there is no file: format and split have to go", r->name,
                rule_action_text(r->says.action));
    else
        return 0;
    return ERR_INVALID;
}

int rules_check(const struct rules *set, struct why *why)
{
    int err = 0;
    for (unsigned i = 0; set && i < set->count && err == 0; i++)
        err = check_rule(set->rule[i], why);
    return err;
}

bool rules_ask_invites(const struct rules *set)
{
    for (unsigned i = 0; set && i < set->count; i++) {
        const struct rule *r = set->rule[i];
        if (r->headers || r->list[RULE_KEY_vlan].count || r->list[RULE_KEY_callee].count || r->list[RULE_KEY_number].count)
            return true;
    }
    return false;
}

bool rules_may_keep(const struct rules *set, const struct rule_decision *otherwise)
{
    bool keeps = rule_action_keeps(otherwise->action) == RULE_KEEP_ALL;
    for (unsigned i = 0; set && i < set->count && !keeps; i++)
        keeps = rule_action_keeps(set->rule[i]->says.action) == RULE_KEEP_ALL;
    return keeps;
}

/* ---- printing ---- */

/* As many items as a line of a file takes (INI_MAX_LINE); lines of one key are put together when they are read. */
static struct slice cut_line(struct slice *rest)
{
    size_t end = rest->size;
    if (end > LINE_VALUE_MAX) {
        for (end = LINE_VALUE_MAX; end > 0 && rest->data[end] != ',';)
            end--;
        end = end ? end : slice_index(*rest, ',');
    }
    struct slice line = slice_trim(slice_sub(*rest, 0, end));
    *rest = slice_from(*rest, end + 1);
    return line;
}

static void print_key(const struct rule *r, unsigned key, struct buf *out)
{
    struct slice rest = slice_str(r->text[key]);
    if (key != RULE_KEY_header && (rest.size <= LINE_VALUE_MAX || !rule_key_is_list(key))) {
        buf_printf(out, "%s = %s\n", rule_key_name(key), r->text[key]);
        return;
    }
    while (rest.size) {
        struct slice line = key == RULE_KEY_header ? slice_cut(&rest, '\n') : cut_line(&rest);
        buf_printf(out, "%s = %.*s\n", rule_key_name(key), SLICE_ARGS(line));
    }
}

void rules_print(const struct rules *set, struct buf *out)
{
    if (set && set->default_given)
        buf_printf(out, "[recording]\ndefault = %s\n", rule_action_text(set->default_action));
    for (unsigned i = 0; set && i < set->count; i++) {
        buf_printf(out, "\n[rule %s]\n", set->rule[i]->name);
        for (unsigned k = 0; k < RULE_KEYS; k++)
            if (set->rule[i]->text[k])
                print_key(set->rule[i], k, out);
    }
}

void rules_document(FILE *out)
{
    fprintf(out, "\n## [rule NAME]\n\nWhat becomes of a call's media: the first rule whose matchers all hold decides, in the order of the file; none: "
                 "`[recording] default`. At most %d. See [recording rules](recording-rules.md).\n\n| setting | meaning |\n| --- | --- |\n",
            RULES_MAX);
    for (unsigned k = 0; k < RULE_KEYS; k++)
        fprintf(out, "| `%s` | %s |\n", rule_key_name(k), HELP[k]);
}
