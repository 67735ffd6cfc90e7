/* After a newer version was installed: files of days that the one before wrote are brought to the present form (store_bring_up()), by a thread
 * at low priority, while capture goes on. Who looks into one of them meanwhile finds all of it. */
#pragma once

#include "base/error.h"

struct upgrade;

int upgrade_start(const char *data_dir, struct upgrade **ret_upgrade, struct why *why);
/* When the file at hand is done; the others are left to the next start. NULL is fine. */
void upgrade_stop(struct upgrade *u);
