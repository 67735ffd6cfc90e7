/* Requests without a socket, for the tests of this folder. */
#pragma once

#include "api/handlers.h"

/* A request of the person at the machine at 2026-11-21T10:00:00Z: direct, from 127.0.0.1. `query`
 * is copied; its memory lives until the next call of the same thread. */
struct http_request request_for(const char *method, const char *path, const char *query);

/* store_calls() as these tests have it: while this is not 0 it finds so many calls that say nothing, else it is what it is. */
extern unsigned calls_listed;
