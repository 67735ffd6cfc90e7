/* What somebody wants exported: the body of POST /exports and back. */
#pragma once

#include "api/call_filter.h"
#include "base/json.h"
#include "base/json_read.h"
#include "storage/call_pcap.h"

#define EXPORT_FILTER_SIZE   4096
#define EXPORT_CALLS_DEFAULT 1000

enum export_kind { EXPORT_CSV, EXPORT_NDJSON, EXPORT_AUDIO, EXPORT_PCAP, EXPORT_FULL, EXPORT_KINDS };
enum export_container { EXPORT_BARE, EXPORT_ZIP, EXPORT_TAR, EXPORT_CONTAINERS };
extern const char *const EXPORT_KIND_NAMES[EXPORT_KINDS + 1];
extern const char *const EXPORT_CONTAINER_NAMES[EXPORT_CONTAINERS + 1];

struct export_ask {
    enum export_kind kind;
    enum export_container container;
    enum call_pcap_rtp rtp; /* of its captures */
    bool all_legs;          /* a capture holds the legs of its call, too */
    uint32_t max_calls;
    char filter[EXPORT_FILTER_SIZE]; /* as the query of GET /calls */
};

struct export_ask_error {
    const char *code;
    char field[80];
    char detail[300];
};

/* False: *ret_error says why. What the filter says of calls is not looked at yet. */
bool export_ask_parse(struct slice body, uint32_t calls_max, struct export_ask *ret_ask, struct export_ask_error *ret_error);
/* Its members into an open object, the filter as an object. */
void export_ask_json(struct json *j, const struct export_ask *ask);
/* The same out of an object, without a look at whether they fit together. */
bool export_ask_read(const struct json_value *object, uint32_t calls_max, struct export_ask *ret_ask, struct export_ask_error *ret_error);

/* The filter as parameters, in a copy of its text: release it with free(). NULL, and no parameters: it is
 * none, or there is no memory. */
char *export_filter_params(const struct export_ask *ask, struct http_query *ret_params);
/* Bits of enum scope: what the direct routes ask of who has all that is in it. */
unsigned export_scopes(const struct export_ask *ask);
bool export_has_audio(const struct export_ask *ask);
bool export_has_pcap(const struct export_ask *ask);
