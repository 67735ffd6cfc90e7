/* Who guesses: failures by address, in a bounded table. A wrong password weighs twenty times a wrong token (which nobody guesses).
 * What is forgiven comes back over time; beyond it each further failure doubles the time that the address has to wait, up to a
 * quarter of an hour. The lock is on the address and never on the account: nobody can lock out somebody else. Any thread. */
#pragma once

#include "base/addr.h"

#define ATTEMPT_PASSWORD 20
#define ATTEMPT_TOKEN    1

struct attempts;

struct attempts *attempts_new(void);
void attempts_free(struct attempts *a);
/* Whole seconds until this address may try again; 0: it may. */
unsigned attempts_wait(struct attempts *a, struct addr from, int64_t now_us);
void attempts_failed(struct attempts *a, struct addr from, int64_t now_us, unsigned weight);
