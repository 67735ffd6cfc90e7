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
    FILE *file;
    int line, first_line; /* that stands there now; that the first complaint is about */
    struct why first;
};

/* Of several complaints the first is told. */
static void complain_of(struct reading *r, const struct why *why)
{
    if (r->first.text[0])
        return;
    r->first = *why;
    r->first_line = r->line;
}

/* What did not fit is not taken for a line of its own. */
static void too_long(struct reading *r, const char *text)
{
    struct why why;
    bool more = false;
    for (int c; (c = getc(r->file)) != EOF && c != '\n';)
        more = true;
    if (!more || strchr("#;", text[strspn(text, " \t")]))
        return;
    why_set(&why, "the line is longer than %zu bytes; lists of rules, trunks and sites go on in a further line of the same name", strlen(text));
    complain_of(r, &why);
}

/* As fgets; counts the lines, for inih tells a handler none. */
static char *next_line(char *text, int size, void *stream)
{
    struct reading *r = stream;
    if (fgets(text, size, r->file) == NULL)
        return NULL;
    r->line++;
    if (strchr(text, '\n') == NULL)
        too_long(r, text);
    return text;
}

static int on_setting(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;
    struct why why = {0};
    int err = ERR_INVALID;
    if (section[0] == '\0')
        why_set(&why, "\"%s\" stands in no section: a line such as [api] has to go ahead of it", name);
    else
        err = settings_set(r->settings, section, name, value, &why);
    if (err)
        complain_of(r, &why);
    return err == 0;
}

static int unreadable(const char *path, struct why *why)
{
    int error = errno;
    why_set(why, "cannot read the configuration %s: %s", path, strerror(error));
    return error == ENOENT ? ERR_NOT_FOUND : err_of_errno(error);
}

int settings_read(struct settings *s, const char *path, struct why *why)
{
    struct reading reading = {.settings = s, .file = fopen(path, "r")};
    if (reading.file == NULL)
        return unreadable(path, why);
    int line = ini_parse_stream(next_line, &reading, on_setting, &reading);
    int err = ferror(reading.file) ? unreadable(path, why) : 0; /* a directory can be opened */
    fclose(reading.file);
    if (err || (line == 0 && reading.first_line == 0))
        return err;
    bool ours = reading.first_line && (line == 0 || reading.first_line <= line);
    why_set(why, "%s, line %d: %s", path, ours ? reading.first_line : line,
            ours ? reading.first.text : "neither a [section], a comment nor name = value");
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
