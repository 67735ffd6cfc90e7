/* Captures that somebody brings over the API: taken into <data>/imports, read one at a time through a small pipeline of their own, in a
 * thread that gives way to everything else. What is live does not notice: its tables, counters, events and webhooks are others. Calls come out
 * as ever, with the import that they belong to in their record, and with ids that no other call has.
 *
 *   receiving --> queued --> running --> done | failed       <id>.part, then <id>.cap and <id>.info; the capture goes when it was read
 *
 * One that a stop or a crash cut is read once more from its beginning: calls that it made stand already and are not made twice. */
#pragma once

#include "api/imports.h"
#include "app/named.h"
#include "app/pipeline.h"
#include "app/renderer.h"
#include "app/settings.h"
#include "app/writer.h"

struct importer;

struct importer_config {
    const struct settings *settings;        /* borrowed */
    const struct pipeline_config *pipeline; /* as the service runs it; copied */
    const struct spool_config *spool;       /* borrowed */
    struct named_places *named;             /* calls are placed as those that are captured when their reading begins */
    struct writer *writer;
    struct renderer *renderer;              /* its queue is looked at, nothing else */
    struct counters *counters;              /* of the importer's thread, in the service's set */
};

/* Takes up what an earlier run left. */
int importer_start(const struct importer_config *config, struct importer **ret_importer, struct why *why);
/* What is being read is put off; nothing is written any more when this returns. Uploads may still end. NULL is fine, like below. */
void importer_quit(struct importer *m);
void importer_free(struct importer *m);
/* For the API; what it names lives as long as the importer. */
struct api_import_source importer_source(struct importer *m);
