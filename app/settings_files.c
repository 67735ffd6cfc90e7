/* Files of settings: the configuration with its conf.d/, and the parts of it that the API puts into files of their own. inih is met here
 * alone. */
#include "app/settings.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct settings *settings;
    struct why first;
};

static int on_setting(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;
    struct why why = {0};
    if (settings_set(r->settings, section, name, value, &why) == 0)
        return 1;
    if (r->first.text[0] == '\0')
        r->first = why;
    return 0;
}

int settings_read(struct settings *s, const char *path, struct why *why)
{
    struct reading reading = {.settings = s};
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        why_set(why, "cannot read the configuration %s: %s", path, strerror(errno));
        return errno == ENOENT ? ERR_NOT_FOUND : err_of_errno(errno);
    }
    int line = ini_parse_file(f, on_setting, &reading);
    fclose(f);
    if (line == 0)
        return 0;
    why_set(why, "%s, line %d: %s", path, line,
            reading.first.text[0] ? reading.first.text : "neither a [section], a comment nor name = value");
    return ERR_INVALID;
}

static int is_conf(const struct dirent *e)
{
    size_t size = strlen(e->d_name);
    return e->d_name[0] != '.' && size > 5 && strcmp(e->d_name + size - 5, ".conf") == 0;
}

static int read_folder(struct settings *s, const char *path, struct why *why)
{
    char folder[512];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*sconf.d", slash ? (int)(slash - path + 1) : 0, path);
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_conf, alphasort);
    int err = 0;
    for (int i = 0; i < count; i++) {
        char file[1024];
        snprintf(file, sizeof file, "%s/%s", folder, names[i]->d_name);
        if (err == 0)
            err = settings_read(s, file, why);
        free(names[i]);
    }
    free(names);
    return err;
}

int settings_load(struct settings *s, const char *path, struct why *why)
{
    const char *file = path ? path : SETTINGS_DEFAULT_PATH;
    int err = settings_read(s, file, why);
    if (err == ERR_NOT_FOUND && path == NULL)
        return 0;
    return err ? err : read_folder(s, file, why);
}

/* ---- parts ---- */

static int on_rule(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;
    return rules_set(&r->settings->rules, section, name, value, &r->first) == 0;
}

static int on_place(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;
    if (!places_section(section))
        why_set(&r->first, "[%s] does not belong here", section);
    return places_section(section) && places_set(&r->settings->places, section, name, value, &r->first) == 0;
}

/* What stands in a file of its own besides, put there by the API. */
struct part {
    ini_handler take;
    const char *instead; /* of mending a file that cannot be read */
    const char *said;    /* of a text that could not be read as that file */
};

static const struct part RULES = {on_rule, "to go back to the rules of the configuration", "It could not be read again"};
static const struct part PLACES = {on_place, "and name its trunks and aliases again", "it could not be read again"};

static int read_part(const struct part *part, const char *path, struct settings *holder, struct why *why)
{
    struct reading reading = {.settings = holder};
    int line = ini_parse(path, part->take, &reading);
    if (line == 0)
        return 0;
    settings_free(holder);
    why_set(why, "%s, line %d: %s; mend the line, or delete the file %s", path, line,
            line < 0 ? "it cannot be read" : reading.first.text, part->instead);
    return ERR_INVALID;
}

static int try_part(const struct part *part, const char *text, struct why *why)
{
    struct settings holder = {0};
    struct reading reading = {.settings = &holder};
    int line = ini_parse_string(text, part->take, &reading);
    settings_free(&holder);
    if (line)
        why_set(why, "%s: line %d: %s", part->said, line, reading.first.text[0] ? reading.first.text : "it is no line of a configuration");
    return line ? ERR_INVALID : 0;
}

int settings_read_rules(const char *path, struct rules **ret_rules, struct why *why)
{
    struct settings holder = {0};
    int err = read_part(&RULES, path, &holder, why);
    *ret_rules = holder.rules;
    return err;
}

int settings_try_rules(const char *text, struct why *why)
{
    return try_part(&RULES, text, why);
}

int settings_read_places(const char *path, struct places **ret_places, struct why *why)
{
    struct settings holder = {0};
    int err = read_part(&PLACES, path, &holder, why);
    *ret_places = holder.places;
    return err;
}

int settings_try_places(const char *text, struct why *why)
{
    return try_part(&PLACES, text, why);
}
