/* From settings to what the detectors look for. */
#pragma once

#include "app/settings.h"
#include "capture/finding/config.h"

/* 0 or ERR_INVALID with a sentence that names the setting. */
int finding_configure(const struct settings *s, struct finding_config *ret_config, struct why *why);
/* "192.0.2.10", "198.51.100.0/24", "2001:db8::/32"; false: none of these. */
bool finding_network_read(struct slice text, struct finding_network *ret);
