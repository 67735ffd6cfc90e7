/* Any bytes as a URI, as an element of each identity header, as Replaces and Refer-To, as a number and as a text to redact.
 */
#include <assert.h>
#include <stdlib.h>

#include "app/passport.h"
#include "capture/call/number.h"
#include "capture/sip/mask.h"
#include "capture/sip/redact.h"
#include "capture/sip/replaces.h"
#include "capture/sip/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct number_rules rules = {.country = "49",
                                          .national_prefix = "0",
                                          .international_prefix = "00",
                                          .area = "30",
                                          .extension_length = 4,
                                          .rule_count = 2,
                                          .rules = {{"7", "+7", 11}, {"9", "", 0}}};

static void use_number(struct slice text)
{
    struct sip_uri uri;
    char number[NUMBER_SIZE], again[NUMBER_SIZE];
    if (!sip_uri_parse(text, &uri))
        return;
    assert(uri.digits[0] == '\0' || strlen(uri.digits) < URI_DIGITS_SIZE);
    if (uri.digits[0] && number_normalise(&rules, uri.digits, uri.context, number)) {
        assert(number[0] == '+');
        assert(number_normalise(&rules, number, slice_none(), again) && strcmp(number, again) == 0);
    }
}

static void use_elements(struct slice text)
{
    struct sip_diversion diversion;
    struct sip_history history;
    struct sip_remote_party party;
    struct sip_reason reason;
    sip_diversion_parse(text, &diversion);
    sip_history_parse(text, &history);
    sip_remote_party_parse(text, &party);
    sip_reason_parse(text, &reason);
    sip_privacy_hides(text);
}

static void use_dialogs(struct slice text)
{
    struct sip_dialog_name name;
    struct sip_refer_to refer;
    if (sip_dialog_name_parse(text, &name))
        assert(name.call_id.size > 0);
    if (sip_refer_to_parse(text, &refer)) {
        assert(refer.target.size > 0 && strlen(refer.replaces) < SIP_REPLACES_SIZE);
        sip_dialog_name_parse(slice_str(refer.replaces), &name);
    }
}

static void use_passport(struct slice text)
{
    struct sip_signed header;
    struct record_passport passport;
    struct passport_call call = {.caller = "+4930123456",
                                 .callee = "+12155550131",
                                 .started_us = 1443208345000000,
                                 .date = slice_str("Fri, 25 Sep 2015 19:12:25 GMT")};
    struct identity_config config = {.stir_age_ns = 60000000000};
    struct arena *arena = sip_signed_parse(text, &header) ? arena_new(4096, 65536) : NULL;
    if (arena) {
        passport_read(&header, &call, &config, arena, &passport);
        assert(passport.result != NULL);
    }
    arena_free(arena);
}

/* Redacting changes no length, and nothing is left to redact. */
static void use_redaction(struct slice text)
{
    uint8_t *copy = malloc(text.size + 1);
    if (copy == NULL)
        return;
    if (text.size)
        memcpy(copy, text.data, text.size);
    size_t first = sip_secret_at(text), hidden = sip_redact(copy, text.size);
    assert((first == text.size) == (hidden == 0));
    assert(first == 0 || memcmp(copy, text.data, first) == 0);
    free(copy);
}

/* The same of keys, and what is masked stays as it is. */
static void use_mask(struct slice text)
{
    uint8_t *copy = malloc(2 * text.size + 1);
    if (copy == NULL)
        return;
    if (text.size)
        memcpy(copy, text.data, text.size);
    size_t found = sip_digits_in(text);
    assert(sip_mask_digits(copy, text.size) == found);
    if (text.size)
        memcpy(copy + text.size, copy, text.size);
    sip_mask_digits(copy, text.size);
    assert(text.size == 0 || memcmp(copy, copy + text.size, text.size) == 0);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    use_number(text);
    use_elements(text);
    use_dialogs(text);
    use_passport(text);
    use_redaction(text);
    use_mask(text);
    return 0;
}
