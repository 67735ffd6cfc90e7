/* From settings to the configurations of the rooms. */
#pragma once

#include "app/pipeline.h"
#include "app/settings.h"
#include "app/sound.h"
#include "storage/kpi_book.h"

/* Everything but secrets, sinks and counters. `spool` must outlive pipeline_new(); NULL: keep nothing. */
void setup_pipeline(const struct settings *s, const struct spool_config *spool, struct pipeline_config *ret_config);
void setup_spool(const struct settings *s, const char *data_dir, struct spool_config *ret_config);
/* `data_dir` holds the spool. Without counters. */
struct sound_config setup_sound(const struct settings *s, const char *data_dir);
/* How calls are counted. ERR_INVALID with the sentence. */
int setup_kpi(const struct settings *s, struct kpi_book_config *ret_config, struct why *why);
/* The filter of an interface: that of the settings, without the traffic of the API on `port`. ERR_INVALID when it is too long. */
int setup_live_filter(const struct settings *s, uint16_t port, char *out, size_t size);
