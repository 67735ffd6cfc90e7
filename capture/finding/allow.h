/* Who causes no findings, by the settings. Private to capture/finding/. */
#pragma once

#include "capture/finding/config.h"
#include "capture/sip/sip.h"

bool allow_address(const struct finding_config *config, struct addr a);
bool allow_software(const struct finding_config *config, struct slice user_agent);
/* A user, or "user@host": compared whole, or the part ahead of the @. */
bool allow_user(const struct finding_config *config, struct slice user);
/* Does `text` contain `word`, case aside? */
bool text_has(struct slice text, const char *word);
