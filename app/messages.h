/* What stands in the text of a call's SIP message, for lists and ladders: a message_describe_fn (storage/spool.h). */
#pragma once

#include "storage/spool.h"

void message_describe(const struct call_record *call, const struct spool_packet *packet, struct record_message *message);
