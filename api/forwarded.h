/* Behind a proxy: who asks. Pure. */
#pragma once

#include "base/addr.h"

#define FORWARDED_LINES_MAX 8

/* `from` is who holds the connection, `lines` the newest X-Forwarded-For lines in the order they came, `proxies` the networks that may
 * speak for others, with commas between; "" is nobody. Who is not of these is asking himself, whatever the lines say. Else it is
 * the last address of the list that is no such proxy: each writes behind the list whom it was asked by, and what stands
 * ahead of that is whatever the client wrote. What says no address is no proxy's word: then nobody asks (::, which is in no network). */
struct addr forwarded_peer(struct addr from, const char *const *lines, unsigned count, const char *proxies);
/* Networks with commas between, at least one or none at all. */
bool forwarded_proxies_valid(const char *proxies);
