/* What is known of an import stands in a small file of lines "name value", put in place whole. One table writes and reads it. */
#include "app/importer_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/put_file.h"

enum kind { TEXT, TIME, COUNT, SMALL };

#define FIELD(kind, name) {#name, kind, offsetof(struct api_import, name), sizeof((struct api_import *)0)->name}
static const struct {
    const char *name;
    enum kind kind;
    size_t offset, size;
} FIELDS[] = {
    FIELD(TEXT, name),            FIELD(TEXT, actor),          FIELD(SMALL, state),         FIELD(TIME, received_us),
    FIELD(TIME, started_us),      FIELD(TIME, ended_us),       FIELD(COUNT, bytes),         FIELD(TEXT, sha256),
    FIELD(SMALL, attempts),       FIELD(SMALL, crashes),         FIELD(COUNT, packets),       FIELD(COUNT, calls),         FIELD(COUNT, others),
    FIELD(TIME, first_us),        FIELD(TIME, last_us),        FIELD(COUNT, missed_packets), FIELD(COUNT, unkept_packets),
    FIELD(COUNT, evicted_calls),  FIELD(COUNT, skipped_calls), FIELD(TEXT, error),
};
#undef FIELD
#define FIELD_COUNT (sizeof FIELDS / sizeof *FIELDS)

void import_path(const struct importer *m, const char *id, const char *end, char out[600])
{
    snprintf(out, 600, "%.480s/" IMPORTS_DIR "/%s%s", m->config.settings->data_dir, id, end);
}

static void print_field(struct buf *out, unsigned f, const struct api_import *i)
{
    const char *at = (const char *)i + FIELDS[f].offset;
    switch (FIELDS[f].kind) {
    case TEXT:
        buf_printf(out, "%s %s\n", FIELDS[f].name, at);
        break;
    case TIME:
        buf_printf(out, "%s %" PRId64 "\n", FIELDS[f].name, *(const int64_t *)(const void *)at);
        break;
    case COUNT:
        buf_printf(out, "%s %" PRIu64 "\n", FIELDS[f].name, *(const uint64_t *)(const void *)at);
        break;
    case SMALL:
        buf_printf(out, "%s %u\n", FIELDS[f].name, *(const unsigned *)(const void *)at);
        break;
    }
}

int import_write(const struct importer *m, const struct api_import *i)
{
    char dir[600], name[60];
    struct buf text;
    buf_init(&text, 8192);
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        print_field(&text, f, i);
    buf_printf(&text, "partial %d\n", i->partial);
    import_path(m, "", "", dir);
    snprintf(name, sizeof name, "%s.info", i->id);
    int err = text.failed ? ERR_NOMEM : put_file(dir, name, buf_view(&text));
    buf_fini(&text);
    return err;
}

static void read_field(unsigned f, const char *value, struct api_import *i)
{
    char *at = (char *)i + FIELDS[f].offset;
    switch (FIELDS[f].kind) {
    case TEXT:
        snprintf(at, FIELDS[f].size, "%s", value);
        break;
    case TIME:
        *(int64_t *)(void *)at = strtoll(value, NULL, 10);
        break;
    case COUNT:
        *(uint64_t *)(void *)at = strtoull(value, NULL, 10);
        break;
    case SMALL:
        *(unsigned *)(void *)at = (unsigned)strtoul(value, NULL, 10);
        break;
    }
}

static void read_line(char *line, struct api_import *i)
{
    char *value = strchr(line, ' ');
    if (value == NULL)
        return;
    *value++ = '\0';
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (strcmp(FIELDS[f].name, line) == 0)
            read_field(f, value, i);
    if (strcmp(line, "partial") == 0)
        i->partial = *value == '1';
}

bool import_read(const struct importer *m, const char *id, struct api_import *ret_import)
{
    char dir[600], name[60], *rest = NULL;
    size_t size;
    int err;
    import_path(m, "", "", dir);
    snprintf(name, sizeof name, "%.40s.info", id);
    char *text = get_file(dir, name, &size, &err);
    if (text == NULL)
        return false;
    *ret_import = (struct api_import){0};
    snprintf(ret_import->id, sizeof ret_import->id, "%.36s", id);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        read_line(line, ret_import);
    free(text);
    if (ret_import->state > API_IMPORT_FAILED)
        return false;
    ret_import->progress = ret_import->state == API_IMPORT_DONE;
    return ret_import->received_us != 0;
}

int import_forget(const struct importer *m, const char *id)
{
    char dir[600], name[60];
    import_path(m, "", "", dir);
    snprintf(name, sizeof name, "%.40s.info", id);
    return drop_file(dir, name);
}

/* Cut in between, the next start finds a file of nobody, and removes it. */
void import_unlink(const struct importer *m, const char *id)
{
    static const char *const ENDS[] = {".info", ".part", ".cap"};
    char path[600];
    for (size_t e = 0; e < sizeof ENDS / sizeof *ENDS; e++) {
        import_path(m, id, ENDS[e], path);
        (void)unlink(path);
    }
}
