/* From settings to the configurations of the rooms. */
#pragma once

#include "app/pipeline.h"
#include "app/settings.h"

/* Everything but secrets, sinks and counters. `spool` must outlive pipeline_new(); NULL: keep nothing. */
void setup_pipeline(const struct settings *s, const struct spool_config *spool, struct pipeline_config *ret_config);
void setup_spool(const struct settings *s, const char *data_dir, struct spool_config *ret_config);
