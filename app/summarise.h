/* From what a worker gathered to the record that is stored. Pure: looks at the call, its flows and streams, and writes a
 * struct call_record; nothing else changes. */
#pragma once

#include "app/worker.h"

/* `call` is the frozen call at its end, NULL for an early row (then the brief is the source, and there are no chains). NULL
 * without memory. */
struct call_record *summarise(const struct wcall *wc, const struct call *call, const struct worker_config *config);
/* The call alone, without streams, chains and what is made of them: who, whom, when and how it ended. For those who are told
 * while it goes on. */
struct call_record *summarise_head(const struct wcall *wc, const struct call *call, const struct worker_config *config);
/* RFC 9562 text of 16 bytes. */
void uid_text(const uint8_t uid[16], char ret_text[40]);
bool uid_parse(const char *text, uint8_t ret_uid[16]);
/* The MOS of the newest scoring window, NAN without one; *ret_r and *ret_scale for the quality band. */
double stream_window_score(const struct wstream *s, double *ret_r, const char **ret_scale);
const char *confidence_text(unsigned confidence);
const char *media_type_text(unsigned type);
