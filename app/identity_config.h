/* From settings to the rules by which callers and callees are named: number plan, order of sources,
 * chosen headers, certificates of those who sign. */
#pragma once

#include "app/settings.h"
#include "base/crypto_verify.h"
#include "capture/call/number.h"
#include "capture/front.h"
#include "storage/record_tags.h"

enum number_source {
    SOURCE_NONE,
    SOURCE_PAI,
    SOURCE_PPI,
    SOURCE_RPID,
    SOURCE_DIVERSION, /* the newest one: on whose behalf the call goes on */
    SOURCE_FROM,
    SOURCE_TO,
    SOURCE_REQUEST_URI,
    SOURCE_COUNT,
};
#define SOURCES_MAX 6

/* Certificates of [stir], read once at start; immutable then, shared by all workers. */
#define STIR_KEYS_MAX 64
#define STIR_NAME_MAX 128
struct stir_key {
    char name[STIR_NAME_MAX]; /* of its file: compared with the last part of x5u */
    struct crypto_verifier *verifier;
};
struct stir_keys {
    unsigned count;
    struct stir_key keys[STIR_KEYS_MAX];
};

/* A header whose value becomes a tag of the call. */
#define TAG_HEADERS_MAX 8
struct tag_header {
    char key[RECORD_TAG_KEY_MAX + 1];
    char header[FRONT_HEADER_SIZE];
};

struct identity_config {
    struct number_rules rules;
    uint8_t caller_from[SOURCES_MAX + 1]; /* enum number_source, ended by SOURCE_NONE */
    uint8_t callee_from[SOURCES_MAX + 1];
    int64_t stir_age_ns; /* 0: any */
    const struct stir_keys *stir; /* borrowed; NULL: none given */
    struct tag_header tag_headers[TAG_HEADERS_MAX];
    unsigned tag_header_count;
    bool keep_credentials;
    uint8_t call_id_chars; /* [correlation]; 0: Call-IDs are not compared in part */
    bool mask_dtmf;
};

/* NULL-safe texts of the record: "pai", "from", ...; NULL for SOURCE_NONE. */
const char *number_source_text(unsigned source);
/* All of it but the certificates. 0 or ERR_INVALID with a sentence that names the setting. Sets the
 * headers of `front`, those of records and those of correlation, when that is not NULL. */
int identity_configure(const struct settings *s, struct identity_config *ret_config,
                       struct front_config *front, struct why *why);
/* Files and folders of stir.certificates; NULL when none are set. 0 or ERR_. */
int stir_keys_load(const char *paths, struct stir_keys **ret_keys, struct why *why);
void stir_keys_free(struct stir_keys *k);
