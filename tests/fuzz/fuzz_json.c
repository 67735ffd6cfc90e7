/* JSON that comes from outside: a set of recording rules, a call that somebody describes, the file
 * beside a recording, that file around any bytes as its packed record. The first byte says which.
 * What is accepted must be fit for use. */
#include <assert.h>
#include <stdlib.h>

#include "app/policies_json.h"
#include "app/sidecar.h"
#include "base/buf.h"
#include "base/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char RULES[] = "{\"rules\":[{\"name\":\"a\",\"action\":\"record\",\"caller\":[\"al*\","
                            "\"b?b\"],\"network\":\"10.0.0.0/8\","
                            "\"header\":[\"X-Record: yes\",\"Subject ~ "
                            "card\"]},{\"name\":\"b\",\"action\":\"skip\",\"direction\":\"in\","
                            "\"min_duration\":\"5s\"}]}";

/* What was read is shown as JSON that can be read. */
static void use_set(const struct rules *set)
{
    struct buf out;
    struct why why = {""};
    buf_init(&out, 16u << 20);
    if (rules_check(set, &why) != 0)
        assert(why.text[0]);
    policies_json(&out, set, 0, "api");
    struct json_value *shown = out.failed ? NULL : json_read(buf_view(&out), 16u << 20, 8);
    assert(out.failed || (shown && json_value_is_object(shown)));
    json_read_free(shown);
    buf_fini(&out);
}

static void use_rules(struct slice text)
{
    struct rules *set = NULL;
    struct why why = {""};
    if (policies_parse(text, &set, &why) == 0)
        use_set(set);
    else
        assert(set == NULL && why.text[0]);
    rules_let_go(set);
}

static void use_case(struct slice text)
{
    struct policies_case c = {0};
    struct rules *set = NULL;
    struct rule_decision otherwise = {0};
    struct why why = {""};
    struct buf out;
    int read = policies_parse(slice_str(RULES), &set, &why);
    assert(read == 0);
    buf_init(&out, 1u << 20);
    if (policies_case_read(&c, text, &why) == 0) {
        c.facts.headers = policies_case_headers(&c, set);
        policies_tried(&out, set, &c.facts, &otherwise);
        assert(out.size && !out.failed);
    } else {
        assert(why.text[0]);
    }
    buf_fini(&out);
    policies_case_fini(&c);
    rules_let_go(set);
}

static void use_sidecar(struct slice text)
{
    struct call_record *r = NULL;
    struct why why = {""};
    if (sidecar_read(text, &r, &why) == 0)
        assert(r && r->uid[0]);
    else
        assert(r == NULL);
    record_free(r);
}

static void put_base64(struct buf *out, struct slice bytes)
{
    static const char SIGNS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t three = (uint32_t)bytes.data[i] << 16 | (left > 1 ? bytes.data[i + 1] << 8 : 0) |
                         (left > 2 ? bytes.data[i + 2] : 0);
        char four[5] = {SIGNS[three >> 18], SIGNS[three >> 12 & 63], SIGNS[three >> 6 & 63],
                        SIGNS[three & 63]};
        if (left < 3)
            four[3] = '=';
        if (left < 2)
            four[2] = '=';
        buf_str(out, four);
    }
}

/* Else nothing came past the sum. */
static void use_packed(struct slice bytes)
{
    uint8_t digest[32];
    char hex[65];
    struct buf text;
    crypto_sha256(bytes, digest);
    buf_init(&text, 16u << 20);
    buf_str(&text, "{\"row\":{\"format\":1,\"packed\":\"");
    put_base64(&text, bytes);
    buf_printf(&text, "\",\"sha256\":\"%s\"}}", crypto_hex(slice_of(digest, sizeof digest), hex));
    if (!text.failed)
        use_sidecar(buf_view(&text));
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice text = slice_of(data + 1, size - 1);
    static void (*const USES[])(struct slice) = {use_rules, use_case, use_sidecar, use_packed};
    USES[data[0] % 4](text);
    return 0;
}
