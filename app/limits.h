/* Every ceiling that a stranger can reach, in one table: what it is, how near it was, how often it was met. For GET /limits. */
#pragma once

#include "app/settings.h"
#include "base/counters.h"
#include "base/json.h"

/* Gauges of tables that the service has beside the capture. */
void limits_refresh(const struct settings *settings, struct counters_set *set, struct counters *gauges, unsigned conversions, uint64_t list_bytes);
/* An object a ceiling, into the array that is open. */
void limits_json(struct json *j, const struct settings *settings, struct counters_set *set);
