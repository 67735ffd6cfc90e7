/* The settings table at work. Each type has a reader and a printer; everything else walks the table. */
#include "app/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum setting_type { TYPE_TEXT, TYPE_BOOL, TYPE_NUMBER, TYPE_SIZE, TYPE_DURATION, TYPE_CHOICE };

#define CHOICES_MAX 8

struct setting {
    const char *section;
    const char *name;
    enum setting_type type;
    size_t offset;
    const char *default_text;
    const char *help;
    const char *choices[CHOICES_MAX];
};

struct section {
    const char *name;
    const char *help;
};

#define TEXT        TYPE_TEXT, {0}
#define BOOL        TYPE_BOOL, {0}
#define NUMBER      TYPE_NUMBER, {0}
#define SIZE        TYPE_SIZE, {0}
#define DURATION    TYPE_DURATION, {0}
#define CHOICE(...) TYPE_CHOICE, {__VA_ARGS__}
#define ROW(section_, name_, field_, default__, help_, type_, ...)                                 \
    {.section = #section_, .name = #name_, .type = type_,                                          \
     .offset = offsetof(struct settings, field_), .default_text = default__, .help = help_,        \
     .choices = __VA_ARGS__},
#define ROW_EXPANDED(...) ROW(__VA_ARGS__)
#define SECTION(...)
#define SETTING(section, name, type, field, default_, help)                                        \
    ROW_EXPANDED(section, name, field, default_, help, type)
static const struct setting table[] = {
#include "app/settings.def"
};
#undef SETTING
#undef SECTION
#define SETTING(...)
#define SECTION(name, help) {#name, help},
static const struct section sections[] = {
#include "app/settings.def"
};
#undef SETTING
#undef SECTION

#define TABLE_SIZE    (sizeof table / sizeof table[0])
#define SECTIONS_SIZE (sizeof sections / sizeof sections[0])

static const struct {
    const char *suffix;
    int64_t ns;
} duration_units[] = {
    {"ms", 1000000},          {"s", 1000000000},         {"min", 60 * INT64_C(1000000000)},
    {"h", 3600 * INT64_C(1000000000)}, {"d", 86400 * INT64_C(1000000000)},
};

static const struct {
    const char *suffix;
    int64_t bytes;
} size_units[] = {{"k", 1 << 10}, {"M", 1 << 20}, {"G", INT64_C(1) << 30}, {"T", INT64_C(1) << 40}};

static void *field_of(struct settings *s, const struct setting *row)
{
    return (char *)s + row->offset;
}

static const void *field_of_const(const struct settings *s, const struct setting *row)
{
    return (const char *)s + row->offset;
}

/* ---- reading values ---- */

static bool read_bool(const char *text, bool *ret_value)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *ret_value = strcasecmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

/* A whole non-negative number; *ret_rest is what stands behind it. */
static bool read_whole(const char *text, int64_t *ret_value, const char **ret_rest)
{
    char *end;
    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    *ret_value = strtoll(text, &end, 10);
    *ret_rest = end + strspn(end, " \t");
    return errno == 0;
}

static bool scaled(int64_t value, int64_t unit, int64_t *ret_value)
{
    return !__builtin_mul_overflow(value, unit, ret_value);
}

static bool read_size(const char *text, int64_t *ret_value)
{
    int64_t n;
    const char *rest;
    if (!read_whole(text, &n, &rest))
        return false;
    for (size_t i = 0; i < sizeof size_units / sizeof size_units[0]; i++)
        if (strcasecmp(rest, size_units[i].suffix) == 0)
            return scaled(n, size_units[i].bytes, ret_value);
    *ret_value = n;
    return *rest == '\0';
}

static bool read_duration(const char *text, int64_t *ret_value)
{
    int64_t n;
    const char *rest;
    if (!read_whole(text, &n, &rest))
        return false;
    for (size_t i = 0; i < sizeof duration_units / sizeof duration_units[0]; i++)
        if (strcmp(rest, duration_units[i].suffix) == 0)
            return scaled(n, duration_units[i].ns, ret_value);
    *ret_value = 0;
    return n == 0 && *rest == '\0';
}

static bool read_choice(const struct setting *row, const char *text, int *ret_value)
{
    for (int i = 0; i < CHOICES_MAX && row->choices[i]; i++) {
        if (strcmp(text, row->choices[i]) == 0) {
            *ret_value = i;
            return true;
        }
    }
    return false;
}

static bool read_text(const char *text, char *ret_value)
{
    size_t size = strlen(text);
    if (size >= SETTING_TEXT_MAX)
        return false;
    memcpy(ret_value, text, size + 1);
    return true;
}

static bool read_value(const struct setting *row, const char *text, void *field)
{
    const char *rest;
    switch (row->type) {
    case TYPE_TEXT:
        return read_text(text, field);
    case TYPE_BOOL:
        return read_bool(text, field);
    case TYPE_NUMBER:
        return read_whole(text, field, &rest) && *rest == '\0';
    case TYPE_SIZE:
        return read_size(text, field);
    case TYPE_DURATION:
        return read_duration(text, field);
    case TYPE_CHOICE:
        return read_choice(row, text, field);
    }
    return false;
}

static void choices_text(const struct setting *row, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    for (int i = 0; i < CHOICES_MAX && row->choices[i] && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%s", i ? ", " : "", row->choices[i]);
}

static const char *expected_text(const struct setting *row, char *out, size_t size)
{
    switch (row->type) {
    case TYPE_TEXT:
        return "at most 255 characters";
    case TYPE_BOOL:
        return "yes or no";
    case TYPE_NUMBER:
        return "a whole number";
    case TYPE_SIZE:
        return "a size such as 512k, 64M or 20G";
    case TYPE_DURATION:
        return "a duration such as 200ms, 60s, 5min, 4h or 7d";
    case TYPE_CHOICE:
        choices_text(row, out, size);
        return out;
    }
    return "";
}

/* ---- finding names ---- */

static const struct setting *find(const char *section, const char *name)
{
    for (size_t i = 0; i < TABLE_SIZE; i++)
        if (strcmp(table[i].section, section) == 0 && strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static bool known_section(const char *section)
{
    for (size_t i = 0; i < SECTIONS_SIZE; i++)
        if (strcmp(sections[i].name, section) == 0)
            return true;
    return false;
}

/* Levenshtein distance; names are short. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t nb = strlen(b);
    if (nb >= 64)
        return 64;
    for (size_t j = 0; j <= nb; j++)
        row[j] = (unsigned)j;
    for (size_t i = 0; a[i]; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 1; j <= nb; j++) {
            unsigned best = diagonal + (a[i] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[nb];
}

/* The known setting nearest to what was written; names of the same section are nearer. */
static const struct setting *nearest(const char *section, const char *name)
{
    const struct setting *best = &table[0];
    unsigned best_distance = UINT32_MAX;
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        unsigned d = 2 * distance(name, table[i].name) + (strcmp(section, table[i].section) != 0);
        if (d < best_distance) {
            best_distance = d;
            best = &table[i];
        }
    }
    return best;
}

int settings_set(struct settings *s, const char *section, const char *name, const char *value,
                 struct why *why)
{
    const struct setting *row = find(section, name);
    char choices[200];
    if (places_section(section))
        return places_set(&s->places, section, name, value, why);
    if (rules_section(section))
        return rules_set(&s->rules, section, name, value, why);
    if (row == NULL && !known_section(section)) {
        const struct setting *near = nearest(section, name);
        why_set(why, "unknown section [%s]; did you mean [%s] %s?", section, near->section, near->name);
        return ERR_INVALID;
    }
    if (row == NULL) {
        const struct setting *near = nearest(section, name);
        why_set(why, "unknown setting \"%s\" in [%s]; did you mean \"%s\"%s%s%s?", name, section, near->name,
                strcmp(near->section, section) ? " in [" : "", strcmp(near->section, section) ? near->section : "",
                strcmp(near->section, section) ? "]" : "");
        return ERR_INVALID;
    }
    if (!read_value(row, value, field_of(s, row))) {
        why_set(why, "\"%s\" is no value for [%s] %s: it takes %s", value, section, name,
                expected_text(row, choices, sizeof choices));
        return ERR_INVALID;
    }
    return 0;
}

void settings_defaults(struct settings *s)
{
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        bool good = read_value(&table[i], table[i].default_text, field_of(s, &table[i]));
        if (!good)
            abort(); /* the table itself is wrong: caught by its first test */
    }
}

void settings_free(struct settings *s)
{
    places_free(s->places);
    s->places = NULL;
    rules_let_go(s->rules);
    s->rules = NULL;
}

/* ---- printing ---- */

static void print_scaled_duration(int64_t ns, FILE *out)
{
    size_t i = sizeof duration_units / sizeof duration_units[0];
    while (i-- > 1)
        if (ns && ns % duration_units[i].ns == 0)
            break;
    if (ns == 0)
        fputs("0", out);
    else
        fprintf(out, "%" PRId64 "%s", ns / duration_units[i].ns, duration_units[i].suffix);
}

static void print_scaled_size(int64_t bytes, FILE *out)
{
    for (size_t i = sizeof size_units / sizeof size_units[0]; i-- > 0;) {
        if (bytes && bytes % size_units[i].bytes == 0) {
            fprintf(out, "%" PRId64 "%s", bytes / size_units[i].bytes, size_units[i].suffix);
            return;
        }
    }
    fprintf(out, "%" PRId64, bytes);
}

static void print_value(const struct settings *s, const struct setting *row, FILE *out)
{
    const void *field = field_of_const(s, row);
    switch (row->type) {
    case TYPE_TEXT:
        fputs((const char *)field, out);
        break;
    case TYPE_BOOL:
        fputs(*(const bool *)field ? "yes" : "no", out);
        break;
    case TYPE_NUMBER:
        fprintf(out, "%" PRId64, *(const int64_t *)field);
        break;
    case TYPE_SIZE:
        print_scaled_size(*(const int64_t *)field, out);
        break;
    case TYPE_DURATION:
        print_scaled_duration(*(const int64_t *)field, out);
        break;
    case TYPE_CHOICE:
        fputs(row->choices[*(const int *)field], out);
        break;
    }
}

void settings_print(const struct settings *s, FILE *out)
{
    fputs("# Earshot configuration. Every setting with its value in force; the defaults are those of `earshot --print-config`\n"
          "# without a file. Files in conf.d/ beside this one are read after it, in order of name.\n", out);
    for (size_t i = 0; i < SECTIONS_SIZE; i++) {
        fprintf(out, "\n# %s\n[%s]\n", sections[i].help, sections[i].name);
        for (size_t j = 0; j < TABLE_SIZE; j++) {
            if (strcmp(table[j].section, sections[i].name) != 0)
                continue;
            fprintf(out, "# %s\n%s = ", table[j].help, table[j].name);
            print_value(s, &table[j], out);
            fputc('\n', out);
        }
    }
    places_print(s->places, out);
    struct buf rules;
    buf_init(&rules, 16u << 20);
    rules_print(s->rules, &rules);
    fputs(buf_text(&rules) ? buf_text(&rules) : "", out);
    buf_fini(&rules);
}

void settings_document(FILE *out)
{
    fputs("# Settings\n\nMade from `app/settings.def` by `earshot --document settings`; a test compares.\n", out);
    for (size_t i = 0; i < SECTIONS_SIZE; i++) {
        fprintf(out, "\n## [%s]\n\n| setting | default | meaning |\n| --- | --- | --- |\n", sections[i].name);
        for (size_t j = 0; j < TABLE_SIZE; j++)
            if (strcmp(table[j].section, sections[i].name) == 0)
                fprintf(out, "| `%s` | `%s` | %s |\n", table[j].name, table[j].default_text, table[j].help);
    }
    places_document(out);
    rules_document(out);
}
