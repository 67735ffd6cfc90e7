/* A service that runs, asked over its API by a command on a terminal. */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json_read.h"

/* What every such command can be told. The token is no option: the list of processes is for all to read. */
struct client_where {
    const char *url;        /* "https://pbx.example:8080"; NULL: as the configuration says */
    const char *token_file; /* NULL: the variable EARSHOT_TOKEN, and without it nothing */
    const char *ca_file;    /* PEM; NULL: the certificate of the configuration, else those of the system */
    const char *config;
};

#define CLIENT_HELP                                                                                                     \
    "  --url URL         of the service; default as [api] of the configuration says\n"                                  \
    "  --token-file FILE with a token of the API; else the variable EARSHOT_TOKEN, else none\n"                          \
    "  --ca FILE         certificates to trust in place of those of the system\n"                                       \
    "  --config FILE     configuration; default the installed one, when it exists\n"                                   \
    "  --help            this text\n"

enum { CLIENT_URL = 1000, CLIENT_TOKEN, CLIENT_CA, CLIENT_CONFIG };
#define CLIENT_OPTIONS                                                                                                  \
    {"url", required_argument, NULL, CLIENT_URL}, {"token-file", required_argument, NULL, CLIENT_TOKEN},                \
        {"ca", required_argument, NULL, CLIENT_CA}, {"config", required_argument, NULL, CLIENT_CONFIG},                 \
        {"help", no_argument, NULL, 'h'}
/* Takes one of CLIENT_OPTIONS but --help; false: it is none. */
bool client_option(struct client_where *w, int option, const char *value);

struct client;

/* EXIT_DONE, or the exit code after a complaint. */
int client_open(const struct client_where *where, struct client **ret_client);
void client_close(struct client *c);

/* What GET of a path below /api/v1 ("/calls?limit=1") gives, to be freed; NULL: `why` says what the service, or the way to it, says. */
struct json_value *client_json(struct client *c, const char *path, struct why *why);
/* The same as it comes, text of the body; an ERR_ code. */
int client_text(struct client *c, const char *path, struct buf *out, struct why *why);
/* POST of a JSON body. 0, or `why` says what kept it from being done. */
int client_post(struct client *c, const char *path, struct slice body, struct why *why);
/* POST of a file, as it is; what the service says of it, to be freed, or NULL and `why`. */
struct json_value *client_bring(struct client *c, const char *path, struct slice file, struct why *why);
/* The same as client_text() into a file, hashed (SHA-256, in hex). ERR_NOT_FOUND: there is none (404, 409, 410). */
int client_file(struct client *c, const char *path, FILE *out, char ret_digest[65], uint64_t *ret_bytes, struct why *why);
