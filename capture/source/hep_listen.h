/* The sockets that HEP is heard on: opening them, and saying in words why one cannot be. */
#pragma once

#include "capture/source/source.h"

/* A bound socket, non-blocking; of TCP and TLS listening. `at` gets the port where it was 0. Returns the
 * descriptor or ERR_. */
int hep_listen(enum source_hep_carrier carrier, struct endpoint *at, size_t receive_bytes,
               struct why *why);
/* A connection that waits on a listening socket: its descriptor, non-blocking, and whose it is. -1: none,
 * with errno. */
int hep_accept(int fd, struct addr *ret_from);
/* Datagrams that the kernel dropped on this socket since it was opened; its counter of 32 bits. */
uint32_t hep_socket_drops(int fd);

/* "udp:127.0.0.1:9060" */
#define HEP_LISTENER_TEXT_SIZE (ENDPOINT_TEXT_SIZE + 4)
const char *hep_listener_text(enum source_hep_carrier carrier, const struct endpoint *at,
                              char out[HEP_LISTENER_TEXT_SIZE]);

struct sockaddr_storage;
struct addr hep_addr_of(const struct sockaddr_storage *sa);
