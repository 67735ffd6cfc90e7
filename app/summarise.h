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
static inline int64_t us(int64_t ns)
{
    return ns / 1000;
}
