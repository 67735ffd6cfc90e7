/* Links that a media element can follow: it sends no header, so who asked for the link stands in it, with an end a minute away and
 * a MAC over all of it and the path. A link is for one object, and only as long as who asked may still have it; the key is new with
 * each start. */
#pragma once

#include "api/auth.h"

#define LINK_LIFE_S 60
#define LINK_SIZE   160

/* The value of `sig`. */
void link_sign(const uint8_t key[32], const char *path, const struct http_query *query,
               const struct identity *who, int64_t now_us, char ret_sig[LINK_SIZE]);

struct link_owner {
    enum identity_kind kind; /* IDENTITY_LOCAL, IDENTITY_TOKEN; IDENTITY_ACCOUNT: whose session it is */
    char token[24];
    uint64_t session;
};
/* Is `sig` ours for this path and these parameters (itself left out), and not over? */
bool link_check(const uint8_t key[32], const char *path, const struct http_query *query, const char *sig,
                int64_t now_us, struct link_owner *ret_owner);
