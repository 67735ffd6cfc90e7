/* The configuration: one struct, one table (settings.def). The file is INI, as operators know it: sections, `name = value`, comments
 * with # or ;. Unknown sections and names are errors that name file, line and the nearest known name. Sections
 * that have a name of their own, [trunk NAME] and the like, are in places.h, [rule NAME] in rules.h. */
#pragma once

#include <stdio.h>

#include "app/places.h"
#include "app/rules.h"
#include "base/error.h"

#define SETTING_TEXT_MAX 256

typedef char setting_text[SETTING_TEXT_MAX];

struct settings {
#define SECTION(...)
#define TEXT        setting_text
#define BOOL        bool
#define NUMBER      int64_t
#define SIZE        int64_t
#define DURATION    int64_t /* ns */
#define CHOICE(...) int     /* index of the value */
#define SETTING(section, name, type, field, default_, help) type field;
#include "app/settings.def"
#undef SETTING
#undef TEXT
#undef BOOL
#undef NUMBER
#undef SIZE
#undef DURATION
#undef CHOICE
#undef SECTION
    struct places *places; /* the named sections; owned, NULL: none */
    struct rules *rules;   /* [rule NAME]; held, NULL: none */
};

enum { RECORDING_METADATA_ONLY, RECORDING_RECORD }; /* as enum rule_action, which goes on */
enum { QUALITY_ECHO_DEFAULT, QUALITY_ECHO_NONE };

void settings_defaults(struct settings *s);
/* What it owns. */
void settings_free(struct settings *s);
/* Reads one file over what is there. 0, ERR_NOT_FOUND when it does not exist, or ERR_INVALID, with the sentence. */
int settings_read(struct settings *s, const char *path, struct why *why);
/* The file, then the *.conf of its conf.d/ folder by name. `path` NULL: the default file, which may be absent. */
int settings_load(struct settings *s, const char *path, struct why *why);
/* A file that holds places and nothing else. *ret_places is NULL when it is empty. */
int settings_read_places(const char *path, struct places **ret_places, struct why *why);
/* Could this text be such a file? */
int settings_try_places(const char *text, struct why *why);
/* A file that holds rules and nothing else. *ret_rules is NULL when it is empty. */
int settings_read_rules(const char *path, struct rules **ret_rules, struct why *why);
/* Could this text be such a file? */
int settings_try_rules(const char *text, struct why *why);
/* One setting, as on a line of the file. */
int settings_set(struct settings *s, const char *section, const char *name, const char *value, struct why *why);
/* A commented configuration file with these values. */
void settings_print(const struct settings *s, FILE *out);
/* The table as Markdown, for docs/settings.md. */
void settings_document(FILE *out);
/* What single values cannot show: sums and combinations. */
int settings_check(const struct settings *s, struct why *why);

#define SETTINGS_DEFAULT_PATH "/etc/earshot/earshot.conf"
