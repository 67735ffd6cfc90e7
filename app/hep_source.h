/* The [hep] section: from its text to a source that listens for HEP. */
#pragma once

#include "app/settings.h"
#include "capture/source/source.h"

/* "udp:127.0.0.1:9060, tls:[::]:9061"; without an address ("udp:9060") only this host can reach it. Fills at most
 * SOURCE_HEP_LISTENERS_MAX; `count` 0 for an empty text. 0 or ERR_INVALID with the part that is wrong. */
int hep_source_listeners(const char *text, struct source_hep_listener *ret_listeners, unsigned *ret_count, struct why *why);
/* Can this section be opened as it stands? 0 or ERR_INVALID. */
int hep_source_check(const struct settings *s, struct why *why);
/* *ret is NULL when the section says nothing. 0 or ERR_. Its frames have the index behind the last interface of [capture]. */
int hep_source_open(const struct settings *s, struct source **ret, struct why *why);
