#include "storage/record_files.h"

#include <stdio.h>
#include <string.h>

#include "storage/record.h"

void record_file_id(const struct call_record *r, const struct record_file *file,
                    char out[RECORD_FILE_ID_SIZE])
{
    if (strcmp(file->kind, "mix") == 0)
        snprintf(out, RECORD_FILE_ID_SIZE, "%s-mix", r->uid);
    else if (strcmp(file->kind, "track") == 0)
        snprintf(out, RECORD_FILE_ID_SIZE, "%s-t%u", r->uid, file->number);
    else if (file->number <= 1)
        snprintf(out, RECORD_FILE_ID_SIZE, "%s%s%s", r->recording.id, file->side ? "-" : "", file->side ? file->side : "");
    else
        snprintf(out, RECORD_FILE_ID_SIZE, "%s%s%s-p%u", r->recording.id, file->side ? "-" : "", file->side ? file->side : "", file->number);
}

static const struct record_file *find_in(const struct call_record *r,
                                         const struct record_files *files, const char *id)
{
    char own[RECORD_FILE_ID_SIZE];
    for (uint32_t i = 0; i < files->count; i++) {
        record_file_id(r, &files->items[i], own);
        if (strcmp(own, id) == 0)
            return &files->items[i];
    }
    return NULL;
}

const struct record_file *record_file_find(const struct call_record *r, const char *id)
{
    const struct record_file *f = find_in(r, &r->recording.files, id);
    return f ? f : find_in(r, &r->tracks, id);
}

void record_film_id(const struct call_record *r, const struct record_film *film,
                    char out[RECORD_FILE_ID_SIZE])
{
    snprintf(out, RECORD_FILE_ID_SIZE, "%s-v%u", r->uid, film->number);
}

const struct record_film *record_film_find(const struct call_record *r, const char *id)
{
    char own[RECORD_FILE_ID_SIZE];
    for (uint32_t i = 0; i < r->recording.film_count; i++) {
        record_film_id(r, &r->recording.films[i], own);
        if (strcmp(own, id) == 0)
            return &r->recording.films[i];
    }
    return NULL;
}

bool record_files_have(const struct record_files *files, const char *uid)
{
    for (uint32_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].uid, uid) == 0)
            return true;
    return false;
}
