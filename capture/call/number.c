/* The order of the questions:
 *
 *   '*' or '#' in it, or short   -> an extension or a code: as it is
 *   an extra rule                -> replaced; ready if a '+' came out
 *   '+'                          -> as it is
 *   phone-context "+CC"          -> +CC and the number
 *   international prefix         -> '+' and the rest
 *   national prefix              -> +CC and the rest
 *   long enough without it       -> +CC and the number
 *   an area code is set          -> +CC area and the number
 *
 * An extra rule comes ahead of the length, so `7/3 = +4930777` may name extensions. */
#include "capture/call/number.h"

#include <ctype.h>
#include <stdio.h>

#define E164_DIGITS_MAX    15
#define E164_DIGITS_MIN    6 /* with country code: shorter ones are codes of somebody's network */
#define COUNTRY_DIGITS_MAX 3

static bool starts(const char *text, const char *prefix)
{
    return *prefix && strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "+" country area digits, when that can be a number. */
static bool join(const char *country, const char *area, const char *digits,
                 char ret_number[NUMBER_SIZE])
{
    size_t size = strlen(country) + strlen(area) + strlen(digits);
    if (size < E164_DIGITS_MIN || size > E164_DIGITS_MAX)
        return false;
    snprintf(ret_number, NUMBER_SIZE, "+%s%s%s", country, area, digits);
    return true;
}

static bool all_decimal(const char *text)
{
    for (; *text; text++)
        if (!isdigit((unsigned char)*text))
            return false;
    return true;
}

/* The number with the first rule that fits applied, in `out`. */
static const char *apply_rules(const struct number_rules *rules, const char *digits,
                               char out[NUMBER_SIZE])
{
    size_t size = strlen(digits);
    for (unsigned i = 0; i < rules->rule_count; i++) {
        const struct number_rule *rule = &rules->rules[i];
        if (!starts(digits, rule->prefix) || (rule->length && rule->length != size))
            continue;
        snprintf(out, NUMBER_SIZE, "%s%.36s", rule->becomes, digits + strlen(rule->prefix));
        return out;
    }
    return digits;
}

/* "+44" of a phone-context; longer ones say where a number is dialled, not what stands ahead of it
 * (RFC 3966 5.1.5), domains say neither. */
static bool context_country(struct slice context, char out[COUNTRY_DIGITS_MAX + 1])
{
    if (context.size < 2 || context.size > COUNTRY_DIGITS_MAX + 1 || context.data[0] != '+')
        return false;
    slice_copy_to(slice_from(context, 1), out, COUNTRY_DIGITS_MAX + 1);
    return all_decimal(out);
}

static bool by_context(const struct number_rules *rules, const char *country, const char *digits,
                       char ret_number[NUMBER_SIZE])
{
    if (strcmp(country, rules->country) == 0 && starts(digits, rules->national_prefix))
        digits += strlen(rules->national_prefix);
    return join(country, "", digits, ret_number);
}

static bool by_country(const struct number_rules *rules, const char *digits,
                       char ret_number[NUMBER_SIZE])
{
    if (rules->country[0] == '\0')
        return false;
    if (starts(digits, rules->national_prefix)) {
        const char *rest = digits + strlen(rules->national_prefix);
        return strlen(rest) >= rules->national_length && join(rules->country, "", rest, ret_number);
    }
    if (rules->national_length && strlen(digits) >= rules->national_length)
        return join(rules->country, "", digits, ret_number);
    return rules->area[0] && join(rules->country, rules->area, digits, ret_number);
}

static bool normalise(const struct number_rules *rules, const char *digits, struct slice context,
                      char ret_number[NUMBER_SIZE])
{
    char country[COUNTRY_DIGITS_MAX + 1];
    if (digits[0] == '+') {
        slice_copy_to(slice_str(digits), ret_number, NUMBER_SIZE);
        return all_decimal(digits + 1) && digits[1] != '\0';
    }
    if (!all_decimal(digits))
        return false;
    if (context_country(context, country) && by_context(rules, country, digits, ret_number))
        return true;
    if (strlen(digits) <= rules->extension_length)
        return false;
    if (starts(digits, rules->international_prefix)) {
        const char *rest = digits + strlen(rules->international_prefix);
        if (rest[0] != '0' && join("", "", rest, ret_number))
            return true;
    }
    return by_country(rules, digits, ret_number);
}

bool number_normalise(const struct number_rules *rules, const char *digits, struct slice context,
                      char ret_number[NUMBER_SIZE])
{
    char changed[NUMBER_SIZE];
    digits = apply_rules(rules, digits, changed);
    if (normalise(rules, digits, context, ret_number))
        return true;
    snprintf(ret_number, NUMBER_SIZE, "%.*s", NUMBER_SIZE - 1, digits);
    return false;
}
