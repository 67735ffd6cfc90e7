/* Keys that somebody pressed, taken out of packets of the spool that are given out (redact=dtmf):
 * the one place for those that were kept as they came. What shall never be kept is overwritten
 * earlier (worker_mask.h, worker_redact.c). */
#pragma once

#include "storage/call_pcap.h"

/* Events of RTP, also in redundant audio, become event 255, which is none; keys in INFO and KPML as
 * in mask.h. Encrypted media stays. */
call_pcap_hide key_hide;
