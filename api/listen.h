#pragma once

#include "api/server.h"

struct sockaddr;

/* A non-blocking listening socket on config->port of `a`, and the port it got (config->port 0: any
 * free one). */
int listen_open(const struct api_config *c, struct addr a, int *ret_fd, uint16_t *ret_port,
                struct why *why);
/* The address without its port; all zero for another family. */
struct addr addr_of_sockaddr(const struct sockaddr *sa);
